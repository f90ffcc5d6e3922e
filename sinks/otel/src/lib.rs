//! Exports a run as an OpenTelemetry trace.
//!
//! ```text
//!   hub's thread                                    exporter's thread
//!   event ──> Tree ──> finished spans ──> Outlet ──> Client ──> receiver (OTLP, gRPC or HTTP)
//! ```
//!
//! The spans are made from the events alone, with their own times and ids that are derived from the
//! run's id (`codeloops_event::trace`), not with a tracer: so a replay exports what the live run did.

mod client;
mod envelope;
mod internal;
mod metrics;
mod options;
mod outlet;
mod sink;
mod span;
mod tools;
mod tree;

pub mod names;

pub use client::SetUpError;
pub use internal::InternalSpans;
pub use options::{ClientIdentity, Compression, OtelOptions, Protocol, Target, Tls, Value};
pub use sink::{Exported, Feed, OtelSink};
pub use tree::run_id_of;
