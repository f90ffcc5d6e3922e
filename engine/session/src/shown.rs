//! Foreign text made fit for a terminal.

use std::path::Path;

pub(crate) use codeloops_event::text::escaped as text;

/// A path for an error message: lossily decoded, what acts in it escaped, so that a file name cannot
/// move the cursor or break the line.
pub(crate) fn path(path: &Path) -> String {
    text(&path.to_string_lossy())
}
