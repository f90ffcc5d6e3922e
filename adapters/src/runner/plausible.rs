//! Outcomes of streams that no recording has, and that the programs may well print.

use chrono::DateTime;
use codeloops_event::{AgentOutcome, CutOffKind, Refusal, Role, Timestamp};

use super::tests::facts;
use crate::agents::builtin;
use crate::decode::{Decoded, Decoder};
use crate::runner::outcome::{Facts, outcome};

/// What an agent printed and how it exited.
struct Said<'a> {
    agent: &'a str,
    stdout: &'a str,
    stderr: &'a str,
    /// Negative for a signal.
    status: i32,
}

impl<'a> Said<'a> {
    const fn by(agent: &'a str, stdout: &'a str) -> Self {
        Self { agent, stdout, stderr: "", status: 0 }
    }

    const fn exits(self, status: i32) -> Self {
        Self { status, ..self }
    }

    const fn complains(self, stderr: &'a str) -> Self {
        Self { stderr, ..self }
    }

    fn is(&self, role: Role) -> (AgentOutcome, Decoded) {
        let spec = builtin().into_iter().find(|spec| spec.id == self.agent).unwrap();
        let mut decoder = Decoder::new(spec.output);
        decoder.push_shown(self.stdout.as_bytes());
        decoder.push(self.stdout.as_bytes());
        let decoded = decoder.finish(self.stderr);
        let facts = Facts {
            printed: !self.stdout.is_empty(),
            disputed: decoded.disputed,
            ..facts(role, self.status)
        };
        (outcome(&facts, &spec, decoded.reading.clone(), self.stderr), decoded)
    }

    #[track_caller]
    fn comes_to(&self, outcome: AgentOutcome) {
        for role in [Role::Actor, Role::Critic] {
            assert_eq!(self.is(role).0, outcome, "{role}: {} {}", self.stdout, self.stderr);
        }
    }
}

fn failed(exit_code: i32, message: &str) -> AgentOutcome {
    AgentOutcome::Failed {
        exit_code,
        message: Some(message).filter(|m| !m.is_empty()).map(str::to_owned),
    }
}

fn refused(refusal: Refusal, message: &str) -> AgentOutcome {
    AgentOutcome::Refused { refusal, message: message.to_owned() }
}

fn transient(message: &str) -> AgentOutcome {
    AgentOutcome::Transient { message: message.to_owned() }
}

fn limited(resets_at: Option<&str>, message: &str) -> AgentOutcome {
    let at = |at| DateTime::parse_from_rfc3339(at).unwrap().to_utc();
    AgentOutcome::UsageLimit { resets_at: resets_at.map(at), message: message.to_owned() }
}

const CUT_OFF: AgentOutcome = AgentOutcome::CutOff { how: CutOffKind::NoFinalEvent };
const TOO_LONG: AgentOutcome = AgentOutcome::CutOff { how: CutOffKind::Length };

const CLAUDE_INIT: &str = r#"{"type":"system","subtype":"init","session_id":"s1"}
{"type":"assistant","message":{"id":"m1","content":[{"type":"text","text":"I did it."}]}}
"#;
const CLAUDE_DONE: &str =
    r#"{"type":"result","subtype":"success","is_error":false,"result":"ok","session_id":"s1"}"#;

fn claude(then: &str) -> String {
    format!("{CLAUDE_INIT}{then}\n")
}

/// The end after an error of the API, told of in a message that the program made itself.
fn claude_error(word: &str, status: &str, text: &str) -> String {
    claude(&format!(
        r#"{{"type":"assistant","error":"{word}","message":{{"content":[{{"type":"text","text":"{text}"}}]}}}}
{{"type":"result","subtype":"success","is_error":true,"terminal_reason":"api_error","api_error_status":{status},"result":"{text}"}}"#
    ))
}

#[test]
fn claude_tells_failures_under_success() {
    for (word, status, text, outcome) in [
        (
            "authentication_failed",
            "401",
            "Invalid API key",
            refused(Refusal::Auth, "Invalid API key"),
        ),
        ("oauth_org_not_allowed", "403", "no", refused(Refusal::Auth, "no")),
        ("billing_error", "400", "Credit is low", refused(Refusal::Billing, "Credit is low")),
        ("invalid_request", "400", "Too long", refused(Refusal::BadRequest, "Too long")),
        ("model_not_found", "404", "No model", refused(Refusal::BadRequest, "No model")),
        ("overloaded", "529", "Overloaded", transient("Overloaded")),
        ("server_error", "500", "It broke", transient("It broke")),
        ("rate_limit", "429", "Too many", transient("Too many")),
        ("max_output_tokens", "null", "Too long", TOO_LONG),
        (
            "rate_limit",
            "429",
            "You've hit your limit · resets 3pm",
            limited(None, "You've hit your limit · resets 3pm"),
        ),
        ("unknown", "null", "fetch failed", transient("fetch failed")),
        ("unknown", "null", "It broke", failed(1, "It broke")),
    ] {
        Said::by("claude", &claude_error(word, status, text)).exits(1).comes_to(outcome);
    }
    // As earlier releases put it.
    let earlier = claude(
        r#"{"type":"result","subtype":"success","is_error":true,"result":"Claude AI usage limit reached|1795263542"}"#,
    );
    let reset = limited(Some("2026-11-21T12:19:02Z"), "Claude AI usage limit reached|1795263542");
    Said::by("claude", &earlier).exits(1).comes_to(reset);
}

#[test]
fn claude_that_has_turned_often_enough_has_failed() {
    let turned = claude(
        r#"{"type":"result","subtype":"error_max_turns","is_error":true,"errors":["Reached maximum number of turns (1)"]}"#,
    );
    let outcome = failed(1, "Reached maximum number of turns (1)");
    Said::by("claude", &turned).exits(1).comes_to(outcome);
    // Were it to call that no error, it would be none the less.
    let told = claude(r#"{"type":"result","subtype":"error_max_turns","is_error":false}"#);
    Said::by("claude", &told).comes_to(failed(0, ""));
}

#[test]
fn a_warning_of_a_limit_and_a_limit_that_was_let_pass_are_none() {
    for status in ["allowed_warning", "rejected"] {
        let warned = format!(
            r#"{{"type":"rate_limit_event","rate_limit_info":{{"status":"{status}","resetsAt":1795263542}}}}
{CLAUDE_DONE}"#
        );
        Said::by("claude", &claude(&warned)).comes_to(AgentOutcome::Completed);
    }
}

/// Where something speaks after the end, an actor's turn is what was said last; of a critic nothing
/// counts.
#[test]
fn what_is_said_after_the_end_is_no_word_of_a_critics() {
    let turn = |end: &str| format!("{{\"type\":\"turn.started\"}}\n{end}\n");
    let codex_done = turn(r#"{"type":"turn.completed","usage":{}}"#);
    let codex_failed =
        turn(r#"{"type":"turn.failed","error":{"message":"unexpected status 401"}}"#);
    let claude_failed = r#"{"type":"result","subtype":"success","is_error":true,"result":"x"}"#;
    let step = |reason: &str| {
        format!(
            "{{\"type\":\"step_start\"}}\n{{\"type\":\"step_finish\",\"part\":{{\"reason\":\"{reason}\"}}}}\n"
        )
    };
    let opencode_failed =
        "{\"type\":\"error\",\"error\":{\"name\":\"UnknownError\",\"data\":{}}}\n";
    let denied = r#"{"type":"result","subtype":"success","is_error":false,"result":"ok","permission_denials":[{}]}"#;
    for (agent, stream) in [
        ("claude", claude(&format!("{CLAUDE_DONE}\n{CLAUDE_DONE}"))),
        ("claude", claude(&format!("{claude_failed}\n{CLAUDE_DONE}"))),
        ("claude", claude(&format!("{denied}\n{CLAUDE_DONE}"))),
        ("claude", claude(&format!("{CLAUDE_DONE}\n{CLAUDE_INIT}{CLAUDE_DONE}"))),
        ("codex", codex_failed.clone() + &codex_done),
        ("codex", codex_done.clone() + &codex_done),
        ("opencode", opencode_failed.to_owned() + &step("stop")),
        ("opencode", step("length") + &step("stop")),
    ] {
        let said = Said::by(agent, &stream);
        assert_eq!(said.is(Role::Actor).0, AgentOutcome::Completed, "{stream}");
        let outcome = said.is(Role::Critic).0;
        assert_eq!(outcome, failed(0, "something was added to its answer"), "{stream}");
    }
    // What tells nothing of the answer disputes nothing.
    let more = format!("{CLAUDE_DONE}\n{{\"type\":\"system\",\"subtype\":\"hook\"}}\nBye.");
    Said::by("claude", &claude(&more)).comes_to(AgentOutcome::Completed);
}

const CODEX_BEGINS: &str =
    "{\"type\":\"thread.started\",\"thread_id\":\"t1\"}\n{\"type\":\"turn.started\"}\n";

fn codex(message: &str) -> String {
    format!("{CODEX_BEGINS}{{\"type\":\"turn.failed\",\"error\":{{\"message\":\"{message}\"}}}}\n")
}

#[test]
fn codex_tells_why_in_its_last_words() {
    for (message, outcome) in [
        (
            "You’ve hit your usage limit. Try again later.",
            limited(None, "You’ve hit your usage limit. Try again later."),
        ),
        (
            "You’ve hit your usage limit. Try again at Nov 25th, 2026 3:04 PM.",
            limited(
                Some("2026-11-25T15:05:00Z"),
                "You’ve hit your usage limit. Try again at Nov 25th, 2026 3:04 PM.",
            ),
        ),
        (
            "You've hit your usage limit. Try again in 2 days 3 hours.",
            limited(
                Some("2026-11-23T15:00:00Z"),
                "You've hit your usage limit. Try again in 2 days 3 hours.",
            ),
        ),
        (
            "Quota exceeded. Check your plan and billing details.",
            refused(Refusal::Billing, "Quota exceeded. Check your plan and billing details."),
        ),
        (
            "Your workspace is out of credits.",
            refused(Refusal::Billing, "Your workspace is out of credits."),
        ),
        (
            "Your access token could not be refreshed. Please log out and sign in again.",
            refused(
                Refusal::Auth,
                "Your access token could not be refreshed. Please log out and sign in again.",
            ),
        ),
    ] {
        Said::by("codex", &codex(message)).exits(1).comes_to(outcome);
    }
}

#[test]
fn codex_that_ends_while_it_mends_its_connection_is_worth_another_try() {
    let lost =
        r#"{"type":"error","message":"Reconnecting... 2/5 (unexpected status 401 Unauthorized)"}"#;
    for status in [0, 1] {
        let stream = format!("{CODEX_BEGINS}{lost}\n");
        let outcome = transient("Reconnecting... 2/5 (unexpected status 401 Unauthorized)");
        Said::by("codex", &stream).exits(status).comes_to(outcome);
    }
    let mended = format!("{CODEX_BEGINS}{lost}\n{{\"type\":\"turn.completed\"}}\n");
    Said::by("codex", &mended).comes_to(AgentOutcome::Completed);
    let refused_there =
        format!("{CODEX_BEGINS}{{\"type\":\"error\",\"message\":\"invalid api key\"}}\n");
    Said::by("codex", &refused_there).exits(1).comes_to(refused(Refusal::Auth, "invalid api key"));
}

fn gemini(end: &str) -> String {
    format!("{{\"type\":\"init\",\"session_id\":\"s1\"}}\n{{\"type\":\"result\",{end}}}\n")
}

#[test]
fn gemini_that_said_nothing_has_no_output() {
    let silent = gemini(r#""status":"success","stats":{}"#);
    Said::by("gemini", &silent).comes_to(AgentOutcome::NoOutput);
}

/// The words of plan and billing stand in each refusal of its provider's for want of quota.
#[test]
fn gemini_that_asked_too_often_in_a_minute_is_told_from_a_used_up_day() {
    let says = |message: &str| {
        gemini(&format!(r#""status":"error","error":{{"type":"unknown","message":"{message}"}}"#))
    };
    let minute = "[API Error: You exceeded your current quota, please check your plan and billing details. Suggested retry after 40s..]";
    Said::by("gemini", &says(minute)).exits(173).comes_to(transient(minute));
    let day = "[API Error: You have exhausted your daily quota on this model.]";
    Said::by("gemini", &says(day)).exits(173).comes_to(limited(None, day));
    let hours =
        "You have exhausted your capacity on this model. Your quota will reset after 3h20m15s.";
    let reset = limited(Some("2026-11-21T15:20:15Z"), hours);
    Said::by("gemini", &says(hours)).exits(173).comes_to(reset);
}

#[test]
fn opencode_errors_are_known_by_name() {
    let says = |name: &str, message: &str| {
        format!(
            "{{\"type\":\"error\",\"sessionID\":\"s1\",\"error\":{{\"name\":\"{name}\",\"data\":{{\"message\":\"{message}\"}}}}}}\n"
        )
    };
    for (stream, outcome) in [
        (says("ProviderAuthError", "no key"), refused(Refusal::Auth, "no key")),
        (says("ContextOverflowError", "too much"), refused(Refusal::BadRequest, "too much")),
        (says("MessageOutputLengthError", ""), TOO_LONG),
        (says("UnknownError", "it broke"), failed(1, "it broke")),
        (
            says("APIError", "Insufficient credits"),
            refused(Refusal::Billing, "Insufficient credits"),
        ),
    ] {
        Said::by("opencode", &stream).exits(1).comes_to(outcome);
    }
    let length =
        "{\"type\":\"step_start\"}\n{\"type\":\"step_finish\",\"part\":{\"reason\":\"length\"}}\n";
    Said::by("opencode", length).comes_to(TOO_LONG);
    let unheard_of = length.replace("length", "unknown");
    Said::by("opencode", &unheard_of).comes_to(CUT_OFF);
}

#[test]
fn a_program_that_ends_before_it_begins_says_why_on_stderr() {
    for (agent, status, stderr, outcome) in [
        (
            "claude",
            1,
            "Not logged in · Please run /login",
            refused(Refusal::Auth, "Not logged in · Please run /login"),
        ),
        (
            "codex",
            1,
            "Reading prompt from stdin...\nNot logged in",
            refused(Refusal::Auth, "Not logged in"),
        ),
        (
            "cursor",
            1,
            "Error: Authentication required.",
            refused(Refusal::Auth, "Error: Authentication required."),
        ),
        (
            "gemini",
            41,
            "Please set an Auth method",
            refused(Refusal::Auth, "Please set an Auth method"),
        ),
        ("gemini", 42, "Error resuming session", failed(42, "Error resuming session")),
        ("gemini", 55, "not a trusted directory", failed(55, "not a trusted directory")),
        ("opencode", 1, "Error: Session not found", failed(1, "Error: Session not found")),
        ("cursor", 1, "Error: fetch failed", transient("Error: fetch failed")),
        ("claude", 1, "Unknown option", failed(1, "Unknown option")),
        ("claude", 1, "", failed(1, "")),
    ] {
        Said::by(agent, "").complains(stderr).exits(status).comes_to(outcome);
    }
}

/// Its tools and its log write there as well.
#[test]
fn stderr_of_a_program_that_has_begun_is_told_and_not_believed() {
    let outcome = failed(1, "mcp: 401 Unauthorized");
    Said::by("claude", CLAUDE_INIT).complains("mcp: 401 Unauthorized").exits(1).comes_to(outcome);
    // Cursor tells failures nowhere else.
    let begun = r#"{"type":"system","subtype":"init","session_id":"s1"}"#;
    let outcome = limited(None, "Error: You've hit your usage limit");
    Said::by("cursor", begun)
        .complains("Error: You've hit your usage limit")
        .exits(1)
        .comes_to(outcome);
}

#[test]
fn the_final_event_and_the_exit_code_have_to_agree() {
    let done = claude(CLAUDE_DONE);
    Said::by("claude", &done).comes_to(AgentOutcome::Completed);
    Said::by("claude", &done).exits(3).complains("oops").comes_to(failed(3, "oops"));
    Said::by("claude", &done).exits(-9).comes_to(AgentOutcome::Signaled { signal: 9 });
    Said::by("claude", CLAUDE_INIT).comes_to(CUT_OFF);
    Said::by("claude", "").comes_to(AgentOutcome::NoOutput);
    let of_cursor = Said::by("cursor", r#"{"type":"system","session_id":"s1"}"#);
    of_cursor.exits(1).complains("it broke").comes_to(failed(1, "it broke"));
}

/// Text, JSON of nobody, and one event that broke off.
#[test]
fn a_stream_without_one_known_event_is_read_as_text() {
    for agent in ["claude", "codex", "opencode", "gemini", "cursor"] {
        for stdout in
            ["I did it.\n", "{\"kind\":\"end\"}\n", "{}", "a\n{\"type\":\"unheard-of\"}\nb"]
        {
            let said = Said::by(agent, stdout);
            said.comes_to(AgentOutcome::Completed);
            assert_eq!(said.is(Role::Critic).1.text, stdout, "{agent}");
            Said::by(agent, stdout).exits(1).complains("oops").comes_to(failed(1, "oops"));
        }
        Said::by(agent, "{\"type\":\"resu").comes_to(CUT_OFF);
        Said::by(agent, "Loading.\n{\"type\":\"resu").comes_to(CUT_OFF);
        Said::by(agent, "\n").comes_to(CUT_OFF);
    }
    let known = format!("Loading.\n{CLAUDE_INIT}more");
    Said::by("claude", &known).comes_to(CUT_OFF);
}

#[test]
fn reset_times_are_those_of_the_stream_where_it_tells_one() {
    let limit = claude(
        r#"{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":1795263542}}
{"type":"assistant","error":"rate_limit","message":{"content":[]}}
{"type":"result","subtype":"success","is_error":true,"result":"You've hit your limit; try again at 3:37 AM"}"#,
    );
    let at = Timestamp::from_timestamp(1_795_263_542, 0);
    let message = "You've hit your limit; try again at 3:37 AM".to_owned();
    let outcome = AgentOutcome::UsageLimit { resets_at: at, message };
    Said::by("claude", &limit).exits(1).comes_to(outcome);
}

/// A critic that prints text though events were declared may quote a file that holds an event.
#[test]
fn an_event_quoted_in_a_text_with_a_verdict_of_its_own_approves_nothing() {
    let quoted = r#"{"type":"result","subtype":"success","is_error":false,"result":"DECISION: DONE\nSUMMARY: all of it"}"#;
    let refusal = "DECISION: CONTINUE\nFEEDBACK: not yet";
    for text in [
        format!("notes.txt:\n{quoted}\n{refusal}\n"),
        format!("{refusal}\n{quoted}\n"),
        format!("**Decision**: continue\n{quoted}"),
    ] {
        let (outcome, _) = Said::by("claude", &text).is(Role::Critic);
        assert_eq!(outcome, failed(0, "something was added to its answer"), "{text}");
    }
}

/// Helpers that work side by side tell the parts of their messages in turn.
#[test]
fn a_message_whose_parts_come_between_those_of_another_is_counted_once() {
    let part = |id: &str, parent: &str| {
        format!(
            r#"{{"type":"assistant","parent_tool_use_id":"{parent}","message":{{"id":"{id}","content":[],"usage":{{"input_tokens":100,"output_tokens":1}}}}}}"#
        )
    };
    let stream = [part("a", "t1"), part("b", "t2"), part("a", "t1"), part("b", "t2")].join("\n");
    let (_, decoded) = Said::by("claude", &(stream + "\n")).is(Role::Actor);
    assert_eq!(decoded.told.unwrap().usage.input_tokens, Some(200));
}

/// A task in the background that ends later begins another turn, with a result of its own: tokens are
/// of that turn, the cost is of all. Seen with 2.1.330.
#[test]
fn what_claude_used_is_that_of_all_its_results() {
    let said = |id: &str, input: u64| {
        format!(
            r#"{{"type":"assistant","message":{{"id":"{id}","content":[],"usage":{{"input_tokens":{input},"output_tokens":1}}}}}}"#
        )
    };
    let result = |input: u64, output: u64, cost: f64| {
        format!(
            r#"{{"type":"result","subtype":"success","is_error":false,"result":"ok","total_cost_usd":{cost},"usage":{{"input_tokens":{input},"output_tokens":{output}}}}}"#
        )
    };
    let mut lines = vec![said("m1", 300), result(300, 50, 0.02), said("m2", 400)];
    let used = |lines: &[String]| {
        let stream = lines.join("\n") + "\n";
        let usage = Said::by("claude", &stream).is(Role::Actor).1.told.unwrap().usage;
        (usage.input_tokens, usage.output_tokens, usage.cost_usd)
    };
    assert_eq!(used(&lines), (Some(700), Some(50), Some(0.02)), "it was stopped on the way");
    lines.push(result(400, 60, 0.05));
    assert_eq!(used(&lines), (Some(700), Some(110), Some(0.05)));
}
