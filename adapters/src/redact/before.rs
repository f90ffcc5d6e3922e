//! What stands before a credential. A word that goes on is none, but the end of an escape is no word:
//! in `\nAKIA…` of a JSON string, and in a coloured text, a credential begins.

/// What has to stand before a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// Whatever does.
    Anything,
    /// The end of a word, or none: in `task-…` stands no `sk-…`.
    NoWord,
    /// A digit.
    Digit,
}

/// How texts write the character that begins a terminal's escape.
const ESCAPES: [&[u8]; 7] = [b"\x1b", b"\\u001b", b"\\u001B", b"\\x1b", b"\\x1B", b"\\033", b"\\e"];

/// Bytes that an escape of a terminal takes at most.
const LONGEST: usize = 40;

impl Before {
    /// Whether a credential may begin at this place.
    pub(super) fn allows(self, bytes: &[u8], at: usize) -> bool {
        let before = &bytes[at.saturating_sub(LONGEST)..at];
        match self {
            Self::Anything => true,
            Self::NoWord => {
                let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
                !before.last().is_some_and(is_word) || ends_escape(before)
            }
            Self::Digit => before.last().is_some_and(u8::is_ascii_digit),
        }
    }
}

fn ends_escape(before: &[u8]) -> bool {
    match before {
        [.., b'\\', b'n' | b'r' | b't' | b'f' | b'b' | b'v' | b'0']
        | [.., b'\\', b'u', _, _, _, _]
        | [.., b'%', _, _] => true,
        [.., letter] if letter.is_ascii_alphabetic() => is_control_sequence(before),
        _ => false,
    }
}

/// Whether a sequence such as that for a colour ends here.
fn is_control_sequence(before: &[u8]) -> bool {
    let letters = &before[..before.len() - 1];
    let is_parameter = |byte: &u8| matches!(byte, b'0'..=b'9' | b';' | b':' | b'?');
    let parameters = letters.iter().rev().take_while(|byte| is_parameter(byte)).count();
    let intro = &letters[..letters.len() - parameters];
    let escape = intro.strip_suffix(b"[");
    escape.is_some_and(|escape| ESCAPES.iter().any(|written| escape.ends_with(written)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_is_no_word() {
        for before in [
            "",
            " ",
            "-",
            "=",
            "\"",
            "é",
            r"\n",
            r"\\t",
            r"\u003d",
            "%3D",
            "\x1b[32m",
            "\x1b[0;1m",
            r"\u001b[38;5;1m",
            r"\e[0m",
            "\x1b[K",
        ] {
            assert!(Before::NoWord.allows(before.as_bytes(), before.len()), "{before:?}");
        }
        for before in ["n", "a", "_", "7", "[0m", "m", r"\ n", "x[32m", "u003d"] {
            assert!(!Before::NoWord.allows(before.as_bytes(), before.len()), "{before:?}");
        }
        assert!(Before::Digit.allows(b"12", 2) && !Before::Digit.allows(b"a", 1));
    }
}
