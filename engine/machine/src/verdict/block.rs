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
        /// Text follows that is no part of it.
        goes_on: bool,
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
            Self::Read { decision: Decision::Done, verdict, .. } => {
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
        let goes_on = false;
        let texts = match &verdict {
            Ok(Verdict::Done { summary, .. }) => {
                let template = summary.lines().next().is_some_and(word::is_placeholder);
                return (!template).then_some(Self::Read { decision, verdict, goes_on });
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
        Some(Self::Read { decision, verdict, goes_on })
    }

    fn followed(self, goes_on: bool) -> Self {
        match self {
            Self::Read { decision, verdict, .. } => Self::Read { decision, verdict, goes_on },
            unknown @ Self::Unknown { .. } => unknown,
        }
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
    let mut blocks: Vec<Block> = Vec::new();
    let mut doubt = Doubt::default();
    let mut tags = tagged::Tags::default();
    let mut at = 0;
    while at < lines.len() {
        let (block, next) = match opening(&lines, at) {
            // The lines of the block are looked at as well, for what is doubtful.
            Some(Opening::Decision { decision, why, next }) => {
                let body = &lines[next..end_of_block(&lines, next)];
                let (verdict, goes_on) = read(decision, why, body);
                (Block::of(verdict, decision).map(|block| block.followed(goes_on)), next)
            }
            Some(Opening::Unknown(found)) => (Some(Block::unknown(found)), at + 1),
            Some(Opening::Tag) => {
                let (block, next) = tags.read(&lines, at);
                let after = &lines[next..end_of_block(&lines, next)];
                let goes_on = after.iter().any(|line| says_more(line.text));
                (block.map(|block| block.followed(goes_on)), next)
            }
            None => {
                doubt.look(lines[at]);
                at += 1;
                continue;
            }
        };
        doubt.block_begins(block.as_ref().is_some_and(Block::is_done));
        if block.is_none()
            && let Some(before) = blocks.pop()
        {
            // What is no block follows the one before it.
            blocks.push(before.followed(true));
        }
        blocks.extend(block);
        at = next;
    }
    Scan { blocks, doubt: doubt.found() }
}

/// How a block begins.
enum Opening<'a> {
    Decision {
        decision: Decision,
        /// What explains a refusal on its line.
        why: &'a str,
        /// The first line after it.
        next: usize,
    },
    Unknown(&'a str),
    Tag,
}

fn opening<'a>(lines: &[Line<'a>], at: usize) -> Option<Opening<'a>> {
    let line = lines[at];
    if line.place != Place::Plain {
        return None;
    }
    if tagged::opens(line.text) {
        return Some(Opening::Tag);
    }
    let heading = || word::is_heading(line.text, "decision").then_some("");
    let labelled = word::labelled(line.text, "decision");
    let value = labelled.or_else(heading)?;
    if value.is_empty()
        && let Some((decision, next)) = decision_below(lines, at + 1)
    {
        return Some(Opening::Decision { decision, why: "", next });
    }
    match Word::read(labelled?) {
        Word::One(decision) => Some(Opening::Decision { decision, why: "", next: at + 1 }),
        Word::Explained(decision, why) => Some(Opening::Decision { decision, why, next: at + 1 }),
        Word::Template => None,
        Word::Other => Some(Opening::Unknown(value)),
    }
}

/// The decision that stands alone on the next line that is not blank, and the line after that.
fn decision_below(lines: &[Line<'_>], from: usize) -> Option<(Decision, usize)> {
    let blank = lines[from..].iter().position(|line| !line.text.trim().is_empty())?;
    let line = lines[from + blank];
    let at_first_column = !line.text.starts_with(char::is_whitespace);
    match Word::read(line.text) {
        Word::One(decision) if at_first_column && line.place == Place::Plain => {
            Some((decision, from + blank + 1))
        }
        _ => None,
    }
}

fn end_of_block(lines: &[Line<'_>], from: usize) -> usize {
    (from..lines.len()).find(|at| opening(lines, *at).is_some()).unwrap_or(lines.len())
}

/// Whether a line is more than blanks and rules.
fn says_more(line: &str) -> bool {
    line.contains(char::is_alphanumeric) || lines::is_fence(line)
}

/// Reads what a block says beside its decision, and whether text follows that is no part of it.
fn read(
    decision: Decision,
    why: &str,
    lines: &[Line<'_>],
) -> (Result<Verdict, VerdictProblem>, bool) {
    let verdict = match decision {
        Decision::Done => return read_done(lines),
        Decision::Continue => {
            let fields = Fields::read(lines, ["feedback"]);
            let [feedback] = fields.texts;
            verdict_continue(with_stray(why, with_stray(&fields.stray, feedback)))
        }
        Decision::Error => {
            let fields = Fields::read(lines, ["analysis", "recovery"]);
            let [analysis, recovery] = fields.texts;
            verdict_error(with_stray(why, with_stray(&fields.stray, analysis)), recovery)
        }
    };
    (verdict, false)
}

/// A DONE ends with the line of its confidence, or with the first paragraph of another field. What
/// stands after that may be the critic's word on a verdict that it only shows.
fn read_done(lines: &[Line<'_>]) -> (Result<Verdict, VerdictProblem>, bool) {
    // The fields of a refusal are empty, and no part of the summary.
    let labels = ["confidence", "summary", "feedback", "analysis", "recovery"];
    let fields = Fields::read(lines, labels);
    let last = fields.last.map_or("", |n| fields.texts[n].as_str());
    let [confidence, summary, ..] = &fields.texts;
    let figure = word::confidence(confidence);
    let is_below = lines.iter().any(|line| label_of(*line, ["confidence"]) == Some((0, "")));
    let goes_on = confidence.lines().skip(1).any(says_more)
        || (is_below && figure.is_none() && says_more(confidence))
        || has_a_second_part(last);
    (verdict_done(summary.clone(), figure), goes_on)
}

/// Whether a field is more than one paragraph.
fn has_a_second_part(text: &str) -> bool {
    let mut lines =
        text.lines().skip_while(|line| !line.trim().is_empty() && !lines::is_fence(line));
    lines.any(says_more)
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
    /// Which of them ends the block.
    last: Option<usize>,
}

impl<const N: usize> Fields<N> {
    /// `labels` are those of the texts.
    fn read(lines: &[Line<'_>], labels: [&str; N]) -> Self {
        let texts = std::array::from_fn(|_| String::new());
        let mut fields = Self { stray: String::new(), texts, last: None };
        let mut seen = [false; N];
        for line in lines {
            match label_of(*line, labels).filter(|(n, _)| !seen[*n]) {
                Some((n, value)) => {
                    seen[n] = true;
                    fields.last = Some(n);
                    fields.push(value);
                }
                None => fields.push(line.text),
            }
        }
        fields.trimmed()
    }

    fn push(&mut self, line: &str) {
        let text = match self.last {
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
            last: self.last,
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
