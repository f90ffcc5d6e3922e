//! A Python of the tests' own, with packages at pinned versions.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::installed::{broken, run_within};
use crate::step::Status;
use crate::test::python_has;

/// How long the registry may take for the packages, some 30 MB.
const INSTALL_LIMIT: Duration = Duration::from_secs(3 * 60);

/// How long Python may take to load them.
const LOAD_LIMIT: Duration = Duration::from_secs(60);

/// Some systems have what makes one in a package beside `python3`.
pub(crate) fn can_be_made() -> Result<(), Status> {
    if python_has("ensurepip") {
        return Ok(());
    }
    let why = "python3 makes no `venv`: install `python3-venv`";
    Err(Status::Skipped(why.to_owned()))
}

/// Makes one in an empty folder, with the packages that the manifest names with their hashes.
pub(crate) fn make(draft: &Path, manifest: &str, log: &Path) -> Result<(), Status> {
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
    Status::Fail(format!("installing the packages failed: {ended}"))
}

/// Why a folder is not one that has these packages, and loads them by this line of Python.
pub(crate) fn what_is_wrong(folder: &Path, manifest: &str, imports: &str) -> Option<String> {
    if fs::read_to_string(folder.join("requirements.txt")).ok().as_deref() != Some(manifest) {
        return Some("other versions are pinned".to_owned());
    }
    let mut python = Command::new(folder.join("bin/python"));
    python.args(["-c", imports]).stdin(Stdio::null());
    let loaded = run_within(&mut python, &folder.join("loaded.log"), LOAD_LIMIT);
    let loads = loaded.is_ok_and(|ended| ended.is_some_and(|ended| ended.success()));
    (!loads).then(|| "its Python does not load the packages".to_owned())
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
        let failed = "installing the packages failed: exit status: 1";
        let mismatch = "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES";
        assert_eq!(why(mismatch), Status::Fail(failed.to_owned()));
    }
}
