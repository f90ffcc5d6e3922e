//! The sink against a receiver in the same process.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

mod export;
mod receiver;
mod troubles;
