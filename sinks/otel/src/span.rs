//! A span that is being written: attributes that are capped and marked, events, links, status.

use codeloops_event::Timestamp;
use codeloops_event::trace::{SpanId, TraceId};
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyKind;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};

use crate::names;
use crate::options::Value;

/// Bytes that a text may have. Tempo cuts at 2048 without a word.
pub(crate) const LONGEST_TEXT: usize = 2000;

/// What stands at the end of a text that was cut.
const CUT: &str = "…";

/// Bits 8 and 9 of a span's flags: that it is known whether its parent is another process's, and that
/// it is (OTLP, `SpanFlags`).
const REMOTE_KNOWN: u32 = 0x100;
const REMOTE: u32 = 0x200;
const SAMPLED: u32 = 1;

/// What a span is a child of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Parent {
    /// Of nothing.
    None,
    /// Of a span of this run.
    Ours(SpanId),
    /// Of the span that the run was started in.
    Theirs(SpanId),
}

/// A span that has begun.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    span: Span,
    longest: usize,
    truncated: bool,
}

impl Draft {
    pub(crate) fn begin(
        trace: TraceId,
        id: SpanId,
        parent: Parent,
        name: String,
        at: Timestamp,
        longest: usize,
    ) -> Self {
        let (parent_span_id, remote) = match parent {
            Parent::None => (Vec::new(), 0),
            Parent::Ours(id) => (id.bytes().to_vec(), 0),
            Parent::Theirs(id) => (id.bytes().to_vec(), REMOTE),
        };
        let span = Span {
            trace_id: trace.bytes().to_vec(),
            span_id: id.bytes().to_vec(),
            parent_span_id,
            flags: SAMPLED | REMOTE_KNOWN | remote,
            name,
            kind: SpanKind::Internal.into(),
            start_time_unix_nano: nanos(at),
            ..Span::default()
        };
        Self { span, longest, truncated: false }
    }

    /// The call of another program.
    pub(crate) fn client(mut self) -> Self {
        self.span.kind = SpanKind::Client.into();
        self
    }

    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        let attribute = self.attribute(name, value.into());
        self.span.attributes.push(attribute);
    }

    /// Bytes that a text may have.
    pub(crate) const fn longest(&self) -> usize {
        self.longest
    }

    /// A text was shortened before it was set.
    pub(crate) const fn mark_truncated(&mut self) {
        self.truncated = true;
    }

    /// An attribute that is there where its value is.
    pub(crate) fn set_some(&mut self, name: &'static str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    pub(crate) fn event(
        &mut self,
        name: &'static str,
        at: Timestamp,
        attributes: Vec<(&'static str, Value)>,
    ) {
        let attributes = attributes.into_iter().map(|(name, value)| self.attribute(name, value));
        let attributes = attributes.collect();
        self.span.events.push(Event {
            time_unix_nano: nanos(at),
            name: name.to_owned(),
            attributes,
            dropped_attributes_count: 0,
        });
    }

    pub(crate) fn link(&mut self, trace: TraceId, span: SpanId, kind: &'static str) {
        let attribute = self.attribute(names::LINK_TYPE, kind.into());
        self.span.links.push(Link {
            trace_id: trace.bytes().to_vec(),
            span_id: span.bytes().to_vec(),
            attributes: vec![attribute],
            flags: SAMPLED,
            ..Link::default()
        });
    }

    /// The span failed; `error` is one word, `message` one line of ours.
    pub(crate) fn fail(&mut self, error: &str, message: &str) {
        self.set(names::ERROR_TYPE, error);
        self.span.status =
            Some(Status { message: message.to_owned(), code: StatusCode::Error.into() });
    }

    /// The span is over. It ends no earlier than it begins, whatever was done to the clock.
    pub(crate) fn end(mut self, at: Timestamp) -> Span {
        if self.truncated {
            self.set(names::TRUNCATED, Value::Bool(true));
        }
        self.span.end_time_unix_nano = nanos(at).max(self.span.start_time_unix_nano);
        self.span
    }

    fn attribute(&mut self, name: &'static str, value: Value) -> KeyValue {
        key_value(name, value, |text| capped(text, self.longest, &mut self.truncated))
    }
}

/// An attribute, its texts as they are.
pub(crate) fn attribute(name: &str, value: Value) -> KeyValue {
    key_value(name, value, |text| text)
}

fn key_value(name: &str, value: Value, mut cap: impl FnMut(String) -> String) -> KeyValue {
    let kind = match value {
        Value::Text(text) => AnyKind::StringValue(cap(text)),
        Value::Int(number) => AnyKind::IntValue(number),
        Value::Float(number) => AnyKind::DoubleValue(number),
        Value::Bool(value) => AnyKind::BoolValue(value),
        Value::Texts(texts) => {
            let text = |text| AnyValue { value: Some(AnyKind::StringValue(cap(text))) };
            AnyKind::ArrayValue(ArrayValue { values: texts.into_iter().map(text).collect() })
        }
    };
    KeyValue {
        key: name.to_owned(),
        value: Some(AnyValue { value: Some(kind) }),
        ..KeyValue::default()
    }
}

fn capped(mut text: String, longest: usize, truncated: &mut bool) -> String {
    if text.len() > longest {
        *truncated = true;
        let mark = if longest < CUT.len() { "" } else { CUT };
        text.truncate(text.floor_char_boundary(longest - mark.len()));
        text.push_str(mark);
    }
    text
}

/// Nanoseconds since 1970, as OTLP has them: no time before that, and none after 2262.
pub(crate) fn nanos(at: Timestamp) -> u64 {
    match at.timestamp_nanos_opt() {
        Some(nanos) => u64::try_from(nanos).unwrap_or(0),
        None if at.timestamp() < 0 => 0,
        None => i64::MAX.unsigned_abs(),
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Int(number.into())
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Int(number.into())
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}
