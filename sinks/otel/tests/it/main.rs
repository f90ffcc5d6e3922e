//! The sink against a receiver in the same process.

mod export;
mod receiver;
mod troubles;
