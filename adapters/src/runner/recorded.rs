//! What a call said, from the evidence that it left: for a run that goes on in another process.

use std::io::{self, Read};

use crate::decode::Decoder;
use crate::redact::{Redactor, report_text};
use crate::spec::OutputFormat;
use crate::text::HeadTail;

/// Bytes that are read at a time.
const CHUNK: usize = 64 * 1024;

/// The texts that a report of the call has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaidTexts {
    /// Its final text where its stream tells it apart, else its whole stdout (capped).
    pub text: String,
    /// Its stderr (capped).
    pub stderr: String,
}

/// Reads the evidence of a call as its output was read when it came. What was masked then stays so.
///
/// # Errors
/// Where it cannot be read.
pub fn said_texts(
    output: OutputFormat,
    mut stdout: impl Read,
    mut stderr: impl Read,
    redactor: Option<&Redactor>,
) -> io::Result<SaidTexts> {
    let mut told = HeadTail::default();
    for_each_chunk(&mut stderr, |chunk| told.push(chunk))?;
    let stderr = told.into_text();
    let mut decoder = Decoder::new(output);
    for_each_chunk(&mut stdout, |chunk| {
        decoder.push_shown(chunk);
        drop(decoder.push(chunk));
    })?;
    let text = decoder.finish(&stderr).text;
    // A text is masked as it comes; what a stream hides in its escapes is found when it is decoded.
    let of_answer = redactor.filter(|_| output != OutputFormat::Text);
    Ok(SaidTexts { text: report_text(&text, of_answer), stderr: report_text(&stderr, None) })
}

fn for_each_chunk(from: &mut impl Read, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        match from.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(count) => take(&chunk[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
