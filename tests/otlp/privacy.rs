//! What people and agents wrote stays here unless the user wants it exported.

use codeloops_tests::otlp::{OtlpReceiver, Span, Transport, taken};

use crate::place::{exporting, run};

/// In what both agents print, in the diff and in its file's name.
const SCRIPT: &str = "
on actor
edit CANARY.txt CANARY
print CANARY
stderr CANARY
on critic
print DECISION: DONE\\n\\nSUMMARY: CANARY\\n\\nCONFIDENCE: 0.9
";

const CANARY: &str = "CANARY";

#[test]
fn nothing_that_was_written_is_exported_unless_it_is_asked_for() {
    let receiver = OtlpReceiver::start(&[]);
    let place = exporting(SCRIPT, &receiver, Transport::Grpc);
    let sinks = ["--sink", "console", "--sink", "otel"];
    let task = ["--prompt", "CANARY in the task"];
    let _ran = place.run(&[&task[..], &sinks].concat()).exits(0);
    let requests = receiver.end();
    assert!(!taken(&requests).is_empty());
    for request in requests {
        let told = serde_json::to_string(&request.resources).unwrap();
        assert!(!told.contains(CANARY), "{told}");
    }
}

#[test]
fn what_is_asked_for_is_exported_and_no_attribute_is_too_long_for_a_backend() {
    let receiver = OtlpReceiver::start(&[]);
    let long = SCRIPT.replace("print CANARY", &format!("print CANARY {}", "ü".repeat(3000)));
    let place = exporting(&long, &receiver, Transport::Http);
    place.write("codeloops.toml", "[sinks.otel]\ncontent = \"attributes\"\n");
    let _ran = run(&place, &[]).exits(0);
    let spans = taken(&receiver.end());
    let told = format!("{spans:?}");
    assert!(told.contains(CANARY), "{told}");
    let texts = |span: &Span| {
        let texts = span.attributes.values().filter_map(|value| value.as_str().map(str::len));
        texts.max().unwrap_or_default()
    };
    assert!(spans.iter().all(|span| texts(span) <= 2000), "{told}");
    let cut = |span: &&Span| span.attributes.get("codeloops.truncated") == Some(&true.into());
    assert!(spans.iter().any(|span| cut(&span)), "{told}");
}
