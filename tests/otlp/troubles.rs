//! A receiver that is not there, does not answer, or refuses: the run is what it would have been
//! without it.

use std::fs;
use std::net::TcpListener;

use codeloops_tests::otlp::OtlpReceiver;
use codeloops_tests::{Output, Workspace};

use crate::place::{TWO_ROUNDS, export_to, place, run};

/// The sink ends its waiting a little before the limit ends the sink, so that it can tell of it.
const GIVEN_UP: &str = "within the 0.6 s for closing";

const CLOSE_TIMEOUT: &str = "[sinks]\nclose_timeout = \"700ms\"\n";

/// The session file of a run, with what differs from run to run taken out.
fn recorded(place: &Workspace) -> String {
    place.redact(&fs::read_to_string(place.session_file()).unwrap())
}

/// What the closing lines say of the sink.
fn told_of_sink(ran: &Output) -> String {
    let lines = ran.stdout.lines().chain(ran.stderr.lines());
    lines.filter(|line| line.contains("otel")).collect::<Vec<_>>().join("\n")
}

fn place_with_limit() -> Workspace {
    let place = place(TWO_ROUNDS);
    place.write("codeloops.toml", CLOSE_TIMEOUT);
    place.commit_all("settings");
    place
}

/// The same run, by each transport, with the receiver at this URL; it tells of the receiver in these
/// words.
#[track_caller]
fn assert_as_without(urls: [(String, &str); 2], words: [&str; 2]) {
    let without = place_with_limit();
    let alone = without.task(&[]).exits(0);
    for ((url, protocol), words) in urls.into_iter().zip(words) {
        let mut place = place_with_limit();
        export_to(&mut place, &url, protocol);
        let ran = run(&place, &[]).exits(0);
        assert_eq!(recorded(&place), recorded(&without), "{protocol}");
        let shown = |output: &Output| {
            let lines = output.stdout.lines().filter(|line| !line.contains("otel"));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(shown(&ran), shown(&alone), "{protocol}");
        let told = told_of_sink(&ran);
        assert!(told.contains("of 9 spans did not reach") && told.contains(words), "{ran}");
    }
}

fn both(receiver: &OtlpReceiver) -> [(String, &'static str); 2] {
    [(receiver.grpc(), "grpc"), (receiver.http(), "http/protobuf")]
}

#[test]
fn a_receiver_that_is_not_there_changes_nothing() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    assert_as_without([(url.clone(), "grpc"), (url, "http/protobuf")], [""; 2]);
}

#[test]
fn a_receiver_that_does_not_answer_changes_nothing() {
    let receiver = OtlpReceiver::start(&["--hang"]);
    assert_as_without(both(&receiver), [GIVEN_UP; 2]);
}

#[test]
fn a_receiver_that_cannot_be_connected_to_changes_nothing() {
    let receiver = OtlpReceiver::start(&["--black-hole"]);
    assert_as_without(both(&receiver), [GIVEN_UP; 2]);
}

#[test]
fn a_receiver_that_refuses_changes_nothing() {
    let receiver = OtlpReceiver::start(&["--require", "authorization=Bearer t"]);
    assert_as_without(both(&receiver), ["Unauthenticated", "401"]);
}

#[test]
fn a_receiver_that_stays_unavailable_changes_nothing() {
    let receiver = OtlpReceiver::start(&["--fail-first", "1000000"]);
    assert_as_without(both(&receiver), [GIVEN_UP; 2]);
}

#[test]
fn a_receiver_that_rejects_some_changes_nothing() {
    let receiver = OtlpReceiver::start(&["--reject", "3"]);
    assert_as_without(both(&receiver), ["rejected by the test"; 2]);
}
