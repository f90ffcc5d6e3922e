//! `codex exec --json`.

use codeloops_event::Usage;
use serde_json::Value;

use super::{Decoded, Ending, Format, Trouble, count, remember, say, say_tool, text};

/// The final event is `turn.completed` or `turn.failed`; a plain `error` may be a reconnection. A
/// patch that the sandbox refused is told only on stderr.
#[derive(Debug, Default)]
pub(super) struct Codex {
    session: Option<String>,
    last_text: String,
    declined: u32,
    ending: Ending,
    usage: Option<Usage>,
}

impl Format for Codex {
    fn wants(&self, kind: &str) -> bool {
        matches!(
            kind,
            "thread.started"
                | "turn.started"
                | "item.started"
                | "item.completed"
                | "error"
                | "turn.completed"
                | "turn.failed"
        )
    }

    fn speaks(&self, kind: &str) -> bool {
        matches!(kind, "turn.started" | "item.completed" | "turn.completed" | "turn.failed")
    }

    fn ending(&self) -> &Ending {
        &self.ending
    }

    fn event(&mut self, event: &Value, readable: &mut String) {
        match text(event, "/type") {
            "thread.started" => remember(&mut self.session, text(event, "/thread_id")),
            "turn.started" => self.ending = Ending::Open,
            "item.started" => started(&event["item"], readable),
            "item.completed" => self.completed(&event["item"], readable),
            "error" => say(readable, text(event, "/message")),
            "turn.completed" => {
                self.ending = Ending::Done { denied: 0 };
                self.usage = Some(usage(&event["usage"]));
            }
            "turn.failed" => {
                let message = text(event, "/error/message");
                self.ending = Ending::Failed(Trouble::classify(None, message));
            }
            _ => {}
        }
    }

    fn finish(mut self: Box<Self>, stderr: &str) -> Decoded {
        if let Ending::Done { denied } = &mut self.ending {
            let patches = stderr.matches("error=patch rejected").count();
            *denied = self.declined.saturating_add(u32::try_from(patches).unwrap_or(u32::MAX));
        }
        Decoded {
            ending: Some(self.ending),
            text: self.last_text,
            session: self.session,
            usage: self.usage,
            ..Decoded::default()
        }
    }
}

impl Codex {
    fn completed(&mut self, item: &Value, readable: &mut String) {
        if text(item, "/status") == "declined" {
            self.declined += 1;
        }
        match text(item, "/type") {
            "agent_message" => {
                text(item, "/text").clone_into(&mut self.last_text);
                say(readable, &self.last_text);
            }
            "file_change" => {
                for change in item["changes"].as_array().into_iter().flatten() {
                    say_tool(readable, text(change, "/kind"), Some(change));
                }
            }
            "error" => say(readable, text(item, "/message")),
            _ => {}
        }
    }
}

fn started(item: &Value, readable: &mut String) {
    if text(item, "/type") == "command_execution" {
        say_tool(readable, "command", Some(item));
    }
}

/// The input includes what was cached, the output the reasoning.
fn usage(usage: &Value) -> Usage {
    Usage {
        input_tokens: count(usage, "/input_tokens"),
        output_tokens: count(usage, "/output_tokens"),
        cache_read_tokens: count(usage, "/cached_input_tokens"),
        cache_creation_tokens: count(usage, "/cache_write_input_tokens"),
        reasoning_tokens: count(usage, "/reasoning_output_tokens"),
        cost_usd: None,
    }
}
