//! The documented exit codes.

/// The critic approved, or the command did what it was asked.
pub const SUCCESS: u8 = 0;
/// A limit stopped the run before the critic approved.
pub const LIMIT: u8 = 1;
/// Something could not be done; wrong usage included.
pub const FAILED: u8 = 2;
/// This release decides otherwise than a recording tells.
pub const DIVERGED: u8 = 3;
/// The user stopped it.
pub const INTERRUPTED: u8 = 130;

/// One documented exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The code.
    pub code: u8,
    /// What it means, in one line.
    pub meaning: &'static str,
}

/// Every exit code, in order; the documentation is made from it.
pub const TABLE: &[Entry] = &[
    Entry { code: SUCCESS, meaning: "the critic approved, or the command did what it was asked" },
    Entry {
        code: LIMIT,
        meaning: "a limit stopped the run before the critic approved; `codeloops verify`: a gate blocks, or the receipt does not hold",
    },
    Entry { code: FAILED, meaning: "something could not be done; wrong usage included" },
    Entry {
        code: DIVERGED,
        meaning: "`codeloops replay --verify`: this release decides otherwise than was recorded",
    },
    Entry { code: INTERRUPTED, meaning: "interrupted by the user" },
];

#[cfg(test)]
mod tests {
    use super::*;
    use codeloops_event::Outcome;

    #[test]
    fn every_outcome_has_a_documented_code() {
        for outcome in [
            Outcome::Success,
            Outcome::Failed,
            Outcome::Interrupted,
            Outcome::MaxIterationsReached,
            Outcome::BudgetExhausted,
            Outcome::Stuck,
        ] {
            assert!(TABLE.iter().any(|e| e.code == outcome.exit_code()), "{outcome}");
        }
    }
}
