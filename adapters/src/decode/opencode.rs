//! `opencode run --format json`.

use codeloops_event::{CutOffKind, Usage};
use serde_json::Value;

use super::{Decoded, Ending, Format, Trouble, count, remember, say, say_tool, sum, text};

/// There is no final event of its own: the end is a `step_finish` with the reason `stop`, or an
/// `error`. A rejected permission ends the run after a step with the reason `tool-calls`.
#[derive(Debug, Default)]
pub(super) struct Opencode {
    session: Option<String>,
    /// Texts of the step that is under way, or of the last one.
    step: String,
    rejected: u32,
    ending: Ending,
    usage: Option<Usage>,
}

impl Format for Opencode {
    fn wants(&self, kind: &str) -> bool {
        matches!(kind, "step_start" | "text" | "tool_use" | "step_finish" | "error")
    }

    fn speaks(&self, kind: &str) -> bool {
        matches!(kind, "step_start" | "text" | "step_finish" | "error")
    }

    fn ending(&self) -> &Ending {
        &self.ending
    }

    fn event(&mut self, event: &Value, readable: &mut String) {
        remember(&mut self.session, text(event, "/sessionID"));
        match text(event, "/type") {
            "step_start" => {
                self.step.clear();
                self.ending = Ending::Open;
            }
            "text" => {
                say(readable, text(event, "/part/text"));
                if !self.step.is_empty() {
                    self.step.push('\n');
                }
                self.step.push_str(text(event, "/part/text"));
            }
            "tool_use" => self.tool(&event["part"], readable),
            "step_finish" => {
                self.ending = self.step_end(text(event, "/part/reason"));
                self.add_usage(&event["part"]);
            }
            "error" => self.ending = Ending::Failed(error(&event["error"])),
            _ => {}
        }
    }

    fn finish(self: Box<Self>, _stderr: &str) -> Decoded {
        Decoded {
            ending: Some(self.ending),
            text: self.step,
            session: self.session,
            usage: self.usage,
            ..Decoded::default()
        }
    }
}

impl Opencode {
    fn tool(&mut self, part: &Value, readable: &mut String) {
        say_tool(readable, text(part, "/tool"), part.pointer("/state/input"));
        if text(part, "/state/error").contains("rejected permission") {
            self.rejected += 1;
        }
    }

    /// Each step tells its own; the input without what was cached, the output without reasoning.
    fn add_usage(&mut self, part: &Value) {
        let so_far = self.usage.take().unwrap_or_default();
        let read = count(part, "/tokens/cache/read");
        let written = count(part, "/tokens/cache/write");
        let reasoning = count(part, "/tokens/reasoning");
        let cost = part["cost"].as_f64();
        self.usage = Some(Usage {
            input_tokens: sum([so_far.input_tokens, count(part, "/tokens/input"), read, written]),
            output_tokens: sum([so_far.output_tokens, count(part, "/tokens/output"), reasoning]),
            cache_read_tokens: sum([so_far.cache_read_tokens, read]),
            cache_creation_tokens: sum([so_far.cache_creation_tokens, written]),
            reasoning_tokens: sum([so_far.reasoning_tokens, reasoning]),
            cost_usd: cost.map(|cost| so_far.cost_usd.unwrap_or(0.0) + cost).or(so_far.cost_usd),
        });
    }

    fn step_end(&self, reason: &str) -> Ending {
        match reason {
            "stop" => Ending::Done { denied: self.rejected },
            "tool-calls" if self.rejected > 0 => Ending::Done { denied: self.rejected },
            "length" => Ending::CutOff(CutOffKind::Length),
            _ => Ending::Open,
        }
    }
}

fn error(error: &Value) -> Trouble {
    let message = match text(error, "/data/message") {
        "" => text(error, "/name"),
        message => message,
    };
    let status = error.pointer("/data/statusCode").and_then(Value::as_u64);
    match Trouble::classify(status, message) {
        // Its provider library knows more kinds of these than we do.
        Trouble::Other(message) if error.pointer("/data/isRetryable") == Some(&true.into()) => {
            Trouble::Transient(message)
        }
        trouble => trouble,
    }
}

#[cfg(test)]
mod tests {
    use codeloops_event::Refusal;

    use super::*;

    #[test]
    fn what_it_calls_retryable_is_tried_again_unless_it_is_known_for_what_it_is() {
        let trouble = |message: &str, retryable: bool| {
            let data = serde_json::json!({ "message": message, "isRetryable": retryable });
            error(&serde_json::json!({ "name": "APIError", "data": data }))
        };
        assert_eq!(trouble("broke", true), Trouble::Transient("broke".into()));
        assert_eq!(trouble("broke", false), Trouble::Other("broke".into()));
        let unpaid = trouble("payment required", true);
        assert_eq!(unpaid, Trouble::Refused(Refusal::Billing, "payment required".into()));
    }
}
