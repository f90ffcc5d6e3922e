//! `opencode run --format json`.

use codeloops_event::CutOffKind;
use serde_json::Value;

use super::{Decoded, Ending, Format, Trouble, remember, say, say_tool, text};

/// There is no final event of its own: the end is a `step_finish` with the reason `stop`, or an
/// `error`. A rejected permission ends the run after a step with the reason `tool-calls`.
#[derive(Debug, Default)]
pub(super) struct Opencode {
    session: Option<String>,
    /// Texts of the step that is under way, or of the last one.
    step: String,
    rejected: u32,
    ending: Ending,
}

impl Format for Opencode {
    fn wants(&self, kind: &str) -> bool {
        matches!(kind, "step_start" | "text" | "tool_use" | "step_finish" | "error")
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
            "step_finish" => self.ending = self.step_end(text(event, "/part/reason")),
            "error" => self.ending = Ending::Failed(error(&event["error"])),
            _ => {}
        }
    }

    fn finish(self: Box<Self>, _stderr: &str) -> Decoded {
        Decoded { ending: Some(self.ending), text: self.step, session: self.session }
    }
}

impl Opencode {
    fn tool(&mut self, part: &Value, readable: &mut String) {
        say_tool(readable, text(part, "/tool"), part.pointer("/state/input"));
        if text(part, "/state/error").contains("rejected permission") {
            self.rejected += 1;
        }
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
    Trouble::classify(error.pointer("/data/statusCode").and_then(Value::as_u64), message)
}
