//! The span tree of a run, made from its events: each span is given out once, when it has ended.
//!
//! ```text
//! invoke_workflow codeloops         one for each process that carried the run out
//!  ├─ codeloops.check {gate}        before the first round
//!  └─ codeloops.iteration           1..n
//!      ├─ invoke_agent {agent}      role=actor; a second attempt is a second span
//!      ├─ codeloops.capture_diff
//!      ├─ codeloops.check {gate}
//!      └─ invoke_agent {agent}      role=critic
//! ```
//!
//! Architecture invariant: nothing but the events decides on the tree, no clock and no chance, so that
//! a recording gives the spans that the live run gave. Where a run was killed, the spans that were
//! open end with the last event that is known of that process.

mod agent;
mod content;
mod gate;
mod run;

#[cfg(test)]
mod tests;

use codeloops_event::trace::{SpanId, SpanPath, TraceId};
use codeloops_event::{
    DiffCaptured, DiffFailed, Event, GateCompleted, GateStarted, Iteration, IterationEnd, Ruling,
    SessionEnd, SessionResumed, SessionStart, Timestamp, TreeCheck, TreeChecked, Verdict,
    VerdictReached, Waiting,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::Span;

use crate::names;
use crate::options::Value;
use crate::span::{Draft, Parent};
use agent::Call;
pub(crate) use agent::{Place, error_of};
use gate::Gates;
use run::Run;
pub use run::run_id_of;

/// What is exported of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Texts {
    /// Whether prompts, answers and diffs are exported.
    pub(crate) content: bool,
    /// Bytes that one may have.
    pub(crate) longest: usize,
}

/// What the session is called, once its file is there.
pub(crate) type SessionName = Box<dyn Fn() -> Option<String> + Send>;

/// The tree of a run.
pub(crate) struct Tree {
    texts: Texts,
    session_name: SessionName,
    begun: Option<Open>,
    done: Vec<Span>,
}

/// A run that has begun, and what of it is open.
struct Open {
    run: Run,
    session: Option<Draft>,
    iteration: Option<(Iteration, Draft)>,
    call: Option<Call>,
    /// A call that is over; a wait that it causes is told at once, and belongs to it.
    ended_call: Option<(Draft, Timestamp)>,
    /// Where the work now under way began: nothing tells the beginning of a capture.
    since: Timestamp,
    gates: Gates,
    last: Timestamp,
}

impl Tree {
    pub(crate) fn new(texts: Texts, session_name: SessionName) -> Self {
        Self { texts, session_name, begun: None, done: Vec::new() }
    }

    /// The trace of the run, once it has begun.
    pub(crate) fn trace(&self) -> Option<TraceId> {
        self.begun.as_ref().map(|open| open.run.trace)
    }

    /// The innermost span of the run itself that is open: a round, or the process.
    pub(crate) fn innermost(&self) -> Option<SpanId> {
        let open = self.begun.as_ref()?;
        Some(match &open.iteration {
            Some((number, _)) => open.run.span_id(open.run.iteration_path(*number)),
            None => open.run.session_id(),
        })
    }

    /// Whether what people and agents wrote is exported.
    pub(crate) const fn exports_content(&self) -> bool {
        self.texts.content
    }

    /// Begins a span below that of a call, for something that no event of the run tells.
    pub(crate) fn below(
        &self,
        call: Place,
        path: SpanPath,
        name: String,
        at: Timestamp,
    ) -> Option<Draft> {
        let run = &self.begun.as_ref()?.run;
        Some(call.begin(run, path, Parent::Ours(run.span_id(call.path())), name, at))
    }

    /// What finds the run's recording, where there is one.
    pub(crate) fn session_name(&self) -> Option<&str> {
        self.begun.as_ref()?.run.recorded_as()
    }

    /// What stands on every span of the run.
    pub(crate) fn own(&self) -> Vec<KeyValue> {
        self.begun.as_ref().map(|open| open.run.own()).unwrap_or_default()
    }

    /// The spans that ended with this event.
    pub(crate) fn take(&mut self, event: &Event) -> Vec<Span> {
        match (event, &mut self.begun) {
            (Event::SessionStart(start), _) => self.begin(start),
            (_, Some(open)) => open.take(event, &mut self.done),
            // A stream that begins in the middle has no run that its spans could belong to.
            (_, None) => {}
        }
        std::mem::take(&mut self.done)
    }

    /// Ends what is still open with the last event: nothing more is known of the run.
    pub(crate) fn close(&mut self) -> Vec<Span> {
        if let Some(open) = &mut self.begun {
            open.break_off(&mut self.done);
        }
        std::mem::take(&mut self.done)
    }

    fn begin(&mut self, start: &SessionStart) {
        let run = Run::new(start, (self.session_name)(), self.texts);
        let mut session = run.session(start.timestamp);
        run.describe(&mut session, start);
        self.begun = Some(Open {
            run,
            session: Some(session),
            iteration: None,
            call: None,
            ended_call: None,
            since: start.timestamp,
            gates: Gates::default(),
            last: start.timestamp,
        });
    }
}

impl Open {
    fn take(&mut self, event: &Event, done: &mut Vec<Span>) {
        if !matches!(event, Event::Waiting(_)) {
            self.give_out_call(done);
        }
        if let Event::SessionResumed(e) = event {
            self.break_off(done);
            self.resume(e);
        }
        self.last = event.timestamp().unwrap_or(self.last);
        match event {
            Event::IterationStarted(e) => self.begin_iteration(e.iteration, e.timestamp),
            Event::ActorStarted(e) | Event::CriticStarted(e) => {
                let role = Call::role_of(event);
                self.begin_iteration(e.iteration, e.timestamp);
                self.end_call_at(e.timestamp, done);
                self.call = Some(Call::begin(&self.run, role, e, self.parent()));
            }
            Event::ActorCompleted(_) | Event::CriticCompleted(_) => self.end_call(event),
            Event::DiffCaptured(e) => self.diff_captured(e, done),
            Event::DiffFailed(e) => self.diff_failed(e, done),
            Event::GateStarted(e) => self.gate_started(e),
            Event::GateCompleted(e) => self.gate_completed(e, done),
            Event::Iteration(e) => self.end_iteration(e, done),
            Event::SessionEnd(e) => self.end(e, done),
            _ => self.note(event),
        }
    }

    /// Things that are told where they happened, and have no length.
    fn note(&mut self, event: &Event) {
        match event {
            Event::VerdictReached(e) => self.verdict(e),
            Event::TreeChecked(e) => self.tree_checked(e),
            Event::Waiting(e) => self.waiting(e),
            Event::GateTreeChecked(e) => {
                if let Some(told) = gate::tree_changed(e) {
                    self.on_iteration(names::EVENT_GATES_TREE_CHANGED, e.timestamp, told);
                }
            }
            Event::ApprovalVetoed(e) => {
                self.on_iteration(names::EVENT_VETOED, e.timestamp, gate::vetoed(e));
            }
            Event::StateRepeated(e) => {
                self.on_iteration(names::EVENT_STATE_REPEATED, e.timestamp, gate::repeated(e));
            }
            Event::TreeUnverified(e) => {
                self.on_iteration(names::EVENT_TREE_UNVERIFIED, e.timestamp, Vec::new());
            }
            Event::StopRequested(e) => {
                let signal = vec![(names::SIGNAL, e.signal.as_str().into())];
                self.on_session(names::EVENT_STOP, e.timestamp, signal);
            }
            Event::EngineFailed(e) => {
                let reason = vec![(names::ERROR_TYPE, e.reason.as_str().into())];
                self.on_session(names::EVENT_ENGINE_FAILED, e.timestamp, reason);
            }
            _ => {}
        }
    }

    fn resume(&mut self, event: &SessionResumed) {
        self.run.resumes += 1;
        self.since = event.timestamp;
        self.session = Some(self.run.resumed_session(event));
    }

    /// What the open spans of a round are children of.
    fn parent(&self) -> Parent {
        self.iteration.as_ref().map_or(Parent::None, |(number, _)| {
            Parent::Ours(self.run.span_id(self.run.iteration_path(*number)))
        })
    }

    /// Opens a round that is not open. One that an earlier process began goes on in a span of its own.
    fn begin_iteration(&mut self, number: Iteration, at: Timestamp) {
        if self.iteration.as_ref().is_some_and(|(open, _)| *open == number) {
            return;
        }
        self.run.begins(number);
        let path = self.run.iteration_path(number);
        let parent = Parent::Ours(self.run.session_id());
        let name = names::SPAN_ITERATION.to_owned();
        let mut draft = self.run.draft(path, parent, name, at);
        draft.set(names::ITERATION, number);
        self.iteration = Some((number, draft));
    }

    fn end_call(&mut self, event: &Event) {
        let (iteration, at) = match event {
            Event::ActorCompleted(e) => (e.iteration, e.timestamp),
            Event::CriticCompleted(e) => (e.iteration, e.timestamp),
            _ => return,
        };
        self.begin_iteration(iteration, at);
        let open = self.call.take().filter(|call| call.is_answered_by(event));
        // No process ran.
        let call = open.unwrap_or_else(|| Call::not_begun(&self.run, event, self.parent()));
        self.ended_call = Some((call.completed(event, self.run.texts), at));
        self.since = at;
    }

    fn give_out_call(&mut self, done: &mut Vec<Span>) {
        done.extend(self.ended_call.take().map(|(draft, at)| draft.end(at)));
    }

    fn end_call_at(&mut self, at: Timestamp, done: &mut Vec<Span>) {
        done.extend(self.call.take().map(|call| call.broken_off().end(at)));
    }

    fn waiting(&mut self, event: &Waiting) {
        let told = vec![
            (names::ROLE, event.role.as_str().into()),
            (names::ATTEMPT, event.attempt.into()),
            (names::WAITING_UNTIL, event.until.to_rfc3339().into()),
        ];
        match &mut self.ended_call {
            Some((call, _)) => call.event(names::EVENT_WAITING, event.timestamp, told),
            None => self.on_iteration(names::EVENT_WAITING, event.timestamp, told),
        }
    }

    fn diff(&mut self, iteration: Iteration, at: Timestamp) -> Draft {
        self.begin_iteration(iteration, self.since);
        let path = SpanPath::Diff { iteration, resume: self.run.resumes_within(iteration) };
        let name = names::SPAN_DIFF.to_owned();
        let mut draft = self.run.draft(path, self.parent(), name, self.since);
        draft.set(names::ITERATION, iteration);
        self.since = at;
        draft
    }

    fn diff_captured(&mut self, event: &DiffCaptured, done: &mut Vec<Span>) {
        let mut draft = self.diff(event.iteration, event.timestamp);
        draft.set(names::FILES_CHANGED, event.files_changed);
        draft.set(names::INSERTIONS, event.insertions);
        draft.set(names::DELETIONS, event.deletions);
        let signs = event.more_tampering.saturating_add(event.tampering.len() as u64);
        draft.set_some(names::TAMPERING, (signs > 0).then_some(signs));
        done.push(draft.end(event.timestamp));
    }

    fn diff_failed(&mut self, event: &DiffFailed, done: &mut Vec<Span>) {
        let mut draft = self.diff(event.iteration, event.timestamp);
        draft.fail("diff_failed", "the changes could not be captured");
        done.push(draft.end(event.timestamp));
    }

    fn gate_started(&mut self, event: &GateStarted) {
        let parent = self.parent_of_gate(event.iteration, event.timestamp);
        self.gates.started(event, parent, &self.run);
    }

    fn gate_completed(&mut self, event: &GateCompleted, done: &mut Vec<Span>) {
        let parent = self.parent_of_gate(event.iteration, self.since);
        let draft = self.gates.completed(event, parent, &self.run, self.began(event));
        done.push(draft.end(event.timestamp));
        self.since = event.timestamp;
    }

    /// Before the first round there is none.
    fn parent_of_gate(&mut self, iteration: Iteration, at: Timestamp) -> Parent {
        if iteration == 0 {
            return Parent::Ours(self.run.session_id());
        }
        self.begin_iteration(iteration, at);
        self.parent()
    }

    fn break_off_gates(&mut self, at: Timestamp, done: &mut Vec<Span>) {
        done.extend(self.gates.broken_off().map(|draft| draft.end(at)));
    }

    /// When a gate began: so long before its end, and no earlier than what was before it.
    fn began(&self, event: &GateCompleted) -> Timestamp {
        let took = std::time::Duration::try_from_secs_f64(event.gate.duration_secs).ok();
        let began = took.and_then(|took| chrono::TimeDelta::from_std(took).ok());
        let began = began.and_then(|took| event.timestamp.checked_sub_signed(took));
        began.unwrap_or(self.since).max(self.since)
    }

    fn verdict(&mut self, event: &VerdictReached) {
        let (name, told) = match &event.ruling {
            Ruling::Accepted { verdict } => (names::EVENT_EVALUATION, self.evaluation(verdict)),
            Ruling::AskedAgain { problem } => {
                (names::EVENT_UNREADABLE, unreadable(problem.as_str(), true))
            }
            Ruling::GivenUp { problem } => {
                (names::EVENT_UNREADABLE, unreadable(problem.as_str(), false))
            }
        };
        self.on_iteration(name, event.timestamp, told);
    }

    fn evaluation(&self, verdict: &Verdict) -> Vec<(&'static str, Value)> {
        let (confidence, explanation) = match verdict {
            Verdict::Done { summary, confidence } => (*confidence, Some(summary.clone())),
            Verdict::Continue { .. } | Verdict::Error { .. } => (None, verdict.feedback()),
        };
        let mut told = vec![
            (names::EVALUATION, "codeloops.critic".into()),
            (names::EVALUATION_LABEL, word(verdict.decision()).into()),
        ];
        told.extend(confidence.map(|score| (names::EVALUATION_SCORE, score.into())));
        let explanation = explanation.filter(|_| self.run.texts.content);
        told.extend(explanation.map(|text| (names::EVALUATION_EXPLANATION, text.into())));
        told
    }

    fn tree_checked(&mut self, event: &TreeChecked) {
        let told = match &event.check {
            TreeCheck::Unchanged => return,
            TreeCheck::Changed { restored, .. } => {
                vec![(names::TREE_RESTORED, Value::Bool(*restored))]
            }
            TreeCheck::Failed { .. } => vec![(names::ERROR_TYPE, "diff_failed".into())],
        };
        self.on_iteration(names::EVENT_TREE_CHANGED, event.timestamp, told);
    }

    fn end_iteration(&mut self, event: &IterationEnd, done: &mut Vec<Span>) {
        self.begin_iteration(event.iteration_number, self.since);
        self.end_call_at(event.timestamp, done);
        let Some((_, mut draft)) = self.iteration.take() else { return };
        draft.set(names::DECISION, word(event.critic_decision));
        draft.set_some(names::VERDICT, event.critic_verdict.map(word));
        if self.run.texts.content {
            content::iteration(&mut draft, event);
        }
        if event.critic_decision == codeloops_event::Decision::Error {
            draft.fail("error_decision", "the round ended with the decision ERROR");
        }
        done.push(draft.end(event.timestamp));
        self.since = event.timestamp;
    }

    fn end(&mut self, event: &SessionEnd, done: &mut Vec<Span>) {
        self.end_call_at(event.timestamp, done);
        self.break_off_gates(event.timestamp, done);
        let reason = event.stop_reason.map_or(event.outcome.as_str(), |reason| reason.as_str());
        if let Some((_, mut draft)) = self.iteration.take() {
            draft.fail(reason, "the run ended before the round did");
            done.push(draft.end(event.timestamp));
        }
        if let Some(mut draft) = self.session.take() {
            run::end(&mut draft, event);
            if event.outcome.exit_code() != 0 {
                draft.fail(reason, &format!("the run ended: {}", event.outcome));
            }
            done.push(draft.end(event.timestamp));
        }
    }

    /// The process is gone, and told nothing more.
    fn break_off(&mut self, done: &mut Vec<Span>) {
        self.give_out_call(done);
        self.end_call_at(self.last, done);
        self.break_off_gates(self.last, done);
        let iteration = self.iteration.take().map(|(_, draft)| draft);
        for mut draft in iteration.into_iter().chain(self.session.take()) {
            draft.fail("crashed", "the process that carried out the run was gone");
            done.push(draft.end(self.last));
        }
    }

    fn on_iteration(
        &mut self,
        name: &'static str,
        at: Timestamp,
        told: Vec<(&'static str, Value)>,
    ) {
        match &mut self.iteration {
            Some((_, draft)) => draft.event(name, at, told),
            None => self.on_session(name, at, told),
        }
    }

    fn on_session(&mut self, name: &'static str, at: Timestamp, told: Vec<(&'static str, Value)>) {
        if let Some(draft) = &mut self.session {
            draft.event(name, at, told);
        }
    }
}

fn unreadable(problem: &str, asked_again: bool) -> Vec<(&'static str, Value)> {
    vec![(names::ERROR_TYPE, problem.into()), (names::ASKED_AGAIN, Value::Bool(asked_again))]
}

/// A decision as the conventions write such labels.
const fn word(decision: codeloops_event::Decision) -> &'static str {
    match decision {
        codeloops_event::Decision::Done => "done",
        codeloops_event::Decision::Continue => "continue",
        codeloops_event::Decision::Error => "error",
    }
}
