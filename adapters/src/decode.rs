//! Understands what agent programs print.
//!
//! A decoder takes a stream chunk by chunk and says at the end how the turn ended ([`Ending`]), what
//! the answer was, and what the conversation is called. Its readable part goes out as it comes. A
//! structured stream counts as a success only if its final event says so: exit code 0 is no proof
//! (several programs exit with 0 after a signal, or when a permission was denied).

use std::borrow::Cow;

use codeloops_event::layout::{TEXT_LIMIT, cap_text};
use codeloops_event::{CutOffKind, Usage};
use serde::Deserialize;
use serde_json::Value;

use crate::spec::OutputFormat;
use crate::text::{HeadTail, lossy};

mod claude;
mod codex;
mod cursor;
mod gemini;
mod lines;
mod opencode;
mod provider;

use lines::Lines;
pub(crate) use provider::Trouble;

/// How a turn ended, as far as its stream tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Ending {
    /// No final event yet.
    #[default]
    Open,
    /// The final event says success.
    Done {
        /// Tool calls that its permission rules denied.
        denied: u32,
    },
    /// The answer broke off.
    CutOff(CutOffKind),
    /// The final event says failure.
    Failed(Trouble),
}

/// What a stream came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Decoded {
    /// How the turn ended; `None` for text, where only the exit code tells.
    pub(crate) ending: Option<Ending>,
    /// The final text.
    pub(crate) text: String,
    /// The agent's name for the conversation.
    pub(crate) session: Option<String>,
    /// Tokens and money.
    pub(crate) usage: Option<Usage>,
    /// Whether the stream went on to speak after it had ended well. Whoever holds the pipe can write
    /// into it, so what was said last need not be the agent's word.
    pub(crate) disputed: bool,
}

/// One program's way of telling.
trait Format: Send {
    /// Whether events of this `type` are looked at. The others are skipped unread: a tool's result
    /// may carry whole files.
    fn wants(&self, kind: &str) -> bool;
    /// Whether events of this `type` make up the answer or end the turn.
    fn speaks(&self, kind: &str) -> bool;
    /// How the turn ended so far.
    fn ending(&self) -> &Ending;
    /// Takes one event; adds what a person would want to see of it to `readable`.
    fn event(&mut self, event: &Value, readable: &mut String);
    /// The end of the stream. Lines on stderr are given because some things are told only there.
    fn finish(self: Box<Self>, stderr: &str) -> Decoded;
}

/// Decodes the standard output of one call.
pub(crate) enum Decoder {
    /// All of it is the answer.
    Text(HeadTail),
    /// A stream of events.
    Events(Box<Events>),
}

/// A stream of events, and what stood between them.
pub(crate) struct Events {
    lines: Lines,
    format: Box<dyn Format>,
    /// Lines that are no events: messages of the program itself.
    plain: HeadTail,
    disputed: bool,
}

impl Decoder {
    pub(crate) fn new(format: OutputFormat) -> Self {
        let format: Box<dyn Format> = match format {
            OutputFormat::Text => return Self::Text(HeadTail::default()),
            OutputFormat::ClaudeStreamJson => Box::<claude::Claude>::default(),
            OutputFormat::CodexJson => Box::<codex::Codex>::default(),
            OutputFormat::OpencodeJson => Box::<opencode::Opencode>::default(),
            OutputFormat::GeminiStreamJson => Box::<gemini::Gemini>::default(),
            OutputFormat::CursorStreamJson => Box::<cursor::Cursor>::default(),
        };
        Self::Events(Box::new(Events {
            lines: Lines::default(),
            format,
            plain: HeadTail::default(),
            disputed: false,
        }))
    }

    /// Takes a chunk. For a stream of events its readable part, for text nothing: all of it is.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Option<String> {
        match self {
            Self::Text(text) => {
                text.push(bytes);
                None
            }
            Self::Events(events) => Some(events.push(bytes)),
        }
    }

    /// The end of the stream.
    pub(crate) fn finish(self, stderr: &str) -> Decoded {
        match self {
            Self::Text(text) => Decoded { text: text.into_text(), ..Decoded::default() },
            Self::Events(events) => events.finish(stderr),
        }
    }
}

impl Events {
    fn push(&mut self, bytes: &[u8]) -> String {
        let mut readable = String::new();
        // Taken out, so that its lines can be handed to the rest of us.
        let mut lines = std::mem::take(&mut self.lines);
        lines.push(bytes, |line| self.take_line(line, &mut readable));
        self.lines = lines;
        readable
    }

    fn finish(mut self, stderr: &str) -> Decoded {
        if let Some(line) = std::mem::take(&mut self.lines).finish() {
            self.take_line(&line, &mut String::new());
        }
        let mut decoded = self.format.finish(stderr);
        if decoded.text.is_empty() && !matches!(decoded.ending, Some(Ending::Done { .. })) {
            decoded.text = self.plain.into_text();
        }
        decoded.text = cap_text(&decoded.text, TEXT_LIMIT);
        decoded.disputed = self.disputed;
        decoded
    }

    fn take_line(&mut self, line: &[u8], readable: &mut String) {
        match parse(self.format.as_ref(), line) {
            Line::Event(event) => {
                self.disputed |= *self.format.ending() == Ending::Done { denied: 0 }
                    && self.format.speaks(text(&event, "/type"));
                self.format.event(&event, readable);
            }
            Line::Skipped => {}
            Line::Plain => {
                self.plain.push(line);
                self.plain.push(b"\n");
                readable.push_str(&lossy(line));
                readable.push('\n');
            }
        }
    }
}

/// What a line is.
enum Line {
    Event(Value),
    /// An event that is not looked at, or nothing.
    Skipped,
    Plain,
}

/// The one field that says whether the others matter.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
}

/// Reads a line. Bytes that are no UTF-8 do not cost it.
fn parse(format: &dyn Format, line: &[u8]) -> Line {
    match line.trim_ascii_start().first() {
        Some(b'{') => {}
        Some(_) => return Line::Plain,
        None => return Line::Skipped,
    }
    let text = lossy(line);
    match serde_json::from_str::<Head<'_>>(&text) {
        Ok(head) if !format.wants(&head.kind) => Line::Skipped,
        _ => serde_json::from_str(&text).map_or(Line::Plain, Line::Event),
    }
}

/// The text at a JSON pointer, empty where there is none.
fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The number at a JSON pointer.
fn count(value: &Value, pointer: &str) -> Option<u64> {
    value.pointer(pointer).and_then(Value::as_u64)
}

/// The sum of those that are known; none where none is.
fn sum<const N: usize>(parts: [Option<u64>; N]) -> Option<u64> {
    parts.into_iter().flatten().reduce(u64::saturating_add)
}

/// Adds a paragraph to what is read.
fn say(readable: &mut String, text: &str) {
    if !text.is_empty() {
        readable.push_str(text);
        readable.push('\n');
    }
}

/// Adds a tool call: its name and the one argument that tells most.
fn say_tool(readable: &mut String, name: &str, input: Option<&Value>) {
    const TELLING: [&str; 7] =
        ["command", "file_path", "filePath", "path", "pattern", "query", "description"];
    let argument = input
        .and_then(|input| TELLING.iter().find_map(|key| input.get(key).and_then(Value::as_str)));
    let argument = argument.map(crate::text::one_line).unwrap_or_default();
    say(readable, format!("[{name}] {argument}").trim_end());
}

/// Keeps an id if it is one.
fn remember(session: &mut Option<String>, id: &str) {
    if !id.is_empty() {
        *session = Some(crate::text::one_line(id));
    }
}
