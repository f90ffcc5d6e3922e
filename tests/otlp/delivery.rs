//! How spans are sent: with the headers that are asked for, packed or not, again where the receiver
//! asks for that.

use std::collections::BTreeSet;

use codeloops_tests::otlp::{Answer, OtlpReceiver, Request, Span, Transport, taken};

use crate::place::{TWO_ROUNDS, exporting, run};

const BOTH: [Transport; 2] = [Transport::Grpc, Transport::Http];

fn ids(spans: &[Span]) -> BTreeSet<&str> {
    spans.iter().map(|span| span.span_id.as_str()).collect()
}

#[test]
fn headers_are_sent_and_a_receiver_may_ask_for_them() {
    for by in BOTH {
        let receiver = OtlpReceiver::start(&["--require", "authorization=Bearer s3cret-t0ken"]);
        let mut place = exporting(TWO_ROUNDS, &receiver, by);
        place.set_var("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20s3cret-t0ken");
        let ran = run(&place, &[]).exits(0);
        assert!(!format!("{ran}").contains("s3cret"), "{ran}");
        let requests = receiver.end();
        assert!(requests.iter().all(|request| request.answer == Answer::Taken), "{requests:#?}");
        assert_eq!(ids(&taken(&requests)).len(), 9, "{by:?}");
    }
}

#[test]
fn requests_are_packed_where_that_is_asked_for() {
    for by in BOTH {
        let receiver = OtlpReceiver::start(&[]);
        let mut place = exporting(TWO_ROUNDS, &receiver, by);
        place.set_var("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip");
        let _ran = run(&place, &[]).exits(0);
        let requests = receiver.end();
        assert_eq!(taken(&requests).len(), 9, "{by:?}");
        // gRPC's own headers do not reach a service.
        if by == Transport::Http {
            let packed = |of: &Request| of.headers["content-encoding"] == "gzip";
            assert!(requests.iter().all(packed), "{requests:#?}");
        }
    }
}

#[test]
fn a_receiver_that_is_unavailable_gets_everything_once_when_it_is_back() {
    for by in BOTH {
        let receiver = OtlpReceiver::start(&["--fail-first", "2"]);
        let place = exporting(TWO_ROUNDS, &receiver, by);
        let _ran = run(&place, &[]).exits(0);
        let requests = receiver.end();
        let refused = requests.iter().filter(|request| request.answer == Answer::Unavailable);
        assert_eq!(refused.count(), 2, "{by:?}");
        let spans = taken(&requests);
        assert_eq!((spans.len(), ids(&spans).len()), (9, 9), "{by:?}: {spans:#?}");
    }
}
