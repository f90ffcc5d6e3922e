//! codeloops with the real agent programs, which talk to a model server of the tests' own.
//!
//! They are no part of the ordinary tests: `cargo xtask agents` installs the programs first, at the
//! versions of `package.json`.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod agent;
mod model;
mod place;

/// The same test with each of the agents.
macro_rules! with_each_agent {
    ($case:ident) => {
        #[test]
        fn claude() {
            $case($crate::agent::Agent::Claude);
        }

        #[test]
        fn opencode() {
            $case($crate::agent::Agent::Opencode);
        }

        #[test]
        fn codex() {
            $case($crate::agent::Agent::Codex);
        }

        #[test]
        fn gemini() {
            $case($crate::agent::Agent::Gemini);
        }
    };
}

mod background;
mod critic_commands;
mod critic_reads_only;
mod edits_only;
mod interrupted_at_work;
mod interrupted_critic;
mod interrupted_in_silence;
mod joined_trace;
mod long_task;
mod mixed_pair;
mod overloaded_once;
mod refused;
mod two_rounds;
mod usage_limit;
