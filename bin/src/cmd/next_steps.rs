//! What to do once a run is over: the commands that show what came of it.

use anstyle::{AnsiColor, Style};
use codeloops_adapters::git::lacks_ref;
use codeloops_event::layout::snapshot_ref;
use codeloops_event::{StopReason, Timestamp};
use codeloops_session::ChangesIn;
use codeloops_sinks::{Format, commands, printable, words};

use crate::engine::Finished;
use crate::settings::{Origin, RunSettings};

/// A label and a command for the changes, if there are any, and for the session.
pub(super) fn next_steps(settings: &RunSettings, finished: &Finished) -> String {
    let lines = ClosingLines::of(settings, finished);
    let session = finished.recorded.as_ref();
    let happened = session.map(|recorded| format!("codeloops sessions show {}", recorded.id));
    // Where we could not see what changed, git will not show it either.
    let visible = finished.result.end.stop_reason != Some(StopReason::DiffFailed);
    let changed = if visible { look_at_changes(settings, finished) } else { None };
    [("See what changed", changed), ("See what happened", happened), ("Go on", go_on(finished))]
        .into_iter()
        .filter_map(|(what, command)| Some((what, printable(&command?))))
        .map(|(what, command)| lines.line(what, &command))
        .collect()
}

/// How a run that was not approved is gone on with. More iterations are the one limit that can be named
/// for the user.
fn go_on(finished: &Finished) -> Option<String> {
    let (end, recorded) = (&finished.result.end, finished.recorded.as_ref()?);
    let more = match end.stop_reason? {
        StopReason::Approved | StopReason::RecordFailed => return None,
        StopReason::MaxIterations => format!(" -n {}", end.iterations.saturating_mul(2)),
        _ => String::new(),
    };
    Some(format!("codeloops run --resume {}{more}", recorded.id))
}

/// How the lines look that stand under those of the console, once the run is over.
pub(super) struct ClosingLines {
    color: bool,
    /// When the run ended, in the format that has a time before each line.
    time: Option<Timestamp>,
}

impl ClosingLines {
    pub(super) fn of(settings: &RunSettings, finished: &Finished) -> Self {
        let has_times = settings.log_format.value == Format::Compact;
        let time = has_times.then_some(finished.result.end.timestamp);
        Self { color: settings.color, time }
    }

    /// What stands before each.
    pub(super) fn prefix(&self) -> String {
        let styled = |style: Style| if self.color { style } else { Style::new() };
        let (faint, cyan) = (styled(Style::new().dimmed()), styled(AnsiColor::Cyan.on_default()));
        let time = self.time.map(|at| format!("{faint}{} {faint:#}", words::log_time(at)));
        format!("{}{cyan}[codeloops]{cyan:#} ", time.unwrap_or_default())
    }

    /// What something is, and a command or a path to be copied: that has a line to itself, so that it
    /// is whole where it can be, but where each line stands for itself.
    pub(super) fn line(&self, what: &str, to_copy: &str) -> String {
        let between = if self.time.is_some() { " " } else { "\n  " };
        format!("{}{what}:{between}{to_copy}\n", self.prefix())
    }
}

/// What the session records needs nothing else. Without one, or where an agent may have worked since, git
/// shows it from the first snapshot on, so that new files show, and what was there before the run does
/// not; none where an agent removed that.
fn look_at_changes(settings: &RunSettings, finished: &Finished) -> Option<String> {
    let dir = &settings.working_dir;
    let from = (dir.origin != Origin::Default).then_some(dir.value.as_path());
    let base = snapshot_ref(&finished.run_id, 0);
    let has_base = || !lacks_ref(&dir.value, &base);
    match (finished.changes_in, &finished.recorded) {
        (ChangesIn::Nowhere | ChangesIn::Snapshot { differs: false, .. }, _) => None,
        (ChangesIn::Snapshot { .. }, Some(recorded)) => {
            Some(commands::session_diff(recorded.id.as_str()))
        }
        (ChangesIn::Snapshot { iteration, .. }, None) => has_base()
            .then(|| commands::diff(from, &base, &snapshot_ref(&finished.run_id, iteration))),
        (ChangesIn::WorkingTree, _) => has_base().then(|| commands::diff_with_tree(from, &base)),
    }
}
