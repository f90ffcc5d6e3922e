//! `cargo xtask test`: everything that can be checked on this machine, one line each.
//!
//! All steps that build tests use the same profile and the same features, so the workspace is
//! compiled once for them; clippy and rustdoc keep artefacts of their own.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use crate::counts::Counts;
use crate::step::{Need, Outcome, Status};

/// Runs every step there is.
pub(crate) fn run() -> Result<ExitCode, String> {
    run_all(steps())
}

/// Runs the step with the real agent programs, which take minutes, and no other.
pub(crate) fn run_agents() -> Result<ExitCode, String> {
    run_all(vec![(need_of_agents(), crate::agents::step)])
}

/// Runs the step with the receiver of OTLP, and no other.
pub(crate) fn run_otlp() -> Result<ExitCode, String> {
    run_all(vec![
        (Need::Required, python_venv),
        (Need::Required, crate::otlp::step),
        (Need::Optional, crate::otlp::product),
    ])
}

/// Runs the step with the tools of real projects, and no other.
pub(crate) fn run_gates() -> Result<ExitCode, String> {
    run_all(vec![(Need::Required, python_venv), (Need::Required, crate::gates::step)])
}

/// Runs each of these, however the ones before it ended, and ends with the counts of all.
fn run_all(steps: Vec<(Need, Step)>) -> Result<ExitCode, String> {
    let logs = crate::root().join("target/xtask");
    std::fs::create_dir_all(&logs)
        .map_err(|error| format!("cannot create `{}`: {error}", logs.display()))?;
    let on_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    let mut total = Counts::default();
    for (need, step) in steps {
        let outcome = step(&logs).judged(need, on_ci);
        println!("{outcome}");
        if outcome.failed() {
            outcome.tail().into_iter().for_each(|tail| println!("{tail}"));
        }
        total += outcome.counts();
    }
    println!("{total}");
    Ok(if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

type Step = fn(&Path) -> Outcome;

/// The steps in order: programs that tests need, then what fails fast, then the rest.
fn steps() -> Vec<(Need, Step)> {
    let mut steps: Vec<(Need, Step)> = vec![
        (Need::Required, |_| program("git")),
        (Need::Required, |logs| packaged("jq", logs)),
        (Need::Required, |logs| packaged("tmux", logs)),
        (Need::Optional, |logs| packaged("fish", logs)),
        (Need::Required, |_| program("python3")),
        (Need::Required, python_venv),
        (Need::Required, |logs| cargo_tool("format", &["fmt", "--all", "--check"], logs)),
        (Need::Required, clippy),
        (Need::Required, tests),
        (Need::Required, crate::otlp::step),
        (Need::Optional, crate::otlp::product),
        (Need::Required, crate::gates::step),
        (need_of_agents(), crate::agents::step),
        (Need::Required, |logs| {
            Outcome::of_command("doc tests", cargo(&["test", "--doc", "--workspace"]), logs)
        }),
        (Need::Required, rustdoc),
    ];
    if crate::docs::generator_source().exists() {
        steps.push((Need::Required, |logs| {
            Outcome::of_command("drift", crate::docs::built_generator(), logs)
        }));
    }
    if crate::root().join("fuzz/Cargo.toml").exists() {
        steps.push((Need::Required, |logs| {
            // In the workspace's target folder nearly all of it is built already.
            let mut check = cargo(&["check", "--locked", "--manifest-path", "fuzz/Cargo.toml"]);
            check.args(["--target-dir", "target"]);
            Outcome::of_command("fuzz", check, logs)
        }));
    }
    steps.push((Need::Optional, |logs| cargo_tool("deny", &["deny", "check"], logs)));
    steps.push((Need::Optional, mdbook));
    steps
}

/// Their tests look at processes as Linux shows them.
const fn need_of_agents() -> Need {
    if cfg!(target_os = "linux") { Need::Required } else { Need::Optional }
}

/// A program that tests call.
fn program(name: &'static str) -> Outcome {
    let since = Instant::now();
    let status = if answers(name) {
        Status::Pass
    } else {
        Status::Skipped(format!("no `{name}` in PATH: install it"))
    };
    Outcome::without_log(name, status, since)
}

/// A program that tests call and few machines have: `jq` for the recipes of the session file, `tmux`
/// for what is seen on a real terminal, `fish` for its completions (those of bash are always tried).
/// A container as root, on a system with packages, gets it here; nobody else's machine is changed.
fn packaged(name: &'static str, logs: &Path) -> Outcome {
    if answers(name) || !gets_packages() { program(name) } else { get_package(name, logs) }
}

/// What makes a Python of the tests' own; some systems have it in a package beside `python3`.
fn python_venv(logs: &Path) -> Outcome {
    const PACKAGE: &str = "python3-venv";
    let since = Instant::now();
    if python_has("ensurepip") {
        return Outcome::without_log(PACKAGE, Status::Pass, since);
    }
    if gets_packages() {
        return get_package(PACKAGE, logs);
    }
    let why = "python3 makes no `venv`: install it";
    Outcome::without_log(PACKAGE, Status::Skipped(why.to_owned()), since)
}

/// Whether this is a container's root, on a system with packages.
fn gets_packages() -> bool {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    is_root && answers("apt-get")
}

fn get_package(name: &'static str, logs: &Path) -> Outcome {
    let install = format!("apt-get update && apt-get install -y --no-install-recommends {name}");
    let mut shell = Command::new("sh");
    shell.args(["-c", &install]);
    Outcome::of_command(name, with_plain_output(shell), logs)
}

fn clippy(logs: &Path) -> Outcome {
    let lint = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    cargo_tool("clippy", &lint, logs)
}

/// nextest where it is installed: a process for each test, and a limit on its time.
fn tests(logs: &Path) -> Outcome {
    let command = if present(cargo(&["nextest"])) {
        cargo(&["nextest", "run", "--workspace", "--profile", "ci"])
    } else {
        cargo(&["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"])
    };
    Outcome::of_command("tests", command, logs)
}

/// A test target that the ordinary tests leave out, under a profile of nextest where that is
/// installed.
pub(crate) fn target_alone(target: &str, profile: &str) -> Command {
    // Of the whole workspace, though one package has it: with the features that the other tests are
    // built with.
    let test = ["--workspace", "--test", target];
    if present(cargo(&["nextest"])) {
        let mut nextest = cargo(&["nextest", "run", "--profile", profile]);
        nextest.args(test);
        return nextest;
    }
    let mut plain = cargo(&["test", "--no-fail-fast"]);
    plain.args(test).args(["--", "--test-threads", "2"]);
    plain
}

fn rustdoc(logs: &Path) -> Outcome {
    let mut command = cargo(&["doc", "--no-deps", "--workspace"]);
    command.env("RUSTDOCFLAGS", "-Dwarnings");
    Outcome::of_command("rustdoc", command, logs)
}

fn mdbook(logs: &Path) -> Outcome {
    if !answers("mdbook") {
        return program("mdbook");
    }
    let mut build = Command::new("mdbook");
    build.args(["build", "docs"]).current_dir(crate::root());
    Outcome::of_command("mdbook", with_plain_output(build), logs)
}

/// A step that a cargo subcommand does, skipped where that is not installed.
fn cargo_tool(name: &'static str, arguments: &[&str], logs: &Path) -> Outcome {
    let subcommand = arguments[0];
    if present(cargo(&[subcommand])) {
        return Outcome::of_command(name, cargo(arguments), logs);
    }
    let why = format!("no `cargo {subcommand}`: install it");
    Outcome::without_log(name, Status::Skipped(why), Instant::now())
}

/// The cargo that runs this program, at the root, without colour in its log.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(arguments).current_dir(crate::root());
    with_plain_output(command)
}

fn with_plain_output(mut command: Command) -> Command {
    command.env("CARGO_TERM_COLOR", "never").env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Whether a program is there. `tmux` knows no `--version`.
pub(crate) fn answers(name: &str) -> bool {
    let mut command = Command::new(name);
    command.arg(if name == "tmux" { "-V" } else { "--version" });
    succeeds(command)
}

/// Whether `python3` has a module.
pub(crate) fn python_has(module: &str) -> bool {
    let mut command = Command::new("python3");
    command.args(["-c", &format!("import {module}")]);
    succeeds(command)
}

/// Whether a subcommand of cargo answers to `--version`.
pub(crate) fn present(mut command: Command) -> bool {
    command.arg("--version");
    succeeds(command)
}

fn succeeds(mut command: Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
