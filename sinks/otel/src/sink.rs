//! The sink: events in, spans out.

use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use codeloops_event::Event;
use codeloops_event::trace::TraceId;
use codeloops_sinks::{Sink, SinkError, words};
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::trace::v1::Span;

use crate::client::SetUpError;
use crate::envelope::Envelope;
use crate::internal::InternalSpans;
use crate::metrics::Meters;
use crate::options::OtelOptions;
use crate::outlet::{Outlet, WhenFull};
use crate::span::LONGEST_TEXT;
use crate::tools::Tools;
use crate::tree::{Texts, Tree};

/// Where a trace's id stands in the template of a link to it.
const PLACE: &str = "{trace_id}";

/// What the sink is fed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feed {
    /// A run as it goes on. What it leaves open, when it ends without a word, stays so: a later replay
    /// of its recording exports it.
    Live,
    /// A recording.
    Recording {
        /// By how much its times are put off.
        shift: TimeDelta,
        /// Whether what it leaves open is over: the process that wrote it is gone.
        is_over: bool,
    },
}

/// What a sink has exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The trace.
    pub trace: TraceId,
    /// How many spans the receiver took, once the sink is through.
    pub spans: u64,
    /// A link to the trace, where the options have one.
    pub url: Option<String>,
}

/// Exports a run as a trace.
pub struct OtelSink {
    tree: Tree,
    /// None where the trace is not sampled.
    outlet: Option<Outlet<Span>>,
    meters: Option<(Meters, Outlet<Metric>)>,
    /// Where what agents tell while they work is of use.
    tools: Option<Tools>,
    internal: Option<InternalSpans>,
    feed: Feed,
    close_within: Duration,
    trace_url: Option<String>,
    exported: u64,
    /// What the receiver said of what it took.
    said: Option<String>,
}

impl OtelSink {
    /// The sink, and the thread that exports. Nothing is sent yet.
    ///
    /// `session_name` is asked when the run begins: the name of its session file, where there is one.
    /// `close_within` is what the hub grants at the end; the sink takes a little less, so that it can
    /// tell what became of its spans.
    ///
    /// # Errors
    /// Where the options name a receiver that cannot be spoken to.
    pub fn new(
        options: &OtelOptions,
        feed: Feed,
        session_name: impl Fn() -> Option<String> + Send + 'static,
        close_within: Duration,
    ) -> Result<Self, SetUpError> {
        let envelope = Envelope::new(&options.resource);
        let when_full = match feed {
            Feed::Live => WhenFull::LeaveOut,
            Feed::Recording { .. } => WhenFull::Wait,
        };
        let sampled = options.sampled.then_some(&options.traces);
        let open = |target| Outlet::open(target, envelope.clone(), when_full);
        let outlet = sampled.map(open).transpose()?;
        let longest = options.longest_text.unwrap_or(LONGEST_TEXT).min(LONGEST_TEXT);
        let texts = Texts { content: options.content, longest };
        // What happened then would be counted now, and once more with each replay.
        let metrics = options.metrics.as_ref().filter(|_| feed == Feed::Live);
        let measured = |target| Outlet::open(target, envelope.clone(), when_full);
        let tools = options.tools && options.sampled && feed == Feed::Live;
        let meters = metrics.map(measured).transpose()?.map(|outlet| (Meters::new(), outlet));
        Ok(Self {
            tree: Tree::new(texts, Box::new(session_name)),
            outlet,
            meters,
            tools: tools.then(Tools::default),
            internal: None,
            feed,
            close_within: close_within - close_within / 10,
            trace_url: options.trace_url.clone(),
            exported: 0,
            said: None,
        })
    }

    /// Exports the program's own spans as well.
    #[must_use]
    pub fn with_internal(self, spans: InternalSpans) -> Self {
        Self { internal: Some(spans), ..self }
    }

    /// Learns what earlier processes of a resumed run told. They have exported it themselves.
    pub fn catch_up(&mut self, event: &Event) {
        drop(self.tree.take(event));
        if let Some((meters, _)) = &mut self.meters {
            drop(meters.take(event));
        }
    }

    /// What was exported; none where nothing was to be, or no run began.
    #[must_use]
    pub fn exported(&self) -> Option<Exported> {
        let trace = self.tree.trace().filter(|_| self.outlet.is_some())?;
        let url = self.trace_url.as_ref().map(|url| url.replace(PLACE, &trace.to_string()));
        Some(Exported { trace, spans: self.exported, url })
    }

    /// What has no span although nothing failed, and what the receiver had to say.
    fn notes(&self) -> Vec<String> {
        let internal = self.internal.as_ref().map_or(0, InternalSpans::left_out);
        let tools = self.tools.as_ref().map_or(0, Tools::left_out);
        let mut notes = Vec::new();
        if internal > 0 {
            notes.push(format!("there was no room for {internal} spans of the program itself"));
        }
        if tools > 0 {
            notes.push(format!("{tools} uses of tools have no span: there were too many"));
        }
        notes.extend(self.said.as_ref().map(|said| format!("the receiver says: {said}")));
        notes
    }

    /// Sends the last of everything within one limit; tells what was lost.
    fn close(&mut self) -> Vec<String> {
        let until = Instant::now() + self.close_within;
        let metrics = self.meters.as_ref().map(|(_, outlet)| outlet);
        metrics.into_iter().for_each(Outlet::begin_to_close);
        let left = || until.saturating_duration_since(Instant::now());
        let mut losses = Vec::new();
        if let Some(outlet) = &self.outlet {
            let account = outlet.close(left());
            losses.extend(outlet.loss(&account));
            self.exported = account.exported;
            self.said = account.said;
        }
        losses.extend(metrics.and_then(|outlet| outlet.loss(&outlet.close(left()))));
        losses
    }

    /// What the program did since the event before belongs to what was open then.
    fn export_internal(&self) {
        if let (Some(internal), Some(trace), Some(parent)) =
            (&self.internal, self.tree.trace(), self.tree.innermost())
        {
            self.export(internal.take(trace, parent, &self.tree.own()));
        }
    }

    fn export(&self, mut spans: Vec<Span>) {
        let Some(outlet) = &self.outlet else { return };
        if let Feed::Recording { shift, .. } = self.feed {
            spans.iter_mut().for_each(|span| put_off(span, shift));
        }
        outlet.push(spans);
    }
}

impl Sink for OtelSink {
    fn name(&self) -> &'static str {
        "otel"
    }

    fn wants_chatter(&self) -> bool {
        self.tools.is_some()
    }

    fn accept(&mut self, event: &Event) -> Result<(), SinkError> {
        let resumed = matches!((event, self.feed), (Event::SessionResumed(_), Feed::Live));
        self.export_internal();
        if let Some(tools) = &mut self.tools {
            let spans = tools.take(event, Utc::now(), &self.tree);
            self.export(spans);
        }
        let spans = self.tree.take(event);
        // What an earlier process left open is not this one's to export.
        if !resumed {
            self.export(spans);
        }
        if let Some((meters, outlet)) = &mut self.meters {
            outlet.push(meters.take(event));
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.export_internal();
        if matches!(self.feed, Feed::Recording { is_over: true, .. }) {
            let spans = self.tree.close();
            self.export(spans);
        }
        let losses = self.close();
        if losses.is_empty() {
            return Ok(());
        }
        let again = match (self.feed, self.tree.session_name()) {
            (Feed::Live, Some(name)) => {
                format!("; `codeloops replay {name} --sink otel` sends them")
            }
            _ => String::new(),
        };
        Err(SinkError::Permanent(format!("{}{again}", losses.join("; "))))
    }

    fn remark(&self) -> Option<String> {
        let trace = self.tree.trace()?;
        let Some(Exported { spans, url, .. }) = self.exported() else {
            return Some(format!("trace {trace} is not exported"));
        };
        if spans == 0 {
            return None;
        }
        let spans = words::count(spans, "span", "spans");
        let what = match url {
            Some(url) => format!("{spans}: {url}"),
            None => format!("{spans} of trace {trace}"),
        };
        let all: Vec<String> = std::iter::once(what).chain(self.notes()).collect();
        Some(all.join("; "))
    }
}

fn put_off(span: &mut Span, shift: TimeDelta) {
    let put_off = |nanos: &mut u64| {
        *nanos = nanos.saturating_add_signed(shift.num_nanoseconds().unwrap_or(0));
    };
    put_off(&mut span.start_time_unix_nano);
    put_off(&mut span.end_time_unix_nano);
    span.events.iter_mut().for_each(|event| put_off(&mut event.time_unix_nano));
}
