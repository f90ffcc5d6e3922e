//! Small helpers for text: the nearest known name, untrusted text on one line, cutting to a width.

use codeloops_sinks::sanitise;

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

/// Untrusted text on one line, fit for a terminal: white space of any kind becomes one blank.
#[must_use]
pub fn one_line(text: &str) -> String {
    sanitise(text).split_whitespace().collect::<Vec<_>>().join(" ")
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
    fn untrusted_text_stays_on_its_line() {
        assert_eq!(one_line("a\n\n b\tc\x1b[2J\x07"), "a b c");
    }

    #[test]
    fn a_long_line_is_cut_to_its_width() {
        assert_eq!(shorten("hello there", 8), "hello...");
        assert_eq!(shorten("hello", 5), "hello");
    }
}
