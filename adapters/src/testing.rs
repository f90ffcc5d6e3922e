//! The body of the fuzz target: what must hold for any output of any agent.

use codeloops_event::Item;

use crate::decode::{Decoded, Decoder};
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

/// Decodes any bytes as what an agent printed: the first one chooses the format (from `0` on), the
/// second how long the pieces are in which the others arrive.
///
/// # Panics
///
/// Where the pieces make a difference, or the text grows with what was printed.
pub fn fuzz_decoder(bytes: &[u8]) {
    let [format, size, printed @ ..] = bytes else { return };
    let format = FORMATS[usize::from(format.wrapping_sub(b'0')) % FORMATS.len()];
    let whole = decode(format, printed.chunks(printed.len().max(1)), printed);
    let pieces = decode(format, printed.chunks(usize::from(*size).max(1)), printed);
    assert_eq!(whole, pieces, "{format:?} in pieces of {size}");
    // The marker of what was left out stands between head and tail.
    assert!(whole.1.text.len() <= crate::text::KEPT + 100, "{} bytes", whole.1.text.len());
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
