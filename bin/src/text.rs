//! Small helpers for text: the nearest known name, untrusted text made safe, cutting to a width.

/// The candidate that `word` was most likely meant to be, if any is near enough.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const NEAR_ENOUGH: f64 = 0.75;
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(similarity, _)| *similarity >= NEAR_ENOUGH)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

/// Untrusted text, safe to print: line breaks and tabs stay, every other control character and
/// every character that reorders or hides text becomes visible as `\u{…}`.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.replace("\r\n", "\n").chars() {
        match c {
            '\n' | '\t' => safe.push(c),
            c if is_unsafe(c) => safe.extend(c.escape_unicode()),
            c => safe.push(c),
        }
    }
    safe
}

/// Untrusted text on one line: white space of any kind becomes one blank, the rest as
/// [`printable`].
#[must_use]
pub fn one_line(text: &str) -> String {
    printable(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The first `width` characters of a line, the last three of them `...` where it was longer.
#[must_use]
pub fn shorten(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    let kept: String = line.chars().take(width.saturating_sub(3)).collect();
    format!("{}...", kept.trim_end())
}

/// Controls, and the characters that change the order or visibility of what is around them.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        let names = ["claude", "opencode", "codex"];
        assert_eq!(nearest("cluade", names), Some("claude"));
        assert_eq!(nearest("opncode", names), Some("opencode"));
        assert_eq!(nearest("zzz", names), None);
    }

    #[test]
    fn untrusted_text_cannot_steer_the_terminal() {
        assert_eq!(printable("a\x1b[2Jb\u{202e}c\r\nd\te"), "a\\u{1b}[2Jb\\u{202e}c\nd\te");
        assert_eq!(one_line("a\n\n b\tc\x07"), "a b c\\u{7}");
    }

    #[test]
    fn a_long_line_is_cut_to_its_width() {
        assert_eq!(shorten("hello there", 8), "hello...");
        assert_eq!(shorten("hello", 5), "hello");
    }
}
