//! The live status: one line at the bottom of a terminal, which says what goes on now.
//!
//! The line leaves nothing behind. It is drawn with automatic wrapping off, so it never takes two
//! rows, and the cursor goes back to its first column; whatever comes next begins with "clear from
//! here to the end of the screen". A terminal that is made narrower and breaks the line takes the
//! cursor along to its first row, so this clears all of it without knowing how wide the terminal
//! was. The cursor is never hidden: there is nothing to restore after a kill.

use std::time::{Duration, Instant};

use codeloops_event::{Event, Item, Iteration, Role};

use crate::text::{cut, one_line};
use crate::words;

/// Clears the status, if there is one, and whatever was typed on its row.
pub const CLEAR: &str = "\r\x1b[J";
/// Time between two drawings, when there is something new.
const FASTEST: Duration = Duration::from_millis(100);
/// Time between two drawings, when only the clock moves.
const SLOWEST: Duration = Duration::from_secs(1);
/// Bytes of an unfinished output line that are kept.
const LONGEST_LINE: usize = 4 * 1024;

/// What goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    Agent(Role),
    Capturing,
    /// The changes are captured, and no gate runs yet.
    Captured,
    /// These gates run.
    Gates(Vec<String>),
    CheckingTree,
    Waiting {
        role: Role,
        until: String,
        /// How long that was from the beginning of the wait.
        length: Duration,
    },
    Stopping,
    /// The tree is compared and maybe put back before.
    StoppingAfterCheck,
}

/// The state of the status line.
#[derive(Default)]
pub(super) struct Status {
    phase: Option<(Phase, Instant)>,
    iteration: Iteration,
    /// The last line of output that is not blank.
    last_line: String,
    /// Output since the last newline.
    unfinished: String,
    on_screen: Option<String>,
    drawn_at: Option<Instant>,
    changed: bool,
}

impl Status {
    /// Takes an event in.
    pub(super) fn observe(&mut self, event: &Event, now: Instant) {
        if let Event::AgentOutput(output) = event {
            output.items.iter().for_each(|item| self.heard(item));
            self.changed = true;
            return;
        }
        match event {
            Event::SessionStart(_)
            | Event::SessionResumed(_)
            | Event::IterationStarted(_)
            | Event::SessionEnd(_) => {
                self.phase = None;
            }
            Event::ActorStarted(e) => self.enter(Phase::Agent(Role::Actor), e.iteration, now),
            Event::ActorCompleted(e) => self.enter(Phase::Capturing, e.iteration, now),
            Event::DiffCaptured(e) => self.enter(Phase::Captured, e.iteration, now),
            Event::GateStarted(e) => self.gate_started(&e.gate, e.iteration, now),
            Event::GateCompleted(e) => self.gate_completed(&e.gate.name, e.iteration, now),
            Event::CriticStarted(e) => self.enter(Phase::Agent(Role::Critic), e.iteration, now),
            Event::CriticCompleted(e) => self.enter(Phase::CheckingTree, e.iteration, now),
            Event::Waiting(e) => {
                let until = words::utc(e.until);
                let length = e.until.signed_duration_since(e.timestamp).to_std();
                let length = length.unwrap_or_default();
                self.enter(Phase::Waiting { role: e.role, until, length }, e.iteration, now);
            }
            Event::StopRequested(_) => {
                let phase = self.phase.take().map(|(phase, _)| phase);
                let checks = matches!(phase, Some(Phase::CheckingTree | Phase::StoppingAfterCheck));
                let next = if checks { Phase::StoppingAfterCheck } else { Phase::Stopping };
                self.enter(next, self.iteration, now);
            }
            Event::WaitOver(_)
            | Event::Iteration(_)
            | Event::DiffFailed(_)
            | Event::EngineFailed(_) => {
                self.phase = None;
            }
            Event::GateTreeChecked(_)
            | Event::ApprovalVetoed(_)
            | Event::StateRepeated(_)
            | Event::TreeChecked(_)
            | Event::ReadAsText(_)
            | Event::TreeUnverified(_)
            | Event::VerdictReached(_)
            | Event::AnswerIgnored(_)
            | Event::AgentOutput(_) => {}
        }
    }

    /// What to write so that `lines` stand above the status.
    pub(super) fn around(&mut self, lines: &str, now: Instant, width: usize) -> String {
        let clear = self.clear();
        let frame = if self.phase.is_some() { self.draw(now, width) } else { String::new() };
        format!("{clear}{lines}{frame}")
    }

    /// What to write so that the status is up to date; nothing where it is.
    pub(super) fn refresh(&mut self, now: Instant, width: usize) -> String {
        let frame = self.frame(now, width);
        self.drawn_at = Some(now);
        self.changed = false;
        if frame == self.on_screen {
            return String::new();
        }
        match frame {
            Some(_) => self.draw(now, width),
            None => self.clear(),
        }
    }

    /// What to write so that nothing of the status stays.
    pub(super) fn clear(&mut self) -> String {
        self.on_screen.take().map_or_else(String::new, |_| CLEAR.to_owned())
    }

    /// When the status is to be drawn next.
    pub(super) fn next_draw(&self) -> Option<Instant> {
        let (_, since) = self.phase.as_ref()?;
        let pause = if self.changed { FASTEST } else { SLOWEST };
        Some(self.drawn_at.map_or(*since, |at| at + pause))
    }

    fn enter(&mut self, phase: Phase, iteration: Iteration, now: Instant) {
        self.phase = Some((phase, now));
        self.iteration = iteration;
        self.last_line.clear();
        self.unfinished.clear();
        self.changed = true;
    }

    /// The time is that of the first of those that run at once.
    fn gate_started(&mut self, name: &str, iteration: Iteration, now: Instant) {
        match &mut self.phase {
            Some((Phase::Gates(names), _)) => {
                names.push(name.to_owned());
                self.changed = true;
            }
            _ => self.enter(Phase::Gates(vec![name.to_owned()]), iteration, now),
        }
    }

    fn gate_completed(&mut self, name: &str, iteration: Iteration, now: Instant) {
        let Some((Phase::Gates(names), _)) = &mut self.phase else { return };
        names.retain(|running| running != name);
        self.changed = true;
        if names.is_empty() {
            self.enter(Phase::CheckingTree, iteration, now);
        }
    }

    fn heard(&mut self, item: &Item) {
        match item {
            Item::Printed { text } | Item::Text { text } | Item::Reasoning { text } => {
                self.said(text);
            }
            // Until the model speaks again: what the tool gave says less than which it was.
            Item::ToolCall { name, argument, .. } => {
                let call = format!("{} {}", one_line(name), one_line(argument));
                self.show(call.trim_end().to_owned());
            }
            Item::Retry { reason } => self.show(format!("asks again: {}", one_line(reason))),
            Item::Limit { message, .. } => self.show(one_line(message)),
            Item::ToolResult { .. } | Item::Usage { .. } => {}
        }
    }

    fn show(&mut self, line: String) {
        self.last_line = line;
        self.unfinished.clear();
    }

    /// A carriage return ends a line as well: what a progress bar overwrites is past.
    fn said(&mut self, text: &str) {
        let unfinished = match text.rsplit_once(['\n', '\r']) {
            Some((whole, unfinished)) => {
                let ended = std::mem::take(&mut self.unfinished) + whole;
                let mut lines = ended.rsplit(['\n', '\r']).map(one_line);
                if let Some(last) = lines.find(|line| !line.is_empty()) {
                    self.last_line = last;
                }
                unfinished
            }
            None => text,
        };
        if self.unfinished.len() < LONGEST_LINE {
            self.unfinished.push_str(unfinished);
        }
    }

    /// What is below goes too: the rest of a status that a narrower terminal broke into rows.
    fn draw(&mut self, now: Instant, width: usize) -> String {
        self.on_screen = self.frame(now, width);
        self.drawn_at = Some(now);
        self.changed = false;
        let text = self.on_screen.as_deref().unwrap_or_default();
        format!("\r\x1b[?7l{text}\x1b[J\x1b[?7h\r")
    }

    pub(super) fn frame(&self, now: Instant, width: usize) -> Option<String> {
        let (phase, since) = self.phase.as_ref()?;
        let elapsed = now.saturating_duration_since(*since);
        let time = match phase {
            Phase::Waiting { length, .. } => {
                format!("{} left", words::elapsed(length.saturating_sub(elapsed)))
            }
            _ => words::elapsed(elapsed),
        };
        let iteration = match self.iteration {
            0 => "before the first iteration".to_owned(),
            number => format!("iteration {number}"),
        };
        let mut text = format!("{} | {iteration} | {time}", phase.words());
        if let Phase::Agent(_) = phase {
            let unfinished = one_line(&self.unfinished);
            let said = if unfinished.is_empty() { &self.last_line } else { &unfinished };
            if !said.is_empty() {
                text.push_str(" | ");
                text.push_str(said);
            }
        }
        // The last column stays free: some terminals wrap as soon as it is written to.
        Some(cut(&text, width.saturating_sub(1)).to_owned())
    }
}

impl Phase {
    fn words(&self) -> String {
        match self {
            Self::Agent(role) => format!("{role} at work"),
            Self::Capturing => "capturing changes".to_owned(),
            Self::Captured => "checking changes".to_owned(),
            Self::Gates(names) => match names.as_slice() {
                [name] => format!("gate {} at work", one_line(name)),
                names => format!("gates {} at work", one_line(&names.join(", "))),
            },
            Self::CheckingTree => "checking the tree".to_owned(),
            Self::Waiting { role, until, .. } => format!("{role} waits until {until}"),
            Self::Stopping => "stopping".to_owned(),
            Self::StoppingAfterCheck => "checking the tree, then stopping".to_owned(),
        }
    }
}
