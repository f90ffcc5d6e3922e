//! Whether the times of a folder tell that a file in it came or went.

use std::fs::{self, File, FileTimes};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Tries it in `dir`, which must be on the file system of `root` for the answer to mean anything
/// there. In doubt it is no: git then reads every folder.
pub(super) fn tell(dir: &Path, root: &Path) -> bool {
    is_same_device(dir, root).unwrap_or(false) && try_in(dir).unwrap_or(false)
}

fn is_same_device(a: &Path, b: &Path) -> io::Result<bool> {
    Ok(fs::metadata(a)?.dev() == fs::metadata(b)?.dev())
}

fn try_in(dir: &Path) -> io::Result<bool> {
    let probe = dir.join(format!("probe-{}", std::process::id()));
    fs::create_dir(&probe)?;
    let told = both_told(&probe);
    fs::remove_dir_all(&probe)?;
    told
}

fn both_told(folder: &Path) -> io::Result<bool> {
    let file = folder.join("file");
    let comes = is_told(folder, || File::create(&file).map(drop))?;
    let goes = is_told(folder, || fs::remove_file(&file))?;
    Ok(comes && goes)
}

/// Whether `change` renews a time that was set far back.
fn is_told(folder: &Path, change: impl FnOnce() -> io::Result<()>) -> io::Result<bool> {
    let past = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    File::open(folder)?.set_times(FileTimes::new().set_modified(past))?;
    change()?;
    Ok(fs::metadata(folder)?.modified()? != past)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_file_system_tells_and_the_trial_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        assert!(tell(folder.path(), folder.path()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(!tell(folder.path(), Path::new("/proc")), "another file system");
        assert!(!tell(Path::new("/proc"), Path::new("/proc")), "in doubt it is no");
    }
}
