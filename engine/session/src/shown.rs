//! Foreign text made fit for a terminal.

use std::path::Path;

/// A path for an error message: lossily decoded, control characters escaped, so that a file name
/// cannot move the cursor or break the line.
pub(crate) fn path(path: &Path) -> String {
    text(&path.to_string_lossy())
}

/// The same for any text.
pub(crate) fn text(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}
