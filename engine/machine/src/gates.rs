//! What a gate's report means: whether it got worse than before the run, and whether it blocks.

use std::collections::BTreeMap;

use codeloops_event::{FailureIdentity, GateResult, GateSettings, GateStatus};

use crate::input::GateReport;

/// The result of a gate, beside what it was before the first round, where that is known.
///
/// A required gate that is red blocks an approval. One that was red before the run began blocks only
/// where its settings do not excuse that, or where it got worse. One that did not run is never excused:
/// nobody knows what it would have found.
#[must_use]
pub fn result(gate: &GateSettings, report: GateReport, before: Option<&GateResult>) -> GateResult {
    let red = !report.status.is_green();
    let was_red = before.is_some_and(|before| !before.status.is_green());
    let worse = red && was_red && before.is_some_and(|before| got_worse(&report, before));
    let ran = report.status != GateStatus::NotStarted && !lacks_its_program(&report);
    let excused = was_red && gate.baseline && !worse && ran;
    let GateReport {
        status,
        exit_code,
        duration_secs,
        tail,
        output,
        attempts,
        failures,
        more_failures,
        kept_from,
        interrupted,
        leftovers,
        artifacts,
        more_artifacts,
    } = report;
    GateResult {
        name: gate.name.clone(),
        status,
        required: gate.required,
        baseline: before.map(|before| before.status),
        exit_code,
        duration_secs,
        tail,
        output,
        attempts,
        failures,
        more_failures,
        worse,
        blocks: gate.required && red && !excused,
        kept_from,
        interrupted,
        leftovers,
        artifacts,
        more_artifacts,
    }
}

/// Whether a shell did not find what it was to run, or may not run it (exit codes 127 and 126 of POSIX
/// `sh`).
const fn lacks_its_program(report: &GateReport) -> bool {
    matches!((report.status, report.exit_code), (GateStatus::Failed, Some(126 | 127)))
}

/// Exit codes above mean that a program could not be run, or was ended by a signal.
const LAST_OF_ITS_OWN: i32 = 125;

/// Whether it is red in another way than before (a limit instead of a failure, a crash, another exit code
/// where nothing could be read out of what it printed, nothing to be read where there was something), or
/// there is a failure that was not there before.
fn got_worse(now: &GateReport, before: &GateResult) -> bool {
    let unread = now.failures.is_empty();
    let broke_off = now.exit_code.is_some_and(|code| code > LAST_OF_ITS_OWN);
    let other_code = (unread || broke_off) && now.exit_code != before.exit_code;
    now.status != before.status
        || (unread && !before.failures.is_empty())
        || other_code
        || has_new_failure(now, before)
}

/// Whether there is a failure now that was not there before. Where the list of those before was cut,
/// one that is not in it may have been there, so then their number tells.
fn has_new_failure(now: &GateReport, before: &GateResult) -> bool {
    if total(&now.failures, now.more_failures) > total(&before.failures, before.more_failures) {
        return true;
    }
    if before.more_failures > 0 {
        return false;
    }
    let mut known: BTreeMap<FailureIdentity, u32> = BTreeMap::new();
    for failure in &before.failures {
        *known.entry(failure.identity()).or_default() += 1;
    }
    now.failures.iter().any(|failure| match known.get_mut(&failure.identity()) {
        Some(left) if *left > 0 => {
            *left -= 1;
            false
        }
        _ => true,
    })
}

fn total<T>(listed: &[T], more: u64) -> u64 {
    more.saturating_add(listed.len() as u64)
}
