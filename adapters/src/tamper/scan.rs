//! Looks through one patch as it comes, in bounded memory.

use std::sync::Arc;

use codeloops_event::{DiffSide, TamperKind, Tampering};

use super::file::File;
use super::language::{Place, Ready};
use super::patch::{Item, Line, Parser};
use super::weigh::{Class, Found, Mark, Marks, TESTS, identity};
use super::{TamperRules, files};
use crate::redact::Redactor;
use crate::text::{beginning, lossy};

/// Bytes of a line that are looked at: what follows is not code that anybody wrote.
const MAX_LINE: usize = 4096;

/// Bytes of a sign's text.
pub(super) const MAX_TEXT: usize = 200;

/// A look through one patch.
pub(crate) struct Scan {
    /// What came of a line whose end has not.
    held: Vec<u8>,
    parser: Parser,
    look: Look,
}

impl Scan {
    pub(crate) fn new(rules: Arc<TamperRules>, redactor: Option<Arc<Redactor>>) -> Self {
        let (held, parser) = (Vec::new(), Parser::default());
        let look = Look { rules, redactor, marks: Marks::default(), hunks: 0, at: None };
        Self { held, parser, look }
    }

    /// Takes the next piece of the patch.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            if self.held.is_empty() {
                self.line(&rest[..end.min(MAX_LINE)]);
            } else {
                self.hold(&rest[..end]);
                let mut line = std::mem::take(&mut self.held);
                self.line(&line);
                line.clear();
                self.held = line;
            }
            rest = &rest[end + 1..];
        }
        self.hold(rest);
    }

    /// The end of the patch: what it holds.
    pub(crate) fn finish(mut self) -> Found {
        let last = std::mem::take(&mut self.held);
        self.line(&last);
        self.parser.finish(&mut |item| self.look.take(item));
        self.look.end_file();
        self.look.marks.weigh()
    }

    fn hold(&mut self, bytes: &[u8]) {
        let room = MAX_LINE.saturating_sub(self.held.len());
        self.held.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn line(&mut self, line: &[u8]) {
        self.parser.line(line, &mut |item| self.look.take(item));
    }
}

/// Where in the patch the look is, and what it has seen.
struct Look {
    rules: Arc<TamperRules>,
    redactor: Option<Arc<Redactor>>,
    marks: Marks,
    hunks: u32,
    at: Option<Box<At>>,
}

/// In a file.
struct At {
    file: File,
    /// Its number among the files that have marks.
    number: Option<u32>,
    old: Side,
    new: Side,
    /// What its own rules say of the present hunk.
    hunk: Option<Candidate>,
    /// Whether the heading above is one of its rules'; none where none was seen.
    is_below: Option<bool>,
    is_in_key: bool,
}

/// What is known of one side of the file at the present line.
#[derive(Default)]
struct Side {
    /// That a test was marked, and its declaration follows; whether the mark differs.
    marked: Option<bool>,
    /// The test around, where it is among the marks.
    test: Option<u32>,
    is_in_tests: bool,
}

/// The line that stands for a hunk.
struct Candidate {
    rank: u8,
    line: u32,
    side: DiffSide,
    text: String,
}

impl Look {
    fn take(&mut self, item: Item<'_>) {
        match item {
            Item::File(head) => {
                self.end_file();
                let file = File::new(head, &self.rules);
                for sign in file.signs() {
                    self.marks.sure(sign);
                }
                self.at = file.is_looked_into().then(|| Box::new(At::new(file)));
            }
            Item::Hunk { section } => self.begin_hunk(section),
            Item::Line(line) => self.line(line),
        }
    }

    fn end_file(&mut self) {
        self.end_hunk();
        self.at = None;
    }

    fn begin_hunk(&mut self, section: &[u8]) {
        self.end_hunk();
        self.hunks += 1;
        let Some(at) = &mut self.at else { return };
        let language = at.file.language.map(|(_, language)| language);
        let begins = language.is_some_and(|language| language.begins_tests(section));
        let [old, new] = at.file.is_test_path;
        at.old = Side { is_in_tests: old || begins, ..Side::default() };
        at.new = Side { is_in_tests: new || begins, ..Side::default() };
        at.is_below = None;
    }

    fn end_hunk(&mut self) {
        let Some(at) = &mut self.at else { return };
        let (Some(found), Some(kind)) = (at.hunk.take(), at.file.kind()) else { return };
        let file = at.file.path(found.side).to_string();
        let Candidate { line, side, text, .. } = found;
        self.marks.sure(Tampering { kind, file, line: Some(line), side, text });
    }

    fn line(&mut self, line: Line<'_>) {
        let Some(mut at) = self.at.take() else { return };
        let text = line.text.trim_ascii();
        at.is_in_key = is_in_key(text, at.is_in_key);
        if let Some((table, language)) = at.file.language {
            self.code(&mut at, table, language, line);
            at.end_tests(line);
        }
        if let Some(heading) = at.file.heading(text) {
            at.is_below = Some(heading);
        }
        if let Some(side) = line.side {
            self.of_file(&mut at, side, line.number(side), text);
        }
        self.at = Some(at);
    }

    /// What the rules of the file's language say of a line.
    fn code(&mut self, at: &mut At, table: u16, language: &'static Ready, line: Line<'_>) {
        let text = line.text.trim_ascii();
        let is_comment = language.is_comment(text);
        let may_matter = language.may_matter(text);
        if !is_comment {
            self.tests(at, language, line, may_matter);
        }
        let (Some(side), true) = (line.side, may_matter) else { return };
        for (number, rule) in language.rules(text) {
            let is_in_place = match rule.place {
                Place::Tests => !is_comment && at.side(side).is_in_tests,
                Place::Code => !is_comment,
                Place::Comments => true,
            };
            if is_in_place {
                let is_bad = rule.side() == side;
                let class = (table, number);
                let (number, same) = (line.number(side), identity(text));
                self.mark(at, class, rule.kind, is_bad, side, number, same, text);
            }
        }
    }

    /// Keeps account of the tests that a line begins, on each side that it stands on.
    fn tests(&mut self, at: &mut At, language: &Ready, line: Line<'_>, may_matter: bool) {
        let text = line.text.trim_ascii();
        let changed = line.side.is_some();
        let mut declared = [None, None];
        for (side, declared) in [DiffSide::Removed, DiffSide::Added].into_iter().zip(&mut declared)
        {
            if line.side.is_none_or(|only| only == side) {
                *declared = at.side_mut(side).declares(language, text, changed, may_matter);
            }
        }
        let differs = declared.iter().flatten().any(|(_, differs)| *differs);
        for (side, declared) in [DiffSide::Removed, DiffSide::Added].into_iter().zip(declared) {
            let Some((name, _)) = declared else { continue };
            // One that is the same on both sides is not counted: it could stand for another of its name.
            at.side_mut(side).test = None;
            if differs && at.side(side).is_in_tests {
                let is_bad = side == DiffSide::Removed;
                let name = identity(name);
                let kind = TamperKind::TestDeleted;
                let number = line.number(side);
                let test = self.mark(at, TESTS, kind, is_bad, side, number, name, text);
                at.side_mut(side).test = test;
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "all of it is what a mark is")]
    fn mark(
        &mut self,
        at: &mut At,
        class: Class,
        kind: TamperKind,
        is_bad: bool,
        side: DiffSide,
        line: u32,
        identity: u64,
        text: &[u8],
    ) -> Option<u32> {
        let file = match at.number {
            Some(number) => number,
            None => self.marks.file(at.file.marked()),
        };
        at.number = Some(file);
        let text = is_bad.then(|| self.shown(at, text).into_boxed_str());
        let test = at.side(side).test.filter(|_| class != TESTS);
        let hunk = self.hunks;
        self.marks.push(Mark { class, kind, side, identity, hunk, test, file, line, text })
    }

    /// What the rules of the file itself say of a changed line.
    fn of_file(&mut self, at: &mut At, side: DiffSide, number: u32, text: &[u8]) {
        for index in 0..at.file.line_rules.len() {
            let (rule, ready) = at.file.line_rules[index];
            let bad = match &ready.lines {
                files::ReadyLines::Added(line) if line.is_match(text) => DiffSide::Added,
                files::ReadyLines::Removed(line) if line.is_match(text) => DiffSide::Removed,
                _ => continue,
            };
            let (class, is_bad) = ((u16::MAX - 1, rule), bad == side);
            self.mark(at, class, ready.kind, is_bad, side, number, identity(text), text);
        }
        if let Some(rank) = at.file.rank(side, text, at.is_below)
            && at.hunk.as_ref().is_none_or(|found| found.rank < rank)
        {
            let text = self.shown(at, text);
            at.hunk = Some(Candidate { rank, line: number, side, text });
        }
        for index in at.file.patterns_matching(&self.rules, side, text) {
            let text = format!("{}: {}", self.rules.patterns[index].name, self.shown(at, text));
            let text = beginning(&text, MAX_TEXT).to_owned();
            let file = at.file.path(side).to_string();
            let kind = TamperKind::Custom;
            self.marks.sure(Tampering { kind, file, line: Some(number), side, text });
        }
    }

    /// The line as it may be shown: in one line, masked, capped.
    fn shown(&self, at: &At, text: &[u8]) -> String {
        if at.is_in_key {
            return "(a line of a private key)".to_owned();
        }
        let text = lossy(text);
        let masked = match &self.redactor {
            Some(redactor) => redactor.text(&text).0,
            None => text,
        };
        let line = codeloops_event::text::one_line(&masked);
        beginning(line.trim(), MAX_TEXT).to_owned()
    }
}

impl At {
    fn new(file: File) -> Self {
        let (old, new) = (Side::default(), Side::default());
        let (number, hunk, is_below, is_in_key) = (None, None, None, false);
        Self { file, number, old, new, hunk, is_below, is_in_key }
    }

    /// Top-level code has come to its end.
    fn end_tests(&mut self, line: Line<'_>) {
        if !line.text.starts_with(b"}") {
            return;
        }
        let [old, new] = self.file.is_test_path;
        for (side, is_in_tests) in [(DiffSide::Removed, old), (DiffSide::Added, new)] {
            if line.side.is_none_or(|only| only == side) {
                *self.side_mut(side) = Side { is_in_tests, ..Side::default() };
            }
        }
    }

    const fn side(&self, side: DiffSide) -> &Side {
        match side {
            DiffSide::Removed => &self.old,
            DiffSide::Added => &self.new,
        }
    }

    const fn side_mut(&mut self, side: DiffSide) -> &mut Side {
        match side {
            DiffSide::Removed => &mut self.old,
            DiffSide::Added => &mut self.new,
        }
    }
}

impl Side {
    /// The name of the test that a line declares, and whether its mark or the line itself differs.
    fn declares<'a>(
        &mut self,
        language: &Ready,
        line: &'a [u8],
        differs: bool,
        may_matter: bool,
    ) -> Option<(&'a [u8], bool)> {
        self.is_in_tests |= may_matter && language.begins_tests(line);
        match may_matter.then(|| language.marks_test(line)) {
            Some(None) => return language.test_name(line).map(|name| (name, differs)),
            Some(Some(true)) => {
                self.marked = Some(differs || self.marked == Some(true));
                self.is_in_tests = true;
            }
            _ => {}
        }
        let mark_differs = self.marked?;
        let name = language.test_name(line)?;
        self.marked = None;
        Some((name, differs || mark_differs))
    }
}

/// The parts of a private key are masked only where they are seen together.
fn is_in_key(text: &[u8], was_in_key: bool) -> bool {
    let has = |words: &[u8]| memchr::memmem::find(text, words).is_some();
    (was_in_key || (has(b"-----BEGIN ") && has(b"PRIVATE KEY"))) && !has(b"-----END ")
}
