//! Places in files as tools write them.

use std::path::Path;

/// Bytes of a path; a longer one is none.
const MAX_PATH: usize = 512;

/// Names of source files end like this, where only a source file will do.
const SOURCES: [&str; 24] = [
    "rs", "py", "pyi", "go", "java", "kt", "kts", "scala", "js", "jsx", "mjs", "cjs", "ts", "tsx",
    "mts", "cts", "vue", "svelte", "c", "cc", "cpp", "h", "rb", "php",
];

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place<'a> {
    pub(super) file: &'a str,
    pub(super) line: Option<u32>,
    pub(super) column: Option<u32>,
}

impl<'a> Place<'a> {
    /// A file as a whole.
    pub(super) const fn file(file: &'a str) -> Self {
        Self { file, line: None, column: None }
    }

    /// `file:line` or `file:line:column`, and what follows.
    pub(super) fn leading(text: &'a str) -> Option<(Self, &'a str)> {
        let window = &text[..text.floor_char_boundary(2 * MAX_PATH)];
        for (at, _) in window.match_indices(':') {
            let Some((line, rest)) = number(&text[at + 1..]) else { continue };
            let file = &text[..at];
            if !is_path(file) {
                return None;
            }
            let column = rest.strip_prefix(':').and_then(number);
            let (column, rest) = column.map_or((None, rest), |(column, rest)| (Some(column), rest));
            return Some((Self { file, line: Some(line), column }, rest));
        }
        None
    }

    /// `file:line` or `file:line:column` and nothing else.
    pub(super) fn whole(text: &'a str) -> Option<Self> {
        let (place, rest) = Self::leading(text)?;
        rest.is_empty().then_some(place)
    }

    /// The first place in a source file among the words of a line.
    pub(super) fn within(text: &'a str) -> Option<Self> {
        let words = text.split(|c: char| c.is_whitespace() || "()[]'\"`,".contains(c));
        let mut places = words.filter_map(|word| Self::leading(word).map(|(place, _)| place));
        places.find(|place| SOURCES.contains(&place.extension()) && !place.is_foreign())
    }

    /// What the file's name ends with.
    pub(super) fn extension(&self) -> &'a str {
        extension(self.file)
    }

    /// Whether the file is of a tool or a library.
    pub(super) fn is_foreign(&self) -> bool {
        let file = self.file;
        file.starts_with("node:")
            || file.starts_with("/rustc/")
            || file.starts_with('<')
            || ["/node_modules/", "/.cargo/registry/", "/site-packages/", "/lib/python"]
                .iter()
                .any(|part| file.contains(part))
            || file.ends_with(".go")
                && ["/src/testing/", "/src/runtime/"].iter().any(|part| file.contains(part))
    }
}

/// What a file's name ends with, behind its dot.
pub(super) fn extension(file: &str) -> &str {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}

/// The file as it is told: from the working directory on where it is below, else as it stands.
pub(super) fn relative(file: &str, working_dir: &Path) -> Option<String> {
    let file = file.strip_prefix("file://").unwrap_or(file);
    let file = file.strip_prefix("./").unwrap_or(file);
    let below = Path::new(file).strip_prefix(working_dir).ok();
    let told = match below {
        Some(below) if !working_dir.as_os_str().is_empty() => below.to_str()?,
        _ => file,
    };
    is_path(told).then(|| told.to_owned())
}

/// Whether it can be a path.
fn is_path(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MAX_PATH
        && !text.starts_with(char::is_whitespace)
        && !text.contains(['<', '>', '"', '|', '`', '\n'])
}

/// What stands before a text in a line, and what behind it. The standard function is several times
/// slower in short lines, and nearly none holds what is looked for.
pub(super) fn around<'a>(line: &'a str, text: &str) -> Option<(&'a str, &'a str)> {
    let at = memchr::memmem::find(line.as_bytes(), text.as_bytes())?;
    Some((&line[..at], &line[at + text.len()..]))
}

/// A number and what follows it.
pub(super) fn number(text: &str) -> Option<(u32, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    Some((text[..digits].parse().ok()?, &text[digits..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_leads() {
        for (text, file, line, column, rest) in [
            ("src/a.rs:3:4: error", "src/a.rs", 3, Some(4), ": error"),
            ("src/a.rs:3: error", "src/a.rs", 3, None, ": error"),
            (r"C:\x\a.ts:3:4 - error", r"C:\x\a.ts", 3, Some(4), " - error"),
            ("a b.c:1:", "a b.c", 1, None, ":"),
        ] {
            let place = Place { file, line: Some(line), column };
            assert_eq!(Place::leading(text), Some((place, rest)), "{text}");
        }
        for text in ["", ":", "a:", "a:b", " a.c:1", ":1", "a.c:99999999999", "\"a\":1"] {
            assert_eq!(Place::leading(text), None, "{text}");
        }
    }

    #[test]
    fn a_path_is_told_from_the_working_directory_on() {
        let working_dir = Path::new("/home/ada/project");
        for (file, told) in [
            ("/home/ada/project/src/a.rs", "src/a.rs"),
            ("/home/ada/projects/a.rs", "/home/ada/projects/a.rs"),
            ("./src/a.rs", "src/a.rs"),
            ("file:///home/ada/project/a.js", "a.js"),
            ("../../etc/passwd", "../../etc/passwd"),
        ] {
            assert_eq!(relative(file, working_dir).as_deref(), Some(told));
        }
    }
}
