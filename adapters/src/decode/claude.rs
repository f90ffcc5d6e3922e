//! `claude -p --output-format stream-json --verbose`.

use std::collections::BTreeMap;

use codeloops_event::{CutOffKind, Refusal, Usage};

use super::items::Items;
use super::json::Object;
use super::scan::text_of;
use super::{Cumulative, Decoded, Ending, Format, Reading, Told, Trouble, remember, sum};
use crate::reset::at_epoch;
use crate::text::{capped, one_line};

/// The final event is `result`. Its `subtype` stays `success` after an error of the API;
/// `is_error` tells. A task in the background that ends later begins another turn, with a `result`
/// of its own.
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
    so_far: SoFar,
    /// What the results told together.
    usage: Option<Usage>,
}

/// What messages told since the last result. Their output is not among it: they are told when they begin.
#[derive(Debug, Default)]
struct SoFar {
    /// The message that was counted last, of the main conversation and of each helper's: each of its
    /// parts repeats its usage.
    messages: BTreeMap<String, String>,
    usage: Usage,
}

impl Format for Claude {
    fn knows(&self, kind: &str) -> bool {
        matches!(
            kind,
            "system" | "assistant" | "user" | "result" | "rate_limit_event" | "stream_event"
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
            "assistant" => self.assistant(event, items),
            "user" => results(&event.object("message"), items),
            "rate_limit_event" => self.window(&event.object("rate_limit_info"), items),
            "system" => self.system(event, items),
            "result" => self.result(event),
            _ => {}
        }
    }

    fn finish(self: Box<Self>, _stderr: &str) -> Decoded {
        let told = self.usage.is_some() || !self.so_far.messages.is_empty();
        let usage = self.used_so_far();
        Decoded {
            reading: Reading::Events(self.ending),
            text: self.result.unwrap_or(self.last_text),
            session: self.session,
            told: told.then_some(Told { usage, cumulative: Cumulative::Cost }),
            ..Decoded::default()
        }
    }
}

impl Claude {
    fn system(&mut self, event: &Object<'_>, items: &mut Items) {
        match &*event.text("subtype") {
            "init" => remember(&mut self.session, &event.text("session_id")),
            "api_retry" => {
                let delay = event.value::<f64>("retry_delay_ms").unwrap_or_default() / 1000.0;
                let attempt = event.value::<u64>("attempt").unwrap_or_default();
                let error = event.text("error");
                items.retry(&format!("{error}, try {attempt} in {delay:.0} s"));
            }
            "permission_denied" => {
                items.tool_result(&event.text("tool_use_id"), true, &event.text("message"));
            }
            _ => {}
        }
    }

    fn assistant(&mut self, event: &Object<'_>, items: &mut Items) {
        let message = event.object("message");
        let main = !event.has("parent_tool_use_id");
        for part in message.objects("content") {
            match &*part.text("type") {
                "text" => {
                    let text = part.text("text");
                    items.paragraph(&text);
                    if main {
                        self.last_text = capped(&text);
                    }
                }
                "thinking" => items.reasoning(&part.text("thinking")),
                "tool_use" => {
                    items.tool_call(&part.text("id"), &part.text("name"), &part.object("input"));
                }
                _ => {}
            }
        }
        self.count(&event.text("parent_tool_use_id"), &message, items);
        if main {
            event.text("error").as_ref().clone_into(&mut self.error);
            self.limits(&event.object("api_error_params").object("rate_limit_info"));
        }
    }

    fn count(&mut self, helper: &str, message: &Object<'_>, items: &mut Items) {
        let id = message.text("id");
        let counted = self.so_far.messages.get(helper).is_some_and(|last| *last == id);
        if !message.has("usage") || id.is_empty() || counted {
            return;
        }
        self.so_far.messages.insert(helper.to_owned(), id.into_owned());
        let input = Usage { output_tokens: None, ..tokens(&message.object("usage")) };
        self.so_far.usage = self.so_far.usage.plus(&input);
        items.usage(&self.used_so_far());
    }

    /// What the results told, and what messages told that none came after.
    fn used_so_far(&self) -> Usage {
        self.usage.clone().unwrap_or_default().plus(&self.so_far.usage)
    }

    fn window(&mut self, info: &Object<'_>, items: &mut Items) {
        self.limits(info);
        let status = info.text("status");
        if status.is_empty() || status == "allowed" {
            return;
        }
        let kind = info.text("rateLimitType").replace('_', " ");
        let used = info.value::<f64>("utilization").map(|part| format!(", {:.0}%", part * 100.0));
        items.limit(
            info.value("resetsAt").and_then(at_epoch),
            &format!("{kind} limit{}", used.unwrap_or_default()),
        );
    }

    fn limits(&mut self, info: &Object<'_>) {
        if info.text("status") == "rejected" {
            self.resets_at = info.value("resetsAt");
        }
    }

    fn result(&mut self, event: &Object<'_>) {
        remember(&mut self.session, &event.text("session_id"));
        self.count_result(event);
        self.result = event.some_text("result").map(|text| capped(&text));
        let denied = u32::try_from(event.list("permission_denials").len()).unwrap_or(u32::MAX);
        let succeeded =
            event.value("is_error") == Some(false) && event.text("subtype") == "success";
        self.ending = if succeeded { Ending::Done { denied } } else { self.failure(event) };
    }

    /// Tokens are those since the last result, the cost is that of all.
    fn count_result(&mut self, event: &Object<'_>) {
        let before = self.usage.take().unwrap_or_default();
        let cost = event.value("total_cost_usd").filter(|cost| *cost >= 0.0);
        let cost_usd = cost.into_iter().chain(before.cost_usd).reduce(f64::max);
        let used = used(event);
        if used.tokens() > 0 {
            self.so_far = SoFar::default();
        }
        self.usage = Some(Usage { cost_usd, ..before.plus(&used) });
    }

    fn failure(&self, event: &Object<'_>) -> Ending {
        let message = match event.some_text("result") {
            Some(result) => one_line(&result),
            None => {
                let error = event.list("errors").first().and_then(|error| text_of(error));
                one_line(&error.unwrap_or_default())
            }
        };
        let used_up = event.text("api_error") == "usage_limit_reached";
        if used_up || (self.error == "rate_limit" && self.resets_at.is_some()) {
            let resets_at = self.resets_at.and_then(at_epoch);
            return Ending::Failed(Trouble::UsageLimit(resets_at, message));
        }
        match self.error.as_str() {
            "max_output_tokens" => Ending::CutOff(CutOffKind::Length),
            "billing_error" => Ending::Failed(Trouble::Refused(Refusal::Billing, message)),
            "authentication_failed" | "oauth_org_not_allowed" => {
                Ending::Failed(Trouble::Refused(Refusal::Auth, message))
            }
            "invalid_request" | "model_not_found" => {
                Ending::Failed(Trouble::Refused(Refusal::BadRequest, message))
            }
            // An error of the API leaves it at `success`.
            _ if event.text("subtype") == "success" => {
                Ending::Failed(Trouble::classify(event.value("api_error_status"), &message))
            }
            _ => Ending::Failed(Trouble::Other(message)),
        }
    }
}

/// What came of tools: a text, or a list of parts.
fn results(message: &Object<'_>, items: &mut Items) {
    for part in message.objects("content") {
        if part.text("type") != "tool_result" {
            continue;
        }
        let (id, failed) = (part.text("tool_use_id"), part.value("is_error") == Some(true));
        match part.some_text("content") {
            Some(text) => items.tool_result(&id, failed, &text),
            None => {
                let texts: Vec<_> = part.objects("content").map(|part| part.text("text")).collect();
                items.tool_result(&id, failed, &texts.join("\n"));
            }
        }
    }
}

/// What the call used. Where its own budget ended it, only the sums by model tell.
fn used(event: &Object<'_>) -> Usage {
    let told = tokens(&event.object("usage"));
    if told.tokens() > 0 {
        return told;
    }
    let models = event.object("model_usage_since_last_result");
    models.objects_within().iter().map(tokens_of_model).fold(told, |sum, model| sum.plus(&model))
}

fn tokens_of_model(usage: &Object<'_>) -> Usage {
    let read = usage.value("cacheReadInputTokens");
    let written = usage.value("cacheCreationInputTokens");
    Usage {
        input_tokens: sum([usage.value("inputTokens"), read, written]),
        output_tokens: usage.value("outputTokens"),
        cache_read_tokens: read,
        cache_creation_tokens: written,
        reasoning_tokens: usage.value("thinkingTokens"),
        cost_usd: None,
    }
}

/// The input is told without what was cached.
fn tokens(usage: &Object<'_>) -> Usage {
    let read = usage.value("cache_read_input_tokens");
    let written = usage.value("cache_creation_input_tokens");
    Usage {
        input_tokens: sum([usage.value("input_tokens"), read, written]),
        output_tokens: usage.value("output_tokens"),
        cache_read_tokens: read,
        cache_creation_tokens: written,
        reasoning_tokens: usage.object("output_tokens_details").value("thinking_tokens"),
        cost_usd: None,
    }
}
