//! The program's own spans (git, processes, sinks), exported under the run's trace by the sink's own
//! way out: for whoever wants to know where codeloops itself spends its time.
//!
//! They come from `tracing`, not from the run's events, so their ids are random and a replay has none
//! of them. Whatever else uses `tracing` in the process, the exporter's own transport above all, is
//! left out.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use codeloops_event::trace::{SpanId, TraceId};
use opentelemetry::Context;
use opentelemetry::trace::TracerProvider;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanProcessor};
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::Filter;
use tracing_subscriber::registry::LookupSpan;

/// Spans that may wait for the sink to fetch them; it does with each event.
const ROOM: usize = 4096;

/// What takes less is left out: it explains nothing, and there is a lot of it.
const SHORTEST: Duration = Duration::from_micros(100);

/// Spans of the program that are finished, on their way from wherever they ended to the sink.
#[derive(Debug, Clone)]
pub struct InternalSpans {
    finished: Arc<Mutex<Finished>>,
    shortest: Duration,
}

impl Default for InternalSpans {
    fn default() -> Self {
        Self { finished: Arc::default(), shortest: SHORTEST }
    }
}

#[derive(Debug, Default)]
struct Finished {
    spans: Vec<SpanData>,
    left_out: u64,
}

impl InternalSpans {
    /// What collects them: a layer of the program's subscriber, to be used with [`Self::filter`].
    #[must_use]
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let provider =
            SdkTracerProvider::builder().with_span_processor(Handoff(self.clone())).build();
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer(crate::names::SCOPE))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
    }

    /// What is collected: spans of ours.
    #[must_use]
    pub fn filter<S>() -> impl Filter<S> + Send + Sync + use<S>
    where
        S: Subscriber,
    {
        filter_fn(|meta| meta.is_span() && meta.target().starts_with("codeloops"))
            .with_max_level_hint(LevelFilter::DEBUG)
    }

    /// Those that are there, as children of `parent` where they have no parent of their own. `own` is
    /// what stands on every span of the run.
    pub(crate) fn take(&self, trace: TraceId, parent: SpanId, own: &[KeyValue]) -> Vec<Span> {
        let spans = std::mem::take(&mut self.lock().spans);
        spans.into_iter().map(|span| adopted(span, trace, parent, own)).collect()
    }

    /// How many there was no room for.
    pub(crate) fn left_out(&self) -> u64 {
        self.lock().left_out
    }

    fn lock(&self) -> MutexGuard<'_, Finished> {
        self.finished.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The tracer does not know the run, so each span without a parent began a trace of its own.
fn adopted(span: SpanData, trace: TraceId, parent: SpanId, own: &[KeyValue]) -> Span {
    let mut span = Span::from(span);
    span.attributes.extend_from_slice(own);
    span.trace_id = trace.bytes().to_vec();
    if span.parent_span_id.is_empty() {
        span.parent_span_id = parent.bytes().to_vec();
    }
    span
}

/// Hands each span over as it ends.
#[derive(Debug)]
struct Handoff(InternalSpans);

impl SpanProcessor for Handoff {
    fn on_start(&self, _: &mut opentelemetry_sdk::trace::Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        let took = span.end_time.duration_since(span.start_time).unwrap_or_default();
        if took < self.0.shortest {
            return;
        }
        let mut finished = self.0.lock();
        if finished.spans.len() < ROOM {
            finished.spans.push(span);
        } else {
            finished.left_out += 1;
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    fn collecting(spans: &InternalSpans) -> impl Layer<tracing_subscriber::Registry> {
        spans.layer().with_filter(InternalSpans::filter())
    }

    #[test]
    fn spans_of_the_program_come_under_the_run() {
        let spans = InternalSpans { shortest: Duration::ZERO, ..InternalSpans::default() };
        let subscriber = tracing_subscriber::registry().with(collecting(&spans));
        tracing::subscriber::with_default(subscriber, || {
            let _outer = tracing::debug_span!("git.snapshot", files = 3).entered();
            tracing::debug_span!("git.scan").in_scope(|| tracing::debug!("no event is exported"));
            drop(tracing::debug_span!(target: "hyper", "not ours").entered());
        });
        let (trace, parent) = (
            "4bf92f3577b34da6a3ce929d0e0e4736".parse::<TraceId>().unwrap(),
            "00f067aa0ba902b7".parse::<SpanId>().unwrap(),
        );
        let taken = spans.take(trace, parent, &[]);
        let names: Vec<&str> = taken.iter().map(|span| span.name.as_str()).collect();
        assert_eq!(names, ["git.scan", "git.snapshot"], "in the order in which they ended");
        let [scan, snapshot] = &taken[..] else { panic!("two spans") };
        assert!(taken.iter().all(|span| span.trace_id == trace.bytes() && span.events.is_empty()));
        assert_eq!(snapshot.parent_span_id, parent.bytes());
        assert_eq!(scan.parent_span_id, snapshot.span_id);
        assert!(spans.take(trace, parent, &[]).is_empty(), "each is given once");
    }

    #[test]
    fn what_takes_no_time_is_left_out() {
        let spans = InternalSpans { shortest: Duration::MAX, ..InternalSpans::default() };
        let subscriber = tracing_subscriber::registry().with(collecting(&spans));
        tracing::subscriber::with_default(subscriber, || {
            drop(tracing::debug_span!("git.scan").entered());
        });
        assert!(spans.lock().spans.is_empty());
    }

    #[test]
    fn what_there_is_no_room_for_is_counted() {
        let spans = InternalSpans { shortest: Duration::ZERO, ..InternalSpans::default() };
        let subscriber = tracing_subscriber::registry().with(collecting(&spans));
        tracing::subscriber::with_default(subscriber, || {
            for _ in 0..ROOM + 2 {
                drop(tracing::debug_span!("git.scan").entered());
            }
        });
        assert_eq!(spans.left_out(), 2);
        assert_eq!(spans.lock().spans.len(), ROOM);
    }
}
