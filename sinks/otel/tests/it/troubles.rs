//! Receivers that are not there, do not answer, or do not want what they get.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use codeloops_event::{Event, IterationStarted};
use codeloops_sink_otel::{Feed, OtelOptions, OtelSink, Protocol};
use codeloops_sinks::{Sink, SinkState};

use crate::export::{PATIENT, RECORDING, SPANS, at, exported, options, recording, target};
use crate::receiver::{Answer, Manners, Receiver};

const PROTOCOLS: [Protocol; 2] = [Protocol::Grpc, Protocol::HttpProtobuf];

/// The little time that a run may grant.
const BRIEF: Duration = Duration::from_secs(1);

/// Exports to a receiver that takes nothing, and gives what the report says of it.
#[track_caller]
fn lost(target: codeloops_sink_otel::Target, feed: Feed, within: Duration) -> String {
    let report = exported(&options(target), feed, within);
    assert_eq!(report.state, SinkState::Detached, "it told what became of its spans");
    let error = report.error.unwrap();
    assert!(error.starts_with(&format!("{SPANS} of {SPANS} spans did not reach")), "{error}");
    assert_eq!(report.note, None, "there is nothing to look at");
    let (lost, again) = error.split_once("; `codeloops replay ").unwrap_or((&error, ""));
    assert_eq!(again.is_empty(), feed != Feed::Live, "{error}");
    lost.to_owned()
}

#[test]
fn nobody_listens() {
    // A port that was just given back.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for protocol in PROTOCOLS {
        let error = lost(target(format!("http://{address}"), protocol), Feed::Live, PATIENT);
        assert!(error.contains("onnection refused"), "{error}");
    }
}

/// More waits than there is room for, so the recording cannot be read on until something was sent.
#[test]
fn a_long_recording_does_not_wait_for_ever_where_nobody_listens() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let target = target(format!("http://{address}"), Protocol::Grpc);
    let options = OtelOptions { content: true, ..options(target) };
    let mut sink = OtelSink::new(&options, RECORDING, || None, PATIENT).unwrap();
    let recording = recording();
    sink.accept(&recording[0]).unwrap();
    let mut round = recording.into_iter().find_map(|event| match event {
        Event::Iteration(round) => Some(round),
        _ => None,
    });
    let round = round.as_mut().unwrap();
    round.actor_output = "x".repeat(2000);
    round.git_diff = "x".repeat(2000);
    for number in 1..=6000 {
        let (timestamp, elapsed_ms) = (round.timestamp, 0);
        let begun = IterationStarted { timestamp, elapsed_ms, iteration: number };
        sink.accept(&Event::IterationStarted(begun)).unwrap();
        round.iteration_number = number;
        sink.accept(&Event::Iteration(round.clone())).unwrap();
    }
    let error = sink.finish().unwrap_err().to_string();
    assert!(error.contains("6001 of 6001 spans did not reach"), "{error}");
}

#[test]
fn nobody_answers() {
    let receiver = Receiver::start(Manners { hang: true, ..Manners::default() });
    for protocol in PROTOCOLS {
        for feed in [Feed::Live, RECORDING] {
            let error = lost(at(&receiver, protocol), feed, BRIEF);
            assert!(error.contains("they were not taken within the 0.9 s for closing"), "{error}");
        }
    }
    let mut hurried = at(&receiver, Protocol::Grpc);
    hurried.timeout = Duration::from_millis(20);
    let error = lost(hurried, Feed::Live, PATIENT);
    assert!(error.contains("no answer within 0.02 s"), "{error}");
}

/// A socket that listens and has no room for another connection: packets to it are dropped.
fn black_hole() -> (TcpListener, Vec<TcpStream>, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let address = listener.local_addr().unwrap();
    let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(200));
    let filling: Vec<TcpStream> = std::iter::from_fn(|| connect().ok()).take(64).collect();
    assert!(filling.len() < 64, "it never fills");
    (listener, filling, address)
}

#[test]
fn packets_are_swallowed() {
    let (_listener, _filling, address) = black_hole();
    for protocol in PROTOCOLS {
        let error = lost(target(format!("http://{address}"), protocol), Feed::Live, BRIEF);
        assert!(error.contains("they were not taken within the 0.9 s for closing"), "{error}");
        let mut hurried = target(format!("http://{address}"), protocol);
        hurried.timeout = Duration::from_millis(20);
        lost(hurried, Feed::Live, PATIENT);
    }
}

#[test]
fn the_receiver_does_not_want_it() {
    for (protocol, answer, told) in [
        (Protocol::HttpProtobuf, Answer::Code(401), "it answered 401 Unauthorized"),
        (Protocol::HttpProtobuf, Answer::Code(500), "it answered 500 Internal Server Error"),
        (Protocol::Grpc, Answer::Status(16), "it answered Unauthenticated"),
        (Protocol::Grpc, Answer::Status(3), "it answered InvalidArgument"),
    ] {
        let manners = Manners { first: Some((u32::MAX, answer)), ..Manners::default() };
        let error = lost(at(&Receiver::start(manners), protocol), Feed::Live, PATIENT);
        assert!(error.ends_with(told), "{error}");
    }
}

const BUSY: [(Protocol, Answer); 2] =
    [(Protocol::HttpProtobuf, Answer::Code(503)), (Protocol::Grpc, Answer::Status(14))];

/// More often than one that is not there is tried.
#[test]
fn a_receiver_that_is_busy_gets_it_once_it_is_not() {
    for (protocol, answer) in BUSY {
        let receiver = Receiver::start(Manners { first: Some((5, answer)), ..Manners::default() });
        let report = exported(&options(at(&receiver, protocol)), Feed::Live, PATIENT);
        assert_eq!(report.error, None, "{protocol:?}");
        assert_eq!(receiver.spans().len(), SPANS, "each once");
    }
}

#[test]
fn a_receiver_that_stays_busy_is_given_up_when_the_time_is_over() {
    for (protocol, answer) in BUSY {
        let manners = Manners { first: Some((u32::MAX, answer)), ..Manners::default() };
        let error = lost(at(&Receiver::start(manners), protocol), Feed::Live, BRIEF);
        assert!(error.contains("within the 0.9 s for closing (it answered "), "{error}");
    }
}

#[test]
fn a_page_for_people_is_no_receiver() {
    let receiver = Receiver::start(Manners { page: true, ..Manners::default() });
    let error = lost(at(&receiver, Protocol::HttpProtobuf), Feed::Live, PATIENT);
    assert!(error.ends_with("it answered 200 OK with a page for people"), "{error}");
}

/// What it took is not sent again.
#[test]
fn an_answer_without_end_is_an_answer() {
    for protocol in PROTOCOLS {
        let receiver = Receiver::start(Manners { long: true, ..Manners::default() });
        let report = exported(&options(at(&receiver, protocol)), Feed::Live, PATIENT);
        assert_eq!(report.error, None, "{protocol:?}");
        assert_eq!(receiver.spans().len(), SPANS, "each once");
    }
}

#[test]
fn spans_that_the_receiver_rejects_are_told() {
    for protocol in PROTOCOLS {
        let receiver = Receiver::start(Manners { reject: 100, ..Manners::default() });
        let error = lost(at(&receiver, protocol), Feed::Live, PATIENT);
        assert!(error.ends_with("the receiver rejected them: rejected by the test"), "{error}");
    }
}

#[test]
fn something_that_is_no_receiver() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let _told = std::io::Write::write_all(&mut stream, b"SSH-2.0-nonsense\r\n");
        }
    });
    for protocol in PROTOCOLS {
        lost(target(format!("http://{address}"), protocol), Feed::Live, PATIENT);
    }
}
