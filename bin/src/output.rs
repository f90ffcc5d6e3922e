//! What goes to standard output and what to standard error.
//!
//! Standard output is for what was asked for; under `--json-output` it holds one JSON document and
//! nothing more. A reader that goes away (`codeloops … | head`) is not an error.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use codeloops_event::text::escaped_in_json;
use codeloops_event::{Outcome, RunId, StopReason, Tampering, UsageByRole};
use codeloops_sinks::words::Said;
use codeloops_sinks::{SinkReport, printable, sanitise, wrap_styled};
use console::measure_text_width;
use serde::Serialize;

use crate::error::{CliError, ErrorKind};
use crate::last_round::GateInShort;
use crate::text::wrap;
use crate::world::{Stream, Terminal, World};

/// The document that `--json-output` prints, whatever happens.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunDocument {
    /// How the run ended.
    pub outcome: Outcome,
    /// Why; null where no run began for what was asked or for want of something.
    pub stop_reason: Option<StopReason>,
    /// Finished iterations.
    pub iterations: u32,
    /// The critic's summary, for success.
    pub summary: Option<String>,
    /// The critic's confidence, 0 to 1, for success.
    pub confidence: Option<f64>,
    /// Duration of the run.
    pub duration_secs: f64,
    /// The session file's name without `.jsonl`; null where there is none.
    pub session_id: Option<String>,
    /// The run's identity; null where no run began.
    pub run_id: Option<RunId>,
    /// HEAD when the run began; null in a repository without a commit, and where no run began.
    pub commit_sha: Option<String>,
    /// The branch when the run began; null when HEAD was detached, and where no run began.
    pub branch: Option<String>,
    /// The session file; null where there is none.
    pub session_file: Option<String>,
    /// The directory that the run worked in, absolute; null where no run began.
    pub working_dir: Option<String>,
    /// The run's evidence folder; null where no run began.
    pub evidence_dir: Option<String>,
    /// The exit code of this process.
    pub exit_code: u8,
    /// What failed, in one line; null where nothing did.
    pub error: Option<String>,
    /// What to know of the run beside its end.
    pub notes: Vec<String>,
    /// What the gates of the last round came to.
    pub gates: Vec<GateInShort>,
    /// Signs of weakened checks in what the run changed, as the last round has them.
    pub tampering: Vec<Tampering>,
    /// What the run used; null where nothing is known.
    pub usage: Option<UsageByRole>,
    /// Places at which a credential was masked.
    pub redacted: u64,
    /// What became of each sink.
    pub sinks: Vec<SinkReport>,
}

impl RunDocument {
    /// The document of a command that ended before a run began.
    #[must_use]
    pub fn of_error(error: &CliError) -> Self {
        let (outcome, stop_reason) = match error.kind {
            ErrorKind::Usage | ErrorKind::Failed => (Outcome::Failed, None),
            ErrorKind::Internal => (Outcome::Failed, Some(StopReason::InternalError)),
            ErrorKind::Interrupted => (Outcome::Interrupted, Some(StopReason::Interrupted)),
        };
        Self {
            outcome,
            stop_reason,
            iterations: 0,
            summary: None,
            confidence: None,
            duration_secs: 0.0,
            session_id: None,
            run_id: None,
            commit_sha: None,
            branch: None,
            session_file: None,
            working_dir: None,
            evidence_dir: None,
            exit_code: error.kind.exit_code(),
            error: Some(error.message.clone()),
            notes: Vec::new(),
            gates: Vec::new(),
            tampering: Vec::new(),
            usage: None,
            redacted: 0,
            sinks: Vec::new(),
        }
    }
}

/// What stands before an error.
const ERROR: &str = "Error:";

/// Prints data, messages and errors, each where it belongs.
#[derive(Clone)]
pub struct Printer {
    stdout: Stream,
    stderr: Stream,
    terminal: Terminal,
    columns: Arc<dyn Fn() -> Option<usize> + Send + Sync>,
    /// Standard output could not be written, and that was told.
    stdout_failed: bool,
    /// Whether standard output may be coloured.
    pub stdout_color: bool,
    /// Whether standard error may be coloured.
    pub stderr_color: bool,
}

impl Printer {
    /// A printer to the streams of `world`. A stream is coloured where it is a terminal and neither
    /// `NO_COLOR` nor `no_color` says otherwise.
    #[must_use]
    pub fn new(world: &World, no_color: bool) -> Self {
        let color = !no_color && world.env.var("NO_COLOR").is_none();
        Self {
            stdout: world.stdout.clone(),
            stderr: world.stderr.clone(),
            terminal: world.terminal,
            columns: Arc::clone(&world.columns),
            stdout_failed: false,
            stdout_color: color && world.terminal.stdout,
            stderr_color: color && world.terminal.stderr,
        }
    }

    /// From here on nothing is told to a standard error that takes nothing for this long: who does not
    /// read it keeps nobody from the end.
    pub(crate) fn hurry(&mut self, time: Duration) {
        self.stderr = self.stderr.within(time);
    }

    /// Prints what was asked for.
    ///
    /// # Errors
    /// Where it cannot be written, save that nobody reads it any more; the first time only.
    pub fn data(&mut self, text: &str) -> Result<(), CliError> {
        self.bytes(text.as_bytes())
    }

    /// Prints what was asked for, as it is.
    ///
    /// # Errors
    /// As [`Printer::data`].
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        if self.stdout_failed {
            return Ok(());
        }
        match self.stdout.write_all(bytes).and_then(|()| self.stdout.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                self.stdout_failed = true;
                Err(CliError::failed(format!("standard output cannot be written: {error}")))
            }
            _ => Ok(()),
        }
    }

    /// Prints what is worth reading beside a result that stands. Where it cannot be written, a
    /// warning says so.
    pub fn offer(&mut self, text: &str) {
        if let Err(error) = self.data(text) {
            self.warning(error.message);
        }
    }

    /// Prints what a user needs whatever becomes of standard output: where that takes nothing, on
    /// standard error.
    pub fn offer_anyhow(&mut self, text: &str) {
        let written = self.stdout.write_all(text.as_bytes()).and_then(|()| self.stdout.flush());
        if written.is_err() {
            self.note(text);
        }
    }

    /// Prints what was asked for, as indented JSON.
    ///
    /// # Errors
    /// As [`Printer::data`].
    pub fn json(&mut self, value: &impl Serialize) -> Result<(), CliError> {
        self.data(&json_text(value)?)
    }

    /// Tells something beside the data. Where standard error cannot be written there is nobody to
    /// tell, so that is no error.
    pub fn note(&mut self, text: &str) {
        drop(self.stderr.write_all(text.as_bytes()).and_then(|()| self.stderr.flush()));
    }

    /// Tells an error with its hints. The text may quote file names and the like, so it is made
    /// safe first.
    pub fn error(&mut self, error: &CliError) {
        self.say(ERROR, AnsiColor::Red.on_default().bold(), sanitise(&error.message));
        for hint in &error.hints {
            self.hint(hint);
        }
    }

    /// Tells a usage error as clap renders it. On a terminal it is broken to its width.
    pub fn usage_error(&mut self, render: impl FnOnce(bool) -> String) {
        let text = render(self.stderr_color).replacen("error:", ERROR, 1);
        match self.stderr_columns() {
            Some(columns) => self.note(&wrap_styled(&text, ERROR.len() + 1, columns)),
            None => self.note(&text),
        }
    }

    /// What to do about something that was told: one line.
    pub fn hint(&mut self, hint: &str) {
        self.say("hint:", AnsiColor::Cyan.on_default(), on_one_line(hint));
    }

    /// Something worth knowing before a run: one line. The text may quote a project's file.
    pub fn remark(&mut self, message: &str) {
        self.say("note:", AnsiColor::Cyan.on_default(), on_one_line(message));
    }

    /// A warning: one line, on a terminal with what is to be copied whole.
    pub fn warning(&mut self, message: impl Into<Said>) {
        let Said { text, to_copy } = message.into();
        let message = Said { text: on_one_line(&text), to_copy };
        self.say("warning:", AnsiColor::Yellow.on_default(), message);
    }

    /// Columns that a line of standard output may take: none where it is no terminal, and so no
    /// line has to end.
    #[must_use]
    pub fn stdout_columns(&self) -> Option<usize> {
        if self.terminal.stdout { (self.columns)() } else { None }
    }

    /// As [`Printer::stdout_columns`], of standard error.
    fn stderr_columns(&self) -> Option<usize> {
        if self.terminal.stderr { (self.columns)() } else { None }
    }

    /// A harmless text behind a label. On a terminal it is broken to its width, each line under the
    /// first; what is to be copied is not, and has a line to itself where there is no room for it.
    fn say(&mut self, label: &str, style: Style, said: impl Into<Said>) {
        let Said { text, to_copy } = said.into();
        let style = if self.stderr_color { style } else { Style::new() };
        let columns = self.stderr_columns();
        let indent = label.len() + 1;
        let text = columns.map_or(text.clone(), |columns| wrap(&text, indent, Some(columns)));
        let text = text.trim_start();
        let to_copy = to_copy.as_deref().map(printable).map_or_else(String::new, |whole| {
            let begins = if text.contains('\n') { 0 } else { indent };
            let last = text.lines().last().unwrap_or_default();
            let end = begins + measure_text_width(last) + 1 + measure_text_width(&whole);
            let fits = columns.is_none_or(|columns| end <= columns);
            format!("{}{whole}", if fits { " " } else { "\n  " })
        });
        self.note(&format!("{style}{label}{style:#} {text}{to_copy}\n"));
    }
}

/// A value as indented JSON.
///
/// # Errors
/// Where it holds what JSON has no form for.
pub(crate) fn json_text(value: &impl Serialize) -> Result<String, CliError> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| CliError::failed(format!("the result is no JSON: {error}")))?;
    Ok(format!("{}\n", escaped_in_json(text)))
}

/// A text of ours that may quote foreign ones, without its line ends. Blanks stay as they are: a path
/// may have several.
fn on_one_line(text: &str) -> String {
    sanitise(text).lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Sandbox;

    struct Fails(io::ErrorKind);

    impl Write for Fails {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn print_to(kind: io::ErrorKind) -> Result<(), CliError> {
        let (mut world, _) = Sandbox::new().world();
        world.stdout = Stream::new(Fails(kind));
        Printer::new(&world, false).data("text")
    }

    #[test]
    fn a_reader_that_went_away_is_no_error_and_a_full_disk_is() {
        assert_eq!(print_to(io::ErrorKind::BrokenPipe), Ok(()));
        let error = print_to(io::ErrorKind::StorageFull).unwrap_err();
        insta::assert_snapshot!(error, @"standard output cannot be written: no storage space");
    }

    /// What an error with a hint looks like where standard error is, or is not, a terminal.
    fn told(is_terminal: bool) -> String {
        let mut sandbox = Sandbox::new();
        sandbox.terminal.stderr = is_terminal;
        sandbox.columns = 50;
        let (world, output) = sandbox.world();
        let mut printer = Printer::new(&world, true);
        let error =
            CliError::usage("`/a/very/long/path/that/cannot/be/broken/anywhere` is no file")
                .hint("name a file that you may read with `--prompt-file`,\nor use `--prompt`");
        printer.error(&error);
        printer.warning("the evidence cannot be kept out of git: the disk is full, or so it seems");
        printer.warning(Said::with("its agent still works; to end it:", "kill 2945 2947 2948"));
        printer.warning(Said::with("to end it:", "kill 2945 2947 2948"));
        String::from_utf8(output.err.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn on_a_terminal_what_is_told_is_broken_under_its_beginning() {
        insta::assert_snapshot!(told(true), @r"
        Error: `/a/very/long/path/that/cannot/be/broken/anywhere`
               is no file
        hint: name a file that you may read with
              `--prompt-file`, or use `--prompt`
        warning: the evidence cannot be kept out of git:
                 the disk is full, or so it seems
        warning: its agent still works; to end it:
          kill 2945 2947 2948
        warning: to end it: kill 2945 2947 2948
        ");
    }

    #[test]
    fn in_a_pipe_a_hint_and_a_warning_are_a_line_each() {
        insta::assert_snapshot!(told(false), @r"
        Error: `/a/very/long/path/that/cannot/be/broken/anywhere` is no file
        hint: name a file that you may read with `--prompt-file`, or use `--prompt`
        warning: the evidence cannot be kept out of git: the disk is full, or so it seems
        warning: its agent still works; to end it: kill 2945 2947 2948
        warning: to end it: kill 2945 2947 2948
        ");
    }
}
