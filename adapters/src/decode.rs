//! Understands what agent programs print.
//!
//! A decoder takes a stream chunk by chunk, gives the items that it tells ([`Item`]) as they come,
//! and says at the end how the turn ended ([`Ending`]), what the answer was, and what the
//! conversation is called. It is a pure function of the bytes. A structured stream counts as a
//! success only if its final event says so: exit code 0 is no proof (several programs exit with 0
//! after a signal, or when a permission was denied).

use codeloops_event::{CutOffKind, Item, Usage};

use crate::spec::OutputFormat;
use crate::text::{HeadTail, capped, lossy};

mod claude;
mod codex;
mod cursor;
mod gemini;
mod items;
mod json;
mod lines;
mod opencode;
mod provider;
mod scan;

use items::Items;
use json::Object;
use lines::Lines;
pub(crate) use provider::Trouble;

/// What a stream was read as.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Text, as declared: how the turn ended, only the exit code tells.
    #[default]
    Text,
    /// Events, up to this ending.
    Events(Ending),
    /// Text, though events were declared: not one of them is in it.
    TextInstead,
}

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
    /// The final event says success, and nothing was said.
    Silent,
    /// The answer broke off.
    CutOff(CutOffKind),
    /// The final event says failure.
    Failed(Trouble),
}

/// What a stream came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Decoded {
    /// What the stream was read as.
    pub(crate) reading: Reading,
    /// The final text.
    pub(crate) text: String,
    /// The agent's name for the conversation.
    pub(crate) session: Option<String>,
    /// Tokens and money.
    pub(crate) told: Option<Told>,
    /// Whether the stream went on to speak after it had ended, or holds a verdict outside its events.
    /// Whoever holds the pipe can write into it, and a program that prints text may quote an event, so
    /// the answer need not be the agent's word.
    pub(crate) disputed: bool,
}

/// What a stream told of tokens and money, in the meaning of [`Usage`].
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    pub(crate) usage: Usage,
    pub(crate) cumulative: Cumulative,
}

/// What of it is the sum over the whole conversation, where one is gone on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cumulative {
    Nothing,
    Cost,
    All,
}

impl Told {
    /// What the call used, and what the conversation has used in all where the agent tells that.
    /// `earlier` is what it had told of the same conversation before. A sum that has become smaller is
    /// none of that conversation.
    pub(crate) fn since(self, earlier: Option<&Usage>) -> (Usage, Option<Usage>) {
        let Self { usage: told, cumulative } = self;
        let none = Usage::default();
        let before = earlier.unwrap_or(&none);
        let cost_usd = match (told.cost_usd, before.cost_usd) {
            (Some(now), Some(before)) if now >= before => Some(now - before),
            (now, _) => now,
        };
        match cumulative {
            Cumulative::Nothing => (told, None),
            Cumulative::Cost => {
                let sum = told.cost_usd.map(|cost| Usage { cost_usd: Some(cost), ..none });
                (Usage { cost_usd, ..told }, sum)
            }
            Cumulative::All => (Usage { cost_usd, ..told.tokens_since(before) }, Some(told)),
        }
    }
}

/// One program's way of telling.
trait Format: Send {
    /// Whether the program has events of this `type`.
    fn knows(&self, kind: &str) -> bool;
    /// Whether events of this `type` make up the answer or end the turn.
    fn speaks(&self, kind: &str) -> bool;
    /// How the turn ended so far.
    fn ending(&self) -> &Ending;
    /// Takes one event of a `type`; adds what it tells to `items`.
    fn event(&mut self, kind: &str, event: &Object<'_>, items: &mut Items);
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
    /// All of what may be shown, as long as no event was known.
    shown: Option<HeadTail>,
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
            shown: Some(HeadTail::default()),
            disputed: false,
        }))
    }

    /// Whether all that is printed is the answer.
    pub(crate) const fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    /// Takes a chunk of what was printed; gives what it tells: nothing for a text, whose chunks tell
    /// it all.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<Item> {
        match self {
            Self::Text(_) => Vec::new(),
            Self::Events(events) => events.push(bytes),
        }
    }

    /// Takes a chunk of what may be shown of it. A text is read from this, for a mask does not hurt
    /// it as it would an event.
    pub(crate) fn push_shown(&mut self, bytes: &[u8]) {
        match self {
            Self::Text(text) => text.push(bytes),
            Self::Events(events) => {
                if let Some(shown) = &mut events.shown {
                    shown.push(bytes);
                }
            }
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
    fn push(&mut self, bytes: &[u8]) -> Vec<Item> {
        let mut items = Items::default();
        // Taken out, so that its lines can be handed to the rest of us.
        let mut lines = std::mem::take(&mut self.lines);
        lines.push(bytes, |line| self.take_line(line, &mut items));
        self.lines = lines;
        items.0
    }

    fn finish(mut self, stderr: &str) -> Decoded {
        let lines = std::mem::take(&mut self.lines);
        let mut may_be_torn = lines.has_skipped();
        if let Some(line) = lines.finish() {
            may_be_torn |= is_torn(&line);
            self.take_line(&line, &mut Items::default());
        }
        if let Some(text) = self.shown.take().map(HeadTail::into_text)
            && !may_be_torn
            && !text.trim().is_empty()
        {
            return Decoded { reading: Reading::TextInstead, text, ..Decoded::default() };
        }
        let mut decoded = self.format.finish(stderr);
        if decoded.text.is_empty()
            && !matches!(decoded.reading, Reading::Events(Ending::Done { .. }))
        {
            decoded.text = self.plain.into_text();
        }
        decoded.text = capped(&decoded.text);
        decoded.disputed = self.disputed;
        decoded
    }

    /// Takes a line. Bytes that are no UTF-8 do not cost it.
    fn take_line(&mut self, line: &[u8], items: &mut Items) {
        if line.trim_ascii_start().is_empty() {
            return;
        }
        match Object::parse(line) {
            Some(event) => self.take_event(&event, items),
            None => {
                self.disputed |= may_be_verdict(line);
                self.plain.push(line);
                self.plain.push(b"\n");
                items.printed(&lossy(line));
                items.printed("\n");
            }
        }
    }

    fn take_event(&mut self, event: &Object<'_>, items: &mut Items) {
        let kind = event.text("type");
        if self.format.knows(&kind) {
            self.shown = None;
        }
        self.disputed |= *self.format.ending() != Ending::Open && self.format.speaks(&kind);
        self.format.event(&kind, event, items);
    }
}

/// Whether a line without an end may be the beginning of an event.
fn is_torn(line: &[u8]) -> bool {
    line.trim_ascii_start().starts_with(b"{") && Object::parse(line.trim_ascii()).is_none()
}

/// Whether a line that is no event may be one of a verdict. A program that prints events has none.
fn may_be_verdict(line: &[u8]) -> bool {
    line.to_ascii_lowercase().windows(8).any(|word| word == b"decision")
}

/// Whether a line is an event.
#[cfg(feature = "testing")]
pub(crate) fn is_event(line: &[u8]) -> bool {
    Object::parse(line).is_some()
}

/// The sum of those that are known; none where none is.
fn sum<const N: usize>(parts: [Option<u64>; N]) -> Option<u64> {
    parts.into_iter().flatten().reduce(u64::saturating_add)
}

/// Keeps the name of a conversation. It becomes an argument of a later call, so nothing is one that
/// could be taken for an option or for anything else.
fn remember(session: &mut Option<String>, id: &str) {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    if id.len() <= 200
        && id.starts_with(|c: char| c.is_ascii_alphanumeric())
        && id.chars().all(is_plain)
    {
        *session = Some(id.to_owned());
    }
}
