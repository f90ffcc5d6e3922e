//! The real agent programs: installed once, at pinned versions, and then tested with.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::installed::{Installed, broken, run_within};
use crate::npm::{self, pinned};
use crate::otlp;
use crate::step::{Outcome, Status};
use crate::test::{answers, target_alone};

/// Which packages, at which versions.
const MANIFEST: &str = "tests/agents/package.json";

const AGENTS: Installed = Installed { name: "agents", what_is_wrong, make };

/// How long the registry may take for the programs, some 400 MB.
const INSTALL_LIMIT: Duration = Duration::from_secs(5 * 60);

/// How long a program may take to tell its version.
const VERSION_LIMIT: Duration = Duration::from_secs(60);

struct Program {
    /// Its name below `bin`.
    name: &'static str,
    package: &'static str,
    /// Below `node_modules`. Claude Code and OpenCode are native programs, which a script of their
    /// packages would only copy; scripts are not run.
    path: &'static str,
}

const ARCH: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };

const PROGRAMS: [Program; 4] = [
    Program {
        name: "claude",
        package: "@anthropic-ai/claude-code",
        path: "@anthropic-ai/claude-code-linux-{arch}/claude",
    },
    Program { name: "codex", package: "@openai/codex", path: ".bin/codex" },
    Program { name: "gemini", package: "@google/gemini-cli", path: ".bin/gemini" },
    Program {
        name: "opencode",
        package: "opencode-ai",
        path: "opencode-linux-{arch}/bin/opencode",
    },
];

/// Installs the programs where they are not there yet, and the receiver that they export to, and runs
/// the tests on them.
pub(crate) fn step(logs: &Path) -> Outcome {
    let since = Instant::now();
    for (install, log) in [(install as Install, "agents-install"), (otlp::install, "otlp-install")]
    {
        let log = logs.join(format!("{log}.log"));
        if let Err(status) = install(&log) {
            return Outcome::not_installed("agents", status, since, log);
        }
    }
    Outcome::of_command("agents", target_alone("agents", "agents"), logs).since(since)
}

type Install = fn(&Path) -> Result<(), Status>;

fn install(log: &Path) -> Result<(), Status> {
    if !cfg!(target_os = "linux") {
        return Err(Status::Skipped("they look at processes by /proc".to_owned()));
    }
    if let Some(missing) = ["node", "npm"].into_iter().find(|program| !answers(program)) {
        return Err(Status::Skipped(format!("no `{missing}` in PATH: install it")));
    }
    AGENTS.ensure(MANIFEST, log)
}

fn make(draft: &Path, manifest: &str, log: &Path) -> Result<(), Status> {
    fs::create_dir(draft.join("bin")).map_err(broken)?;
    fs::create_dir(draft.join("home")).map_err(broken)?;
    fs::write(draft.join("package.json"), manifest).map_err(broken)?;
    npm::install(draft, INSTALL_LIMIT, log)?;
    for program in PROGRAMS {
        let path = format!("../node_modules/{}", program.path.replace("{arch}", ARCH));
        symlink(path, draft.join("bin").join(program.name)).map_err(broken)?;
    }
    Ok(())
}

/// Why a folder is not one with these versions; `None` where each of its programs tells the pinned
/// one. npm leaves out, without a word, what it could not get for this platform.
fn what_is_wrong(folder: &Path, manifest: &str) -> io::Result<Option<String>> {
    if fs::read_to_string(folder.join("package.json")).ok().as_deref() != Some(manifest) {
        return Ok(Some("other versions are pinned".to_owned()));
    }
    for program in PROGRAMS {
        let pinned = pinned(manifest, program.package)
            .ok_or_else(|| io::Error::other(format!("no {} in {MANIFEST}", program.package)))?;
        let told = version(folder, &program);
        if !told.contains(pinned) {
            let told = told.lines().next().unwrap_or_default();
            return Ok(Some(format!("`{} --version` tells `{told}`, not {pinned}", program.name)));
        }
    }
    Ok(None)
}

/// What a program prints about its version; it must not touch the user's own files.
fn version(folder: &Path, program: &Program) -> String {
    let log = folder.join(format!("{}.version", program.name));
    let mut command = Command::new(folder.join("bin").join(program.name));
    command.arg("--version").current_dir(folder).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOME", folder.join("home"));
    match run_within(&mut command, &log, VERSION_LIMIT) {
        Ok(Some(_)) => fs::read_to_string(&log).unwrap_or_default(),
        Ok(None) => "nothing".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use super::*;
    use crate::installed::remove;

    const PINNED: &str = r#"{
  "dependencies": {
    "@anthropic-ai/claude-code": "1.2.3",
    "@google/gemini-cli": "1.2.3",
    "@openai/codex": "1.2.3",
    "opencode-ai": "1.2.3"
  }
}"#;

    /// A folder in which each program prints this.
    fn installed(name: &str, told: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("xtask-{}-{name}", std::process::id()));
        fs::create_dir_all(folder.join("bin")).unwrap();
        fs::write(folder.join("package.json"), PINNED).unwrap();
        for program in PROGRAMS {
            let file = folder.join("bin").join(program.name);
            fs::write(&file, format!("#!/bin/sh\necho {told}\n")).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        folder
    }

    #[test]
    fn a_folder_is_whole_where_each_program_tells_the_pinned_version() {
        let folder = installed("whole", "version 1.2.3");
        assert_eq!(what_is_wrong(&folder, PINNED).unwrap(), None);
        let newer = PINNED.replace("1.2.3", "1.2.4");
        assert!(what_is_wrong(&folder, &newer).unwrap().is_some(), "other versions are pinned");
        fs::remove_file(folder.join("bin/gemini")).unwrap();
        let wrong = what_is_wrong(&folder, PINNED).unwrap();
        assert!(wrong.unwrap().starts_with("`gemini --version` tells"), "one is not there");
        remove(&folder).unwrap();

        let folder = installed("other", "1.2.2");
        let wrong = what_is_wrong(&folder, PINNED).unwrap();
        assert_eq!(wrong.unwrap(), "`claude --version` tells `1.2.2`, not 1.2.3");
        remove(&folder).unwrap();
    }
}
