//! Panics of Rust programs, wherever they are printed.

use super::place::Place;

/// Reads panics line by line.
#[derive(Debug, Default)]
pub(super) struct Panics {
    /// The thread whose first panic counts; without one, the last panic of any does.
    own: String,
    /// The line before told of a panic, and the message comes now.
    expects_message: bool,
    last: Option<Panic>,
}

#[derive(Debug, Default, Clone)]
pub(super) struct Panic {
    pub(super) thread: String,
    place: String,
    pub(super) message: String,
}

impl Panic {
    pub(super) fn place(&self) -> Option<Place<'_>> {
        Place::whole(&self.place).filter(|place| !place.is_foreign() && place.line.is_some())
    }
}

impl Panics {
    /// Those of a test: its thread is called as it is. A panic of another thread may be caught.
    pub(super) fn of(own: &str) -> Self {
        Self { own: own.to_owned(), ..Self::default() }
    }

    /// Takes a line in; whether a panic begins with it.
    pub(super) fn line(&mut self, line: &str) -> bool {
        let line = line.trim_start();
        if let Some(panic) = beginning_of(line) {
            let is_told = |last: &Panic| !self.own.is_empty() && last.thread == self.own;
            if !self.last.as_ref().is_some_and(is_told) {
                self.expects_message = panic.message.is_empty();
                self.last = Some(panic);
            }
            return true;
        }
        if std::mem::take(&mut self.expects_message)
            && let Some(panic) = &mut self.last
        {
            panic.message = crate::text::beginning(line, 4096).to_owned();
        }
        false
    }

    pub(super) const fn last(&self) -> Option<&Panic> {
        self.last.as_ref()
    }

    pub(super) fn take(&mut self) -> Option<Panic> {
        self.expects_message = false;
        self.last.take()
    }
}

/// `thread 'a' (12) panicked at src/lib.rs:1:2:`, and before Rust 1.73
/// `thread 'a' panicked at 'message', src/lib.rs:1:2`.
fn beginning_of(line: &str) -> Option<Panic> {
    let (thread, rest) = line.strip_prefix("thread '")?.split_once('\'')?;
    let (between, at) = rest.split_once(" panicked at ")?;
    let is_number = |text: &str| {
        let inner = text.trim().strip_prefix('(').and_then(|text| text.strip_suffix(')'));
        text.is_empty() || inner.is_some_and(|id| id.bytes().all(|b| b.is_ascii_digit()))
    };
    if !is_number(between) {
        return None;
    }
    let (message, place) = match at.strip_prefix('\'').and_then(|at| at.rsplit_once("', ")) {
        Some((message, place)) => (message, place),
        None => ("", at.strip_suffix(':')?),
    };
    Place::whole(place)?;
    Some(Panic { thread: thread.to_owned(), place: place.to_owned(), message: message.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_older_programs_has_its_message_in_the_same_line() {
        let mut panics = Panics::default();
        assert!(panics.line("thread 'main' panicked at 'it's gone', src/main.rs:2:5"));
        let panic = panics.take().unwrap();
        assert_eq!((&*panic.thread, &*panic.message), ("main", "it's gone"));
        assert_eq!(panic.place().unwrap().line, Some(2));
    }
}
