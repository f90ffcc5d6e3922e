//! Exports a run as an OpenTelemetry trace.

mod options;

pub use options::{ClientIdentity, Compression, OtelOptions, Protocol, Target, Tls, Value};
