//! Writes a diff to the evidence folder as it comes, and keeps its head and tail in memory.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use codeloops_event::Evidence;
use codeloops_event::layout::{self, TEXT_LIMIT};
use sha2::{Digest, Sha256};

use super::error::GitError;
use crate::evidence::{create_new, hex};
use crate::redact::{Masking, Redactor};
use crate::tamper::{Found, Scan};

/// A diff on its way into its file.
pub(super) struct PatchWriter {
    path: PathBuf,
    name: String,
    file: BufWriter<File>,
    digest: Sha256,
    ends: Ends,
    masking: Masking,
    scan: Option<Scan>,
}

/// A diff that was written.
pub(super) struct Written {
    /// Its text, capped.
    pub(super) text: String,
    /// What the file holds.
    pub(super) patch: Evidence,
    /// Signs that checks were weakened, where they were looked for.
    pub(super) found: Found,
}

impl PatchWriter {
    /// Creates (or replaces) `name` in the evidence folder.
    pub(super) fn create(
        evidence: &Path,
        name: String,
        redactor: Option<&Arc<Redactor>>,
    ) -> Result<Self, GitError> {
        let path = evidence.join(&name);
        let file = create_new(&path).map_err(GitError::io("create", &path))?;
        let file = BufWriter::with_capacity(64 * 1024, file);
        let (digest, ends, masking) = (Sha256::new(), Ends::default(), Masking::new(redactor));
        Ok(Self { path, name, file, digest, ends, masking, scan: None })
    }

    /// Has what is written looked through.
    pub(super) fn looked_through(mut self, scan: Option<Scan>) -> Self {
        self.scan = scan;
        self
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), GitError> {
        if let Some(scan) = &mut self.scan {
            scan.push(bytes);
        }
        let bytes = self.masking.push(bytes);
        self.keep(&bytes)
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), GitError> {
        self.digest.update(bytes);
        self.ends.push(bytes);
        self.file.write_all(bytes).map_err(GitError::io("write", &self.path))
    }

    /// Closes the file.
    pub(super) fn finish(mut self) -> Result<Written, GitError> {
        let (rest, redacted) = std::mem::replace(&mut self.masking, Masking::new(None)).finish();
        self.keep(&rest)?;
        self.file.flush().map_err(GitError::io("write", &self.path))?;
        let patch = Evidence {
            path: self.name,
            bytes: self.ends.total,
            sha256: hex(&self.digest.finalize()),
            dropped_bytes: 0,
            redacted,
        };
        let found = self.scan.map(Scan::finish).unwrap_or_default();
        Ok(Written { text: self.ends.text(), patch, found })
    }
}

/// Head and tail of a stream of any length, in bounded memory.
#[derive(Default)]
struct Ends {
    head: Vec<u8>,
    tail: Vec<u8>,
    total: u64,
}

impl Ends {
    const HALF: usize = TEXT_LIMIT / 2;

    fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let room = TEXT_LIMIT - self.head.len();
        let (first, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(first);
        self.tail.extend_from_slice(&rest[rest.len().saturating_sub(Self::HALF)..]);
        // Cut only now and then, so that each byte is moved about once.
        if self.tail.len() > 2 * Self::HALF {
            self.tail.drain(..self.tail.len() - Self::HALF);
        }
    }

    fn text(mut self) -> String {
        if self.total <= TEXT_LIMIT as u64 {
            // Lossy decoding may make it longer than its bytes.
            return layout::cap_text(&String::from_utf8_lossy(&self.head), TEXT_LIMIT);
        }
        let mut tail = self.head.split_off(Self::HALF);
        tail.append(&mut self.tail);
        tail.drain(..tail.len() - Self::HALF);
        let head = without_cut_end(&self.head);
        let tail = without_cut_start(&tail);
        let omitted = self.total - (head.len() + tail.len()) as u64;
        let half = |bytes: &[u8]| layout::cap_text(&String::from_utf8_lossy(bytes), Self::HALF);
        layout::join_capped(&half(head), &half(tail), omitted)
    }
}

/// `bytes` without a character that was cut in two at their end.
fn without_cut_end(bytes: &[u8]) -> &[u8] {
    let start = bytes.len().saturating_sub(3);
    let lead = bytes[start..].iter().rposition(|b| b & 0xC0 == 0xC0).map(|at| start + at);
    match lead {
        Some(at) if str::from_utf8(&bytes[at..]).is_err_and(|e| e.error_len().is_none()) => {
            &bytes[..at]
        }
        _ => bytes,
    }
}

/// `bytes` without the rest of a character that was cut in two before them.
fn without_cut_start(bytes: &[u8]) -> &[u8] {
    let rest = bytes.iter().take(3).take_while(|&b| b & 0xC0 == 0x80).count();
    &bytes[rest..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(chunks: &[&[u8]]) -> String {
        let mut ends = Ends::default();
        chunks.iter().for_each(|chunk| ends.push(chunk));
        ends.text()
    }

    #[test]
    fn a_long_text_keeps_both_ends_whatever_the_chunks() {
        let whole: Vec<u8> = (0..3 * TEXT_LIMIT).map(|i| b'a' + (i % 26) as u8).collect();
        let text = text_of(&[&whole]);
        let chunks: Vec<&[u8]> = whole.chunks(7919).collect();

        assert_eq!(text, text_of(&chunks));
        assert!(text.contains(&format!("[... {} bytes omitted ...]", 2 * TEXT_LIMIT)));
        assert!(whole.ends_with(&text.as_bytes()[text.len() - Ends::HALF..]));
    }

    /// It is masked before the text is cut, wherever the cut falls.
    #[test]
    fn a_credential_at_the_cut_leaves_no_part() {
        const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
        let dir = tempfile::tempdir().unwrap();
        let redactor = Arc::new(Redactor::new(&[], []).unwrap());
        for into in [0, 1, 7, KEY.len() - 1, KEY.len()] {
            let outer = "+line of a file\n".repeat(Ends::HALF / 16);
            let outer = &outer[..Ends::HALF - 1 - into];
            let all = format!("{outer} {KEY} {} {KEY} {outer}", "y\n".repeat(Ends::HALF));
            let mut patch =
                PatchWriter::create(dir.path(), "diff.patch".into(), Some(&redactor)).unwrap();
            all.as_bytes().chunks(8192).for_each(|piece| patch.write(piece).unwrap());
            let Written { text, patch, .. } = patch.finish().unwrap();
            assert_eq!(patch.redacted, 2);
            assert!(!text.contains("AKI") && !text.contains("PLE"), "{into}");
        }
    }

    #[test]
    fn no_character_is_cut_in_two() {
        let whole = format!("x{}", "ü".repeat(TEXT_LIMIT));
        let text = text_of(&[whole.as_bytes()]);
        assert!(!text.contains('\u{FFFD}'));
    }
}
