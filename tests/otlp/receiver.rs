//! The receiver itself, with a client of the same Python: what comes over gRPC and over HTTP is told
//! alike, and it fails as it is told to.

use std::path::Path;
use std::process::Command;

use codeloops_tests::otlp::{Answer, OtlpReceiver, Request, Span, Status, Transport};
use serde_json::json;

/// What the client is told by each transport.
fn sent(receiver: &OtlpReceiver) -> [String; 2] {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    [("grpc", receiver.grpc()), ("http", receiver.http())].map(|(transport, url)| {
        let mut client = Command::new(root.join("target/otlp/bin/python"));
        client.arg(root.join("tests/otlp/client.py")).arg(transport);
        client.arg(url.rsplit_once(':').unwrap().1);
        let output = client.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    })
}

fn answers(requests: &[Request]) -> Vec<Answer> {
    requests.iter().map(|request| request.answer).collect()
}

#[test]
fn a_span_is_told_alike_by_grpc_and_by_http() {
    let mut receiver = OtlpReceiver::start(&[]);
    assert_eq!(sent(&receiver), ["OK", "200"]);
    let spans = receiver.spans_until(|spans| spans.len() == 2);
    assert_eq!(spans[0], spans[1]);
    let Span { trace_id, span_id, parent_span_id, name, kind, .. } = &spans[0];
    assert_eq!((name.as_str(), *kind, parent_span_id.as_str()), ("a span", 3, ""));
    assert_eq!(trace_id, "0102030405060708090a0b0c0d0e0f10");
    assert_eq!(span_id, "0102030405060708");
    let Span { resource, scope, schema_url, attributes, status, .. } = &spans[0];
    assert_eq!((&resource["service.name"], &attributes["n"]), (&json!("client"), &json!(7)));
    assert_eq!((scope.name.as_str(), scope.version.as_str()), ("client", "1"));
    assert_eq!(schema_url, "its schema");
    assert_eq!(status, &Status { code: 2, message: "why".to_owned() });
    let requests = receiver.end();
    assert_eq!(
        requests.iter().map(|r| r.transport).collect::<Vec<_>>(),
        [Transport::Grpc, Transport::Http]
    );
    assert!(requests.iter().all(|request| request.headers["authorization"] == "Bearer t"));
    assert_eq!(requests[1].headers["content-encoding"], "gzip");
}

#[test]
fn it_fails_as_it_is_told_to() {
    let unavailable = OtlpReceiver::start(&["--fail-first", "2"]);
    assert_eq!(sent(&unavailable), ["UNAVAILABLE", "503"]);
    assert_eq!(sent(&unavailable), ["OK", "200"]);
    let expected = [[Answer::Unavailable; 2], [Answer::Taken; 2]].concat();
    assert_eq!(answers(&unavailable.end()), expected);

    let strict = OtlpReceiver::start(&["--require", "authorization=Bearer u"]);
    assert_eq!(sent(&strict), ["UNAUTHENTICATED", "401"]);
    assert_eq!(answers(&strict.end()), [Answer::Unauthenticated; 2]);
    let content = OtlpReceiver::start(&["--require", "Authorization=Bearer t"]);
    assert_eq!(sent(&content), ["OK", "200"]);

    let rejecting = OtlpReceiver::start(&["--reject", "1"]);
    assert_eq!(sent(&rejecting), ["OK", "200"]);
    assert_eq!(answers(&rejecting.end()), [Answer::Rejected; 2]);
}
