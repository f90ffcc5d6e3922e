//! Where sessions and evidence stand, and with which permissions.

use std::ffi::OsStr;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The data directory of codeloops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataDir(PathBuf);

/// Neither `XDG_DATA_HOME` nor a home directory is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no data directory: the home directory is unknown; set HOME or XDG_DATA_HOME")]
pub struct NoHome;

impl DataDir {
    /// By the XDG rules, from the environment.
    pub fn from_env() -> Result<Self, NoHome> {
        let home = etcetera::home_dir().ok();
        Self::by_xdg(std::env::var_os("XDG_DATA_HOME").as_deref(), home.as_deref())
    }

    /// `$XDG_DATA_HOME/codeloops`, else `~/.local/share/codeloops`. A value that is not absolute is
    /// ignored, as the XDG base directory specification asks.
    pub fn by_xdg(xdg_data_home: Option<&OsStr>, home: Option<&Path>) -> Result<Self, NoHome> {
        let xdg = xdg_data_home.map(PathBuf::from).filter(|dir| dir.is_absolute());
        let base = xdg.or_else(|| home.map(|home| home.join(".local/share"))).ok_or(NoHome)?;
        Ok(Self(base.join("codeloops")))
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where session files stand.
    #[must_use]
    pub fn sessions(&self) -> PathBuf {
        self.0.join("sessions")
    }

    /// Where evidence folders stand, one a run, unless the configuration says otherwise.
    #[must_use]
    pub fn runs(&self) -> PathBuf {
        self.0.join("runs")
    }
}

/// Creates a folder and what is missing above it, for the user alone: sessions hold private code.
pub(crate) fn create_private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Creates a folder that must not exist yet, for the user alone.
pub(crate) fn create_new_private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

/// Creates a file that must not exist yet, for the user alone, opened for appending.
pub(crate) fn create_private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xdg_stands_before_home_unless_it_is_relative() {
        let home = Some(Path::new("/home/u"));
        let dir = |xdg: Option<&str>| DataDir::by_xdg(xdg.map(OsStr::new), home).unwrap();
        assert_eq!(dir(Some("/data")).sessions(), Path::new("/data/codeloops/sessions"));
        assert_eq!(dir(None).runs(), Path::new("/home/u/.local/share/codeloops/runs"));
        assert_eq!(dir(Some("data")), dir(None));
        assert_eq!(dir(Some("")), dir(None));
        assert_eq!(DataDir::by_xdg(Some(OsStr::new("data")), None), Err(NoHome));
    }
}
