//! A receiver of OTLP that shares no code with the program (`tests/otlp/receiver.py`), and what it
//! received. `cargo xtask otlp` makes the Python that runs it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver as Lines, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How long a test waits for what must come; a test that needs it has failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// A receiver that runs; it ends with this value.
pub struct OtlpReceiver {
    child: Child,
    /// The receiver ends when this is closed.
    stdin: Option<ChildStdin>,
    ports: Ports,
    lines: Lines<String>,
    requests: Vec<Request>,
}

/// Where it listens on 127.0.0.1.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Ports {
    grpc: u16,
    http: u16,
}

/// A request that reached it.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct Request {
    /// What kind of telemetry it brought.
    pub signal: Signal,
    /// How it came.
    pub transport: Transport,
    /// Names are in lower case.
    pub headers: BTreeMap<String, String>,
    /// What became of it.
    pub answer: Answer,
    /// The message, by the names of the protocol.
    pub resources: Vec<Value>,
}

/// A kind of telemetry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// Spans.
    Traces,
    /// Metrics.
    Metrics,
}

/// How a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// By gRPC.
    Grpc,
    /// By HTTP, as protobuf.
    Http,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// All of it was taken.
    Taken,
    /// Some of it was not, which the answer tells.
    Rejected,
    /// 503 or `UNAVAILABLE`.
    Unavailable,
    /// 401 or `UNAUTHENTICATED`.
    Unauthenticated,
    /// It is never answered.
    None,
}

/// A span, with what it was sent under. A field that is left out stands for nothing, as in the
/// protocol.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Span {
    /// What is exported from.
    #[serde(skip)]
    pub resource: Map<String, Value>,
    /// What made it.
    #[serde(skip)]
    pub scope: Scope,
    /// The conventions that its names are from.
    #[serde(skip)]
    pub schema_url: String,
    /// Hexadecimal digits, as the other ids.
    pub trace_id: String,
    /// Its own.
    pub span_id: String,
    /// Its parent's; empty for a root.
    #[serde(default)]
    pub parent_span_id: String,
    /// The state of the trace that it was started in.
    #[serde(default)]
    pub trace_state: String,
    /// Its flags.
    #[serde(default)]
    pub flags: u32,
    /// What it is.
    pub name: String,
    /// 1: internal, 3: client.
    pub kind: u32,
    /// Nanoseconds since 1970.
    pub start_time_unix_nano: u64,
    /// Nanoseconds since 1970.
    pub end_time_unix_nano: u64,
    /// What is said of it.
    #[serde(default)]
    pub attributes: Map<String, Value>,
    /// What happened in it.
    #[serde(default)]
    pub events: Vec<SpanEvent>,
    /// Spans elsewhere that it has to do with.
    #[serde(default)]
    pub links: Vec<Link>,
    /// How it ended.
    #[serde(default)]
    pub status: Status,
}

/// What made a span.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Scope {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its version.
    #[serde(default)]
    pub version: String,
}

/// What happened in a span.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct SpanEvent {
    /// What.
    pub name: String,
    /// When, in nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// What is said of it.
    #[serde(default)]
    pub attributes: Map<String, Value>,
}

/// A span elsewhere.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Link {
    /// Its trace.
    pub trace_id: String,
    /// Its id.
    pub span_id: String,
    /// What is said of it.
    #[serde(default)]
    pub attributes: Map<String, Value>,
}

/// How a span ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Status {
    /// 0: nothing is said, 1: well, 2: in error.
    #[serde(default)]
    pub code: u32,
    /// Why.
    #[serde(default)]
    pub message: String,
}

/// Spans under one resource.
#[derive(Deserialize)]
struct ResourceSpans {
    #[serde(default)]
    resource: Attributes,
    #[serde(default)]
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Default, Deserialize)]
struct Attributes {
    #[serde(default)]
    attributes: Map<String, Value>,
}

/// Spans under one scope.
#[derive(Deserialize)]
struct ScopeSpans {
    #[serde(default)]
    scope: Scope,
    #[serde(default)]
    schema_url: String,
    #[serde(default)]
    spans: Vec<Span>,
}

impl Request {
    /// The spans that it brought.
    ///
    /// # Panics
    /// Where they are not what the protocol has.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        if self.signal != Signal::Traces {
            return Vec::new();
        }
        let of = |resource: &Value| ResourceSpans::deserialize(resource).unwrap().spans();
        self.resources.iter().flat_map(of).collect()
    }
}

impl ResourceSpans {
    fn spans(self) -> Vec<Span> {
        let resource = self.resource.attributes;
        let of_scope = |of: ScopeSpans| {
            let (scope, schema_url, resource) = (of.scope, of.schema_url, resource.clone());
            of.spans.into_iter().map(move |span| Span {
                resource: resource.clone(),
                scope: scope.clone(),
                schema_url: schema_url.clone(),
                ..span
            })
        };
        self.scope_spans.into_iter().flat_map(of_scope).collect()
    }
}

impl OtlpReceiver {
    /// Starts one that takes everything, or does what the options of `receiver.py` say.
    ///
    /// # Panics
    /// Where it does not start.
    #[must_use]
    pub fn start(options: &[&str]) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let python = root.join("target/otlp/bin/python");
        assert!(python.exists(), "no `{}`: run `cargo xtask otlp`", python.display());
        let mut command = Command::new(python);
        command.arg(root.join("tests/otlp/receiver.py")).args(options);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("Python starts");
        let lines = lines_of(child.stdout.take().unwrap());
        let ports = lines.recv_timeout(PATIENCE).expect("the receiver tells its ports");
        let ports = serde_json::from_str(&ports).unwrap();
        Self { stdin: child.stdin.take(), child, ports, lines, requests: Vec::new() }
    }

    /// Where it takes gRPC.
    #[must_use]
    pub fn grpc(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.grpc)
    }

    /// Where it takes HTTP, without the path of a signal.
    #[must_use]
    pub fn http(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.http)
    }

    /// The spans that it took, once all of it is as it should be.
    ///
    /// # Panics
    /// Where that does not come about.
    #[track_caller]
    pub fn spans_until(&mut self, enough: impl Fn(&[Span]) -> bool) -> Vec<Span> {
        self.requests_until(|requests| enough(&taken(requests)));
        taken(&self.requests)
    }

    /// The requests so far, once they are as they should be.
    ///
    /// # Panics
    /// Where that does not come about.
    #[track_caller]
    pub fn requests_until(&mut self, enough: impl Fn(&[Request]) -> bool) -> &[Request] {
        let until = Instant::now() + PATIENCE;
        while !enough(&self.requests) {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => self.requests.push(serde_json::from_str(&line).unwrap()),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("it did not come; what came: {:#?}", self.requests)
                }
            }
        }
        &self.requests
    }

    /// Ends it; gives every request there was.
    ///
    /// # Panics
    /// Where one is not understood.
    #[must_use]
    pub fn end(mut self) -> Vec<Request> {
        self.close();
        let rest = self.lines.iter().map(|line| serde_json::from_str(&line).unwrap());
        let rest: Vec<Request> = rest.collect();
        let mut all = std::mem::take(&mut self.requests);
        all.extend(rest);
        all
    }

    fn close(&mut self) {
        drop(self.stdin.take());
        drop(self.child.wait());
    }
}

impl Drop for OtlpReceiver {
    fn drop(&mut self) {
        self.close();
    }
}

/// The spans of the requests that were taken.
#[must_use]
pub fn taken(requests: &[Request]) -> Vec<Span> {
    let taken = |request: &&Request| matches!(request.answer, Answer::Taken | Answer::Rejected);
    requests.iter().filter(taken).flat_map(Request::spans).collect()
}

/// What a program prints, line by line, read as it comes.
fn lines_of(stdout: ChildStdout) -> Lines<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        let mut read = BufReader::new(stdout).lines().map_while(Result::ok);
        // Ends with the program, or where nobody waits for its lines any more.
        read.try_for_each(|line| sender.send(line).ok())
    });
    lines
}
