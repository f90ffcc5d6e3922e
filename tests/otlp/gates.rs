//! The spans of gates: where they stand, what they tell, and the same again by a replay.

use std::collections::BTreeMap;

use codeloops_event::RunId;
use codeloops_event::trace::{SpanId, SpanPath};
use codeloops_tests::Workspace;
use codeloops_tests::otlp::{OtlpReceiver, Span, Transport, taken};
use serde_json::{Map, json};

use crate::place::{TWO_ROUNDS, export_to, exporting, run};

/// One that the first round breaks, one that is red first in each place, one that was red before.
const GATES: &str = r#"
[[gates]]
name = "test"
run = "! grep -qs one a.txt"

[[gates]]
name = "flaky"
run = "if [ -e ../red ]; then rm ../red; else touch ../red; exit 1; fi"

[[gates]]
name = "old"
run = "echo it is of old; exit 1"
"#;

/// By their ids. What is exported from may have changed since.
fn by_id(spans: Vec<Span>) -> BTreeMap<String, Span> {
    let known = |span: Span| (span.span_id.clone(), Span { resource: Map::new(), ..span });
    spans.into_iter().map(known).collect()
}

fn exported() -> (Workspace, BTreeMap<String, Span>) {
    let receiver = OtlpReceiver::start(&[]);
    let place = exporting(TWO_ROUNDS, &receiver, Transport::Grpc);
    place.write("codeloops.toml", GATES);
    place.commit_all("the checks");
    let _ran = run(&place, &[]).exits(0);
    (place, by_id(taken(&receiver.end())))
}

fn id(run: &RunId, path: SpanPath) -> String {
    SpanId::of_run(run, path).to_string()
}

fn told<'a>(span: &'a Span, name: &str) -> &'a serde_json::Value {
    span.attributes.get(name).unwrap_or(&serde_json::Value::Null)
}

#[test]
fn each_run_of_a_gate_is_a_span_in_its_place() {
    let (place, spans) = exported();
    let run = place.run_id(0);
    let checks = spans.values().filter(|span| span.name.starts_with("codeloops.check "));
    assert_eq!(checks.count(), 9, "three before the first round, and three in each");
    for iteration in 0..=2 {
        let parent = match iteration {
            0 => SpanPath::Session { resume: 0 },
            _ => SpanPath::Iteration { iteration, resume: 0 },
        };
        for (position, name) in [(1, "test"), (2, "flaky"), (3, "old")] {
            let span = &spans[&id(&run, SpanPath::Gate { iteration, position })];
            assert_eq!(span.name, format!("codeloops.check {name}"));
            assert_eq!(span.parent_span_id, id(&run, parent), "{span:#?}");
            let status = match (name, iteration) {
                ("old", _) | ("test", 1) => "failed",
                ("flaky", _) => "flaky",
                _ => "passed",
            };
            assert_eq!(told(span, "codeloops.check.status"), status, "{span:#?}");
            let is_red = status == "failed";
            assert_eq!(span.status.code, if is_red { 2 } else { 0 }, "{span:#?}");
            let blocks = name == "test" && iteration == 1;
            if iteration > 0 {
                assert_eq!(told(span, "codeloops.check.blocks"), &json!(blocks), "{span:#?}");
                let before = match name {
                    "test" => "passed",
                    "flaky" => "flaky",
                    _ => "failed",
                };
                assert_eq!(told(span, "codeloops.check.baseline"), before);
            }
        }
    }
}

#[test]
fn a_gate_comes_between_the_changes_and_the_critic() {
    let (place, spans) = exported();
    let run = place.run_id(0);
    let span = |path| &spans[&id(&run, path)];
    let diff = span(SpanPath::Diff { iteration: 1, resume: 0 });
    let first = span(SpanPath::Gate { iteration: 1, position: 1 });
    let last = span(SpanPath::Gate { iteration: 1, position: 3 });
    let role = codeloops_event::Role::Critic;
    let critic = span(SpanPath::Agent { iteration: 1, role, attempt: 1 });
    assert!(diff.end_time_unix_nano <= first.start_time_unix_nano);
    assert!(first.end_time_unix_nano <= last.start_time_unix_nano);
    assert!(last.end_time_unix_nano <= critic.start_time_unix_nano);
    let before = span(SpanPath::Gate { iteration: 0, position: 3 });
    let round = span(SpanPath::Iteration { iteration: 1, resume: 0 });
    assert!(before.end_time_unix_nano <= round.start_time_unix_nano);
}

#[test]
fn a_replay_exports_the_same_spans() {
    let (mut place, live) = exported();
    let receiver = OtlpReceiver::start(&[]);
    export_to(&mut place, &receiver.grpc(), "grpc");
    let _ran = place.run(&["replay", "latest", "--sink", "otel"]).exits(0);
    assert_eq!(by_id(taken(&receiver.end())), live);
}
