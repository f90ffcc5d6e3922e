//! Removes what a terminal would swallow.

use std::borrow::Cow;

const ESC: char = '\u{1b}';
const CSI: char = '\u{9b}';

/// The text without terminal escape sequences and byte order mark, its lines ended by `\n`.
///
/// A lone carriage return becomes a space, not the end of a line: nothing that
/// stood in the middle of a line gets to stand at its beginning. For the same reason no sequence
/// reaches beyond its line, and one whose text a terminal would hide leaves a mark in its place.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if !text.contains(['\r', ESC, CSI]) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            '\r' => out.push(' '),
            ESC => out.extend(skip_escape(&mut chars)),
            CSI => skip_csi(&mut chars),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Stands for text that a sequence hides.
const HIDDEN: char = '\u{fffd}';

/// Skips what follows an ESC; gives what stands for it.
fn skip_escape(chars: &mut Chars<'_>) -> Option<char> {
    match chars.peek().copied() {
        Some('[') => {
            chars.next();
            skip_csi(chars);
        }
        // Operating system command, such as a link: up to BEL or ESC \. Its number comes first.
        Some(']') => {
            chars.next();
            let numbered = chars.peek().is_some_and(char::is_ascii_digit);
            skip_string(chars);
            return (!numbered).then_some(HIDDEN);
        }
        // Device control string and the like.
        Some('P' | 'X' | '^' | '_') => {
            skip_string(chars);
            return Some(HIDDEN);
        }
        // Character set and other two-step sequences.
        Some(' '..='/') => {
            chars.next();
            chars.next_if(|c| ('0'..='~').contains(c));
        }
        Some('0'..='~') => {
            chars.next();
        }
        _ => {}
    }
    None
}

/// Skips parameters, intermediates and the final byte of a control sequence.
fn skip_csi(chars: &mut Chars<'_>) {
    while chars.next_if(|c| (' '..='?').contains(c)).is_some() {}
    chars.next_if(|c| ('@'..='~').contains(c));
}

fn skip_string(chars: &mut Chars<'_>) {
    while let Some(c) = chars.next_if(|&c| c != '\n' && c != '\r') {
        match c {
            '\u{7}' | '\u{9c}' => return,
            ESC => {
                chars.next_if_eq(&'\\');
                return;
            }
            _ => {}
        }
    }
}
