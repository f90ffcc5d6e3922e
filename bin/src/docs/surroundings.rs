//! The variables and files that codeloops reads and leaves, for the book and the manual.

use super::page::{code, table};

/// Each with what it is.
type Table = &'static [(&'static str, &'static str)];

/// Variables that codeloops reads; one that is empty is as good as none, but for a pager.
pub(super) const READ: Table = &[
    (
        "CODELOOPS_PAGER",
        "shows what is longer than the screen, before `PAGER`; empty or `cat`: nothing does",
    ),
    ("LESS", "how `less` works; `FRX` where it is not set"),
    ("NO_COLOR", "switches colours off"),
    ("OTEL_*", "say where and how the sink `otel` exports; the book lists them"),
    (
        "PAGER",
        "shows what is longer than the screen, else `less` does; none where it is empty or `cat`",
    ),
    ("RUST_LOG", "makes codeloops tell of itself on standard error: `debug`, say"),
    ("TRACEPARENT", "the trace that a run belongs to; its ids stand in the session file"),
    ("XDG_CACHE_HOME", "stands for `~/.cache`, where the versions of agents are remembered"),
    ("XDG_CONFIG_HOME", "stands for `~/.config`, where your configuration is"),
    ("XDG_DATA_HOME", "stands for `~/.local/share`, where sessions and evidence are"),
];

/// Variables that the agents of a run are given.
pub(super) const GIVEN: Table = &[
    ("CODELOOPS_RUN_ID", "the run"),
    ("CODELOOPS_PID", "the process that runs it"),
    ("CODELOOPS_COMMIT_SHA", "the commit that the run began at; not set where there was none"),
    ("CODELOOPS_BRANCH", "the branch that it began on; not set where there was none"),
    ("CODELOOPS_ITERATION", "the iteration, from 1"),
    ("CODELOOPS_ROLE", "`actor` or `critic`"),
];

/// Files; those of the project are below the working directory.
pub(super) const FILES: Table = &[
    ("prompt.md", "the task, where no option gives another"),
    ("codeloops.toml", "the project's configuration"),
    ("~/.config/codeloops/config.toml", "your configuration"),
    ("~/.cache/codeloops/versions.json", "the versions of the agents that were asked; it may go"),
    ("~/.local/share/codeloops/sessions/", "a file for each run: what happened, as JSON lines"),
    ("~/.local/share/codeloops/runs/", "a folder for each run: what agents printed, and diffs"),
];

/// The section on variables.
pub(super) fn environment() -> String {
    format!("{}\nAgents are given:\n\n{}", rows("variable", READ), rows("variable", GIVEN),)
}

/// The section on files.
pub(super) fn files() -> String {
    rows("file", FILES)
}

fn rows(head: &str, entries: Table) -> String {
    let rows: Vec<[String; 2]> =
        entries.iter().map(|(name, what)| [code(name), (*what).to_owned()]).collect();
    table([head, "what it is"], &rows)
}
