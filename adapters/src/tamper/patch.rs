//! Reads a unified patch as git prints it, line by line: any bytes are one, if a poor one.

use codeloops_event::DiffSide;

/// What a patch says, in order.
#[derive(Debug)]
pub(super) enum Item<'a> {
    /// A file begins; its hunks follow.
    File(Head),
    /// A hunk begins.
    Hunk {
        /// The line of the file that git says it stands below, if any.
        section: &'a [u8],
    },
    /// A line of a hunk.
    Line(Line<'a>),
}

/// A line of a hunk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    /// None where it stands on both.
    pub(super) side: Option<DiffSide>,
    /// Its number before and after, counted from 1.
    numbers: [u32; 2],
    /// Without the sign before it and the line's end.
    pub(super) text: &'a [u8],
}

/// What the patch says of a file before its first hunk.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) old: Vec<u8>,
    pub(super) new: Vec<u8>,
    pub(super) is_new: bool,
    pub(super) is_deleted: bool,
    pub(super) is_binary: bool,
    /// Before and after, where they differ.
    pub(super) modes: Option<(String, String)>,
}

impl Head {
    pub(super) fn is_renamed(&self) -> bool {
        self.old != self.new
    }

    /// Of what follows `diff --git `. Names that differ come again in lines of their own.
    fn begin(names: &[u8]) -> Self {
        let name = match names.first() {
            Some(b'"') => unquoted(names),
            _ => names[..names.len() / 2].to_vec(),
        };
        let name = name.strip_prefix(b"a/").unwrap_or(&name).to_vec();
        Self { old: name.clone(), new: name, ..Self::default() }
    }

    fn read(&mut self, line: &[u8]) {
        let after = |words: &str| line.strip_prefix(words.as_bytes());
        if let Some(name) = after("--- ") {
            set(&mut self.old, name, b"a/");
        } else if let Some(name) = after("+++ ") {
            set(&mut self.new, name, b"b/");
        } else if let Some(name) = after("rename from ").or_else(|| after("copy from ")) {
            self.old = unquoted(name);
        } else if let Some(name) = after("rename to ").or_else(|| after("copy to ")) {
            self.new = unquoted(name);
        } else if let Some(mode) = after("old mode ") {
            self.modes = Some((crate::text::lossy(mode).into_owned(), String::new()));
        } else if let (Some(mode), Some(modes)) = (after("new mode "), &mut self.modes) {
            modes.1 = crate::text::lossy(mode).into_owned();
        }
        self.is_new |= line.starts_with(b"new file mode ");
        self.is_deleted |= line.starts_with(b"deleted file mode ");
        self.is_binary |= line.starts_with(b"Binary files ") || line == b"GIT binary patch";
    }
}

/// Takes a name of a `---` or `+++` line, unless it says that there is none.
fn set(name: &mut Vec<u8>, told: &[u8], prefix: &[u8]) {
    let told = unquoted(told);
    if let Some(told) = told.strip_prefix(prefix) {
        *name = told.to_vec();
    }
}

/// Where in a patch the next line stands.
#[derive(Debug, Default)]
pub(super) enum Parser {
    /// Before the first file.
    #[default]
    Before,
    Head(Head),
    /// With the numbers of the next line on either side.
    Hunk {
        old: u32,
        new: u32,
    },
}

impl Parser {
    /// Takes the next line, without its end. What begins a file or a hunk cannot be a line of one: these
    /// have a sign before them. So no count has to be trusted.
    pub(super) fn line(&mut self, line: &[u8], tell: &mut impl FnMut(Item<'_>)) {
        if let Some(names) = line.strip_prefix(b"diff --git ") {
            self.finish(tell);
            *self = Self::Head(Head::begin(names));
            return;
        }
        match self {
            Self::Before => {}
            Self::Head(_) | Self::Hunk { .. } if line.starts_with(b"@@ ") => {
                self.finish(tell);
                let (old, new, section) = hunk(line);
                *self = Self::Hunk { old, new };
                tell(Item::Hunk { section });
            }
            Self::Head(head) => head.read(line),
            Self::Hunk { old, new } => {
                if let Some(line) = numbered(line, old, new) {
                    tell(Item::Line(line));
                }
            }
        }
    }

    /// Tells of a file that no hunk follows.
    pub(super) fn finish(&mut self, tell: &mut impl FnMut(Item<'_>)) {
        if let Self::Head(head) = std::mem::take(self) {
            tell(Item::File(head));
        }
    }
}

impl Line<'_> {
    /// Its number on a side.
    pub(super) const fn number(&self, side: DiffSide) -> u32 {
        match side {
            DiffSide::Removed => self.numbers[0],
            DiffSide::Added => self.numbers[1],
        }
    }
}

fn numbered<'a>(line: &'a [u8], old: &mut u32, new: &mut u32) -> Option<Line<'a>> {
    let (sign, text) = line.split_first().unwrap_or((&b' ', &[]));
    let side = match sign {
        b'-' => Some(DiffSide::Removed),
        b'+' => Some(DiffSide::Added),
        b' ' => None,
        // "\ No newline at end of file".
        _ => return None,
    };
    let numbers = [*old, *new];
    *old = old.saturating_add(u32::from(side != Some(DiffSide::Added)));
    *new = new.saturating_add(u32::from(side != Some(DiffSide::Removed)));
    Some(Line { side, numbers, text })
}

/// `@@ -12,3 +14,5 @@ section`.
fn hunk(line: &[u8]) -> (u32, u32, &[u8]) {
    let mut words = line.splitn(5, |b| *b == b' ').skip(1);
    let mut number = |sign| {
        let word = words.next()?.strip_prefix(&[sign])?;
        let digits = word.split(|b| *b == b',').next()?;
        str::from_utf8(digits).ok()?.parse().ok()
    };
    let (old, new) = (number(b'-').unwrap_or(0), number(b'+').unwrap_or(0));
    (old, new, words.nth(1).unwrap_or_default())
}

/// A name as it is: git quotes those with bytes that are no plain text, and puts a tab behind those with
/// a space.
fn unquoted(name: &[u8]) -> Vec<u8> {
    let Some(quoted) = name.strip_prefix(b"\"") else {
        return name.strip_suffix(b"\t").unwrap_or(name).to_vec();
    };
    let (mut plain, mut rest) = (Vec::new(), quoted);
    while let Some((byte, after)) = rest.split_first() {
        (rest, _) = match byte {
            b'"' => break,
            b'\\' => unescaped(after, &mut plain),
            byte => (after, plain.push(*byte)),
        };
    }
    plain
}

fn unescaped<'a>(escape: &'a [u8], plain: &mut Vec<u8>) -> (&'a [u8], ()) {
    let (byte, used) = match escape {
        [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] => {
            (((a - b'0') << 6) | ((b - b'0') << 3) | (c - b'0'), 3)
        }
        [b'a', ..] => (7, 1),
        [b'b', ..] => (8, 1),
        [b't', ..] => (b'\t', 1),
        [b'n', ..] => (b'\n', 1),
        [b'v', ..] => (11, 1),
        [b'f', ..] => (12, 1),
        [b'r', ..] => (b'\r', 1),
        [other, ..] => (*other, 1),
        [] => return (escape, ()),
    };
    (&escape[used..], plain.push(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(patch: &str) -> Vec<String> {
        let mut told = Vec::new();
        let mut tell = |item: Item<'_>| told.push(format!("{item:?}"));
        let mut parser = Parser::default();
        patch.split('\n').for_each(|line| parser.line(line.as_bytes(), &mut tell));
        parser.finish(&mut tell);
        told
    }

    fn head(patch: &str) -> Head {
        let mut heads = Vec::new();
        let mut tell = |item: Item<'_>| {
            if let Item::File(head) = item {
                heads.push(head);
            }
        };
        let mut parser = Parser::default();
        patch.split('\n').for_each(|line| parser.line(line.as_bytes(), &mut tell));
        parser.finish(&mut tell);
        heads.remove(0)
    }

    #[test]
    fn lines_are_numbered_on_their_side() {
        let patch =
            "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -4,3 +5,3 @@ fn a\n a\n-b\n+c\n d\n--- e";
        let numbers: Vec<_> = told(patch)
            .iter()
            .filter_map(|t| Some(t.split_once("numbers: ")?.1[..6].to_owned()))
            .collect();
        assert_eq!(numbers, ["[4, 5]", "[5, 6]", "[6, 6]", "[6, 7]", "[7, 8]"]);
        assert!(told(patch)[1].contains(&format!("{:?}", b"fn a")));
    }

    #[test]
    fn names_are_read_however_they_are_written() {
        for (patch, old, new) in [
            ("diff --git a/x y b/x y", "x y", "x y"),
            ("diff --git a/x b/x\n--- a/x y\t\n+++ /dev/null", "x y", "x"),
            (r#"diff --git "a/\303\244\t\"q" "b/\303\244\t\"q""#, "ä\t\"q", "ä\t\"q"),
            ("diff --git a/a b/b c\nrename from a\nrename to b c", "a", "b c"),
            ("diff --git a/é b/é", "é", "é"),
            ("diff --git ", "", ""),
            (r#"diff --git "a/\"#, "", ""),
        ] {
            let head = head(patch);
            assert_eq!((head.old, head.new), (old.into(), new.into()), "{patch}");
        }
    }

    #[test]
    fn what_has_no_hunk_is_told_of_as_well() {
        let modes = head("diff --git a/x b/x\nold mode 100755\nnew mode 100644").modes;
        assert_eq!(modes, Some(("100755".to_owned(), "100644".to_owned())));
        assert!(head("diff --git a/x b/x\ndeleted file mode 100644\nindex 1..2").is_deleted);
        assert!(head("diff --git a/x b/x\nnew file mode 100644\nindex 1..2").is_new);
        assert!(head("diff --git a/x b/x\nBinary files a/x and b/x differ").is_binary);
    }
}
