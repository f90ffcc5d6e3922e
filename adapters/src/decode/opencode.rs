//! `opencode run --format json`.

use codeloops_event::{CutOffKind, Refusal, Usage};

use super::items::Items;
use super::json::Object;
use super::{Cumulative, Decoded, Ending, Format, Reading, Told, Trouble, remember, sum};
use crate::text::{HeadTail, one_line};

/// There is no final event of its own: the end is a `step_finish` with the reason `stop`, or an
/// `error`. A rejected permission ends the run after a step with the reason `tool-calls`.
#[derive(Debug, Default)]
pub(super) struct Opencode {
    session: Option<String>,
    /// Texts of the step that is under way, or of the last one.
    step: HeadTail,
    /// Calls that its configuration asks about and nobody answered; the run ends there.
    rejected: u32,
    /// Calls that a rule of its configuration or of its agent forbids; the run goes on.
    forbidden: u32,
    ending: Ending,
    usage: Option<Usage>,
}

impl Format for Opencode {
    fn knows(&self, kind: &str) -> bool {
        matches!(kind, "step_start" | "text" | "reasoning" | "tool_use" | "step_finish" | "error")
    }

    fn speaks(&self, kind: &str) -> bool {
        matches!(kind, "step_start" | "text" | "step_finish" | "error")
    }

    fn ending(&self) -> &Ending {
        &self.ending
    }

    fn event(&mut self, kind: &str, event: &Object<'_>, items: &mut Items) {
        if self.session.is_none() {
            remember(&mut self.session, &event.text("sessionID"));
        }
        let part = event.object("part");
        match kind {
            "step_start" => {
                self.step = HeadTail::default();
                self.ending = Ending::Open;
            }
            "text" => self.text(&part, items),
            "reasoning" => items.reasoning(&part.text("text")),
            "tool_use" => self.tool(&part, items),
            "step_finish" => {
                self.ending = self.step_end(&part.text("reason"));
                self.add_usage(&part, items);
            }
            "error" => self.ending = error(&event.object("error")),
            _ => {}
        }
    }

    fn finish(self: Box<Self>, _stderr: &str) -> Decoded {
        Decoded {
            reading: Reading::Events(self.ending),
            text: self.step.into_text(),
            session: self.session,
            told: self.usage.map(|usage| Told { usage, cumulative: Cumulative::Nothing }),
            ..Decoded::default()
        }
    }
}

impl Opencode {
    fn text(&mut self, part: &Object<'_>, items: &mut Items) {
        let text = part.text("text");
        items.paragraph(&text);
        if !self.step.is_empty() {
            self.step.push(b"\n");
        }
        self.step.push(text.as_bytes());
    }

    /// A tool is told when it has ended.
    fn tool(&mut self, part: &Object<'_>, items: &mut Items) {
        let (id, state) = (part.text("callID"), part.object("state"));
        items.tool_call(&id, &part.text("tool"), &state.object("input"));
        let error = state.text("error");
        if error.contains("rejected permission") {
            self.rejected += 1;
        } else if error.starts_with("The user has specified a rule which prevents") {
            self.forbidden += 1;
        }
        let failed = state.text("status") == "error";
        items.tool_result(&id, failed, &if failed { error } else { state.text("output") });
    }

    /// Each step tells its own; the input without what was cached, the output without reasoning. A
    /// model without a known price costs 0: that is no cost.
    fn add_usage(&mut self, part: &Object<'_>, items: &mut Items) {
        let (tokens, so_far) = (part.object("tokens"), self.usage.take().unwrap_or_default());
        let (read, written) =
            (tokens.object("cache").value("read"), tokens.object("cache").value("write"));
        let reasoning = tokens.value("reasoning");
        let usage = so_far.plus(&Usage {
            input_tokens: sum([tokens.value("input"), read, written]),
            output_tokens: sum([tokens.value("output"), reasoning]),
            cache_read_tokens: read,
            cache_creation_tokens: written,
            reasoning_tokens: reasoning,
            cost_usd: part.value("cost").filter(|cost| *cost > 0.0),
        });
        items.usage(&usage);
        self.usage = Some(usage);
    }

    fn step_end(&self, reason: &str) -> Ending {
        let denied = self.rejected.saturating_add(self.forbidden);
        match reason {
            "stop" => Ending::Done { denied },
            "tool-calls" if self.rejected > 0 => Ending::Done { denied },
            "length" => Ending::CutOff(CutOffKind::Length),
            _ => Ending::Open,
        }
    }
}

/// Some errors are known by their name.
fn error(error: &Object<'_>) -> Ending {
    let data = error.object("data");
    let (name, message) = (error.text("name"), data.text("message"));
    let message = if message.is_empty() { &name } else { &message };
    Ending::Failed(match &*name {
        "MessageOutputLengthError" => return Ending::CutOff(CutOffKind::Length),
        "ProviderAuthError" => Trouble::Refused(Refusal::Auth, one_line(message)),
        "ContextOverflowError" => Trouble::Refused(Refusal::BadRequest, one_line(message)),
        _ => trouble(&data, message),
    })
}

fn trouble(data: &Object<'_>, message: &str) -> Trouble {
    match Trouble::classify(data.value("statusCode"), message) {
        // Its provider library knows more kinds of these than we do.
        Trouble::Other(message) if data.value("isRetryable") == Some(true) => {
            Trouble::Transient(message)
        }
        trouble => trouble,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_calls_retryable_is_tried_again_unless_it_is_known_for_what_it_is() {
        let trouble = |message: &str, retryable: bool| {
            let data = serde_json::json!({ "message": message, "isRetryable": retryable });
            trouble(&Object::parse(data.to_string().as_bytes()).unwrap(), message)
        };
        assert_eq!(trouble("broke", true), Trouble::Transient("broke".into()));
        assert_eq!(trouble("broke", false), Trouble::Other("broke".into()));
        let unpaid = trouble("payment required", true);
        assert_eq!(unpaid, Trouble::Refused(Refusal::Billing, "payment required".into()));
    }
}
