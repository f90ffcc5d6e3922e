//! The program on a real terminal, that of `tmux`: what stands on the screen and in the scrollback,
//! and what keys do.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use codeloops_event::{Outcome, StopReason};
use codeloops_tests::needs::has;
use codeloops_tests::{Workspace, wait_for};

use crate::rough::{assert_nothing_is_left, end, eventually, place, processes_in};

/// A terminal in which one command runs.
pub(crate) struct Terminal<'a> {
    place: &'a Workspace,
    socket: PathBuf,
}

impl<'a> Terminal<'a> {
    /// Runs codeloops in a terminal of this size. A shell keeps it open when the program has ended,
    /// and notes its exit code.
    pub(crate) fn open(place: &'a Workspace, columns: u16, args: &[&str]) -> Self {
        Self::open_in("trap : INT; \"$@\"", place, columns, args)
    }

    /// The same in a shell that runs the program as its arguments.
    fn open_in(shell: &str, place: &'a Workspace, columns: u16, args: &[&str]) -> Self {
        // Each has a server of its own: one that is ending would still answer for a while.
        static OPENED: AtomicU32 = AtomicU32::new(0);
        let number = OPENED.fetch_add(1, Ordering::Relaxed);
        let terminal = Self { place, socket: place.at(&format!("tmux-{number}")) };
        let code = terminal.code_file();
        let shell = format!(
            "{shell}; echo $? > '{0}.tmp'; mv '{0}.tmp' '{0}'; exec sleep 100000",
            code.display()
        );
        let codeloops = place.command(args);
        let mut tmux = terminal.tmux(&["-f", "/dev/null", "new-session", "-d", "-y", "24"]);
        tmux.args(["-x", &columns.to_string(), "sh", "-c", &shell, "sh"]);
        tmux.arg(codeloops.get_program()).args(codeloops.get_args());
        assert!(tmux.status().unwrap().success(), "tmux does not start");
        terminal
    }

    pub(crate) fn code_file(&self) -> PathBuf {
        self.socket.with_extension("code")
    }

    fn tmux(&self, args: &[&str]) -> Command {
        let mut tmux = self.place.program("tmux");
        tmux.arg("-S").arg(&self.socket).args(args);
        tmux
    }

    fn ask(&self, args: &[&str]) -> String {
        let output = self.tmux(args).output().unwrap();
        assert!(output.status.success(), "tmux {args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// Everything that was ever on it, the scrollback first. `joined` undoes the wrapping of lines.
    pub(crate) fn shows(&self, joined: bool) -> String {
        let join = if joined { "-J" } else { "-N" };
        self.ask(&["capture-pane", "-p", "-S", "-", join])
    }

    #[track_caller]
    pub(crate) fn wait_until_it_shows(&self, text: &str) -> String {
        eventually(text, || Some(self.shows(false)).filter(|shown| shown.contains(text)))
    }

    pub(crate) fn press(&self, keys: &[&str]) {
        self.ask(&[&["send-keys"], keys].concat());
    }

    fn resize(&self, columns: u16) {
        self.ask(&["resize-window", "-x", &columns.to_string()]);
    }

    /// Waits for the program's end; gives its exit code.
    #[track_caller]
    pub(crate) fn exit_code(&self) -> u8 {
        wait_for(&self.code_file());
        fs::read_to_string(self.code_file()).unwrap().trim().parse().unwrap()
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        let _gone = self.tmux(&["kill-server"]).output();
    }
}

/// In each round the actor says more than fits on a line, and waits.
const TALKATIVE: &str = "
on actor 1
print A first line.
print The-second-line-says-so-much-that-it-fits-on-no-terminal-of-forty-columns-by-far-and-goes-on-and-on-until-it-does-not-even-fit-on-one-of-two-hundred-columns-which-are-as-many-as-anybody-was-ever-seen-to-have.
touch ../said
wait-file ../go
edit work.txt done
on critic 1
print DECISION: CONTINUE
print
print FEEDBACK: Say less.
on actor 2
print Less.
touch ../said-less
wait-file ../go-on
on critic 2
print DECISION: DONE
print SUMMARY: It is said.
";

/// The row of the live status.
fn status(shown: &str) -> Option<&str> {
    shown.lines().find(|line| line.starts_with("actor at work"))
}

/// While it runs there is one line of status, as wide as the terminal and no wider; in the end
/// there is none, and what stands there is what a pipe would have got, save where lines end.
#[test]
fn the_live_status_takes_one_row_and_leaves_no_trace() {
    if !has("tmux") {
        return;
    }
    for columns in [40_u16, 200] {
        let place = place();
        place.script(TALKATIVE);
        let terminal = Terminal::open(&place, columns, &["--prompt", "Talk"]);
        wait_for(&place.at("said"));
        let shown = terminal.wait_until_it_shows("| The");
        let row = status(&shown).unwrap_or_else(|| panic!("no status:\n{shown}"));
        assert!(row.starts_with("actor at work | iteration 1 | "), "{shown}");
        assert_eq!(shown.lines().last(), Some(row), "the status is the last row:\n{shown}");
        assert_eq!(row.len(), usize::from(columns) - 1, "{shown}");
        fs::write(place.at("go"), "").unwrap();
        wait_for(&place.at("said-less"));
        fs::write(place.at("go-on"), "").unwrap();
        assert_eq!(terminal.exit_code(), 0);
        assert_is_as_in_a_pipe(&place.redact(&terminal.shows(true)));
    }
}

/// The words of a whole run; on a terminal its lines end between them.
#[track_caller]
fn assert_is_as_in_a_pipe(shown: &str) {
    let plain = place();
    plain.script(TALKATIVE);
    for file in ["go", "go-on"] {
        fs::write(plain.at(file), "").unwrap();
    }
    let piped = plain.run(&["--prompt", "Talk"]).exits(0).stdout;
    assert_eq!(steady_words(shown), steady_words(&piped), "\n{shown}");
}

/// What is said, wherever lines end, without what differs from run to run: paths and numbers.
fn steady_words(text: &str) -> Vec<&str> {
    let differs = |c: char| c == '/' || c.is_ascii_digit();
    text.split_whitespace().filter(|word| !word.contains(differs)).collect()
}

/// A terminal that is made narrower breaks the status into several rows; the next drawing clears
/// them all.
#[test]
fn the_status_survives_a_change_of_the_width() {
    if !has("tmux") {
        return;
    }
    let place = place();
    place.script(TALKATIVE);
    let terminal = Terminal::open(&place, 120, &["--prompt", "Talk"]);
    wait_for(&place.at("said"));
    terminal.wait_until_it_shows("| The-second");
    for columns in [35_u16, 90, 25] {
        terminal.resize(columns);
        eventually("a status of the new width", || {
            let shown = terminal.shows(false);
            let row = status(&shown)?;
            let is_alone = shown.lines().last() == Some(row);
            (is_alone && row.len() == usize::from(columns) - 1).then_some(())
        });
    }
    for file in ["go", "go-on"] {
        fs::write(place.at(file), "").unwrap();
    }
    assert_eq!(terminal.exit_code(), 0);
    assert_is_as_in_a_pipe(&place.redact(&terminal.shows(true)));
}

/// The shell has the terminal then, and what stands on it is the shell's to say.
#[test]
fn ctrl_z_takes_the_status_along_and_it_comes_back() {
    if !has("tmux") {
        return;
    }
    let place = place();
    place.script(TALKATIVE);
    // It goes on when it is told to, by the job control of a shell.
    let shell = "set -m; \"$@\"; : > ../stopped; until [ -e ../fg ]; do sleep 0.05; done; fg";
    let terminal = Terminal::open_in(shell, &place, 80, &["--prompt", "Talk"]);
    wait_for(&place.at("said"));
    terminal.wait_until_it_shows("actor at work");
    terminal.press(&["C-z"]);
    wait_for(&place.at("stopped"));
    let shown = terminal.shows(true);
    assert_eq!(status(&shown), None, "{shown}");
    assert!(!shown.contains("^Z"), "{shown}");
    fs::write(place.at("fg"), "").unwrap();
    let shown = terminal.wait_until_it_shows("actor at work");
    assert_eq!(shown.lines().filter(|line| status(line).is_some()).count(), 1, "{shown}");
    for file in ["go", "go-on"] {
        fs::write(place.at(file), "").unwrap();
    }
    assert_eq!(terminal.exit_code(), 0);
    let shown = terminal.shows(true);
    assert_eq!(status(&shown), None, "{shown}");
}

/// The agent has no terminal, so the key reaches it through codeloops alone.
#[test]
fn ctrl_c_interrupts_the_run() {
    if !has("tmux") {
        return;
    }
    let place = place();
    place.script(TALKATIVE);
    let terminal = Terminal::open(&place, 80, &["--prompt", "Talk"]);
    wait_for(&place.at("said"));
    terminal.press(&["C-c"]);
    assert_eq!(terminal.exit_code(), 130);
    let shown = terminal.shows(true);
    assert_eq!(status(&shown), None, "{shown}");
    assert!(
        shown.contains("[codeloops] Session complete: interrupted (0 iterations finished)"),
        "{shown}"
    );
    let end = end(&place);
    let interrupted = (Outcome::Interrupted, Some(StopReason::Interrupted));
    assert_eq!((end.outcome, end.stop_reason), interrupted);
    drop(terminal);
    eventually("the end of tmux", || processes_in(&place).is_empty().then_some(()));
    assert_nothing_is_left(&place);
}

#[test]
fn init_is_answered_with_keys() {
    if !has("tmux") {
        return;
    }
    let place = place();
    let config = place.at("home/.config/codeloops/config.toml");
    let terminal = Terminal::open(&place, 120, &["init"]);
    terminal.wait_until_it_shows("Which agent should do the work, and judge it?");
    terminal.press(&["Down"]);
    terminal.wait_until_it_shows("> opencode");
    terminal.press(&["Enter"]);
    assert_eq!(terminal.exit_code(), 0);
    assert_eq!(fs::read_to_string(&config).unwrap(), "[defaults]\nagent = \"opencode\"\n");
    drop(terminal);

    let terminal = Terminal::open(&place, 120, &["init"]);
    terminal.wait_until_it_shows("(y/N)");
    terminal.press(&["Enter"]);
    assert_eq!(terminal.exit_code(), 0);
    assert!(terminal.shows(true).contains("Nothing was changed."));
    assert_eq!(fs::read_to_string(&config).unwrap(), "[defaults]\nagent = \"opencode\"\n");
}

/// The titles of others hold what is typed too.
#[test]
fn init_finds_an_agent_by_the_beginning_of_its_name() {
    if !has("tmux") {
        return;
    }
    let place = place();
    let terminal = Terminal::open(&place, 100, &["init"]);
    terminal.wait_until_it_shows("Which agent should do the work, and judge it?");
    terminal.press(&["c", "o", "d"]);
    terminal.wait_until_it_shows("> codex");
    terminal.press(&["Enter"]);
    assert_eq!(terminal.exit_code(), 0);
    let shown = terminal.shows(true);
    assert!(shown.contains("> Which agent should do the work, and judge it? codex\n"), "{shown}");
    assert!(shown.contains("agent = \"codex\"\n"), "{shown}");
    assert!(shown.contains("codeloops --dry-run"), "{shown}");
}
