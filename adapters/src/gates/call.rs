//! One call of a gate, with its repetitions. Runs on a thread that may block.

use std::time::Duration;

use codeloops_event::{GateStatus, LimitKind};
use codeloops_machine::{GateCall, GateReport};

use super::attempt::{Attempt, Ran};
use super::report::{self, Outcome};
use super::{GateProgram, GatesConfig};
use crate::process::{Control, Mark};

/// Runs the gate to its end.
pub(super) fn run(
    config: &GatesConfig,
    call: &GateCall,
    mark: &Mark,
    control: &Control,
) -> GateReport {
    let name = &call.gate.name;
    let Some(program) = config.gates.iter().find(|program| program.name == *name) else {
        return report::not_started(format!("no command is known for the gate `{name}`"));
    };
    let kept = config.kept.as_ref().zip(call.tree.as_ref()).map(|(kept, tree)| {
        let key = super::kept::key(&config.working_dir, program, tree);
        (kept, key)
    });
    let is_baseline = call.call.iteration == 0;
    if let Some((kept, key)) = kept.as_ref().filter(|_| is_baseline)
        && let Some(report) = kept.read(key, config.redactor.as_deref())
    {
        return report;
    }
    let report = Tries { config, call, program, mark, control }.run();
    // In a round the tree may have changed since its snapshot: only a baseline is of it for certain.
    if let Some((kept, key)) = kept.filter(|_| is_baseline && is_settled(&report)) {
        kept.write(&key, &config.run_id, &report);
    }
    report
}

/// Whether the gate is worth keeping: a red result would excuse a later run, though what was missing then
/// (a service, a file that git ignores) may be there by now.
const fn is_settled(report: &GateReport) -> bool {
    report.status.is_green() && !report.interrupted
}

/// The attempts of a call.
struct Tries<'a> {
    config: &'a GatesConfig,
    call: &'a GateCall,
    program: &'a GateProgram,
    mark: &'a Mark,
    control: &'a Control,
}

impl Tries<'_> {
    fn run(&self) -> GateReport {
        if self.control.is_stopped() {
            let why = "the run was ended before it began".to_owned();
            return GateReport { interrupted: true, ..report::not_started(why) };
        }
        let mut earlier: Vec<Ran> = Vec::new();
        loop {
            let spent = earlier.iter().map(|ran| ran.took).sum();
            let attempt = self.attempt(spent).run();
            let ran = match (attempt, earlier.pop()) {
                (Ok(ran), failed) => {
                    earlier.extend(failed);
                    ran
                }
                // What could not be repeated stands as it is.
                (Err(why), Some(failed)) => {
                    tracing::warn!(gate = self.call.gate.name, why, "not repeated");
                    return self.report(&earlier, failed, false);
                }
                (Err(why), None) => return report::not_started(self.config.masked(why)),
            };
            let is_red = report::outcome(&ran) == Outcome::of(GateStatus::Failed);
            let is_repeated = is_red && (earlier.len() as u64) < u64::from(self.call.gate.retries);
            let is_stopped = is_repeated && self.control.is_stopped();
            if !is_repeated || is_stopped {
                return self.report(&earlier, ran, is_stopped);
            }
            earlier.push(ran);
        }
    }

    fn attempt(&self, spent: Duration) -> Attempt<'_> {
        // The time of one attempt is its own; that of the run goes on.
        let left = |(at_most, limit): (Duration, LimitKind)| match limit {
            LimitKind::RunBudget => (at_most.saturating_sub(spent), limit),
            _ => (at_most, limit),
        };
        Attempt {
            config: self.config,
            call: self.call,
            program: self.program,
            mark: self.mark,
            control: self.control,
            deadline: self.call.deadline.map(left),
        }
    }

    fn report(&self, earlier: &[Ran], last: Ran, is_stopped: bool) -> GateReport {
        let attempt = self.attempt(Duration::ZERO);
        let mut report = report::of(&attempt, earlier, last);
        report.interrupted |= is_stopped;
        (report.artifacts, report.more_artifacts) = attempt.keep_artifacts();
        report
    }
}
