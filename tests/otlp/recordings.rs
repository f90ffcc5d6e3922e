//! Recordings that are exported: one by a replay, several by `sessions export-traces`.

use std::collections::BTreeMap;
use std::fs;

use codeloops_event::trace::{SpanId, SpanPath};
use codeloops_event::{Role, Timestamp};
use codeloops_tests::otlp::{Answer, OtlpReceiver, Request, Span, Transport, taken};
use codeloops_tests::{Workspace, wait_for};
use rustix::process::Signal;
use serde_json::Map;

use crate::place::{TWO_ROUNDS, export_to, exporting, place, run};

/// Spans of [`TWO_ROUNDS`].
const SPANS: usize = 9;

/// By their ids. What is exported from may have changed since.
fn by_id(spans: Vec<Span>) -> BTreeMap<String, Span> {
    let known = |span: Span| (span.span_id.clone(), Span { resource: Map::new(), ..span });
    spans.into_iter().map(known).collect()
}

/// What a command sends to a receiver of its own.
#[track_caller]
fn sent_by(place: &mut Workspace, command: &[&str]) -> Vec<Span> {
    let receiver = OtlpReceiver::start(&[]);
    export_to(place, &receiver.grpc(), "grpc");
    let _ran = place.run(command).exits(0);
    taken(&receiver.end())
}

/// When the counted clock of each process begins.
const NOW: &str = "2025-01-27T15:30:45Z";

const REPLAY: [&str; 4] = ["replay", "latest", "--sink", "otel"];

#[test]
fn a_trace_can_be_put_off_to_now() {
    let mut place = place(TWO_ROUNDS);
    let _ran = place.task(&[]).exits(0);
    let then = by_id(sent_by(&mut place, &REPLAY));
    let now = by_id(sent_by(&mut place, &[&REPLAY[..], &["--times", "now"]].concat()));
    let last = |spans: &BTreeMap<String, Span>| {
        spans.values().map(|span| span.end_time_unix_nano).max().unwrap()
    };
    let at: Timestamp = NOW.parse().unwrap();
    assert_eq!(last(&now), u64::try_from(at.timestamp_nanos_opt().unwrap()).unwrap());
    let earlier = last(&then) - last(&now);
    let put_off = |span: &Span| {
        let mut span = span.clone();
        span.start_time_unix_nano -= earlier;
        span.end_time_unix_nano -= earlier;
        span.events.iter_mut().for_each(|event| event.time_unix_nano -= earlier);
        span
    };
    let expected: BTreeMap<_, _> =
        then.iter().map(|(id, span)| (id.clone(), put_off(span))).collect();
    assert_eq!(now, expected);
}

/// The second actor waits until it is let go.
fn slow_second_round() -> String {
    second_round("wait-file ../go")
}

/// Two rounds, the second of which tells that it has begun and then does this first.
fn second_round(does: &str) -> String {
    TWO_ROUNDS.replace("on actor 2\n", &format!("on actor 2\ntouch ../second\n{does}\n"))
}

#[test]
fn what_a_killed_run_left_open_is_exported_by_a_replay_and_a_resumed_one_links_to_it() {
    let mut receiver = OtlpReceiver::start(&[]);
    let mut place = exporting(&second_round("hang"), &receiver, Transport::Grpc);
    let killed = place.start(&["--prompt", "Fix the typo", "--sink", "otel"]);
    wait_for(&place.at("second"));
    let first_round = receiver.spans_until(|spans| spans.len() == 4);
    killed.signal(Signal::KILL);
    let _output = killed.wait();
    drop(receiver);

    let completed = by_id(sent_by(&mut place, &REPLAY));
    let run = place.run_id(0);
    let id = |path| SpanId::of_run(&run, path).to_string();
    let [session, round] =
        [SpanPath::Session { resume: 0 }, SpanPath::Iteration { iteration: 2, resume: 0 }].map(id);
    let actor = id(SpanPath::Agent { iteration: 2, role: Role::Actor, attempt: 1 });
    assert_eq!(completed[&actor].parent_span_id, round);
    assert_eq!(completed[&round].parent_span_id, session);
    assert_eq!(completed[&session].parent_span_id, "");
    let live = by_id(first_round);
    assert!(live.iter().all(|(id, span)| completed[id] == *span), "{completed:#?}");

    place.script(TWO_ROUNDS);
    let resume = ["run", "--resume", "latest", "--sink", "otel"];
    let resumed = by_id(sent_by(&mut place, &resume));
    let again = &resumed[&id(SpanPath::Session { resume: 1 })];
    assert_eq!(again.links.len(), 1, "{again:#?}");
    assert_eq!((&again.links[0].span_id, &again.links[0].trace_id), (&session, &again.trace_id));
    assert!(resumed.keys().all(|id| !completed.contains_key(id)), "{resumed:#?}");

    let mut all = completed;
    all.extend(resumed);
    assert_eq!(by_id(sent_by(&mut place, &REPLAY)), all);
}

#[test]
fn sessions_that_match_are_exported_and_always_under_the_same_ids() {
    let mut place = place(TWO_ROUNDS);
    let _ran = place.task(&[]).exits(0);
    let _ran = place.task(&["-n", "1"]).exits(1);
    let _ran = place.task(&[]).exits(0);

    let all = sent_by(&mut place, &["sessions", "export-traces"]);
    let traces = |spans: &[Span]| {
        let mut counts = BTreeMap::new();
        spans.iter().for_each(|span| *counts.entry(span.trace_id.clone()).or_insert(0) += 1);
        counts
    };
    let mut counts: Vec<usize> = traces(&all).into_values().collect();
    counts.sort_unstable();
    assert_eq!(counts, [SPANS - 4, SPANS, SPANS]);
    let again = sent_by(&mut place, &["sessions", "export-traces"]);
    assert_eq!(by_id(again), by_id(all));

    let approved = sent_by(&mut place, &["sessions", "export-traces", "--outcome", "success"]);
    assert_eq!(traces(&approved).into_values().collect::<Vec<_>>(), [SPANS; 2]);
    let newest = ["sessions", "export-traces", "--limit", "1"];
    let third = sent_by(&mut place, &newest);
    let run = place.run_id(2);
    assert!(third.iter().all(|span| span.attributes["codeloops.run.id"] == run.as_str()));
    assert_eq!(third.len(), SPANS);
    assert_eq!(sent_by(&mut place, &["sessions", "export-traces", "--project", "nix"]), []);
}

#[test]
fn what_was_exported_is_told() {
    let receiver = OtlpReceiver::start(&[]);
    let mut place = exporting(TWO_ROUNDS, &receiver, Transport::Http);
    let agent = place.fake_agent();
    let url = "[defaults.sinks.otel]\ntrace_url = \"http://tempo/{trace_id}\"\n";
    place.global_config(&format!("[defaults]\nagent = \"fake\"\n\n{agent}\n{url}"));
    let _ran = place.task(&[]).exits(0);
    let told = place.run(&["sessions", "export-traces", "--json"]).exits(0).document();
    let session = place.session();
    let trace = told[0]["trace_id"].as_str().unwrap().to_owned();
    let expected = serde_json::json!([{
        "id": session.id.as_str(), "trace_id": trace, "spans": SPANS,
        "url": format!("http://tempo/{trace}"),
    }]);
    assert_eq!(told, expected);
    let page = place.run(&["sessions", "export-traces"]).exits(0);
    assert!(page.stdout.contains(&format!("9 spans    http://tempo/{trace}\n")), "{page}");
    assert!(page.stdout.contains("1 session, 9 spans to http://127.0.0.1:"), "{page}");
    let replayed = place.run(&REPLAY).exits(0);
    assert!(replayed.stderr.contains(&format!("9 spans: http://tempo/{trace}")), "{replayed}");
    place.unset_var("OTEL_EXPORTER_OTLP_PROTOCOL");
    let to = ["sessions", "export-traces", "--otel-endpoint", &receiver.grpc()];
    let _ran = place.run(&to).exits(0);
    assert!(taken(&receiver.end()).iter().all(|span| span.trace_id == trace));
}

#[test]
fn a_run_that_goes_on_is_left_out() {
    let mut place = place(&slow_second_round());
    let running = place.start(&["--prompt", "Fix the typo"]);
    wait_for(&place.at("second"));
    let receiver = OtlpReceiver::start(&[]);
    export_to(&mut place, &receiver.grpc(), "grpc");
    let ran = place.run(&["sessions", "export-traces"]).exits(0);
    assert!(ran.stderr.contains("still running; left out"), "{ran}");
    // As far as it is: what is open is not over.
    let _ran = place.run(&REPLAY).exits(0);
    let spans = taken(&receiver.end());
    assert!(spans.iter().all(|span| span.name != "invoke_workflow codeloops"), "{spans:#?}");
    assert_eq!(spans.len(), 4);
    fs::write(place.at("go"), "").unwrap();
    let _output = running.wait().exits(0);
}

#[test]
fn a_receiver_that_refuses_is_asked_of_no_further_session() {
    let receiver = OtlpReceiver::start(&["--require", "authorization=Bearer t"]);
    let place = exporting(TWO_ROUNDS, &receiver, Transport::Grpc);
    let _ran = place.task(&[]).exits(0);
    let _ran = place.task(&[]).exits(0);
    let ran = place.run(&["sessions", "export-traces"]).exits(2);
    assert!(ran.stderr.contains("9 of 9 spans did not reach"), "{ran}");
    assert!(ran.stderr.contains("none was exported"), "{ran}");
    let requests = receiver.end();
    assert!(requests.iter().all(|request| request.answer == Answer::Unauthenticated));
    let first = place.run_id(0).to_string();
    let of_first = |span: Span| span.attributes["codeloops.run.id"] == first.as_str();
    assert!(requests.iter().flat_map(Request::spans).all(of_first), "{requests:#?}");
}

#[test]
fn a_replay_whose_spans_are_refused_fails() {
    let receiver = OtlpReceiver::start(&["--require", "authorization=Bearer t"]);
    let place = exporting(TWO_ROUNDS, &receiver, Transport::Grpc);
    let _ran = place.task(&[]).exits(0);
    let replayed = place.run(&REPLAY).exits(2);
    assert!(replayed.stderr.contains("9 of 9 spans did not reach"), "{replayed}");
}

#[test]
fn an_export_is_broken_off_at_once() {
    let mut receiver = OtlpReceiver::start(&["--hang"]);
    let place = exporting(TWO_ROUNDS, &receiver, Transport::Http);
    let _ran = place.task(&[]).exits(0);
    let export = place.start(&["sessions", "export-traces"]);
    let _asked = receiver.requests_until(|requests| !requests.is_empty());
    export.signal(Signal::INT);
    let ran = export.wait().exits(130);
    assert!(ran.stderr.contains("none was exported"), "{ran}");
}

#[test]
fn a_session_is_found_by_its_run() {
    let receiver = OtlpReceiver::start(&[]);
    let place = exporting(TWO_ROUNDS, &receiver, Transport::Grpc);
    let _ran = run(&place, &[]).exits(0);
    let spans = taken(&receiver.end());
    let run = spans[0].resource["service.instance.id"].as_str().unwrap();
    let path = place.run(&["sessions", "path", run]).exits(0);
    assert_eq!(path.stdout, place.redact(&format!("{}\n", place.session_file().display())));
}
