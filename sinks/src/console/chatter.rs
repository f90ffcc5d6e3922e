//! Output of agents for `--verbose`: chunks put together to lines.

use codeloops_event::{AgentOutput, OutputStream, Role};

use super::line::{Line, Tone};
use crate::sink::Gap;
use crate::words;

/// Bytes after which a line without an end is shown in parts.
const LONGEST_LINE: usize = 8 * 1024;

/// The unfinished line of each stream. A chunk may end anywhere, also inside of an escape sequence:
/// so only whole lines are made harmless and shown.
#[derive(Default)]
pub(super) struct Chatter {
    streams: Vec<Stream>,
}

struct Stream {
    role: Role,
    stream: OutputStream,
    unfinished: String,
}

impl Chatter {
    /// Takes a chunk; gives the lines that are whole now.
    pub(super) fn push(&mut self, chunk: &AgentOutput) -> Vec<Line> {
        let stream = self.stream(chunk.role, chunk.stream);
        let mut lines = Vec::new();
        if chunk.skipped_bytes > 0 {
            lines.extend(stream.flush());
            lines.push(skipped(Some(chunk.role), chunk.skipped_bytes));
        }
        stream.unfinished.push_str(&chunk.text);
        lines.extend(stream.whole_lines());
        lines
    }

    /// Gives what has no end yet.
    pub(super) fn flush(&mut self) -> Vec<Line> {
        self.streams.iter_mut().flat_map(Stream::flush).collect()
    }

    /// Gives what has no end yet, and says that something is missing.
    pub(super) fn gap(&mut self, gap: Gap) -> Vec<Line> {
        let mut lines = self.flush();
        lines.push(skipped(None, gap.bytes));
        lines
    }

    fn stream(&mut self, role: Role, stream: OutputStream) -> &mut Stream {
        let known = self.streams.iter().position(|s| s.role == role && s.stream == stream);
        let at = known.unwrap_or_else(|| {
            self.streams.push(Stream { role, stream, unfinished: String::new() });
            self.streams.len() - 1
        });
        &mut self.streams[at]
    }
}

impl Stream {
    fn whole_lines(&mut self) -> Vec<Line> {
        let mut lines = Vec::new();
        while let Some(end) = self.unfinished.find('\n') {
            let line: String = self.unfinished.drain(..=end).collect();
            lines.extend(self.shown(line.trim_end_matches(['\n', '\r'])));
        }
        if self.unfinished.len() > LONGEST_LINE {
            lines.extend(self.flush());
        }
        lines
    }

    fn flush(&mut self) -> Vec<Line> {
        let text = std::mem::take(&mut self.unfinished);
        if text.is_empty() { Vec::new() } else { self.shown(&text) }
    }

    /// A carriage return inside of a line overwrites it on a terminal: here, what it leaves is a
    /// line of its own.
    fn shown(&self, text: &str) -> Vec<Line> {
        let safe = crate::text::sanitise(text);
        safe.split('\n').map(|part| output_line(Some(self.role)).with(Tone::Plain, part)).collect()
    }
}

fn output_line(role: Option<Role>) -> Line {
    let label = match role {
        Some(Role::Actor) => "[actor] | ",
        Some(Role::Critic) => "[critic] | ",
        None => "[codeloops] ",
    };
    Line::default().with(Tone::Faint, label).unbroken()
}

fn skipped(role: Option<Role>, bytes: u64) -> Line {
    let bytes = words::count(bytes, "byte", "bytes");
    output_line(role).with(Tone::Attention, format!("... {bytes} of output left out ..."))
}
