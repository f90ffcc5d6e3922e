//! The test kit.

pub mod script;
