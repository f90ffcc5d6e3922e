//! Reads what a gate printed, and finds the single failures in it.
//!
//! Each tool has its own reader below, and all of them look at the same pass over the lines. Only a
//! line that is a tool's own report counts: a false failure would look like damage done by the agent
//! and block its work, while for one that is not found the caller still has the end of the output.
//! What is read is not trusted: it may be of any length, hold any bytes, and name any path.

use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use codeloops_event::Failure;

mod black;
mod cargo_json;
mod compilers;
mod crash;
mod document;
mod eslint;
mod files;
mod found;
mod go_test;
mod go_test_json;
mod java;
mod jest;
mod junit;
mod libtest;
mod lines;
mod make;
mod mocha;
mod mypy;
mod nextest;
mod node_test;
mod panic;
mod place;
mod prettier;
mod pyright;
mod pytest;
mod report;
mod ruff;
mod rustc;
mod rustfmt;
mod tap;
mod traceback;
mod tsc;
mod unittest;
mod vitest;

use found::Found;
use lines::Lines;

/// What helps to read an output.
#[derive(Debug, Clone, Default)]
pub struct Hints {
    /// Where the gate ran: files below it are named from there on.
    pub working_dir: PathBuf,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnosis {
    /// The failures in the order in which they were told, at most
    /// [`codeloops_event::MAX_FAILURES`].
    pub failures: Vec<Failure>,
    /// How many there are beside them.
    pub more: u64,
}

/// Finds the failures in what a gate printed.
///
/// # Errors
///
/// Where the output cannot be read.
pub fn read(output: &mut dyn BufRead, hints: &Hints) -> io::Result<Diagnosis> {
    let mut found = Found::new(&hints.working_dir);
    let mut readers = Readers::new();
    let mut lines = Lines::new(output);
    while let Some(text) = lines.next()? {
        text.split('\n').for_each(|line| readers.line(line, &mut found));
    }
    readers.end(&mut found);
    Ok(found.into_diagnosis())
}

/// Finds the failures in a report that a test runner wrote as XML, in the form that JUnit made
/// usual. Another file gives none.
///
/// # Errors
///
/// Where the report cannot be read.
pub fn read_report(xml: &mut dyn BufRead, hints: &Hints) -> io::Result<Diagnosis> {
    junit::read(xml, &hints.working_dir)
}

/// Finds the failures of a gate in its log and in the XML reports among its artifacts; a test that
/// both tell of counts once. A file that cannot be read gives none.
#[must_use]
pub fn of_gate(log: &Path, artifacts: &Path, hints: &Hints) -> Diagnosis {
    let printed = files::open(log).and_then(|mut log| read(&mut log, hints));
    let mut diagnosis = printed.unwrap_or_default();
    for path in files::below(artifacts) {
        let report = files::open(&path).and_then(|mut xml| read_report(&mut xml, hints));
        diagnosis = files::merged(diagnosis, report.unwrap_or_default());
    }
    diagnosis
}

/// What a reader says of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claim {
    /// It is not its own.
    None,
    /// It is its own, and nobody else's.
    Line,
    /// It is its own, and so are the next ones until it says otherwise: within the report of one
    /// tool, nothing is the report of another.
    Section,
}

/// Finds the failures of one tool.
trait Reader {
    /// Looks at a line, without its end and without escape sequences.
    fn line(&mut self, line: &str, found: &mut Found<'_>) -> Claim;

    /// The output is over.
    fn end(&mut self, _found: &mut Found<'_>) {}
}

/// All readers, the one with the strictest form first.
struct Readers {
    readers: Vec<Box<dyn Reader>>,
    /// The one whose section is open.
    owner: Option<usize>,
}

impl Readers {
    fn new() -> Self {
        let readers: Vec<Box<dyn Reader>> = vec![
            Box::<libtest::Libtest>::default(),
            Box::<nextest::Nextest>::default(),
            Box::<pytest::Pytest>::default(),
            Box::<unittest::Unittest>::default(),
            Box::<jest::Jest>::default(),
            Box::<vitest::Vitest>::default(),
            Box::<mocha::Mocha>::default(),
            Box::<node_test::NodeTest>::default(),
            Box::<go_test_json::GoTestJson>::default(),
            Box::new(cargo_json::CargoJson),
            Box::<document::Documents>::default(),
            Box::<go_test::GoTest>::default(),
            Box::<tap::Tap>::default(),
            Box::<rustc::Rustc>::default(),
            Box::<ruff::Ruff>::default(),
            Box::new(rustfmt::Rustfmt),
            Box::new(tsc::Tsc),
            Box::<pyright::Pyright>::default(),
            Box::<eslint::Eslint>::default(),
            Box::<prettier::Prettier>::default(),
            Box::new(black::Black),
            Box::<mypy::Mypy>::default(),
            Box::<compilers::Compilers>::default(),
            Box::<java::Java>::default(),
            Box::new(make::Make),
            Box::<crash::Crash>::default(),
        ];
        Self { readers, owner: None }
    }

    fn line(&mut self, line: &str, found: &mut Found<'_>) {
        if let Some(owner) = self.owner {
            match self.readers[owner].line(line, found) {
                Claim::Section => return,
                Claim::Line => return self.owner = None,
                Claim::None => self.owner = None,
            }
            return self.ask_all(line, found, Some(owner));
        }
        self.ask_all(line, found, None);
    }

    fn ask_all(&mut self, line: &str, found: &mut Found<'_>, asked: Option<usize>) {
        for (index, reader) in self.readers.iter_mut().enumerate() {
            if asked == Some(index) {
                continue;
            }
            match reader.line(line, found) {
                Claim::None => {}
                Claim::Line => return,
                Claim::Section => return self.owner = Some(index),
            }
        }
    }

    fn end(&mut self, found: &mut Found<'_>) {
        self.readers.iter_mut().for_each(|reader| reader.end(found));
    }
}
