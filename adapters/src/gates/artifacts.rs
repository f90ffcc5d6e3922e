//! What a gate leaves in its folder: screenshots, videos, reports. They are listed, not read: what is in
//! them stays as the gate wrote it, credentials included.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, FileType};
use std::io::{self, BufReader, Read, Seek, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use codeloops_event::Artifact;
use codeloops_event::text::escaped_in_json;
use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::evidence::{create_new, hex};

/// Files that are listed at most.
const MAX_FILES: usize = 1000;

/// Entries that are looked at on the way, so that a tree of empty folders comes to an end.
const MAX_ENTRIES: usize = 20_000;

/// What was skipped is listed up to so many.
const MAX_SKIPPED: usize = 100;

/// Bytes by which a file's type is known.
const HEAD: u64 = 8 * 1024;

/// Bytes of one read.
const CHUNK: usize = 256 * 1024;

/// What is in a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifacts {
    /// The files, by their paths from the folder; what is no UTF-8 in them is replaced.
    pub files: Vec<Artifact>,
    /// What is no file, or could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Skipped>,
    /// How much more there is, as far as it was looked for.
    #[serde(default)]
    pub more: u64,
}

/// Something that is not listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// From the folder.
    pub path: String,
    /// Why.
    pub why: String,
}

/// Lists what is in a folder. No link is followed, and nothing is opened but files. Blocks: every byte is
/// read.
///
/// # Errors
/// Where the folder itself cannot be read.
pub fn artifacts(folder: &Path) -> io::Result<Artifacts> {
    list(folder, &|| false)
}

/// The same, up to when nobody waits for it any more.
pub(super) fn list(folder: &Path, is_stopped: &dyn Fn() -> bool) -> io::Result<Artifacts> {
    let (found, unseen) = walk(folder)?;
    let mut list = Artifacts { more: unseen, ..Artifacts::default() };
    for (path, kind) in found {
        if list.files.len() == MAX_FILES {
            list.more += 1;
            continue;
        }
        let shown = path.to_string_lossy().into_owned();
        let looked = match kind {
            Err(why) => Err(why.to_owned()),
            Ok(()) if is_stopped() => Err("the run was ended".to_owned()),
            Ok(()) => look(&folder.join(&path), &shown, is_stopped).map_err(|e| e.to_string()),
        };
        match looked {
            Ok(artifact) => list.files.push(artifact),
            Err(why) if list.skipped.len() < MAX_SKIPPED => {
                list.skipped.push(Skipped { path: shown, why });
            }
            Err(_) => list.more += 1,
        }
    }
    Ok(list)
}

impl Artifacts {
    /// Writes the list, where there is anything in it.
    pub(super) fn write(&self, file: &Path) -> io::Result<()> {
        if *self == Self::default() {
            return Ok(());
        }
        let json = serde_json::to_string_pretty(self)?;
        create_new(file)?.write_all(format!("{}\n", escaped_in_json(json)).as_bytes())
    }
}

/// Whether something is a file, or why it is none.
type Kind = Result<(), &'static str>;

/// All that is no folder, by its path from here, and how many entries were not looked at.
fn walk(root: &Path) -> io::Result<(BTreeMap<PathBuf, Kind>, u64)> {
    let (mut found, mut unseen, mut left) = (BTreeMap::new(), 0, MAX_ENTRIES);
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(root.join(&folder)) {
            Ok(entries) => entries,
            Err(error) if folder.as_os_str().is_empty() => return Err(error),
            Err(_) => {
                found.insert(folder, Err("a folder that cannot be read"));
                continue;
            }
        };
        for (name, kind) in entries.filter_map(|entry| named(&entry.ok()?)) {
            if left == 0 {
                unseen += 1;
                break;
            }
            left -= 1;
            let path = folder.join(name);
            if kind.is_dir() {
                folders.push(path);
            } else {
                found.insert(path, is_file(kind));
            }
        }
    }
    Ok((found, unseen))
}

fn named(entry: &fs::DirEntry) -> Option<(OsString, FileType)> {
    Some((entry.file_name(), entry.file_type().ok()?))
}

fn is_file(kind: FileType) -> Kind {
    if kind.is_file() {
        Ok(())
    } else if kind.is_symlink() {
        Err("a link")
    } else if kind.is_fifo() {
        Err("a pipe")
    } else if kind.is_socket() {
        Err("a socket")
    } else {
        Err("a device")
    }
}

fn look(file: &Path, name: &str, is_stopped: &dyn Fn() -> bool) -> io::Result<Artifact> {
    // What took the file's place meanwhile is neither followed nor waited for.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let flags = i32::try_from(flags).map_err(io::Error::other)?;
    let mut file = File::options().read(true).custom_flags(flags).open(file)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no file any more"));
    }
    let mut head = Vec::new();
    Read::by_ref(&mut file).take(HEAD).read_to_end(&mut head)?;
    file.rewind()?;
    let (bytes, sha256) = hash(&mut file, is_stopped)?;
    let media_type = media_type(&head, name);
    let size = if media_type.starts_with("image/") { dimensions(file) } else { None };
    let (width, height) = size.unzip();
    let (path, media_type) = (name.to_owned(), Some(media_type.to_owned()));
    Ok(Artifact { path, bytes, sha256, media_type, width, height })
}

fn hash(file: &mut File, is_stopped: &dyn Fn() -> bool) -> io::Result<(u64, String)> {
    let (mut hash, mut bytes, mut chunk) = (Sha256::new(), 0, vec![0; CHUNK]);
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok((bytes, hex(&hash.finalize()))),
            Ok(count) => {
                hash.update(&chunk[..count]);
                bytes += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if is_stopped() {
            return Err(io::Error::other("the run was ended"));
        }
    }
}

fn dimensions(mut file: File) -> Option<(u32, u32)> {
    file.rewind().ok()?;
    let size = imagesize::reader_size(BufReader::new(file)).ok()?;
    Some((size.width.try_into().ok()?, size.height.try_into().ok()?))
}

/// Texts that look alike from inside, by the ends of their names.
const TEXTS: [(&str, &str); 14] = [
    ("css", "text/css"),
    ("csv", "text/csv"),
    ("htm", "text/html"),
    ("html", "text/html"),
    ("js", "text/javascript"),
    ("json", "application/json"),
    ("jsonl", "application/jsonl"),
    ("md", "text/markdown"),
    ("sarif", "application/sarif+json"),
    ("svg", "image/svg+xml"),
    ("tsv", "text/tab-separated-values"),
    ("xml", "application/xml"),
    ("yaml", "application/yaml"),
    ("yml", "application/yaml"),
];

/// By what is in it; a text also by its name.
fn media_type(head: &[u8], name: &str) -> &'static str {
    let by_content = infer::get(head).map(|kind| kind.mime_type());
    match by_content {
        Some(kind) if !kind.starts_with("text/") => return kind,
        None if !is_text(head) => return "application/octet-stream",
        _ => {}
    }
    let ending = Path::new(name).extension().map(|ending| ending.to_ascii_lowercase());
    let by_name = TEXTS.iter().find(|(text, _)| ending.as_deref().is_some_and(|e| e == *text));
    by_name.map(|(_, kind)| *kind).or(by_content).unwrap_or("text/plain")
}

/// The last character may have been cut.
fn is_text(head: &[u8]) -> bool {
    let whole = &head[..crate::text::whole_chars(head)];
    !head.contains(&0) && std::str::from_utf8(whole).is_ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::process::Command;

    use super::*;

    /// A PNG of 3 by 2 pixels, as far as it tells its size.
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x03\0\0\0\x02\x08\x02\0\0\0";

    fn place(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        dir
    }

    #[test]
    fn files_are_known_by_what_is_in_them() {
        let dir = place(&[
            ("screen/first.dat", PNG),
            ("a.gif", b"GIF89a\x05\0\x04\0\x80\0\0"),
            ("b.json", b"{}"),
            ("b.svg", b"<?xml version='1.0'?><svg/>"),
            ("log", b"caf\xc3\xa9\n"),
            ("lies.html", b"\x00\x01\x02"),
            ("empty", b""),
        ]);
        let list = artifacts(dir.path()).unwrap();
        let told = list
            .files
            .iter()
            .map(|f| (&*f.path, f.media_type.as_deref().unwrap(), f.width.zip(f.height)));
        assert_eq!(
            told.collect::<Vec<_>>(),
            [
                ("a.gif", "image/gif", Some((5, 4))),
                ("b.json", "application/json", None),
                ("b.svg", "image/svg+xml", None),
                ("empty", "text/plain", None),
                ("lies.html", "application/octet-stream", None),
                ("log", "text/plain", None),
                ("screen/first.dat", "image/png", Some((3, 2))),
            ]
        );
        let json = &list.files[1];
        let hash = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        assert_eq!((json.bytes, &*json.sha256), (2, hash));
        assert_eq!((list.skipped, list.more), (Vec::new(), 0));
    }

    #[test]
    fn links_and_pipes_are_told_and_left() {
        let dir = place(&[("folder/file", b"x")]);
        symlink("/etc", dir.path().join("folder/up")).unwrap();
        symlink("/etc/passwd", dir.path().join("passwd")).unwrap();
        let pipe = dir.path().join("pipe");
        assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
        let list = artifacts(dir.path()).unwrap();
        assert_eq!(list.files.len(), 1);
        let told = list.skipped.iter().map(|skipped| (&*skipped.path, &*skipped.why));
        let expect = [("folder/up", "a link"), ("passwd", "a link"), ("pipe", "a pipe")];
        assert_eq!(told.collect::<Vec<_>>(), expect);
    }

    #[test]
    fn of_many_files_the_first_are_listed_and_the_others_counted() {
        let names: Vec<_> = (0..MAX_FILES + 7).map(|n| format!("{n:05}")).collect();
        let files: Vec<_> = names.iter().map(|name| (&**name, &b""[..])).collect();
        let list = artifacts(place(&files).path()).unwrap();
        assert_eq!((list.files.len(), list.more), (MAX_FILES, 7));
        assert_eq!(list.files.last().unwrap().path, names[MAX_FILES - 1]);
    }

    #[test]
    fn a_stop_is_not_held_up_by_what_is_still_to_be_read() {
        let dir = place(&[("a", b"x"), ("b", b"x")]);
        let list = list(dir.path(), &|| true).unwrap();
        assert_eq!((list.files.len(), list.skipped.len()), (0, 2));
    }

    #[test]
    fn a_name_acts_on_nobodys_terminal() {
        let dir = place(&[("a\u{202e}b\u{1b}[2J", b"")]);
        let file = dir.path().join("../list.json");
        artifacts(dir.path()).unwrap().write(&file).unwrap();
        let json = fs::read_to_string(&file).unwrap();
        fs::remove_file(file).unwrap();
        assert!(!json.contains(['\u{202e}', '\u{1b}']), "{json}");
        let list: Artifacts = serde_json::from_str(&json).unwrap();
        assert_eq!(list.files[0].path, "a\u{202e}b\u{1b}[2J");
    }
}
