//! The session file, its evidence folder, and the store of all sessions.
//!
//! A session file is the event stream of a run: one JSON object a line, append-only. This crate
//! writes it ([`SessionWriter`]), reads it back line by line ([`SessionReader`]) or as a whole
//! ([`Session`]), and lists, finds and counts the sessions of a machine ([`SessionStore`]). Beside
//! it stands the run's evidence, raw outputs and `run.json`, in a [`RunFolder`].
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let recorded = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/seed/complete.jsonl");
//! # std::fs::copy(recorded, dir.path().join("2025-01-27T15-30-45Z_a3f2c1.jsonl"))?;
//! use codeloops_session::{SessionFilter, SessionStore};
//!
//! let store = SessionStore::at(dir.path()); // SessionStore::new()? is that of the user.
//! for summary in store.list_sessions(&SessionFilter::default())? {
//!     println!("{}: {}", summary.id, summary.prompt_preview);
//! }
//! let session = store.load_session("2025-01-27T15-30-45Z_a3f2c1")?;
//! println!("Iterations: {}", session.iterations.len());
//! if let Some(end) = session.end {
//!     println!("Outcome: {}", end.outcome);
//! }
//! let stats = store.get_stats()?;
//! assert_eq!((stats.total_sessions, stats.success_rate), (1, 1.0));
//! # Ok(())
//! # }
//! ```
//!
//! It knows nothing of how a run is driven. `docs/src/session-format.md` is the format's reference.

mod catalogue;
mod confidence;
mod dirs;
mod draft;
mod entry;
mod evidence;
mod filter;
mod folder;
mod gates;
mod history;
mod index;
mod kept_round;
mod last_look;
mod line_log;
mod listed;
mod names;
mod order;
mod parse;
mod progress;
mod prune;
mod prune_runs;
mod reader;
mod receipt;
mod reopened;
mod repair;
mod round;
mod round_files;
mod run_file;
mod runs;
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
pub use confidence::{Component, ComponentName, Confidence, Known};
pub use dirs::{DataDir, NoHome};
pub use entry::{SessionEntry, Used};
pub use evidence::{EvidenceError, KeptEvidence, RunFolder};
pub use filter::SessionFilter;
pub use gates::Gates;
pub use kept_round::{KeptRound, KeptRounds};
pub use last_look::{ChangesIn, LastLook};
pub use names::{SessionId, SessionIdError};
pub use order::SessionOrder;
pub use progress::SessionStatus;
pub use prune::{Claim, Prunable, PruneError, PrunePlan, PruneRules};
pub use prune_runs::PrunableRun;
pub use reader::{ReadError, SessionReader, Warning};
pub use receipt::{
    BadReceipt, GateStatement, NoReceipt, Receipt, RunStatement, Statement, TaskStatement,
    VerdictStatement, WorkStatement,
};
pub use reopened::{ReopenError, ReopenedSession};
pub use repair::{RepairTask, repair_tasks};
pub use round::{Answer, Call, CallEnd, CallState, Changes, Round, RoundPhase, Turn};
pub use round_files::{DiagnoseFile, GateFile, Lineage, RoundFiles, RunNotes};
pub use run_file::{
    Began, CallRole, RUN_FOLDER_VERSION, RunAgent, RunAgents, RunCall, RunFile, RunKind,
};
pub use runs::{FoundRun, FoundRuns, RunFilter, RunStore, RunsError};
pub use session::Session;
pub use stats::{AgentStats, DayCount, ProjectStats, SessionStats};
pub use store::{SessionList, SessionStore, StoreError};
pub use summary::SessionSummary;
pub use writer::{SessionWriter, WriteError};
