//! A run whose agents put their own spans below its: those of Claude Code and of Codex arrive in the
//! run's trace, each below the span of the call that made it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use codeloops_event::Role;
use codeloops_event::trace::{SpanId, SpanPath, TraceId};
use codeloops_tests::otlp::{OtlpReceiver, Request, Span, Transport, taken};

use crate::agent::Agent;
use crate::place::Place;

#[test]
fn claude_by_grpc() {
    joins(Agent::Claude, Transport::Grpc);
}

#[test]
fn claude_by_http() {
    joins(Agent::Claude, Transport::Http);
}

#[test]
fn codex_by_grpc() {
    joins(Agent::Codex, Transport::Grpc);
}

#[test]
fn codex_by_http() {
    joins(Agent::Codex, Transport::Http);
}

#[track_caller]
fn joins(agent: Agent, by: Transport) {
    let receiver = OtlpReceiver::start(&[]);
    let mut place = Place::new(agent, "two-rounds");
    let (url, protocol) = match by {
        Transport::Grpc => (receiver.grpc(), "grpc"),
        Transport::Http => (receiver.http(), "http/protobuf"),
    };
    place.set_var("OTEL_EXPORTER_OTLP_ENDPOINT", url);
    place.set_var("OTEL_EXPORTER_OTLP_PROTOCOL", protocol);
    place.write("codeloops.toml", "[sinks.otel]\nagents = \"join\"\n");
    let _output = place.run_to(0, &["--sink", "console", "--sink", "otel"]);
    let run = place.session().start.run_id.unwrap();
    let trace = TraceId::of_run(&run).to_string();
    let requests = receiver.end();
    keep(agent, &requests);
    let spans = taken(&requests);
    let (ours, theirs): (Vec<&Span>, Vec<&Span>) =
        spans.iter().partition(|span| span.resource["service.name"] == "codeloops");
    assert_eq!(ours.len(), 9, "{ours:#?}");
    let theirs: BTreeMap<&str, &Span> = theirs
        .into_iter()
        .filter(|span| span.trace_id == trace)
        .map(|span| (span.span_id.as_str(), span))
        .collect();
    // A span that an agent ends after its exporter is shut down is lost, and those below it then lead
    // nowhere; what leads to one of ours leads to the call that made it.
    let ours: BTreeSet<&str> = ours.iter().map(|span| span.span_id.as_str()).collect();
    let roots: BTreeSet<&str> =
        theirs.values().map(|span| root_of(span, &theirs)).filter(|id| ours.contains(id)).collect();
    let calls: Vec<String> =
        [(1, Role::Actor), (1, Role::Critic), (2, Role::Actor), (2, Role::Critic)]
            .map(|(iteration, role)| SpanPath::Agent { iteration, role, attempt: 1 })
            .map(|path| SpanId::of_run(&run, path).to_string())
            .into();
    let calls: BTreeSet<&str> = calls.iter().map(String::as_str).collect();
    assert_eq!(roots, calls, "their spans are below the calls that made them");
}

/// What came, for whoever wants to look at it, and for the picture of a trace in the docs
/// (`tests/otlp/waterfall.py`).
fn keep(agent: Agent, requests: &[Request]) {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("joined_{}.json", agent.id()));
    std::fs::write(file, serde_json::to_vec(requests).unwrap()).unwrap();
}

/// What the first of its ancestors that is an agent's own is the child of.
fn root_of<'a>(span: &'a Span, theirs: &BTreeMap<&str, &'a Span>) -> &'a str {
    let mut parent = &span.parent_span_id;
    while let Some(above) = theirs.get(parent.as_str()) {
        parent = &above.parent_span_id;
    }
    parent
}
