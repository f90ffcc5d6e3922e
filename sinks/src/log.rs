//! The structured log: every fact and decision as a JSON line, appended to a file.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use codeloops_event::{Class, Event};

use crate::json;
use crate::outbox::Outbox;
use crate::sink::{Sink, SinkError};

/// Writes one JSON line for each fact and decision, in the event's own serde form; no chatter.
pub struct LogSink<W> {
    name: String,
    target: String,
    outbox: Outbox<W>,
}

impl LogSink<File> {
    /// Appends to the file at `path`, which is made where there is none.
    pub fn append(name: impl Into<String>, path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        Ok(Self::new(name, format!("`{}`", path.display()), file))
    }
}

impl<W: Write + Send> LogSink<W> {
    /// Writes to any writer; `target` names it in errors.
    pub fn new(name: impl Into<String>, target: impl Into<String>, writer: W) -> Self {
        Self { name: name.into(), target: target.into(), outbox: Outbox::new(writer) }
    }

    fn send(&mut self) -> Result<(), SinkError> {
        self.outbox.send().map_err(|error| SinkError::write(&self.target, &error))
    }
}

impl<W: Write + Send> Sink for LogSink<W> {
    fn name(&self) -> &str {
        &self.name
    }

    fn wants_chatter(&self) -> bool {
        false
    }

    fn accept(&mut self, event: &Event) -> Result<(), SinkError> {
        if event.class() == Class::Chatter {
            return Ok(());
        }
        if self.outbox.is_empty() {
            let mut line = json::line(event);
            line.push('\n');
            self.outbox.push(line.as_bytes());
        }
        self.send()
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.send()
    }
}
