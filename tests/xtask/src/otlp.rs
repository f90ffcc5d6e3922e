//! The receiver of OTLP: its Python packages are installed once, at pinned versions, and then tested
//! with.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::installed::{Installed, broken, run_within};
use crate::step::{Outcome, Status};
use crate::test::{python_has, target_alone};

/// Which packages, at which versions.
const MANIFEST: &str = "tests/otlp/requirements.txt";

const RECEIVER: Installed = Installed { name: "otlp", what_is_wrong, make };

/// Where the product may be, if not in PATH.
const PRODUCT: &str = "target/phoenix/bin/phoenix";

/// How long the registry may take for the packages, some 10 MB.
const INSTALL_LIMIT: Duration = Duration::from_secs(3 * 60);

/// How long Python may take to load them.
const LOAD_LIMIT: Duration = Duration::from_secs(60);

/// What the receiver imports.
const IMPORTS: &str = "import grpc, opentelemetry.proto.collector.trace.v1.trace_service_pb2";

/// Makes the Python where it is not there yet, and runs the tests on it.
pub(crate) fn step(logs: &Path) -> Outcome {
    let since = Instant::now();
    let log = logs.join("otlp-install.log");
    match install(&log) {
        Ok(()) => Outcome::of_command("otlp", target_alone("otlp", "ci"), logs).since(since),
        Err(status) => Outcome::not_installed("otlp", status, since, log),
    }
}

/// Exports a run to a product that somebody else made, and reads it back, where it is installed. It listens
/// on all addresses, so it gets a network of its own.
pub(crate) fn product(logs: &Path) -> Outcome {
    let since = Instant::now();
    let own = crate::root().join(PRODUCT);
    let phoenix = [Path::new("phoenix"), &own].into_iter().find(|program| {
        let mut asked = Command::new(program);
        succeeds(asked.arg("--help"))
    });
    let Some(phoenix) = phoenix else {
        let why =
            format!("no `phoenix` in PATH, nor as `{PRODUCT}`: install `arize-phoenix` there");
        return Outcome::without_log("product", Status::Skipped(why), since);
    };
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--net", "python3", "tests/otlp/product.py"]);
    command.arg(phoenix).arg("target/debug/codeloops-as-released").current_dir(crate::root());
    Outcome::of_command("product", command, logs)
}

fn succeeds(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// What `target/otlp/bin/python` is afterwards can run the receiver.
pub(crate) fn install(log: &Path) -> Result<(), Status> {
    if !python_has("ensurepip") {
        let why = "python3 makes no `venv`: install `python3-venv`";
        return Err(Status::Skipped(why.to_owned()));
    }
    RECEIVER.ensure(MANIFEST, log)
}

fn make(draft: &Path, manifest: &str, log: &Path) -> Result<(), Status> {
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv"]).arg(draft);
    ended_well(&mut venv, log)?;
    fs::write(draft.join("requirements.txt"), manifest).map_err(broken)?;
    let mut pip = Command::new(draft.join("bin/python"));
    pip.args(["-m", "pip", "install", "--require-hashes", "--only-binary", ":all:"]);
    pip.args(["--disable-pip-version-check", "--retries", "2", "--timeout", "15", "-r"]);
    pip.arg(draft.join("requirements.txt"));
    ended_well(&mut pip, log)
}

fn ended_well(command: &mut Command, log: &Path) -> Result<(), Status> {
    match run_within(command, log, INSTALL_LIMIT).map_err(broken)? {
        Some(ended) if ended.success() => Ok(()),
        Some(ended) => Err(why_it_failed(&fs::read_to_string(log).unwrap_or_default(), ended)),
        None => {
            let minutes = INSTALL_LIMIT.as_secs() / 60;
            Err(Status::Skipped(format!("pip did not get the packages within {minutes} minutes")))
        }
    }
}

/// A registry that is not there is no fault of ours; anything else is looked at.
fn why_it_failed(log: &str, ended: ExitStatus) -> Status {
    if log.contains("after connection broken by") {
        return Status::Skipped("pip cannot reach its registry".to_owned());
    }
    Status::Fail(format!("installing the receiver's packages failed: {ended}"))
}

fn what_is_wrong(folder: &Path, manifest: &str) -> io::Result<Option<String>> {
    if fs::read_to_string(folder.join("requirements.txt")).ok().as_deref() != Some(manifest) {
        return Ok(Some("other versions are pinned".to_owned()));
    }
    let mut python = Command::new(folder.join("bin/python"));
    python.args(["-c", IMPORTS]).stdin(Stdio::null());
    let loaded = run_within(&mut python, &folder.join("loaded.log"), LOAD_LIMIT);
    let loads = loaded.is_ok_and(|ended| ended.is_some_and(|ended| ended.success()));
    Ok((!loads).then(|| "its Python does not load the packages".to_owned()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn a_registry_that_cannot_be_reached_is_told_from_a_fault() {
        let why = |log| why_it_failed(log, ExitStatus::from_raw(256));
        let skipped = Status::Skipped("pip cannot reach its registry".to_owned());
        let retried = "WARNING: Retrying (Retry(total=1)) after connection broken by \
                       'NewConnectionError'\nERROR: No matching distribution found";
        assert_eq!(why(retried), skipped);
        let failed = "installing the receiver's packages failed: exit status: 1";
        let mismatch = "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES";
        assert_eq!(why(mismatch), Status::Fail(failed.to_owned()));
    }
}
