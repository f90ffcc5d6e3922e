//! The other form of a verdict: `<decision>{json}</decision>`.

use codeloops_event::{Decision, Verdict, VerdictProblem};
use serde::Deserialize;
use serde_json::Value;

use super::block::{Block, verdict_continue, verdict_done, verdict_error};
use super::lines::Line;
use super::word::{self, Word};

const OPEN: &str = "<decision>";
const CLOSE: &str = "</decision>";

/// Whether the line begins with the tag.
pub(super) fn opens(line: &str) -> bool {
    line.get(..OPEN.len()).is_some_and(|head| head.eq_ignore_ascii_case(OPEN))
}

/// Reads the tagged blocks of one answer, in their order.
#[derive(Default)]
pub(super) struct Tags {
    /// No closing tag is left: looked for once, so that reading stays linear.
    none_left: bool,
}

impl Tags {
    /// Reads the block that begins with the line `at`; gives it, if it is one, and the first line
    /// after it.
    pub(super) fn read(&mut self, lines: &[Line<'_>], at: usize) -> (Option<Block>, usize) {
        let unknown = (Some(Block::unknown(lines[at].text)), at + 1);
        if self.none_left {
            return unknown;
        }
        let close = |line: &Line<'_>| line.text.to_ascii_lowercase().find(CLOSE);
        let found = lines[at..].iter().enumerate().find_map(|(n, l)| Some((at + n, close(l)?)));
        let Some((end, column)) = found else {
            self.none_left = true;
            return unknown;
        };
        if !matches!(lines[end].text[column + CLOSE.len()..].trim(), "" | ".") {
            return (Some(Block::unknown(lines[at].text)), end + 1);
        }
        let mut json: Vec<&str> = lines[at..=end].iter().map(|line| line.text).collect();
        let last = json.len() - 1;
        json[last] = &json[last][..column];
        json[0] = &json[0][OPEN.len()..];
        let body: Result<Body, _> = serde_json::from_str(&json.join("\n"));
        let block = match body {
            Ok(body) => body.into_block(),
            Err(_) => Some(Block::unknown(lines[at].text)),
        };
        (block, end + 1)
    }
}

/// The JSON between the tags. A field that comes twice is an error.
#[derive(Deserialize)]
struct Body {
    r#type: String,
    summary: Option<String>,
    confidence: Option<Value>,
    feedback: Option<String>,
    remaining_issues: Option<Vec<String>>,
    error_description: Option<String>,
    recovery_suggestion: Option<String>,
}

impl Body {
    fn into_block(self) -> Option<Block> {
        match Word::read(&self.r#type) {
            Word::One(decision) => Block::of(self.into_verdict(decision), decision),
            Word::Template => None,
            Word::Explained(..) | Word::Other => Some(Block::unknown(&self.r#type)),
        }
    }

    /// Whether something of a refusal is there: approved, and yet there is something to mend.
    fn holds_findings(&self) -> bool {
        let fields = [&self.feedback, &self.error_description, &self.recovery_suggestion];
        let mut texts = fields.into_iter().flatten();
        let mut issues = self.remaining_issues.iter().flatten();
        issues.any(|issue| word::says_something(issue))
            || texts.any(|text| word::says_something(text))
    }

    fn into_verdict(self, decision: Decision) -> Result<Verdict, VerdictProblem> {
        match decision {
            Decision::Done if self.holds_findings() => Err(VerdictProblem::Contradiction),
            Decision::Done => verdict_done(text(self.summary), confidence(self.confidence)),
            Decision::Continue => {
                let issues = self.remaining_issues.unwrap_or_default();
                verdict_continue(findings(self.feedback, &issues))
            }
            Decision::Error => {
                verdict_error(text(self.error_description), text(self.recovery_suggestion))
            }
        }
    }
}

fn text(field: Option<String>) -> String {
    field.unwrap_or_default().trim().to_owned()
}

fn confidence(field: Option<Value>) -> Option<f64> {
    match field? {
        Value::Number(figure) => word::in_range(figure.as_f64()?),
        Value::String(text) => word::confidence(&text),
        _ => None,
    }
}

/// The feedback, then the remaining issues as a list.
fn findings(feedback: Option<String>, issues: &[String]) -> String {
    let issues: Vec<String> =
        issues.iter().filter(|i| !i.trim().is_empty()).map(|i| format!("- {}", i.trim())).collect();
    let mut parts = vec![text(feedback)];
    if !issues.is_empty() {
        parts.push(format!("Remaining issues:\n{}", issues.join("\n")));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}
