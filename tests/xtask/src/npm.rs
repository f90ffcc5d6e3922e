//! npm: packages at pinned versions, for tests.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use crate::installed::run_within;
use crate::step::Status;

/// npm's codes for a registry that cannot be reached.
const UNREACHABLE: [&str; 8] = [
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ECONNRESET",
    "EHOSTUNREACH",
    "ENETUNREACH",
    "ENOTFOUND",
    "ERR_SOCKET_TIMEOUT",
    "ETIMEDOUT",
];

/// Installs what the `package.json` of a folder names; no script of a package is run.
pub(crate) fn install(draft: &Path, limit: Duration, log: &Path) -> Result<(), Status> {
    let mut npm = Command::new("npm");
    npm.args(["install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund"]);
    npm.args([
        "--prefer-offline",
        "--fetch-retry-mintimeout=1000",
        "--fetch-retry-maxtimeout=3000",
    ]);
    npm.current_dir(draft);
    eprintln!("running npm install in {}", draft.display());
    match run_within(&mut npm, log, limit) {
        Ok(Some(ended)) if ended.success() => Ok(()),
        Ok(Some(ended)) => Err(why_it_failed(&fs::read_to_string(log).unwrap_or_default(), ended)),
        Ok(None) => {
            let minutes = limit.as_secs() / 60;
            Err(Status::Skipped(format!("npm did not get the packages within {minutes} minutes")))
        }
        Err(error) => Err(Status::Fail(format!("npm failed: {error}"))),
    }
}

/// A registry that is not there is no fault of ours; anything else is looked at.
fn why_it_failed(log: &str, ended: ExitStatus) -> Status {
    let codes = log.lines().filter_map(|line| line.split_once(" code ").map(|(_, code)| code));
    let unreachable = codes.map(str::trim).find(|code| UNREACHABLE.contains(code));
    match unreachable {
        Some(code) => Status::Skipped(format!("npm cannot reach its registry ({code})")),
        None => Status::Fail(format!("npm install failed: {ended}")),
    }
}

/// The version behind a package's name; the manifest has one on a line.
pub(crate) fn pinned<'a>(manifest: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("\"{package}\": \"");
    let (_, rest) = manifest.split_once(&name)?;
    Some(rest.split_once('"')?.0)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn a_registry_that_cannot_be_reached_is_told_from_a_fault() {
        let why = |log| why_it_failed(log, ExitStatus::from_raw(256));
        let skipped = Status::Skipped("npm cannot reach its registry (ENOTFOUND)".to_owned());
        assert_eq!(why("npm warn x\nnpm error code ENOTFOUND\nnpm error errno\n"), skipped);
        let failed = Status::Fail("npm install failed: exit status: 1".to_owned());
        assert_eq!(why("npm error code EINTEGRITY\n"), failed);
        assert_eq!(why(""), failed);
    }
}
