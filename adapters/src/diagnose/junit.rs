//! Reports of test runners as XML, in the form that JUnit made usual (recordings: pytest 9.2,
//! cargo-nextest 0.9.143, vitest 4.1). A document type is passed over, so that no entity of its own
//! is ever expanded.

use std::io::{self, BufRead, Read};
use std::path::Path;

use codeloops_event::{Failure, FailureCategory};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::Diagnosis;
use super::found::{Found, Known, failure};
use super::panic::Panics;
use super::place::{Place, number};
use crate::text::lossy;

/// Of a longer report, the beginning is read.
const MAX_REPORT: u64 = 16 * 1024 * 1024;

/// Bytes of what is said within an element that are looked at.
const MAX_TEXT: usize = 16 * 1024;

pub(super) fn read(xml: &mut dyn BufRead, working_dir: &Path) -> io::Result<Diagnosis> {
    let mut bytes = Vec::new();
    xml.take(MAX_REPORT).read_to_end(&mut bytes)?;
    let mut found = Found::new(working_dir);
    Report::default().read(&lossy(&bytes), &mut found);
    Ok(found.into_diagnosis())
}

/// Where in the report we are.
#[derive(Default)]
struct Report {
    /// The element of the outside, which says what the file is.
    begun: bool,
    case: Option<Case>,
    /// What is said within the failure that is open.
    text: Option<String>,
}

#[derive(Default)]
struct Case {
    name: String,
    file: Option<String>,
    line: Option<u32>,
    /// What its failure says beside its text.
    message: Option<String>,
    failed: bool,
    details: String,
}

impl Report {
    fn read(&mut self, xml: &str, found: &mut Found<'_>) {
        let mut reader = Reader::from_str(xml.trim_start_matches('\u{feff}').trim_start());
        // What is broken off or not well formed is read as far as it goes.
        while let Ok(event) = reader.read_event() {
            match event {
                Event::Eof => break,
                Event::Start(element) => self.open(&element, false, found),
                Event::Empty(element) => self.open(&element, true, found),
                Event::End(element) => self.close(element.local_name().as_ref(), found),
                Event::Text(text) => self.say(&text),
                Event::CData(text) => self.say(&text),
                Event::GeneralRef(name) => self.say(character(&name).as_str()),
                _ => {}
            }
            if self.begun && self.case.is_none() && self.text.is_some() {
                self.text = None;
            }
        }
        self.close("testcase", found);
    }

    fn open(&mut self, element: &BytesStart<'_>, empty: bool, found: &mut Found<'_>) {
        let name = element.local_name();
        match name.as_ref() {
            "testsuites" | "testsuite" => self.begun = true,
            "testcase" if self.begun => {
                self.case = Some(Case::of(element));
                if empty {
                    self.close("testcase", found);
                }
            }
            // What passed when it was tried again has other elements.
            "failure" | "error" => {
                let Some(case) = &mut self.case else { return };
                case.failed = true;
                if case.message.is_none() {
                    case.message = attribute(element, "message").or(attribute(element, "type"));
                }
                self.text = (!empty && case.details.is_empty()).then(String::new);
            }
            _ => {}
        }
    }

    fn say(&mut self, text: &str) {
        let Some(said) = &mut self.text else { return };
        let room = MAX_TEXT.saturating_sub(said.len());
        said.push_str(crate::text::beginning(text, room));
    }

    fn close(&mut self, name: &str, found: &mut Found<'_>) {
        match name {
            "failure" | "error" => {
                if let (Some(case), Some(text)) = (&mut self.case, self.text.take()) {
                    case.details = text;
                }
            }
            "testcase" => {
                let case = self.case.take().filter(|case| case.failed);
                case.into_iter().for_each(|case| found.add(case.told()));
            }
            _ => {}
        }
    }
}

impl Case {
    fn of(element: &BytesStart<'_>) -> Self {
        let class = attribute(element, "classname").unwrap_or_default();
        let name = attribute(element, "name").unwrap_or_default();
        Self {
            name: full_name(&class, &name),
            file: attribute(element, "file"),
            line: attribute(element, "line").and_then(|line| Some(number(&line)?.0)),
            ..Self::default()
        }
    }

    fn told(self) -> Failure {
        let said = self.details.lines().map(str::trim).find(|line| !line.is_empty());
        let message = self.message.as_deref().and_then(|message| message.lines().next());
        let message = message.filter(|text| !text.is_empty()).or(said).unwrap_or("failed");
        let mut panics = Panics::default();
        for line in self.details.lines() {
            panics.line(line);
        }
        let panic = panics.last().filter(|panic| !panic.message.is_empty());
        let message = panic.map_or(message, |panic| &panic.message);
        let told = failure(FailureCategory::Test, message).called(&self.name);
        if let Some(file) = &self.file {
            return told.at(&Place { line: self.line, ..Place::file(file) });
        }
        let places: Vec<Place<'_>> = self.details.lines().filter_map(Place::within).collect();
        // Python tells the innermost place last.
        let is_python = places.first().is_some_and(|place| place.extension() == "py");
        let place = if is_python { places.last() } else { places.first() };
        match place {
            Some(place) => told.at(place),
            None => told,
        }
    }
}

/// The name by which the runner's own output calls the test, as nearly as can be.
fn full_name(class: &str, name: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric() || "._$".contains(c);
    match class {
        "" => name.to_owned(),
        class if class == name => name.to_owned(),
        class if class.contains('/') => format!("{class} > {name}"),
        class if class.contains('.') && class.chars().all(is_word) => format!("{class}.{name}"),
        class => format!("{class} {name}"),
    }
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = element.try_get_attribute(name).ok()??;
    let value = attribute.normalized_value(XmlVersion::Implicit1_0);
    let value = value.unwrap_or_else(|_| attribute.value.clone());
    Some(value.into_owned())
}

/// What a reference stands for, where every reader of XML knows it.
fn character(name: &quick_xml::events::BytesRef<'_>) -> String {
    let known = match name.as_ref() {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => name.resolve_char_ref().ok().flatten(),
    };
    known.map(String::from).unwrap_or_default()
}
