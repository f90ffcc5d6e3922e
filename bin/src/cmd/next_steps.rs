//! What to do once a run is over: the commands that show what came of it.

use std::path::Path;

use anstyle::{AnsiColor, Style};
use codeloops_event::StopReason;

use crate::engine::Finished;
use crate::settings::{Origin, RunSettings};
use crate::text::one_line;

/// Digits of a commit that are enough to name it.
const SHORT_COMMIT: usize = 12;

/// One line each for the changes and for the session.
pub(super) fn next_steps(settings: &RunSettings, finished: &Finished) -> String {
    let cyan = if settings.color { AnsiColor::Cyan.on_default() } else { Style::new() };
    let session = finished.recorded.as_ref();
    let happened = session.map(|recorded| format!("codeloops sessions show {}", recorded.id));
    // Where we could not see what changed, git will not show it either.
    let visible = finished.result.end.stop_reason != Some(StopReason::DiffFailed);
    let changed = visible.then(|| look_at_changes(settings, finished));
    [("changed", changed), ("happened", happened)]
        .into_iter()
        .filter_map(|(what, command)| Some((what, one_line(&command?))))
        .map(|(what, command)| format!("{cyan}[codeloops]{cyan:#} See what {what}: {command}\n"))
        .collect()
}

/// The diff is taken from where `HEAD` was, since the actor may have staged or committed its work.
fn look_at_changes(settings: &RunSettings, finished: &Finished) -> String {
    let dir = &settings.working_dir;
    let git = match dir.origin {
        Origin::Default => "git".to_owned(),
        _ => format!("git -C {}", shell_quoted(&dir.value)),
    };
    match finished.base.as_ref().and_then(|commit| commit.get(..SHORT_COMMIT)) {
        Some(commit) => format!("{git} diff {commit} (new files: {git} status)"),
        None => format!("{git} status"),
    }
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
