//! The spans of a run: one tree with derived ids and recorded times, the same by each transport.

use std::collections::BTreeMap;

use codeloops_event::trace::{SpanId, SpanPath, TraceId};
use codeloops_event::{Event, Role, RunId, Timestamp};
use codeloops_tests::Workspace;
use codeloops_tests::otlp::{OtlpReceiver, Span, Transport, taken};
use serde_json::json;

use crate::place::{TWO_ROUNDS, exporting, run};

/// A run of two rounds, and what was received of it, by id.
fn exported(by: Transport) -> (Workspace, BTreeMap<String, Span>) {
    let receiver = OtlpReceiver::start(&[]);
    let place = exporting(TWO_ROUNDS, &receiver, by);
    let _ran = run(&place, &[]).exits(0);
    let spans = taken(&receiver.end());
    let count = spans.len();
    let by_id: BTreeMap<String, Span> =
        spans.into_iter().map(|span| (span.span_id.clone(), span)).collect();
    assert_eq!(by_id.len(), count, "each was sent once");
    (place, by_id)
}

fn id(run: &RunId, path: SpanPath) -> String {
    SpanId::of_run(run, path).to_string()
}

fn nanos(at: Timestamp) -> u64 {
    at.timestamp_nanos_opt().unwrap().try_into().unwrap()
}

/// The paths of all spans of the run, each with that of its parent.
fn tree() -> Vec<(SpanPath, Option<SpanPath>)> {
    let session = SpanPath::Session { resume: 0 };
    let rounds = [1, 2].map(|iteration| {
        let round = SpanPath::Iteration { iteration, resume: 0 };
        let agent = |role| SpanPath::Agent { iteration, role, attempt: 1 };
        vec![
            (round, Some(session)),
            (agent(Role::Actor), Some(round)),
            (SpanPath::Diff { iteration, resume: 0 }, Some(round)),
            (agent(Role::Critic), Some(round)),
        ]
    });
    [vec![(session, None)], rounds.concat()].concat()
}

#[test]
fn ids_are_derived_and_every_parent_is_there() {
    let (place, spans) = exported(Transport::Grpc);
    let run = place.run_id(0);
    assert_eq!(spans.len(), tree().len(), "{spans:#?}");
    for (path, parent) in tree() {
        let span = spans.get(&id(&run, path)).unwrap_or_else(|| panic!("no {path}: {spans:#?}"));
        assert_eq!(span.trace_id, TraceId::of_run(&run).to_string());
        let parent = parent.map(|parent| id(&run, parent)).unwrap_or_default();
        assert_eq!(span.parent_span_id, parent, "{path}");
    }
}

#[test]
fn times_are_those_of_the_recording_and_children_lie_within_their_parents() {
    let (place, spans) = exported(Transport::Http);
    let run = place.run_id(0);
    let span = |path| &spans[&id(&run, path)];
    let actor = SpanPath::Agent { iteration: 2, role: Role::Actor, attempt: 1 };
    let mut seen = 0;
    for event in place.events() {
        let (told, recorded) = match &event {
            Event::SessionStart(e) => {
                (span(SpanPath::Session { resume: 0 }).start_time_unix_nano, e.timestamp)
            }
            Event::SessionEnd(e) => {
                (span(SpanPath::Session { resume: 0 }).end_time_unix_nano, e.timestamp)
            }
            Event::ActorStarted(e) if e.iteration == 2 => {
                (span(actor).start_time_unix_nano, e.timestamp)
            }
            Event::ActorCompleted(e) if e.iteration == 2 => {
                (span(actor).end_time_unix_nano, e.timestamp)
            }
            _ => continue,
        };
        assert_eq!(told, nanos(recorded), "{event:?}");
        seen += 1;
    }
    assert_eq!(seen, 4);
    for child in spans.values().filter(|span| !span.parent_span_id.is_empty()) {
        let parent = &spans[&child.parent_span_id];
        let within = parent.start_time_unix_nano <= child.start_time_unix_nano
            && child.start_time_unix_nano <= child.end_time_unix_nano
            && child.end_time_unix_nano <= parent.end_time_unix_nano;
        assert!(within, "{child:#?} is not within {parent:#?}");
    }
}

#[test]
fn who_exports_is_told_with_every_span() {
    let (_place, spans) = exported(Transport::Http);
    for span in spans.values() {
        assert_eq!(span.resource["service.name"], "codeloops");
        assert_eq!(span.resource["service.version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(span.scope.name, "codeloops");
        assert_eq!(span.scope.version, env!("CARGO_PKG_VERSION"));
        assert!(span.schema_url.starts_with("https://opentelemetry.io/schemas/"), "{span:#?}");
        assert!(span.attributes.contains_key("codeloops.session.id"), "{span:#?}");
    }
    let count = |name: &str| spans.values().filter(|span| span.name == name).count();
    assert_eq!((count("invoke_workflow codeloops"), count("codeloops.iteration")), (1, 2));
    assert_eq!((count("invoke_agent fake"), count("codeloops.capture_diff")), (4, 2));
    for span in spans.values() {
        // Only an agent is a service beyond ours.
        assert_eq!(span.kind, if span.name.starts_with("invoke_agent") { 3 } else { 1 });
        assert_eq!(span.status.code, 0, "all is well: {span:#?}");
    }
}

#[test]
fn the_verdict_stands_on_its_round() {
    let (place, spans) = exported(Transport::Grpc);
    let round =
        |iteration| &spans[&id(&place.run_id(0), SpanPath::Iteration { iteration, resume: 0 })];
    for (iteration, decision) in [(1, "continue"), (2, "done")] {
        let round = round(iteration);
        assert_eq!(round.attributes["codeloops.decision"], decision);
        let verdict = round.events.iter().find(|event| event.name == "gen_ai.evaluation.result");
        let verdict = &verdict.unwrap().attributes;
        assert_eq!(verdict["gen_ai.evaluation.score.label"], decision);
    }
    let [verdict] = &round(2).events[..] else { panic!("{:#?}", round(2)) };
    assert_eq!(verdict.attributes["gen_ai.evaluation.score.value"], json!(0.95));
}

/// Of two runs that are the same but for their ids, their places and their processes.
#[test]
fn both_transports_deliver_the_same() {
    let told = [Transport::Grpc, Transport::Http].map(|by| {
        let (place, spans) = exported(by);
        let run = place.run_id(0);
        let told = tree().into_iter().map(|(path, _)| {
            let mut span = spans[&id(&run, path)].clone();
            for own in [&mut span.trace_id, &mut span.span_id, &mut span.parent_span_id] {
                own.clear();
            }
            for own in ["codeloops.run.id", "codeloops.session.id", "process.pid"] {
                span.attributes.remove(own);
            }
            span.resource.remove("service.instance.id");
            (path, span)
        });
        told.collect::<Vec<_>>()
    });
    assert_eq!(told[0], told[1]);
}

#[test]
fn a_run_that_was_started_inside_a_trace_belongs_to_it() {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const PARENT: &str = "00f067aa0ba902b7";
    let receiver = OtlpReceiver::start(&[]);
    let script = TWO_ROUNDS
        .replace("on actor 1\n", "on actor 1\nrun printenv TRACEPARENT TRACESTATE > ../trace\n");
    let mut place = exporting(&script, &receiver, Transport::Grpc);
    place.set_var("TRACEPARENT", format!("00-{TRACE}-{PARENT}-01"));
    place.set_var("TRACESTATE", "rojo=00f067aa0ba902b7");
    let _ran = run(&place, &[]).exits(0);
    let spans = taken(&receiver.end());
    let run = place.run_id(0);
    assert!(spans.iter().all(|span| span.trace_id == TRACE), "{spans:#?}");
    let roots: Vec<_> = spans.iter().filter(|span| span.parent_span_id == PARENT).collect();
    assert_eq!(roots.len(), 1, "{spans:#?}");
    assert_eq!(roots[0].span_id, id(&run, SpanPath::Session { resume: 0 }));
    let actor = id(&run, SpanPath::Agent { iteration: 1, role: Role::Actor, attempt: 1 });
    let told = std::fs::read_to_string(place.at("trace")).unwrap();
    assert_eq!(told, format!("00-{TRACE}-{actor}-01\nrojo=00f067aa0ba902b7\n"));
}

#[test]
fn agents_are_told_of_their_span_and_get_nothing_of_the_exporter() {
    let receiver = OtlpReceiver::start(&[]);
    let look = "run env | grep -E '^(OTEL_|TRACE|CLAUDE_CODE_|GEMINI_)' | sort > ../env\n";
    let script = TWO_ROUNDS.replace("on actor 2\n", &format!("on actor 2\n{look}"));
    let mut place = exporting(&script, &receiver, Transport::Grpc);
    for (name, value) in [
        ("OTEL_SERVICE_NAME", "mine"),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("TRACESTATE", "of=nobody"),
        ("CLAUDE_CODE_ENABLE_TELEMETRY", "1"),
        ("GEMINI_TELEMETRY_ENABLED", "true"),
    ] {
        place.set_var(name, value);
    }
    let _ran = run(&place, &[]).exits(0);
    let run = place.run_id(0);
    let actor = id(&run, SpanPath::Agent { iteration: 2, role: Role::Actor, attempt: 1 });
    let told = std::fs::read_to_string(place.at("env")).unwrap();
    assert_eq!(told, format!("TRACEPARENT=00-{}-{actor}-01\n", TraceId::of_run(&run)));
}
