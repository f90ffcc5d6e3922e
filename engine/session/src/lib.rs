//! The session file, its evidence folder, and the store of all sessions.
//!
//! A session file is the event stream of a run: one JSON object a line, append-only. This crate
//! writes it ([`SessionWriter`]), reads it back line by line ([`SessionReader`]) or as a whole
//! ([`Session`]), and lists, finds and counts the sessions of a machine ([`SessionStore`]). Beside
//! it stands the run's evidence, raw outputs and `run.json`, in a [`RunFolder`].
//!
//! ```no_run
//! use codeloops_session::{SessionFilter, SessionStore};
//!
//! let store = SessionStore::new()?;
//! for summary in store.list_sessions(&SessionFilter::default())? {
//!     println!("{}: {}", summary.id, summary.prompt_preview);
//! }
//! let session = store.load_session("2025-01-27T15-30-45Z_a3f2c1")?;
//! println!("Iterations: {}", session.iterations.len());
//! # Ok::<(), codeloops_session::StoreError>(())
//! ```
//!
//! It knows nothing of how a run is driven. `docs/src/session-format.md` is the format's reference.

mod catalogue;
mod dirs;
mod draft;
mod entry;
mod evidence;
mod filter;
mod folder;
mod history;
mod index;
mod last_look;
mod line_log;
mod listed;
mod names;
mod order;
mod parse;
mod progress;
mod reader;
mod reopened;
mod round;
mod session;
mod shown;
mod stamp;
mod stats;
mod store;
mod summary;
mod tail;
mod writer;

#[cfg(feature = "testing")]
pub mod testing;

pub use catalogue::Catalogue;
pub use dirs::{DataDir, NoHome};
pub use entry::{SessionEntry, Used};
pub use evidence::{EvidenceError, KeptEvidence, RunAgent, RunAgents, RunFile, RunFolder};
pub use filter::SessionFilter;
pub use last_look::{ChangesIn, LastLook};
pub use names::{SessionId, SessionIdError};
pub use order::SessionOrder;
pub use progress::SessionStatus;
pub use reader::{ReadError, SessionReader, Warning};
pub use reopened::{ReopenError, ReopenedSession};
pub use round::{Answer, Call, CallEnd, CallState, Changes, Round, RoundPhase, Turn};
pub use session::Session;
pub use stats::{DayCount, ProjectStats, SessionStats};
pub use store::{SessionList, SessionStore, StoreError};
pub use summary::SessionSummary;
pub use writer::{SessionWriter, WriteError};
