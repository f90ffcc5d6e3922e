//! The body of the fuzz target: what must hold for any output of any agent; and the decoders for
//! the bench of their speed.

use codeloops_event::Item;
use serde_json::value::RawValue;

use crate::decode::{Decoded, Decoder, Ending, Reading, is_event};
use crate::spec::OutputFormat;
use crate::text::lossy;

const FORMATS: [OutputFormat; 6] = [
    OutputFormat::Text,
    OutputFormat::ClaudeStreamJson,
    OutputFormat::CodexJson,
    OutputFormat::OpencodeJson,
    OutputFormat::GeminiStreamJson,
    OutputFormat::CursorStreamJson,
];

/// Decodes what an agent printed, as it came; tells how many items that gave.
pub fn count_items<'a>(format: OutputFormat, pieces: impl Iterator<Item = &'a [u8]>) -> usize {
    let mut decoder = Decoder::new(format);
    pieces.map(|piece| decoder.push(piece).len()).sum()
}

/// Decodes any bytes as what an agent printed: the first one chooses the format (from `0` on), the
/// second how long the pieces are in which the others arrive, and where they are cut off.
///
/// # Panics
///
/// Where the pieces make a difference, the text grows with what was printed, an event that was cut off
/// counts, or a line is one that is no JSON.
pub fn fuzz_decoder(bytes: &[u8]) {
    let [format, size, printed @ ..] = bytes else { return };
    let format = FORMATS[usize::from(format.wrapping_sub(b'0')) % FORMATS.len()];
    let whole = decode(format, printed.chunks(printed.len().max(1)), printed);
    let pieces = decode(format, printed.chunks(usize::from(*size).max(1)), printed);
    assert_eq!(whole, pieces, "{format:?} in pieces of {size}");
    // The marker of what was left out stands between head and tail.
    assert!(whole.1.text.len() <= crate::text::KEPT + 100, "{} bytes", whole.1.text.len());
    printed.split(|b| *b == b'\n').for_each(check_line);
    check_cut(format, printed, printed.len() * usize::from(*size) / 256);
}

/// Of what an event is, another reader of JSON is the judge.
fn check_line(line: &[u8]) {
    let text = lossy(line);
    let is_json = serde_json::from_str::<&RawValue>(&text).is_ok();
    let is_object = is_json && text.trim_ascii_start().starts_with('{');
    assert_eq!(is_event(line), is_object, "{text}");
}

/// Whatever was told by a stream that broke off within an event had been told before it.
fn check_cut(format: OutputFormat, printed: &[u8], cut: usize) {
    let start = printed[..cut].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let line = printed[start..].split(|b| *b == b'\n').next().unwrap_or_default();
    if !is_event(line) || cut - start >= line.trim_ascii_end().len() {
        return;
    }
    let told = |end: usize| decode(format, std::iter::once(&printed[..end]), printed);
    let ((items, of_cut), (items_before, before)) = (told(cut), told(start));
    assert_eq!(items, items_before, "{format:?} cut at {cut}");
    if before.reading == Reading::TextInstead {
        // With half an event it is no text any more, and no whole turn either.
        let is_open = of_cut.reading == Reading::Events(Ending::Open);
        return assert!(is_open || of_cut.reading == Reading::TextInstead, "cut at {cut}");
    }
    let facts = |of: &Decoded| (of.reading.clone(), of.session.clone(), of.told.clone());
    assert_eq!(facts(&of_cut), facts(&before), "{format:?} cut at {cut}");
    // A verdict in half an event is one outside of events, which is the safe side.
    assert!(of_cut.disputed || !before.disputed, "{format:?} cut at {cut}");
}

/// What was told on the way, and what it came to. The same bytes stand for stderr.
fn decode<'a>(
    format: OutputFormat,
    pieces: impl Iterator<Item = &'a [u8]>,
    stderr: &[u8],
) -> (Vec<Item>, Decoded) {
    let mut decoder = Decoder::new(format);
    let items = pieces.flat_map(|piece| {
        decoder.push_shown(piece);
        decoder.push(piece)
    });
    let told = joined(items);
    (told, decoder.finish(&lossy(stderr)))
}

/// The items, neighbouring pieces of the same text put together.
fn joined(items: impl Iterator<Item = Item>) -> Vec<Item> {
    items.fold(Vec::new(), |mut all, item| {
        match (all.last_mut(), &item) {
            (Some(Item::Printed { text }), Item::Printed { text: more })
            | (Some(Item::Text { text }), Item::Text { text: more }) => text.push_str(more),
            _ => all.push(item),
        }
        all
    })
}
