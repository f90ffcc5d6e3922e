//! rustc, clippy and cargo's own errors, as people read them (recordings: Rust 1.95).

use codeloops_event::{Failure, FailureCategory};

use super::found::{Found, Known, LastResort, failure};
use super::place::Place;
use super::{Claim, Reader};

#[derive(Default)]
pub(super) struct Rustc {
    pending: Option<Pending>,
}

/// An error, the rest of which is still to come.
struct Pending {
    told: Failure,
    /// Whether its place is known: without one, it is no error of a compiler.
    placed: bool,
    /// Lines since its first.
    age: u32,
}

/// A message may be several lines long before the place comes.
const MAX_AGE: u32 = 6;

/// Where the page of a lint of clippy is named.
const LINT_PAGE: &str = "/rust-clippy/";

/// How the messages of rustc's own lints begin. The lint's name stands only below its first message,
/// which may be another in each run.
const LINTS: [(&str, &str); 12] = [
    ("unused variable: ", "unused_variables"),
    ("unused import", "unused_imports"),
    ("variable does not need to be mutable", "unused_mut"),
    ("unused `", "unused_must_use"),
    ("unused return value", "unused_must_use"),
    ("unreachable ", "unreachable_code"),
    ("use of deprecated ", "deprecated"),
    ("missing documentation for ", "missing_docs"),
    ("unresolved link to ", "rustdoc::broken_intra_doc_links"),
    ("unnecessary parentheses", "unused_parens"),
    ("unnecessary qualification", "unused_qualifications"),
    ("unexpected `cfg` condition", "unexpected_cfgs"),
];

/// How the messages of lints end that are about code nobody uses.
const DEAD_CODE: [&str; 4] =
    [" is never used", " are never used", " is never read", " is never constructed"];

impl Reader for Rustc {
    fn line(&mut self, line: &str, found: &mut Found<'_>) -> Claim {
        if let Some((code, message)) = header(line) {
            self.tell(found);
            return self.begin(code, message, found);
        }
        let Some(pending) = &mut self.pending else { return Claim::None };
        pending.age += 1;
        if line.is_empty() || line.starts_with("warning") {
            self.tell(found);
        } else if pending.placed {
            note_lint(&mut pending.told, line);
        } else if let Some(place) = arrow(line) {
            pending.told = std::mem::replace(&mut pending.told, blank()).at(&place);
            pending.placed = true;
            return Claim::Line;
        } else if pending.age > MAX_AGE {
            self.pending = None;
        }
        Claim::None
    }

    fn end(&mut self, found: &mut Found<'_>) {
        self.tell(found);
    }
}

impl Rustc {
    fn begin(&mut self, code: Option<&str>, message: &str, found: &mut Found<'_>) -> Claim {
        if is_last_word(message) {
            let told = failure(FailureCategory::Build, message);
            found.add_last_resort(LastResort::Summary, told);
            return Claim::Line;
        }
        let told = match (code, lint(message)) {
            (Some(code), _) => failure(FailureCategory::Build, message).called(code),
            (None, Some(lint)) => failure(FailureCategory::Lint, message).called(lint),
            (None, None) => failure(FailureCategory::Build, message),
        };
        self.pending = Some(Pending { told, placed: false, age: 0 });
        Claim::None
    }

    fn tell(&mut self, found: &mut Found<'_>) {
        if let Some(pending) = self.pending.take()
            && pending.placed
        {
            found.add(pending.told);
        }
    }
}

fn blank() -> Failure {
    failure(FailureCategory::Build, "")
}

/// `error[E0308]: message` or `error: message`.
fn header(line: &str) -> Option<(Option<&str>, &str)> {
    let rest = line.strip_prefix("error")?;
    if let Some(message) = rest.strip_prefix(": ") {
        return Some((None, message));
    }
    let (code, message) = rest.strip_prefix('[')?.split_once("]: ")?;
    let is_code = code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':');
    is_code.then_some((Some(code), message))
}

/// `  --> src/lib.rs:1:2`
pub(super) fn arrow(line: &str) -> Option<Place<'_>> {
    Place::whole(line.trim_start().strip_prefix("--> ")?).filter(|place| place.column.is_some())
}

/// What cargo says at the end of what went wrong, or instead of beginning.
fn is_last_word(message: &str) -> bool {
    [
        "could not compile `",
        "linking with `",
        "failed to parse manifest at `",
        "failed to select a version for ",
        "no matching package ",
        "failed to run custom build command for `",
        "failed to load manifest for ",
        "the lock file ",
    ]
    .iter()
    .any(|beginning| message.starts_with(beginning))
}

fn lint(message: &str) -> Option<&'static str> {
    if DEAD_CODE.iter().any(|end| message.ends_with(end)) {
        return Some("dead_code");
    }
    LINTS.iter().find(|(start, _)| message.starts_with(start)).map(|(_, lint)| *lint)
}

/// Takes the name of a lint of clippy out of the link to its page, which stands below each message.
fn note_lint(told: &mut Failure, line: &str) {
    let Some((_, page)) = line.split_once(LINT_PAGE) else { return };
    let Some((_, lint)) = page.split_once("index.html#") else { return };
    let lint = lint.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next();
    told.category = FailureCategory::Lint;
    told.code = lint.map(|lint| format!("clippy::{lint}"));
}
