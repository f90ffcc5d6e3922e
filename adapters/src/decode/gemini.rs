//! `gemini -o stream-json`.

use codeloops_event::Usage;

use super::items::Items;
use super::json::Object;
use super::{Cumulative, Decoded, Ending, Format, Reading, Told, Trouble, remember};
use crate::text::{HeadTail, one_line};

/// The final event is `result`. Its success counts only if the model said something: a prompt that
/// was cut off ends with `success` and nothing. Messages come in pieces.
#[derive(Debug, Default)]
pub(super) struct Gemini {
    session: Option<String>,
    /// Pieces since the last tool call.
    answer: HeadTail,
    said_anything: bool,
    denied: u32,
    ending: Ending,
    usage: Option<Usage>,
}

impl Format for Gemini {
    fn knows(&self, kind: &str) -> bool {
        matches!(kind, "init" | "message" | "tool_use" | "tool_result" | "error" | "result")
    }

    fn speaks(&self, kind: &str) -> bool {
        matches!(kind, "message" | "tool_use" | "result")
    }

    fn ending(&self) -> &Ending {
        &self.ending
    }

    fn event(&mut self, kind: &str, event: &Object<'_>, items: &mut Items) {
        match kind {
            "init" => remember(&mut self.session, &event.text("session_id")),
            "message" if event.text("role") == "assistant" => {
                let piece = event.text("content");
                self.said_anything |= !piece.is_empty();
                self.answer.push(piece.as_bytes());
                items.text(&piece);
            }
            "tool_use" => {
                self.answer = HeadTail::default();
                let (id, name) = (event.text("tool_id"), event.text("tool_name"));
                items.tool_call(&id, &name, &event.object("parameters"));
            }
            "tool_result" => self.tool_result(event, items),
            "error" => items.printed(&format!("{}\n", event.text("message"))),
            "result" => {
                self.ending = self.result(event);
                self.usage = Some(usage(&event.object("stats")));
            }
            _ => {}
        }
    }

    fn finish(self: Box<Self>, _stderr: &str) -> Decoded {
        Decoded {
            reading: Reading::Events(self.ending),
            text: self.answer.into_text(),
            session: self.session,
            told: self.usage.map(|usage| Told { usage, cumulative: Cumulative::Nothing }),
            ..Decoded::default()
        }
    }
}

impl Gemini {
    fn tool_result(&mut self, event: &Object<'_>, items: &mut Items) {
        let error = event.object("error");
        self.denied = self.denied.saturating_add(u32::from(is_denied(&error)));
        let message = error.text("message");
        let text = if message.is_empty() { event.text("output") } else { message };
        items.tool_result(&event.text("tool_id"), event.text("status") == "error", &text);
    }

    fn result(&self, event: &Object<'_>) -> Ending {
        match &*event.text("status") {
            "success" if self.said_anything => Ending::Done { denied: self.denied },
            "success" => Ending::Silent,
            _ => Ending::Failed(trouble(&event.object("error").text("message"))),
        }
    }
}

/// The provider has the same words, of plan and billing, for too many requests in a minute as for none
/// left; a used-up day the program tells in words of its own.
fn trouble(message: &str) -> Trouble {
    if message.contains("exceeded your current quota") && !message.contains("PerDay") {
        return Trouble::Transient(one_line(message));
    }
    Trouble::classify(None, message)
}

/// Whether a tool failed because of what it may do, which plan mode tells in words only.
fn is_denied(error: &Object<'_>) -> bool {
    error.text("type") == "policy_violation"
        || error.text("message").starts_with("Access denied: plan path")
}

/// The input includes what was cached; reasoning and cost are not told.
fn usage(stats: &Object<'_>) -> Usage {
    Usage {
        input_tokens: stats.value("input_tokens"),
        output_tokens: stats.value("output_tokens"),
        cache_read_tokens: stats.value("cached"),
        ..Usage::default()
    }
}
