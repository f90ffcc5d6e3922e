//! Signs in a diff that checks were weakened instead of satisfied: tests and assertions that are gone,
//! tests that are skipped, linters and type checkers that are told to look away, and changes to what
//! says which checks run.
//!
//! Rules see lines, not syntax. They are kept narrow, for a sign that is none costs trust: tests and
//! assertions count in test code alone, what only moved or was written anew counts for nothing
//! (`weigh`), and lines that are all comment are passed over, but by rules for directives, which
//! stand in comments. What stands in a string of several lines is taken for code. A line counts
//! once, whatever it holds of one kind, and its first 4 KiB are looked at.
//!
//! [`TamperRules`] are made once for a run; the patch is looked through as it is written, before
//! credentials are masked in it, so that nothing can be hidden in what looks like one.

mod file;
mod files;
mod gate_files;
mod language;
mod patch;
mod scan;
mod weigh;

mod go;
mod java;
mod javascript;
mod python;
mod rust;

#[cfg(test)]
mod tests;

use codeloops_event::DiffSide;
use globset::GlobMatcher;
use regex_automata::meta::Regex;

pub use gate_files::{GateCommand, GateFiles, gate_files};
pub(crate) use scan::Scan;
pub(crate) use weigh::Found;

/// A pattern of the user's own. At least one of `added` and `removed` is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TamperPattern {
    /// What it is called where it is told of.
    pub name: String,
    /// The files that it looks into: a glob of their paths from the repository's root. `*` stays
    /// within a name; a glob without a `/` is a file's name in any folder.
    pub files: String,
    /// A regular expression of new lines.
    pub added: Option<String>,
    /// A regular expression of lines that are gone.
    pub removed: Option<String>,
}

/// A pattern that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTamperPattern {
    /// Its files.
    #[error("`{glob}` is no glob: {reason}")]
    Glob {
        /// As it was given.
        glob: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Its lines.
    #[error("`{pattern}` is no regular expression: {reason}")]
    Regex {
        /// As it was given.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It has no lines to look for.
    #[error("neither `added` nor `removed` is given")]
    Empty,
}

/// What is looked for in the diffs of a run.
#[derive(Debug)]
pub struct TamperRules {
    patterns: Vec<Pattern>,
    gates: GateFiles,
}

/// A pattern of the user's, ready to be asked.
#[derive(Debug)]
struct Pattern {
    name: String,
    files: GlobMatcher,
    added: Option<Regex>,
    removed: Option<Regex>,
}

impl TamperRules {
    /// The rules that are built in, patterns of the user's, and the files that gates run.
    ///
    /// # Errors
    /// Where a pattern cannot be used.
    pub fn new(patterns: &[TamperPattern], gates: GateFiles) -> Result<Self, BadTamperPattern> {
        let patterns = patterns.iter().map(Pattern::new).collect::<Result<_, _>>()?;
        Ok(Self { patterns, gates })
    }

    fn patterns_for(&self, paths: [&str; 2]) -> Vec<usize> {
        let is_for = |pattern: &Pattern| paths.iter().any(|path| pattern.files.is_match(path));
        let patterns = self.patterns.iter().enumerate();
        patterns.filter(|(_, pattern)| is_for(pattern)).map(|(index, _)| index).collect()
    }
}

impl Pattern {
    fn new(pattern: &TamperPattern) -> Result<Self, BadTamperPattern> {
        let TamperPattern { name, files, added, removed } = pattern;
        if added.is_none() && removed.is_none() {
            return Err(BadTamperPattern::Empty);
        }
        let glob = files::glob(files).map_err(|error| {
            let (glob, reason) = (files.clone(), error.kind().to_string());
            BadTamperPattern::Glob { glob, reason }
        })?;
        let (added, removed) = (added.as_deref().map(lines), removed.as_deref().map(lines));
        let (added, removed) = (added.transpose()?, removed.transpose()?);
        Ok(Self { name: name.clone(), files: glob.compile_matcher(), added, removed })
    }

    fn matches(&self, side: DiffSide, line: &[u8]) -> bool {
        let lines = match side {
            DiffSide::Added => &self.added,
            DiffSide::Removed => &self.removed,
        };
        lines.as_ref().is_some_and(|lines| lines.is_match(line))
    }
}

fn lines(pattern: &str) -> Result<Regex, BadTamperPattern> {
    language::compiled(&[pattern]).map_err(|error| {
        let told = error.syntax_error().map_or_else(|| error.to_string(), ToString::to_string);
        let reason = told.lines().last().unwrap_or_default().trim_start_matches("error: ");
        BadTamperPattern::Regex { pattern: pattern.to_owned(), reason: reason.to_owned() }
    })
}
