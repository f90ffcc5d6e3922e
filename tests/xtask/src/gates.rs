//! The tools of real projects, for tests whose gates are those: installed once, at pinned versions. A
//! Rust project needs none that is not here anyway.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::installed::{Installed, broken};
use crate::npm::{self, pinned};
use crate::step::{Outcome, Status};
use crate::test::{answers, target_alone};
use crate::venv;

/// Which packages of Python, at which versions.
const REQUIREMENTS: &str = "tests/projects/requirements.txt";

/// Which packages of npm, at which versions.
const PACKAGES: &str = "tests/projects/package.json";

const PYTHON: Installed =
    Installed { name: "gates/python", what_is_wrong: wrong_python, make: venv::make };

const NODE: Installed =
    Installed { name: "gates/node", what_is_wrong: wrong_packages, make: make_packages };

/// What the projects use of Python's.
const IMPORTS: &str = "import mypy, pytest, ruff";

/// What they use of npm's.
const NAMES: [&str; 3] = ["eslint", "typescript", "typescript-eslint"];

/// How long the registry may take for the packages, some 50 MB.
const INSTALL_LIMIT: Duration = Duration::from_secs(3 * 60);

/// Installs the tools where they are not there yet, and runs the tests with them.
pub(crate) fn step(logs: &Path) -> Outcome {
    let since = Instant::now();
    for (install, log) in
        [(install_python as Install, "gates-python"), (install_packages, "gates-node")]
    {
        let log = logs.join(format!("{log}-install.log"));
        if let Err(status) = install(&log) {
            return Outcome::not_installed("gates", status, since, log);
        }
    }
    Outcome::of_command("gates", target_alone("projects", "ci"), logs).since(since)
}

type Install = fn(&Path) -> Result<(), Status>;

fn install_python(log: &Path) -> Result<(), Status> {
    venv::can_be_made()?;
    make_folder()?;
    PYTHON.ensure(REQUIREMENTS, log)
}

fn install_packages(log: &Path) -> Result<(), Status> {
    if let Some(missing) = ["node", "npm"].into_iter().find(|program| !answers(program)) {
        return Err(Status::Skipped(format!("no `{missing}` in PATH: install it")));
    }
    make_folder()?;
    NODE.ensure(PACKAGES, log)
}

/// The one that both have theirs in.
fn make_folder() -> Result<(), Status> {
    fs::create_dir_all(crate::root().join("target/gates")).map_err(broken)
}

fn make_packages(draft: &Path, manifest: &str, log: &Path) -> Result<(), Status> {
    fs::write(draft.join("package.json"), manifest).map_err(broken)?;
    npm::install(draft, INSTALL_LIMIT, log)
}

fn wrong_python(folder: &Path, manifest: &str) -> io::Result<Option<String>> {
    Ok(venv::what_is_wrong(folder, manifest, IMPORTS))
}

fn wrong_packages(folder: &Path, manifest: &str) -> io::Result<Option<String>> {
    if fs::read_to_string(folder.join("package.json")).ok().as_deref() != Some(manifest) {
        return Ok(Some("other versions are pinned".to_owned()));
    }
    for name in NAMES {
        let wanted = pinned(manifest, name)
            .ok_or_else(|| io::Error::other(format!("no {name} in {PACKAGES}")))?;
        let own = folder.join("node_modules").join(name).join("package.json");
        let told = fs::read_to_string(own).unwrap_or_default();
        if !told.contains(&format!("\"version\": \"{wanted}\"")) {
            return Ok(Some(format!("{name} {wanted} is not there")));
        }
    }
    Ok(None)
}
