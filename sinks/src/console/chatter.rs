//! Output of agents for `--verbose`: pieces put together to lines, tools in a line each.

use codeloops_event::{AgentOutput, Item, OutputStream, Role};

use super::line::{Line, Tone};
use crate::sink::Gap;
use crate::text::{headline, one_line};
use crate::words;

/// Columns of what a tool gave that are shown; the whole of it is in evidence.
const RESULT_COLUMNS: usize = 100;

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
    /// Whether what is unfinished was only thought.
    thought: bool,
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
        lines.extend(chunk.items.iter().flat_map(|item| stream.take(item)));
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
            let unfinished = String::new();
            self.streams.push(Stream { role, stream, unfinished, thought: false });
            self.streams.len() - 1
        });
        &mut self.streams[at]
    }
}

impl Stream {
    fn take(&mut self, item: &Item) -> Vec<Line> {
        match item {
            Item::Printed { text } | Item::Text { text } => self.piece(text, false),
            Item::Reasoning { text } => self.piece(text, true),
            Item::ToolCall { name, argument, .. } => {
                let call = format!("> {} {}", one_line(name), one_line(argument));
                self.line(Tone::Label, call.trim_end())
            }
            Item::ToolResult { failed: true, text, .. } => {
                let text = headline(text, RESULT_COLUMNS);
                self.line(Tone::Attention, format!("  failed: {text}").trim_end_matches(": "))
            }
            Item::ToolResult { failed: false, text, .. } => match headline(text, RESULT_COLUMNS) {
                text if text.is_empty() => Vec::new(),
                text => self.line(Tone::Faint, &format!("  {text}")),
            },
            Item::Retry { reason } => {
                self.line(Tone::Attention, &format!("asks again: {}", one_line(reason)))
            }
            Item::Limit { resets_at, message } => {
                let until = resets_at.map(|at| format!(", resets {}", words::utc(at)));
                let message = format!("{}{}", one_line(message), until.unwrap_or_default());
                self.line(Tone::Attention, &message)
            }
            Item::Usage { .. } => Vec::new(),
        }
    }

    /// A line of its own, after what has no end yet.
    fn line(&mut self, tone: Tone, text: &str) -> Vec<Line> {
        let mut lines = self.flush();
        lines.push(output_line(Some(self.role)).with(tone, text));
        lines
    }

    fn piece(&mut self, text: &str, thought: bool) -> Vec<Line> {
        let mut lines = if thought == self.thought { Vec::new() } else { self.flush() };
        self.thought = thought;
        self.unfinished.push_str(text);
        lines.extend(self.whole_lines());
        lines
    }

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
        let tone = if self.thought { Tone::Faint } else { Tone::Plain };
        safe.split('\n').map(|part| output_line(Some(self.role)).with(tone, part)).collect()
    }
}

fn output_line(role: Option<Role>) -> Line {
    let label = match role {
        Some(Role::Actor) => "[actor] | ",
        Some(Role::Critic) => "[critic] | ",
        None => "[codeloops] ",
    };
    Line::default().with(Tone::Faint, label).behind_bar()
}

fn skipped(role: Option<Role>, bytes: u64) -> Line {
    let bytes = words::count(bytes, "byte", "bytes");
    output_line(role).with(Tone::Attention, format!("... {bytes} of output left out ..."))
}
