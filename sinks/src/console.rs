//! The console: a run as text for people (`pretty`, `compact`) or for programs (`json`), and on a
//! terminal one line that says what goes on.

mod chatter;
mod compact;
mod critic_error;
mod line;
mod notes;
mod pretty;
mod status;

#[cfg(test)]
mod tests;

use std::io::Write;
use std::time::Instant;

use codeloops_event::{Event, GateCompleted, Iteration, IterationEnd, Ruling};

use crate::json;
use crate::outbox::Outbox;
use crate::sink::{Gap, Sink, SinkError};
use chatter::Chatter;
use critic_error::CriticError;
pub use line::Line;
use line::Tone;
pub use status::CLEAR as CLEAR_STATUS;
use status::Status;

/// Columns that lines are never broken to less than: on a narrower terminal it looks no better.
const NARROWEST: usize = 20;

/// `--log-format`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// Short lines for a person who watches.
    #[default]
    Pretty,
    /// One line per event, with its time.
    Compact,
    /// One JSON object per event: its own serde form.
    Json,
}

/// Whether a status line is shown. The caller switches it on only for a terminal that moves its
/// cursor when told to (so not where `TERM` is `dumb`).
pub enum Live {
    /// None.
    Off,
    /// One, on a terminal whose width in columns the function tells. It is asked at each drawing.
    On(Box<dyn Fn() -> usize + Send>),
}

/// How the console shows a run.
pub struct ConsoleOptions {
    /// The format.
    pub format: Format,
    /// Whether colours are used.
    pub color: bool,
    /// Whether a status line is shown; never with [`Format::Json`].
    pub live: Live,
    /// Whether output of the agents is shown as it comes.
    pub verbose: bool,
}

/// What an event says; the same event always gives the same lines. In the formats for people, a
/// chunk of output says nothing: it may end in the middle of a line, so only the sink can show it.
#[must_use]
pub fn render(event: &Event, format: Format) -> Vec<Line> {
    match format {
        Format::Pretty => pretty::render(event),
        Format::Compact => compact::render(event).into_iter().collect(),
        Format::Json => vec![Line::default().with(Tone::Plain, json::line(event))],
    }
}

/// What a round's summary says when it is all that is known of the round, as in recordings of other
/// programs.
fn render_summary(round: &IterationEnd, format: Format) -> Vec<Line> {
    match format {
        Format::Pretty => pretty::render_summary(round),
        Format::Compact | Format::Json => {
            render(&Event::Iteration(Box::new(round.clone())), format)
        }
    }
}

/// What an event says, and what is to be said with it.
fn render_with(event: &Event, more: Option<Line>, format: Format) -> Vec<Line> {
    let mut lines = render(event, format);
    match (format, more) {
        (Format::Pretty, more) => lines.extend(more),
        (Format::Compact, Some(more)) => {
            lines = lines.into_iter().map(|line| line.and(more.clone())).collect();
        }
        (Format::Compact | Format::Json, _) => {}
    }
    lines
}

/// What the critic wants done, where its answer counts.
fn feedback_of(ruling: &Ruling) -> Option<String> {
    match ruling {
        Ruling::Accepted { verdict } => verdict.feedback(),
        Ruling::AskedAgain { .. } | Ruling::GivenUp { .. } => None,
    }
}

/// The round with what the critic itself said: what gates that block have printed stands behind that in
/// its feedback, and was told when they ended.
fn as_said(round: &IterationEnd, said: Option<String>) -> IterationEnd {
    let mut round = round.clone();
    let is_followed = round.gates.iter().any(|gate| gate.blocks);
    let begins = |said: &String| {
        round.feedback.as_ref().is_some_and(|told| told.trim_start().starts_with(said.trim()))
    };
    if let Some(said) = said.filter(|said| is_followed && begins(said)) {
        round.feedback = Some(said);
    }
    round
}

/// Shows a run on a writer.
pub struct ConsoleSink<W: Write + Send> {
    format: Format,
    color: bool,
    verbose: bool,
    width: Option<Box<dyn Fn() -> usize + Send>>,
    outbox: Outbox<W>,
    /// Whether the outbox holds what the call being made is to write, so that the same call, made
    /// again after an error, only goes on sending.
    composed: bool,
    chatter: Chatter,
    status: Status,
    /// The round whose beginning was shown.
    round: Option<Iteration>,
    /// Whether the tree is being compared after the critic or gates, and maybe put back.
    checks_tree: bool,
    /// Gates that run.
    gates: u32,
    /// The run's evidence folder.
    evidence: Option<String>,
    /// What the critic said is wrong, until its round is told.
    error: Option<CriticError>,
    /// What it said is to be done, until then.
    said: Option<String>,
}

impl Live {
    /// On, for the terminal behind stdout.
    #[must_use]
    pub fn stdout() -> Self {
        Self::on(console::Term::stdout())
    }

    /// On, for the terminal behind stderr.
    #[must_use]
    pub fn stderr() -> Self {
        Self::on(console::Term::stderr())
    }

    fn on(term: console::Term) -> Self {
        Self::On(Box::new(move || usize::from(term.size().1)))
    }
}

impl<W: Write + Send> ConsoleSink<W> {
    /// Shows a run on `writer`.
    pub fn new(writer: W, options: ConsoleOptions) -> Self {
        let width = match options.live {
            Live::On(width) if options.format != Format::Json => Some(width),
            Live::On(_) | Live::Off => None,
        };
        Self {
            format: options.format,
            color: options.color,
            verbose: options.verbose,
            width,
            outbox: Outbox::new(writer),
            composed: false,
            chatter: Chatter::default(),
            status: Status::default(),
            round: None,
            checks_tree: false,
            gates: 0,
            evidence: None,
            error: None,
            said: None,
        }
    }

    fn lines(&mut self, event: &Event) -> Vec<Line> {
        let looks = self.tree_is_looked_at_after(event);
        let checks_tree = std::mem::replace(&mut self.checks_tree, looks);
        match event {
            Event::StopRequested(e) => {
                self.checks_tree = checks_tree;
                let put_back_first = (e.now && checks_tree).then(notes::put_back_first);
                render_with(event, put_back_first, self.format)
            }
            Event::SessionStart(e) => {
                self.evidence.clone_from(&e.evidence_dir);
                render(event, self.format)
            }
            Event::GateCompleted(e) if self.format != Format::Json => {
                render(&Event::GateCompleted(Box::new(self.with_whole_path(e))), self.format)
            }
            Event::AgentOutput(_) if !self.verbose => Vec::new(),
            Event::AgentOutput(chunk) if self.format != Format::Json => self.chatter.push(chunk),
            Event::Iteration(round) if self.round != Some(round.iteration_number) => {
                render_summary(round, self.format)
            }
            Event::VerdictReached(e) => {
                self.error = CriticError::of(&e.ruling);
                self.said = feedback_of(&e.ruling);
                render(event, self.format)
            }
            Event::Iteration(round) => match self.error.take().filter(|e| e.is_told_by(round)) {
                Some(error) => error.render(round, self.format),
                None if self.format != Format::Json => {
                    let round = as_said(round, self.said.take());
                    render(&Event::Iteration(Box::new(round)), self.format)
                }
                None => render(event, self.format),
            },
            Event::SessionResumed(e) => {
                self.round = Some(e.iteration);
                render(event, self.format)
            }
            Event::IterationStarted(e) => {
                self.round = Some(e.iteration);
                render(event, self.format)
            }
            Event::ActorCompleted(_) | Event::CriticCompleted(_) | Event::SessionEnd(_) => {
                let mut lines = self.chatter.flush();
                lines.extend(render(event, self.format));
                lines
            }
            _ => render(event, self.format),
        }
    }

    /// Whether a look at the tree follows this event. A result that was kept from an earlier run touched
    /// nothing, and is followed by none.
    fn tree_is_looked_at_after(&mut self, event: &Event) -> bool {
        match event {
            Event::GateStarted(_) => self.gates += 1,
            Event::GateCompleted(_) => self.gates = self.gates.saturating_sub(1),
            Event::SessionResumed(_) => self.gates = 0,
            _ => {}
        }
        match event {
            Event::CriticCompleted(_) => true,
            Event::GateCompleted(e) => self.gates == 0 && e.gate.kept_from.is_none(),
            _ => false,
        }
    }

    /// The result of a gate, with the path of its output as somebody may copy it.
    fn with_whole_path(&self, event: &GateCompleted) -> GateCompleted {
        let mut event = event.clone();
        if let (Some(folder), Some(output)) = (&self.evidence, &mut event.gate.output) {
            output.path = format!("{folder}/{}", output.path);
        }
        event
    }

    /// Puts lines into the outbox, with the status around them.
    fn put(&mut self, lines: Vec<Line>) {
        let text = self.text(lines);
        let bytes = match &self.width {
            None => text,
            Some(_) if text.is_empty() => return,
            Some(width) => self.status.around(&text, Instant::now(), width()),
        };
        self.outbox.push(bytes.as_bytes());
    }

    /// Lines as they are written; on a terminal they end where it does, save that in the other
    /// formats each is a record.
    fn text(&self, lines: Vec<Line>) -> String {
        let columns = match (&self.width, self.format) {
            (Some(width), Format::Pretty) => width().max(NARROWEST),
            _ => usize::MAX,
        };
        let lines = lines.into_iter().flat_map(|line| line.wrapped(columns));
        let shown = |line: Line| if self.color { line.coloured() } else { line.to_string() };
        lines.map(|line| shown(line) + "\n").collect()
    }

    /// Puts into the outbox what one call is to write, unless an earlier try of the same call did,
    /// and sends it.
    fn once(&mut self, compose: impl FnOnce(&mut Self)) -> Result<(), SinkError> {
        if !self.composed {
            compose(self);
            self.composed = true;
        }
        self.send()?;
        self.composed = false;
        Ok(())
    }

    fn send(&mut self) -> Result<(), SinkError> {
        self.outbox.send().map_err(|error| SinkError::write("the console", &error))
    }
}

impl<W: Write + Send> Sink for ConsoleSink<W> {
    fn name(&self) -> &'static str {
        "console"
    }

    fn wants_chatter(&self) -> bool {
        self.verbose || self.width.is_some()
    }

    fn accept(&mut self, event: &Event) -> Result<(), SinkError> {
        self.once(|sink| {
            let lines = sink.lines(event);
            if sink.width.is_some() {
                sink.status.observe(event, Instant::now());
            }
            sink.put(lines);
        })
    }

    fn gap(&mut self, gap: Gap) -> Result<(), SinkError> {
        if !self.verbose {
            return Ok(());
        }
        self.once(|sink| {
            let lines = match sink.format {
                Format::Json => vec![Line::default().with(Tone::Plain, json::gap(gap))],
                Format::Pretty | Format::Compact => sink.chatter.gap(gap),
            };
            sink.put(lines);
        })
    }

    fn next_tick(&self) -> Option<Instant> {
        self.width.as_ref().and_then(|_| self.status.next_draw())
    }

    fn tick(&mut self) -> Result<(), SinkError> {
        if let (true, Some(width)) = (self.outbox.is_empty(), &self.width) {
            let bytes = self.status.refresh(Instant::now(), width());
            self.outbox.push(bytes.as_bytes());
        }
        self.send()
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.once(|sink| {
            let lines = sink.chatter.flush();
            let text = sink.text(lines);
            let clear = sink.status.clear();
            sink.outbox.push(format!("{clear}{text}").as_bytes());
        })
    }
}

/// Takes the status line off the terminal, also when the sink is given up or panicked.
impl<W: Write + Send> Drop for ConsoleSink<W> {
    fn drop(&mut self) {
        let clear = self.status.clear();
        if !clear.is_empty() {
            self.outbox.push(clear.as_bytes());
            // There is nobody left to tell of an error.
            drop(self.send());
        }
    }
}
