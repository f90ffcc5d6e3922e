//! What a stream told, gathered for whoever watches.

use codeloops_event::{Item, Timestamp, Usage};

use super::json::Object;
use crate::text::{first_chars, one_line};

/// Characters of a tool's result that are shown; the whole of it is in evidence.
const SHOWN_OF_RESULT: usize = 2000;

/// Arguments of tools that tell what a call is about, the most telling first.
const TELLING: [&str; 9] = [
    "command",
    "file_path",
    "filePath",
    "absolute_path",
    "path",
    "pattern",
    "query",
    "url",
    "description",
];

/// Items in the order of the stream.
#[derive(Debug, Default)]
pub(super) struct Items(pub(super) Vec<Item>);

impl Items {
    /// A piece of what the program prints beside its events.
    pub(super) fn printed(&mut self, piece: &str) {
        match self.0.last_mut() {
            Some(Item::Printed { text }) => text.push_str(piece),
            _ => self.add(piece, |text| Item::Printed { text }),
        }
    }

    /// A piece of what the model says.
    pub(super) fn text(&mut self, piece: &str) {
        match self.0.last_mut() {
            Some(Item::Text { text }) => text.push_str(piece),
            _ => self.add(piece, |text| Item::Text { text }),
        }
    }

    /// A paragraph of what the model says.
    pub(super) fn paragraph(&mut self, text: &str) {
        if !text.is_empty() {
            self.text(text);
            self.text("\n");
        }
    }

    /// A paragraph of what the model thinks.
    pub(super) fn reasoning(&mut self, text: &str) {
        self.add(text, |text| Item::Reasoning { text: text + "\n" });
    }

    /// A tool that is used, with what it is given.
    pub(super) fn tool_call(&mut self, name: &str, input: &Object<'_>) {
        let argument = TELLING.iter().find_map(|key| input.some_text(key)).unwrap_or_default();
        self.tool_call_on(name, &argument);
    }

    /// A tool that is used on something.
    pub(super) fn tool_call_on(&mut self, name: &str, argument: &str) {
        self.0.push(Item::ToolCall { name: one_line(name), argument: one_line(argument) });
    }

    pub(super) fn tool_result(&mut self, failed: bool, text: &str) {
        let text = first_chars(text, SHOWN_OF_RESULT).to_owned();
        self.0.push(Item::ToolResult { failed, text });
    }

    pub(super) fn usage(&mut self, usage: &Usage) {
        self.0.push(Item::Usage { usage: usage.clone() });
    }

    pub(super) fn retry(&mut self, reason: &str) {
        self.0.push(Item::Retry { reason: one_line(reason) });
    }

    pub(super) fn limit(&mut self, resets_at: Option<Timestamp>, message: &str) {
        self.0.push(Item::Limit { resets_at, message: one_line(message) });
    }

    fn add(&mut self, text: &str, item: impl FnOnce(String) -> Item) {
        if !text.is_empty() {
            self.0.push(item(text.to_owned()));
        }
    }
}
