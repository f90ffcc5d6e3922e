//! `claude -p --output-format stream-json --verbose`.

use codeloops_event::{CutOffKind, Refusal, Timestamp, Usage};
use serde_json::Value;

use super::{Decoded, Ending, Format, Trouble, count, remember, say, say_tool, sum, text};
use crate::text::one_line;

/// The final event is `result`. Its `subtype` stays `success` after an error of the API;
/// `is_error` tells.
#[derive(Debug, Default)]
pub(super) struct Claude {
    session: Option<String>,
    /// The last text of the main conversation.
    last_text: String,
    /// The word in `error` of the last message that the program made itself.
    error: String,
    /// When a used-up window resets, in seconds since 1970.
    resets_at: Option<i64>,
    ending: Ending,
    result: Option<String>,
    usage: Option<Usage>,
}

impl Format for Claude {
    fn wants(&self, kind: &str) -> bool {
        matches!(kind, "assistant" | "rate_limit_event" | "system" | "result")
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
            "assistant" => self.assistant(event, readable),
            "rate_limit_event" => self.limits(&event["rate_limit_info"]),
            "system" if text(event, "/subtype") == "api_retry" => {
                let error = text(event, "/error");
                say(readable, &format!("[retry] {}", one_line(error)));
            }
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

impl Claude {
    fn assistant(&mut self, event: &Value, readable: &mut String) {
        let main = event["parent_tool_use_id"].is_null();
        for part in
            event.pointer("/message/content").and_then(Value::as_array).into_iter().flatten()
        {
            match text(part, "/type") {
                "text" => {
                    say(readable, text(part, "/text"));
                    if main {
                        text(part, "/text").clone_into(&mut self.last_text);
                    }
                }
                "tool_use" => say_tool(readable, text(part, "/name"), part.get("input")),
                _ => {}
            }
        }
        if main {
            text(event, "/error").clone_into(&mut self.error);
            self.limits(&event["api_error_params"]["rate_limit_info"]);
        }
    }

    fn limits(&mut self, info: &Value) {
        if text(info, "/status") == "rejected" {
            self.resets_at = info["resetsAt"].as_i64();
        }
    }

    fn result(&mut self, event: &Value) {
        self.usage = Some(usage(event));
        self.result = event["result"].as_str().map(str::to_owned);
        let denied = event["permission_denials"].as_array().map_or(0, Vec::len);
        let denied = u32::try_from(denied).unwrap_or(u32::MAX);
        let failed =
            event["is_error"] != Value::Bool(false) || text(event, "/subtype") != "success";
        self.ending = if failed { self.failure(event) } else { Ending::Done { denied } };
    }

    fn failure(&self, event: &Value) -> Ending {
        let message = match event["result"].as_str() {
            Some(result) => one_line(result),
            None => one_line(text(event, "/errors/0")),
        };
        let used_up = text(event, "/api_error") == "usage_limit_reached";
        if used_up || (self.error == "rate_limit" && self.resets_at.is_some()) {
            let resets_at = self.resets_at.and_then(|secs| Timestamp::from_timestamp(secs, 0));
            return Ending::Failed(Trouble::UsageLimit(resets_at, message));
        }
        match self.error.as_str() {
            "max_output_tokens" => Ending::CutOff(CutOffKind::Length),
            "billing_error" => Ending::Failed(Trouble::Refused(Refusal::Billing, message)),
            "authentication_failed" => Ending::Failed(Trouble::Refused(Refusal::Auth, message)),
            _ if text(event, "/terminal_reason") == "api_error" => {
                Ending::Failed(Trouble::classify(event["api_error_status"].as_u64(), &message))
            }
            _ => Ending::Failed(Trouble::Other(message)),
        }
    }
}

/// The cost is that of the whole conversation, which began with this call.
fn usage(event: &Value) -> Usage {
    let read = count(event, "/usage/cache_read_input_tokens");
    let written = count(event, "/usage/cache_creation_input_tokens");
    Usage {
        input_tokens: sum([count(event, "/usage/input_tokens"), read, written]),
        output_tokens: count(event, "/usage/output_tokens"),
        cache_read_tokens: read,
        cache_creation_tokens: written,
        reasoning_tokens: count(event, "/usage/output_tokens_details/thinking_tokens"),
        cost_usd: event["total_cost_usd"].as_f64(),
    }
}
