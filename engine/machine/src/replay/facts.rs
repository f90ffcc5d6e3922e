//! Recorded facts as the inputs that they were.

use codeloops_event::{
    ActorCompleted, AgentStarted, Attempt, CallId, CallKind, CapturedDiff, CriticCompleted,
    DiffCaptured, Event, FileChange, GateResult, Iteration, IterationEnd, Nonce, Role, RunId,
    SessionStart, Settings, Stamp, Timestamp, TreeId,
};

use super::Divergence;
use crate::input::{AgentReport, GateReport, Input, Resume, Stamped, Start};

/// What the progress lines of a round leave out: its summary has it, and its evidence.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bulk {
    /// The actor's text.
    pub actor_output: String,
    /// The actor's stderr.
    pub actor_stderr: String,
    /// The diff since the run began.
    pub git_diff: String,
    /// The files of that diff. Only the critic's prompt shows them, so a summary has none.
    pub files: Vec<FileChange>,
}

impl Bulk {
    pub(super) fn of(summary: &IterationEnd) -> Self {
        Self {
            actor_output: summary.actor_output.clone(),
            actor_stderr: summary.actor_stderr.clone(),
            git_diff: summary.git_diff.clone(),
            files: Vec::new(),
        }
    }
}

/// The names of a run's gates: their lines bear no other number.
#[derive(Debug, Clone, Default)]
pub(super) struct GateNames(Vec<String>);

impl GateNames {
    pub(super) fn of(line: &SessionStart) -> Self {
        let gates = line.settings.iter().flat_map(|settings| &settings.gates);
        Self(gates.map(|gate| gate.name.clone()).collect())
    }

    /// The position of a gate; 0, which is none's, where there is none of that name.
    fn position(&self, name: &str) -> u32 {
        let at = self.0.iter().position(|gate| gate == name);
        at.and_then(|at| u32::try_from(at + 1).ok()).unwrap_or(0)
    }
}

/// The beginning that a first line tells of.
pub(super) fn start_of(line: &SessionStart) -> Result<Stamped<Start>, Divergence> {
    let missing = |missing| Divergence::NotReplayable { missing };
    let run_id: RunId = line.run_id.clone().ok_or_else(|| missing("run_id"))?;
    let settings: Settings = line.settings.clone().ok_or_else(|| missing("settings"))?;
    let base_tree: TreeId = line.base_tree.clone().ok_or_else(|| missing("base_tree"))?;
    let version = line.codeloops_version.clone().ok_or_else(|| missing("codeloops_version"))?;
    Ok(Stamped {
        stamp: Stamp { at: line.timestamp, elapsed_ms: line.elapsed_ms },
        // A run begins with the actor, who needs none.
        nonce: unused(),
        input: Start {
            prompt: line.prompt.clone(),
            task: line.prompt.clone(),
            redacted: line.redacted,
            working_dir: line.working_dir.clone(),
            run_id,
            commit_sha: line.commit_sha.clone(),
            branch: line.branch.clone(),
            repository: line.repository.clone(),
            base_tree,
            parent: line.parent.clone(),
            codeloops_version: version,
            trace_id: line.trace_id.clone(),
            parent_span_id: line.parent_span_id.clone(),
            trace_sampled: line.trace_sampled,
            evidence_dir: line.evidence_dir.clone(),
            verify: None,
            settings,
        },
    })
}

/// The input that a recorded fact was; `None` for a decision.
pub(super) fn input_of(event: &Event, bulk: &Bulk, gates: &GateNames) -> Option<Input> {
    use CallKind::{Actor, Critic};
    Some(match event {
        Event::ActorStarted(e) => started(Actor, e),
        Event::CriticStarted(e) => started(Critic, e),
        Event::ActorCompleted(e) => {
            let report = actor_report(e, bulk);
            finished(call(e.iteration, Actor, e.attempt), report)
        }
        Event::CriticCompleted(e) => {
            finished(call(e.iteration, Critic, e.attempt), critic_report(e))
        }
        Event::DiffCaptured(e) => Input::DiffCaptured {
            call: call(e.iteration, CallKind::Diff, 1),
            diff: Box::new(captured(e, bulk)),
        },
        Event::DiffFailed(e) => {
            Input::DiffFailed { call: call(e.iteration, CallKind::Diff, 1), error: e.error.clone() }
        }
        Event::GateCompleted(e) => Input::GateFinished {
            call: call(e.iteration, CallKind::Gate, gates.position(&e.gate.name)),
            report: Box::new(gate_report(&e.gate)),
        },
        Event::GateTreeChecked(e) => Input::TreeChecked {
            call: call(e.iteration, CallKind::GateTreeCheck, e.attempt),
            check: e.check.clone(),
        },
        Event::TreeChecked(e) => Input::TreeChecked {
            call: call(e.iteration, CallKind::TreeCheck, e.attempt),
            check: e.check.clone(),
        },
        Event::WaitOver(e) => {
            Input::WaitOver { call: call(e.iteration, wait_of(e.role), e.attempt) }
        }
        Event::StopRequested(e) => Input::StopRequested { signal: e.signal.clone() },
        Event::SessionResumed(e) => Input::Resumed(Box::new(Resume {
            task: None,
            verify: None,
            codeloops_version: e.codeloops_version.clone(),
            limits: e.limits.clone(),
            tree: e.tree.clone(),
            leftovers: e.leftovers,
        })),
        Event::EngineFailed(e) => Input::EngineFailed { reason: e.reason, error: e.error.clone() },
        Event::SessionStart(_)
        | Event::IterationStarted(_)
        | Event::ReadAsText(_)
        | Event::TreeUnverified(_)
        | Event::VerdictReached(_)
        | Event::GateStarted(_)
        | Event::ApprovalVetoed(_)
        | Event::StateRepeated(_)
        | Event::Waiting(_)
        | Event::AnswerIgnored(_)
        | Event::Iteration(_)
        | Event::SessionEnd(_)
        | Event::AgentOutput(_) => return None,
    })
}

const fn call(iteration: Iteration, kind: CallKind, attempt: Attempt) -> CallId {
    CallId { iteration, kind, attempt }
}

fn started(kind: CallKind, e: &AgentStarted) -> Input {
    Input::AgentStarted { call: call(e.iteration, kind, e.attempt), process: e.process.clone() }
}

fn finished(call: CallId, report: AgentReport) -> Input {
    Input::AgentFinished { call, report: Box::new(report) }
}

const fn wait_of(role: Role) -> CallKind {
    match role {
        Role::Actor => CallKind::ActorWait,
        Role::Critic => CallKind::CriticWait,
    }
}

fn actor_report(e: &ActorCompleted, bulk: &Bulk) -> AgentReport {
    AgentReport {
        outcome: e.outcome.clone(),
        exit_code: e.exit_code,
        text: bulk.actor_output.clone(),
        stderr: bulk.actor_stderr.clone(),
        stdout_file: e.stdout.clone(),
        stderr_file: e.stderr.clone(),
        agent_session: e.agent_session.clone(),
        conversation_usage: e.conversation_usage.clone(),
        usage: e.usage.clone(),
        leftovers: e.leftovers,
        text_instead_of: e.text_instead_of.clone(),
    }
}

fn critic_report(e: &CriticCompleted) -> AgentReport {
    AgentReport {
        outcome: e.outcome.clone(),
        exit_code: e.exit_code,
        text: e.text.clone(),
        // No decision and no line rests on the critic's stderr.
        stderr: String::new(),
        stdout_file: e.stdout.clone(),
        stderr_file: e.stderr.clone(),
        agent_session: None,
        conversation_usage: None,
        usage: e.usage.clone(),
        leftovers: e.leftovers,
        text_instead_of: e.text_instead_of.clone(),
    }
}

/// What the gate itself came to; beside what it was before, is a decision.
fn gate_report(gate: &GateResult) -> GateReport {
    GateReport {
        status: gate.status,
        exit_code: gate.exit_code,
        duration_secs: gate.duration_secs,
        tail: gate.tail.clone(),
        output: gate.output.clone(),
        attempts: gate.attempts,
        failures: gate.failures.clone(),
        more_failures: gate.more_failures,
        kept_from: gate.kept_from.clone(),
        interrupted: gate.interrupted,
        leftovers: gate.leftovers,
        artifacts: gate.artifacts.clone(),
        more_artifacts: gate.more_artifacts,
    }
}

fn captured(e: &DiffCaptured, bulk: &Bulk) -> CapturedDiff {
    CapturedDiff {
        tree: e.tree.clone(),
        diff: bulk.git_diff.clone(),
        files: bulk.files.clone(),
        files_changed: e.files_changed,
        insertions: e.insertions,
        deletions: e.deletions,
        patch: e.patch.clone(),
        notes: e.notes.clone(),
        tampering: e.tampering.clone(),
        more_tampering: e.more_tampering,
    }
}

/// Any word, where nothing is made of it.
pub(super) fn unused() -> Nonce {
    Nonce("unused".to_owned())
}

/// When an event happened.
pub(super) fn stamp_of(event: &Event) -> Stamp {
    let at = event.timestamp().unwrap_or(Timestamp::MIN_UTC);
    Stamp { at, elapsed_ms: crate::invariants::elapsed_ms(event).unwrap_or(0) }
}
