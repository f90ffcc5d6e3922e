//! `cargo xtask picture`: a terminal window as an SVG, drawn from captured output.
//!
//! The input is what a real run printed, escape sequences included:
//! `script -qec 'cargo run --release -- demo' demo.txt`.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use crate::screen::{Cell, Colour, Style, render};

/// Where the picture goes.
const PICTURE: &str = "docs/src/images/demo.svg";

/// Size of a character cell and of the frame around the text, in pixels.
const CELL_WIDTH: f64 = 8.4;
const LINE_HEIGHT: f64 = 20.0;
const MARGIN: f64 = 20.0;
const TITLE_BAR: f64 = 36.0;

/// Background, then text.
const BACKGROUND: &str = "#16181d";
const FOREGROUND: &str = "#d7dae0";

/// The 16 colours with a name, dark then bright; black is lifted so that it can be read.
const NAMED: [&str; 16] = [
    "#5c6370", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d7dae0",
    "#7f848e", "#ff7b86", "#b5e890", "#ffd68a", "#7fc4ff", "#de9bf3", "#6fd3df", "#ffffff",
];

/// Reads captured output and writes the picture.
pub(crate) fn run(captured: &Path) -> Result<ExitCode, String> {
    let output = std::fs::read(captured)
        .map_err(|error| format!("cannot read `{}`: {error}", captured.display()))?;
    let output = String::from_utf8_lossy(&output);
    let rows = render(&without_script_lines(&output));
    if rows.is_empty() {
        return Err(format!("`{}` prints nothing", captured.display()));
    }
    let picture = crate::root().join(PICTURE);
    std::fs::create_dir_all(picture.parent().unwrap_or(&picture))
        .and_then(|()| std::fs::write(&picture, svg(&rows)))
        .map_err(|error| format!("cannot write `{}`: {error}", picture.display()))?;
    println!("wrote {PICTURE}: {} lines", rows.len());
    Ok(ExitCode::SUCCESS)
}

/// `script` puts a line of its own before and after what it captures.
fn without_script_lines(output: &str) -> String {
    let kept =
        |line: &&str| !line.starts_with("Script started ") && !line.starts_with("Script done ");
    output.split_inclusive('\n').filter(kept).collect()
}

fn svg(rows: &[Vec<Cell>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0).max(40);
    let width = MARGIN.mul_add(2.0, columns as f64 * CELL_WIDTH);
    let height = TITLE_BAR + MARGIN + rows.len() as f64 * LINE_HEIGHT;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\">\n\
         <title>A run of codeloops in a terminal</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"10\" fill=\"{BACKGROUND}\"/>\n"
    );
    for (index, colour) in ["#ff5f57", "#febc2e", "#28c840"].into_iter().enumerate() {
        let x = MARGIN + index as f64 * 20.0;
        _ = writeln!(svg, "<circle cx=\"{x}\" cy=\"20\" r=\"6\" fill=\"{colour}\"/>");
    }
    _ = writeln!(
        svg,
        "<g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', \
         monospace\" font-size=\"14\" fill=\"{FOREGROUND}\" xml:space=\"preserve\" \
         style=\"white-space:pre\">"
    );
    for (index, row) in rows.iter().enumerate() {
        let y = TITLE_BAR + (index + 1) as f64 * LINE_HEIGHT - 4.0;
        runs(row).for_each(|(column, cells)| _ = writeln!(svg, "{}", text(column, y, cells)));
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

/// The pieces of a row that look alike, each with its first column; blank ones are left out.
fn runs(row: &[Cell]) -> impl Iterator<Item = (usize, &[Cell])> {
    let mut column = 0;
    row.chunk_by(|a, b| a.style == b.style)
        .map(move |cells| {
            column += cells.len();
            (column - cells.len(), cells)
        })
        .filter(|(_, cells)| cells.iter().any(|cell| cell.text != ' '))
}

/// One piece. Its length is given, so that the columns stay in line in any font.
fn text(column: usize, y: f64, cells: &[Cell]) -> String {
    let x = MARGIN + column as f64 * CELL_WIDTH;
    let length = cells.len() as f64 * CELL_WIDTH;
    let looks = looks(cells[0].style);
    let words: String = cells.iter().map(|cell| escaped(cell.text)).collect();
    format!("<text x=\"{x:.1}\" y=\"{y}\" textLength=\"{length:.1}\"{looks}>{words}</text>")
}

fn looks(style: Style) -> String {
    let mut looks = match style.colour {
        Colour::Default => String::new(),
        Colour::Indexed(index) => format!(" fill=\"{}\"", indexed(index)),
        Colour::Rgb(r, g, b) => format!(" fill=\"#{r:02x}{g:02x}{b:02x}\""),
    };
    if style.bold {
        looks.push_str(" font-weight=\"bold\"");
    }
    if style.dim {
        looks.push_str(" opacity=\"0.6\"");
    }
    looks
}

/// A colour of the 256: 16 named ones, a cube of 6 by 6 by 6, 24 greys.
fn indexed(index: u8) -> String {
    match index {
        0..16 => NAMED[usize::from(index)].to_owned(),
        16..232 => {
            let level = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
            let n = index - 16;
            format!("#{:02x}{:02x}{:02x}", level(n / 36), level(n / 6 % 6), level(n % 6))
        }
        232.. => {
            let grey = 8 + 10 * (index - 232);
            format!("#{grey:02x}{grey:02x}{grey:02x}")
        }
    }
}

fn escaped(c: char) -> String {
    match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        c => c.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{indexed, render, svg, without_script_lines};

    #[test]
    fn each_piece_stands_in_its_column_with_its_colour() {
        let picture = svg(&render("ab \u{1b}[32mc<d\u{1b}[0m"));
        assert!(picture.contains(">ab </text>"), "{picture}");
        let green = "<text x=\"45.2\" y=\"52\" textLength=\"25.2\" fill=\"#98c379\">c&lt;d</text>";
        assert!(picture.contains(green), "{picture}");
    }

    #[test]
    fn numbered_colours_are_those_of_terminals() {
        assert_eq!(indexed(16), "#000000");
        assert_eq!(indexed(208), "#ff8700");
        assert_eq!(indexed(231), "#ffffff");
        assert_eq!(indexed(255), "#eeeeee");
    }

    #[test]
    fn what_script_adds_is_left_out() {
        let captured = "Script started on x\nhello\r\n\nScript done on y\n";
        assert_eq!(without_script_lines(captured), "hello\r\n\n");
    }
}
