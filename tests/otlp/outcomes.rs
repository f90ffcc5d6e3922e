//! How a run and its agents ended, as spans say it.

use codeloops_tests::otlp::{OtlpReceiver, Span, Transport, taken};

use crate::place::{exporting, run};

/// What was received of a run with this script and this exit code.
#[track_caller]
fn spans_of(script: &str, options: &[&str], code: i32) -> Vec<Span> {
    let receiver = OtlpReceiver::start(&[]);
    let place = exporting(script, &receiver, Transport::Grpc);
    let _ran = run(&place, options).exits(code);
    taken(&receiver.end())
}

#[track_caller]
fn one<'a>(spans: &'a [Span], name: &str, role: Option<&str>) -> &'a Span {
    let is_it = |span: &&Span| {
        let its_role = span.attributes.get("codeloops.role").and_then(|role| role.as_str());
        span.name == name && its_role == role
    };
    spans.iter().find(is_it).unwrap_or_else(|| panic!("no {name}: {spans:#?}"))
}

#[track_caller]
fn assert_failed(span: &Span, error: &str) {
    assert_eq!(span.status.code, 2, "{span:#?}");
    assert!(!span.status.message.is_empty() && !span.status.message.contains('\n'), "{span:#?}");
    assert_eq!(span.attributes["error.type"], error, "{span:#?}");
}

const ASKS_FOR_MORE: &str = "on critic\nprint DECISION: CONTINUE\\n\\nFEEDBACK: More.\n";

#[test]
fn a_run_that_a_limit_stopped_is_in_error_and_its_agents_are_not() {
    let script = format!("on actor\nedit a.txt a\n{ASKS_FOR_MORE}");
    let spans = spans_of(&script, &["-n", "1"], 1);
    let session = one(&spans, "invoke_workflow codeloops", None);
    assert_eq!(session.status.code, 2, "{session:#?}");
    assert_eq!(session.attributes["codeloops.outcome"], "max_iterations_reached");
    assert_eq!(session.attributes["codeloops.iterations"], 1);
    for role in ["actor", "critic"] {
        assert_eq!(one(&spans, "invoke_agent fake", Some(role)).status.code, 0);
    }
    assert_eq!(one(&spans, "codeloops.iteration", None).status.code, 0);
}

#[test]
fn an_agent_that_fails_is_in_error() {
    let script = "on actor\nprint no\nexit 7\non critic\nexit 3\n";
    let spans = spans_of(script, &["-n", "1"], 2);
    let actor = one(&spans, "invoke_agent fake", Some("actor"));
    assert_failed(actor, "exit_code");
    assert_eq!(actor.attributes["process.exit.code"], 7);
    let session = one(&spans, "invoke_workflow codeloops", None);
    assert_eq!(session.status.code, 2, "{session:#?}");
    assert_eq!(session.attributes["codeloops.outcome"], "failed");
    assert!(spans.iter().all(|span| span.end_time_unix_nano > 0));
}

#[test]
fn an_agent_that_takes_too_long_is_in_error() {
    let script = format!("on actor\nhang\n{ASKS_FOR_MORE}");
    let spans = spans_of(&script, &["--actor-timeout", "1s", "-n", "1"], 1);
    assert_failed(one(&spans, "invoke_agent fake", Some("actor")), "timeout");
    let roots = spans.iter().filter(|span| span.parent_span_id.is_empty()).count();
    assert_eq!(roots, 1, "{spans:#?}");
}
