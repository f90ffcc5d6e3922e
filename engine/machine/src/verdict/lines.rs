//! Tells the critic's own lines from what it shows in code fences or echoes from its prompt.

use crate::prompt::marker;

/// Where a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In the answer itself.
    Plain,
    /// Within a code fence, or between the markers of an echoed prompt.
    Shown,
    /// The same, but the end of it never came.
    Unclosed,
}

/// A line without its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) text: &'a str,
    pub(super) place: Place,
}

/// The text's lines.
pub(super) fn read(text: &str) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    let mut region: Option<(Region, usize)> = None;
    for text in text.split('\n') {
        let place = match &region {
            Some((open, _)) => {
                if open.is_closed_by(text) {
                    region = None;
                }
                Place::Shown
            }
            None => match Region::opened_by(text) {
                Some(open) => {
                    region = Some((open, lines.len()));
                    Place::Shown
                }
                None => Place::Plain,
            },
        };
        lines.push(Line { text, place });
    }
    if let Some((_, begin)) = region {
        lines[begin..].iter_mut().for_each(|line| line.place = Place::Unclosed);
    }
    lines
}

/// What shows text that is not the critic's own.
enum Region {
    Fence(Fence),
    Data { end: String },
}

impl Region {
    fn opened_by(line: &str) -> Option<Self> {
        let data = || marker::end_for(line).map(|end| Self::Data { end });
        Fence::read(line).map(Self::Fence).or_else(data)
    }

    fn is_closed_by(&self, line: &str) -> bool {
        match self {
            Self::Fence(open) => Fence::read(line).is_some_and(|fence| fence.closes(open)),
            Self::Data { end } => line.trim_end() == end,
        }
    }
}

/// The text from its first line that is not blank; up to three spaces before that are taken off, as
/// models like to begin with one.
pub(super) fn from_first_column(text: &str) -> &str {
    let trimmed = text.trim_start();
    let line = text[..text.len() - trimmed.len()].rfind('\n').map_or(0, |n| n + 1);
    let indent = &text[line..text.len() - trimmed.len()];
    if indent.len() <= 3 && indent.bytes().all(|b| b == b' ') { trimmed } else { &text[line..] }
}

/// The text without a fence that stands around all of it.
///
/// A fence with an info string, within another one, is taken as nested: critics wrap verdicts that
/// hold examples in the same number of backticks.
pub(super) fn without_fence(text: &str) -> &str {
    let Some((first, rest)) = text.trim_end().split_once('\n') else { return text };
    let Some((body, _)) = rest.rsplit_once('\n') else { return text };
    let Some(outer) = Fence::read(first) else { return text };
    let mut open = vec![outer];
    let mut lines = rest.split('\n').peekable();
    while let Some(line) = lines.next() {
        let Some(fence) = Fence::read(line) else { continue };
        if open.last().is_some_and(|top| fence.closes(top)) {
            open.pop();
        } else {
            open.push(fence);
        }
        if open.is_empty() {
            return if lines.peek().is_none() { body } else { text };
        }
    }
    text
}

/// What stands in the code fence that ends the text, where one does: a verdict that only its own
/// fence sets apart from the prose before it.
pub(super) fn last_fence(text: &str) -> Option<&str> {
    let text = text.trim_end();
    let mut open: Option<(Fence, usize)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let begin = at;
        at += line.len();
        let Some(fence) = Fence::read(line.trim_end_matches('\n')) else { continue };
        match &open {
            Some((opening, body)) if fence.closes(opening) => {
                if at == text.len() {
                    return Some(&text[*body..begin]);
                }
                open = None;
            }
            Some(_) => {}
            None => open = Some((fence, at)),
        }
    }
    None
}

/// Whether the line opens or closes a code fence.
pub(super) fn is_fence(line: &str) -> bool {
    Fence::read(line).is_some()
}

/// A line that opens or closes a code fence.
struct Fence {
    mark: u8,
    len: usize,
    bare: bool,
}

impl Fence {
    fn read(line: &str) -> Option<Self> {
        let text = line.trim_start_matches(' ');
        let mark = text.bytes().next().filter(|b| matches!(b, b'`' | b'~'))?;
        let len = text.bytes().take_while(|b| *b == mark).count();
        let info = text[len..].trim();
        let inline = mark == b'`' && info.contains('`');
        (len >= 3 && line.len() - text.len() <= 3 && !inline).then_some(Self {
            mark,
            len,
            bare: info.is_empty(),
        })
    }

    const fn closes(&self, open: &Self) -> bool {
        self.bare && self.mark == open.mark && self.len >= open.len
    }
}
