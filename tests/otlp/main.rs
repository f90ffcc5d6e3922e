//! codeloops with a receiver of OTLP that shares no code with it.
//!
//! They are no part of the ordinary tests: `cargo xtask otlp` makes the Python that runs the
//! receiver first, with the packages of `requirements.txt`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod delivery;
mod gates;
mod outcomes;
mod place;
mod privacy;
mod receiver;
mod recordings;
mod spans;
mod troubles;
