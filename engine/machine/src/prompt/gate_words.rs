//! Gates and signs of weakened checks, as both sides are told of them.

use codeloops_event::{
    DiffSide, Evidence, Failure, GateResult, GateSettings, GateStatus, TamperKind, Tampering,
};

use super::truncate::head_and_tail;
use super::words::one_line;

/// Bytes that what a gate found may take where the actor is told of it.
const LONGEST: usize = 16 * 1024;

/// Bytes that the list of all gates may take.
const LONGEST_LIST: usize = 4 * 1024;

/// Failures of a gate that are told one by one.
const LISTED: usize = 20;

/// What the gates that block have found, for the actor; empty where none blocks.
pub(crate) fn blocking(gates: &[GateResult], evidence_dir: Option<&str>) -> String {
    let told = gates.iter().filter(|gate| gate.blocks).map(|gate| {
        let whole = gate.output.as_ref().map(|output| path(evidence_dir, output));
        let head = format!("The gate `{}` does not pass: {}.\n", gate.name, status(gate));
        let found = format!("{head}{}", found(gate, whole.as_deref()));
        head_and_tail(&found, LONGEST, whole.as_deref()).into_owned()
    });
    told.collect::<Vec<_>>().join("\n")
}

/// What keeps the work from being approved though the critic found it done.
pub(crate) fn tampering_blocks(found: &[Tampering], more: u64) -> String {
    format!(
        "The changes weaken checks of the project, which is not allowed here. Undo this; where the \
         task itself asks for it, say so and leave the rest alone:\n{}",
        tampering(found, more)
    )
}

/// One line each.
pub(super) fn tampering(found: &[Tampering], more: u64) -> String {
    let mut list: String = found.iter().map(|sign| format!("- {}\n", one_sign(sign))).collect();
    if more > 0 {
        list.extend([format!("- and {more} more\n")]);
    }
    list
}

fn one_sign(sign: &Tampering) -> String {
    let line = sign.line.map_or_else(String::new, |line| format!(":{line}"));
    let side = match (sign.line, sign.side) {
        (Some(_), DiffSide::Removed) => " (as it was)",
        _ => "",
    };
    let what = kind(sign.kind);
    format!("{}{line}{side}: {what}: {}", one_line(&sign.file), one_line(&sign.text))
}

const fn kind(kind: TamperKind) -> &'static str {
    match kind {
        TamperKind::TestDeleted => "a test is gone",
        TamperKind::TestSkipped => "a test is skipped",
        TamperKind::AssertionRemoved => "an assertion is gone",
        TamperKind::LintLoosened => "a linter or type checker is told to look away",
        TamperKind::CiChanged => "what continuous integration runs was changed",
        TamperKind::ConfigChanged => "the configuration of codeloops was changed",
        TamperKind::GateChanged => "a file that a gate runs was changed",
        TamperKind::Custom => "a pattern of the user's matches",
    }
}

/// The result of a gate for the critic, which judges by it.
pub(super) fn for_critic(gate: &GateResult, whole: Option<&str>, limit: usize) -> String {
    let required = if gate.required { "required" } else { "not required" };
    let head = format!("{} ({required}): {}\n", one_line(&gate.name), status(gate));
    let text = match gate.status {
        GateStatus::Passed => head,
        _ => format!("{head}{}", found(gate, whole)),
    };
    head_and_tail(&text, limit, whole).into_owned()
}

/// How it ended, and what that means.
fn status(gate: &GateResult) -> String {
    let code = gate.exit_code.map_or_else(String::new, |code| format!(" with exit code {code}"));
    let ended = match gate.status {
        GateStatus::Passed => "it passed".to_owned(),
        GateStatus::Failed => format!("it failed{code}"),
        GateStatus::Flaky if gate.blocks => {
            "it failed, changed files, and then passed when repeated, so that it passes only because of \
             what it changed, which was put back"
                .to_owned()
        }
        GateStatus::Flaky => "it is flaky: it failed, then passed when repeated".to_owned(),
        GateStatus::TimedOut => "it ran past its time limit".to_owned(),
        GateStatus::NotStarted => "it could not be started".to_owned(),
    };
    match gate.baseline.map(GateStatus::is_green) {
        Some(false) if gate.worse => {
            format!("{ended}; it was red before the run began, and has got worse")
        }
        Some(false) if gate.status.is_green() => {
            format!("{ended}; it was red before the run began")
        }
        Some(false) if gate.blocks => format!("{ended}, as it did before the run began"),
        Some(false) => {
            format!("{ended}, as it did before the run began, so that this blocks nothing")
        }
        Some(true) if !gate.status.is_green() => format!("{ended}; it passed before the run began"),
        Some(true) | None => ended,
    }
}

/// What it found, and the end of what it printed.
fn found(gate: &GateResult, whole: Option<&str>) -> String {
    let mut out = String::new();
    if !gate.failures.is_empty() {
        out.push_str("What fails:\n");
        out.extend(
            gate.failures.iter().take(LISTED).map(|failure| format!("- {}\n", one(failure))),
        );
        let more = gate.failures.len().saturating_sub(LISTED) as u64 + gate.more_failures;
        if more > 0 {
            out.extend([format!("- and {more} more\n")]);
        }
    }
    let tail = gate.tail.trim_end();
    if !tail.trim().is_empty() {
        let whole = whole.map_or_else(String::new, |path| format!(" (all of it: {path})"));
        out.extend([format!("The end of what it printed{whole}:\n\n")]);
        out.extend(tail.lines().map(|line| format!("    {line}\n")));
    }
    out
}

fn one(failure: &Failure) -> String {
    let mut out = String::new();
    if let Some(file) = &failure.file {
        out.push_str(&one_line(file));
        if let Some(line) = failure.line {
            out.extend([format!(":{line}")]);
        }
        out.push_str(": ");
    }
    if let Some(code) = &failure.code {
        out.extend([format!("{}: ", one_line(code))]);
    }
    out + &one_line(&failure.message)
}

/// The checks that a turn of the actor's is followed by.
pub(super) fn announced(gates: &[GateSettings], before: &[Option<&GateResult>]) -> String {
    let each = gates.iter().zip(before).map(|(gate, before)| {
        let required = if gate.required { "" } else { ", not required" };
        let before = match before {
            Some(before) if !before.status.is_green() && gate.baseline => {
                "; red before this run began: it must not get worse"
            }
            _ => "",
        };
        format!("- {}: `{}`{required}{before}\n", gate.name, one_line(&command(&gate.command)))
    });
    head_and_tail(&each.collect::<String>(), LONGEST_LIST, None).into_owned()
}

/// The command as its user wrote it.
fn command(words: &[String]) -> String {
    match words {
        [sh, c, script] if sh == "sh" && c == "-c" => script.clone(),
        words => words.join(" "),
    }
}

/// Where the whole of a file of evidence is.
fn path(evidence_dir: Option<&str>, file: &Evidence) -> String {
    match evidence_dir {
        Some(dir) => format!("{}/{}", dir.trim_end_matches('/'), file.path),
        None => file.path.clone(),
    }
}
