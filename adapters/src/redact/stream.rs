//! Redaction of a stream whose pieces may end anywhere.

use std::borrow::Cow;
use std::sync::Arc;

use super::{LONGEST, Redactor};

/// Bytes that are held back at most.
const HELD_BACK: usize = LONGEST;

/// Where the long ones begin, which go over several lines.
const LONG: &[u8] = b"-----BEGIN";

/// Holds back what may be the beginning of a credential, until its end has come.
#[derive(Debug, Default)]
struct Stream {
    pending: Vec<u8>,
    redacted: u64,
}

impl Stream {
    /// Takes a piece; hands on what is safe now.
    fn push(&mut self, redactor: &Redactor, bytes: &[u8], out: &mut Vec<u8>) {
        self.pending.extend_from_slice(bytes);
        let safe = self.safe();
        self.hand_on(redactor, safe, out);
    }

    /// The end: hands on the rest; tells how many credentials there were.
    fn finish(mut self, redactor: &Redactor, out: &mut Vec<u8>) -> u64 {
        self.hand_on(redactor, self.pending.len(), out);
        self.redacted
    }

    /// Up to where no credential can begin that has not ended: the end of a line, before one of
    /// those that have several.
    fn safe(&self) -> usize {
        let whole = memchr::memrchr2(b'\n', b'\r', &self.pending).map_or(0, |at| at + 1);
        let floor = self.pending.len().saturating_sub(HELD_BACK);
        let from = whole.max(floor);
        let long = memchr::memmem::rfind(&self.pending[floor..], LONG).map(|at| floor + at);
        match long {
            Some(begin) if begin < from && !self.has_ended(begin) => begin.max(floor),
            _ => from,
        }
    }

    fn has_ended(&self, begin: usize) -> bool {
        let text = &self.pending[begin..];
        let end = memchr::memmem::find(text, b"-----END").map(|at| at + b"-----END".len());
        end.is_some_and(|end| memchr::memmem::find(&text[end..], b"-----").is_some())
    }

    /// Masks in all that is there, so that one which goes beyond the end is seen as well.
    fn hand_on(&mut self, redactor: &Redactor, safe: usize, out: &mut Vec<u8>) {
        if safe == 0 {
            return;
        }
        let (done, count) = redactor.mask(&self.pending, safe, out);
        self.redacted += count;
        let end = done.max(safe);
        out.extend_from_slice(&self.pending[done..end]);
        self.pending.drain(..end);
    }
}

/// A stream with its redactor, or one that is left as it is.
#[derive(Debug)]
pub(crate) struct Masking(Option<(Arc<Redactor>, Stream)>);

impl Masking {
    pub(crate) fn new(redactor: Option<&Arc<Redactor>>) -> Self {
        Self(redactor.map(|redactor| (Arc::clone(redactor), Stream::default())))
    }

    /// What may be kept and shown now.
    pub(crate) fn push<'a>(&mut self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let Some((redactor, stream)) = &mut self.0 else { return Cow::Borrowed(bytes) };
        let mut safe = Vec::with_capacity(bytes.len());
        stream.push(redactor, bytes, &mut safe);
        Cow::Owned(safe)
    }

    /// What was held back, and how many credentials were masked in all.
    pub(crate) fn finish(self) -> (Vec<u8>, u64) {
        let mut rest = Vec::new();
        let count = self.0.map_or(0, |(redactor, stream)| stream.finish(&redactor, &mut rest));
        (rest, count)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    const KEY: &str = "AKIAIOSFODNN7EXAMPLE";

    fn redacted(text: &[u8], size: usize) -> (String, u64) {
        let (out, count) = masked(text.chunks(size));
        (String::from_utf8(out).unwrap(), count)
    }

    #[test]
    fn a_credential_is_masked_however_the_pieces_fall() {
        let begin = "-----BEGIN RSA PRIVATE KEY-----";
        let body = "MIIEpAIBAAKCAQEA\n+second/line\n";
        let text = format!(
            "a {KEY} b\nno end {KEY}\n{begin}\n{body}-----END RSA PRIVATE KEY-----\nlast {KEY}"
        );
        for size in [1, 3, 7, 64, text.len()] {
            let (masked, count) = redacted(text.as_bytes(), size);
            assert_eq!(
                masked,
                "a [redacted: AWS access key] b\nno end [redacted: AWS access key]\n\
                 [redacted: private key]\nlast [redacted: AWS access key]",
                "pieces of {size}"
            );
            assert_eq!(count, 4);
        }
    }

    /// Whatever stands around it: text, bytes that are no text, a JSON string, colours.
    #[test]
    fn a_piece_may_end_within_a_credential_at_every_byte() {
        let key = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIIGl\n-----END EC PRIVATE KEY-----";
        for (credential, mask) in [(KEY, "AWS access key"), (key, "private key")] {
            for (before, after) in [
                (&b"a line\nthe key "[..], &b" and more\nlast"[..]),
                (b"\xff\xfe\xc3", b"\xf0\x9f\x00"),
                (br#"{"text":"the key:\n"#, br#"\nand more"}"#),
                (b"\x1b[32m", b"\x1b[0m\r\n"),
                (b"", b""),
            ] {
                let whole = [before, credential.as_bytes(), after].concat();
                let expect = [before, format!("[redacted: {mask}]").as_bytes(), after].concat();
                for cut in 0..=whole.len() {
                    let (first, second) = whole.split_at(cut);
                    assert_eq!(masked([first, second]), (expect.clone(), 1), "{cut}");
                }
            }
        }
    }

    #[test]
    fn a_line_that_is_longer_than_what_is_held_back_is_masked_all_along() {
        let part = format!("{} {KEY} ", "x".repeat(9_000));
        let line = part.repeat(200);
        let (out, count) = masked(line.as_bytes().chunks(64 * 1024));
        assert_eq!(count, 200);
        assert!(!String::from_utf8(out).unwrap().contains("AKIA"));
    }

    fn masked<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<u8>, u64) {
        static REDACTOR: LazyLock<Redactor> = LazyLock::new(|| Redactor::new(&[], []).unwrap());
        let redactor = &*REDACTOR;
        let (mut stream, mut out) = (Stream::default(), Vec::new());
        pieces.into_iter().for_each(|piece| stream.push(redactor, piece, &mut out));
        let count = stream.finish(redactor, &mut out);
        (out, count)
    }

    #[test]
    fn a_line_without_an_end_is_not_held_for_ever() {
        let redactor = Redactor::new(&[], []).unwrap();
        let (mut stream, mut out) = (Stream::default(), Vec::new());
        let piece = vec![b'x'; 3 * HELD_BACK];
        stream.push(&redactor, &piece, &mut out);
        stream.push(&redactor, KEY.as_bytes(), &mut out);
        assert_eq!(stream.pending.len(), HELD_BACK);
        assert_eq!(stream.finish(&redactor, &mut out), 0, "it is the end of a longer word");
    }

    #[test]
    fn bytes_that_are_no_text_stay() {
        let redactor = Redactor::new(&[], []).unwrap();
        let (mut stream, mut out) = (Stream::default(), Vec::new());
        stream.push(&redactor, b"\xff\xfe\n\x00\xc3", &mut out);
        stream.finish(&redactor, &mut out);
        assert_eq!(out, b"\xff\xfe\n\x00\xc3");
    }
}
