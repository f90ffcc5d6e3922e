//! Tracebacks of Python programs, wherever they are printed.

use super::place::{Place, number};

/// Reads a traceback line by line.
#[derive(Debug, Default)]
pub(super) struct Traceback {
    /// Whether the frames are being told, before the exception.
    in_frames: bool,
    last: Option<Frame>,
    message: Option<String>,
}

#[derive(Debug)]
struct Frame {
    file: String,
    line: u32,
}

impl Traceback {
    /// Takes a line in; whether it belongs to a traceback.
    pub(super) fn line(&mut self, line: &str) -> bool {
        if line == "Traceback (most recent call last):" {
            *self = Self { in_frames: true, last: None, message: None };
            return true;
        }
        if let Some((file, line)) = frame(line) {
            self.in_frames = true;
            if self.last.is_none() || !Place::file(file).is_foreign() {
                self.last =
                    Some(Frame { file: crate::text::beginning(file, 1024).to_owned(), line });
            }
            return true;
        }
        if !self.in_frames {
            return false;
        }
        if line.is_empty() || line.starts_with(' ') {
            return true;
        }
        self.in_frames = false;
        if !is_exception(line) {
            *self = Self::default();
            return false;
        }
        self.message = Some(crate::text::beginning(line, 4096).to_owned());
        true
    }

    /// The exception, where all of it was told.
    pub(super) fn exception(&self) -> Option<(&str, Option<Place<'_>>)> {
        let place = self.last.as_ref().map(|frame| Place {
            file: &frame.file,
            line: Some(frame.line),
            column: None,
        });
        Some((self.message.as_deref()?, place))
    }
}

/// `  File "a.py", line 3, in main`
fn frame(line: &str) -> Option<(&str, u32)> {
    let (file, rest) = line.strip_prefix("  File \"")?.split_once("\", line ")?;
    let (line, _) = number(rest)?;
    Some((file, line))
}

/// `mod.Name: message` or `mod.Name`.
fn is_exception(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or(line);
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    !name.is_empty() && name.chars().all(is_name) && !name.starts_with(|c: char| c.is_numeric())
}
