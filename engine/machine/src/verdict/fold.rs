//! Letters as they look: what is invisible left out, other forms of the Latin letters as those.

use std::borrow::Cow;

use codeloops_event::text::acts;

/// The line with what looks like an ASCII character as that character.
pub(super) fn fold(line: &str) -> Cow<'_, str> {
    if line.is_ascii() && !line.contains(acts) {
        return Cow::Borrowed(line);
    }
    Cow::Owned(line.chars().filter(|c| !is_invisible(*c)).map(plain).collect())
}

/// What acts on the text around it, except for separators, and what scripts and emoji need: joiners,
/// variation selectors and fillers.
fn is_invisible(c: char) -> bool {
    (acts(c) && !separates(c))
        || matches!(
            c,
            '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{200c}' | '\u{200d}'
                | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0100}'..='\u{e01ef}'
        )
}

const fn separates(c: char) -> bool {
    matches!(c, '\t' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Full-width forms, mathematical and enclosed letters.
fn plain(c: char) -> char {
    let code = u32::from(c);
    let letter = |from: u32| letter_of_two_cases((code - from) % 52);
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(code - 0xfee0).unwrap_or(c),
        '\u{1d400}'..='\u{1d6a3}' => letter(0x1d400),
        '\u{24b6}'..='\u{24e9}' => letter(0x24b6),
        '\u{1f130}'..='\u{1f149}' => letter(0x1f130),
        '\u{1f150}'..='\u{1f169}' => letter(0x1f150),
        '\u{1f170}'..='\u{1f189}' => letter(0x1f170),
        c if separates(c) => ' ',
        c => c,
    }
}

/// The letter of a run that holds the capitals and then the small letters.
fn letter_of_two_cases(n: u32) -> char {
    let code = if n < 26 { u32::from('A') + n } else { u32::from('a') + n - 26 };
    char::from_u32(code).unwrap_or(' ')
}
