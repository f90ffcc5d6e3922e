//! A place whose runs are exported.

use codeloops_tests::otlp::{OtlpReceiver, Transport};
use codeloops_tests::{Output, Programs, Workspace};

const PROGRAMS: Programs = Programs {
    codeloops: env!("CARGO_BIN_EXE_codeloops-under-test"),
    fake_agent: env!("CARGO_BIN_EXE_fake-agent"),
};

/// Asks for more, then approves.
pub(crate) const TWO_ROUNDS: &str = "
on actor 1
edit a.txt one
print I wrote one.
on critic 1
print DECISION: CONTINUE\\n\\nFEEDBACK: It should be two.
on actor 2
edit a.txt two
print I wrote two.
on critic 2
print DECISION: DONE\\n\\nSUMMARY: It is two.\\n\\nCONFIDENCE: 0.95
";

/// A place with an agent that plays this script, and no receiver.
pub(crate) fn place(script: &str) -> Workspace {
    let place = Workspace::new(PROGRAMS);
    place.script(script);
    place
}

/// A place whose spans go to this receiver.
pub(crate) fn exporting(script: &str, receiver: &OtlpReceiver, by: Transport) -> Workspace {
    let mut place = place(script);
    let (url, protocol) = match by {
        Transport::Grpc => (receiver.grpc(), "grpc"),
        Transport::Http => (receiver.http(), "http/protobuf"),
    };
    export_to(&mut place, &url, protocol);
    place
}

/// Names the receiver as OpenTelemetry's specification has it.
pub(crate) fn export_to(place: &mut Workspace, url: &str, protocol: &str) {
    place.set_var("OTEL_EXPORTER_OTLP_ENDPOINT", url);
    place.set_var("OTEL_EXPORTER_OTLP_PROTOCOL", protocol);
}

/// Runs with the sink.
#[track_caller]
pub(crate) fn run(place: &Workspace, options: &[&str]) -> Output {
    place.task(&[&["--sink", "console", "--sink", "otel"], options].concat())
}
