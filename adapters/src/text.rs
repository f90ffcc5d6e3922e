//! Text out of bytes that are not trusted to be text, in bounded memory.

use std::borrow::Cow;

use codeloops_event::layout::{TEXT_LIMIT, cap_text, join_capped};

/// Bytes that decoders keep of a longer text, on either side: half of what a report may hold, and so
/// much more that a credential is whole which a cut at that half would leave in part.
pub(crate) const HALF: usize = TEXT_LIMIT / 2 + 64 * 1024;

/// Bytes that they keep in all, without the marker.
pub(crate) const KEPT: usize = 2 * HALF;

/// Bytes of the longest marker.
const MARKER: usize = 64;

/// Keeps the beginning and the end of a stream of any length.
#[derive(Debug, Default)]
pub(crate) struct HeadTail {
    head: Vec<u8>,
    tail: Vec<u8>,
    total: u64,
}

impl HeadTail {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let room = HALF - self.head.len();
        let (head, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(head);
        let rest = &rest[rest.len().saturating_sub(HALF)..];
        // Shifting only when the buffer is twice full keeps the cost per byte constant.
        if self.tail.len() + rest.len() > 2 * HALF {
            self.tail.drain(..(self.tail.len() + rest.len() - HALF).min(self.tail.len()));
        }
        self.tail.extend_from_slice(rest);
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// The text, lossily decoded, of at most `KEPT` bytes and a marker.
    pub(crate) fn into_text(mut self) -> String {
        if self.total <= KEPT as u64 {
            self.head.append(&mut self.tail);
            return cap_text(&lossy(&self.head), KEPT);
        }
        let head = &self.head[..whole_chars(&self.head)];
        let tail = &self.tail[self.tail.len().saturating_sub(HALF)..];
        let tail = &tail[tail.iter().take(3).take_while(|b| is_continuation(**b)).count()..];
        let omitted = self.total - (head.len() + tail.len()) as u64;
        // Lossy decoding may have made them longer.
        let (head, tail) = (lossy(head), lossy(tail));
        join_capped(beginning(&head, HALF), ending(&tail, HALF), omitted)
    }
}

/// The text, or its head and tail where it is longer than what is kept. One that was cut already stays.
pub(crate) fn capped(text: &str) -> String {
    if text.len() <= KEPT + MARKER { text.to_owned() } else { cap_text(text, KEPT) }
}

/// What [`capped`] or [`HeadTail`] left of a longer text: its head, the bytes left out, its tail.
pub(crate) fn parts(text: &str) -> Option<(&str, u64, &str)> {
    if text.len() <= KEPT {
        return None;
    }
    let cut = |at: usize| {
        let (head, rest) = text.split_at_checked(at)?;
        let (omitted, tail) = rest.strip_prefix("\n[... ")?.split_once(" bytes omitted ...]\n")?;
        Some((head, omitted.parse().ok()?, tail))
    };
    // A head ends with a whole character.
    (HALF - 3..=HALF).find_map(cut)
}

/// At most so many bytes of the beginning.
pub(crate) fn beginning(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// At most so many bytes of the end.
pub(crate) fn ending(text: &str, bytes: usize) -> &str {
    &text[text.ceil_char_boundary(text.len().saturating_sub(bytes))..]
}

/// Decodes lossily. The standard function looks at every byte; where all is well, as nearly always,
/// the check for it is several times faster.
pub(crate) fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// Bytes up to the last whole character: what follows is the beginning of one that may still
/// arrive.
pub(crate) fn whole_chars(bytes: &[u8]) -> usize {
    let len = bytes.len();
    for back in 1..=len.min(3) {
        let byte = bytes[len - back];
        if is_continuation(byte) {
            continue;
        }
        let needs = match byte {
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            _ => 1,
        };
        return if needs > back { len - back } else { len };
    }
    len
}

const fn is_continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

/// A message of somebody else's in one line, without characters that act: the [`first_words`] of it.
pub(crate) fn one_line(text: &str) -> String {
    first_words(&codeloops_event::text::one_line(text), 500).to_owned()
}

/// The first so many characters, and up to 500 of what is left of a word there, for half a credential
/// would not be known for one.
pub(crate) fn first_words(text: &str, count: usize) -> &str {
    let is_kept = |&(at, c): &(usize, char)| at < count || (at < count + 500 && !c.is_whitespace());
    let kept = text.chars().enumerate().take_while(is_kept).map(|(_, c)| c.len_utf8());
    &text[..kept.sum()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_text_is_kept_whole_and_invalid_bytes_are_replaced() {
        let mut text = HeadTail::default();
        text.push(b"caf");
        text.push(b"\xc3");
        text.push(b"\xa9 \xff!");
        assert_eq!(text.into_text(), "café \u{fffd}!");
    }

    #[test]
    fn long_text_keeps_both_ends_and_counts_the_rest() {
        for chunk in [1000, 64 * 1024, 3 * TEXT_LIMIT] {
            let all = format!("begin{}é end", "é".repeat(2 * TEXT_LIMIT));
            let mut text = HeadTail::default();
            all.as_bytes().chunks(chunk).for_each(|c| text.push(c));
            let text = text.into_text();
            assert!(text.starts_with("beginé") && text.ends_with("é end"));
            assert!(!text.contains('\u{fffd}'));
            let omitted: usize =
                text.split("[... ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
            let marker = format!("\n[... {omitted} bytes omitted ...]\n");
            assert_eq!(text.len() - marker.len() + omitted, all.len());
        }
    }

    #[test]
    fn a_message_is_one_line_that_nothing_acts_in() {
        let message = "a\n\tb\u{2028}c \u{1b}[91md\u{202e}e\u{e0041}f";
        assert_eq!(one_line(message), "a b c def");
    }

    #[test]
    fn a_text_that_was_cut_is_taken_apart_and_not_cut_again() {
        let all = format!("{}é{}", "a".repeat(HALF - 1), "b".repeat(3 * HALF));
        let cut = capped(&all);
        assert_eq!(capped(&cut), cut);
        let (head, omitted, tail) = parts(&cut).unwrap();
        assert_eq!((head.len(), tail.len()), (HALF - 1, HALF));
        assert_eq!(omitted as usize, all.len() - head.len() - tail.len());
        assert_eq!(parts("short\n[... 5 bytes omitted ...]\n"), None);
    }

    #[test]
    fn a_message_ends_with_a_word() {
        let message = format!("{} {} more", "x".repeat(495), "y".repeat(40));
        assert_eq!(one_line(&message), message.strip_suffix(" more").unwrap());
        assert_eq!(one_line(&"x".repeat(5000)).len(), 1000);
    }

    #[test]
    fn the_first_characters_are_whole_and_so_is_the_word_they_end_in() {
        for (text, first) in
            [("", ""), ("né", "né"), ("néa b", "néa"), ("néabé b", "néabé"), ("n\na\nb", "n\na")]
        {
            assert_eq!(first_words(text, 3), first);
        }
    }

    #[test]
    fn a_character_cut_in_two_is_left_for_later() {
        for (bytes, whole) in [
            (&b"a\xc3"[..], 1),
            (b"a\xc3\xa9", 3),
            (b"\xf0\x9f\x98", 0),
            (b"\xff", 1),
            (b"", 0),
            (b"\x80\x80\x80\x80", 4),
        ] {
            assert_eq!(whole_chars(bytes), whole, "{bytes:?}");
        }
    }
}
