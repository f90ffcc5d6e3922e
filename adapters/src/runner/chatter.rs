//! Tells what one stream prints to whoever keeps up.

use std::sync::Arc;

use codeloops_driver::ports::{AgentNote, Notes};
use codeloops_event::{AgentOutput, Item, OutputStream, Role};

use crate::redact::{Masking, Redactor};
use crate::text::{lossy, whole_chars};

/// Bytes of one note. The channel is bounded by count, so this bounds its memory.
const NOTE_LIMIT: usize = 64 * 1024;

/// One stream, on its way to whoever watches.
pub(super) struct Chatter {
    notes: Notes,
    role: Role,
    stream: OutputStream,
    /// The beginning of a character whose rest has not come yet.
    partial: Vec<u8>,
    skipped: u64,
    redactor: Option<Arc<Redactor>>,
    /// What the model says, in pieces that may end within a credential.
    said: Masking,
}

impl Chatter {
    pub(super) fn new(
        notes: Notes,
        role: Role,
        stream: OutputStream,
        redactor: Option<&Arc<Redactor>>,
    ) -> Self {
        let (partial, said) = (Vec::new(), Masking::new(redactor));
        Self { notes, role, stream, partial, skipped: 0, redactor: redactor.cloned(), said }
    }

    /// Tells what a decoder made of a chunk.
    pub(super) fn tell(&mut self, items: Vec<Item>) {
        let items = items.into_iter().flat_map(|item| self.masked(item)).collect();
        self.tell_masked(items);
    }

    /// The item as it may be shown, after what was held back before it.
    fn masked(&mut self, item: Item) -> Vec<Item> {
        if let Item::Text { text } = item {
            return text_item(&self.said.push(text.as_bytes())).into_iter().collect();
        }
        let held_back = self.held_back();
        let item = match &self.redactor {
            Some(redactor) => item.map(|text| redactor.text(&text).0.into_owned()),
            None => item,
        };
        held_back.into_iter().chain([item]).collect()
    }

    fn held_back(&mut self) -> Option<Item> {
        let said = std::mem::replace(&mut self.said, Masking::new(self.redactor.as_ref()));
        text_item(&said.finish().0)
    }

    fn tell_masked(&mut self, items: Vec<Item>) {
        let (mut note, mut bytes) = (Vec::new(), 0);
        for item in items.into_iter().flat_map(in_pieces) {
            if bytes + item.bytes() > NOTE_LIMIT {
                self.send(bytes, || std::mem::take(&mut note));
                (note, bytes) = (Vec::new(), 0);
            }
            bytes += item.bytes();
            note.push(item);
        }
        if !note.is_empty() {
            self.send(bytes, || note);
        }
    }

    /// Tells a chunk as it came.
    pub(super) fn say(&mut self, bytes: &[u8]) {
        if self.partial.is_empty() {
            self.say_whole(bytes);
        } else {
            let mut joined = std::mem::take(&mut self.partial);
            joined.extend_from_slice(bytes);
            self.say_whole(&joined);
        }
    }

    fn say_whole(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let piece = &bytes[..bytes.len().min(NOTE_LIMIT)];
            let whole = whole_chars(piece);
            if whole == 0 {
                self.partial = piece.to_vec();
                return;
            }
            self.print(&piece[..whole]);
            bytes = &bytes[whole..];
        }
    }

    /// Decodes only where somebody listens.
    fn print(&mut self, bytes: &[u8]) {
        self.send(bytes.len(), || vec![Item::Printed { text: lossy(bytes).into_owned() }]);
    }

    fn send(&mut self, bytes: usize, items: impl FnOnce() -> Vec<Item>) {
        let Ok(place) = self.notes.try_reserve() else {
            self.skipped += bytes as u64;
            return;
        };
        place.send(AgentNote::Output(AgentOutput {
            role: self.role,
            stream: self.stream,
            skipped_bytes: std::mem::take(&mut self.skipped),
            items: items(),
        }));
    }

    /// Tells of what was left out last, if somebody listens now.
    pub(super) fn finish(mut self) {
        let held_back = self.held_back().into_iter().collect();
        self.tell_masked(held_back);
        let partial = std::mem::take(&mut self.partial);
        if self.skipped > 0 || !partial.is_empty() {
            self.print(&partial);
        }
    }
}

fn text_item(said: &[u8]) -> Option<Item> {
    (!said.is_empty()).then(|| Item::Text { text: lossy(said).into_owned() })
}

/// The item, a long text of it in several.
fn in_pieces(item: Item) -> Vec<Item> {
    let (text, make): (&str, fn(String) -> Item) = match &item {
        Item::Printed { text } => (text, |text| Item::Printed { text }),
        Item::Text { text } => (text, |text| Item::Text { text }),
        Item::Reasoning { text } => (text, |text| Item::Reasoning { text }),
        _ => return vec![item],
    };
    if text.len() <= NOTE_LIMIT {
        return vec![item];
    }
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, more) = rest.split_at(rest.floor_char_boundary(NOTE_LIMIT));
        pieces.push(make(piece.to_owned()));
        rest = more;
    }
    pieces
}
