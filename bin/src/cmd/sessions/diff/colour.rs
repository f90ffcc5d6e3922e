//! A diff as a terminal shows it: its own colours, and within them those of the code.

use std::sync::LazyLock;

use anstyle::{AnsiColor, Style};
use syntect::easy::HighlightLines;
use syntect::highlighting::{Color, FontStyle, Theme};
use syntect::parsing::SyntaxSet;
use two_face::theme::EmbeddedThemeName;

use super::patch::{Kind, Line, Names};
use super::visible;

/// The colours are those of the terminal, so that they suit it, be it light or dark.
static THEME: LazyLock<Theme> =
    LazyLock::new(|| two_face::theme::extra().get(EmbeddedThemeName::Ansi).clone());

/// Bytes of a line up to which its code is coloured: a longer one is made by a program, and slow.
const LONGEST_LINE: usize = 2_000;

/// Colours the lines of a diff, in turn.
pub(super) struct Painter {
    /// None where nothing is to be coloured.
    code: Option<Code>,
}

impl Painter {
    pub(super) fn new(color: bool) -> Self {
        Self { code: color.then(Code::load) }
    }

    /// The line that a terminal shows.
    pub(super) fn paint(&mut self, line: &Line<'_>) -> String {
        let text = String::from_utf8_lossy(line.bytes);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        match &mut self.code {
            None => format!("{}\n", visible(text)),
            Some(code) => format!("{}\n", code.paint(line, text)),
        }
    }
}

/// The syntaxes that are known, and where in the diff we are.
struct Code {
    syntaxes: SyntaxSet,
    names: Names,
    /// None where the file is of no kind that is known.
    state: Option<HighlightLines<'static>>,
}

impl Code {
    /// Takes a while, and memory: only where colours are shown.
    fn load() -> Self {
        Self { syntaxes: two_face::syntax::extra_newlines(), names: Names::default(), state: None }
    }

    fn paint(&mut self, line: &Line<'_>, text: &str) -> String {
        let whole = |style: Style| format!("{style}{}{style:#}", visible(text));
        match line.kind {
            Kind::File | Kind::Head => {
                self.names.observe(line);
                whole(Style::new().bold())
            }
            Kind::Hunk => {
                // What stands before a hunk is not known, so each begins anew.
                self.begin();
                whole(AnsiColor::Cyan.on_default())
            }
            Kind::Removed => whole(AnsiColor::Red.on_default()),
            Kind::Added => {
                let style = AnsiColor::Green.on_default().bold();
                format!("{style}+{style:#}{}", self.code(text))
            }
            Kind::Context => format!(" {}", self.code(text)),
        }
    }

    fn begin(&mut self) {
        let name = self.names.new.trim_matches('"').rsplit('/').next().unwrap_or_default();
        let extension = name.rsplit('.').next().unwrap_or_default();
        let syntax = self.syntaxes.find_syntax_by_extension(name);
        let syntax = syntax.or_else(|| self.syntaxes.find_syntax_by_extension(extension));
        self.state = syntax.map(|syntax| HighlightLines::new(syntax, &THEME));
    }

    /// The code behind the sign of a line.
    fn code(&mut self, text: &str) -> String {
        let code = text.get(1..).unwrap_or_default();
        let state = self.state.as_mut().filter(|_| code.len() <= LONGEST_LINE);
        let line = format!("{code}\n");
        let spans = state.and_then(|state| state.highlight_line(&line, &self.syntaxes).ok());
        let Some(spans) = spans else { return visible(code) };
        let span = |(style, text): (syntect::highlighting::Style, &str)| {
            let style = anstyle_of(style);
            let text = visible(text.trim_end_matches('\n'));
            if text.is_empty() { text } else { format!("{style}{text}{style:#}") }
        };
        spans.into_iter().map(span).collect()
    }
}

/// The theme's colours are those of the terminal, by their numbers.
fn anstyle_of(style: syntect::highlighting::Style) -> Style {
    let has = |font| style.font_style.contains(font);
    let plain = Style::new().fg_color(terminal_color(style.foreground));
    let plain = if has(FontStyle::BOLD) { plain.bold() } else { plain };
    if has(FontStyle::ITALIC) { plain.italic() } else { plain }
}

/// In the theme a colour that is transparent stands for the one of the terminal with that number, and
/// one that nearly is for that of plain text. Its red is left out: here that is what was removed.
fn terminal_color(color: Color) -> Option<anstyle::Color> {
    let of_terminal = (color.a == 0).then_some(anstyle::Ansi256Color(color.r))?.into_ansi()?;
    (of_terminal != AnsiColor::Red).then_some(of_terminal.into())
}
