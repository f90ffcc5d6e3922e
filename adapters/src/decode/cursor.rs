//! `cursor-agent -p --output-format stream-json`, from its documentation.

use codeloops_event::Usage;
use serde_json::Value;

use super::{Decoded, Ending, Format, Trouble, count, remember, say, say_tool, text};

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
    fn wants(&self, kind: &str) -> bool {
        matches!(kind, "system" | "assistant" | "tool_call" | "result")
    }

    fn speaks(&self, kind: &str) -> bool {
        matches!(kind, "assistant" | "result")
    }

    fn ending(&self) -> &Ending {
        &self.ending
    }

    fn event(&mut self, event: &Value, readable: &mut String) {
        remember(&mut self.session, text(event, "/session_id"));
        match text(event, "/type") {
            "assistant" => {
                let said = text(event, "/message/content/0/text");
                say(readable, said);
                said.clone_into(&mut self.last_text);
            }
            "tool_call" => self.tool(event, readable),
            "result" => self.result(event),
            _ => {}
        }
    }

    fn finish(self: Box<Self>, _stderr: &str) -> Decoded {
        Decoded {
            ending: Some(self.ending),
            text: self.result.unwrap_or(self.last_text),
            session: self.session,
            usage: self.usage,
            ..Decoded::default()
        }
    }
}

impl Cursor {
    fn tool(&mut self, event: &Value, readable: &mut String) {
        let call = event["tool_call"].as_object().and_then(|call| call.iter().next());
        let Some((name, call)) = call else { return };
        if text(event, "/subtype") == "started" {
            say_tool(readable, name.trim_end_matches("ToolCall"), call.get("args"));
        } else if call.pointer("/result/rejected").is_some() {
            self.denied += 1;
        }
    }

    fn result(&mut self, event: &Value) {
        self.usage = event.get("usage").map(|usage| Usage {
            input_tokens: count(usage, "/inputTokens"),
            output_tokens: count(usage, "/outputTokens"),
            ..Usage::default()
        });
        self.result = event["result"].as_str().map(str::to_owned);
        let failed =
            event["is_error"] != Value::Bool(false) || text(event, "/subtype") != "success";
        self.ending = if failed {
            Ending::Failed(Trouble::classify(None, text(event, "/result")))
        } else {
            Ending::Done { denied: self.denied }
        };
    }
}
