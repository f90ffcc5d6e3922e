//! Finds a session's end from the end of its file, without reading the rest.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use codeloops_event::{Event, SessionEnd};

use crate::parse::parse_line;

/// Bytes that are looked at first: more than most `session_end` lines have.
const FIRST_WINDOW: u64 = 8 * 1024;

/// The `session_end` that stands, if the file's last lines show one. `None` says only that a look
/// at the whole file is needed: the session has no end, or its last lines are damaged.
pub(crate) fn find_end(file: &File) -> io::Result<Option<SessionEnd>> {
    let len = file.metadata()?.len();
    let mut window = FIRST_WINDOW.min(len);
    loop {
        let mut bytes = vec![0; usize::try_from(window).map_err(io::Error::other)?];
        file.read_exact_at(&mut bytes, len - window)?;
        match examine(&bytes, window == len) {
            Finding::End(end) => return Ok(Some(*end)),
            Finding::NoEnd => return Ok(None),
            Finding::LookFurther => window = window.saturating_mul(8).min(len),
        }
    }
}

/// What the last bytes of a file show.
enum Finding {
    End(Box<SessionEnd>),
    NoEnd,
    /// The line that decides does not begin within these bytes.
    LookFurther,
}

fn examine(bytes: &[u8], whole_file: bool) -> Finding {
    let mut pieces = bytes.rsplit(|b| *b == b'\n').enumerate().peekable();
    while let Some((from_end, piece)) = pieces.next() {
        let is_cut = pieces.peek().is_none() && !whole_file;
        if is_cut {
            return Finding::LookFurther;
        }
        if piece.trim_ascii().is_empty() {
            continue;
        }
        match parse_line(piece) {
            Ok(Some(Event::SessionEnd(end))) => return Finding::End(end),
            Ok(None) => {}
            // Nothing follows it, not even a line feed: torn.
            Err(_) if from_end == 0 => {}
            Ok(Some(_)) | Err(_) => return Finding::NoEnd,
        }
    }
    Finding::NoEnd
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const END: &str = r#"{"type":"session_end","outcome":"success","iterations":3,"summary":null,"confidence":null,"duration_secs":1.0,"timestamp":"2025-01-27T15:30:45Z"}"#;
    const ROUND: &str = r#"{"type":"iteration_started","timestamp":"2025-01-27T15:30:45Z","elapsed_ms":0,"iteration":1}"#;

    fn end_of(content: &str) -> Option<u32> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content.as_bytes()).unwrap();
        find_end(&file).unwrap().map(|end| end.iterations)
    }

    #[test]
    fn the_last_known_line_decides() {
        assert_eq!(end_of(&format!("{ROUND}\n{END}\n")), Some(3));
        assert_eq!(end_of(&format!("{ROUND}\n{END}")), Some(3));
        assert_eq!(end_of(&format!("{END}\n{{\"type\":\"comet\"}}\n\n{{\"type\":\"com")), Some(3));
        assert_eq!(end_of(&format!("{END}\n{ROUND}\n")), None);
        assert_eq!(end_of(&format!("{END}\nnonsense\n")), None);
        assert_eq!(end_of(&format!("{ROUND}\n{}", &END[..60])), None);
        assert_eq!(end_of(""), None);
    }

    #[test]
    fn an_end_longer_than_the_window_is_found() {
        let long =
            END.replace("\"summary\":null", &format!("\"summary\":\"{}\"", "x".repeat(100_000)));
        assert_eq!(end_of(&format!("{ROUND}\n{long}\n")), Some(3));
        assert_eq!(end_of(&long), Some(3));
    }
}
