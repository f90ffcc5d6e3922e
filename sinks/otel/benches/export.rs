//! What the sink costs: a run that it is fed by, the export of a long recording, and the memory that it
//! takes while its receiver takes nothing.
//!
//! Each measurement is a process of its own: the program calls itself, so that the peak of one is not
//! that of another.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]

#[path = "../tests/it/receiver.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod receiver;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use codeloops_event::Event;
use codeloops_sink_otel::{Compression, Feed, OtelOptions, OtelSink, Protocol, Target, Tls};
use codeloops_sinks::{Hub, HubOptions, Sink};
use receiver::{Manners, Receiver};

/// 10,001 spans: a round has four.
const ROUNDS: u32 = 2500;

const TIMES: usize = 9;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("publish") => publish(),
        Some("tree") => tree(),
        Some("grpc") => export(Protocol::Grpc, false),
        Some("http") => export(Protocol::HttpProtobuf, false),
        Some("gzip") => export(Protocol::Grpc, true),
        Some("stuck") => stuck(),
        _ => all(),
    }
}

fn all() {
    for (name, what) in [
        ("publish", "an event handed to the hub, with the sink and without (ns, median)"),
        ("tree", "an event in the sink's own thread, until its spans wait for the exporter (us)"),
        ("grpc", "10,001 spans of a recording, gRPC (ms, median of 9)"),
        ("http", "10,001 spans of a recording, HTTP (ms, median of 9)"),
        ("gzip", "10,001 spans of a recording, gRPC with gzip (ms, median of 9)"),
        ("stuck", "peak memory with a receiver that never answers, 1,000,000 spans (MiB)"),
    ] {
        println!("{what}");
        let status = Command::new(std::env::current_exe().unwrap()).arg(name).status().unwrap();
        assert!(status.success());
    }
}

/// A run of so many rounds: those of a recorded one, over and over.
fn run(rounds: u32) -> Vec<Arc<Event>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = dir.join("../../engine/session/tests/fixtures/v1.0/run_two_rounds.jsonl");
    let text = std::fs::read_to_string(file).unwrap();
    let recorded: Vec<Event> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let end = recorded.iter().position(|event| matches!(event, Event::Iteration(_))).unwrap();
    let (start, round) = (&recorded[0], &recorded[1..=end]);
    let mut events = vec![start.clone()];
    events.extend((1..=rounds).flat_map(|number| round.iter().map(move |e| numbered(e, number))));
    events.push(recorded.last().unwrap().clone());
    events.into_iter().map(Arc::new).collect()
}

fn numbered(event: &Event, number: u32) -> Event {
    let mut event = event.clone();
    match &mut event {
        Event::IterationStarted(e) => e.iteration = number,
        Event::ActorStarted(e) | Event::CriticStarted(e) => e.iteration = number,
        Event::ActorCompleted(e) => e.iteration = number,
        Event::DiffCaptured(e) => e.iteration = number,
        Event::CriticCompleted(e) => e.iteration = number,
        Event::TreeChecked(e) => e.iteration = number,
        Event::VerdictReached(e) => e.iteration = number,
        Event::Iteration(e) => e.iteration_number = number,
        _ => {}
    }
    event
}

fn sink(receiver: &Receiver, protocol: Protocol, gzip: bool, feed: Feed) -> OtelSink {
    let path = if protocol == Protocol::HttpProtobuf { "/v1/traces" } else { "" };
    let traces = Target {
        url: format!("http://{}{path}", receiver.address),
        protocol,
        headers: Vec::new(),
        compression: if gzip { Compression::Gzip } else { Compression::None },
        timeout: Duration::from_secs(10),
        tls: Tls::default(),
    };
    let options = OtelOptions {
        traces,
        metrics: None,
        resource: vec![("service.name".to_owned(), "codeloops".into())],
        content: false,
        longest_text: None,
        tools: false,
        sampled: true,
        trace_url: None,
    };
    OtelSink::new(&options, feed, || None, Duration::from_secs(60)).unwrap()
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn publish() {
    let receiver = Receiver::start(Manners::default());
    let events = run(250);
    for with in [false, true] {
        let each = (0..TIMES).map(|_| {
            let sinks: Vec<Box<dyn Sink>> = if with {
                vec![Box::new(sink(&receiver, Protocol::Grpc, false, Feed::Live))]
            } else {
                Vec::new()
            };
            let hub = Hub::new(sinks, &HubOptions::default());
            let since = Instant::now();
            events.iter().for_each(|event| hub.publish(event));
            let took = since.elapsed();
            drop(hub.close(Duration::from_secs(60)));
            took.as_secs_f64() * 1e9 / events.len() as f64
        });
        println!("  {} {:.0}", if with { "with" } else { "without" }, median(each.collect()));
    }
}

fn tree() {
    let receiver = Receiver::start(Manners { hang: true, ..Manners::default() });
    let events = run(250);
    let each = (0..TIMES).map(|_| {
        let mut sink = sink(&receiver, Protocol::Grpc, false, Feed::Live);
        let since = Instant::now();
        events.iter().for_each(|event| sink.accept(event).unwrap());
        since.elapsed().as_secs_f64() * 1e6 / events.len() as f64
    });
    println!("  {:.2}", median(each.collect()));
}

fn export(protocol: Protocol, gzip: bool) {
    let receiver = Receiver::start(Manners::default());
    let events = run(ROUNDS);
    let each = (0..TIMES).map(|_| {
        let before = receiver.received().len();
        let feed = Feed::Recording { shift: TimeDelta::zero(), is_over: true };
        let sink = sink(&receiver, protocol, gzip, feed);
        let hub = Hub::new(vec![Box::new(sink)], &HubOptions::default());
        let since = Instant::now();
        events.iter().for_each(|event| hub.publish(event));
        let report = hub.close(Duration::from_secs(60)).pop().unwrap();
        let took = since.elapsed().as_secs_f64() * 1e3;
        assert_eq!(report.error, None);
        let received = receiver.received().split_off(before);
        let spans = received.iter().flat_map(|got| &got.traces);
        let spans = spans.flat_map(|got| &got.resource_spans).flat_map(|got| &got.scope_spans);
        assert_eq!(spans.map(|got| got.spans.len()).sum::<usize>(), 4 * ROUNDS as usize + 1);
        took
    });
    println!("  {:.0}", median(each.collect()));
}

fn stuck() {
    let receiver = Receiver::start(Manners { hang: true, ..Manners::default() });
    let events = run(ROUNDS);
    println!("  before {:.1}", peak());
    let mut sink = sink(&receiver, Protocol::Grpc, false, Feed::Live);
    for round in 0..100 {
        events.iter().skip(1).for_each(|event| sink.accept(event).unwrap());
        if round == 0 || round == 99 {
            println!("  after {} spans {:.1}", (round + 1) * 4 * ROUNDS, peak());
        }
        // The next begins anew.
        sink.accept(&events[0]).unwrap();
    }
}

/// MiB that this process has had in memory at most.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}
