//! What the shells make of the completion scripts.

use std::collections::BTreeSet;
use std::fs;

use codeloops_tests::Workspace;
use codeloops_tests::needs::{answers, told};

use crate::workspace;

const AGENTS: &[&str] = &["claude", "codex", "cursor", "gemini", "opencode"];

/// The end of a command line, and what is offered there.
const OFFERED: &[(&[&str], &[&str])] = &[
    (&["--log-format", ""], &["compact", "json", "pretty"]),
    (&["--log-format", "c"], &["compact"]),
    (&["run", "--log-format", "c"], &["compact"]),
    (&["--permissions", ""], &["edits", "full"]),
    (&["--critic-access", "re"], &["read-only"]),
    (&["--sink", ""], &["console", "exec:", "file:", "jsonl", "otel"]),
    (&["--agent", ""], AGENTS),
    (&["-a", "cl"], &["claude"]),
    (&["run", "--actor-agent", ""], AGENTS),
    (&["--agent", "mine", "--critic-agent", "g"], &["gemini"]),
    (&["init", "--agent", ""], AGENTS),
    (&["sessions", "list", "--status", ""], &["crashed", "ended", "interrupted", "running"]),
    (&["sessions", "list", "--outcome", "s"], &["stuck", "success"]),
    (&["--prompt-file", "RE"], &["README.md"]),
    (&["sessions", "show", "la"], &["latest"]),
    (&["runs", "show", "la"], &["latest"]),
    (&["runs", "list", "--kind", ""], &["run", "verify"]),
    (&["replay", "la"], &["latest"]),
    (&["replay", "latest", "--log-format", "c"], &["compact"]),
    (&["completions", "p"], &["powershell"]),
    (&["help", "se"], &["sessions"]),
    (&["help", "sessions", "l"], &["list"]),
    (&["help", "runs", "l"], &["list"]),
];

#[test]
fn bash_offers_the_values_of_options() {
    let place = with_script("bash");
    for (words, offered) in OFFERED {
        assert_eq!(in_bash(&place, words), names(offered), "{words:?}");
    }
    assert_eq!(in_bash(&place, &["--log-format", "=", "c"]), names(&["compact"]));
    assert_eq!(in_bash(&place, &["--max-iterations", ""]), names(&[]));
}

#[test]
fn fish_offers_the_values_of_options() {
    let place = with_script("fish");
    if !has_fish() {
        return;
    }
    for (words, offered) in OFFERED {
        assert_eq!(in_fish(&place, words), names(offered), "{words:?}");
    }
}

/// A folder with files is there, and none of them is offered where a command is due.
#[test]
fn fish_offers_the_commands_to_help() {
    let place = with_script("fish");
    if !has_fish() {
        return;
    }
    let commands = names(&[
        "completions",
        "demo",
        "doctor",
        "fork",
        "help",
        "init",
        "man",
        "receipt",
        "replay",
        "restore",
        "run",
        "runs",
        "sessions",
        "verify",
    ]);
    assert_eq!(in_fish(&place, &["help", ""]), commands);
    let of_sessions =
        names(&["diff", "export", "export-traces", "list", "path", "prune", "show", "stats"]);
    assert_eq!(in_fish(&place, &["help", "sessions", ""]), of_sessions);
    assert_eq!(in_fish(&place, &["help", "run", ""]), names(&[]));
}

/// Those of bash are tried everywhere.
fn has_fish() -> bool {
    let found = answers("fish");
    if !found {
        told("`fish` is missing");
    }
    found
}

fn names(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// A place with the completion script of a shell in the file `script`.
fn with_script(shell: &str) -> Workspace {
    let place = workspace();
    fs::write(place.at("script"), place.run(&["completions", shell]).exits(0).stdout).unwrap();
    place
}

/// Calls the function that the script defines, as bash does when Tab is pressed.
fn in_bash(place: &Workspace, words: &[&str]) -> BTreeSet<String> {
    const DRIVE: &str = r#"
        source "$0"
        compopt() { :; } # works while bash itself completes only
        COMP_WORDS=(codeloops "$@")
        COMP_CWORD=$#
        _codeloops codeloops "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let mut bash = place.program("bash");
    bash.args(["--norc", "-c", DRIVE]).arg(place.at("script")).args(words);
    lines(place, bash)
}

fn in_fish(place: &Workspace, words: &[&str]) -> BTreeSet<String> {
    let mut fish = place.program("fish");
    let drive = "source $argv[1]; complete -C $argv[2]";
    let line = format!("codeloops {}", words.join(" "));
    fish.args(["--no-config", "-c", drive]).arg(place.at("script")).arg(line);
    lines(place, fish)
}

/// The first column of what a shell prints; what stands behind a tab describes it.
fn lines(place: &Workspace, shell: std::process::Command) -> BTreeSet<String> {
    let offered = place.spawn(shell).wait().exits(0).stdout;
    let first = |line: &str| line.split('\t').next().unwrap_or_default().to_owned();
    offered.lines().map(first).filter(|word| !word.is_empty()).collect()
}
