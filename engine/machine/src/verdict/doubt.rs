//! What in an answer may take a DONE back, in whatever clothes it comes.
//!
//! It is read generously: a question too many costs a call, an approval too many the night. After a
//! DONE neither fences nor quotes nor indents hide anything, and letters are read as they look.

use std::borrow::Cow;

use super::fold::fold;
use super::lines::{Line, Place};
use super::word::{
    first_word, is_choice, is_refusal, says_something, strip_prefix_ignoring_case, unmarked,
};

/// Looks at the lines that open no block, in their order.
#[derive(Default)]
pub(super) struct Doubt {
    found: bool,
    /// A DONE stands above the line.
    after_done: bool,
    /// What the line stands in that hides text, or sets it apart.
    hidden: Option<Part>,
    /// The line before only names the decision, as a heading does.
    after_heading: bool,
    /// What a field of a refusal has said so far.
    finding: Option<String>,
}

impl Doubt {
    /// A block begins; whether it says DONE.
    pub(super) fn block_begins(&mut self, is_done: bool) {
        self.end_finding();
        self.after_heading = false;
        self.after_done |= is_done;
        self.found |= is_done && self.hidden.is_some();
    }

    pub(super) fn look(&mut self, line: Line<'_>) {
        // Nobody can tell what a fence without an end was meant to hold.
        self.found |= line.place == Place::Unclosed;
        let text = fold(line.text);
        if line.place == Place::Plain {
            self.look_for_hidden_parts(&text);
        }
        self.found |= line.place == Place::Plain && refuses(&text);
        if self.after_done {
            self.look_after_done(&text);
        }
    }

    /// Whether a DONE of the answer cannot be relied on.
    pub(super) fn found(mut self) -> bool {
        self.end_finding();
        self.found
    }

    fn look_for_hidden_parts(&mut self, line: &str) {
        let line = line.to_ascii_lowercase();
        let part = self.hidden.take().or_else(|| Part::begun_by(&line));
        self.hidden = part.filter(|part| part.is_open_after(&line));
    }

    fn look_after_done(&mut self, line: &str) {
        self.found |= takes_back(line) || (self.after_heading && begins_as_refusal(line));
        if line.contains(char::is_alphanumeric) {
            self.after_heading = is_heading_of_verdict(line);
        }
        match label(line) {
            Some((Label::Finding, value)) => {
                self.end_finding();
                self.finding = Some(value.to_owned());
            }
            Some((Label::Other, _)) => self.end_finding(),
            None => {
                if let Some(text) = &mut self.finding {
                    text.push('\n');
                    text.push_str(line);
                }
            }
        }
    }

    fn end_finding(&mut self) {
        self.found |= self.finding.take().is_some_and(|text| says_something(&text));
    }
}

/// What a tag or a comment holds that begins a line. Within another one of its name it ends with it.
struct Part {
    open: String,
    close: String,
}

impl Part {
    /// The line is in small letters.
    fn begun_by(line: &str) -> Option<Self> {
        let inner = line.trim_start().strip_prefix('<')?;
        if inner.starts_with("!--") {
            return Some(Self { open: "<!--".to_owned(), close: "-->".to_owned() });
        }
        let name_ends = |c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_');
        let name = &inner[..inner.find(name_ends).unwrap_or(inner.len())];
        let is_tag = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && inner[name.len()..].chars().next().is_none_or(|c| c == '>' || c.is_whitespace());
        let is_part = is_tag && !line.contains("/>") && !matches!(name, "br" | "hr" | "img");
        is_part.then(|| Self { open: format!("<{name}"), close: format!("</{name}") })
    }

    fn is_open_after(&self, line: &str) -> bool {
        let close = line.rfind(&self.close);
        close.is_none() || line.rfind(&self.open) > close
    }
}

/// Whether a line that opens no block may be meant as a refusal, wherever it stands: `DECISION` and
/// CONTINUE or ERROR, however they are joined, or the tag, behind blanks, a list's mark or a
/// heading's. Before a DONE, quoted and diff lines (`> …`, `+…`, `-…`) are not.
fn refuses(line: &str) -> bool {
    let line = unmarked(line);
    let Some(after) = strip_prefix_ignoring_case(line, "decision") else {
        return strip_prefix_ignoring_case(line, "<decision>").is_some();
    };
    let value = after.trim_start_matches(|c: char| !c.is_alphanumeric());
    after.len() > value.len() && is_refusal(first_word(value)) && !is_choice(value)
}

/// Whether a line after a DONE may take it back.
fn takes_back(line: &str) -> bool {
    if closes_a_hidden_part(line) || is_tagged_refusal(line) {
        return true;
    }
    let line = without_tags(line);
    stands_alone(&line) || is_value_of_a_label(&line) || names_both(&line) || tells(&line)
}

/// Whether the line ends what hides text from the reader, or sets it apart: a DONE above it may
/// have stood inside.
fn closes_a_hidden_part(line: &str) -> bool {
    const TAGS: [&str; 12] = [
        "</think",
        "</thought",
        "</reason",
        "</analysis",
        "</scratch",
        "</draft",
        "</example",
        "</pre",
        "</details",
        "</blockquote",
        "</template",
        "-->",
    ];
    let begins = line
        .trim_start()
        .strip_prefix("</")
        .is_some_and(|tag| tag.starts_with(|c: char| c.is_ascii_alphabetic()));
    begins || (line.contains(['/', '>']) && contains_any_ignoring_case(line, &TAGS))
}

/// The tag within a line, or its JSON without it.
fn is_tagged_refusal(line: &str) -> bool {
    let compact = || line.split_whitespace().collect::<String>();
    let json =
        |text: &str| contains_any_ignoring_case(text, &["\"type\":\"continue", "\"type\":\"error"]);
    contains_any_ignoring_case(line, &["<decision"]) || (line.contains('"') && json(&compact()))
}

fn contains_any_ignoring_case(text: &str, wanted: &[&str]) -> bool {
    let text = text.to_ascii_lowercase();
    wanted.iter().any(|wanted| text.contains(wanted))
}

/// The line without the tags of HTML.
fn without_tags(line: &str) -> Cow<'_, str> {
    if !line.contains('<') {
        return Cow::Borrowed(line);
    }
    let mut out = String::with_capacity(line.len());
    for piece in line.split_inclusive('>') {
        match piece.strip_suffix('>').and_then(|inner| inner.rsplit_once('<')) {
            Some((before, tag)) if is_tag(tag) => out.push_str(before),
            _ => out.push_str(piece),
        }
    }
    Cow::Owned(out)
}

fn is_tag(inner: &str) -> bool {
    inner.trim_start_matches('/').starts_with(|c: char| c.is_ascii_alphabetic())
        && !is_refusal(inner.trim())
}

/// A refusal that is all that the line says, or that the line begins with: `CONTINUE`, `ERROR: …`.
fn stands_alone(line: &str) -> bool {
    let text = from_first_word(line);
    let word = first_word(text);
    let rest = text[word.len()..].trim_start_matches(EMPHASIS);
    let all = || !rest.contains(char::is_alphanumeric);
    let breaks = || {
        let next = rest.trim_start();
        next.starts_with([':', ',', ';', '.', '!', '?', '(', '—', '–']) || next.starts_with("- ")
    };
    (is_refusal(word) && all()) || (is_capital_refusal(word) && breaks())
}

/// `Recommendation: CONTINUE`, `-> ERROR`: the line ends with it, after a mark that joins the two.
fn is_value_of_a_label(line: &str) -> bool {
    let text = line.trim_end_matches(|c: char| !c.is_alphanumeric());
    let before = text.strip_suffix("CONTINUE").or_else(|| text.strip_suffix("ERROR"));
    let mark = |before: &str| {
        before
            .trim_end_matches(|c: char| c.is_whitespace() || "*_`\"'([{<".contains(c))
            .ends_with(JOINTS)
    };
    before.is_some_and(mark)
}

/// A line with the name of a verdict and a refusal in capitals, wherever they stand in it.
fn names_both(line: &str) -> bool {
    let mut after_subject = None;
    let mut refused = false;
    for (word, rest) in words(line) {
        if is_subject(word)
            || ["status", "answer", "answers"].iter().any(|w| word.eq_ignore_ascii_case(w))
        {
            after_subject = after_subject.or(Some(rest));
        }
        refused |= is_capital_refusal(word);
    }
    refused && after_subject.is_some_and(|value| !is_choice(value))
}

/// A line that tells of a refusal in any case: `My verdict should be to continue`.
fn tells(line: &str) -> bool {
    words(line).any(|(word, rest)| is_subject(word) && is_told(rest))
}

/// Whether a refusal follows a verdict's name, joined to it by a mark or a word.
fn is_told(after: &str) -> bool {
    let mut rest = after;
    let mut joined = false;
    for _ in 0..WORDS_BETWEEN {
        let next = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
        joined |= rest[..rest.len() - next.len()].contains(JOINTS);
        let word = first_word(next);
        if is_refusal(word) || one_of(word, &NEGATIONS) {
            return joined && !is_choice(next);
        }
        joined |= one_of(word, &JOINING);
        if !one_of(word, &JOINING) && !one_of(word, &BETWEEN) {
            return false;
        }
        rest = &next[word.len()..];
    }
    false
}

/// Whether the line only names a verdict: `## Decision`, `**Final verdict**`.
fn is_heading_of_verdict(line: &str) -> bool {
    let mut count = 0;
    let mut named = false;
    for (word, _) in words(line).take(WORDS_OF_A_LABEL + 1) {
        count += 1;
        named |= is_subject(word);
    }
    named && count <= WORDS_OF_A_LABEL
}

fn begins_as_refusal(line: &str) -> bool {
    let word = first_word(from_first_word(line));
    is_refusal(word) || one_of(word, &NEGATIONS)
}

/// What a line is the label of.
enum Label {
    /// Something to mend.
    Finding,
    /// Another part of a verdict.
    Other,
}

/// The label that a line begins with, behind any marks, and what it says.
fn label(line: &str) -> Option<(Label, &str)> {
    let text = from_first_word(line);
    let (head, value) = match text.split_once([':', '=', '|', '—', '–', '→']) {
        Some(parts) => parts,
        None => match text.split_once(" - ") {
            Some(parts) => parts,
            None if is_heading(line) => (text, ""),
            None => return None,
        },
    };
    let head = head.split('(').next().unwrap_or_default();
    let names: Vec<&str> = words(head).map(|(word, _)| word).take(WORDS_OF_A_LABEL + 1).collect();
    let last = names.last().filter(|_| names.len() <= WORDS_OF_A_LABEL)?;
    if matches!(names[..], [name] if one_of(name, &["summary", "confidence", "decision"])) {
        return Some((Label::Other, value));
    }
    let settled = names.iter().any(|name| one_of(name, &SETTLED));
    let of_a_refusal = names.len() == 1 && one_of(last, &["feedback", "analysis", "recovery"]);
    let for_whom = names.len() > 1
        && names[0].eq_ignore_ascii_case("feedback")
        && one_of(names[1], &["for", "to"]);
    let open = !settled
        && (one_of(last, &OPEN_POINTS)
            || one_of(names[0], &["remaining", "outstanding", "unresolved"]));
    (of_a_refusal || for_whom || open).then_some((Label::Finding, value))
}

/// Whether a line without a mark after its words is set apart as a heading.
fn is_heading(line: &str) -> bool {
    let line = line.trim();
    line.starts_with(['#', '"'])
        || line.starts_with("**")
        || line.starts_with("__")
        || !line.contains(char::is_lowercase)
}

/// Names of points that are still open.
const OPEN_POINTS: [&str; 14] = [
    "issue", "issues", "blocker", "blockers", "todo", "todos", "fixme", "problem", "problems",
    "finding", "findings", "concern", "concerns", "missing",
];

/// What makes them settled ones.
const SETTLED: [&str; 11] = [
    "fixed",
    "resolved",
    "addressed",
    "closed",
    "solved",
    "settled",
    "previous",
    "earlier",
    "former",
    "no",
    "handled",
];

const WORDS_OF_A_LABEL: usize = 4;

const WORDS_BETWEEN: usize = 6;

/// Marks that join a label and its value.
const JOINTS: [char; 9] = [':', '=', '-', '–', '—', '→', '|', '>', '：'];

/// Words that join them.
const JOINING: [&str; 9] =
    ["is", "be", "becomes", "remains", "was", "changes", "changed", "stays", "are"];

/// Words that may stand among those.
const BETWEEN: [&str; 15] = [
    "to",
    "should",
    "must",
    "now",
    "thus",
    "therefore",
    "still",
    "final",
    "a",
    "an",
    "the",
    "has",
    "have",
    "would",
    "therefor",
];

const NEGATIONS: [&str; 10] = [
    "not",
    "no",
    "reject",
    "rejected",
    "incomplete",
    "unfinished",
    "fail",
    "fails",
    "failed",
    "refused",
];

const EMPHASIS: [char; 4] = ['*', '_', '`', '"'];

fn is_subject(word: &str) -> bool {
    one_of(
        word,
        &[
            "decision",
            "decisions",
            "verdict",
            "verdicts",
            "ruling",
            "judgement",
            "judgment",
            "conclusion",
        ],
    )
}

fn is_capital_refusal(word: &str) -> bool {
    matches!(word, "CONTINUE" | "ERROR")
}

fn one_of(word: &str, words: &[&str]) -> bool {
    words.iter().any(|w| word.eq_ignore_ascii_case(w))
}

/// The line from its first word on: behind marks of any kind, and a number of a list.
fn from_first_word(line: &str) -> &str {
    let marks = |c: char| !c.is_alphanumeric();
    let text = line.trim_start_matches(marks);
    let number = text.trim_start_matches(|c: char| c.is_ascii_digit());
    if number.len() < text.len() && number.starts_with(['.', ')']) {
        return number.trim_start_matches(marks);
    }
    text
}

/// The words of a line, each with what follows it.
fn words(line: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let text = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
        let word = first_word(text);
        rest = &text[word.len()..];
        (!word.is_empty()).then_some((word, rest))
    })
}
