//! Phrases for what events tell, the same wherever a run is shown. What they quote of agents and
//! the repository is harmless and on one line.

mod gates;

use std::fmt;
use std::path::Path;
use std::time::Duration;

use codeloops_event::{
    AgentOutcome, BudgetKind, Changed, CutOffKind, EngineFailed, Evidence, Iteration, LimitKind,
    Limits, Refusal, ResumedAt, Role, StopReason, Timestamp, TreeCheck, VerdictProblem, layout,
};

pub(crate) use gates::is_red_as_before;
pub use gates::{
    approval_vetoed, gate_command, gate_completed, gate_ended, gate_findings, gate_output,
    not_asked, state_repeated, tampering,
};

use crate::commands;
use crate::text::{one_line, printable};

/// Changed things that a phrase names before it says how many more there are.
const NAMED: usize = 6;
/// Seconds from which on a duration is told in larger units.
const LONGEST_IN_SECONDS: f64 = 600.0;

/// A phrase, and behind it maybe a command or a path for somebody to copy: nobody may break that.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// The words.
    pub text: String,
    /// What is to be copied.
    pub to_copy: Option<String>,
}

impl Said {
    /// A phrase with something behind it.
    #[must_use]
    pub fn with(text: impl Into<String>, to_copy: &str) -> Self {
        Self { text: text.into(), to_copy: Some(printable(to_copy)) }
    }
}

impl<T: Into<String>> From<T> for Said {
    fn from(text: T) -> Self {
        Self { text: text.into(), to_copy: None }
    }
}

/// All of it on one line.
impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let blank = if self.text.is_empty() || self.to_copy.is_none() { "" } else { " " };
        write!(f, "{}{blank}{}", self.text, self.to_copy.as_deref().unwrap_or_default())
    }
}

/// A number with its noun.
#[must_use]
pub fn count(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// At how many places credentials were masked over a run; nothing where there were none. One may have
/// stood at many.
#[must_use]
pub fn masked(n: u64) -> Option<String> {
    (n > 0).then(|| format!("masked at {}", count(n, "place", "places")))
}

/// How long something took: `89.4s`, from ten minutes on `12m 5s`, and from an hour on `8h 0m`.
/// Each is rounded to what it shows before its form is chosen, so that no `60s` stands in it.
#[must_use]
pub fn duration(secs: f64) -> String {
    let tenths = (secs * 10.0).round() / 10.0;
    if tenths < LONGEST_IN_SECONDS { format!("{secs:.1}s") } else { long(secs.round()) }
}

/// How long something goes on already: as [`duration`], without tenths.
pub(crate) fn elapsed(time: Duration) -> String {
    let secs = time.as_secs_f64().floor();
    if secs < LONGEST_IN_SECONDS { format!("{secs}s") } else { long(secs) }
}

/// A duration of so many whole seconds, in its two largest units.
fn long(secs: f64) -> String {
    let (minutes, hours) = ((secs / 60.0).floor(), (secs / 3600.0).floor());
    if hours >= 1.0 {
        format!("{hours}h {}m", minutes % 60.0)
    } else {
        format!("{minutes}m {}s", secs % 60.0)
    }
}

/// A time that a person is to act on.
#[must_use]
pub fn utc(at: Timestamp) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// What to say of limits that leave it to the critic alone to end the run.
#[must_use]
pub fn unlimited(limits: &Limits) -> Option<&'static str> {
    let is_unlimited = limits.max_iterations.is_none()
        && limits.max_duration_secs.is_none()
        && limits.max_tokens.is_none()
        && limits.max_cost_usd.is_none();
    is_unlimited.then_some("No limit on iterations, time, tokens or cost is set")
}

/// A time before a line of a log.
#[must_use]
pub fn log_time(at: Timestamp) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Git's own summary of a diff, with its rules for what is left out.
#[must_use]
pub fn diff_summary(files: u64, insertions: u64, deletions: u64) -> String {
    if files == 0 {
        return "no changes".to_owned();
    }
    let mut parts = vec![files_changed(files)];
    if insertions > 0 || deletions == 0 {
        parts.push(count(insertions, "insertion(+)", "insertions(+)"));
    }
    if deletions > 0 || insertions == 0 {
        parts.push(count(deletions, "deletion(-)", "deletions(-)"));
    }
    parts.join(", ")
}

/// The first part of git's summary.
#[must_use]
pub fn files_changed(files: u64) -> String {
    count(files, "file changed", "files changed")
}

/// How an agent call ended.
#[must_use]
pub fn call_ended(
    role: Role,
    outcome: &AgentOutcome,
    exit_code: Option<i32>,
    duration_secs: f64,
) -> String {
    let exit = exit_code.map_or_else(String::new, |code| format!(" (exit code: {code})"));
    ended(role, outcome, &duration(duration_secs), &exit)
}

fn ended(role: Role, outcome: &AgentOutcome, time: &str, exit: &str) -> String {
    match outcome {
        AgentOutcome::Completed => format!("Completed in {time}{exit}"),
        AgentOutcome::Denied { count: denied } => {
            let denied = count(u64::from(*denied), "tool call", "tool calls");
            let rules = "denied by the agent's own permission rules";
            format!("Completed in {time}{exit}, with {denied} {rules}")
        }
        AgentOutcome::Interrupted => format!("Interrupted after {time}"),
        AgentOutcome::Refused { refusal, message } => {
            let words = said(message);
            format!("Refused by the provider after {time} ({}){words}", refused(*refusal))
        }
        AgentOutcome::UsageLimit { resets_at, message } => {
            let reset = resets_at.map_or_else(String::new, |at| format!(", resets at {}", utc(at)));
            format!("Usage limit reached after {time}{reset}{}", said(message))
        }
        AgentOutcome::Transient { message } => {
            format!("Provider not available after {time}{}", said(message))
        }
        AgentOutcome::CutOff { how } => format!("Answer cut off after {time} ({})", cut_off(*how)),
        AgentOutcome::Failed { message, .. } => {
            let words = message.as_deref().map(said).unwrap_or_default();
            format!("Failed after {time}{exit}{words}")
        }
        AgentOutcome::Signaled { signal } => format!("Killed by signal {signal} after {time}"),
        AgentOutcome::NoOutput => format!("Ended after {time} without output{exit}"),
        AgentOutcome::TimedOut { limit, after_ms } => {
            let limit = timed_out(role, *limit, Duration::from_millis(*after_ms));
            format!("Stopped after {time}: {limit}")
        }
        AgentOutcome::OverBudget { budget } => {
            let (what, limit) = match budget {
                BudgetKind::Tokens => ("tokens", "max_tokens"),
                BudgetKind::Cost => ("cost", "max_cost_usd"),
            };
            format!("Stopped after {time}: the run's limit on {what} was reached ({limit})")
        }
        AgentOutcome::ConversationLost { message } => {
            format!("Could not go on with its conversation{}", said(message))
        }
        AgentOutcome::NotStarted { message } => format!("Could not be started{}", said(message)),
    }
}

fn said(message: &str) -> String {
    let message = one_line(message);
    if message.is_empty() { message } else { format!(": {message}") }
}

const fn refused(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Auth => "authentication",
        Refusal::Billing => "billing or quota",
        Refusal::BadRequest => "bad request",
    }
}

const fn cut_off(how: CutOffKind) -> &'static str {
    match how {
        CutOffKind::NoFinalEvent => "its output ends without a final event",
        CutOffKind::Length => "the model reached its output limit",
    }
}

/// The limit by the name that sets it. Of the run's time a call gets what is left, so that is no limit
/// that anybody set.
fn timed_out(role: Role, limit: LimitKind, after: Duration) -> String {
    let time = duration(after.as_secs_f64());
    match limit {
        LimitKind::Total => format!("its time limit of {time} was reached ({role}_timeout)"),
        LimitKind::Idle => format!("it printed nothing for {time} (idle_timeout)"),
        LimitKind::RunBudget => "the run's time limit was reached (max_duration)".to_owned(),
    }
}

/// Why an answer of the critic cannot be relied on.
#[must_use]
pub fn verdict_problem(problem: &VerdictProblem) -> String {
    one_line(&problem.to_string())
}

/// Where a run goes on: `in iteration 2, with the critic`.
#[must_use]
pub fn resumed_at(iteration: Iteration, phase: ResumedAt) -> String {
    if iteration == 0 {
        return "with the gates, before the first iteration".to_owned();
    }
    let at = match phase {
        ResumedAt::ActorExecuting => "with the actor",
        ResumedAt::CapturingDiff => "with what the actor changed",
        ResumedAt::RunningGates => "with the gates",
        ResumedAt::CriticEvaluating => "with the critic",
    };
    format!("in iteration {iteration}, {at}")
}

/// So many processes.
#[must_use]
pub fn processes(number: u32) -> String {
    count(u64::from(number), "process", "processes")
}

/// What an agent call left behind that is not kept: processes, and output past the limit. An agent
/// that was ended had not left its processes behind: they were at work with it.
#[must_use]
pub fn left_over(
    outcome: &AgentOutcome,
    leftovers: u32,
    files: [&Option<Evidence>; 2],
) -> Vec<String> {
    let was_ended = matches!(
        outcome,
        AgentOutcome::Interrupted | AgentOutcome::TimedOut { .. } | AgentOutcome::OverBudget { .. }
    );
    let ended = (leftovers > 0 && !was_ended)
        .then(|| format!("Ended {} that it had left behind", processes(leftovers)));
    let dropped: u64 = files.into_iter().flatten().map(|file| file.dropped_bytes).sum();
    let output = (dropped > 0).then(|| {
        let bytes = count(dropped, "byte", "bytes");
        format!("Printed too much: {bytes} past the limit were not kept")
    });
    ended.into_iter().chain(output).collect()
}

/// After whom the tree was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After<'a> {
    /// After the critic.
    Critic,
    /// After these gates.
    Gates(&'a [String]),
}

impl After<'_> {
    fn name(self) -> String {
        match self {
            Self::Critic => "the critic".to_owned(),
            Self::Gates([gate]) => format!("gate {}", one_line(gate)),
            Self::Gates(gates) => {
                format!("gates {}", gates::and(gates.iter().map(|gate| one_line(gate))))
            }
        }
    }

    const fn worked(self) -> &'static str {
        match self {
            Self::Critic => "judged",
            Self::Gates(_) => "ran",
        }
    }

    /// What was put back.
    const fn tree(self) -> &'static str {
        match self {
            Self::Critic => "the actor's tree",
            Self::Gates(_) => "the tree",
        }
    }
}

/// What a look at the tree found; nothing where nothing had changed.
#[must_use]
pub fn tree_checked(after: After<'_>, check: &TreeCheck) -> Vec<Said> {
    let (name, worked) = (after.name(), after.worked());
    match check {
        TreeCheck::Unchanged => Vec::new(),
        TreeCheck::Failed { error } => {
            vec![format!("Could not compare the tree after {name}: {}", one_line(error)).into()]
        }
        TreeCheck::Changed { kept_as, files, head_moved, index_changed, restored, .. } => {
            let what = changed(files, *head_moved, *index_changed);
            let put_back = if *restored {
                format!("{} was put back", after.tree())
            } else {
                "it was not put back, or not all of it".to_owned()
            };
            let kept = one_line(kept_as);
            let commit =
                if *head_moved { format!(", its commit as {kept}-head") } else { String::new() };
            let way_back = layout::before_change(&kept).filter(|_| !restored).map(|before| {
                Said::with(
                    format!("As it was before, it is kept as {before}; to get a file back:"),
                    &commands::restore(&before),
                )
            });
            let told = [
                format!("Changed while {name} {worked}: {what}"),
                format!("The changed tree is kept as {kept}{commit}; {put_back}"),
            ];
            told.into_iter().map(Said::from).chain(way_back).collect()
        }
    }
}

/// Nobody compared the tree after the critic; `before` is the ref that keeps it as it was, and `dir`
/// the repository, where the user stands somewhere else.
#[must_use]
pub fn tree_unverified(before: &str, dir: Option<&Path>) -> [Said; 2] {
    let before = one_line(before);
    let told = format!("The tree may differ from what it was before the critic, kept as {before}");
    [told.into(), Said::with("To see what differs:", &commands::diff_with_tree(dir, &before))]
}

/// What an agent prints is read as text, and what to set where that is right.
#[must_use]
pub fn read_as_text(agent: &str, declared: &str) -> [String; 2] {
    let (agent, declared) = (one_line(agent), one_line(declared));
    [
        format!("What {agent} printed is read as text: nothing in it is of `{declared}`"),
        format!(
            "Its exit code tells how it ended; where that is meant, set output = \"text\" for {agent}"
        ),
    ]
}

fn changed(files: &[String], head_moved: bool, index_changed: bool) -> String {
    let mut parts = Vec::new();
    let changed = files.iter().map(|name| Changed::named(name));
    let (files, of_git): (Vec<_>, Vec<_>) = changed.partition(|changed| changed.is_file());
    if !files.is_empty() {
        let number = count(files.len() as u64, "file", "files");
        parts.push(format!("{number} ({})", named(&files)));
    }
    if !of_git.is_empty() {
        parts.push(named(&of_git));
    }
    if head_moved {
        parts.push("HEAD".to_owned());
    }
    if index_changed {
        parts.push("the index".to_owned());
    }
    parts.join(", ")
}

/// The first of what changed, and how many more there are.
fn named(changed: &[Changed<'_>]) -> String {
    let first = changed.iter().take(NAMED).map(|changed| one_line(&changed.to_string()));
    let names = first.collect::<Vec<_>>().join(", ");
    match changed.len().saturating_sub(NAMED) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

/// What failed in codeloops itself.
#[must_use]
pub fn engine_failed(failure: &EngineFailed) -> String {
    let what = match failure.reason {
        StopReason::RecordFailed => "Could not record the session",
        _ => "Internal error",
    };
    format!("{what}: {}", one_line(&failure.error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_written_as_a_person_would() {
        for (secs, shown) in [
            (0.0, "0.0s"),
            (45.2, "45.2s"),
            (89.4, "89.4s"),
            (312.8, "312.8s"),
            (599.94, "599.9s"),
            (599.96, "10m 0s"),
            (725.4, "12m 5s"),
            (3599.4, "59m 59s"),
            (3599.6, "1h 0m"),
            (28_800.0, "8h 0m"),
            (100_000.0, "27h 46m"),
        ] {
            assert_eq!(duration(secs), shown, "{secs}");
        }
    }

    #[test]
    fn only_an_agent_that_ended_by_itself_left_processes_behind() {
        let told = |outcome| left_over(&outcome, 2, [&None, &None]);
        let left = ["Ended 2 processes that it had left behind"];
        assert_eq!(told(AgentOutcome::Completed), left);
        assert_eq!(told(AgentOutcome::Signaled { signal: 11 }), left);
        assert_eq!(told(AgentOutcome::Interrupted), [""; 0]);
        let limit = LimitKind::Idle;
        assert_eq!(told(AgentOutcome::TimedOut { limit, after_ms: 1 }), [""; 0]);
    }

    #[test]
    fn what_goes_on_has_no_tenths() {
        for (millis, shown) in
            [(0, "0s"), (65_900, "65s"), (600_000, "10m 0s"), (7_265_000, "2h 1m")]
        {
            assert_eq!(elapsed(Duration::from_millis(millis)), shown);
        }
    }
}
