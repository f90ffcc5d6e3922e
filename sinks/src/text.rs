//! Text that may be shown: what agents and repositories hold, made harmless and cut to size.

use std::borrow::Cow;

pub use codeloops_event::text::{one_line, sanitise};
use console::measure_text_width;
use textwrap::{Options, WordSplitter};

/// A command or a path that somebody is to copy, in one line: its blanks stay as they are.
#[must_use]
pub fn printable(text: &str) -> String {
    sanitise(text).replace('\n', " ")
}

/// The beginning of a text in one line of at most `width` columns, with `...` behind it if
/// something is missing. A first line that is too long ends after its last whole sentence, if it
/// has one, else after its last whole word.
pub(crate) fn headline(text: &str, width: usize) -> String {
    let text = sanitise(text);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let fits = measure_text_width(first) <= width;
    if fits && lines.next().is_none() {
        return first.replace('\t', " ");
    }
    let kept = if fits { first } else { fitting(first, width.saturating_sub(3)) };
    let kept = kept.trim_end_matches(['.', ',', ':', ' ', '\u{2026}']);
    format!("{}...", kept.replace('\t', " "))
}

/// The whole sentences, or else the whole words, at the beginning of a line that `width` columns hold.
fn fitting(line: &str, width: usize) -> &str {
    let fitting = cut(line, width);
    let sentence = fitting.rfind(". ").map(|at| &fitting[..at]);
    let word = || fitting.rfind(char::is_whitespace).map(|at| &fitting[..at]);
    sentence.or_else(word).unwrap_or(fitting)
}

/// The longest beginning of a text that takes at most `width` columns.
pub(crate) fn cut(text: &str, width: usize) -> &str {
    let mut taken = 0;
    for (at, c) in text.char_indices() {
        taken += measure_text_width(c.encode_utf8(&mut [0; 4]));
        if taken > width {
            return &text[..at];
        }
    }
    text
}

/// The lines of a text, each broken between words so that it takes at most `width` columns. A line's
/// own indentation is kept, also where it is broken, and an item of a list goes on behind its mark; a
/// word that is too long stays whole.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let wrapped = |line: &str| -> Vec<String> {
        let hanging = " ".repeat(hang(line));
        let words = line.trim_start();
        let options = whole_words(width)
            .initial_indent(&line[..line.len() - words.len()])
            .subsequent_indent(&hanging);
        textwrap::wrap(words, options).into_iter().map(Cow::into_owned).collect()
    };
    sanitise(text).trim().lines().map(str::trim_end).flat_map(wrapped).collect()
}

/// How far in a line goes on where it is broken: as far as it began, behind the mark of a list.
pub(crate) fn hang(line: &str) -> usize {
    let words = line.trim_start();
    let mark = match words.split_once(' ') {
        Some((mark, item)) if is_mark(mark) => &words[..words.len() - item.trim_start().len()],
        _ => "",
    };
    measure_text_width(&line[..line.len() - words.len()]) + measure_text_width(mark)
}

/// Whether a word stands before an item of a list.
fn is_mark(word: &str) -> bool {
    let number = word.strip_suffix(['.', ')']).unwrap_or_default();
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number && number.len() <= LONGEST_NUMBER || ["-", "*", "+", "\u{2022}"].contains(&word)
}

/// Digits of the number of an item; more are a number of the text.
const LONGEST_NUMBER: usize = 3;

/// A text of our own, which may be styled, with its lines broken between words so that none takes more
/// than `width` columns. The first goes on `hang` columns in, another as far in as it began.
#[must_use]
pub fn wrap_styled(text: &str, hang: usize, width: usize) -> String {
    let broken = text.lines().enumerate().map(|(at, line)| {
        let words = line.trim_start();
        let indent = &line[..line.len() - words.len()];
        let hanging = " ".repeat(if at == 0 { hang } else { indent.len() });
        textwrap::fill(words, whole_words(width).initial_indent(indent).subsequent_indent(&hanging))
    });
    broken.map(|line| format!("{line}\n")).collect()
}

/// A word that is too long stays whole: it may be a path or a URL that somebody wants to copy.
fn whole_words<'a>(width: usize) -> Options<'a> {
    Options::new(width).break_words(false).word_splitter(WordSplitter::NoHyphenation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_headline_is_the_first_sentence_or_as_many_words_as_fit() {
        let typo = "Fix the typo in the greeting message. The word \"Helo\" should be \"Hello\".";
        assert_eq!(headline(typo, 63), "Fix the typo in the greeting message...");
        assert_eq!(headline("Fix it.", 63), "Fix it.");
        assert_eq!(headline("Fix it.\n\n", 63), "Fix it.");
        assert_eq!(headline("\n  Fix it:\n- here\n", 63), "Fix it...");
        assert_eq!(headline("Say \"Hello\".\n\nTest it.", 63), "Say \"Hello\"...");
        assert_eq!(headline("And so on...\nor not", 63), "And so on...");
        let long = "Add input validation to the user registration endpoint in src/api/users.rs:";
        assert_eq!(
            headline(long, 63),
            "Add input validation to the user registration endpoint in..."
        );
        assert_eq!(headline(&"\u{4f60}".repeat(40), 63), format!("{}...", "\u{4f60}".repeat(30)));
        assert_eq!(headline("", 63), "");
    }

    #[test]
    fn a_style_takes_no_columns() {
        let styled = "\u{1b}[1mError:\u{1b}[0m one two three\n\n  tip: four five";
        assert_eq!(
            wrap_styled(styled, 7, 14),
            "\u{1b}[1mError:\u{1b}[0m one two\n       three\n\n  tip: four\n  five\n"
        );
    }

    #[test]
    fn wrapping_keeps_lines_indentation_and_long_words() {
        assert_eq!(wrap("one two three four", 10), ["one two", "three four"]);
        assert_eq!(wrap("a:\n\n  bb cc dd\n", 8), ["a:", "", "  bb cc", "  dd"]);
        assert_eq!(
            wrap("see https://example.org/long now", 9),
            ["see", "https://example.org/long", "now"]
        );
        assert_eq!(
            wrap("\u{4f60}\u{597d} \u{4f60}\u{597d}", 5),
            ["\u{4f60}\u{597d}", "\u{4f60}\u{597d}"]
        );
        assert_eq!(wrap("", 5), [""; 0]);
    }

    #[test]
    fn an_item_of_a_list_goes_on_behind_its_mark() {
        assert_eq!(wrap("- bb cc dd", 8), ["- bb cc", "  dd"]);
        assert_eq!(wrap("x\n 12) bb cc", 8), ["x", " 12) bb", "     cc"]);
        assert_eq!(wrap("2026. bb cc", 8), ["2026. bb", "cc"]);
        assert_eq!(wrap("-bb cc dd", 6), ["-bb cc", "dd"]);
    }
}
