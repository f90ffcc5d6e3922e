//! What would have become of a recorded run under other settings: its facts, driven through the
//! machine for as long as they can have happened all the same.

use std::fmt;

use codeloops_event::{
    AgentOutcome, BudgetKind, CallId, CallKind, Event, GateStatus, LimitKind, Limits, Role,
    SessionEnd, SessionStart, Settings, Stamp, TamperPolicy, TreeCheck,
};

use super::Divergence;
use super::facts::{Bulk, GateNames, input_of, stamp_of, start_of, unused};
use crate::context::seconds;
use crate::effect::{Budget, Effect};
use crate::input::{AgentReport, GateReport, Input, Stamped};
use crate::machine::{Machine, Step};

/// What can be said.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The run would have ended.
    Ended {
        /// The position of the fact that it would have ended with.
        position: u64,
        /// How.
        end: Box<SessionEnd>,
    },
    /// The recording cannot tell.
    Unknown {
        /// The position of the first fact that cannot have happened, or of the last event.
        position: u64,
        /// Why.
        why: Unknown,
    },
}

/// Why a recording cannot tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// It ends, and the run would have gone on with this call.
    GoesOn(CallId),
    /// The run would have made this call, which it did not make.
    NeverMade(CallId),
    /// This call would have been ended earlier.
    CutShort(CallId),
    /// This call would not have been ended when it was.
    NotCut(CallId),
    /// For how long this call was silent is not recorded.
    Silence(CallId),
    /// The changes of the critic, or of gates, would have been treated otherwise after this call.
    OtherTree(CallId),
    /// Nobody looked for weakened checks in what this call captured.
    NotLooked(CallId),
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GoesOn(call) => {
                write!(
                    f,
                    "the recorded run ended there, and would have gone on with {}",
                    Shown(*call)
                )
            }
            Self::NeverMade(call) => {
                write!(f, "the run would have gone on with {}, which it never did", Shown(*call))
            }
            Self::CutShort(call) => {
                write!(f, "{} would have been ended before it was over", Shown(*call))
            }
            Self::NotCut(call) => {
                write!(f, "{} was ended by a limit, and would have gone on", Shown(*call))
            }
            Self::Silence(call) => {
                write!(f, "nobody recorded for how long {} was silent", Shown(*call))
            }
            Self::OtherTree(call) => write!(
                f,
                "{} found changes that were not the actor's, which would have been treated otherwise",
                Shown(*call)
            ),
            Self::NotLooked(call) => {
                write!(f, "nobody looked for weakened checks at {}", Shown(*call))
            }
        }
    }
}

/// A call in words.
struct Shown(CallId);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CallId { iteration, kind, attempt } = self.0;
        let what = match kind {
            CallKind::Actor => "the actor's call",
            CallKind::Diff => "the capture of the changes",
            CallKind::Gate => "the gate",
            CallKind::Critic => "the critic's call",
            CallKind::TreeCheck => "the look at the tree",
            CallKind::GateTreeCheck => "the look at the tree after gates",
            CallKind::ActorWait => "a wait before the actor's call",
            CallKind::CriticWait => "a wait before the critic's call",
        };
        write!(f, "{what} in iteration {iteration}")?;
        if attempt > 1 { write!(f, " (number {attempt})") } else { Ok(()) }
    }
}

/// A recording on its way through a machine that has other settings, event by event.
pub struct WhatIf<C> {
    change: C,
    recorded: Limits,
    changed: Option<Settings>,
    restored: bool,
    /// Whether somebody looked for weakened checks.
    looked: bool,
    machine: Option<Machine>,
    /// The agent call that was made last, and what it might use.
    running: Option<Running>,
    gates: GateNames,
    position: u64,
    ended: Option<(u64, Box<SessionEnd>)>,
    /// Whether the recorded run ended there too, so that it may have been resumed.
    ended_as_recorded: bool,
}

#[derive(Debug, Clone, Copy)]
struct Running {
    call: CallId,
    since: Stamp,
    budget: Budget,
}

/// What would have come before a fact, because of a limit that is another.
enum Overdue {
    RunOver { at_ms: u64 },
    CallOver,
}

impl<C: Fn(&mut Settings)> WhatIf<C> {
    /// `change` makes the other settings of the recorded ones.
    pub fn new(change: C) -> Self {
        Self {
            change,
            recorded: NO_LIMITS,
            changed: None,
            restored: true,
            looked: true,
            machine: None,
            running: None,
            gates: GateNames::default(),
            position: 0,
            ended: None,
            ended_as_recorded: false,
        }
    }

    /// Takes the next recorded event; gives the answer once there is one.
    ///
    /// # Errors
    ///
    /// Where the recording lacks what the machine begins with.
    pub fn feed(&mut self, position: u64, event: &Event) -> Result<Option<Answer>, Divergence> {
        self.position = position;
        if let Event::SessionStart(start) = event {
            return self.begin(start).map(|()| None);
        }
        if let Event::SessionEnd(recorded) = event {
            return Ok(self.came_to(recorded));
        }
        let Some(input) = input_of(event, &Bulk::default(), &self.gates) else {
            return Ok(None);
        };
        let resumed = matches!(input, Input::Resumed(_));
        if self.ended.is_some() && !(resumed && self.ended_as_recorded) {
            return Ok(self.ended());
        }
        let before = self.ended.take();
        let answer = self.take(stamp_of(event), input);
        // Nobody goes on where the limits leave nothing to go on with.
        if answer.is_none() && self.ended.is_none() && before.is_some() && self.has_ended() {
            self.ended = before;
            return Ok(self.ended());
        }
        Ok(answer)
    }

    /// The recorded run ended. What comes after that was resumed from there.
    fn came_to(&mut self, recorded: &SessionEnd) -> Option<Answer> {
        let Some((_, end)) = &self.ended else {
            let awaited = self.machine.as_ref().and_then(Machine::awaited)?;
            return Some(self.unknown(Unknown::GoesOn(awaited)));
        };
        self.ended_as_recorded = end.stop_reason == recorded.stop_reason;
        if self.ended_as_recorded { None } else { self.ended() }
    }

    fn has_ended(&self) -> bool {
        self.machine.as_ref().is_some_and(Machine::has_ended)
    }

    /// The recording is over.
    ///
    /// # Errors
    ///
    /// Where it never began.
    pub fn finish(mut self) -> Result<Answer, Divergence> {
        if let Some(ended) = self.ended() {
            return Ok(ended);
        }
        let awaited = self.machine.as_ref().and_then(Machine::awaited);
        let awaited = awaited.ok_or(Divergence::NotReplayable { missing: "session_start" })?;
        Ok(self.unknown(Unknown::GoesOn(awaited)))
    }

    fn ended(&mut self) -> Option<Answer> {
        self.ended.take().map(|(position, end)| Answer::Ended { position, end })
    }

    const fn unknown(&self, why: Unknown) -> Answer {
        Answer::Unknown { position: self.position, why }
    }

    fn begin(&mut self, line: &SessionStart) -> Result<(), Divergence> {
        let mut start = start_of(line)?;
        self.gates = GateNames::of(line);
        self.recorded = start.input.settings.limits.clone();
        self.restored = start.input.settings.restore_tree;
        self.looked = start.input.settings.gate_policy.tamper != TamperPolicy::Off;
        (self.change)(&mut start.input.settings);
        self.changed = Some(start.input.settings.clone());
        let stamp = start.stamp;
        let step = Machine::start(start);
        self.note(stamp, step);
        Ok(())
    }

    fn take(&mut self, stamp: Stamp, input: Input) -> Option<Answer> {
        let Some(awaited) = self.machine.as_ref().and_then(Machine::awaited) else {
            return self.resume(stamp, input);
        };
        match self.overdue(awaited, stamp) {
            Some(Overdue::CallOver) => return Some(self.unknown(Unknown::CutShort(awaited))),
            Some(Overdue::RunOver { at_ms }) => {
                return self.run_out_of_time(awaited, Stamp { elapsed_ms: at_ms, ..stamp });
            }
            None => {}
        }
        if let Some(why) = self.other_fact(&input) {
            return Some(self.unknown(why));
        }
        match input {
            Input::Resumed(_) => self.resume(stamp, input),
            input => self.step(stamp, self.over_budget(input)),
        }
    }

    /// Ends what is awaited, and the run with it. Whether a critic or a gate had changed the tree by then
    /// is not known, and nothing rests on it.
    fn run_out_of_time(&mut self, awaited: CallId, stamp: Stamp) -> Option<Answer> {
        let mut next = Some(awaited);
        while let Some(input) = next.and_then(|call| ended_for_want_of_time(call, stamp)) {
            let answer = self.step(stamp, input);
            if answer.is_some() {
                return answer;
            }
            next = self.machine.as_ref().and_then(Machine::awaited);
        }
        None
    }

    /// Gives the machine a fact. An answer to a call that it did not make, or that is over for it,
    /// means that it went another way.
    fn step(&mut self, stamp: Stamp, input: Input) -> Option<Answer> {
        let machine = self.machine.take()?;
        match machine.step(Stamped { stamp, nonce: unused(), input }) {
            Ok(step) => {
                let late = step.events.iter().any(|e| matches!(e, Event::AnswerIgnored(_)));
                self.note(stamp, step);
                if late { self.never_made() } else { None }
            }
            Err(rejected) => {
                self.machine = Some(rejected.machine);
                self.never_made()
            }
        }
    }

    fn never_made(&self) -> Option<Answer> {
        let awaited = self.machine.as_ref().and_then(Machine::awaited)?;
        Some(self.unknown(Unknown::NeverMade(awaited)))
    }

    /// A resume takes its own limits with it, and ours on top of them.
    fn resume(&mut self, stamp: Stamp, input: Input) -> Option<Answer> {
        let Input::Resumed(mut resume) = input else { return None };
        self.recorded = resume.limits.clone();
        if let Some(settings) = &mut self.changed {
            settings.limits = resume.limits;
            (self.change)(settings);
            resume.limits = settings.limits.clone();
        } else {
            return None;
        }
        self.step(stamp, Input::Resumed(resume))
    }

    fn note(&mut self, stamp: Stamp, step: Step) {
        for effect in step.effects {
            if let Effect::RunAgent(call) = effect {
                let (call, budget) = (call.call, call.budget);
                self.running = Some(Running { call, since: stamp, budget });
            }
        }
        let end = step.events.into_iter().rev().find_map(|event| match event {
            Event::SessionEnd(end) => Some(end),
            _ => None,
        });
        self.ended = end.map(|end| (self.position, end));
        self.ended_as_recorded = false;
        self.machine = Some(step.machine);
    }

    /// Whether the run's time would have ended the gates that run before now.
    fn gate_overdue(&self, now: Stamp) -> Option<Overdue> {
        let changed = self.changed.as_ref()?.limits.max_duration_secs?;
        let at_ms = millis(changed);
        let is_other = self.recorded.max_duration_secs != Some(changed);
        (is_other && at_ms < now.elapsed_ms).then_some(Overdue::RunOver { at_ms })
    }

    /// Whether a limit that is another would have ended the awaited agent call before now.
    fn overdue(&self, awaited: CallId, now: Stamp) -> Option<Overdue> {
        if awaited.kind == CallKind::Gate {
            return self.gate_overdue(now);
        }
        let running = self.running.filter(|running| running.call == awaited)?;
        let changed = &self.changed.as_ref()?.limits;
        let role = role_of(awaited)?;
        let limit = |of: fn(&Limits, Role) -> Option<f64>| {
            of(changed, role).filter(|_| of(changed, role) != of(&self.recorded, role)).map(millis)
        };
        let run = limit(|limits, _| limits.max_duration_secs);
        let call = limit(timeout).map(|ms| running.since.elapsed_ms.saturating_add(ms));
        let first = run.into_iter().chain(call).min()?;
        if first >= now.elapsed_ms {
            return None;
        }
        let is_run = run == Some(first);
        let at_ms = first.max(running.since.elapsed_ms);
        Some(if is_run { Overdue::RunOver { at_ms } } else { Overdue::CallOver })
    }

    /// Why a fact would have been another one, if it would.
    fn other_fact(&self, input: &Input) -> Option<Unknown> {
        let settings = self.changed.as_ref()?;
        match input {
            Input::AgentFinished { call, report } => {
                let role = role_of(*call)?;
                self.other_end(*call, role, &report.outcome, &settings.limits)
            }
            Input::TreeChecked { call, check: TreeCheck::Changed { .. } }
                if settings.restore_tree != self.restored =>
            {
                Some(Unknown::OtherTree(*call))
            }
            Input::GateFinished { call, report } => self.other_gate(*call, report, settings),
            Input::DiffCaptured { call, .. } => {
                let looks = settings.gate_policy.tamper != TamperPolicy::Off;
                (looks && !self.looked).then_some(Unknown::NotLooked(*call))
            }
            _ => None,
        }
    }

    /// A gate under another time limit, where it has none of its own.
    fn other_gate(&self, call: CallId, report: &GateReport, changed: &Settings) -> Option<Unknown> {
        let at = usize::try_from(call.attempt).ok()?.checked_sub(1)?;
        let own = changed.gates.get(at)?.timeout_secs;
        let (before, now) = (self.recorded.gate_timeout_secs, changed.limits.gate_timeout_secs);
        let is_same = before == now || own.is_some();
        if is_same || report.interrupted || report.kept_from.is_some() {
            return None;
        }
        match report.status {
            GateStatus::TimedOut if is_lower(before, now) => Some(Unknown::NotCut(call)),
            GateStatus::TimedOut => None,
            _ if now.is_some_and(|limit| report.duration_secs > limit) => {
                Some(Unknown::CutShort(call))
            }
            _ => None,
        }
    }

    fn other_end(
        &self,
        call: CallId,
        role: Role,
        outcome: &AgentOutcome,
        changed: &Limits,
    ) -> Option<Unknown> {
        let recorded = &self.recorded;
        let is_idle = matches!(outcome, AgentOutcome::TimedOut { limit: LimitKind::Idle, .. });
        let (before, now) = (idle(recorded, role), idle(changed, role));
        if !is_idle && before != now && is_lower(now, before) {
            return Some(Unknown::Silence(call));
        }
        let (before, now) = match outcome {
            AgentOutcome::TimedOut { limit, .. } => match limit {
                LimitKind::Total => (timeout(recorded, role), timeout(changed, role)),
                LimitKind::Idle => (before, now),
                LimitKind::RunBudget => (recorded.max_duration_secs, changed.max_duration_secs),
            },
            AgentOutcome::OverBudget { budget } => (of(recorded, *budget), of(changed, *budget)),
            _ => return None,
        };
        match (before == now, is_lower(now, before)) {
            (true, _) => None,
            // Over the lower bound as well; only for a limit of the run that tells how it ends.
            (false, true) if ends_the_run(outcome) => None,
            (false, true) => Some(Unknown::CutShort(call)),
            (false, false) => Some(Unknown::NotCut(call)),
        }
    }

    /// A call that used more than there would have been is ended for that, where the bound is another.
    fn over_budget(&self, input: Input) -> Input {
        let Input::AgentFinished { call, mut report } = input else { return input };
        let running = self.running.filter(|running| running.call == call);
        let exceeded = running.zip(report.usage.as_ref());
        let exceeded = exceeded.and_then(|(running, usage)| running.budget.exceeded_by(usage));
        if let (Some(budget), Some(settings)) = (exceeded, &self.changed)
            && of(&settings.limits, budget) != of(&self.recorded, budget)
        {
            report.outcome = AgentOutcome::OverBudget { budget };
        }
        Input::AgentFinished { call, report }
    }
}

/// What there is before the recording has told its own.
const NO_LIMITS: Limits = Limits {
    max_iterations: None,
    max_duration_secs: None,
    max_tokens: None,
    max_cost_usd: None,
    actor_timeout_secs: None,
    critic_timeout_secs: None,
    gate_timeout_secs: None,
    actor_idle_timeout_secs: None,
    critic_idle_timeout_secs: None,
    max_actor_failures: 0,
    stuck_after: 0,
    max_critic_failures: 0,
    usage_limit_wait_secs: None,
    max_output_bytes: 0,
};

/// The answer of a call that ends with the run's time; none of one that ends by itself.
fn ended_for_want_of_time(call: CallId, stamp: Stamp) -> Option<Input> {
    Some(match call.kind {
        CallKind::Actor | CallKind::Critic => {
            let limit = LimitKind::RunBudget;
            let outcome = AgentOutcome::TimedOut { limit, after_ms: stamp.elapsed_ms };
            Input::AgentFinished { call, report: Box::new(AgentReport::bare(outcome)) }
        }
        CallKind::Gate => {
            let report = GateReport::not_started(String::new());
            let report = GateReport { interrupted: true, ..report };
            Input::GateFinished { call, report: Box::new(report) }
        }
        CallKind::TreeCheck | CallKind::GateTreeCheck => {
            Input::TreeChecked { call, check: TreeCheck::Unchanged }
        }
        CallKind::Diff | CallKind::ActorWait | CallKind::CriticWait => return None,
    })
}

const fn role_of(call: CallId) -> Option<Role> {
    match call.kind {
        CallKind::Actor => Some(Role::Actor),
        CallKind::Critic => Some(Role::Critic),
        _ => None,
    }
}

const fn ends_the_run(outcome: &AgentOutcome) -> bool {
    matches!(
        outcome,
        AgentOutcome::OverBudget { .. }
            | AgentOutcome::TimedOut { limit: LimitKind::RunBudget, .. }
    )
}

const fn timeout(limits: &Limits, role: Role) -> Option<f64> {
    match role {
        Role::Actor => limits.actor_timeout_secs,
        Role::Critic => limits.critic_timeout_secs,
    }
}

const fn idle(limits: &Limits, role: Role) -> Option<f64> {
    match role {
        Role::Actor => limits.actor_idle_timeout_secs,
        Role::Critic => limits.critic_idle_timeout_secs,
    }
}

#[expect(clippy::cast_precision_loss, reason = "only compared")]
fn of(limits: &Limits, budget: BudgetKind) -> Option<f64> {
    match budget {
        BudgetKind::Tokens => limits.max_tokens.map(|tokens| tokens as f64),
        BudgetKind::Cost => limits.max_cost_usd,
    }
}

/// No limit is the highest.
fn is_lower(limit: Option<f64>, than: Option<f64>) -> bool {
    limit.unwrap_or(f64::INFINITY) < than.unwrap_or(f64::INFINITY)
}

fn millis(secs: f64) -> u64 {
    u64::try_from(seconds(secs).as_millis()).unwrap_or(u64::MAX)
}

/// What would have become of a recording under the settings that `change` makes of its own.
/// Positions are counted from 0.
///
/// # Errors
///
/// Where the recording lacks what the machine begins with.
pub fn what_if(events: &[Event], change: impl Fn(&mut Settings)) -> Result<Answer, Divergence> {
    let mut run = WhatIf::new(change);
    for (position, event) in (0..).zip(events) {
        if let Some(answer) = run.feed(position, event)? {
            return Ok(answer);
        }
    }
    run.finish()
}
