//! Shows what is longer than the screen in the user's pager.

use std::io::{self, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use console::measure_text_width;
use tokio::signal::unix::{SignalKind, signal};

use crate::error::CliError;
use crate::output::Printer;
use crate::world::World;

/// What shows a text where the user names nothing else.
const LESS: &str = "less";
/// How `less` works unless the user says otherwise: it ends by itself where all fits (F), shows
/// colours (R) and leaves the screen as it is (X).
const LESS_OPTIONS: &str = "FRX";
/// Exit codes of a shell that could not run a command, or did not find it.
const NOT_RUN: [i32; 2] = [126, 127];

/// A text on its way to the user, a part at a time.
pub(super) struct Pager<'a> {
    printer: &'a mut Printer,
    /// The command; none where nothing is to be shown in one.
    command: Option<String>,
    screen: Option<Screen>,
    less_options: Option<&'static str>,
    /// All of it so far, until it is sure that somebody shows it.
    held: String,
    state: State,
}

/// How much a screen holds.
struct Screen {
    columns: usize,
    /// Rows that are not taken yet.
    rows: usize,
}

enum State {
    /// It fits on the screen so far.
    Held,
    /// It goes where everything goes.
    Plain,
    /// It goes to this process.
    Paged { child: Child, stdin: ChildStdin, command: String },
    /// The reader left.
    Quit,
}

impl<'a> Pager<'a> {
    /// A pager is used on a terminal only, and not where the user wants none.
    pub(super) fn new(no_pager: bool, world: &World, printer: &'a mut Printer) -> Self {
        let command = if no_pager || is_dumb(world) { None } else { command(world) };
        let size = printer.stdout_columns().zip((world.rows)());
        // One row is the shell's, to ask for the next command.
        let screen = size.map(|(columns, rows)| Screen { columns, rows: rows.saturating_sub(1) });
        let is_paged = command.is_some() && screen.is_some();
        let less_options = world.env.var("LESS").is_none().then_some(LESS_OPTIONS);
        let state = if is_paged { State::Held } else { State::Plain };
        Self { printer, command, screen, less_options, held: String::new(), state }
    }

    /// Takes the next part in, whole lines. Tells whether anybody wants more.
    pub(super) fn write(&mut self, text: &str) -> Result<bool, CliError> {
        match &mut self.state {
            State::Quit => return Ok(false),
            State::Plain => return self.printer.data(text).map(|()| true),
            State::Paged { stdin, .. } => {
                self.held.push_str(text);
                if stdin.write_all(text.as_bytes()).is_err() {
                    self.left()?;
                }
            }
            State::Held => {
                self.held.push_str(text);
                if self.screen.as_mut().is_some_and(|screen| !screen.takes(text)) {
                    self.start()?;
                }
            }
        }
        Ok(!matches!(self.state, State::Quit))
    }

    /// Waits until the user has read all of it.
    pub(super) fn finish(mut self) -> Result<(), CliError> {
        match self.state {
            State::Held => self.printer.data(&self.held),
            State::Paged { .. } => self.left(),
            State::Plain | State::Quit => Ok(()),
        }
    }

    /// Starts the pager with what there is so far.
    fn start(&mut self) -> Result<(), CliError> {
        let Some(command) = self.command.take() else { return self.give_up(None) };
        outlive_ctrl_c();
        let mut shell = Command::new("sh");
        shell.args(["-c", &command]).stdin(Stdio::piped());
        shell.envs(self.less_options.map(|options| ("LESS", options)));
        let started = shell.spawn().and_then(|mut child| {
            let stdin = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
            Ok((child, stdin))
        });
        let Ok((child, mut stdin)) = started else { return self.give_up(Some(&command)) };
        let written = stdin.write_all(self.held.as_bytes());
        self.state = State::Paged { child, stdin, command };
        if written.is_err() { self.left() } else { Ok(()) }
    }

    /// The pager reads no more, or has all of it. Where it never began, the text is printed after all.
    fn left(&mut self) -> Result<(), CliError> {
        let state = std::mem::replace(&mut self.state, State::Quit);
        let State::Paged { mut child, stdin, command } = state else { return Ok(()) };
        drop(stdin);
        let status = child.wait();
        let was_run = status.is_ok_and(|s| !s.code().is_some_and(|code| NOT_RUN.contains(&code)));
        if was_run { Ok(()) } else { self.give_up(Some(&command)) }
    }

    /// Prints what would have been shown by this command.
    fn give_up(&mut self, command: Option<&str>) -> Result<(), CliError> {
        self.state = State::Plain;
        let printed = self.printer.data(&std::mem::take(&mut self.held));
        if let Some(command) = command {
            self.printer.warning(format!("the pager `{command}` could not be started"));
        }
        printed
    }
}

impl Screen {
    /// Whether there is room for these lines too.
    fn takes(&mut self, text: &str) -> bool {
        let rows = |line: &str| measure_text_width(line).div_ceil(self.columns.max(1)).max(1);
        let needed: usize = text.lines().map(rows).sum();
        let fits = needed <= self.rows;
        self.rows = self.rows.saturating_sub(needed);
        fits
    }
}

/// Whether the terminal can do nothing but print.
pub(super) fn is_dumb(world: &World) -> bool {
    world.env.var("TERM").is_some_and(|term| term == "dumb")
}

/// The first of the variables that is set counts; one that is empty, or `cat`, wants no pager.
fn command(world: &World) -> Option<String> {
    let set = |name: &str| world.env.vars.get(std::ffi::OsStr::new(name));
    let named = set("CODELOOPS_PAGER").or_else(|| set("PAGER"));
    let command = named.map_or_else(|| LESS.into(), |named| named.to_string_lossy());
    let command = command.trim();
    (!command.is_empty() && command != "cat").then(|| command.to_owned())
}

/// Ctrl+C on a terminal is for the pager, which mostly goes on: to end before it does would leave two
/// readers on one terminal.
fn outlive_ctrl_c() {
    // Once it is listened to, the signal ends nothing any more, whether or not anybody listens.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    if let Ok(runtime) = runtime {
        let _entered = runtime.enter();
        drop(signal(SignalKind::interrupt()));
    }
}
