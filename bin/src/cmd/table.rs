//! A table for a terminal: a line a row, as wide as the terminal at the most.

use console::truncate_str;

use crate::text::{shorten, width_of};

/// Columns between two cells.
const GAP: usize = 2;
/// Columns that a cell is never cut to less than: it is left out then.
const NARROWEST: usize = 4;

/// The columns of a table.
pub(super) struct Shape<const COLUMNS: usize> {
    /// What stands above them.
    pub(super) head: [&'static str; COLUMNS],
    /// The column of the ids. The beginning of one stands for it, so that it is cut without a mark, and
    /// not further than to what tells it from the others.
    pub(super) id: usize,
    /// Those that give way on a narrow terminal, in this order.
    pub(super) give_way: &'static [(usize, Room)],
}

/// How far a column gives way.
#[derive(Debug, Clone, Copy)]
pub(super) enum Room {
    /// To this width.
    AtLeast(usize),
    /// It is left out as a whole, since a part of it would tell something else.
    Nothing,
}

/// Rows of cells under a head line. There may be very many, so all cells are one text.
pub(super) struct Table<const COLUMNS: usize> {
    shape: Shape<COLUMNS>,
    text: String,
    rows: Vec<[Cell; COLUMNS]>,
}

/// A cell of a table, which begins where the one before ends.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    end: usize,
    width: usize,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    pub(super) fn new(shape: Shape<COLUMNS>) -> Self {
        let head = shape.head.map(str::to_owned);
        let mut table = Self { shape, text: String::new(), rows: Vec::new() };
        table.add(head);
        table
    }

    /// Adds a row; its cells are harmless texts without a line end.
    pub(super) fn add(&mut self, cells: [String; COLUMNS]) {
        self.rows.push(cells.map(|cell| {
            self.text.push_str(&cell);
            Cell { end: self.text.len(), width: width_of(&cell) }
        }));
    }

    /// The lines. All columns but the last are as wide as their widest cell, as far as the terminal
    /// is wide enough.
    pub(super) fn lines(&self, columns: Option<usize>) -> String {
        let width = |column: usize| self.rows.iter().map(|row| row[column].width).max();
        let mut widths: [usize; COLUMNS] = std::array::from_fn(|at| width(at).unwrap_or_default());
        if let Some(columns) = columns {
            self.fit(&mut widths, columns);
        }
        let mut lines = String::with_capacity(self.text.len() + self.rows.len() * COLUMNS * GAP);
        self.each_row(|cells| self.line(&cells, &widths, &mut lines));
        lines
    }

    /// Takes from the columns that give way what a line has too much. Ids keep what tells them apart.
    fn fit(&self, widths: &mut [usize; COLUMNS], columns: usize) {
        let telling = self.telling();
        for &(column, room) in self.shape.give_way {
            let shown = widths.iter().filter(|width| **width > 0).count();
            let taken = widths.iter().sum::<usize>() + GAP * (shown - 1);
            let too_much = taken.saturating_sub(columns);
            let width = &mut widths[column];
            let left = match room {
                Room::Nothing if too_much > 0 => 0,
                Room::Nothing => *width,
                Room::AtLeast(least) => {
                    let least = if column == self.shape.id { least.max(telling) } else { least };
                    width.saturating_sub(too_much).max(least.min(*width))
                }
            };
            *width = if left < NARROWEST { 0 } else { left };
        }
    }

    /// How much of the ids tells each from the others.
    fn telling(&self) -> usize {
        let mut ids = Vec::with_capacity(self.rows.len());
        self.each_row(|cells| ids.push(cells[self.shape.id].0));
        ids.sort_unstable();
        let alike = |ids: &[&str]| {
            ids[0].chars().zip(ids[1].chars()).take_while(|(one, other)| one == other).count()
        };
        ids.windows(2).map(alike).max().unwrap_or_default() + 1
    }

    /// Gives each row as texts with their widths.
    fn each_row<'a>(&'a self, mut take: impl FnMut([(&'a str, usize); COLUMNS])) {
        let mut begin = 0;
        for row in &self.rows {
            take(row.map(|Cell { end, width }| {
                let cell = &self.text[begin..end];
                begin = end;
                (cell, width)
            }));
        }
    }

    fn line(
        &self,
        cells: &[(&str, usize); COLUMNS],
        widths: &[usize; COLUMNS],
        lines: &mut String,
    ) {
        let begin = lines.len();
        let mut gap = 0;
        let shown = cells.iter().zip(widths).enumerate().filter(|(_, (_, width))| **width > 0);
        for (column, ((cell, own), width)) in shown {
            lines.extend(std::iter::repeat_n(' ', gap));
            let fits = own <= width;
            let cut = match column {
                _ if fits => (*cell).into(),
                // As it is, since it is copied.
                _ if column == self.shape.id => truncate_str(cell, *width, ""),
                _ => shorten(cell, *width).into(),
            };
            lines.push_str(&cut);
            let taken = if fits { *own } else { width_of(&cut) };
            gap = width.saturating_sub(taken) + GAP;
        }
        lines.truncate(begin + lines[begin..].trim_end().len());
        lines.push('\n');
    }
}
