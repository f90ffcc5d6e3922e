//! What the critic said is wrong, and how to go on: two texts.

use codeloops_event::{Decision, Event, IterationEnd, Ruling, Verdict};

use super::line::Line;
use super::{Format, compact, pretty, render};

/// The two parts of an ERROR, which the round's own feedback holds as one text.
pub(super) struct CriticError {
    analysis: String,
    recovery: String,
    feedback: Option<String>,
}

impl CriticError {
    /// Those of a verdict that counts.
    pub(super) fn of(ruling: &Ruling) -> Option<Self> {
        let Ruling::Accepted { verdict } = ruling else { return None };
        let Verdict::Error { analysis, recovery } = verdict else { return None };
        let (analysis, recovery) = (analysis.clone(), recovery.clone());
        Some(Self { analysis, recovery, feedback: verdict.feedback() })
    }

    /// Whether it is what the round came to.
    pub(super) fn is_told_by(&self, round: &IterationEnd) -> bool {
        round.critic_decision == Decision::Error && round.feedback == self.feedback
    }

    /// The parts that say something, each with its name.
    fn parts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let parts = [("Analysis", self.analysis.as_str()), ("Recovery", self.recovery.as_str())];
        parts.into_iter().filter(|(_, text)| !text.trim().is_empty())
    }

    /// The round, with the parts told apart.
    pub(super) fn render(&self, round: &IterationEnd, format: Format) -> Vec<Line> {
        match format {
            Format::Pretty => pretty::error(round, self.parts()),
            Format::Compact => vec![compact::error(round, self.parts())],
            Format::Json => render(&Event::Iteration(Box::new(round.clone())), format),
        }
    }
}
