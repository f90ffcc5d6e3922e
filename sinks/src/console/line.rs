//! A line of console text: a label, and text in tones that may become colours.

mod wrapped;

use std::fmt;

use anstyle::{AnsiColor, Style};

use codeloops_event::Role;

use crate::text::printable;

/// One line, without its newline. Whatever stands in it is harmless: there is no other way to make
/// one than through [`printable`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    spans: Vec<Span>,
    ends: Ends,
}

/// Where a line that is too long is broken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Ends {
    /// Where the terminal ends.
    #[default]
    AtTerminal,
    /// There too, but after no more columns than these, also where there is no terminal.
    After(usize),
    /// Where the terminal ends, behind the bar that its label ends with.
    AtBar,
}

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Span {
    tone: Tone,
    text: String,
    /// Whether it is to be copied, so that it may not be broken.
    whole: bool,
}

/// How a piece is meant; the words say it as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// As it is.
    Plain,
    /// Stands out, such as the beginning of a round.
    Heading,
    /// Names who speaks.
    Label,
    /// Went well.
    Good,
    /// Wants a look.
    Attention,
    /// Went wrong.
    Bad,
    /// Matters less.
    Faint,
}

/// Who speaks in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    Codeloops,
    Actor,
    Critic,
    Git,
    Gate,
}

impl Line {
    /// A line that `label` speaks.
    pub(super) fn of(label: Label) -> Self {
        Self::default().with(Tone::Label, label.as_str()).with(Tone::Plain, " ")
    }

    /// Adds a piece; a newline in it becomes a space.
    pub(super) fn with(mut self, tone: Tone, text: impl AsRef<str>) -> Self {
        self.spans.push(Span { tone, text: printable(text.as_ref()), whole: false });
        self
    }

    /// Adds a piece that is to be copied: no line ends within it.
    pub(super) fn with_whole(mut self, tone: Tone, text: impl AsRef<str>) -> Self {
        self.spans.push(Span { tone, text: printable(text.as_ref()), whole: true });
        self
    }

    /// The line as what an agent printed: what is broken off has its label's bar before it.
    pub(super) const fn behind_bar(mut self) -> Self {
        self.ends = Ends::AtBar;
        self
    }

    /// The line as a text to be read: it has no more columns than these anywhere.
    pub(super) const fn at_most(mut self, columns: usize) -> Self {
        self.ends = Ends::After(columns);
        self
    }

    /// Adds what another line says, without its label.
    pub(super) fn and(mut self, other: Self) -> Self {
        self = self.with(Tone::Plain, "; ");
        let said = other.spans.into_iter().skip_while(|span| span.tone == Tone::Label);
        let said = said.skip_while(|span| span.text == " ");
        self.spans.extend(said);
        self
    }

    /// Puts a piece before everything else.
    pub(super) fn after(mut self, tone: Tone, text: String) -> Self {
        self.spans.insert(0, Span { tone, text, whole: false });
        self
    }

    /// The line with colours.
    #[must_use]
    pub fn coloured(&self) -> String {
        self.spans.iter().map(Span::coloured).collect()
    }
}

/// The line without colours.
impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.spans.iter().try_for_each(|span| f.write_str(&span.text))
    }
}

impl Span {
    fn coloured(&self) -> String {
        let style = self.tone.style();
        format!("{style}{}{style:#}", self.text)
    }
}

impl Tone {
    const fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Heading => Style::new().bold(),
            Self::Label => AnsiColor::Cyan.on_default(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Attention => AnsiColor::Yellow.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
            Self::Faint => Style::new().dimmed(),
        }
    }
}

impl Label {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Codeloops => "[codeloops]",
            Self::Actor => "[actor]",
            Self::Critic => "[critic]",
            Self::Git => "[git]",
            Self::Gate => "[gate]",
        }
    }
}

impl From<Role> for Label {
    fn from(role: Role) -> Self {
        match role {
            Role::Actor => Self::Actor,
            Role::Critic => Self::Critic,
        }
    }
}
