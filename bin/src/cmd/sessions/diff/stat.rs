//! How much changed in each file, as `git diff --stat` tells it.

use anstyle::{AnsiColor, Style};
use codeloops_sinks::words;
use console::measure_text_width;

use super::patch::{self, Kind, Names};
use super::visible;

/// Columns where nothing tells how many there are, as for git.
const COLUMNS: usize = 80;
/// Columns of the bars that a long name leaves.
const LEAST_BARS: usize = 10;

/// What changed in a file.
struct FileStat {
    name: String,
    added: u64,
    removed: u64,
    is_binary: bool,
}

/// A line for each file, and one for all.
pub(super) fn table(diff: &[u8], columns: Option<usize>, color: bool) -> String {
    let files = files(diff);
    if files.is_empty() {
        return String::new();
    }
    let widths = Widths::of(&files, columns.unwrap_or(COLUMNS));
    let rows: String = files.iter().map(|file| row(file, &widths, color)).collect();
    let sum = |of: fn(&FileStat) -> u64| files.iter().map(of).sum();
    let all = words::diff_summary(files.len() as u64, sum(|f| f.added), sum(|f| f.removed));
    format!("{rows} {all}\n")
}

fn files(diff: &[u8]) -> Vec<FileStat> {
    let mut files: Vec<FileStat> = Vec::new();
    let mut names = Names::default();
    for line in patch::lines(diff) {
        if line.kind == Kind::File {
            files.push(FileStat { name: String::new(), added: 0, removed: 0, is_binary: false });
        }
        let Some(file) = files.last_mut() else { continue };
        match line.kind {
            Kind::File | Kind::Head => {
                names.observe(&line);
                file.name = name(&names);
                file.is_binary |= line.bytes.starts_with(b"Binary files ");
            }
            Kind::Added => file.added += 1,
            Kind::Removed => file.removed += 1,
            Kind::Hunk | Kind::Context => {}
        }
    }
    files
}

fn name(names: &Names) -> String {
    let (old, new) = (visible(&names.old), visible(&names.new));
    if old == new { new } else { format!("{old} => {new}") }
}

/// What the columns of the table take.
struct Widths {
    name: usize,
    count: usize,
    bars: usize,
    /// Most lines that changed in one file.
    most: u64,
}

impl Widths {
    fn of(files: &[FileStat], columns: usize) -> Self {
        let most = files.iter().map(|f| f.added + f.removed).max().unwrap_or_default();
        let has_binary = files.iter().any(|file| file.is_binary);
        let count = most.to_string().len().max(if has_binary { "Bin".len() } else { 1 });
        let longest = files.iter().map(|f| measure_text_width(&f.name)).max().unwrap_or_default();
        // A blank before the name, ` | ` and a blank behind the count.
        let room = columns.saturating_sub(count + 5);
        let name = longest.min(room.saturating_sub(LEAST_BARS).max(LEAST_BARS));
        Self { name, count, bars: room.saturating_sub(name).max(1), most }
    }

    /// How long a bar is for so many lines: at least something for something.
    fn bar(&self, lines: u64) -> usize {
        if self.most <= self.bars as u64 {
            return usize::try_from(lines).unwrap_or(self.bars);
        }
        let scaled = u128::from(lines) * self.bars as u128 / u128::from(self.most);
        usize::try_from(scaled).unwrap_or(self.bars).max(usize::from(lines > 0))
    }
}

fn row(file: &FileStat, widths: &Widths, color: bool) -> String {
    let name = ending(&file.name, widths.name);
    let gap = " ".repeat(widths.name.saturating_sub(measure_text_width(&name)));
    let count = widths.count;
    if file.is_binary {
        return format!(" {name}{gap} | {:>count$}\n", "Bin");
    }
    let lines = file.added + file.removed;
    let bar = |sign: &str, lines: u64, color_of: AnsiColor| {
        let style = if color { color_of.on_default() } else { Style::new() };
        let bar = sign.repeat(widths.bar(lines));
        if bar.is_empty() { bar } else { format!("{style}{bar}{style:#}") }
    };
    let added = bar("+", file.added, AnsiColor::Green);
    let removed = bar("-", file.removed, AnsiColor::Red);
    format!("{}\n", format!(" {name}{gap} | {lines:>count$} {added}{removed}").trim_end())
}

/// The end of a name that is too long: what tells it from others.
fn ending(name: &str, width: usize) -> String {
    if measure_text_width(name) <= width {
        return name.to_owned();
    }
    let fits = |at: &usize| measure_text_width(&name[*at..]) + 3 <= width;
    let at = name.char_indices().map(|(at, _)| at).find(fits).unwrap_or(name.len());
    format!("...{}", &name[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFF: &str = "diff --git a/src/a.rs b/src/a.rs\n--- a/src/a.rs\n+++ b/src/a.rs\n\
        @@ -1,2 +1,3 @@\n x\n-y\n+z\n+--- z\ndiff --git a/old b/new\nsimilarity index 100%\n\
        rename from old\nrename to new\ndiff --git a/p.png b/p.png\nnew file mode 100644\n\
        Binary files /dev/null and b/p.png differ\n";

    #[test]
    fn each_file_has_a_row_and_all_have_one() {
        insta::assert_snapshot!(table(DIFF.as_bytes(), None, false), @r"
        src/a.rs   |   3 ++-
        old => new |   0
        p.png      | Bin
        3 files changed, 2 insertions(+), 1 deletion(-)
        ");
    }

    #[test]
    fn a_long_name_loses_its_beginning_and_a_long_bar_is_scaled() {
        let lines = "+x\n".repeat(1000);
        let name = "a-folder-of-a-long-name/file.rs";
        let diff = format!(
            "diff --git a/{name} b/{name}\n--- /dev/null\n+++ b/{name}\n@@ -0,0 +1,1000 @@\n{lines}"
        );
        let table = table(diff.as_bytes(), Some(40), false);
        assert!(table.lines().all(|line| line.len() <= 40), "{table}");
        assert!(table.starts_with(" ...-long-name/file.rs | 1000 +"), "{table}");
    }

    #[test]
    fn of_no_change_there_is_nothing_to_tell() {
        assert_eq!(table(b"", None, false), "");
    }
}
