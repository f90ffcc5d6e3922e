//! The manual, and the parts of the book that are made from the code, so that they cannot differ
//! from it.

mod agents;
mod cli;
mod examples;
mod exit_codes;
mod man;
mod moves;
mod page;
mod surroundings;

pub use man::{ManPage, manual};

/// The pages that are made as a whole: the name of each file in `docs/src`, and its text.
#[must_use]
pub fn pages() -> Vec<(&'static str, String)> {
    vec![
        ("cli.md", cli::page()),
        ("exit-codes.md", exit_codes::page()),
        ("agents.md", agents::page()),
    ]
}

/// A part of a page that is written by hand otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The name of the page's file in `docs/src`.
    pub page: &'static str,
    /// Its name in the marks around it: `<!-- begin NAME … -->` and `<!-- end NAME -->`.
    pub name: &'static str,
    /// What stands between them.
    pub text: String,
}

/// The parts of pages that are made.
#[must_use]
pub fn sections() -> Vec<Section> {
    vec![
        Section { page: "architecture.md", name: "moves", text: moves::moves() },
        Section {
            page: "configuration.md",
            name: "environment",
            text: surroundings::environment(),
        },
        Section { page: "configuration.md", name: "files", text: surroundings::files() },
    ]
}
