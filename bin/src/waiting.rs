//! Tells what is waited for where that takes a while and nothing else is to be seen: the reading of the
//! repository, programs that are asked.

use std::future;
use std::io::Write;
use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::output::Printer;
use crate::settings::RunSettings;
use crate::sinks::live_terminal;
use crate::values::SinkSpec;
use crate::world::{Stream, World};

/// What takes less time is not told of, and how often the status is drawn again.
const A_MOMENT: Duration = Duration::from_secs(1);

/// When it is told where there is no terminal: only what takes long is worth a line that stays.
const LONG: Duration = Duration::from_secs(5);

/// Takes the status off its row. The rows below are left alone: a terminal whose screen is cleared
/// from its first row on may keep that row in the scrollback.
const CLEAR: &str = "\r\x1b[K";

/// Who sees it.
enum Shown {
    /// A line that is drawn again each second, and leaves nothing behind.
    Status(Stream),
    /// One line that stays.
    Note,
    /// Nobody, or nobody any more.
    Nothing,
}

/// What is waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WaitedFor {
    /// What is being done, as a status says it.
    status: &'static str,
    /// The line that stays where there is no terminal.
    note: &'static str,
}

/// The repository is being read.
pub(crate) const REPOSITORY: WaitedFor = WaitedFor {
    status: "reading the repository",
    note: "the repository is being read; a large one takes a while",
};

/// Agents are being asked.
pub(crate) const AGENTS: WaitedFor = WaitedFor {
    status: "asking the agents for their versions",
    note: "the agents are being asked for their versions",
};

/// The time that it takes.
pub(crate) struct Waiting {
    what: WaitedFor,
    shown: Shown,
    since: Instant,
    /// When it is to be told next.
    next: Instant,
}

impl Waiting {
    /// Before a run, where its console will be.
    pub(crate) fn begin(what: WaitedFor, settings: &RunSettings, world: &World) -> Self {
        let terminal = live_terminal(settings, world);
        Self::told_to(what, terminal, settings.has_sink(&SinkSpec::Console))
    }

    /// On standard error.
    pub(crate) fn beside(what: WaitedFor, world: &World) -> Self {
        let terminal = world.terminal.stderr.then(|| world.stderr.clone());
        Self::told_to(what, terminal, true)
    }

    /// Waits for something, and tells of it.
    pub(crate) async fn until<T>(
        mut self,
        work: impl Future<Output = T>,
        printer: &mut Printer,
    ) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = self.due() => self.tell(printer),
            }
        }
    }

    fn told_to(what: WaitedFor, terminal: Option<Stream>, has_console: bool) -> Self {
        let since = Instant::now();
        let (shown, after) = match terminal {
            Some(terminal) => (Shown::Status(terminal), A_MOMENT),
            None if has_console => (Shown::Note, LONG),
            None => (Shown::Nothing, LONG),
        };
        Self { what, shown, since, next: since + after }
    }

    /// Waits until there is something to tell; without end where there never is.
    pub(crate) async fn due(&self) {
        match self.shown {
            Shown::Nothing => future::pending().await,
            Shown::Status(_) | Shown::Note => sleep_until(self.next).await,
        }
    }

    /// Tells it.
    pub(crate) fn tell(&mut self, printer: &mut Printer) {
        let seconds = self.since.elapsed().as_secs();
        match &mut self.shown {
            Shown::Status(terminal) => {
                draw(terminal, &status(self.what, seconds));
                self.next += A_MOMENT;
            }
            Shown::Note => {
                printer.remark(self.what.note);
                self.shown = Shown::Nothing;
            }
            Shown::Nothing => {}
        }
    }

    /// Takes the status off the terminal, so that something else can stand there.
    pub(crate) fn clear(&mut self) {
        if let Shown::Status(terminal) = &mut self.shown
            && self.next > self.since + A_MOMENT
        {
            draw(terminal, CLEAR);
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Drawn as the live status of the run that follows: on one row, with the cursor at its beginning.
fn status(what: WaitedFor, seconds: u64) -> String {
    format!("\r\x1b[?7l{} | {seconds}s\x1b[K\x1b[?7h\r", what.status)
}

/// A terminal that is gone needs no status.
fn draw(terminal: &mut Stream, text: &str) {
    drop(terminal.write_all(text.as_bytes()).and_then(|()| terminal.flush()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Sandbox;

    /// What is told, on a terminal and on standard error, of a reading that takes so long. Time
    /// passes at once.
    fn told(on_terminal: bool, has_console: bool, secs: u64) -> (String, String) {
        let (world, output) = Sandbox::new().world();
        let terminal = on_terminal.then(|| world.stdout.clone());
        let mut printer = Printer::new(&world, true);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let waiting = Waiting::told_to(REPOSITORY, terminal, has_console);
            waiting.until(tokio::time::sleep(Duration::from_secs(secs)), &mut printer).await;
        });
        let text = |bytes: &std::sync::Mutex<Vec<u8>>| {
            String::from_utf8(bytes.lock().unwrap().clone()).unwrap()
        };
        (text(&output.out), text(&output.err))
    }

    #[test]
    fn a_terminal_shows_each_second_that_it_goes_on_and_keeps_nothing_of_it() {
        let (shown, noted) = told(true, true, 3);
        assert_eq!(shown, [&*status(REPOSITORY, 1), &*status(REPOSITORY, 2), CLEAR].concat());
        assert_eq!(noted, "");
    }

    #[test]
    fn without_a_terminal_it_is_told_once_and_only_where_it_takes_long() {
        let noted = "note: the repository is being read; a large one takes a while\n";
        assert_eq!(told(false, true, 60), (String::new(), noted.to_owned()));
        assert_eq!(told(false, true, 4), (String::new(), String::new()));
    }

    #[test]
    fn what_is_read_at_once_is_not_told_and_without_a_console_nothing_is() {
        assert_eq!(told(true, true, 1), (String::new(), String::new()));
        assert_eq!(told(false, false, 60), (String::new(), String::new()));
    }
}
