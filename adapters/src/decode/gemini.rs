//! `gemini -o stream-json`.

use codeloops_event::Usage;
use serde_json::Value;

use super::{Decoded, Ending, Format, Trouble, count, remember, say_tool, text};

/// The final event is `result`. Its success counts only if the model said something: a prompt that
/// was cut off ends with `success` and nothing. Messages come in pieces.
#[derive(Debug, Default)]
pub(super) struct Gemini {
    session: Option<String>,
    /// Pieces since the last tool call.
    answer: String,
    said_anything: bool,
    ending: Ending,
    usage: Option<Usage>,
}

impl Format for Gemini {
    fn wants(&self, kind: &str) -> bool {
        matches!(kind, "init" | "message" | "tool_use" | "result")
    }

    fn speaks(&self, kind: &str) -> bool {
        matches!(kind, "message" | "tool_use" | "result")
    }

    fn ending(&self) -> &Ending {
        &self.ending
    }

    fn event(&mut self, event: &Value, readable: &mut String) {
        match text(event, "/type") {
            "init" => remember(&mut self.session, text(event, "/session_id")),
            "message" if text(event, "/role") == "assistant" => {
                let piece = text(event, "/content");
                self.said_anything |= !piece.is_empty();
                self.answer.push_str(piece);
                readable.push_str(piece);
            }
            "tool_use" => {
                self.answer.clear();
                readable.push('\n');
                say_tool(readable, text(event, "/tool_name"), event.get("parameters"));
            }
            "result" => {
                self.ending = self.result(event);
                self.usage = Some(usage(&event["stats"]));
            }
            _ => {}
        }
    }

    fn finish(self: Box<Self>, _stderr: &str) -> Decoded {
        Decoded {
            ending: Some(self.ending),
            text: self.answer,
            session: self.session,
            usage: self.usage,
            ..Decoded::default()
        }
    }
}

impl Gemini {
    fn result(&self, event: &Value) -> Ending {
        match text(event, "/status") {
            "success" if self.said_anything => Ending::Done { denied: 0 },
            "success" => Ending::Open,
            _ => Ending::Failed(Trouble::classify(None, text(event, "/error/message"))),
        }
    }
}

/// The input includes what was cached; reasoning and cost are not told.
fn usage(stats: &Value) -> Usage {
    Usage {
        input_tokens: count(stats, "/input_tokens"),
        output_tokens: count(stats, "/output_tokens"),
        cache_read_tokens: count(stats, "/cached"),
        ..Usage::default()
    }
}
