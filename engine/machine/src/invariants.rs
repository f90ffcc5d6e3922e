//! What holds for every recorded run: shared by the property tests, the fuzz targets and
//! `replay --verify`.

use std::collections::{BTreeMap, BTreeSet};

use codeloops_event::{
    Attempt, Decision, Event, Evidence, GatePolicy, GateResult, GateSettings, GateStatus,
    Iteration, Outcome, Ruling, SessionResumed, SessionStart, StopReason, TreeCheck, TreeChecked,
    VerdictReached,
};

/// Something that no run can have recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Position in the list of events, from 0.
    pub index: usize,
    /// What does not hold.
    pub rule: &'static str,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "event {}: {}", self.index, self.rule)
    }
}

/// Checks the record of a run, which may be a prefix (a killed run).
///
/// # Errors
///
/// The first thing that does not hold.
pub fn check(events: &[Event]) -> Result<(), Violation> {
    let mut invariants = Invariants::default();
    for (index, event) in events.iter().enumerate() {
        invariants.take(event).map_err(|rule| Violation { index, rule })?;
    }
    Ok(())
}

/// The same, event by event: what the events so far have said.
#[derive(Debug, Default)]
pub struct Invariants {
    has_begun: bool,
    max_iterations: Option<u32>,
    ended: bool,
    stop_requested: bool,
    engine_failed: bool,
    begun: Iteration,
    finished: Iteration,
    captured: Iteration,
    actor_attempt: Tries,
    critic_attempt: Tries,
    /// The critic's try whose end was told last.
    heard: Option<(Iteration, Attempt)>,
    /// The critic's try that left the tree as it found it, the last of them.
    left_alone: Option<(Iteration, Attempt)>,
    judged: Option<(Iteration, Decision)>,
    gates: Gates,
    /// A DONE that does not take effect, and whose round is still to be recorded.
    vetoed: bool,
    last_decision: Option<Decision>,
    elapsed_ms: u64,
    redacted: u64,
}

/// What was told of gates.
#[derive(Debug, Default)]
struct Gates {
    /// Their settings, in order.
    settings: Vec<GateSettings>,
    policy: GatePolicy,
    /// What each was before the first round.
    baseline: BTreeMap<String, GateStatus>,
    /// Those that run.
    running: BTreeSet<String>,
    /// Those that are through in this round, since its changes were captured.
    through: BTreeSet<String>,
    looks: Tries,
}

/// The tries of a role in a round.
#[derive(Debug, Default)]
struct Tries {
    last: Attempt,
    /// Whether one may have had no end, for the run broke off.
    may_skip: bool,
}

impl Tries {
    fn next(&mut self, attempt: Attempt) -> Rule {
        let counted = attempt == self.last + 1 || self.may_skip && attempt > self.last;
        *self = Self { last: attempt, may_skip: false };
        holds(counted, "the tries of a round are counted one by one")
    }
}

impl Gates {
    fn started(&mut self, name: &str) -> Rule {
        let known = self.settings.iter().any(|gate| gate.name == name);
        holds(known, "a gate of the settings is run")?;
        holds(self.running.insert(name.to_owned()), "a gate runs once at a time")?;
        let alone = self.policy.parallel || self.running.len() == 1;
        holds(alone, "gates run one after the other unless they may run at once")
    }

    fn completed(&mut self, iteration: Iteration, gate: &GateResult) -> Rule {
        // A result of a gate that another process had begun is no result.
        holds(self.running.remove(&gate.name), "a gate that ends has begun")?;
        if gate.interrupted {
            return Ok(());
        }
        if iteration == 0 {
            self.baseline.insert(gate.name.clone(), gate.status);
        } else {
            self.through.insert(gate.name.clone());
        }
        Ok(())
    }

    /// A round records the result of each gate, and says rightly what blocks.
    fn recorded(&self, results: &[GateResult]) -> Rule {
        let names = results.iter().map(|gate| &gate.name);
        let all = names.eq(self.settings.iter().map(|gate| &gate.name));
        holds(all, "a round records the result of each gate")?;
        let ran = results.iter().all(|gate| self.through.contains(&gate.name));
        holds(ran, "a recorded result is of a gate that ran in the round")?;
        for (gate, settings) in results.iter().zip(&self.settings) {
            let before = self.baseline.get(&gate.name).copied();
            holds(gate.baseline == before, "a result names what the gate was before the run")?;
            let red = !gate.status.is_green();
            let was_green = before.is_none_or(GateStatus::is_green);
            let ran = gate.status != GateStatus::NotStarted;
            let must = was_green || !settings.baseline || gate.worse || !ran;
            let holds_up = !(gate.required && red && must) || gate.blocks;
            holds(holds_up, "a required gate that is red blocks, unless it was before")?;
            let may = gate.required && gate.status != GateStatus::Passed;
            holds(may || !gate.blocks, "only a required gate that is red blocks")?;
        }
        Ok(())
    }
}

type Rule = Result<(), &'static str>;

fn holds(condition: bool, rule: &'static str) -> Rule {
    if condition { Ok(()) } else { Err(rule) }
}

impl Invariants {
    /// Takes the next event of the record.
    ///
    /// # Errors
    ///
    /// The rule that does not hold.
    pub fn take(&mut self, event: &Event) -> Result<(), &'static str> {
        let resumed = matches!(event, Event::SessionResumed(_));
        holds(!self.ended || resumed, "nothing but a resume comes after the end")?;
        let recorded = matches!(event, Event::Iteration(_));
        holds(!self.vetoed || recorded, "a vetoed approval is followed by what is to be done")?;
        let is_start = matches!(event, Event::SessionStart(_));
        holds(self.has_begun != is_start, "a session start comes first, and only there")?;
        match event {
            Event::SessionStart(start) => self.begin(start),
            Event::IterationStarted(e) => self.iteration_started(e.iteration)?,
            Event::ActorStarted(e) => self.in_round(e.iteration)?,
            Event::ActorCompleted(e) => {
                self.in_round(e.iteration)?;
                self.actor_attempt.next(e.attempt)?;
                self.masked(e.stdout.iter().chain(&e.stderr));
            }
            Event::ReadAsText(e) => self.in_round(e.iteration)?,
            Event::DiffCaptured(e) => {
                self.in_round(e.iteration)?;
                self.captured = e.iteration;
                self.gates.through.clear();
                self.masked([&e.patch]);
            }
            Event::CriticStarted(e) => self.critic_asked(e.iteration)?,
            Event::CriticCompleted(e) => {
                self.critic_asked(e.iteration)?;
                self.critic_attempt.next(e.attempt)?;
                self.heard = Some((e.iteration, e.attempt));
                self.masked(e.stdout.iter().chain(&e.stderr));
            }
            Event::GateStarted(e) => {
                self.gates_run(e.iteration)?;
                self.gates.started(&e.gate)?;
            }
            Event::GateCompleted(e) => {
                self.gates_run(e.iteration)?;
                self.gates.completed(e.iteration, &e.gate)?;
                self.masked(&e.gate.output);
            }
            Event::GateTreeChecked(e) => {
                self.gates_run(e.iteration)?;
                self.gates.looks.next(e.attempt)?;
            }
            Event::ApprovalVetoed(e) => self.vetoed(e.iteration)?,
            Event::StateRepeated(e) => self.in_round(e.iteration)?,
            Event::TreeChecked(e) => self.tree_checked(e)?,
            Event::TreeUnverified(e) => self.critic_asked(e.iteration)?,
            Event::VerdictReached(e) => self.verdict_reached(e)?,
            Event::Iteration(e) => self.iteration(e)?,
            Event::SessionResumed(e) => self.resumed(e)?,
            Event::StopRequested(_) => self.stop_requested = true,
            Event::EngineFailed(_) => self.engine_failed = true,
            Event::SessionEnd(e) => self.end(e)?,
            Event::DiffFailed(_)
            | Event::Waiting(_)
            | Event::WaitOver(_)
            | Event::AnswerIgnored(_)
            | Event::AgentOutput(_) => {}
        }
        self.time_goes_on(event)
    }

    fn begin(&mut self, start: &SessionStart) {
        self.has_begun = true;
        self.max_iterations = start.max_iterations;
        self.redacted = start.redacted;
        if let Some(settings) = &start.settings {
            self.gates.settings.clone_from(&settings.gates);
            self.gates.policy = settings.gate_policy.clone();
        }
    }

    fn vetoed(&mut self, iteration: Iteration) -> Rule {
        self.in_round(iteration)?;
        self.vetoed = true;
        holds(self.judged == Some((iteration, Decision::Done)), "only a DONE is vetoed")
    }

    fn masked<'e>(&mut self, files: impl IntoIterator<Item = &'e Evidence>) {
        for file in files {
            self.redacted = self.redacted.saturating_add(file.redacted);
        }
    }

    fn iteration_started(&mut self, iteration: Iteration) -> Rule {
        holds(iteration == self.begun + 1, "rounds are counted from 1, one by one")?;
        holds(self.finished == self.begun, "a round begins when the one before is recorded")?;
        holds(!self.stop_requested, "no round begins after a stop was asked")?;
        let max = self.max_iterations;
        holds(max.is_none_or(|max| iteration <= max), "rounds never exceed max_iterations")?;
        self.begun = iteration;
        self.actor_attempt = Tries::default();
        self.critic_attempt = Tries::default();
        self.gates.looks = Tries::default();
        Ok(())
    }

    /// Gates run before the first round, or in a round after its changes are captured.
    fn gates_run(&self, iteration: Iteration) -> Rule {
        if iteration == 0 {
            return holds(self.begun == 0, "the baseline is taken before the first round");
        }
        self.in_round(iteration)?;
        holds(self.captured == iteration, "gates run after the changes are captured")
    }

    /// What was asked of the process before counts no longer, nor does a call that it did not end.
    fn resumed(&mut self, e: &SessionResumed) -> Rule {
        holds(self.last_decision != Some(Decision::Done), "an approved run is not resumed")?;
        let next = self.begun + u32::from(self.finished == self.begun);
        let at_baseline = e.iteration == 0 && self.begun == 0;
        let goes_on = e.iteration == next || at_baseline;
        holds(goes_on, "a run goes on in the round in which it stood")?;
        self.ended = false;
        self.stop_requested = false;
        self.engine_failed = false;
        self.max_iterations = e.limits.max_iterations;
        self.actor_attempt.may_skip = true;
        self.critic_attempt.may_skip = true;
        self.gates.looks.may_skip = true;
        self.gates.running.clear();
        Ok(())
    }

    fn in_round(&self, iteration: Iteration) -> Rule {
        let current = iteration == self.begun && self.finished < self.begun;
        holds(current, "what happens in a round bears its number")
    }

    fn critic_asked(&self, iteration: Iteration) -> Rule {
        self.in_round(iteration)?;
        holds(self.captured == iteration, "the critic is asked after the changes are captured")
    }

    fn tree_checked(&mut self, e: &TreeChecked) -> Rule {
        self.critic_asked(e.iteration)?;
        if e.check == TreeCheck::Unchanged {
            self.left_alone = Some((e.iteration, e.attempt));
        }
        Ok(())
    }

    fn verdict_reached(&mut self, e: &VerdictReached) -> Rule {
        self.critic_asked(e.iteration)?;
        let call = Some((e.iteration, e.attempt));
        holds(self.heard == call, "a verdict is read from the critic's last answer")?;
        if let Ruling::Accepted { verdict } = &e.ruling {
            let decision = verdict.decision();
            let sure = decision != Decision::Done || self.left_alone == call;
            holds(sure, "an approval is of a tree that its call left as it was")?;
            self.judged = Some((e.iteration, decision));
        }
        Ok(())
    }

    fn iteration(&mut self, e: &codeloops_event::IterationEnd) -> Rule {
        self.in_round(e.iteration_number)?;
        holds(self.captured == e.iteration_number, "a recorded round has a captured diff")?;
        let judged = self.judged.filter(|(iteration, _)| *iteration == e.iteration_number);
        let said = judged.map(|(_, decision)| decision);
        holds(e.critic_verdict == said, "a round records what the critic said in it")?;
        let done = e.critic_decision == Decision::Done;
        holds(!done || said == Some(Decision::Done), "an approval needs a DONE of this round")?;
        let red = e.gates.iter().any(|gate| gate.blocks);
        holds(!done || !red, "nothing is approved over a red gate")?;
        holds(!done || !self.vetoed, "a vetoed approval does not take effect")?;
        self.vetoed = false;
        self.gates.recorded(&e.gates)?;
        let asked = self.heard.is_some_and(|(iteration, _)| iteration == e.iteration_number);
        holds(asked || red, "the critic is asked unless a gate blocks")?;
        holds(done == e.feedback.is_none(), "there is feedback unless the decision is DONE")?;
        self.finished = e.iteration_number;
        self.last_decision = Some(e.critic_decision);
        Ok(())
    }

    fn end(&mut self, e: &codeloops_event::SessionEnd) -> Rule {
        self.ended = true;
        holds(e.iterations == self.finished, "the end counts the recorded rounds")?;
        holds(e.redacted == self.redacted, "the end counts what was masked")?;
        let reason = e.stop_reason;
        holds(reason.is_none_or(|r| r.outcome() == e.outcome), "outcome and reason agree")?;
        let approved = self.last_decision == Some(Decision::Done);
        holds(
            (e.outcome == Outcome::Success) == approved,
            "success is an approval, and only that",
        )?;
        let says_nothing = e.summary.is_none() && e.confidence.is_none();
        holds(approved || says_nothing, "only an approval has a summary and a confidence")?;
        let stopped = self.stop_requested || self.engine_failed;
        holds(!stopped || !approved, "nothing is approved after a stop was asked")?;
        let interrupted = reason == Some(StopReason::Interrupted);
        holds(!interrupted || self.stop_requested, "interrupted means that a stop was asked")
    }

    fn time_goes_on(&mut self, event: &Event) -> Rule {
        let Some(now) = elapsed_ms(event) else { return Ok(()) };
        holds(now >= self.elapsed_ms, "the monotonic clock never goes back")?;
        self.elapsed_ms = now;
        Ok(())
    }
}

/// What the run's monotonic clock showed; chatter has no time of its own.
#[must_use]
pub const fn elapsed_ms(event: &Event) -> Option<u64> {
    match event {
        Event::AgentOutput(_) => None,
        Event::SessionStart(e) => Some(e.elapsed_ms),
        Event::IterationStarted(e) => Some(e.elapsed_ms),
        Event::ActorStarted(e) | Event::CriticStarted(e) => Some(e.elapsed_ms),
        Event::ActorCompleted(e) => Some(e.elapsed_ms),
        Event::ReadAsText(e) => Some(e.elapsed_ms),
        Event::DiffCaptured(e) => Some(e.elapsed_ms),
        Event::DiffFailed(e) => Some(e.elapsed_ms),
        Event::GateStarted(e) => Some(e.elapsed_ms),
        Event::GateCompleted(e) => Some(e.elapsed_ms),
        Event::GateTreeChecked(e) => Some(e.elapsed_ms),
        Event::ApprovalVetoed(e) => Some(e.elapsed_ms),
        Event::StateRepeated(e) => Some(e.elapsed_ms),
        Event::CriticCompleted(e) => Some(e.elapsed_ms),
        Event::TreeChecked(e) => Some(e.elapsed_ms),
        Event::TreeUnverified(e) => Some(e.elapsed_ms),
        Event::VerdictReached(e) => Some(e.elapsed_ms),
        Event::Waiting(e) => Some(e.elapsed_ms),
        Event::WaitOver(e) => Some(e.elapsed_ms),
        Event::StopRequested(e) => Some(e.elapsed_ms),
        Event::SessionResumed(e) => Some(e.elapsed_ms),
        Event::AnswerIgnored(e) => Some(e.elapsed_ms),
        Event::EngineFailed(e) => Some(e.elapsed_ms),
        Event::Iteration(e) => Some(e.elapsed_ms),
        Event::SessionEnd(e) => Some(e.elapsed_ms),
    }
}
