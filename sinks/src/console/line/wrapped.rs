//! A line that is too long for a terminal, broken between its words.

use console::measure_text_width;

use super::{Ends, Line, Span, Tone};
use crate::text::hang;

/// Columns before something to be copied that has a line to itself.
const WHOLE_INDENT: usize = 2;

/// What stands between a label and what an agent printed.
const BAR: &str = "| ";

/// What no line ends within: pieces without a blank between.
#[derive(Default)]
struct Word<'a> {
    /// Blanks before it.
    blanks: usize,
    pieces: Vec<(Tone, &'a str)>,
    whole: bool,
}

impl Word<'_> {
    fn columns(&self) -> usize {
        self.pieces.iter().map(|(_, text)| measure_text_width(text)).sum()
    }
}

impl Line {
    /// The lines that this one makes on a terminal of so many columns. What follows the first stands
    /// under its words, those of a list item under the words behind its mark. What is to be copied goes
    /// to a line of its own where there is no room for it, and a terminal that is too narrow for that
    /// has to break it.
    pub(in crate::console) fn wrapped(self, columns: usize) -> Vec<Self> {
        let columns = match self.ends {
            Ends::AtTerminal => columns,
            Ends::After(most) => columns.min(most),
            Ends::AtBar => return self.wrapped_at_bar(columns),
        };
        if measure_text_width(&self.to_string()) <= columns {
            return vec![self];
        }
        let (words, hang) = (self.words(), self.hang());
        let (mut lines, mut line, mut taken) = (Vec::new(), Self::default(), 0);
        for word in words {
            let mut blanks = word.blanks;
            if taken > 0 && taken + blanks + word.columns() > columns {
                lines.push(std::mem::take(&mut line));
                taken = 0;
                blanks = if word.whole { WHOLE_INDENT } else { hang };
            }
            taken += blanks + word.columns();
            line.add(blanks, &word);
        }
        lines.push(line);
        lines
    }

    /// What the label speaks, broken by itself. The bar goes on, so that the lines are seen to be one
    /// agent's.
    fn wrapped_at_bar(mut self, columns: usize) -> Vec<Self> {
        let said = self.spans.split_off(self.spans.len().min(1));
        let label = self.to_string();
        let taken = measure_text_width(&label);
        let bar = if label.ends_with(BAR) { BAR } else { "" };
        let continued = format!("{}{bar}", " ".repeat(taken - bar.len()));
        let said = Self { spans: said, ends: Ends::AtTerminal };
        let lines = said.wrapped(columns.saturating_sub(taken)).into_iter().enumerate();
        lines
            .map(|(at, line)| {
                let before = if at == 0 { &label } else { &continued };
                line.after(Tone::Faint, before.clone())
            })
            .collect()
    }

    /// How far in the lines after the first begin.
    fn hang(&self) -> usize {
        match self.spans.first() {
            Some(span) if span.tone == Tone::Label => span.text.len() + 1,
            Some(span) => hang(&span.text),
            None => 0,
        }
    }

    fn words(&self) -> Vec<Word<'_>> {
        let mut words = Vec::new();
        let mut word = Word::default();
        for span in &self.spans {
            if span.whole {
                word.whole = true;
                word.pieces.push((span.tone, &span.text));
                continue;
            }
            for (at, part) in span.text.split(' ').enumerate() {
                if at > 0 {
                    if !word.pieces.is_empty() {
                        words.push(std::mem::take(&mut word));
                    }
                    word.blanks += 1;
                }
                if !part.is_empty() {
                    word.pieces.push((span.tone, part));
                }
            }
        }
        if !word.pieces.is_empty() {
            words.push(word);
        }
        words
    }

    fn add(&mut self, blanks: usize, word: &Word<'_>) {
        let tone = word.pieces.first().map(|(tone, _)| *tone);
        let same = self.spans.last().is_some_and(|last| Some(last.tone) == tone);
        self.push(
            if same { tone.unwrap_or(Tone::Plain) } else { Tone::Plain },
            &" ".repeat(blanks),
        );
        for (tone, text) in &word.pieces {
            self.push(*tone, text);
        }
    }

    /// Adds to the last piece what is in its tone.
    fn push(&mut self, tone: Tone, text: &str) {
        match self.spans.last_mut() {
            _ if text.is_empty() => {}
            Some(last) if last.tone == tone => last.text.push_str(text),
            _ => self.spans.push(Span { tone, text: text.to_owned(), whole: false }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Label;
    use super::*;

    #[track_caller]
    fn check(line: Line, columns: usize, expect: &[&str]) {
        let shown = |line: &Line| line.to_string();
        assert_eq!(line.wrapped(columns).iter().map(shown).collect::<Vec<_>>(), expect);
    }

    fn git(text: &str) -> Line {
        Line::of(Label::Git).with(Tone::Attention, text)
    }

    #[test]
    fn a_line_ends_between_words_and_goes_on_under_its_first_one() {
        check(git("one two three"), 19, &["[git] one two three"]);
        check(git("one two three"), 18, &["[git] one two", "      three"]);
        check(
            git("one two-three-four five"),
            14,
            &["[git] one", "      two-three-four", "      five"],
        );
        check(git("\u{4f60}\u{597d} \u{4f60}"), 11, &["[git] \u{4f60}\u{597d}", "      \u{4f60}"]);
        check(Line::default().with(Tone::Plain, "   a b  c d"), 9, &["   a b  c", "   d"]);
    }

    #[test]
    fn pieces_without_a_blank_between_stay_together() {
        let line = git("say ").with(Tone::Good, "DONE").with(Tone::Plain, "; then");
        check(line, 14, &["[git] say", "      DONE;", "      then"]);
    }

    #[test]
    fn what_is_to_be_copied_is_not_broken() {
        let kill = || git("to end it: ").with_whole(Tone::Attention, "kill 1 2 3");
        check(kill(), 27, &["[git] to end it: kill 1 2 3"]);
        check(kill(), 26, &["[git] to end it:", "  kill 1 2 3"]);
        check(kill(), 8, &["[git] to", "      end", "      it:", "  kill 1 2 3"]);
    }

    #[test]
    fn what_an_agent_printed_goes_on_behind_the_bar() {
        let printed = |text: &str| {
            Line::default().with(Tone::Faint, "[actor] | ").with(Tone::Plain, text).behind_bar()
        };
        check(printed("one two three"), 23, &["[actor] | one two three"]);
        check(printed("one two three"), 22, &["[actor] | one two", "        | three"]);
        check(printed("  let a = b;"), 18, &["[actor] |   let a", "        |   = b;"]);
        check(printed("- one two"), 15, &["[actor] | - one", "        |   two"]);
        check(printed("/a/long/path"), 20, &["[actor] | /a/long/path"]);
        check(printed(""), 10, &["[actor] | "]);
        let skipped = Line::default().with(Tone::Faint, "[codeloops] ").behind_bar();
        let skipped = skipped.with(Tone::Attention, "... 5 bytes left out ...");
        check(skipped, 26, &["[codeloops] ... 5 bytes", "            left out ..."]);
    }

    #[test]
    fn a_text_to_be_read_is_broken_once_and_a_list_item_behind_its_mark() {
        let text = |text: &str| Line::default().with(Tone::Plain, text).at_most(14);
        check(text("   one two three"), usize::MAX, &["   one two", "   three"]);
        check(text("   one two three"), 9, &["   one", "   two", "   three"]);
        check(text(" - one two three"), 99, &[" - one two", "   three"]);
        check(text(" 10. one two six"), 99, &[" 10. one two", "     six"]);
    }

    #[test]
    fn a_tone_goes_on_over_the_break() {
        let lines = git("one two").wrapped(11);
        assert_eq!(lines[1].coloured(), "      \u{1b}[33mtwo\u{1b}[0m");
    }
}
