//! Speaks OTLP to a receiver, over gRPC or HTTP, and tells what became of a request.
//!
//! One HTTP client serves both: gRPC is HTTP/2 with trailers, which tonic writes and reads. Each
//! request has one limit on its time that holds from the look-up of the host's name to the last byte
//! of the answer, so a receiver that swallows packets costs no more than one that hangs.

mod retry_info;
mod tls;

use std::error::Error;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{
    CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT,
};
use hyper::http::uri::PathAndQuery;
use hyper::{Method, Request, StatusCode, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::codec::CompressionEncoding;
use tonic::metadata::MetadataMap;
use tonic_prost::ProstCodec;

use crate::options::{Compression, Protocol, Target};

/// Bytes of an answer that are read. Its message is one line.
const LONGEST_ANSWER: usize = 64 * 1024;

/// Bytes of a receiver's own words that are told.
const LONGEST_MESSAGE: usize = 200;

/// What a gRPC receiver calls the export of spans, and that of metrics (OTLP specification).
const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const METRICS: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

/// A receiver that cannot be spoken to as the options say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetUpError {
    /// Its URL is none.
    #[error("`{url}` is no URL of a receiver: {why}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// A header cannot be sent. Its value is not told.
    #[error("the header `{name}` cannot be sent: its name or value holds what HTTP does not allow")]
    Header {
        /// The header's name.
        name: String,
    },
    /// The certificates are of no use.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
    /// No thread or runtime could be had.
    #[error("the exporter cannot be started: {0}")]
    Thread(String),
}

/// Why a request was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ExportError {
    /// It may be taken later.
    Later(Later),
    /// It will not be taken.
    Refused { why: String },
}

/// Why a request may be taken later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Later {
    pub(crate) why: String,
    /// Whether the receiver is there, and answered.
    pub(crate) is_there: bool,
    /// When it wants to be asked again.
    pub(crate) after: Option<Duration>,
}

/// A request was taken, apart from so many of its items.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) rejected: u64,
    pub(crate) why: String,
}

impl Taken {
    fn apart_from(rejected: i64, why: String) -> Self {
        Self { rejected: u64::try_from(rejected).unwrap_or(0), why: shortened(&why) }
    }
}

impl Target {
    /// Whether it can be spoken to as it says; sends nothing.
    ///
    /// # Errors
    /// Where its URL, a header or a certificate is of no use.
    pub fn check(&self) -> Result<(), SetUpError> {
        Client::new(self).map(drop)
    }
}

/// A receiver of one signal.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    target: Target,
    uri: Uri,
    headers: HeaderMap,
    http: HttpClient<HttpsConnector<HttpConnector>, Body>,
}

impl Client {
    pub(crate) fn new(target: &Target) -> Result<Self, SetUpError> {
        let uri = uri(&target.url)?;
        let is_https = uri.scheme_str() == Some("https");
        let connector = tls::connector(target, is_https)?;
        let http = HttpClient::builder(TokioExecutor::new())
            .http2_only(target.protocol == Protocol::Grpc)
            .build(connector);
        Ok(Self { headers: headers(target)?, target: target.clone(), uri, http })
    }

    pub(crate) async fn send_spans(
        &self,
        request: ExportTraceServiceRequest,
    ) -> Result<Taken, ExportError> {
        let taken: ExportTraceServiceResponse = self.send(TRACES, request).await?;
        let partly = taken.partial_success.unwrap_or_default();
        Ok(Taken::apart_from(partly.rejected_spans, partly.error_message))
    }

    pub(crate) async fn send_metrics(
        &self,
        request: ExportMetricsServiceRequest,
    ) -> Result<Taken, ExportError> {
        let taken: ExportMetricsServiceResponse = self.send(METRICS, request).await?;
        let partly = taken.partial_success.unwrap_or_default();
        Ok(Taken::apart_from(partly.rejected_data_points, partly.error_message))
    }

    async fn send<T, U>(&self, service: &'static str, message: T) -> Result<U, ExportError>
    where
        T: Message + 'static,
        U: Message + Default + 'static,
    {
        match self.target.protocol {
            Protocol::Grpc => self.within(self.call(service, message)).await?,
            Protocol::HttpProtobuf => self.within(self.post(&message)).await?,
        }
    }

    async fn call<T, U>(&self, service: &'static str, message: T) -> Result<U, ExportError>
    where
        T: Message + 'static,
        U: Message + Default + 'static,
    {
        let grpc = Grpc::with_origin(self.http.clone(), self.uri.clone());
        let mut grpc = match self.target.compression {
            Compression::None => grpc,
            Compression::Gzip => grpc.send_compressed(CompressionEncoding::Gzip),
        };
        grpc.ready().await.map_err(|error| later(root_cause(&error)))?;
        let path = PathAndQuery::from_static(service);
        let codec = ProstCodec::<T, U>::default();
        match grpc.unary(self.with_headers(message), path, codec).await {
            Ok(answer) => Ok(answer.into_inner()),
            // It took the request, whatever becomes of the rest of its answer.
            Err(status) if is_of_long_answer(&status) => Ok(U::default()),
            Err(status) => Err(of_status(&status)),
        }
    }

    fn with_headers<T>(&self, message: T) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        *request.metadata_mut() = MetadataMap::from_headers(self.headers.clone());
        request
    }

    async fn within<T>(&self, answer: impl Future<Output = T>) -> Result<T, ExportError> {
        let limit = self.target.timeout;
        let answer = tokio::time::timeout(limit, answer).await;
        answer.map_err(|_| later(format!("no answer within {} s", limit.as_secs_f64())))
    }

    async fn post<U: Message + Default>(&self, message: &impl Message) -> Result<U, ExportError> {
        let answer = self.http.request(self.request(message.encode_to_vec())?).await;
        let (head, body) = answer.map_err(|error| later(root_cause(&error)))?.into_parts();
        if !head.status.is_success() {
            return Err(of_code(head.status, &head.headers));
        }
        if is_page(&head.headers) {
            let why = format!("it answered {} with a page for people", head.status);
            return Err(ExportError::Refused { why });
        }
        // It took the request, whatever becomes of the rest of its answer.
        let body = Limited::new(body, LONGEST_ANSWER).collect().await;
        Ok(body.ok().and_then(|body| U::decode(body.to_bytes()).ok()).unwrap_or_default())
    }

    fn request(&self, body: Vec<u8>) -> Result<Request<Body>, ExportError> {
        let mut request = Request::builder().method(Method::POST).uri(self.uri.clone());
        if let Some(headers) = request.headers_mut() {
            headers.extend(self.headers.clone());
            let protobuf = HeaderValue::from_static("application/x-protobuf");
            headers.insert(CONTENT_TYPE, protobuf);
            if self.target.compression == Compression::Gzip {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
        }
        let refused = |why: String| ExportError::Refused { why };
        let body = match self.target.compression {
            Compression::None => body,
            Compression::Gzip => packed(&body).map_err(|error| refused(error.to_string()))?,
        };
        let body = Body::new(Full::new(Bytes::from(body)));
        request.body(body).map_err(|error| refused(error.to_string()))
    }
}

/// Something else than a receiver answers every request with a page.
fn is_page(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("text/html"))
}

fn packed(body: &[u8]) -> std::io::Result<Vec<u8>> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body)?;
    encoder.finish()
}

/// An address as it may be told: a query may hold a key.
pub(crate) fn public(url: &str) -> String {
    url.split('?').next().unwrap_or_default().to_owned()
}

fn uri(url: &str) -> Result<Uri, SetUpError> {
    let wrong = |why: &str| SetUpError::Url { url: public(url), why: why.to_owned() };
    let uri: Uri = url.parse().map_err(|_| wrong("it cannot be read"))?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http" | "https"), Some(host)) if !host.is_empty() => Ok(uri),
        _ => Err(wrong("it must begin with `http://` or `https://` and name a host")),
    }
}

fn headers(target: &Target) -> Result<HeaderMap, SetUpError> {
    let mut headers = HeaderMap::new();
    let agent = concat!("codeloops/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, HeaderValue::from_static(agent));
    for (name, value) in &target.headers {
        let wrong = || SetUpError::Header { name: name.clone() };
        let key: HeaderName = name.parse().map_err(|_| wrong())?;
        let mut value = HeaderValue::from_str(value).map_err(|_| wrong())?;
        value.set_sensitive(true);
        if key == USER_AGENT {
            headers.insert(key, value);
        } else {
            headers.append(key, value);
        }
    }
    Ok(headers)
}

/// It was not reached, or its answer was not.
const fn later(why: String) -> ExportError {
    ExportError::Later(Later { why, is_there: false, after: None })
}

/// It asks to be asked again.
const fn asks_for_patience(why: String, after: Option<Duration>) -> ExportError {
    ExportError::Later(Later { why, is_there: true, after })
}

/// By the specification of OTLP/HTTP: these may be sent again, all others not.
fn of_code(status: StatusCode, headers: &HeaderMap) -> ExportError {
    let why = format!("it answered {status}");
    let again = [429, 502, 503, 504].contains(&status.as_u16());
    if !again {
        return ExportError::Refused { why };
    }
    let after = headers.get(RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?));
    asks_for_patience(why, after)
}

/// Seconds, or a date (RFC 9110, 10.2.3).
fn retry_after(value: &str) -> Option<Duration> {
    if let Ok(secs) = value.trim().parse() {
        return Some(Duration::from_secs(secs));
    }
    let at = DateTime::parse_from_rfc2822(value).ok()?;
    let now = DateTime::<Utc>::from(SystemTime::now());
    Some((at.to_utc() - now).to_std().unwrap_or_default())
}

/// tonic's own words for an answer longer than it reads.
fn is_of_long_answer(status: &tonic::Status) -> bool {
    status.code() == tonic::Code::OutOfRange
        && status.message().contains("decoded message length too large")
}

/// By the specification of OTLP/gRPC; what never reached the receiver has a source.
fn of_status(status: &tonic::Status) -> ExportError {
    use tonic::Code;
    let code = status.code();
    if let Some(source) = status.source() {
        return later(root_cause(source));
    }
    let message = shortened(status.message());
    let why = if message.is_empty() {
        format!("it answered {code:?}")
    } else {
        format!("it answered {code:?}: {message}")
    };
    match code {
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => asks_for_patience(why, retry_delay(status)),
        Code::ResourceExhausted => match retry_delay(status) {
            None => ExportError::Refused { why },
            after => asks_for_patience(why, after),
        },
        _ => ExportError::Refused { why },
    }
}

/// When the receiver wants to be asked again, from the `google.rpc.RetryInfo` among the details of its
/// status.
fn retry_delay(status: &tonic::Status) -> Option<Duration> {
    let status = retry_info::Status::decode(status.details()).ok()?;
    let info = status.details.iter().find(|detail| detail.type_url.ends_with("RetryInfo"))?;
    let delay = retry_info::RetryInfo::decode(&info.value[..]).ok()?.retry_delay?;
    let secs = u64::try_from(delay.seconds).ok()?;
    Some(Duration::new(secs, u32::try_from(delay.nanos).ok()?.min(999_999_999)))
}

/// What lies at the bottom of an error of several layers ("Connection refused").
fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let cause = shortened(&cause.to_string());
    if OF_ANOTHER_PROTOCOL.iter().any(|words| cause.contains(words)) {
        return format!("{cause}; perhaps it speaks another protocol (`--otel-protocol`)");
    }
    cause
}

/// What HTTP/2 says of an answer by HTTP/1, HTTP/1 of one by HTTP/2, and TLS of one in the clear.
const OF_ANOTHER_PROTOCOL: [&str; 3] =
    ["frame with invalid size", "invalid HTTP version", "InvalidContentType"];

/// A receiver's words are not ours: one line, safe on a terminal, and not too long.
fn shortened(text: &str) -> String {
    let mut line = codeloops_sinks::one_line(text).to_string();
    if line.len() > LONGEST_MESSAGE {
        line.truncate(line.floor_char_boundary(LONGEST_MESSAGE));
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str, headers: &[(&str, &str)]) -> Target {
        Target {
            url: url.to_owned(),
            protocol: Protocol::HttpProtobuf,
            headers: headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            compression: Compression::None,
            timeout: Duration::from_secs(1),
            tls: crate::Tls::default(),
        }
    }

    #[test]
    fn a_receiver_needs_a_scheme_and_a_host() {
        for url in ["127.0.0.1:4317", "ftp://host", "http://", "", "http://[::1"] {
            assert!(matches!(uri(url), Err(SetUpError::Url { .. })), "{url}");
        }
        assert!(uri("http://[::1]:4317").is_ok());
    }

    #[test]
    fn a_header_that_cannot_be_sent_is_told_without_its_value() {
        let wrong = target("http://h", &[("authorization", "Bearer s3cret\n")]);
        let error = headers(&wrong).unwrap_err();
        assert_eq!(error, SetUpError::Header { name: "authorization".to_owned() });
        assert!(!error.to_string().contains("s3cret"));
        assert!(!format!("{:?}", target("http://h", &[("k", "s3cret")])).contains("s3cret"));
    }

    #[test]
    fn only_what_the_specification_names_is_sent_again() {
        let later = |code: u16| {
            let error = of_code(StatusCode::from_u16(code).unwrap(), &HeaderMap::new());
            matches!(error, ExportError::Later(_))
        };
        assert!([429, 502, 503, 504].into_iter().all(later));
        assert!(![400, 401, 403, 404, 413, 500, 501].into_iter().any(later));
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static("7"));
        let ExportError::Later(later) = of_code(StatusCode::SERVICE_UNAVAILABLE, &headers) else {
            panic!("it may be sent again");
        };
        assert_eq!((later.is_there, later.after), (true, Some(Duration::from_secs(7))));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert_eq!(retry_after("soon"), None);
    }

    /// As a receiver that limits its load answers.
    #[test]
    fn a_receiver_may_say_when_it_wants_to_be_asked_again() {
        use retry_info::{Any, Delay, RetryInfo, Status};
        let info = RetryInfo { retry_delay: Some(Delay { seconds: 1, nanos: 500_000_000 }) };
        let detail = Any {
            type_url: "type.googleapis.com/google.rpc.RetryInfo".to_owned(),
            value: info.encode_to_vec(),
        };
        let details = Status { code: 8, message: String::new(), details: vec![detail] };
        let exhausted = |details: Vec<u8>| {
            let code = tonic::Code::ResourceExhausted;
            of_status(&tonic::Status::with_details(code, "slow down", details.into()))
        };
        let ExportError::Later(later) = exhausted(details.encode_to_vec()) else {
            panic!("it may be sent again");
        };
        assert_eq!(later.after, Some(Duration::from_millis(1500)));
        assert!(matches!(exhausted(Vec::new()), ExportError::Refused { .. }));
    }
}
