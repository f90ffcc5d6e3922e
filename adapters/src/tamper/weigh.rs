//! Weighs what was found on either side of a diff: what only moved is no sign.
//!
//! A line that is bad on one side of the diff (a removed assertion, an added `noqa`) is made up for
//! by one on the other. First by the same line, or a test of the same name, anywhere in the diff: it
//! moved. Then, of what is left, by any line of the same rule in the same hunk, or in the test of
//! the same name: it was written anew. What nothing makes up for is a sign.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use codeloops_event::{DiffSide, TamperKind, Tampering};

/// Bad lines whose text is kept. Beyond it they are counted, and no diff that anybody reads has as many.
const MAX_BAD: usize = 10_000;

/// Lines that may make up for them.
const MAX_GOOD: usize = 200_000;

/// Which rule, of which table.
pub(super) type Class = (u16, u16);

/// The table of the class that every declared test has.
pub(super) const TESTS: Class = (u16::MAX, 0);

/// A line that a rule knows.
pub(super) struct Mark {
    pub(super) class: Class,
    pub(super) kind: TamperKind,
    pub(super) side: DiffSide,
    /// What makes it the same elsewhere: see [`identity`].
    pub(super) identity: u64,
    pub(super) hunk: u32,
    /// The test it stands in, where that one is among the marks.
    pub(super) test: Option<u32>,
    pub(super) file: u32,
    pub(super) line: u32,
    /// Only of a bad one.
    pub(super) text: Option<Box<str>>,
}

/// A file that has marks.
pub(super) struct MarkedFile {
    pub(super) path: Rc<str>,
    pub(super) is_deleted: bool,
    pub(super) is_all_tests: bool,
}

/// What a diff holds, before it is weighed.
#[derive(Default)]
pub(super) struct Marks {
    marks: Vec<Mark>,
    files: Vec<MarkedFile>,
    bad: usize,
    /// Signs that nothing makes up for, with the number of marks before each.
    sure: Vec<(usize, Tampering)>,
    /// What no memory was spent on.
    uncounted: u64,
}

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// The signs, in the diff's order; at most [`codeloops_event::MAX_TAMPERING`].
    pub(crate) signs: Vec<Tampering>,
    /// How many more there are.
    pub(crate) more: u64,
}

/// What became of a declared test.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// One of its name is on the other side.
    Moved,
    /// One of another name is in its place, or it is new.
    Other,
    Deleted,
}

/// Within what one line may stand for another.
#[derive(PartialEq, Eq, Hash)]
enum Group {
    Hunk(u32),
    Test(u64),
}

/// A number for a name or a line; the space in it makes no difference.
pub(super) fn identity(text: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.iter().filter(|byte| !byte.is_ascii_whitespace()).for_each(|byte| byte.hash(&mut hasher));
    hasher.finish()
}

impl Marks {
    pub(super) fn file(&mut self, file: MarkedFile) -> u32 {
        self.files.push(file);
        (self.files.len() - 1) as u32
    }

    /// Takes note of a line; gives its number.
    pub(super) fn push(&mut self, mark: Mark) -> Option<u32> {
        let is_bad = mark.text.is_some();
        let good = self.marks.len() - self.bad;
        let is_full = if is_bad { self.bad >= MAX_BAD } else { good >= MAX_GOOD };
        if is_full {
            self.uncounted += u64::from(is_bad);
            return None;
        }
        self.bad += usize::from(is_bad);
        self.marks.push(mark);
        Some((self.marks.len() - 1) as u32)
    }

    /// Takes note of a sign that nothing makes up for.
    pub(super) fn sure(&mut self, sign: Tampering) {
        if self.sure.len() < MAX_BAD {
            self.sure.push((self.marks.len(), sign));
        } else {
            self.uncounted += 1;
        }
    }

    /// The signs.
    pub(super) fn weigh(self) -> Found {
        let mut is_left: Vec<bool> = self.marks.iter().map(|_| true).collect();
        let fates = self.fates(&mut is_left);
        let is_in_deleted =
            |mark: &Mark| mark.test.is_some_and(|test| fates.get(&test) == Some(&Fate::Deleted));
        let is_assertion = |mark: &Mark| mark.kind == TamperKind::AssertionRemoved;
        for (at, mark) in self.marks.iter().enumerate() {
            is_left[at] &= !(is_assertion(mark) && is_in_deleted(mark));
        }
        self.cancel(&mut is_left, |mark| {
            (mark.class != TESTS).then_some((mark.class, mark.identity))
        });
        self.cancel(&mut is_left, |mark| {
            let moved = |test| fates.get(&test) == Some(&Fate::Moved);
            let group = match mark.test.filter(|test| moved(*test)) {
                Some(test) => Group::Test(self.marks[test as usize].identity),
                None => Group::Hunk(mark.hunk),
            };
            (mark.class != TESTS).then_some((mark.class, group))
        });
        self.told(&is_left)
    }

    /// What became of each test.
    fn fates(&self, is_left: &mut [bool]) -> HashMap<u32, Fate> {
        let tests = || self.marks.iter().enumerate().filter(|(_, mark)| mark.class == TESTS);
        let is_test = |mark: &Mark| mark.class == TESTS;
        self.cancel(is_left, |mark| is_test(mark).then_some(mark.identity));
        let mut fates: HashMap<u32, Fate> = tests()
            .filter(|(at, _)| !is_left[*at])
            .map(|(at, _)| (at as u32, Fate::Moved))
            .collect();
        self.cancel(is_left, |mark| is_test(mark).then_some(mark.hunk));
        for (at, mark) in tests() {
            let is_deleted = is_left[at] && mark.text.is_some();
            let fate = if is_deleted { Fate::Deleted } else { Fate::Other };
            fates.entry(at as u32).or_insert(fate);
        }
        fates
    }

    /// Takes away pairs of a bad mark and a good one that have the same key.
    fn cancel<K: Hash + Eq>(&self, is_left: &mut [bool], key: impl Fn(&Mark) -> Option<K>) {
        let mut good: HashMap<K, Vec<usize>> = HashMap::new();
        for (at, mark) in self.marks.iter().enumerate() {
            if is_left[at]
                && mark.text.is_none()
                && let Some(key) = key(mark)
            {
                good.entry(key).or_default().push(at);
            }
        }
        for (at, mark) in self.marks.iter().enumerate() {
            if is_left[at]
                && mark.text.is_some()
                && let Some(other) = key(mark).and_then(|key| good.get_mut(&key)?.pop())
            {
                (is_left[at], is_left[other]) = (false, false);
            }
        }
    }

    /// Puts in words what is left.
    fn told(self, is_left: &[bool]) -> Found {
        let whole = self.wholly_deleted(is_left);
        let mut told_of = HashSet::new();
        let mut signs: Vec<(usize, Tampering)> = Vec::new();
        let mut all = 0;
        for (at, mark) in self.marks.into_iter().enumerate().filter(|(at, _)| is_left[*at]) {
            let Some(text) = mark.text else { continue };
            let file = self.files[mark.file as usize].path.to_string();
            let deleted = whole.get(&mark.file).filter(|_| is_of_tests(mark.kind));
            let (kind, line, text) = match deleted {
                Some(lost) => (TamperKind::TestDeleted, None, lost.clone()),
                None => (mark.kind, Some(mark.line), text.into_string()),
            };
            if told_of.insert((mark.file, kind, mark.side, line)) {
                all += 1;
                signs.push((2 * at + 1, Tampering { kind, file, line, side: mark.side, text }));
            }
        }
        all += self.sure.len();
        // One that was found before a mark stands before it.
        signs.extend(self.sure.into_iter().map(|(before, sign)| (2 * before, sign)));
        signs.sort_by_key(|(place, _)| *place);
        signs.truncate(codeloops_event::MAX_TAMPERING);
        let more = (all - signs.len()) as u64 + self.uncounted;
        Found { signs: signs.into_iter().map(|(_, sign)| sign).collect(), more }
    }

    /// The deleted files of which no test is left anywhere, with what was in them.
    fn wholly_deleted(&self, is_left: &[bool]) -> HashMap<u32, String> {
        let mut lost: HashMap<u32, (usize, usize, usize)> = HashMap::new();
        for (mark, is_left) in self.marks.iter().zip(is_left) {
            if mark.text.is_some() && self.files[mark.file as usize].is_deleted {
                let (tests, kept, assertions) = lost.entry(mark.file).or_default();
                match (mark.class == TESTS, is_left) {
                    (true, true) => *tests += 1,
                    (true, false) => *kept += 1,
                    (false, true) => *assertions += usize::from(is_of_tests(mark.kind)),
                    (false, false) => {}
                }
            }
        }
        let is_whole = |file: u32, (tests, kept, assertions): (usize, usize, usize)| {
            let is_all_tests = self.files[file as usize].is_all_tests;
            kept == 0 && (tests > 0 || (is_all_tests && assertions > 0))
        };
        let lost = lost.into_iter().filter(|(file, counts)| is_whole(*file, *counts));
        lost.map(|(file, (tests, _, assertions))| (file, words_of_loss(tests, assertions)))
            .collect()
    }
}

const fn is_of_tests(kind: TamperKind) -> bool {
    matches!(kind, TamperKind::TestDeleted | TamperKind::AssertionRemoved)
}

fn words_of_loss(tests: usize, assertions: usize) -> String {
    match (tests, assertions) {
        (0, 1) => "file deleted, with 1 assertion".to_owned(),
        (0, n) => format!("file deleted, with {n} assertions"),
        (1, _) => "file deleted, with 1 test".to_owned(),
        (n, _) => format!("file deleted, with {n} tests"),
    }
}
