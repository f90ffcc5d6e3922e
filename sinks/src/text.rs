//! Text that may be shown: what agents and repositories hold, made harmless and cut to size.

use std::borrow::Cow;

use codeloops_event::text::acts;
use console::measure_text_width;
use textwrap::{Options, WordSplitter};

const ESC: char = '\u{1b}';
const BEL: char = '\u{7}';
/// The C1 form of `ESC [`.
const CSI: char = '\u{9b}';
/// The C1 form of `ESC \`.
const ST: char = '\u{9c}';

/// Whether a character acts on the text around it instead of being shown; tabs and newlines may.
pub(crate) fn is_unsafe(c: char) -> bool {
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
    if !text.chars().any(is_unsafe) {
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

/// A command or a path that somebody is to copy, in one line: its blanks stay as they are.
#[must_use]
pub fn printable(text: &str) -> String {
    sanitise(text).replace('\n', " ")
}

/// The text in one line: every run of white space becomes one space.
#[must_use]
pub fn one_line(text: &str) -> String {
    sanitise(text).split_whitespace().collect::<Vec<_>>().join(" ")
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
