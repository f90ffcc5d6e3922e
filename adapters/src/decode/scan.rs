//! Walks over JSON without reading it: a line is mostly texts that nobody asks for. What is no JSON
//! is found here; a text is looked at again only where somebody wants it. Bytes that are no UTF-8 may
//! stand in strings.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, Visitor};

use crate::text::lossy;

/// Entries of an object or a list that is read. No event of a known program has as many, and they
/// must fit in memory.
const MAX_ENTRIES: usize = 100_000;

/// Bytes of a word that a string is looked through by.
const WORD: usize = size_of::<u64>();
const ONES: u64 = u64::MAX / 0xff;
const HIGH_BITS: u64 = ONES << 7;

/// A place in a text. Every step is `None` where the text is no JSON there.
pub(super) struct Scan<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    pub(super) const fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// The fields of a text that is one object, names and values as they stand there.
    pub(super) fn object(mut self) -> Option<Vec<(&'a [u8], &'a [u8])>> {
        let mut fields = Vec::with_capacity(8);
        self.entries(b'{', b'}', |scan| {
            let name = scan.name()?;
            fields.push((name, scan.value()?));
            Some(())
        })?;
        Some(fields)
    }

    /// The values of a text that is one list, as they stand there.
    pub(super) fn list(mut self) -> Option<Vec<&'a [u8]>> {
        let mut values = Vec::new();
        self.entries(b'[', b']', |scan| {
            values.push(scan.value()?);
            Some(())
        })?;
        Some(values)
    }

    /// All of a text that begins and ends so, entry by entry.
    fn entries(
        &mut self,
        begin: u8,
        end: u8,
        mut entry: impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        self.expect(begin)?;
        if !self.is_next(end) {
            entry(self)?;
            for _ in 1..MAX_ENTRIES {
                if !self.is_next(b',') {
                    break;
                }
                entry(self)?;
            }
            self.expect(end)?;
        }
        self.space();
        (self.at == self.text.len()).then_some(())
    }

    /// The name of a field, up to its value.
    fn name(&mut self) -> Option<&'a [u8]> {
        self.space();
        let start = self.at;
        self.string()?;
        let name = &self.text[start..self.at];
        self.expect(b':')?;
        Some(name)
    }

    /// A value, however deep.
    fn value(&mut self) -> Option<&'a [u8]> {
        self.space();
        let start = self.at;
        let mut around = Around::default();
        loop {
            if self.begins(&mut around)? {
                continue;
            }
            loop {
                let Some(within) = around.innermost() else {
                    return Some(&self.text[start..self.at]);
                };
                if self.is_next(b',') {
                    self.next_entry(within)?;
                    break;
                }
                self.expect(within.end())?;
                around.leave();
            }
        }
    }

    /// Takes a value, or the beginning of one that has entries; tells whether it was that.
    fn begins(&mut self, around: &mut Around) -> Option<bool> {
        self.space();
        let within = match self.byte()? {
            b'{' => Within::Object,
            b'[' => Within::List,
            _ => {
                self.scalar()?;
                return Some(false);
            }
        };
        self.at += 1;
        if self.is_next(within.end()) {
            return Some(false);
        }
        around.enter(within);
        self.next_entry(within)?;
        Some(true)
    }

    fn next_entry(&mut self, within: Within) -> Option<()> {
        match within {
            Within::Object => self.name().map(|_| ()),
            Within::List => Some(()),
        }
    }

    fn scalar(&mut self) -> Option<()> {
        match self.byte()? {
            b'"' => self.string(),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &str) -> Option<()> {
        self.rest().starts_with(word.as_bytes()).then(|| self.at += word.len())
    }

    fn number(&mut self) -> Option<()> {
        self.take(|b| b == b'-');
        if !self.take(|b| b == b'0') {
            self.digits()?;
        }
        if self.take(|b| b == b'.') {
            self.digits()?;
        }
        if self.take(|b| matches!(b, b'e' | b'E')) {
            self.take(|b| matches!(b, b'+' | b'-'));
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let count = self.rest().iter().take_while(|b| b.is_ascii_digit()).count();
        self.at += count;
        (count > 0).then_some(())
    }

    /// A string, its quotes included.
    fn string(&mut self) -> Option<()> {
        self.take(|b| b == b'"').then_some(())?;
        loop {
            self.at += plain(self.rest());
            match self.byte()? {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                b'\\' => self.escape()?,
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        let after = self.rest().get(1)?;
        self.at += 2;
        match after {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => {
                let digits = self.rest().get(..4)?;
                self.at += 4;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(())
            }
            _ => None,
        }
    }

    fn rest(&self) -> &'a [u8] {
        &self.text[self.at..]
    }

    fn byte(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, is: impl FnOnce(u8) -> bool) -> bool {
        let takes = self.byte().is_some_and(is);
        self.at += usize::from(takes);
        takes
    }

    fn space(&mut self) {
        while self.take(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')) {}
    }

    fn is_next(&mut self, byte: u8) -> bool {
        self.space();
        self.take(|b| b == byte)
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.is_next(byte).then_some(())
    }
}

/// The text of a value, if it is one; borrowed where nothing in it is escaped.
pub(super) fn text_of(raw: &[u8]) -> Option<Cow<'_, str>> {
    let text = raw.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    match memchr::memchr(b'\\', text) {
        None => Some(lossy(text)),
        Some(_) => unescaped(raw).map(Cow::Owned),
    }
}

/// A text without its escapes. Half a character of two escapes, as JavaScript writes where a text was
/// cut, does not cost the rest.
fn unescaped(raw: &[u8]) -> Option<String> {
    let raw = lossy(raw);
    serde_json::from_str(&raw).ok().or_else(|| {
        let mut bytes = serde_json::Deserializer::from_str(&raw);
        bytes.deserialize_bytes(Halves).ok()
    })
}

/// Takes the bytes of a text that may hold half characters.
struct Halves;

impl Visitor<'_> for Halves {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<String, E> {
        Ok(lossy(bytes).into_owned())
    }
}

/// How many bytes go on a string as they are: up to its end, an escape, or a control, which may not
/// stand there.
fn plain(bytes: &[u8]) -> usize {
    let stops = |byte: u8| byte < 0x20 || matches!(byte, b'"' | b'\\');
    let (words, rest) = bytes.as_chunks::<WORD>();
    for (n, word) in words.iter().enumerate() {
        let found = stopping(u64::from_le_bytes(*word));
        if found != 0 {
            return n * WORD + found.trailing_zeros() as usize / 8;
        }
    }
    words.len() * WORD + rest.iter().position(|b| stops(*b)).unwrap_or(rest.len())
}

/// The high bits of bytes that stop a string; of the lowest one surely, above it perhaps.
fn stopping(word: u64) -> u64 {
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word;
    let quote = word ^ (ONES * u64::from(b'"'));
    let escape = word ^ (ONES * u64::from(b'\\'));
    (below(word, 0x20) | below(quote, 1) | below(escape, 1)) & HIGH_BITS
}

/// What a value stands in.
#[derive(Debug, Clone, Copy)]
enum Within {
    Object,
    List,
}

impl Within {
    const fn end(self) -> u8 {
        match self {
            Self::Object => b'}',
            Self::List => b']',
        }
    }
}

/// What is open around a place, a bit for each: a text may nest as deep as it is long.
#[derive(Debug, Default)]
struct Around {
    depth: usize,
    /// The innermost ones, the last one lowest.
    inner: u64,
    /// Full words of those around them.
    outer: Vec<u64>,
}

impl Around {
    const BITS: usize = u64::BITS as usize;

    fn enter(&mut self, within: Within) {
        if self.depth > 0 && self.depth.is_multiple_of(Self::BITS) {
            self.outer.push(self.inner);
        }
        self.inner = self.inner << 1 | u64::from(matches!(within, Within::Object));
        self.depth += 1;
    }

    fn leave(&mut self) {
        self.depth -= 1;
        self.inner >>= 1;
        if self.depth > 0 && self.depth.is_multiple_of(Self::BITS) {
            self.inner = self.outer.pop().unwrap_or_default();
        }
    }

    const fn innermost(&self) -> Option<Within> {
        match (self.depth, self.inner & 1) {
            (0, _) => None,
            (_, 0) => Some(Within::List),
            _ => Some(Within::Object),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    fn is_list(text: &str) -> bool {
        Scan::new(text.as_bytes()).list().is_some()
    }

    /// Every text of four pieces that matter, and some others.
    #[test]
    fn what_is_json_is_so_for_serde_json_too() {
        let same = |text: &str| {
            let text = format!("[{text}]");
            let is_json = serde_json::from_str::<Vec<&RawValue>>(&text).is_ok();
            assert_eq!(is_list(&text), is_json, "{text}");
        };
        let parts = [
            "{", "}", "[", "]", ",", ":", "\"", "\"\":", "\\", "u00fF", "-", "0", "7.", "e+", " ",
            "null",
        ];
        let mut texts = vec![String::new()];
        for _ in 0..4 {
            let longer = texts.iter().flat_map(|text| parts.map(|part| format!("{text}{part}")));
            texts = longer.inspect(|text| same(text)).collect();
        }
        for text in
            ["tru", "true", "false", "nul", "\"a\tb\"", "1.5E-3", "01", "-", ".5", "+1", "\"\\x\""]
        {
            same(text);
        }
    }

    #[test]
    fn a_control_in_a_string_is_no_json_wherever_it_stands() {
        for stop in 0..=0x7f_u8 {
            for at in 0..20 {
                let mut text = vec![b'x'; 20];
                text[at] = stop;
                let text = format!("[\"{}\"]", String::from_utf8(text).unwrap());
                let is_json = serde_json::from_str::<Vec<&RawValue>>(&text).is_ok();
                assert_eq!(is_list(&text), is_json, "{text:?}");
            }
        }
    }

    #[test]
    fn an_object_that_would_not_fit_in_memory_is_none() {
        let list = |entries: usize| format!("[{}1]", "1,".repeat(entries - 1));
        assert!(is_list(&list(MAX_ENTRIES)) && !is_list(&list(MAX_ENTRIES + 1)));
        assert!(is_list(&format!("[{}]", list(MAX_ENTRIES + 1))), "it is not read");
    }

    /// A program in JavaScript that cuts a text within an emoji prints one half of it.
    #[test]
    fn half_a_character_does_not_cost_the_text() {
        let text = |raw: &str| text_of(raw.as_bytes()).unwrap().into_owned();
        assert_eq!(text(r#""a \ud83d\ude00 b""#), "a \u{1f600} b");
        for half in [r"\ud83d", r"\ude00", r"\ud83d\u0041", r"\ud83d\ud83d"] {
            let text = text(&format!("\"DECISION: DONE {half}\\n\""));
            assert!(text.starts_with("DECISION: DONE \u{fffd}"), "{text}");
            assert!(text.ends_with('\n'), "{text}");
        }
    }

    #[test]
    fn it_nests_as_deep_as_it_is_long() {
        let deep = 200_000;
        let (open, close) = ("[{\"a\":".repeat(deep), "}]".repeat(deep));
        assert!(is_list(&format!("{open}1{close}")));
        assert!(!is_list(&format!("{open}1{}", close.replacen("}]}]", "}]]}", 1))));
        assert!(!is_list(&format!("{open}1{}", &close[1..])));
    }
}
