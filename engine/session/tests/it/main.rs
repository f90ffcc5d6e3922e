//! Tests of the session crate through its public face.

#![expect(clippy::unwrap_used, reason = "a helper that fails in a test says where")]

mod evidence;
mod fixtures;
mod properties;
mod prune;
mod receipt;
mod reopened;
mod run_folder;
mod runs;
mod store;
mod support;
mod together;
mod writer;
