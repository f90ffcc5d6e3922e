//! The words on a line: labels, decisions, placeholders and figures.

use codeloops_event::Decision;

/// What stands after `DECISION:`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Word<'a> {
    /// One decision, and nothing else.
    One(Decision),
    /// CONTINUE or ERROR, and why.
    Explained(Decision, &'a str),
    /// The choice restated.
    Template,
    /// Anything else, a hedged or negated decision included.
    Other,
}

impl<'a> Word<'a> {
    pub(super) fn read(value: &'a str) -> Self {
        let bare = bare(value);
        let word = bare.trim_start_matches(TICKS).trim_end_matches(APPLAUSE);
        match decision(word.trim_matches(QUOTES)) {
            Some(decision) => Self::One(decision),
            None if is_choice(bare) => Self::Template,
            None => explained(bare).unwrap_or(Self::Other),
        }
    }
}

/// `CONTINUE - the tests fail`, `ERROR (it does not compile)`. It names no other decision.
fn explained(value: &str) -> Option<Word<'_>> {
    let word = first_word(value);
    let rest = value[word.len()..].trim_start_matches(EMPHASIS);
    let why = rest.trim_start();
    let set_apart = why.len() < rest.len() && why.starts_with(['(', '-', '–', '—']);
    let named = why.split(|c: char| !c.is_alphanumeric()).any(|word| decision(word).is_some());
    let refusal = decision(word).filter(|_| is_refusal(word) && set_apart && !named)?;
    let why = why.trim_start_matches(['-', '–', '—', ' ']);
    says_something(why).then_some(Word::Explained(refusal, why))
}

/// The value of a line that begins with the label, at its first column: `LABEL: value`, also in
/// any case, in bold or as a heading.
pub(super) fn labelled<'a>(line: &'a str, label: &str) -> Option<&'a str> {
    let text = without_heading(line.trim_end());
    let inner = text.trim_start_matches(EMPHASIS);
    let opening = &text[..text.len() - inner.len()];
    let after = strip_prefix_ignoring_case(inner, label)?;
    let colon = after.trim_start_matches(EMPHASIS);
    let closed_before = colon.len() < after.len();
    let value = colon.trim_start().strip_prefix(':')?;
    if opening.is_empty() || closed_before {
        return Some(value.trim());
    }
    let value = match value.strip_prefix(opening) {
        Some(value) => value,
        None => value.strip_suffix(opening).unwrap_or(value),
    };
    Some(value.trim())
}

/// Whether the line is nothing but the label, set apart as a heading, in bold or in capitals.
pub(super) fn is_heading(line: &str, label: &str) -> bool {
    let line = line.trim_end();
    let bare = without_heading(line).trim_matches(EMPHASIS);
    let set_apart = bare.len() < line.len() || !bare.contains(char::is_lowercase);
    set_apart && bare.eq_ignore_ascii_case(label)
}

/// The line without blanks, a list's mark or a heading's before it.
pub(super) fn unmarked(line: &str) -> &str {
    let mark = |c: char| c.is_whitespace() || c.is_ascii_digit() || "*_#.()|`•".contains(c);
    line.trim_start().trim_start_matches("- ").trim_start_matches(mark)
}

pub(super) fn first_word(text: &str) -> &str {
    text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default()
}

pub(super) fn is_refusal(word: &str) -> bool {
    matches!(decision(word), Some(Decision::Continue | Decision::Error))
}

/// Whether the text only holds the place of one: `<what was done>`, `[what was done]`, `...`.
pub(super) fn is_placeholder(text: &str) -> bool {
    let text = text.trim();
    let within = |open: char, close: char| {
        text.strip_prefix(open)
            .and_then(|t| t.strip_suffix(close))
            .is_some_and(|inner| !inner.contains([open, close]))
    };
    within('<', '>') || within('[', ']') || within('{', '}') || matches!(text, "..." | "…")
}

/// Whether a text that stands in a field says anything: no mark or dash does, nor does a word that
/// only says that there is nothing, if it is all that stands there.
pub(super) fn says_something(text: &str) -> bool {
    let text = text.trim_matches(|c: char| !c.is_alphanumeric());
    !text.is_empty() && !NOTHING.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// How critics fill a field that they have nothing for. Each is the whole of the field: nothing is
/// guessed from its beginning.
const NOTHING: [&str; 14] = [
    "none",
    "nothing",
    "n/a",
    "na",
    "null",
    "0",
    "no feedback",
    "none needed",
    "none remaining",
    "no issues",
    "no issues found",
    "no remaining issues",
    "no findings",
    "no blockers",
];

/// A confidence from 0 to 1, written `0.95`, `.95` or `95%`; words after it are not looked at.
pub(super) fn confidence(text: &str) -> Option<f64> {
    let figure = bare(text.split_whitespace().next()?);
    let (digits, scale) = match figure.strip_suffix('%') {
        Some(digits) => (digits, 100.0),
        None => (figure, 1.0),
    };
    if digits.len() > 32 || !digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    in_range(digits.parse::<f64>().ok()? / scale)
}

/// The figure, if it is one from 0 to 1.
pub(super) fn in_range(figure: f64) -> Option<f64> {
    (0.0..=1.0).contains(&figure).then_some(figure)
}

/// What may follow a decision without changing it. Other marks may: `DONE ❌`, `DONE?`.
const APPLAUSE: [char; 6] = ['!', ' ', '✅', '✔', '🎉', '\u{fe0f}'];

/// What may stand before it. An exclamation mark may not: `!DONE`.
const TICKS: [char; 5] = [' ', '✅', '✔', '🎉', '\u{fe0f}'];

const QUOTES: [char; 6] = ['"', '“', '”', '*', '_', '`'];

const EMPHASIS: [char; 2] = ['*', '_'];

/// Without emphasis, backticks and a full stop at its end.
fn bare(text: &str) -> &str {
    let marks = ['*', '_', '`'];
    let text = text.trim().trim_matches(marks);
    text.strip_suffix('.').unwrap_or(text).trim_end_matches(marks).trim()
}

fn decision(word: &str) -> Option<Decision> {
    [Decision::Done, Decision::Continue, Decision::Error]
        .into_iter()
        .find(|decision| word.eq_ignore_ascii_case(decision.as_str()))
}

/// Whether the text names DONE and another decision, and says nothing else. Without DONE among them
/// it is no choice, but a refusal that does not say which.
pub(super) fn is_choice(text: &str) -> bool {
    let mut named = [false; 3];
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    for word in words {
        match decision(word) {
            Some(decision) => named[decision as usize] = true,
            None if ["or", "one", "of", "either"].iter().any(|w| word.eq_ignore_ascii_case(w)) => {}
            None => return false,
        }
    }
    named[Decision::Done as usize] && named.iter().filter(|named| **named).count() >= 2
}

fn without_heading(line: &str) -> &str {
    let text = line.trim_start_matches('#');
    match line.len() - text.len() {
        1..=6 if text.starts_with(' ') => text.trim_start_matches(' '),
        _ => line,
    }
}

pub(super) fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}
