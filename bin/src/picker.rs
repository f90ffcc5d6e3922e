//! A screen on which the user picks one of many: what is typed, the choices that it fits, and below
//! them the one that is marked.

use std::io::{self, Write};

use console::truncate_str;
use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::{cursor, queue, style, terminal};

use crate::error::CliError;
use crate::world::{Choice, Preview};

/// Rows of the choices, of ten of the screen.
const CHOICES_OF_TEN: usize = 4;
/// Times its length that the letters of a word may be spread over: more is chance.
const WIDEST: usize = 4;
/// Rows beside choices and preview: what is typed, and the line between.
const OTHER_ROWS: usize = 2;
/// What stands before what is typed.
const ASKS: &str = "Session: ";
/// What to press, where there is room for it.
const KEYS: &str = "Enter picks, Esc leaves, PgUp and PgDn scroll";

/// Lets the user pick on the terminal that standard error is.
pub(crate) fn pick(choices: &[Choice], preview: Preview<'_>) -> Result<usize, CliError> {
    let failed = |error: io::Error| CliError::failed(format!("the terminal failed: {error}"));
    let mut screen = Screen::open().map_err(failed)?;
    let mut picking = Picking::new(choices);
    loop {
        screen.draw(&mut picking, preview).map_err(failed)?;
        let Event::Key(key) = event::read().map_err(failed)? else { continue };
        if key.kind == KeyEventKind::Release {
            continue;
        }
        match picking.press(key, screen.rows) {
            Pressed::Picked(at) => return Ok(at),
            Pressed::BrokeOff => return Err(CliError::interrupted()),
            Pressed::GoesOn => {}
        }
    }
}

/// What a key did.
#[derive(Debug, PartialEq, Eq)]
enum Pressed {
    GoesOn,
    Picked(usize),
    BrokeOff,
}

/// What is typed, what fits it, and which is marked.
struct Picking<'a> {
    choices: &'a [Choice],
    typed: String,
    /// The choices that fit, best first.
    fitting: Vec<usize>,
    /// The one that is marked, among those that fit.
    marked: usize,
    /// Lines of the preview above the screen.
    scrolled: usize,
    /// The choice that was shown last, on how many columns, and its lines.
    shown: Option<(usize, usize, Vec<String>)>,
}

impl<'a> Picking<'a> {
    fn new(choices: &'a [Choice]) -> Self {
        let fitting = (0..choices.len()).collect();
        Self { choices, typed: String::new(), fitting, marked: 0, scrolled: 0, shown: None }
    }

    fn press(&mut self, key: KeyEvent, rows: usize) -> Pressed {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let page = rows_of(rows).1.max(2) - 1;
        match key.code {
            KeyCode::Esc => return Pressed::BrokeOff,
            KeyCode::Char('c' | 'd' | 'g') if control => return Pressed::BrokeOff,
            KeyCode::Enter => {
                return self
                    .fitting
                    .get(self.marked)
                    .map_or(Pressed::GoesOn, |at| Pressed::Picked(*at));
            }
            KeyCode::Up => self.mark(self.marked.saturating_sub(1)),
            KeyCode::Char('p' | 'k') if control => self.mark(self.marked.saturating_sub(1)),
            KeyCode::Down => self.mark(self.marked + 1),
            KeyCode::Char('n' | 'j') if control => self.mark(self.marked + 1),
            KeyCode::Home => self.mark(0),
            KeyCode::End => self.mark(usize::MAX),
            KeyCode::PageUp => self.scrolled = self.scrolled.saturating_sub(page),
            KeyCode::PageDown => self.scrolled += page,
            KeyCode::Backspace => self.edit(cut_letter),
            KeyCode::Char('u') if control => self.edit(String::clear),
            KeyCode::Char('w') if control => self.edit(cut_word),
            KeyCode::Char(c) if !control => self.edit(|typed| typed.push(c)),
            _ => {}
        }
        Pressed::GoesOn
    }

    fn mark(&mut self, at: usize) {
        self.marked = at.min(self.fitting.len().saturating_sub(1));
        self.scrolled = 0;
    }

    fn edit(&mut self, edit: impl FnOnce(&mut String)) {
        edit(&mut self.typed);
        let scored = |at: usize| score(&self.typed, &self.choices[at].line).map(|s| (s, at));
        let mut fitting: Vec<_> = (0..self.choices.len()).filter_map(scored).collect();
        // Those that fit as well keep their order.
        fitting.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        self.fitting = fitting.into_iter().map(|(_, at)| at).collect();
        self.mark(0);
    }

    /// The lines of the choice that is marked.
    fn preview(&mut self, columns: usize, preview: Preview<'_>) -> &[String] {
        let Some(at) = self.fitting.get(self.marked).copied() else { return &[] };
        if self.shown.as_ref().is_none_or(|(of, on, _)| (*of, *on) != (at, columns)) {
            let lines = preview(at, columns).lines().map(|l| l.replace('\t', "    ")).collect();
            self.shown = Some((at, columns, lines));
        }
        self.shown.as_ref().map_or(&[], |(_, _, lines)| lines)
    }
}

fn cut_letter(typed: &mut String) {
    typed.pop();
}

fn cut_word(typed: &mut String) {
    let kept = typed.trim_end().rfind(' ').map_or(0, |at| at + 1);
    typed.truncate(kept);
}

/// How well a line fits what was typed; none where it does not. Each word is in it: as it is, or its
/// letters in their order.
fn score(typed: &str, line: &str) -> Option<usize> {
    let line = line.to_lowercase();
    typed.to_lowercase().split_whitespace().map(|word| score_word(word, &line)).sum()
}

/// A word as it is fits better than any scattered one, and best where a word of the line begins so.
fn score_word(word: &str, line: &str) -> Option<usize> {
    const AS_IT_IS: usize = 10_000;
    const AT_A_WORD: usize = 10_000;
    if let Some(at) = line.find(word) {
        let begins = line[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric());
        return Some(AS_IT_IS + if begins { AT_A_WORD } else { 0 });
    }
    let near = scattered(word, line).filter(|span| *span <= WIDEST * word.chars().count());
    near.map(|span| AS_IT_IS.saturating_sub(span).max(1))
}

/// How many characters of the line the letters of a word are spread over, where they are nearest.
fn scattered(word: &str, line: &str) -> Option<usize> {
    let first = word.chars().next()?;
    line.match_indices(first).filter_map(|(at, _)| span(word, &line[at..])).min()
}

/// How many characters from the beginning of the line on hold the letters of a word in their order.
fn span(word: &str, line: &str) -> Option<usize> {
    let mut characters = line.chars().enumerate();
    let mut last = None;
    for letter in word.chars() {
        last = Some(characters.find(|(_, c)| *c == letter)?.0);
    }
    Some(last? + 1)
}

/// The rows of the choices and of the preview.
fn rows_of(rows: usize) -> (usize, usize) {
    let room = rows.saturating_sub(OTHER_ROWS);
    let choices = (rows * CHOICES_OF_TEN / 10).clamp(1, room.max(1));
    (choices, room.saturating_sub(choices))
}

/// The terminal while somebody picks; as it was when dropped.
struct Screen {
    /// What is drawn, until all of it is: it is written at once, so that nothing flickers.
    out: Vec<u8>,
    rows: usize,
}

impl Screen {
    fn open() -> io::Result<Self> {
        terminal::enable_raw_mode()?;
        // From here on, whatever happens, it is put back.
        let mut screen = Self { out: Vec::new(), rows: 0 };
        queue!(screen.out, terminal::EnterAlternateScreen)?;
        screen.flush()?;
        Ok(screen)
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut terminal = io::stderr();
        terminal.write_all(&self.out)?;
        self.out.clear();
        terminal.flush()
    }

    fn draw(&mut self, picking: &mut Picking<'_>, preview: Preview<'_>) -> io::Result<()> {
        let (columns, rows) = terminal::size()?;
        let (columns, rows) = (usize::from(columns), usize::from(rows));
        self.rows = rows;
        let (of_choices, of_preview) = rows_of(rows);
        let count = picking.preview(columns, preview).len();
        picking.scrolled = picking.scrolled.min(count.saturating_sub(of_preview));
        queue!(self.out, cursor::Hide, terminal::Clear(terminal::ClearType::All))?;
        self.choices(picking, of_choices, columns)?;
        let numbers = format!("-- {} of {} ", picking.fitting.len(), picking.choices.len());
        let with_keys = format!("{numbers}-- {KEYS} ");
        let between = if with_keys.len() < columns { with_keys } else { numbers };
        self.line(1 + of_choices, &format!("{between:-<columns$}"), columns, Look::Faint)?;
        let scrolled = picking.scrolled;
        let lines = picking.preview(columns, preview).iter().skip(scrolled).take(of_preview);
        for (row, line) in lines.enumerate() {
            self.line(OTHER_ROWS + of_choices + row, line, columns, Look::Plain)?;
        }
        self.typed(&picking.typed, columns)?;
        self.flush()
    }

    fn choices(&mut self, picking: &Picking<'_>, rows: usize, columns: usize) -> io::Result<()> {
        let first = (picking.marked + 1).saturating_sub(rows);
        for (row, (nth, at)) in
            picking.fitting.iter().enumerate().skip(first).take(rows).enumerate()
        {
            let is_marked = nth == picking.marked;
            let (mark, look) = if is_marked { ("> ", Look::Marked) } else { ("  ", Look::Plain) };
            let line = format!("{mark}{}", picking.choices[*at].line);
            self.line(1 + row, &line, columns, look)?;
        }
        Ok(())
    }

    /// The first row, with the cursor behind it.
    fn typed(&mut self, typed: &str, columns: usize) -> io::Result<()> {
        self.line(0, &format!("{ASKS}{typed}"), columns, Look::Plain)?;
        queue!(self.out, cursor::Show)
    }

    fn line(&mut self, row: usize, line: &str, columns: usize, look: Look) -> io::Result<()> {
        let row = u16::try_from(row).unwrap_or(u16::MAX);
        let line = truncate_str(line, columns, "");
        let attribute = match look {
            Look::Plain => style::Attribute::Reset,
            Look::Faint => style::Attribute::Dim,
            Look::Marked => style::Attribute::Reverse,
        };
        queue!(
            self.out,
            cursor::MoveTo(0, row),
            style::SetAttribute(attribute),
            style::Print(line),
            style::SetAttribute(style::Attribute::Reset)
        )
    }
}

#[derive(Clone, Copy)]
enum Look {
    Plain,
    Faint,
    Marked,
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.out.clear();
        let put_back = queue!(self.out, terminal::LeaveAlternateScreen, cursor::Show);
        drop(put_back.and_then(|()| self.flush()));
        drop(terminal::disable_raw_mode());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(lines: &[&str]) -> Vec<Choice> {
        lines.iter().map(|line| Choice { name: (*line).into(), line: (*line).into() }).collect()
    }

    fn press(picking: &mut Picking<'_>, code: KeyCode) -> Pressed {
        picking.press(KeyEvent::from(code), 24)
    }

    fn typed(picking: &mut Picking<'_>, text: &str) {
        text.chars().for_each(|c| assert_eq!(press(picking, KeyCode::Char(c)), Pressed::GoesOn));
    }

    #[test]
    fn what_is_typed_narrows_the_choices_best_first() {
        let choices = choices(&["the rate limiter", "a crate", "fix the readme", "rates"]);
        let mut picking = Picking::new(&choices);
        typed(&mut picking, "rate");
        assert_eq!(picking.fitting, [0, 3, 1]);
        typed(&mut picking, " LIM");
        assert_eq!(picking.fitting, [0]);
        for _ in 0..8 {
            press(&mut picking, KeyCode::Backspace);
        }
        assert_eq!(picking.fitting, [0, 1, 2, 3]);
        typed(&mut picking, "fxrm");
        assert_eq!(press(&mut picking, KeyCode::Enter), Pressed::Picked(2), "scattered letters");
    }

    #[test]
    fn nothing_is_picked_where_nothing_fits() {
        let choices = choices(&["one", "two"]);
        let mut picking = Picking::new(&choices);
        press(&mut picking, KeyCode::Down);
        press(&mut picking, KeyCode::Down);
        assert_eq!(press(&mut picking, KeyCode::Enter), Pressed::Picked(1));
        typed(&mut picking, "zz");
        assert_eq!(press(&mut picking, KeyCode::Enter), Pressed::GoesOn);
        assert_eq!(press(&mut picking, KeyCode::Esc), Pressed::BrokeOff);
    }

    #[test]
    fn a_small_screen_has_room_for_a_choice() {
        assert_eq!(rows_of(24), (9, 13));
        assert_eq!(rows_of(3), (1, 0));
        assert_eq!(rows_of(0), (1, 0));
    }
}
