//! What tests need of a registry: installed once below `target`, whole or not at all.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::step::Status;

/// How one thing is installed.
pub(crate) struct Installed {
    /// Its folder below `target`. It is made as a draft beside it and renamed, so that half of an
    /// installation never stands there.
    pub(crate) name: &'static str,
    /// Why a folder is not what is wanted; `None` where it is.
    pub(crate) what_is_wrong: fn(&Path, &str) -> io::Result<Option<String>>,
    /// Fills an empty folder.
    pub(crate) make: fn(&Path, &str, &Path) -> Result<(), Status>,
}

impl Installed {
    /// What stands in its folder afterwards is whole and what the manifest names.
    pub(crate) fn ensure(&self, manifest: &str, log: &Path) -> Result<(), Status> {
        let manifest = fs::read_to_string(crate::root().join(manifest)).map_err(broken)?;
        // Held while it is looked at and made: two checks may run at once.
        let lock = File::create(self.beside("lock")).map_err(broken)?;
        lock.lock().map_err(broken)?;
        let installed = crate::root().join("target").join(self.name);
        if (self.what_is_wrong)(&installed, &manifest).map_err(broken)?.is_none() {
            return Ok(());
        }
        let draft = self.beside("draft");
        remove(&draft).and_then(|()| fs::create_dir_all(&draft)).map_err(broken)?;
        (self.make)(&draft, &manifest, log)?;
        match (self.what_is_wrong)(&draft, &manifest).map_err(broken)? {
            None => {
                remove(&installed).and_then(|()| fs::rename(&draft, &installed)).map_err(broken)
            }
            Some(wrong) => Err(Status::Fail(wrong)),
        }
    }

    fn beside(&self, what: &str) -> PathBuf {
        crate::root().join("target").join(format!("{}.{what}", self.name))
    }
}

/// Runs a command with its output in a file. `None` where it took too long and was killed.
pub(crate) fn run_within(
    command: &mut Command,
    log: &Path,
    limit: Duration,
) -> io::Result<Option<ExitStatus>> {
    let out = File::create(log)?;
    let err = out.try_clone()?;
    let mut child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn()?;
    let until = Instant::now() + limit;
    loop {
        if let Some(ended) = child.try_wait()? {
            return Ok(Some(ended));
        }
        if Instant::now() > until {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What this machine would not let us do.
pub(crate) fn broken(error: io::Error) -> Status {
    Status::Fail(format!("cannot install it: {error}"))
}

pub(crate) fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
