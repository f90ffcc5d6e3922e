//! Which characters act on the text around them instead of being shown: the one table for all who
//! show text that is not trusted.

use std::ops::RangeInclusive;

pub use crate::sanitise::{is_unsafe, one_line, sanitise};

/// Beside the controls. The two joiners (U+200C, U+200D) are not among them: scripts and emoji need
/// them, and they change no order and hide nothing. Nor are format characters that are drawn, such
/// as the Arabic number signs.
const ACTING: [RangeInclusive<char>; 14] = [
    // Soft hyphen, Arabic letter mark, Mongolian vowel separator.
    '\u{ad}'..='\u{ad}',
    '\u{61c}'..='\u{61c}',
    '\u{180e}'..='\u{180e}',
    // Zero width space; left-to-right and right-to-left mark.
    '\u{200b}'..='\u{200b}',
    '\u{200e}'..='\u{200f}',
    // Line and paragraph separator; embeddings and overrides.
    '\u{2028}'..='\u{2029}',
    '\u{202a}'..='\u{202e}',
    // Word joiner and invisible operators; isolates; deprecated shaping.
    '\u{2060}'..='\u{2064}',
    '\u{2066}'..='\u{2069}',
    '\u{206a}'..='\u{206f}',
    // Byte order mark; interlinear annotation; musical format.
    '\u{feff}'..='\u{feff}',
    '\u{fff9}'..='\u{fffb}',
    '\u{1d173}'..='\u{1d17a}',
    // Tags, which spell invisible text.
    '\u{e0000}'..='\u{e007f}',
];

/// Whether a character acts on a terminal, ends a line, changes the order of others or is invisible,
/// instead of being shown. Controls (C0, with tab and newline, DEL, C1) and Unicode's separators and
/// format characters do.
#[must_use]
pub fn acts(c: char) -> bool {
    c.is_control() || (!c.is_ascii() && ACTING.iter().any(|range| range.contains(&c)))
}

/// The text with those characters escaped (`\n`, `\u{202e}`), so that it stays on its line and can
/// be seen for what it is.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// JSON with those characters escaped where they stand, within its strings. Escaped already are the
/// C0 controls there, and tabs and newlines between its parts stay.
#[must_use]
pub fn escaped_in_json(json: String) -> String {
    if !json.chars().any(is_unsafe) {
        return json;
    }
    let mut safe = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if is_unsafe(c) {
            let mut units = [0; 2];
            let units = c.encode_utf16(&mut units).iter();
            safe.extend(units.map(|unit| format!("\\u{unit:04x}")));
        } else {
            safe.push(c);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_known() {
        let acting = "\u{0}\t\n\r\u{1b}\u{7f}\u{85}\u{9b}\u{ad}\u{61c}\u{180e}\u{200b}\u{200e}\u{200f}\
            \u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2060}\u{2064}\u{2066}\
            \u{2067}\u{2068}\u{2069}\u{206a}\u{206f}\u{feff}\u{fff9}\u{fffb}\u{1d173}\u{e0001}\
            \u{e0020}\u{e007f}";
        assert_eq!(acting.chars().find(|c| !acts(*c)), None);
    }

    #[test]
    fn what_is_shown_or_needed_stays() {
        let shown = "a ~\u{a0}\u{e9}\u{200c}\u{200d}\u{2010}\u{2027}\u{202f}\u{2070}\u{fe0f}\u{fffd}\
            \u{4f60}\u{1f469}\u{600}";
        assert_eq!(shown.chars().find(|c| acts(*c)), None);
    }

    #[test]
    fn json_is_escaped_in_its_own_way_and_keeps_its_lines() {
        let json = escaped_in_json("{\n\t\"a\u{9b}b\u{202e}c\u{e0041}\\n\u{e9}\"\n}".to_owned());
        assert_eq!(json, "{\n\t\"a\\u009bb\\u202ec\\udb40\\udc41\\n\u{e9}\"\n}");
    }

    #[test]
    fn escaping_leaves_one_line_that_shows_what_was_there() {
        assert_eq!(escaped("a\nb\u{202e}c\u{2028}d \u{e9}"), "a\\nb\\u{202e}c\\u{2028}d \u{e9}");
    }
}
