//! What a language's rules are made of, and how they are asked. The tables stand in a file per language.

use std::sync::LazyLock;

use codeloops_event::{DiffSide, TamperKind};
use regex_automata::meta::{self, Regex};
use regex_automata::util::syntax;

use super::{go, java, javascript, python, rust};

/// How tests look in a language, and what weakens them. Patterns are regular expressions that see one
/// line at a time, without the space around it.
pub(super) struct Language {
    pub(super) extensions: &'static [&'static str],
    /// The pattern of a file's name that says by itself that tests are in it.
    pub(super) test_names: &'static str,
    /// Folders below which all is test code.
    pub(super) test_folders: &'static [&'static str],
    /// What a line begins with that is all comment.
    pub(super) comments: &'static [&'static str],
    pub(super) test: TestForm,
    /// What test code begins with in a file that is not all test code; it ends with a `}` at the
    /// beginning of a line.
    pub(super) tests_begin: Option<&'static str>,
    pub(super) rules: &'static [Rule],
}

/// How a test is declared. The first group of `name` is its name.
pub(super) enum TestForm {
    /// By its name.
    Named { name: &'static str },
    /// By an attribute before it.
    Marked { mark: &'static str, name: &'static str },
}

/// Lines of one kind. What is lost on one side and found on the other is no sign: see [`super::weigh`].
pub(super) struct Rule {
    pub(super) kind: TamperKind,
    pub(super) place: Place,
    /// Any of these.
    pub(super) patterns: &'static [&'static str],
    /// But not with this: an assertion that always holds is none.
    pub(super) unless: Option<&'static str>,
}

/// Where a rule looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In test code, comments aside.
    Tests,
    /// In all code, comments aside.
    Code,
    /// In comments as well.
    Comments,
}

impl Rule {
    /// On which side of the diff such a line is a sign.
    pub(super) const fn side(&self) -> DiffSide {
        match self.kind {
            TamperKind::TestDeleted | TamperKind::AssertionRemoved => DiffSide::Removed,
            _ => DiffSide::Added,
        }
    }
}

/// A language ready to be asked.
pub(super) struct Ready {
    pub(super) language: &'static Language,
    test_names: Regex,
    mark: Option<Regex>,
    name: Regex,
    tests_begin: Option<Regex>,
    rules: Vec<(Regex, Option<Regex>)>,
    /// All that begins anything: most lines match nothing, and one search says so.
    any: Regex,
}

/// Each is made ready when its first file is met.
static LANGUAGES: [LazyLock<Ready>; 5] = [
    LazyLock::new(|| Ready::new(&rust::LANGUAGE)),
    LazyLock::new(|| Ready::new(&python::LANGUAGE)),
    LazyLock::new(|| Ready::new(&javascript::LANGUAGE)),
    LazyLock::new(|| Ready::new(&go::LANGUAGE)),
    LazyLock::new(|| Ready::new(&java::LANGUAGE)),
];

const TABLES: [&Language; 5] =
    [&rust::LANGUAGE, &python::LANGUAGE, &javascript::LANGUAGE, &go::LANGUAGE, &java::LANGUAGE];

/// The number of a file's language, and the language.
pub(super) fn of_path(path: &str) -> Option<(u16, &'static Ready)> {
    let (_, extension) = name_of(path).rsplit_once('.')?;
    let at = TABLES.iter().position(|table| table.extensions.contains(&extension))?;
    Some((at as u16, &LANGUAGES[at]))
}

pub(super) fn name_of(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

impl Ready {
    fn new(language: &'static Language) -> Self {
        let (mark, name) = match language.test {
            TestForm::Named { name } => (None, name),
            TestForm::Marked { mark, name } => (Some(mark), name),
        };
        let begins = [mark.unwrap_or(name)].into_iter().chain(language.tests_begin);
        let patterns = language.rules.iter().flat_map(|rule| rule.patterns).copied();
        let rule = |rule: &Rule| (any_of(rule.patterns), rule.unless.map(regex));
        Self {
            language,
            test_names: regex(language.test_names),
            mark: mark.map(regex),
            name: regex(name),
            tests_begin: language.tests_begin.map(regex),
            rules: language.rules.iter().map(rule).collect(),
            any: any_of(&begins.chain(patterns).collect::<Vec<_>>()),
        }
    }

    pub(super) fn has_test_name(&self, path: &str) -> bool {
        self.test_names.is_match(name_of(path))
    }

    /// Whether all of a file is test code.
    pub(super) fn is_test_path(&self, path: &str) -> bool {
        let folders = path.split('/').rev().skip(1);
        self.has_test_name(path)
            || folders.into_iter().any(|folder| self.language.test_folders.contains(&folder))
    }

    pub(super) fn is_comment(&self, line: &[u8]) -> bool {
        self.language.comments.iter().any(|begin| line.starts_with(begin.as_bytes()))
    }

    /// Whether any rule may have to do with a line.
    pub(super) fn may_matter(&self, line: &[u8]) -> bool {
        self.any.is_match(line)
    }

    /// Whether a line marks what follows as a test; none in a language without marks.
    pub(super) fn marks_test(&self, line: &[u8]) -> Option<bool> {
        self.mark.as_ref().map(|mark| mark.is_match(line))
    }

    pub(super) fn begins_tests(&self, line: &[u8]) -> bool {
        self.tests_begin.as_ref().is_some_and(|begin| begin.is_match(line))
    }

    /// The name of the test, or what may be one, that a line declares.
    pub(super) fn test_name<'a>(&self, line: &'a [u8]) -> Option<&'a [u8]> {
        let mut groups = self.name.create_captures();
        self.name.captures(line, &mut groups);
        groups.get_group(1).map(|group| &line[group.range()])
    }

    /// The rules that a line falls under, with their numbers.
    pub(super) fn rules<'a>(
        &'a self,
        line: &'a [u8],
    ) -> impl Iterator<Item = (u16, &'static Rule)> + 'a {
        let matches = move |(pattern, unless): &(Regex, Option<Regex>)| {
            pattern.is_match(line) && !unless.as_ref().is_some_and(|unless| unless.is_match(line))
        };
        let rules = self.language.rules.iter().zip(&self.rules).enumerate();
        rules.filter(move |(_, (_, regex))| matches(regex)).map(|(at, (rule, _))| (at as u16, rule))
    }
}

/// A pattern of these tables.
pub(super) fn regex(pattern: &str) -> Regex {
    any_of(&[pattern])
}

fn any_of(patterns: &[&str]) -> Regex {
    compiled(patterns).expect("the tables hold patterns that a test has built")
}

/// Patterns that see bytes: what lies in a repository may be no text.
pub(super) fn compiled(patterns: &[&str]) -> Result<Regex, Box<meta::BuildError>> {
    let syntax = syntax::Config::new().unicode(false).utf8(false);
    let config = meta::Config::new().utf8_empty(false);
    Regex::builder().syntax(syntax).configure(config).build_many(patterns).map_err(Box::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_one_and_no_two_languages_share_an_extension() {
        let mut seen: Vec<&str> = Vec::new();
        for language in &LANGUAGES {
            assert!(!language.may_matter(b""));
            seen.extend(language.language.extensions);
        }
        let all = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), all);
    }
}
