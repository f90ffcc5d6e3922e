//! `codex exec --json`.

use codeloops_event::Usage;

use super::items::Items;
use super::json::Object;
use super::{Cumulative, Decoded, Ending, Format, Reading, Told, Trouble, remember};
use crate::text::{capped, one_line};

/// The final event is `turn.completed` or `turn.failed`; a plain `error` may be a reconnection, and is
/// the last word only where nothing comes after it. A patch that the sandbox refused is told only on
/// stderr.
#[derive(Debug, Default)]
pub(super) struct Codex {
    session: Option<String>,
    last_text: String,
    declined: u32,
    /// What went wrong last, if nothing came after it.
    error: String,
    ending: Ending,
    usage: Option<Usage>,
}

impl Format for Codex {
    fn knows(&self, kind: &str) -> bool {
        matches!(
            kind,
            "thread.started"
                | "turn.started"
                | "turn.completed"
                | "turn.failed"
                | "item.started"
                | "item.updated"
                | "item.completed"
                | "error"
        )
    }

    fn speaks(&self, kind: &str) -> bool {
        matches!(kind, "turn.started" | "item.completed" | "turn.completed" | "turn.failed")
    }

    fn ending(&self) -> &Ending {
        &self.ending
    }

    fn event(&mut self, kind: &str, event: &Object<'_>, items: &mut Items) {
        self.error.clear();
        match kind {
            "thread.started" => remember(&mut self.session, &event.text("thread_id")),
            "turn.started" => self.ending = Ending::Open,
            "item.started" => started(&event.object("item"), items),
            "item.completed" => self.completed(&event.object("item"), items),
            "error" => {
                event.text("message").as_ref().clone_into(&mut self.error);
                items.retry(&self.error);
            }
            "turn.completed" => {
                self.ending = Ending::Done { denied: 0 };
                self.usage = Some(usage(&event.object("usage")));
            }
            "turn.failed" => {
                let message = event.object("error").text("message");
                self.ending = Ending::Failed(Trouble::classify(None, &message));
            }
            _ => {}
        }
    }

    fn finish(mut self: Box<Self>, stderr: &str) -> Decoded {
        if let Ending::Done { denied } = &mut self.ending {
            let patches = stderr.matches("error=patch rejected").count();
            *denied = self.declined.saturating_add(u32::try_from(patches).unwrap_or(u32::MAX));
        }
        if self.ending == Ending::Open && !self.error.is_empty() {
            self.ending = Ending::Failed(last_word(&self.error));
        }
        Decoded {
            reading: Reading::Events(self.ending),
            text: self.last_text,
            session: self.session,
            told: self.usage.map(|usage| Told { usage, cumulative: Cumulative::All }),
            ..Decoded::default()
        }
    }
}

impl Codex {
    fn completed(&mut self, item: &Object<'_>, items: &mut Items) {
        let (id, status) = (item.text("id"), item.text("status"));
        if status == "declined" {
            self.declined += 1;
        }
        let failed = matches!(&*status, "failed" | "declined");
        match &*item.text("type") {
            "agent_message" => {
                let text = item.text("text");
                items.paragraph(&text);
                self.last_text = capped(&text);
            }
            "reasoning" => items.reasoning(&item.text("text")),
            "command_execution" => {
                items.tool_result(&id, failed, &item.text("aggregated_output"));
            }
            "file_change" => {
                for change in item.objects("changes") {
                    items.tool_call(&id, &change.text("kind"), &change);
                }
                items.tool_result(&id, failed, if failed { &status } else { "" });
            }
            "mcp_tool_call" | "web_search" => {
                items.tool_result(&id, failed, if failed { &status } else { "" });
            }
            "error" => items.printed(&format!("{}\n", item.text("message"))),
            _ => {}
        }
    }
}

/// What an error means that nothing came after. One that it was still mending is no verdict of the
/// provider's.
fn last_word(error: &str) -> Trouble {
    if error.starts_with("Reconnecting") {
        return Trouble::Transient(one_line(error));
    }
    Trouble::classify(None, error)
}

fn started(item: &Object<'_>, items: &mut Items) {
    let id = item.text("id");
    match &*item.text("type") {
        "command_execution" => items.tool_call(&id, "command", item),
        "mcp_tool_call" => items.tool_call_on(&id, &item.text("tool"), &item.text("server")),
        "web_search" => items.tool_call(&id, "web search", item),
        _ => {}
    }
}

/// The input includes what was cached, the output the reasoning.
fn usage(usage: &Object<'_>) -> Usage {
    Usage {
        input_tokens: usage.value("input_tokens"),
        output_tokens: usage.value("output_tokens"),
        cache_read_tokens: usage.value("cached_input_tokens"),
        cache_creation_tokens: usage.value("cache_write_input_tokens"),
        reasoning_tokens: usage.value("reasoning_output_tokens"),
        cost_usd: None,
    }
}
