//! Splits an output into lines in bounded memory, and makes text of them.

use std::borrow::Cow;
use std::io::{self, BufRead};

use codeloops_event::text::sanitise;

use crate::text::lossy;

/// Of a line, no more than this is looked at.
const MAX_LINE: usize = 64 * 1024;

/// Some tools write their whole report as JSON in one line.
const MAX_JSON_LINE: usize = 8 * 1024 * 1024;

pub(super) struct Lines<'a> {
    output: &'a mut dyn BufRead,
    line: Vec<u8>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(output: &'a mut dyn BufRead) -> Self {
        Self { output, line: Vec::new() }
    }

    /// The next line, without its end and without escape sequences. What a carriage return
    /// overwrites on screen are lines of their own in it.
    pub(super) fn next(&mut self) -> io::Result<Option<Cow<'_, str>>> {
        self.line.clear();
        self.line.shrink_to(MAX_LINE);
        if !self.fill()? {
            return Ok(None);
        }
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        Ok(Some(match lossy(line) {
            Cow::Borrowed(text) => sanitise(text),
            Cow::Owned(text) => Cow::Owned(sanitise(&text).into_owned()),
        }))
    }

    /// Takes a line in; whether there was one.
    fn fill(&mut self) -> io::Result<bool> {
        let mut any = false;
        loop {
            let buffer = match self.output.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if buffer.is_empty() {
                return Ok(any);
            }
            any = true;
            let end = memchr::memchr(b'\n', buffer);
            let bytes = &buffer[..end.unwrap_or(buffer.len())];
            let first = self.line.first().or(bytes.first());
            let limit = if matches!(first, Some(b'[' | b'{')) { MAX_JSON_LINE } else { MAX_LINE };
            let room = limit.saturating_sub(self.line.len()).min(bytes.len());
            self.line.extend_from_slice(&bytes[..room]);
            let taken = end.map_or(buffer.len(), |end| end + 1);
            self.output.consume(taken);
            if end.is_some() {
                return Ok(true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(mut output: &[u8]) -> Vec<String> {
        let mut lines = Lines::new(&mut output);
        let mut seen = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            seen.push(line.into_owned());
        }
        seen
    }

    #[test]
    fn colours_and_ends_are_taken_off() {
        assert_eq!(lines(b"\x1b[31mred\x1b[0m\r\n\nlast"), ["red", "", "last"]);
    }

    #[test]
    fn a_long_line_is_cut_and_the_next_one_is_whole() {
        let mut output = vec![b'x'; 3 * MAX_LINE];
        output.extend_from_slice(b"\nnext\n");
        let lines = lines(&output);
        assert_eq!(lines.iter().map(String::len).collect::<Vec<_>>(), [MAX_LINE, 4]);
    }
}
