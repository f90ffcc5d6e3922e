//! The lines of a diff, and what each of them is.

/// A line of a diff, with its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) kind: Kind,
    pub(super) bytes: &'a [u8],
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `diff --git`: the next file begins.
    File,
    /// More of a file's head, and what belongs to nothing.
    Head,
    /// `@@`: the next hunk begins.
    Hunk,
    /// A line that is there before and after.
    Context,
    Added,
    Removed,
}

/// The lines of a diff. Those of a hunk are counted, so that they are not taken for the head of a
/// file, whatever they say.
pub(super) fn lines(diff: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let (mut old, mut new) = (0, 0);
    diff.split_inclusive(|byte| *byte == b'\n').map(move |bytes| {
        let kind = if old == 0 && new == 0 { outside(bytes) } else { inside(bytes) };
        match kind {
            Kind::Hunk => (old, new) = counts(bytes).unwrap_or_default(),
            Kind::Context => (old, new) = (old.saturating_sub(1), new.saturating_sub(1)),
            Kind::Removed => old = old.saturating_sub(1),
            Kind::Added => new = new.saturating_sub(1),
            // `\ No newline at end of file` belongs to the line before it.
            Kind::Head => {}
            Kind::File => (old, new) = (0, 0),
        }
        Line { kind, bytes }
    })
}

fn outside(line: &[u8]) -> Kind {
    match line {
        _ if line.starts_with(b"diff --git ") => Kind::File,
        _ if line.starts_with(b"@@ -") => Kind::Hunk,
        _ => Kind::Head,
    }
}

fn inside(line: &[u8]) -> Kind {
    match line.first() {
        Some(b'+') => Kind::Added,
        Some(b'-') => Kind::Removed,
        Some(b' ' | b'\n') => Kind::Context,
        // A hunk that is not whole: of a diff that was cut.
        _ => outside(line),
    }
}

/// How many lines of before and after a hunk has: `@@ -1,2 +1 @@`.
fn counts(line: &[u8]) -> Option<(u64, u64)> {
    let line = std::str::from_utf8(line.split(|byte| *byte == b'@').nth(2)?).ok()?;
    let (old, new) = line.trim().split_once(' ')?;
    let count = |range: &str, sign: char| {
        let range = range.strip_prefix(sign)?;
        range.split_once(',').map_or(Some(1), |(_, count)| count.parse().ok())
    };
    Some((count(old, '-')?, count(new, '+')?))
}

/// The names that a file has before and after, as the lines of its head tell them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) old: String,
    pub(super) new: String,
}

impl Names {
    /// Takes a line of the head in.
    pub(super) fn observe(&mut self, line: &Line<'_>) {
        let text = String::from_utf8_lossy(line.bytes);
        let text = text.trim_end_matches(['\n', '\r']);
        if line.kind == Kind::File {
            *self = text.strip_prefix("diff --git ").and_then(of_both).unwrap_or_default();
        } else if let Some(name) = text.strip_prefix("rename from ") {
            name.clone_into(&mut self.old);
        } else if let Some(name) = text.strip_prefix("rename to ") {
            name.clone_into(&mut self.new);
        } else if let Some(name) = text.strip_prefix("--- ").and_then(|name| without(name, "a/")) {
            self.old = name;
        } else if let Some(name) = text.strip_prefix("+++ ").and_then(|name| without(name, "b/")) {
            self.new = name;
        }
    }
}

/// `a/name b/name`, both the same; a renamed file tells its names on lines of their own.
fn of_both(names: &str) -> Option<Names> {
    let (old, new) = (names.get(..names.len() / 2)?, names.get(names.len() / 2 + 1..)?);
    Some(Names { old: without(old, "a/")?, new: without(new, "b/")? })
}

/// A name without the letter before it, in quotes as it is; none for `/dev/null`.
fn without(name: &str, letter: &str) -> Option<String> {
    // Git puts a tab behind a name with blanks.
    let name = name.trim_end_matches('\t');
    match name.strip_prefix('"') {
        Some(quoted) => quoted.strip_prefix(letter).map(|name| format!("\"{name}")),
        None => name.strip_prefix(letter).map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_hunk_holds_is_no_head() {
        let diff =
            b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1 @@ fn\n--- old\n-diff --git a b\n\
            +++ new\n\\ No newline at end of file\ndiff --git a/y b/y\n";
        let kinds: Vec<Kind> = lines(diff).map(|line| line.kind).collect();
        use Kind::{Added, File, Head, Hunk, Removed};
        assert_eq!(kinds, [File, Head, Head, Hunk, Removed, Removed, Added, Head, File]);
    }

    #[test]
    fn the_names_are_those_of_the_head() {
        let of = |head: &str| {
            let mut names = Names::default();
            lines(head.as_bytes()).for_each(|line| names.observe(&line));
            (names.old, names.new)
        };
        let pair = |old: &str, new: &str| (old.to_owned(), new.to_owned());
        assert_eq!(of("diff --git a/x y b/x y\nold mode 100644\n"), pair("x y", "x y"));
        assert_eq!(of("diff --git a/a b/c d\nrename from a\nrename to c d\n"), pair("a", "c d"));
        assert_eq!(of("diff --git \"a/\\303\" \"b/\\303\"\n"), pair("\"\\303\"", "\"\\303\""));
        let new = "diff --git a/x b/x\n--- /dev/null\n+++ b/x\t\n";
        assert_eq!(of(new), pair("x", "x"));
    }
}
