//! `cursor-agent -p --output-format stream-json`, from its documentation.

use codeloops_event::Usage;

use super::items::Items;
use super::json::Object;
use super::{Cumulative, Decoded, Ending, Format, Reading, Told, Trouble, remember};
use crate::text::capped;

/// The final event is `result`; after a failure there may be none, only a message on stderr.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    session: Option<String>,
    last_text: String,
    denied: u32,
    ending: Ending,
    result: Option<String>,
    usage: Option<Usage>,
}

impl Format for Cursor {
    fn knows(&self, kind: &str) -> bool {
        matches!(
            kind,
            "system"
                | "user"
                | "assistant"
                | "thinking"
                | "tool_call"
                | "interaction_query"
                | "result"
        )
    }

    fn speaks(&self, kind: &str) -> bool {
        matches!(kind, "assistant" | "result")
    }

    fn ending(&self) -> &Ending {
        &self.ending
    }

    fn event(&mut self, kind: &str, event: &Object<'_>, items: &mut Items) {
        match kind {
            "system" => remember(&mut self.session, &event.text("session_id")),
            "assistant" => {
                let mut content = event.object("message").objects("content");
                let said = content.next().map(|part| part.text("text")).unwrap_or_default();
                items.paragraph(&said);
                self.last_text = capped(&said);
            }
            "thinking" => items.reasoning(&event.text("text")),
            "tool_call" => self.tool(event, items),
            "result" => self.result(event),
            _ => {}
        }
    }

    fn finish(self: Box<Self>, _stderr: &str) -> Decoded {
        Decoded {
            reading: Reading::Events(self.ending),
            text: self.result.unwrap_or(self.last_text),
            session: self.session,
            told: self.usage.map(|usage| Told { usage, cumulative: Cumulative::Nothing }),
            ..Decoded::default()
        }
    }
}

impl Cursor {
    fn tool(&mut self, event: &Object<'_>, items: &mut Items) {
        let tool = event.object("tool_call");
        let Some((name, call)) = tool.first() else { return };
        let id = event.text("call_id");
        if event.text("subtype") == "started" {
            items.tool_call(&id, name.trim_end_matches("ToolCall"), &call.object("args"));
            return;
        }
        let result = call.object("result");
        let rejected = result.has("rejected");
        self.denied += u32::from(rejected);
        if rejected || result.has("error") {
            let word = if rejected { "rejected" } else { "error" };
            items.tool_result(&id, true, &result.some_text(word).unwrap_or_else(|| word.into()));
        } else {
            items.tool_result(&id, false, "");
        }
    }

    fn result(&mut self, event: &Object<'_>) {
        remember(&mut self.session, &event.text("session_id"));
        let usage = event.object("usage");
        self.usage = event.has("usage").then(|| Usage {
            input_tokens: usage.value("inputTokens"),
            output_tokens: usage.value("outputTokens"),
            ..Usage::default()
        });
        self.result = event.some_text("result").map(|text| capped(&text));
        let succeeded =
            event.value("is_error") == Some(false) && event.text("subtype") == "success";
        self.ending = if succeeded {
            Ending::Done { denied: self.denied }
        } else {
            Ending::Failed(Trouble::classify(None, &event.text("result")))
        };
    }
}
