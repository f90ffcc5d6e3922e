//! The gates of a round, or of the baseline: which are due, which run, what they came to, and what they
//! did to the tree.

use std::collections::BTreeMap;

use codeloops_event::{
    CallId, CallKind, Event, GateCompleted, GateResult, GateStarted, GateStatus, GateTreeChecked,
    Iteration, StopReason, TreeCheck, TreeId,
};

use crate::context::Context;
use crate::effect::{Effect, GateCall, StopLevel};
use crate::gates;
use crate::input::GateReport;
use crate::out::Out;
use crate::phase::call::StopAsk;
use crate::phase::end::Ending;

/// The position of a gate in the settings, counted from 1; its calls bear it as their attempt.
pub(crate) type Position = u32;

/// Gates that are through.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct GatesDone {
    pub(crate) results: BTreeMap<Position, GateResult>,
    /// How often the tree was compared after gates in this round.
    pub(crate) looks: u32,
}

impl GatesDone {
    /// A gate that failed, changed the tree and then passed may have passed because of that.
    fn distrust_repetitions(&mut self, ran: &[Position]) {
        for at in ran {
            if let Some(result) = self.results.get_mut(at) {
                result.blocks |= result.required && result.status == GateStatus::Flaky;
            }
        }
    }

    /// The results, in the order of the settings.
    pub(crate) fn into_results(self) -> Vec<GateResult> {
        self.results.into_values().collect()
    }
}

/// Gates on their way.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GateRuns {
    iteration: Iteration,
    /// The snapshot that they run on.
    tree: TreeId,
    due: Vec<Position>,
    done: GatesDone,
    stage: Stage,
    stop: Option<(Ending, StopLevel)>,
}

#[derive(Debug, Clone, PartialEq)]
enum Stage {
    /// These run; those have run since the tree was compared.
    Running { calls: Vec<CallId>, ran: Vec<Position> },
    /// The tree is compared after these.
    Checking { call: CallId, ran: Vec<Position> },
}

/// Where gates stand after an input.
pub(crate) enum Progress {
    /// Some still run, or are due.
    Going(GateRuns),
    /// All are through.
    Through(GatesDone),
    /// The run ends before they are.
    Ends(GatesDone, EndCause),
}

/// Why the run ends among its gates.
pub(crate) enum EndCause {
    Stopped(Ending),
    BudgetSpent(Ending),
    TreeUnknown(Ending),
}

impl GateRuns {
    /// Runs those that are due and have no result yet; gives the results back where there is none.
    pub(crate) fn begin(
        ctx: &mut Context,
        (iteration, tree): (Iteration, &TreeId),
        due: Vec<Position>,
        done: GatesDone,
        out: &mut Out,
    ) -> Result<Self, GatesDone> {
        let stage = Stage::Running { calls: Vec::new(), ran: Vec::new() };
        let runs = Self { iteration, tree: tree.clone(), due, done, stage, stop: None };
        runs.run_next(ctx, out)
    }

    /// The calls whose answers are awaited.
    pub(crate) fn awaited(&self) -> Vec<CallId> {
        match &self.stage {
            Stage::Running { calls, .. } => calls.clone(),
            Stage::Checking { call, .. } => vec![*call],
        }
    }

    /// Those that are through, for a run that breaks off here.
    pub(crate) fn into_done(self) -> GatesDone {
        self.done
    }

    fn run_next(mut self, ctx: &mut Context, out: &mut Out) -> Result<Self, GatesDone> {
        let mut left = self.due.iter().filter(|at| !self.done.results.contains_key(at)).copied();
        let next: Vec<Position> = if ctx.start.settings.gate_policy.parallel {
            left.collect()
        } else {
            left.next().into_iter().collect()
        };
        if next.is_empty() {
            return Err(self.done);
        }
        let calls = next.into_iter().filter_map(|at| self.run_gate(ctx, at, out)).collect();
        self.stage = Stage::Running { calls, ran: Vec::new() };
        Ok(self)
    }

    fn run_gate(&self, ctx: &mut Context, at: Position, out: &mut Out) -> Option<CallId> {
        let gate = ctx.gate(at)?.clone();
        let call = ctx.issue(self.iteration, CallKind::Gate, at);
        out.event(Event::GateStarted(GateStarted {
            timestamp: out.stamp.at,
            elapsed_ms: out.stamp.elapsed_ms,
            iteration: self.iteration,
            gate: gate.name.clone(),
        }));
        let deadline = ctx.gate_deadline(&gate, out.stamp);
        let tree = Some(self.tree.clone());
        out.effect(Effect::RunGate(Box::new(GateCall { call, gate, tree, deadline })));
        Some(call)
    }

    /// A gate is through.
    pub(crate) fn finished(
        mut self,
        ctx: &mut Context,
        call: CallId,
        report: GateReport,
        out: &mut Out,
    ) -> Progress {
        let at = call.attempt;
        let Some(gate) = ctx.gate(at) else { return Progress::Going(self) };
        let result = gates::result(gate, report, ctx.baseline.get(&at));
        out.event(Event::GateCompleted(Box::new(GateCompleted {
            timestamp: out.stamp.at,
            elapsed_ms: out.stamp.elapsed_ms,
            iteration: self.iteration,
            gate: result.clone(),
        })));
        if result.interrupted && self.stop.is_none() {
            // Only the end of the run's time ends a gate that nobody stopped.
            self.stop = Some((Ending::of(StopReason::MaxDuration), StopLevel::Graceful));
        }
        self.over(ctx, (at, call), result, out)
    }

    fn over(
        mut self,
        ctx: &mut Context,
        (at, call): (Position, CallId),
        result: GateResult,
        out: &mut Out,
    ) -> Progress {
        let Stage::Running { calls, ran } = &mut self.stage else { return Progress::Going(self) };
        calls.retain(|running| *running != call);
        // What was kept from an earlier run touched nothing now.
        if result.kept_from.is_none() {
            ran.push(at);
        }
        let runs_on = !calls.is_empty();
        let ran = ran.clone();
        if !result.interrupted {
            self.done.results.insert(at, result);
        }
        if runs_on {
            return Progress::Going(self);
        }
        if ran.is_empty() || matches!(self.stop, Some((_, StopLevel::Now))) {
            return self.go_on(ctx, out);
        }
        Progress::Going(self.compare(ctx, ran, out))
    }

    fn compare(mut self, ctx: &mut Context, ran: Vec<Position>, out: &mut Out) -> Self {
        self.done.looks += 1;
        let call = ctx.issue(self.iteration, CallKind::GateTreeCheck, self.done.looks);
        out.effect(Effect::CheckTree { call, restore: ctx.start.settings.restore_tree });
        Self { stage: Stage::Checking { call, ran }, ..self }
    }

    /// The tree was compared.
    pub(crate) fn checked(
        mut self,
        ctx: &mut Context,
        check: TreeCheck,
        out: &mut Out,
    ) -> Progress {
        let Stage::Checking { ran, .. } = &mut self.stage else { return Progress::Going(self) };
        let ran = std::mem::take(ran);
        let names = ran.iter().filter_map(|at| Some(ctx.gate(*at)?.name.clone())).collect();
        out.event(Event::GateTreeChecked(Box::new(GateTreeChecked {
            timestamp: out.stamp.at,
            elapsed_ms: out.stamp.elapsed_ms,
            iteration: self.iteration,
            attempt: self.done.looks,
            gates: names,
            check: check.clone(),
        })));
        if matches!(check, TreeCheck::Changed { .. }) {
            self.done.distrust_repetitions(&ran);
        }
        match (check, &self.stop) {
            // What the next gate, or the critic, would see is not known.
            (TreeCheck::Failed { error }, None) => {
                let ending = Ending::with(StopReason::DiffFailed, error);
                Progress::Ends(self.done, EndCause::TreeUnknown(ending))
            }
            _ => self.go_on(ctx, out),
        }
    }

    fn go_on(self, ctx: &mut Context, out: &mut Out) -> Progress {
        if let Some((ending, _)) = self.stop {
            let cause = match ending.reason {
                StopReason::MaxDuration => EndCause::BudgetSpent(ending),
                _ => EndCause::Stopped(ending),
            };
            return Progress::Ends(self.done, cause);
        }
        if let Some(ending) = ctx.spent(out.stamp) {
            return Progress::Ends(self.done, EndCause::BudgetSpent(ending));
        }
        match self.run_next(ctx, out) {
            Ok(runs) => Progress::Going(runs),
            Err(done) => Progress::Through(done),
        }
    }

    /// A stop was asked: all that runs is ended, and nothing more begins.
    pub(crate) fn stop(mut self, ask: StopAsk, out: &mut Out) -> Self {
        ask.tell(self.stop.is_some(), out);
        let (ending, level) = match self.stop.take() {
            None => (ask.ending(), StopLevel::Graceful),
            Some((ending, level)) => (ending, ask.level_after(level)),
        };
        for call in self.awaited() {
            out.effect(Effect::StopCall { call, level });
        }
        Self { stop: Some((ending, level)), ..self }
    }
}
