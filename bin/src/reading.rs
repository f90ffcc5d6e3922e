//! Tells that the repository is being read where that takes a while: of a run nothing else is to be
//! seen before.

use std::future;
use std::io::Write;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::output::Printer;
use crate::settings::RunSettings;
use crate::sinks::live_terminal;
use crate::values::SinkName;
use crate::world::{Stream, World};

/// What is read in less time is not told of, and how often the status is drawn again.
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

/// The time that the reading takes.
pub(crate) struct Reading {
    shown: Shown,
    since: Instant,
    /// When it is to be told next.
    next: Instant,
}

impl Reading {
    pub(crate) fn begin(settings: &RunSettings, world: &World) -> Self {
        let terminal = live_terminal(settings, world);
        Self::told_to(terminal, settings.has_sink(SinkName::Console))
    }

    fn told_to(terminal: Option<Stream>, has_console: bool) -> Self {
        let since = Instant::now();
        let (shown, after) = match terminal {
            Some(terminal) => (Shown::Status(terminal), A_MOMENT),
            None if has_console => (Shown::Note, LONG),
            None => (Shown::Nothing, LONG),
        };
        Self { shown, since, next: since + after }
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
                draw(terminal, &status(seconds));
                self.next += A_MOMENT;
            }
            Shown::Note => {
                printer.remark("the repository is being read; a large one takes a while");
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

impl Drop for Reading {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Drawn as the live status of the run that follows: on one row, with the cursor at its beginning.
fn status(seconds: u64) -> String {
    format!("\r\x1b[?7lreading the repository | {seconds}s\x1b[K\x1b[?7h\r")
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
            let mut reading = Reading::told_to(terminal, has_console);
            let over = tokio::time::sleep(Duration::from_secs(secs));
            tokio::pin!(over);
            loop {
                tokio::select! {
                    biased;
                    () = &mut over => break,
                    () = reading.due() => reading.tell(&mut printer),
                }
            }
        });
        let text = |bytes: &std::sync::Mutex<Vec<u8>>| {
            String::from_utf8(bytes.lock().unwrap().clone()).unwrap()
        };
        (text(&output.out), text(&output.err))
    }

    #[test]
    fn a_terminal_shows_each_second_that_it_goes_on_and_keeps_nothing_of_it() {
        let (shown, noted) = told(true, true, 3);
        assert_eq!(shown, [&*status(1), &*status(2), CLEAR].concat());
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
