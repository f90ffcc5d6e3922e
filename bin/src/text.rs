//! Small helpers for text: the nearest known name, cutting and breaking to a width.

use std::path::{Path, PathBuf};

use codeloops_sinks::one_line;
use console::{measure_text_width, truncate_str};

/// Columns that text is never broken to less than: on a narrower terminal it looks no better.
const NARROWEST: usize = 20;

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

/// A path that begins at a folder, without the parts that lead nowhere (`./`).
#[must_use]
pub fn path_from(dir: &Path, path: &Path) -> PathBuf {
    dir.join(path).components().collect()
}

/// The beginning of a line that takes at most `width` columns, with `...` at its end where
/// something is missing.
#[must_use]
pub fn shorten(line: &str, width: usize) -> String {
    if width_of(line) <= width {
        return line.to_owned();
    }
    let room = width.saturating_sub(3);
    let kept = if is_plain(line) { (&line[..room]).into() } else { truncate_str(line, room, "") };
    format!("{}...", kept.trim_end())
}

/// Columns that a line takes. Most are told by their length: that matters where there are many.
#[must_use]
pub fn width_of(line: &str) -> usize {
    if is_plain(line) { line.len() } else { measure_text_width(line) }
}

/// Whether each byte of a text is a visible character or a blank.
#[must_use]
pub fn is_plain(text: &str) -> bool {
    // Without a way out in the middle, many bytes are looked at in one step.
    text.bytes().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~'))
}

/// The beginning of a commit's id, which mostly stands for it.
#[must_use]
pub fn short_commit(sha: &str) -> String {
    one_line(sha).chars().take(8).collect()
}

/// A name, which may be anything, on one line.
#[must_use]
pub fn named(text: &str) -> String {
    if is_plain(text) && !text.contains(' ') { text.to_owned() } else { one_line(text) }
}

/// A text whose lines end before `columns`, each behind `indent` blanks; whole lines where there is
/// no width.
#[must_use]
pub fn wrap(text: &str, indent: usize, columns: Option<usize>) -> String {
    let width = |columns: usize| columns.saturating_sub(indent).max(NARROWEST);
    let lines = match columns.map(width) {
        Some(width) => codeloops_sinks::wrap(text, width),
        None => text.lines().map(str::to_owned).collect(),
    };
    let blanks = " ".repeat(indent);
    let indented = lines.iter().map(|line| format!("{blanks}{line}").trim_end().to_owned());
    indented.collect::<Vec<_>>().join("\n")
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
    fn a_long_line_is_cut_to_its_width() {
        assert_eq!(shorten("hello there", 8), "hello...");
        assert_eq!(shorten("hello", 5), "hello");
        assert_eq!(shorten("\u{4f60}\u{597d}\u{4f60}\u{597d}", 7), "\u{4f60}\u{597d}...");
    }

    #[test]
    fn broken_lines_stay_under_each_other() {
        let columns = Some(4 + NARROWEST);
        assert_eq!(wrap("one two three four five", 4, columns), "    one two three four\n    five");
        assert_eq!(
            wrap("- one\n  - two three-four five six\n\nlast", 4, columns),
            "    - one\n      - two three-four\n        five six\n\n    last"
        );
        let path = "/a/path/that/is/longer/than/that";
        assert_eq!(wrap(&format!("in {path} x"), 0, columns), format!("in\n{path}\nx"));
        assert_eq!(wrap("a\n\n  b  ", 2, None), "  a\n\n    b");
    }
}
