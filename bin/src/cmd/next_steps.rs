//! What to do once a run is over: the commands that show what came of it.

use std::path::Path;

use anstyle::{AnsiColor, Style};
use codeloops_event::layout::snapshot_ref;
use codeloops_event::{Iteration, RunId, StopReason};

use crate::engine::Finished;
use crate::settings::{Origin, RunSettings};
use crate::text::one_line;

/// A label and a command for the changes, if there are any, and for the session. A command has a
/// line to itself, so that it is whole where it can be.
pub(super) fn next_steps(settings: &RunSettings, finished: &Finished) -> String {
    let cyan = if settings.color { AnsiColor::Cyan.on_default() } else { Style::new() };
    let session = finished.recorded.as_ref();
    let happened = session.map(|recorded| format!("codeloops sessions show {}", recorded.id));
    // Where we could not see what changed, git will not show it either.
    let visible = finished.result.end.stop_reason != Some(StopReason::DiffFailed);
    let changed = finished.changed.filter(|_| visible);
    let changed = changed.map(|iteration| look_at_changes(settings, &finished.run_id, iteration));
    [("changed", changed), ("happened", happened)]
        .into_iter()
        .filter_map(|(what, command)| Some((what, one_line(&command?))))
        .map(|(what, command)| format!("{cyan}[codeloops]{cyan:#} See what {what}:\n  {command}\n"))
        .collect()
}

/// Between snapshots, so that new files show, and what was there before the run does not.
fn look_at_changes(settings: &RunSettings, run_id: &RunId, iteration: Iteration) -> String {
    let dir = &settings.working_dir;
    let git = match dir.origin {
        Origin::Default => "git".to_owned(),
        _ => format!("git -C {}", shell_quoted(&dir.value)),
    };
    format!("{git} diff {} {}", snapshot_ref(run_id, 0), snapshot_ref(run_id, iteration))
}

/// A path as a shell takes it, in quotes only where it needs them.
pub(super) fn shell_quoted(path: &Path) -> String {
    let path = path.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@%:,=".contains(c);
    if path.chars().all(plain) {
        return path.into_owned();
    }
    format!("'{}'", path.replace('\'', r"'\''"))
}
