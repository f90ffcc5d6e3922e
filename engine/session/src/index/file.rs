//! The index as a file: a header, the records, their texts, the prompts, each with its sum.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use super::block::{Block, Texts};
use crate::stamp::FileStamp;

/// Its name in the folder of the sessions: hidden, and none that a session can have.
const NAME: &str = ".index";
/// What it is written as.
const DRAFT: &str = ".index.draft";

const MAGIC: [u8; 16] = *b"codeloops index\n";
/// Changes with the layout of the file and with what an entry says of the same lines.
const LAYOUT: u64 = 1;
/// Bytes of the largest part that is read: that of some hundred thousand sessions. What claims to be
/// larger is no index of ours.
const LARGEST_PART: u64 = 1 << 30;
/// Bytes of the header: the magic, layout, three lengths, three sums and its own.
const HEADER: usize = MAGIC.len() + 8 * 8;

/// An index that was read but for its prompts, which few need.
pub(super) struct Loaded {
    pub(super) block: Block,
    /// The file that it was read from, whatever has its name by now.
    file: File,
    prompts: Section,
}

/// Reads the index of a folder; none where there is none that can be used.
pub(super) fn load(dir: &Path) -> Option<Loaded> {
    let path = dir.join(NAME);
    // Asked before: to open a pipe waits for its writer.
    fs::symlink_metadata(&path).ok().filter(fs::Metadata::is_file)?;
    let mut file = File::open(path).ok()?;
    let [records, heap, prompts] = read_header(&mut file)?;
    let records = records.read(&mut file)?;
    let heap = String::from_utf8(heap.read(&mut file)?).ok()?;
    Some(Loaded { block: Block { records, texts: Texts::of(heap) }, file, prompts })
}

impl Loaded {
    /// Reads the prompts as well; false where they are damaged.
    pub(super) fn load_prompts(&mut self) -> bool {
        let texts = &mut self.block.texts;
        if texts.prompts.is_empty() {
            let read = self.prompts.read(&mut self.file).and_then(|p| String::from_utf8(p).ok());
            let Some(prompts) = read else { return false };
            texts.prompts = prompts;
        }
        true
    }
}

/// Writes the index of a folder: what `keep` takes, which is told at which time of the file system
/// looking began.
pub(super) fn save(
    dir: &Path,
    looking: Duration,
    keep: impl FnOnce(u64) -> Block,
) -> io::Result<()> {
    let (draft, mut file) = (dir.join(DRAFT), open_draft(dir)?);
    // Writing sets the time of the draft to now, as the file system tells it.
    file.write_all(&MAGIC)?;
    let now = FileStamp::of(&file.metadata()?).ctime;
    let looking = u64::try_from(looking.as_nanos()).unwrap_or(u64::MAX);
    let block = keep(now.saturating_sub(looking));
    write(&mut file, &block)?;
    fs::rename(draft, dir.join(NAME))
}

/// The draft, empty and locked. One that a killed writer left is used again; an error where another
/// writer has it.
fn open_draft(dir: &Path) -> io::Result<File> {
    let path = dir.join(DRAFT);
    // A pipe would be waited for, and what has another name is somebody's.
    if fs::symlink_metadata(&path).is_ok_and(|there| !there.is_file() || there.nlink() > 1) {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let mut open = OpenOptions::new();
    let file = open.write(true).create(true).truncate(false).mode(0o600).open(&path)?;
    file.try_lock()?;
    let (named, locked) = (fs::symlink_metadata(&path)?, file.metadata()?);
    if (named.dev(), named.ino()) != (locked.dev(), locked.ino()) {
        // It has got its name since it was opened, and is an index now.
        return Err(io::ErrorKind::ResourceBusy.into());
    }
    file.set_len(0)?;
    Ok(file)
}

/// Writes what comes after the magic.
fn write(file: &mut File, block: &Block) -> io::Result<()> {
    let parts = [&block.records, block.texts.heap.as_bytes(), block.texts.prompts.as_bytes()];
    let lengths = parts.map(|part| part.len() as u64);
    let sums = parts.map(sum);
    file.write_all(&header(lengths, sums)[MAGIC.len()..])?;
    parts.into_iter().try_for_each(|part| file.write_all(part))
}

/// The magic, and what is said of the parts.
pub(super) fn header(lengths: [u64; 3], sums: [u64; 3]) -> Vec<u8> {
    let words = std::iter::once(LAYOUT).chain(lengths).chain(sums);
    let words: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
    [&MAGIC[..], &words, &sum(&words).to_le_bytes()].concat()
}

/// A part of the file.
struct Section {
    begin: u64,
    length: u64,
    sum: u64,
}

impl Section {
    /// Its bytes, unless they are damaged.
    fn read(&self, file: &mut File) -> Option<Vec<u8>> {
        let length = Some(self.length).filter(|length| *length <= LARGEST_PART)?;
        let mut bytes = vec![0; usize::try_from(length).ok()?];
        file.seek(SeekFrom::Start(self.begin)).ok()?;
        file.read_exact(&mut bytes).ok()?;
        (sum(&bytes) == self.sum).then_some(bytes)
    }
}

/// Records, texts and prompts, which together with the header are the whole file.
fn read_header(file: &mut File) -> Option<[Section; 3]> {
    let mut header = [0; HEADER];
    file.read_exact(&mut header).ok()?;
    let (magic, words) = header.split_first_chunk::<{ MAGIC.len() }>()?;
    let (said, own) = words.split_last_chunk::<8>()?;
    if *magic != MAGIC || sum(said) != u64::from_le_bytes(*own) {
        return None;
    }
    let mut words = said.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word));
    let mut next = || words.next();
    if next()? != LAYOUT {
        return None;
    }
    let lengths = [next()?, next()?, next()?];
    let sums = [next()?, next()?, next()?];
    let mut end = HEADER as u64;
    let mut sections = Vec::new();
    for (length, sum) in lengths.into_iter().zip(sums) {
        sections.push(Section { begin: end, length, sum });
        end = end.checked_add(length)?;
    }
    (end == file.metadata().ok()?.len()).then(|| sections.try_into().ok())?
}

/// A sum that any change within eight bytes changes: each step gives another result for another word
/// and for another sum before it. It guards against damage, not against malice.
fn sum(bytes: &[u8]) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let step = |sum: u64, word: u64| (sum ^ word).wrapping_mul(ODD).rotate_left(29);
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let words = words.iter().chain([&last]).map(|word| u64::from_le_bytes(*word));
    words.fold(bytes.len() as u64, step)
}
