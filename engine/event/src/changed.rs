//! What a name in a list of changes means: a file of the tree, or something that git keeps.

use std::fmt;

/// One thing that differs after a critic. A list names it by its path from the repository's root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed<'a> {
    /// A file of the tree.
    File(&'a str),
    /// A branch.
    Branch(&'a str),
    /// A tag.
    Tag(&'a str),
    /// The stash.
    Stash,
    /// Another file of git's own, by its path.
    OfGit(&'a str),
}

impl<'a> Changed<'a> {
    /// What has this name.
    #[must_use]
    pub fn named(name: &'a str) -> Self {
        let Some(of_git) = name.strip_prefix(".git/") else { return Self::File(name) };
        if let Some(branch) = of_git.strip_prefix("refs/heads/") {
            return Self::Branch(branch);
        }
        if let Some(tag) = of_git.strip_prefix("refs/tags/") {
            return Self::Tag(tag);
        }
        if of_git == "refs/stash" { Self::Stash } else { Self::OfGit(name) }
    }

    /// Whether it belongs to the tree, so that it can be ignored.
    #[must_use]
    pub const fn is_file(self) -> bool {
        matches!(self, Self::File(_))
    }
}

/// In words; whoever shows them makes them harmless.
impl fmt::Display for Changed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) | Self::OfGit(path) => f.write_str(path),
            Self::Branch(name) => write!(f, "branch `{name}`"),
            Self::Tag(name) => write!(f, "tag `{name}`"),
            Self::Stash => f.write_str("the stash"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, is_file: bool, words: &str) {
        let changed = Changed::named(name);
        assert_eq!((changed.is_file(), changed.to_string().as_str()), (is_file, words));
    }

    #[test]
    fn refs_are_told_in_words_and_everything_else_by_its_path() {
        check("src/main.rs", true, "src/main.rs");
        check("sub/.git/refs/heads/x", true, "sub/.git/refs/heads/x");
        check(".gitignore", true, ".gitignore");
        check(".git/refs/heads/me/feature", false, "branch `me/feature`");
        check(".git/refs/tags/v1", false, "tag `v1`");
        check(".git/refs/stash", false, "the stash");
        check(".git/refs/notes/commits", false, ".git/refs/notes/commits");
        check(".git/hooks/pre-commit", false, ".git/hooks/pre-commit");
    }
}
