//! The test kit: a place of its own for each test ([`Workspace`]), with a git repository, a home
//! and a scripted agent ([`script`]), in which the real program is run.
//!
//! Whatever session files a test leaves are checked when its workspace goes away: every invariant
//! of a run holds for them, and the recorded facts lead the machine to the recorded decisions.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

pub mod counted;
pub mod needs;
pub mod otlp;
pub mod record;
pub mod run;
pub mod script;
pub mod terminal;
pub mod watch;
pub mod workspace;

mod redact;

pub use run::{Output, Running, wait_for, wait_until};
pub use terminal::OnTerminal;
pub use workspace::{Programs, Workspace};
