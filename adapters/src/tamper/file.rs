//! One file of a patch: which rules look into it, and what is told of it as a whole.

use std::rc::Rc;
use std::sync::LazyLock;

use codeloops_event::{DiffSide, TamperKind, Tampering};
use regex_automata::meta::Regex;

use super::TamperRules;
use super::files::{self, ReadyLines};
use super::gate_files::GateLines;
use super::language::{self, Ready, name_of, regex};
use super::patch::Head;
use super::weigh::MarkedFile;
use crate::text::{beginning, lossy};

/// Folders of what others wrote: their suppressions and tests are theirs.
const FOREIGN: [&str; 3] = ["node_modules", "vendor", "third_party"];

/// Files that say by their names that they are tests, in languages without rules of their own.
static OTHER_TESTS: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?:^test_\w+|_test|_spec|[.]test|[.]spec|\w(?:Test|Tests|Spec))\.(?:rb|php|cs|kt|kts|swift|scala|exs?|c|cc|cpp|groovy|dart|clj|hs|lua|ml|bats|sh)$",
    )
});

static LOOSEN: LazyLock<Regex> = LazyLock::new(|| regex(files::LOOSENS));

/// What of a build file is about checks. Dependencies come and go.
static OF_CHECKS: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)\b(?:\w*skip\w*|exclude\w*|ignore\w*|test|tests|check|verify|\w*surefire\w*|\w*failsafe\w*|execution|goal|phase|tasks?|exec)\b",
    )
});

static OF_DEPENDENCIES: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"<(?:scope|artifactId|groupId|version)>|^(?:test)?(?:i|I)mplementation\b")
});

/// A file of a patch.
pub(super) struct File {
    head: Head,
    old: Rc<str>,
    new: Rc<str>,
    pub(super) language: Option<(u16, &'static Ready)>,
    /// Before and after.
    pub(super) is_test_path: [bool; 2],
    pub(super) line_rules: Vec<(u16, &'static files::Ready)>,
    whole: Option<Whole>,
    /// The user's own patterns that look into it.
    patterns: Vec<usize>,
}

/// What is told of a file by hunks.
struct Whole {
    kind: TamperKind,
    lines: Lines,
}

enum Lines {
    Of(&'static files::Ready),
    OfGate(GateLines),
}

impl File {
    pub(super) fn new(head: Head, rules: &TamperRules) -> Self {
        let (old, new) = (Rc::from(&*lossy(&head.old)), Rc::from(&*lossy(&head.new)));
        let paths: [&str; 2] = [&old, &new];
        let is_foreign = paths[1].split('/').any(|folder| FOREIGN.contains(&folder));
        let language = paths.into_iter().rev().find_map(language::of_path);
        let language = language.filter(|_| !is_foreign);
        let is_test_path =
            paths.map(|path| language.is_some_and(|(_, ready)| ready.is_test_path(path)));
        let mut of_files: Vec<_> = paths.into_iter().flat_map(files::of_path).collect();
        of_files.sort_by_key(|(number, _)| *number);
        of_files.dedup_by_key(|(number, _)| *number);
        of_files.retain(|(_, rule)| !is_foreign || rule.kind == TamperKind::ConfigChanged);
        let (line_rules, of_wholes) = of_files.into_iter().partition(|(_, rule)| {
            matches!(rule.lines, ReadyLines::Added(_) | ReadyLines::Removed(_))
        });
        let whole = Whole::first(of_wholes, rules, paths);
        let patterns = rules.patterns_for(paths);
        Self { head, old, new, language, is_test_path, line_rules, whole, patterns }
    }

    pub(super) const fn is_looked_into(&self) -> bool {
        self.language.is_some()
            || self.whole.is_some()
            || !self.line_rules.is_empty()
            || !self.patterns.is_empty()
    }

    pub(super) const fn path(&self, side: DiffSide) -> &Rc<str> {
        match side {
            DiffSide::Removed => &self.old,
            DiffSide::Added => &self.new,
        }
    }

    pub(super) fn kind(&self) -> Option<TamperKind> {
        self.whole.as_ref().map(|whole| whole.kind)
    }

    pub(super) fn marked(&self) -> MarkedFile {
        let path = Rc::clone(if self.head.is_deleted { &self.old } else { &self.new });
        let is_deleted = self.head.is_deleted;
        MarkedFile { path, is_deleted, is_all_tests: self.is_test_path[0] }
    }

    /// What is a sign whatever the lines are.
    pub(super) fn signs(&self) -> impl Iterator<Item = Tampering> {
        let of_tests = self.lost_tests().map(|text| (TamperKind::TestDeleted, text));
        let of_whole = self.kind().zip(self.what_happened());
        of_tests.into_iter().chain(of_whole).map(|(kind, text)| {
            let is_gone = self.head.is_deleted || kind == TamperKind::TestDeleted;
            let side = if is_gone { DiffSide::Removed } else { DiffSide::Added };
            let text = beginning(&text, super::scan::MAX_TEXT).to_owned();
            Tampering { kind, file: self.path(side).to_string(), line: None, side, text }
        })
    }

    /// What happened to a file that a rule watches.
    fn what_happened(&self) -> Option<String> {
        let whole = self.whole.as_ref()?;
        let shown = codeloops_event::text::escaped;
        if self.head.is_deleted {
            return Some("file deleted".to_owned());
        }
        if self.head.is_new {
            return whole.is_told_when_new().then(|| "file added".to_owned());
        }
        if self.head.is_renamed() {
            return Some(format!("renamed from {} to {}", shown(&self.old), shown(&self.new)));
        }
        if let Some((old, new)) = &self.head.modes {
            return Some(format!("mode changed from {} to {}", shown(old), shown(new)));
        }
        self.head.is_binary.then(|| "binary file changed".to_owned())
    }

    /// A test file that no runner finds any more, or one of a language without rules that is gone.
    fn lost_tests(&self) -> Option<String> {
        let is_other = language::of_path(&self.old).is_none();
        if self.head.is_deleted {
            let is_test = is_other && OTHER_TESTS.is_match(name_of(&self.old));
            return is_test.then(|| "file deleted".to_owned());
        }
        let (_, language) = language::of_path(&self.old).filter(|_| self.head.is_renamed())?;
        let is_found =
            language::of_path(&self.new).is_some_and(|(_, new)| new.is_test_path(&self.new));
        let new = codeloops_event::text::escaped(&self.new);
        (language.has_test_name(&self.old) && !is_found)
            .then(|| format!("renamed to {new}, which is no test file"))
    }

    /// Whether a line is a heading, and if so one of the rules'.
    pub(super) fn heading(&self, line: &[u8]) -> Option<bool> {
        let Lines::Of(rule) = &self.whole.as_ref()?.lines else { return None };
        let ReadyLines::Below { heading, .. } = &rule.lines else { return None };
        line.starts_with(b"[").then(|| heading.is_match(line))
    }

    /// How well a changed line stands for its hunk; none where it is no sign.
    pub(super) fn rank(&self, side: DiffSide, line: &[u8], is_below: Option<bool>) -> Option<u8> {
        let whole = self.whole.as_ref()?;
        let is_told_whole = self.head.is_deleted || (self.head.is_new && whole.is_told_when_new());
        if is_told_whole || line.is_empty() || is_comment(line) {
            return None;
        }
        let loosens = side == DiffSide::Added && LOOSEN.is_match(line);
        let is_sign = if self.head.is_new { loosens } else { whole.has(line, is_below) };
        is_sign.then_some(1 + u8::from(side == DiffSide::Added) + u8::from(loosens))
    }

    /// The user's own patterns that a changed line matches.
    pub(super) fn patterns_matching(
        &self,
        rules: &TamperRules,
        side: DiffSide,
        line: &[u8],
    ) -> Vec<usize> {
        let matches = |index: &&usize| rules.patterns[**index].matches(side, line);
        self.patterns.iter().filter(matches).copied().collect()
    }
}

impl Whole {
    /// The first that there is, by its weight: what a gate runs counts more than what it is.
    fn first(
        of_files: Vec<(u16, &'static files::Ready)>,
        rules: &TamperRules,
        paths: [&str; 2],
    ) -> Option<Self> {
        let of_file = of_files.first().map(|(_, rule)| *rule);
        let gate = paths.into_iter().find_map(|path| rules.gates.lines_of(path));
        match (of_file, gate) {
            (Some(rule), _) if rule.kind == TamperKind::ConfigChanged => Some(Self::of(rule)),
            (_, Some(lines)) => {
                Some(Self { kind: TamperKind::GateChanged, lines: Lines::OfGate(lines) })
            }
            (rule, None) => rule.map(Self::of),
        }
    }

    const fn of(rule: &'static files::Ready) -> Self {
        Self { kind: rule.kind, lines: Lines::Of(rule) }
    }

    /// Whether the file is a sign by being there. One of a linter is part of many a new project.
    const fn is_told_when_new(&self) -> bool {
        match &self.lines {
            Lines::Of(rule) => matches!(rule.lines, ReadyLines::Always),
            Lines::OfGate(lines) => matches!(lines, GateLines::All),
        }
    }

    fn has(&self, line: &[u8], is_below: Option<bool>) -> bool {
        match &self.lines {
            Lines::Of(rule) => match &rule.lines {
                ReadyLines::Below { or, .. } => is_below.unwrap_or_else(|| or.is_match(line)),
                _ => true,
            },
            Lines::OfGate(GateLines::All) => true,
            Lines::OfGate(GateLines::Scripts(names)) => {
                key_of(line).is_some_and(|key| names.contains(key) || key == "scripts")
            }
            Lines::OfGate(GateLines::Checks) => {
                OF_CHECKS.is_match(line) && !OF_DEPENDENCIES.is_match(line)
            }
        }
    }
}

/// The key of a line of JSON: `"test": "jest"`.
fn key_of(line: &[u8]) -> Option<&str> {
    let (key, rest) = str::from_utf8(line).ok()?.strip_prefix('"')?.split_once('"')?;
    rest.trim_start().starts_with(':').then_some(key)
}

/// A line that is all comment, in any of these files.
fn is_comment(line: &[u8]) -> bool {
    match line {
        [b'#', b'!' | b'[', ..] => false,
        [b'#' | b';', ..] | [b'/', b'/', ..] => true,
        _ => line.starts_with(b"<!--"),
    }
}
