//! A small terminal screen: captured output goes in, rows of styled characters come out.
//!
//! It knows what command-line programs send: colours, and the moves that redraw a progress line.
//! Everything else is left out. A character is one cell wide, whatever it is.

/// A colour of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colour {
    /// The usual one.
    Default,
    /// One of the 16 with a name, or of the 256 with a number.
    Indexed(u8),
    /// Given by its parts.
    Rgb(u8, u8, u8),
}

/// How a character looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    /// The colour.
    pub(crate) colour: Colour,
    /// Bold.
    pub(crate) bold: bool,
    /// Faint.
    pub(crate) dim: bool,
}

/// The style without any attribute.
const PLAIN: Style = Style { colour: Colour::Default, bold: false, dim: false };

/// One character on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cell {
    /// The character.
    pub(crate) text: char,
    /// Its looks.
    pub(crate) style: Style,
}

const BLANK: Cell = Cell { text: ' ', style: PLAIN };

/// What is on the screen when all of `output` has been printed, without empty rows at the end.
pub(crate) fn render(output: &str) -> Vec<Vec<Cell>> {
    let mut screen = Screen { rows: vec![Vec::new()], row: 0, column: 0, style: PLAIN };
    let mut rest = output;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\u{1b}' => rest = screen.escape(rest),
            '\n' => screen.line_feed(),
            '\r' => screen.column = 0,
            '\t' => screen.column = (screen.column / 8 + 1) * 8,
            c if c.is_control() => {}
            c => screen.put(c),
        }
    }
    let used = screen.rows.iter().rposition(|row| row.iter().any(|cell| cell.text != ' '));
    screen.rows.truncate(used.map_or(0, |last| last + 1));
    screen.rows
}

struct Screen {
    rows: Vec<Vec<Cell>>,
    row: usize,
    column: usize,
    style: Style,
}

impl Screen {
    fn put(&mut self, text: char) {
        let row = &mut self.rows[self.row];
        if row.len() <= self.column {
            row.resize(self.column + 1, BLANK);
        }
        row[self.column] = Cell { text, style: self.style };
        self.column += 1;
    }

    fn line_feed(&mut self) {
        (self.row, self.column) = (self.row + 1, 0);
        if self.rows.len() == self.row {
            self.rows.push(Vec::new());
        }
    }

    /// Takes one escape sequence off the front of `rest` and gives back what follows it.
    fn escape<'a>(&mut self, rest: &'a str) -> &'a str {
        if let Some(sequence) = rest.strip_prefix('[') {
            let Some(end) = sequence.find(|c: char| ('@'..='~').contains(&c)) else { return "" };
            self.control(&sequence[..end], sequence.as_bytes()[end]);
            return &sequence[end + 1..];
        }
        if rest.starts_with(']') {
            // A title or a hyperlink, up to BEL or ESC \.
            let ends =
                [rest.find('\u{7}').map(|at| at + 1), rest.find("\u{1b}\\").map(|at| at + 2)];
            return ends.into_iter().flatten().min().map_or("", |end| &rest[end..]);
        }
        let mut characters = rest.chars();
        characters.next();
        characters.as_str()
    }

    fn control(&mut self, parameters: &str, command: u8) {
        let numbers: Vec<usize> = parameters.split(';').map(|n| n.parse().unwrap_or(0)).collect();
        let count = numbers[0].max(1);
        match command {
            b'm' => self.style = restyle(self.style, &numbers),
            b'A' => self.row = self.row.saturating_sub(count),
            b'B' => self.row = (self.row + count).min(self.rows.len() - 1),
            b'C' => self.column += count,
            b'D' => self.column = self.column.saturating_sub(count),
            b'G' => self.column = count - 1,
            b'J' => {
                self.rows[self.row].truncate(self.column);
                self.rows.truncate(self.row + 1);
            }
            b'K' if numbers[0] == 2 => self.rows[self.row].clear(),
            b'K' => self.rows[self.row].truncate(self.column),
            _ => {}
        }
    }
}

/// Applies the numbers of one `ESC [ … m`.
fn restyle(mut style: Style, numbers: &[usize]) -> Style {
    let byte = |n: usize| u8::try_from(n).unwrap_or(u8::MAX);
    let mut rest = numbers;
    while let [number, tail @ ..] = rest {
        rest = tail;
        match (*number, tail) {
            (0, _) => style = PLAIN,
            (1, _) => style.bold = true,
            (2, _) => style.dim = true,
            (22, _) => (style.bold, style.dim) = (false, false),
            (n @ 30..=37, _) => style.colour = Colour::Indexed(byte(n - 30)),
            (n @ 90..=97, _) => style.colour = Colour::Indexed(byte(n - 90 + 8)),
            (39, _) => style.colour = Colour::Default,
            (38, [5, n, tail @ ..]) => (style.colour, rest) = (Colour::Indexed(byte(*n)), tail),
            (38, [2, r, g, b, tail @ ..]) => {
                (style.colour, rest) = (Colour::Rgb(byte(*r), byte(*g), byte(*b)), tail);
            }
            _ => {}
        }
    }
    style
}

#[cfg(test)]
mod tests {
    use super::{Colour, render};

    #[track_caller]
    fn check(output: &str, expected: &[&str]) {
        let rows: Vec<String> =
            render(output).iter().map(|row| row.iter().map(|cell| cell.text).collect()).collect();
        assert_eq!(rows, expected, "{output:?}");
    }

    #[test]
    fn a_redrawn_line_shows_its_last_state() {
        check("working 1\rworking 2\r\u{1b}[Kdone\n", &["done"]);
        check("a\nb\n\u{1b}[2A\u{1b}[Jc\n", &["c"]);
        check("1234\u{1b}[2Dxy\u{1b}[1Gz\n", &["z2xy"]);
    }

    #[test]
    fn titles_links_and_unknown_sequences_leave_no_trace() {
        check("\u{1b}]0;title\u{7}a\u{1b}]8;;file://x\u{1b}\\b\u{1b}[?25lc\u{1b}7d", &["abcd"]);
        check("cut off \u{1b}[3", &["cut off "]);
    }

    #[test]
    fn colours_last_until_they_are_reset() {
        let row = &render("\u{1b}[1;32mok\u{1b}[0m \u{1b}[38;5;208mx\u{1b}[38;2;1;2;3my")[0];
        assert_eq!((row[1].style.colour, row[1].style.bold), (Colour::Indexed(2), true));
        assert_eq!((row[2].style.colour, row[2].style.bold), (Colour::Default, false));
        assert_eq!(row[3].style.colour, Colour::Indexed(208));
        assert_eq!(row[4].style.colour, Colour::Rgb(1, 2, 3));
    }
}
