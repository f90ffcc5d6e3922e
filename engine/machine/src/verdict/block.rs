//! Finds the blocks of an answer and reads their fields.

use codeloops_event::{Decision, Verdict, VerdictProblem};

use super::doubt::Doubt;
use super::lines::{self, Line, Place};
use super::tagged;
use super::word::{self, Word};

/// Everything in an answer that has a say.
#[derive(Default)]
pub(super) struct Scan {
    /// In their order.
    pub(super) blocks: Vec<Block>,
    /// Whether something that is no block may take a DONE back.
    pub(super) doubt: bool,
}

/// A block of the answer.
pub(super) enum Block {
    /// It names a decision.
    Read {
        /// Which.
        decision: Decision,
        /// The whole of it, or what is missing.
        verdict: Result<Verdict, VerdictProblem>,
    },
    /// It names none that can be relied on.
    Unknown {
        /// What stands there, shortened.
        found: String,
    },
}

impl Block {
    const fn is_done(&self) -> bool {
        matches!(self, Self::Read { decision: Decision::Done, .. })
    }

    pub(super) const fn speaks_against_done(&self) -> bool {
        match self {
            Self::Read { decision: Decision::Done, verdict } => {
                matches!(verdict, Err(VerdictProblem::Contradiction))
            }
            Self::Read { .. } | Self::Unknown { .. } => true,
        }
    }

    pub(super) fn unknown(found: &str) -> Self {
        Self::Unknown { found: found[..found.floor_char_boundary(FOUND_LIMIT)].to_owned() }
    }

    /// A verdict whose texts only hold the place of some is no block. A refusal is dropped like that
    /// only where it restates the prompt word for word; another one stands as unreadable, for
    /// critics put brackets around real findings too.
    pub(super) fn of(verdict: Result<Verdict, VerdictProblem>, decision: Decision) -> Option<Self> {
        let texts = match &verdict {
            Ok(Verdict::Done { summary, .. }) => {
                let template = summary.lines().next().is_some_and(word::is_placeholder);
                return (!template).then_some(Self::Read { decision, verdict });
            }
            Ok(Verdict::Continue { feedback }) => vec![feedback.as_str()],
            Ok(Verdict::Error { analysis, recovery }) => vec![analysis.as_str(), recovery.as_str()],
            Err(_) => Vec::new(),
        };
        let mut texts = texts.into_iter().filter(|text| !text.is_empty()).peekable();
        if texts.peek().is_some() {
            if texts.clone().all(is_restated) {
                return None;
            }
            if texts.all(word::is_placeholder) {
                return Some(Self::unknown(decision.as_str()));
            }
        }
        Some(Self::Read { decision, verdict })
    }
}

/// Whether the text is what the prompt has in its place, and nothing more.
fn is_restated(text: &str) -> bool {
    use crate::prompt::marker::{ANALYSIS_PLACE, FEEDBACK_PLACE, RECOVERY_PLACE};
    [FEEDBACK_PLACE, ANALYSIS_PLACE, RECOVERY_PLACE].contains(&text.trim())
}

/// Bytes of an unreadable decision that are told.
const FOUND_LIMIT: usize = 80;

/// Finds the blocks.
pub(super) fn scan(text: &str) -> Scan {
    let lines = lines::read(text);
    let mut blocks = Vec::new();
    let mut doubt = Doubt::default();
    let mut tags = tagged::Tags::default();
    let mut at = 0;
    while at < lines.len() {
        let (block, next) = match opening(lines[at]) {
            // The lines of the block are looked at as well, for what is doubtful.
            Some(Opening::Decision(decision)) => {
                let end = end_of_block(&lines, at + 1);
                (Block::of(read(decision, &lines[at + 1..end]), decision), at + 1)
            }
            Some(Opening::Unknown(found)) => (Some(Block::unknown(found)), at + 1),
            Some(Opening::Tag) => tags.read(&lines, at),
            None => {
                doubt.look(lines[at]);
                at += 1;
                continue;
            }
        };
        doubt.block_begins(block.as_ref().is_some_and(Block::is_done));
        blocks.extend(block);
        at = next;
    }
    Scan { blocks, doubt: doubt.found() }
}

/// How a block begins.
enum Opening<'a> {
    Decision(Decision),
    Unknown(&'a str),
    Tag,
}

fn opening(line: Line<'_>) -> Option<Opening<'_>> {
    if line.place != Place::Plain {
        return None;
    }
    if tagged::opens(line.text) {
        return Some(Opening::Tag);
    }
    let value = word::labelled(line.text, "decision")?;
    match Word::read(value) {
        Word::One(decision) => Some(Opening::Decision(decision)),
        Word::Template => None,
        Word::Other => Some(Opening::Unknown(value)),
    }
}

fn end_of_block(lines: &[Line<'_>], from: usize) -> usize {
    let next = lines[from..].iter().position(|line| opening(*line).is_some());
    next.map_or(lines.len(), |n| from + n)
}

/// Reads what a block says beside its decision.
fn read(decision: Decision, lines: &[Line<'_>]) -> Result<Verdict, VerdictProblem> {
    match decision {
        Decision::Done => {
            // Those of a refusal are empty, and no part of the summary.
            let labels = ["summary", "feedback", "analysis", "recovery"];
            let fields = Fields::read(lines, labels, true);
            let [summary, ..] = fields.texts;
            verdict_done(summary, fields.confidence)
        }
        Decision::Continue => {
            let fields = Fields::read(lines, ["feedback"], false);
            let [feedback] = fields.texts;
            verdict_continue(with_stray(&fields.stray, feedback))
        }
        Decision::Error => {
            let fields = Fields::read(lines, ["analysis", "recovery"], false);
            let [analysis, recovery] = fields.texts;
            verdict_error(with_stray(&fields.stray, analysis), recovery)
        }
    }
}

pub(super) fn verdict_done(
    summary: String,
    confidence: Option<f64>,
) -> Result<Verdict, VerdictProblem> {
    if !says_what_was_done(&summary) {
        return Err(VerdictProblem::NoSummary);
    }
    Ok(Verdict::Done { summary, confidence })
}

/// Whether something is left of a summary without its fences, and says something.
fn says_what_was_done(summary: &str) -> bool {
    let lines = summary.lines().filter(|line| !lines::is_fence(line));
    word::says_something(&lines.collect::<Vec<_>>().join("\n"))
}

pub(super) fn verdict_continue(feedback: String) -> Result<Verdict, VerdictProblem> {
    if feedback.is_empty() {
        return Err(VerdictProblem::NoFeedback);
    }
    Ok(Verdict::Continue { feedback })
}

pub(super) fn verdict_error(analysis: String, recovery: String) -> Result<Verdict, VerdictProblem> {
    if analysis.is_empty() && recovery.is_empty() {
        return Err(VerdictProblem::NoAnalysis);
    }
    Ok(Verdict::Error { analysis, recovery })
}

/// What is said to the actor before the first label belongs to it as well.
fn with_stray(stray: &str, text: String) -> String {
    if !stray.contains(char::is_alphanumeric) {
        text
    } else if text.is_empty() {
        stray.to_owned()
    } else {
        format!("{stray}\n\n{text}")
    }
}

/// The fields of a block. A label that is not looked for, or comes a second time, is text.
struct Fields<const N: usize> {
    stray: String,
    texts: [String; N],
    confidence: Option<f64>,
}

impl<const N: usize> Fields<N> {
    /// `labels` are those of the texts.
    fn read(lines: &[Line<'_>], labels: [&str; N], with_confidence: bool) -> Self {
        let texts = std::array::from_fn(|_| String::new());
        let mut fields = Self { stray: String::new(), texts, confidence: None };
        let mut seen = [false; N];
        let mut confidence_seen = !with_confidence;
        let mut current = None;
        for line in lines {
            if let Some((n, value)) = label_of(*line, labels).filter(|(n, _)| !seen[*n]) {
                seen[n] = true;
                current = Some(n);
                fields.push(current, value);
            } else if let Some(value) = label_of(*line, ["confidence"]).filter(|_| !confidence_seen)
            {
                confidence_seen = true;
                fields.confidence = word::confidence(value.1);
            } else {
                fields.push(current, line.text);
            }
        }
        fields.trimmed()
    }

    fn push(&mut self, field: Option<usize>, line: &str) {
        let text = match field {
            Some(n) => &mut self.texts[n],
            None => &mut self.stray,
        };
        text.push_str(line);
        text.push('\n');
    }

    fn trimmed(self) -> Self {
        Self {
            stray: self.stray.trim().to_owned(),
            texts: self.texts.map(|text| text.trim().to_owned()),
            confidence: self.confidence,
        }
    }
}

/// Which of the labels the line begins with, and what follows it.
fn label_of<'a, const N: usize>(line: Line<'a>, labels: [&str; N]) -> Option<(usize, &'a str)> {
    if line.place != Place::Plain {
        return None;
    }
    labels.iter().enumerate().find_map(|(n, label)| {
        let value = word::labelled(line.text, label);
        let value = value.or_else(|| word::is_heading(line.text, label).then_some(""));
        Some((n, value?))
    })
}
