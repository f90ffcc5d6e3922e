//! Splits a stream into lines, whatever the chunks.

/// A line longer than this is skipped: no event of a known program is, and it must fit in memory.
const MAX_LINE: usize = 16 * 1024 * 1024;

/// The unfinished last line.
#[derive(Debug, Default)]
pub(super) struct Lines {
    carry: Vec<u8>,
    oversized: bool,
    skipped: bool,
}

impl Lines {
    /// Gives each line that is now whole, without its end.
    pub(super) fn push(&mut self, mut bytes: &[u8], mut each: impl FnMut(&[u8])) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
            bytes = rest;
            if self.carry.is_empty() && !self.oversized {
                each(line);
                continue;
            }
            self.keep(line);
            if !std::mem::take(&mut self.oversized) {
                each(&self.carry);
            }
            self.carry.clear();
            self.carry.shrink_to(64 * 1024);
        }
        self.keep(bytes);
    }

    /// Whether a line was too long.
    pub(super) const fn has_skipped(&self) -> bool {
        self.skipped
    }

    /// A last line without an end.
    pub(super) fn finish(self) -> Option<Vec<u8>> {
        (!self.oversized && !self.carry.is_empty()).then_some(self.carry)
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.oversized || self.carry.len() + bytes.len() > MAX_LINE {
            if !self.oversized {
                tracing::warn!(
                    limit = MAX_LINE,
                    "oversized: a line of the agent's output is skipped"
                );
            }
            (self.oversized, self.skipped) = (true, true);
            self.carry = Vec::new();
        } else {
            self.carry.extend_from_slice(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_same_whatever_the_chunks() {
        let stream = b"one\n\ntwo\nthree";
        for size in 1..=stream.len() {
            let (mut lines, mut seen) = (Lines::default(), Vec::new());
            stream.chunks(size).for_each(|c| lines.push(c, |line| seen.push(line.to_vec())));
            seen.extend(lines.finish());
            assert_eq!(seen, [&b"one"[..], b"", b"two", b"three"], "chunks of {size}");
        }
    }

    #[test]
    fn an_oversized_line_is_skipped_and_the_next_is_read() {
        let (mut lines, mut seen) = (Lines::default(), 0);
        for _ in 0..=MAX_LINE / (1 << 20) {
            lines.push(&vec![b'x'; 1 << 20], |_| seen += 1);
        }
        lines.push(b"tail of it\nnext\n", |line| {
            assert_eq!(line, b"next");
            seen += 1;
        });
        assert_eq!((seen, lines.finish()), (1, None));
    }
}
