//! Untrusted text made fit to be shown: escape sequences and what acts are taken out.

use std::borrow::Cow;

use crate::text::acts;

const ESC: char = '\u{1b}';
const BEL: char = '\u{7}';
/// The C1 form of `ESC [`.
const CSI: char = '\u{9b}';
/// The C1 form of `ESC \`.
const ST: char = '\u{9c}';

/// Whether a character acts on the text around it instead of being shown; tabs and newlines may.
#[must_use]
pub fn is_unsafe(c: char) -> bool {
    !matches!(c, '\t' | '\n') && acts(c)
}

/// Takes out everything that [`acts`]: escape sequences as a whole, the other controls, and format
/// characters. Tabs and newlines stay. A carriage return becomes a newline, so that what it would
/// have overwritten can be read; so do Unicode's line and paragraph separators.
///
/// A string sequence (a title, a link) that does not end on its line loses only its beginning:
/// nobody hides the rest of a text behind one.
#[must_use]
pub fn sanitise(text: &str) -> Cow<'_, str> {
    if is_plain(text) || !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        rest = match c {
            ESC => skip_escape(after),
            CSI => skip_csi(after),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => skip_string(after),
            '\r' => {
                safe.push('\n');
                after.strip_prefix('\n').unwrap_or(after)
            }
            '\u{2028}' | '\u{2029}' => {
                safe.push('\n');
                after
            }
            _ => {
                if !is_unsafe(c) {
                    safe.push(c);
                }
                after
            }
        };
    }
    Cow::Owned(safe)
}

/// Whether all of it is ASCII that is safe: nearly always, and much quicker found out.
fn is_plain(text: &str) -> bool {
    let is_safe = |byte: u8| matches!(byte, b'\t' | b'\n' | b' '..=b'~');
    let (pieces, rest) = text.as_bytes().as_chunks::<32>();
    pieces.iter().all(|piece| piece.iter().fold(true, |all, byte| all & is_safe(*byte)))
        && rest.iter().all(|byte| is_safe(*byte))
}

/// Skips what follows an ESC.
fn skip_escape(text: &str) -> &str {
    let mut chars = text.chars();
    match chars.next() {
        Some('[') => skip_csi(chars.as_str()),
        Some(']' | 'P' | 'X' | '^' | '_') => skip_string(chars.as_str()),
        Some(' '..='/') => {
            let text = text.trim_start_matches(|c| matches!(c, ' '..='/'));
            text.strip_prefix(|c| matches!(c, '0'..='~')).unwrap_or(text)
        }
        Some('0'..='~') => chars.as_str(),
        _ => text,
    }
}

/// Skips parameters, intermediates and the final character of a control sequence.
fn skip_csi(text: &str) -> &str {
    let text = text.trim_start_matches(|c| matches!(c, '0'..='?'));
    let text = text.trim_start_matches(|c| matches!(c, ' '..='/'));
    text.strip_prefix(|c| matches!(c, '@'..='~')).unwrap_or(text)
}

/// Skips to the end of a string sequence, if it ends on this line.
fn skip_string(text: &str) -> &str {
    let line = text.split('\n').next().unwrap_or_default();
    let bell = line.find([BEL, ST]).map(|at| &text[at..]);
    let escape = line.find("\u{1b}\\").map(|at| &text[at + 2..]);
    let mut end = bell.and_then(|at| at.chars().next().map(|c| &at[c.len_utf8()..]));
    if escape.is_some_and(|e| end.is_none_or(|b| b.len() < e.len())) {
        end = escape;
    }
    end.unwrap_or(text)
}

/// The text in one line: every run of white space becomes one space.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in sanitise(text).split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, safe: &str) {
        assert_eq!(sanitise(text), safe);
        assert_eq!(sanitise(safe), safe, "sanitising twice changes nothing");
    }

    #[test]
    fn escape_sequences_go_and_the_text_stays() {
        check(
            "\u{1b}[1;31mred\u{1b}[0m, \u{9b}2Jclear, \u{1b}(B\u{1b}7\u{1b}cplain",
            "red, clear, plain",
        );
        check("\u{1b}[31\u{e9}t\u{e9} \u{1b}[?25l\u{1b}[>4;2mx\u{1b}", "\u{e9}t\u{e9} x");
    }

    #[test]
    fn titles_and_links_go_as_a_whole() {
        check("a\u{1b}]0;owned\u{7}b", "ab");
        check("a\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\b", "alinkb");
        check("a\u{9d}52;c;bWU=\u{9c}b\u{1b}P1$r0m\u{1b}\\c", "abc");
    }

    #[test]
    fn a_sequence_without_an_end_hides_nothing() {
        check("a\u{1b}]0;the rest\nof the text\u{7}", "a0;the rest\nof the text");
        check("\u{1b}Pdecision: error", "decision: error");
    }

    #[test]
    fn lone_controls_and_format_characters_go() {
        check("a\u{0}b\u{8}c\u{7f}d\u{85}e\u{7}f", "abcdef");
        check("\u{feff}a\u{200b}b\u{ad}c\u{200f}d\u{e0041}\u{e0042}e", "abcde");
        check("\u{202e}gnp.exe\u{202c} \u{2066}x\u{2069}", "gnp.exe x");
        check(
            "\ttab\nline \u{1f469}\u{200d}\u{1f4bb} \u{4f60}\u{597d}",
            "\ttab\nline \u{1f469}\u{200d}\u{1f4bb} \u{4f60}\u{597d}",
        );
    }

    #[test]
    fn a_carriage_return_cannot_overwrite_a_line() {
        check("safe\rforged\r\nend", "safe\nforged\nend");
    }

    #[test]
    fn every_line_separator_ends_a_line() {
        check("one\u{2028}two\u{2029}three", "one\ntwo\nthree");
        assert_eq!(one_line("one\u{2028}two\u{2029}three"), "one two three");
        assert_eq!(one_line("a\n\n b\tc\x1b[2J\x07"), "a b c");
    }
}
