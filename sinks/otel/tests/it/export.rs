//! What a receiver gets from a sink that is fed with a recording.

use std::path::Path;
use std::time::Duration;

use chrono::TimeDelta;
use codeloops_event::{AgentOutput, Event, Item, OutputStream, Role};
use codeloops_sink_otel::{
    ClientIdentity, Compression, Feed, OtelOptions, OtelSink, Protocol, Target, Tls,
};
use codeloops_sinks::{Hub, HubOptions, SinkReport, SinkState};
use std::sync::Arc;

use crate::receiver::{Manners, Receiver};

pub(crate) const PATIENT: Duration = Duration::from_secs(60);

/// A finished run of two rounds.
pub(crate) fn recording() -> Vec<Event> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = dir.join("../../engine/session/tests/fixtures/v1.0/run_two_rounds.jsonl");
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Spans of [`recording`].
pub(crate) const SPANS: usize = 9;

pub(crate) fn target(url: String, protocol: Protocol) -> Target {
    Target {
        url,
        protocol,
        headers: Vec::new(),
        compression: Compression::None,
        timeout: Duration::from_secs(10),
        tls: Tls::default(),
    }
}

/// Where a receiver listens for spans.
pub(crate) fn at(receiver: &Receiver, protocol: Protocol) -> Target {
    let path = if protocol == Protocol::HttpProtobuf { "/v1/traces" } else { "" };
    target(format!("http://{}{path}", receiver.address), protocol)
}

pub(crate) fn options(traces: Target) -> OtelOptions {
    OtelOptions {
        traces,
        metrics: None,
        resource: vec![("service.name".to_owned(), "codeloops".into())],
        content: false,
        longest_text: None,
        tools: false,
        sampled: true,
        trace_url: Some("http://tempo/{trace_id}".to_owned()),
    }
}

pub(crate) const RECORDING: Feed = Feed::Recording { shift: TimeDelta::zero(), is_over: true };

/// Feeds a sink by a hub, as a run and a replay do, and gives its report.
pub(crate) fn exported(options: &OtelOptions, feed: Feed, within: Duration) -> SinkReport {
    export(recording(), options, feed, within)
}

fn export(events: Vec<Event>, options: &OtelOptions, feed: Feed, within: Duration) -> SinkReport {
    let name = || Some("2026-03-02T09-00-00Z_a3f2c1".to_owned());
    let sink = OtelSink::new(options, feed, name, within).unwrap();
    let hub = Hub::new(vec![Box::new(sink)], &HubOptions::default());
    events.into_iter().for_each(|event| hub.publish(&Arc::new(event)));
    hub.close(within).pop().unwrap()
}

#[test]
fn both_protocols_carry_the_same_spans() {
    let got = [Protocol::Grpc, Protocol::HttpProtobuf].map(|protocol| {
        let receiver = Receiver::start(Manners::default());
        let report = exported(&options(at(&receiver, protocol)), RECORDING, PATIENT);
        assert_eq!((report.state, report.error), (SinkState::Finished, None));
        let note = report.note.unwrap();
        assert!(note.starts_with("9 spans: http://tempo/"), "{note}");
        receiver.spans()
    });
    assert_eq!(got[0].len(), SPANS);
    assert_eq!(got[0], got[1]);
}

#[test]
fn a_live_run_and_its_replay_export_the_same() {
    let got = [Feed::Live, RECORDING].map(|feed| {
        let receiver = Receiver::start(Manners::default());
        let report = exported(&options(at(&receiver, Protocol::Grpc)), feed, PATIENT);
        assert_eq!(report.error, None);
        receiver.spans()
    });
    assert_eq!(got[0], got[1]);
}

#[test]
fn times_can_be_put_off() {
    let [as_recorded, later] = [0, 3600].map(|secs| {
        let receiver = Receiver::start(Manners::default());
        let feed = Feed::Recording { shift: TimeDelta::seconds(secs), is_over: true };
        exported(&options(at(&receiver, Protocol::Grpc)), feed, PATIENT);
        receiver.spans()
    });
    for (then, now) in as_recorded.iter().zip(&later) {
        assert_eq!(then.span_id, now.span_id, "the ids stay");
        assert_eq!(now.start_time_unix_nano - then.start_time_unix_nano, 3_600_000_000_000);
        assert_eq!(now.end_time_unix_nano - then.end_time_unix_nano, 3_600_000_000_000);
        let times = |span: &opentelemetry_proto::tonic::trace::v1::Span| {
            span.events.iter().map(|event| event.time_unix_nano).collect::<Vec<_>>()
        };
        let expected: Vec<u64> = times(then).iter().map(|time| time + 3_600_000_000_000).collect();
        assert_eq!(times(now), expected);
    }
}

#[test]
fn headers_and_packing_are_as_asked_for() {
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        let receiver = Receiver::start(Manners::default());
        let mut target = at(&receiver, protocol);
        target.headers = vec![("authorization".to_owned(), "Bearer t0k3n".to_owned())];
        target.compression = Compression::Gzip;
        let report = exported(&options(target), RECORDING, PATIENT);
        assert_eq!(report.error, None);
        assert_eq!(receiver.spans().len(), SPANS);
        let headers = &receiver.received()[0].headers;
        assert_eq!(headers["authorization"], "Bearer t0k3n");
        let encoding =
            if protocol == Protocol::Grpc { "grpc-encoding" } else { "content-encoding" };
        assert_eq!(headers[encoding], "gzip");
    }
}

#[test]
fn what_it_comes_from_stands_around_the_spans() {
    let receiver = Receiver::start(Manners::default());
    exported(&options(at(&receiver, Protocol::HttpProtobuf)), RECORDING, PATIENT);
    let received = receiver.received();
    assert_eq!(received[0].path, "/v1/traces");
    let resource = &received[0].traces.as_ref().unwrap().resource_spans[0];
    assert_eq!(resource.schema_url, codeloops_sink_otel::names::SCHEMA_URL);
    assert_eq!(resource.resource.as_ref().unwrap().attributes[0].key, "service.name");
    let scope = resource.scope_spans[0].scope.as_ref().unwrap();
    assert_eq!((&scope.name[..], &scope.version[..]), ("codeloops", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_receiver_with_tls_is_trusted_by_its_authority_alone() {
    let authority = include_bytes!("tls/authority.pem").to_vec();
    let identity = ClientIdentity {
        certificate: include_bytes!("tls/client.pem").to_vec(),
        key: include_bytes!("tls/client.key").to_vec(),
    };
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        for wants_certificate in [false, true] {
            let manners = Manners { tls: Some(wants_certificate), ..Manners::default() };
            let receiver = Receiver::start(manners);
            let mut target = at(&receiver, protocol);
            target.url = target.url.replace("http://", "https://");
            target.tls.certificates = Some(authority.clone());
            target.tls.client = wants_certificate.then(|| identity.clone());
            let report = exported(&options(target.clone()), RECORDING, PATIENT);
            assert_eq!(report.error, None, "{protocol:?}");
            assert_eq!(receiver.spans().len(), SPANS);
            // Another authority than the one that signed for it.
            target.tls.certificates = Some(include_bytes!("tls/client.pem").to_vec());
            let report = exported(&options(target), RECORDING, PATIENT);
            let error = report.error.unwrap();
            assert!(error.contains("certificate"), "{error}");
        }
    }
}

#[test]
fn a_trace_that_is_not_sampled_is_not_exported() {
    let receiver = Receiver::start(Manners::default());
    let options = OtelOptions { sampled: false, ..options(at(&receiver, Protocol::Grpc)) };
    let report = exported(&options, Feed::Live, PATIENT);
    assert_eq!(report.state, SinkState::Finished);
    assert!(report.note.unwrap().ends_with("is not exported"));
    assert!(receiver.received().is_empty());
}

#[test]
fn metrics_are_exported_of_a_live_run_where_they_are_wanted() {
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        for (feed, is_expected) in [(Feed::Live, true), (RECORDING, false)] {
            let receiver = Receiver::start(Manners::default());
            let traces = at(&receiver, protocol);
            let metrics = Target { url: traces.url.replace("traces", "metrics"), ..traces.clone() };
            let options = OtelOptions { metrics: Some(metrics), ..options(traces) };
            let report = exported(&options, feed, PATIENT);
            assert_eq!(report.error, None);
            assert_eq!(receiver.spans().len(), SPANS);
            let received = receiver.received().into_iter().filter_map(|got| got.metrics);
            let resources = received.flat_map(|request| request.resource_metrics);
            let scopes = resources.flat_map(|resource| resource.scope_metrics);
            let names: Vec<String> =
                scopes.flat_map(|scope| scope.metrics).map(|metric| metric.name).collect();
            let has = |name: &str| names.iter().any(|given| given == name);
            assert_eq!(has("gen_ai.workflow.duration"), is_expected, "{names:?}");
        }
    }
}

/// [`recording`] with what its first actor told: two tools at once, of which one fails.
fn with_tools() -> Vec<Event> {
    let call = |id: &str| Item::ToolCall {
        id: Some(id.to_owned()),
        name: "Bash".to_owned(),
        argument: "canary".to_owned(),
    };
    let result = |id: &str, failed| Item::ToolResult {
        id: Some(id.to_owned()),
        failed,
        text: "canary".to_owned(),
    };
    let told = [vec![call("a"), call("b")], vec![result("b", true)], vec![result("a", false)]];
    let told = told.map(|items| {
        let (role, stream) = (Role::Actor, OutputStream::Stdout);
        Event::AgentOutput(AgentOutput { role, stream, skipped_bytes: 0, items })
    });
    let mut events = recording();
    let at = events.iter().position(|event| matches!(event, Event::ActorStarted(_))).unwrap();
    events.splice(at + 1..at + 1, told);
    events
}

#[test]
fn tools_are_exported_of_a_live_run_where_they_are_wanted() {
    for (feed, tools, expected) in
        [(Feed::Live, true, 2), (Feed::Live, false, 0), (RECORDING, true, 0)]
    {
        let receiver = Receiver::start(Manners::default());
        let options = OtelOptions { tools, ..options(at(&receiver, Protocol::Grpc)) };
        let report = export(with_tools(), &options, feed, PATIENT);
        assert_eq!((report.state, report.error), (SinkState::Finished, None));
        let spans = receiver.spans();
        let (used, others): (Vec<_>, Vec<_>) =
            spans.iter().partition(|span| span.name == "execute_tool Bash");
        assert_eq!((used.len(), others.len()), (expected, SPANS), "{feed:?}, {tools}");
        for span in &used {
            let parent = others.iter().find(|other| other.span_id == span.parent_span_id);
            assert!(parent.unwrap().name.starts_with("invoke_agent"), "below an agent");
        }
        let failed = used.iter().filter(|span| span.status.is_some()).count();
        assert_eq!(failed, expected / 2);
        assert!(!format!("{spans:?}").contains("canary"), "content is off");
    }
}
