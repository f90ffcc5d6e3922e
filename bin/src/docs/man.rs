//! The manual: a page for each command, from the same tables as the book.

use clap::{Arg, Command};
use roff::{Inline, Roff, bold, italic, roman};

use super::examples::EXAMPLES;
use super::surroundings::{FILES, GIVEN, READ};
use crate::app::VALUES;
use crate::exit_code;
use crate::surface::{Told, about, documented, option_groups};

/// A page of section 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManPage {
    /// Its name, such as `codeloops-run`.
    pub name: String,
    /// It in the language of `man`.
    pub text: String,
}

/// Every page, that of `codeloops` first.
#[must_use]
pub fn manual() -> Vec<ManPage> {
    let root = documented();
    let mut pages = Vec::new();
    pages_of(&root, &mut pages);
    pages
}

/// The page of a command, and of those below it.
fn pages_of(command: &Command, pages: &mut Vec<ManPage>) {
    let name = page_name(command);
    let mut page = Page::new(&name);
    what_it_does(&mut page, command);
    arguments(&mut page, command);
    page.commands("COMMANDS", command.get_subcommands());
    page.list("EXIT STATUS", exit_code::TABLE.iter().map(|e| (e.code.to_string(), e.meaning)));
    if is_root(command) {
        surroundings(&mut page);
    }
    examples(&mut page, command);
    see_also(&mut page, command);
    pages.push(ManPage { name, text: page.0.render() });
    command.get_subcommands().for_each(|command| pages_of(command, pages));
}

fn is_root(command: &Command) -> bool {
    command.get_display_name().is_none_or(|name| name == command.get_name())
}

fn page_name(command: &Command) -> String {
    command.get_display_name().unwrap_or(command.get_name()).to_owned()
}

/// The words that call a command.
fn call(command: &Command) -> &str {
    command.get_bin_name().unwrap_or(command.get_name())
}

fn what_it_does(page: &mut Page, command: &Command) {
    page.section("NAME");
    page.0.text([roman(format!("{} - {}", page_name(command), about(command)))]);
    page.section("SYNOPSIS");
    let usage = command.clone().render_usage().to_string();
    let operands = usage.split_once(call(command)).map_or("", |(_, rest)| rest.trim_end());
    page.0.text([bold(call(command)), roman(operands)]);
    page.section("DESCRIPTION");
    page.text(&format!("{}.", about(command)));
    if is_root(command) {
        page.paragraph("Without a command, `codeloops` means `codeloops run`.");
        page.paragraph("Options win over the project's configuration, and that wins over yours.");
    }
}

fn arguments(page: &mut Page, command: &Command) {
    if command.get_positionals().next().is_some() {
        page.section("ARGUMENTS");
        command.get_positionals().for_each(|arg| page.argument(arg));
    }
    page.section("OPTIONS");
    let groups = option_groups(command);
    if groups.iter().flat_map(|(_, args)| args).any(|arg| has_unit(arg)) {
        page.text(VALUES);
    }
    for (heading, args) in groups {
        if let Some(heading) = heading {
            page.0.control("SS", [heading]);
        }
        args.into_iter().for_each(|arg| page.argument(arg));
    }
}

fn has_unit(arg: &Arg) -> bool {
    Told::from(arg).value.is_some_and(|value| ["TIME", "SIZE"].contains(&value.as_str()))
}

fn surroundings(page: &mut Page) {
    page.list("ENVIRONMENT", READ.iter().copied());
    page.paragraph("The agents of a run are given:");
    page.entries(GIVEN.iter().copied());
    page.list("FILES", FILES.iter().copied());
}

/// The page of `codeloops` shows those of `codeloops run`, which it stands for.
fn examples(page: &mut Page, command: &Command) {
    let of = if is_root(command) { "codeloops run" } else { call(command) };
    let Some((_, examples)) = EXAMPLES.iter().find(|(command, _)| *command == of) else { return };
    page.section("EXAMPLES");
    page.0.control("nf", []).text([roman(*examples)]).control("fi", []);
}

fn see_also(page: &mut Page, command: &Command) {
    if !is_root(command) {
        page.section("SEE ALSO");
        page.0.text([bold("codeloops"), roman("(1)")]);
    }
}

/// A page that grows from top to bottom.
struct Page(Roff);

impl Page {
    fn new(name: &str) -> Self {
        let mut roff = Roff::new();
        let release = concat!("codeloops ", env!("CARGO_PKG_VERSION"));
        // Without a date: the same source gives the same page.
        let head = [&name.to_uppercase(), "1", "\"\"", release, "codeloops manual"];
        roff.control("TH", head);
        Self(roff)
    }

    fn section(&mut self, heading: &str) {
        self.0.control("SH", [heading]);
    }

    /// Text with words in backquotes.
    fn text(&mut self, text: &str) {
        self.0.text(inlines(text));
    }

    fn paragraph(&mut self, text: &str) {
        self.0.control("PP", []);
        self.text(text);
    }

    fn argument(&mut self, arg: &Arg) {
        let told = Told::from(arg);
        self.0.control("TP", []).text(term(&told));
        self.text(&description(&told));
    }

    /// A section of names and what they are.
    fn list(
        &mut self,
        heading: &str,
        entries: impl Iterator<Item = (impl Into<String>, &'static str)>,
    ) {
        self.section(heading);
        self.entries(entries);
    }

    fn entries(&mut self, entries: impl Iterator<Item = (impl Into<String>, &'static str)>) {
        for (name, what) in entries {
            self.0.control("TP", []).text([bold(name)]);
            self.text(what);
        }
    }

    fn commands<'a>(&mut self, heading: &str, commands: impl Iterator<Item = &'a Command>) {
        let mut commands = commands.peekable();
        if commands.peek().is_some() {
            self.section(heading);
        }
        for command in commands {
            self.0.control("TP", []).text([bold(page_name(command)), roman("(1)")]);
            self.text(&format!("{}.", about(command)));
        }
    }
}

/// `-n, --max-iterations N`.
fn term(told: &Told) -> Vec<Inline> {
    let mut term = vec![bold(told.names.join(", "))];
    if let Some(value) = &told.value {
        let blank = if told.names.is_empty() { "" } else { " " };
        term.extend([roman(blank), italic(value)]);
    }
    term
}

fn description(told: &Told) -> String {
    let default = told.default.as_ref().map(|default| format!(" (default: {default})"));
    format!("{}{}.", told.what, default.unwrap_or_default())
}

/// What stands between backquotes in bold.
fn inlines(text: &str) -> Vec<Inline> {
    let parts = text.split('`').enumerate().filter(|(_, part)| !part.is_empty());
    parts.map(|(at, part)| if at % 2 == 1 { bold(part) } else { roman(part) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_its_page() {
        let names: Vec<String> = manual().into_iter().map(|page| page.name).collect();
        assert_eq!(
            names,
            [
                "codeloops",
                "codeloops-run",
                "codeloops-sessions",
                "codeloops-sessions-list",
                "codeloops-sessions-show",
                "codeloops-sessions-diff",
                "codeloops-sessions-export",
                "codeloops-sessions-export-traces",
                "codeloops-sessions-stats",
                "codeloops-sessions-prune",
                "codeloops-sessions-path",
                "codeloops-runs",
                "codeloops-runs-list",
                "codeloops-runs-show",
                "codeloops-replay",
                "codeloops-restore",
                "codeloops-verify",
                "codeloops-receipt",
                "codeloops-fork",
                "codeloops-init",
                "codeloops-doctor",
                "codeloops-demo",
                "codeloops-completions",
                "codeloops-man",
            ]
        );
    }

    #[test]
    fn a_page_tells_what_a_reader_looks_for() {
        let pages = manual();
        for section in ["EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES"] {
            let heading = format!("\n.SH {section}\n").replace("EXIT STATUS", "\"EXIT STATUS\"");
            assert!(pages[0].text.contains(&heading), "{section}");
        }
        let page = pages.into_iter().find(|page| page.name == "codeloops-sessions-list").unwrap();
        insta::assert_snapshot!(page.text.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
    }
}
