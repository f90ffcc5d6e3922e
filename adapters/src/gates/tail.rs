//! The end of what a gate printed, fit to be shown, in bounded memory.

use codeloops_event::text::sanitise;

use crate::text::{ending, lossy};

/// Bytes that are shown at most.
const SHOWN: usize = 8 * 1024;

/// Bytes that are kept of what was printed: colours take more room than what they colour.
const KEPT: usize = 8 * SHOWN;

/// The end of a stream of any length.
#[derive(Debug, Default)]
pub(super) struct Tail {
    bytes: Vec<u8>,
    /// Whether there was more before.
    is_cut: bool,
}

impl Tail {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let last = &bytes[bytes.len().saturating_sub(KEPT)..];
        self.is_cut |= last.len() < bytes.len();
        self.bytes.extend_from_slice(last);
        // Shifting only when twice as much is there keeps the cost per byte constant.
        if self.bytes.len() > 2 * KEPT {
            self.bytes.drain(..self.bytes.len() - KEPT);
            self.is_cut = true;
        }
    }

    /// The last lines, whole where one fits.
    pub(super) fn into_text(self) -> String {
        let bytes = if self.is_cut { from_a_line(&self.bytes) } else { &self.bytes };
        let text = lossy(bytes);
        let text = sanitise(&text);
        let text = text.trim_end();
        if text.len() <= SHOWN {
            return text.to_owned();
        }
        let end = ending(text, SHOWN);
        // Where it does not begin a line, the next one does.
        let begins = text[..text.len() - end.len()].ends_with('\n');
        let line = if begins { None } else { end.split_once('\n') };
        line.map_or(end, |(_, lines)| lines).to_owned()
    }
}

/// What follows the first end of a line; all where nothing does: it is the last line that was cut. An
/// escape sequence that was cut is not known for one.
fn from_a_line(bytes: &[u8]) -> &[u8] {
    let rest = memchr::memchr2(b'\n', b'\r', bytes).map_or(bytes, |at| &bytes[at + 1..]);
    if rest.trim_ascii().is_empty() { bytes } else { rest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(printed: &[u8], expect: &str) {
        for size in [1, 7, 64 * 1024] {
            let mut tail = Tail::default();
            printed.chunks(size).for_each(|piece| tail.push(piece));
            assert!(tail.bytes.len() <= 2 * KEPT);
            assert_eq!(tail.into_text(), expect, "pieces of {size}");
        }
    }

    #[test]
    fn what_is_short_is_whole() {
        check(b"one\ntwo\n\n", "one\ntwo");
        check(b"", "");
        check(b"caf\xc3\xa9 \xff!", "caf\u{e9} \u{fffd}!");
    }

    #[test]
    fn what_acts_on_a_terminal_is_taken_out() {
        check(b"\x1b]0;title\x07\x1b[31mred\x1b[0m\r50 %\r100 %\n", "red\n50 %\n100 %");
    }

    #[test]
    fn of_what_is_long_the_last_whole_lines_stay() {
        let line = "x".repeat(99) + "\n";
        let lines = line.repeat(10_000);
        let expect = line.repeat(SHOWN / 100);
        check(lines.as_bytes(), expect.trim_end());
    }

    #[test]
    fn of_a_line_without_an_end_the_last_bytes_stay() {
        check("é".repeat(200_000).as_bytes(), &"é".repeat(SHOWN / 2));
    }

    #[test]
    fn of_a_long_last_line_with_an_end_the_last_bytes_stay_too() {
        let printed = "é".repeat(200_000) + "\n\n";
        check(printed.as_bytes(), &"é".repeat(SHOWN / 2));
    }

    #[test]
    fn colours_do_not_crowd_out_what_they_colour() {
        let line = "\x1b[38;5;123mx\x1b[0m".repeat(10) + "\n";
        let lines = line.repeat(1000);
        let mut tail = Tail::default();
        tail.push(lines.as_bytes());
        assert!(tail.into_text().lines().count() > 300);
    }
}
