//! A receiver of OTLP in the test's own process: HTTP and gRPC, plain or with TLS, well-behaved or not.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{HeaderMap, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// How it behaves.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manners {
    /// Requests that are turned away first, with this answer.
    pub(crate) first: Option<(u32, Answer)>,
    /// No request is ever answered.
    pub(crate) hang: bool,
    /// Spans of each request that are rejected.
    pub(crate) reject: i64,
    /// It is a web site, which answers everything with a page.
    pub(crate) page: bool,
    /// Its answer has more bytes than anybody reads.
    pub(crate) long: bool,
    /// TLS; whether a client must show a certificate.
    pub(crate) tls: Option<bool>,
}

/// The answer to a request that is turned away.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answer {
    /// Of HTTP.
    Code(u16),
    /// Of gRPC.
    Status(u32),
}

/// What came, and what it came with.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) headers: HashMap<String, String>,
    pub(crate) path: String,
    pub(crate) traces: Option<ExportTraceServiceRequest>,
    pub(crate) metrics: Option<ExportMetricsServiceRequest>,
}

/// A receiver on a port of its own; ends with its runtime.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    _runtime: tokio::runtime::Runtime,
}

#[derive(Clone)]
struct Service {
    manners: Manners,
    requests: Arc<Mutex<u32>>,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Receiver {
    pub(crate) fn start(manners: Manners) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let service =
            Service { manners, requests: Arc::default(), received: Arc::clone(&received) };
        runtime.spawn(serve(listener, service));
        Self { address, received, _runtime: runtime }
    }

    /// Everything so far, in order.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// All spans so far, sorted by their ids.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let traces = self.received().into_iter().filter_map(|received| received.traces);
        let resources = traces.flat_map(|request| request.resource_spans);
        let scopes = resources.flat_map(|resource| resource.scope_spans);
        let mut spans: Vec<Span> = scopes.flat_map(|scope| scope.spans).collect();
        spans.sort_by(|a, b| a.span_id.cmp(&b.span_id));
        spans
    }
}

async fn serve(listener: TcpListener, service: Service) {
    let acceptor = service.manners.tls.map(acceptor);
    while let Ok((stream, _)) = listener.accept().await {
        let (service, acceptor) = (service.clone(), acceptor.clone());
        tokio::spawn(async move {
            let answer = service_fn(move |request| {
                let service = service.clone();
                async move { Ok::<_, Infallible>(service.answer(request).await) }
            });
            let builder = auto::Builder::new(TokioExecutor::new());
            match acceptor {
                None => drop(builder.serve_connection(TokioIo::new(stream), answer).await),
                Some(acceptor) => {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    drop(builder.serve_connection(TokioIo::new(stream), answer).await);
                }
            }
        });
    }
}

fn acceptor(wants_certificate: bool) -> TlsAcceptor {
    let chain = CertificateDer::pem_slice_iter(include_bytes!("tls/server.pem"));
    let chain = chain.collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = if wants_certificate {
        let mut roots = rustls::RootCertStore::empty();
        let authority = include_bytes!("tls/authority.pem");
        roots.add(CertificateDer::from_pem_slice(authority).unwrap()).unwrap();
        let verifier =
            rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        builder.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let mut config = builder.with_single_cert(chain, key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

impl Service {
    async fn answer(&self, request: Request<Incoming>) -> Response<BoxBody<Bytes, Infallible>> {
        if self.manners.hang {
            tokio::time::sleep(Duration::from_secs(3600)).await;
        }
        let (head, body) = request.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        if let Some(answer) = self.turned_away() {
            return match answer {
                Answer::Code(code) => plain(StatusCode::from_u16(code).unwrap(), Bytes::new()),
                Answer::Status(status) => grpc(None, status),
            };
        }
        let is_grpc =
            head.headers.get("content-type").is_some_and(|kind| kind == "application/grpc");
        let message = if is_grpc { unframed(&body) } else { unpacked(&head.headers, &body) };
        self.keep(head.uri.path(), &head.headers, &message);
        if self.manners.page {
            let mut page = plain(StatusCode::OK, Bytes::from_static(b"<html>Welcome</html>"));
            page.headers_mut().insert("content-type", HeaderValue::from_static("text/html"));
            return page;
        }
        let answer = self.taken();
        if is_grpc { grpc(Some(answer), 0) } else { plain(StatusCode::OK, answer.into()) }
    }

    fn turned_away(&self) -> Option<Answer> {
        let mut requests = self.requests.lock().unwrap();
        *requests += 1;
        let (first, answer) = self.manners.first?;
        (*requests <= first).then_some(answer)
    }

    fn keep(&self, path: &str, headers: &HeaderMap, message: &[u8]) {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()));
        let is_trace = path.contains("race");
        self.received.lock().unwrap().push(Received {
            headers: headers.collect(),
            path: path.to_owned(),
            traces: is_trace.then(|| ExportTraceServiceRequest::decode(message).unwrap()),
            metrics: (!is_trace).then(|| ExportMetricsServiceRequest::decode(message).unwrap()),
        });
    }

    fn taken(&self) -> Vec<u8> {
        let partly = ExportTracePartialSuccess {
            rejected_spans: self.manners.reject,
            error_message: if self.manners.long {
                "so much to say ".repeat(1_000_000)
            } else {
                "rejected by the test".to_owned()
            },
        };
        let partial_success = (self.manners.reject > 0 || self.manners.long).then_some(partly);
        ExportTraceServiceResponse { partial_success }.encode_to_vec()
    }
}

fn plain(status: StatusCode, body: Bytes) -> Response<BoxBody<Bytes, Infallible>> {
    let mut response = Response::new(Full::new(body).boxed());
    *response.status_mut() = status;
    response
}

fn grpc(message: Option<Vec<u8>>, status: u32) -> Response<BoxBody<Bytes, Infallible>> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from(status));
    let data = message.map(|message| {
        let mut framed = vec![0];
        framed.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
        framed.extend(message);
        Frame::data(Bytes::from(framed))
    });
    let frames = data.into_iter().chain([Frame::trailers(trailers)]).map(Ok);
    let mut response = Response::new(BodyExt::boxed(StreamBody::new(Frames(frames))));
    let kind = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert("content-type", kind);
    response
}

/// Frames that are there already, as a stream.
struct Frames<I>(I);

impl<I: Iterator + Unpin> futures_core::Stream for Frames<I> {
    type Item = I::Item;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<I::Item>> {
        std::task::Poll::Ready(self.0.next())
    }
}

/// The message of a gRPC request: a flag (packed or not), its length, and itself.
fn unframed(body: &[u8]) -> Vec<u8> {
    let length = u32::from_be_bytes(body[1..5].try_into().unwrap()) as usize;
    let message = &body[5..5 + length];
    if body[0] == 1 { gunzip(message) } else { message.to_vec() }
}

fn unpacked(headers: &HeaderMap, body: &[u8]) -> Vec<u8> {
    let packed = headers.get("content-encoding").is_some_and(|encoding| encoding == "gzip");
    if packed { gunzip(body) } else { body.to_vec() }
}

fn gunzip(packed: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut message).unwrap();
    message
}
