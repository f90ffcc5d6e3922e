//! Replay: the recorded facts, driven through the same [`Machine::step`] as the live run.

use codeloops_event::{
    AgentStarted, Attempt, CallId, CallKind, CapturedDiff, Class, Event, GateResult, Iteration,
    IterationEnd, Nonce, Role, RunId, SessionStart, Settings, Stamp, Timestamp, TreeId,
};

use crate::input::{AgentReport, Input, Stamped, Start};
use crate::machine::{Machine, RejectReason};

/// Why a recording cannot be replayed, or where it differs.
#[derive(Debug, Clone, PartialEq)]
pub enum Divergence {
    /// There is no session start, or one without the fields that a replay needs (a file of another
    /// program, or of another version).
    NotReplayable {
        /// The field that is missing.
        missing: &'static str,
    },
    /// The machine decided something else.
    Different {
        /// Position in the recording, from 0.
        index: usize,
        /// What was recorded.
        recorded: Box<Event>,
        /// What the machine gave; `None` where it gave nothing.
        replayed: Option<Box<Event>>,
    },
    /// The machine refused a recorded fact.
    Refused {
        /// Position in the recording, from 0.
        index: usize,
        /// Why.
        reason: RejectReason,
    },
}

/// Drives the recorded facts through the machine and compares every event that it gives with the
/// recording, which may be a prefix (a killed run). The texts of an `iteration` line are facts too:
/// whether they are what the agents printed, their evidence tells.
///
/// # Errors
///
/// The first difference.
pub fn verify(events: &[Event]) -> Result<(), Divergence> {
    let recorded: Vec<(usize, &Event)> = events
        .iter()
        .enumerate()
        .filter(|(_, e)| e.class() != Class::Chatter && !matches!(e, Event::AnswerIgnored(_)))
        .collect();
    let Some((_, Event::SessionStart(first))) = recorded.first() else {
        return Err(Divergence::NotReplayable { missing: "session_start" });
    };
    let last_is = |(_, e): &(usize, &Event)| e.class() != Class::Chatter;
    let last = events.iter().enumerate().rfind(last_is);
    let mut compare = Compare { recorded: &recorded, next: 0, last };
    let step = Machine::start(start_of(first, nonce_after(events, 0))?);
    compare.events(&step.events)?;
    let mut machine = step.machine;
    let mut gates = GateCounter::default();
    for (index, event) in &recorded {
        let Some(input) = input_of(event, events, &mut gates) else { continue };
        let stamped = Stamped { stamp: stamp_of(event), nonce: nonce_after(events, *index), input };
        let step = machine
            .step(stamped)
            .map_err(|rejected| Divergence::Refused { index: *index, reason: rejected.reason })?;
        compare.events(&step.events)?;
        machine = step.machine;
    }
    compare.nothing_left()
}

struct Compare<'a> {
    recorded: &'a [(usize, &'a Event)],
    next: usize,
    /// The last line of the recording, an answer that was ignored too.
    last: Option<(usize, &'a Event)>,
}

impl Compare<'_> {
    fn events(&mut self, replayed: &[Event]) -> Result<(), Divergence> {
        for event in replayed {
            let Some((index, recorded)) = self.recorded.get(self.next).or_else(|| self.gap())
            else {
                // The recording stops here: a killed run.
                return Ok(());
            };
            if *recorded != event {
                return Err(Divergence::Different {
                    index: *index,
                    recorded: Box::new((*recorded).clone()),
                    replayed: Some(Box::new(event.clone())),
                });
            }
            self.next += 1;
        }
        Ok(())
    }

    /// What was recorded after all that is compared: something before it is missing.
    fn gap(&self) -> Option<&(usize, &Event)> {
        let end = self.recorded.last().map(|(index, _)| *index);
        self.last.as_ref().filter(|(index, _)| Some(*index) > end)
    }

    /// Whatever was recorded came from a step.
    fn nothing_left(&self) -> Result<(), Divergence> {
        match self.recorded.get(self.next) {
            None => Ok(()),
            Some((index, recorded)) => Err(Divergence::Different {
                index: *index,
                recorded: Box::new((*recorded).clone()),
                replayed: None,
            }),
        }
    }
}

/// Gates have no number in their lines; they run in order.
#[derive(Default)]
struct GateCounter {
    iteration: u32,
    seen: u32,
}

impl GateCounter {
    fn position(&mut self, iteration: u32) -> u32 {
        if self.iteration != iteration {
            *self = Self { iteration, seen: 0 };
        }
        self.seen += 1;
        self.seen
    }
}

fn start_of(line: &SessionStart, nonce: Nonce) -> Result<Stamped<Start>, Divergence> {
    let missing = |missing| Divergence::NotReplayable { missing };
    let run_id: RunId = line.run_id.clone().ok_or_else(|| missing("run_id"))?;
    let settings: Settings = line.settings.clone().ok_or_else(|| missing("settings"))?;
    let base_tree: TreeId = line.base_tree.clone().ok_or_else(|| missing("base_tree"))?;
    let version = line.codeloops_version.clone().ok_or_else(|| missing("codeloops_version"))?;
    Ok(Stamped {
        stamp: Stamp { at: line.timestamp, elapsed_ms: line.elapsed_ms },
        nonce,
        input: Start {
            prompt: line.prompt.clone(),
            task: line.prompt.clone(),
            redacted: line.redacted,
            working_dir: line.working_dir.clone(),
            run_id,
            commit_sha: line.commit_sha.clone(),
            branch: line.branch.clone(),
            base_tree,
            codeloops_version: version,
            trace_id: line.trace_id.clone(),
            parent_span_id: line.parent_span_id.clone(),
            evidence_dir: line.evidence_dir.clone(),
            settings,
        },
    })
}

/// The input that a recorded fact was; `None` for a decision.
fn input_of(event: &Event, all: &[Event], gates: &mut GateCounter) -> Option<Input> {
    use CallKind::{Actor, Critic};
    Some(match event {
        Event::ActorStarted(e) => started(Actor, e),
        Event::CriticStarted(e) => started(Critic, e),
        Event::ActorCompleted(e) => {
            let report = actor_report(e, summary(all, e.iteration));
            finished(call(e.iteration, Actor, e.attempt), report)
        }
        Event::CriticCompleted(e) => {
            finished(call(e.iteration, Critic, e.attempt), critic_report(e))
        }
        Event::DiffCaptured(e) => Input::DiffCaptured {
            call: call(e.iteration, CallKind::Diff, 1),
            diff: Box::new(captured(e, summary(all, e.iteration))),
        },
        Event::DiffFailed(e) => {
            Input::DiffFailed { call: call(e.iteration, CallKind::Diff, 1), error: e.error.clone() }
        }
        Event::GateCompleted(e) => Input::GateFinished {
            call: call(e.iteration, CallKind::Gate, gates.position(e.iteration)),
            result: Box::<GateResult>::new(e.gate.clone()),
        },
        Event::TreeChecked(e) => Input::TreeChecked {
            call: call(e.iteration, CallKind::TreeCheck, e.attempt),
            check: e.check.clone(),
        },
        Event::WaitOver(e) => {
            Input::WaitOver { call: call(e.iteration, wait_of(e.role), e.attempt) }
        }
        Event::StopRequested(e) => Input::StopRequested { signal: e.signal.clone() },
        Event::EngineFailed(e) => Input::EngineFailed { reason: e.reason, error: e.error.clone() },
        Event::SessionStart(_)
        | Event::IterationStarted(_)
        | Event::ReadAsText(_)
        | Event::TreeUnverified(_)
        | Event::VerdictReached(_)
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

/// The summary of a round, which holds the bulk that its progress lines leave out.
fn summary(all: &[Event], iteration: u32) -> Option<&IterationEnd> {
    all.iter().find_map(|event| match event {
        Event::Iteration(e) if e.iteration_number == iteration => Some(&**e),
        _ => None,
    })
}

fn actor_report(
    e: &codeloops_event::ActorCompleted,
    summary: Option<&IterationEnd>,
) -> AgentReport {
    AgentReport {
        outcome: e.outcome.clone(),
        exit_code: e.exit_code,
        text: summary.map(|s| s.actor_output.clone()).unwrap_or_default(),
        stderr: summary.map(|s| s.actor_stderr.clone()).unwrap_or_default(),
        stdout_file: e.stdout.clone(),
        stderr_file: e.stderr.clone(),
        agent_session: e.agent_session.clone(),
        conversation_usage: e.conversation_usage.clone(),
        usage: e.usage.clone(),
        leftovers: e.leftovers,
        text_instead_of: e.text_instead_of.clone(),
    }
}

fn critic_report(e: &codeloops_event::CriticCompleted) -> AgentReport {
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

fn captured(e: &codeloops_event::DiffCaptured, summary: Option<&IterationEnd>) -> CapturedDiff {
    CapturedDiff {
        tree: e.tree.clone(),
        diff: summary.map(|s| s.git_diff.clone()).unwrap_or_default(),
        // Only the critic's prompt shows the list of files.
        files: Vec::new(),
        files_changed: e.files_changed,
        insertions: e.insertions,
        deletions: e.deletions,
        patch: e.patch.clone(),
        notes: e.notes.clone(),
    }
}

/// The nonce of the first evaluation that began after a position; any word where there is none, for
/// then nothing is made of it.
fn nonce_after(events: &[Event], index: usize) -> Nonce {
    events[index..]
        .iter()
        .find_map(|event| match event {
            Event::CriticStarted(e) => e.nonce.clone(),
            _ => None,
        })
        .unwrap_or_else(|| Nonce("unused".to_owned()))
}

fn stamp_of(event: &Event) -> Stamp {
    let at = event.timestamp().unwrap_or(Timestamp::MIN_UTC);
    Stamp { at, elapsed_ms: crate::invariants::elapsed_ms(event).unwrap_or(0) }
}
