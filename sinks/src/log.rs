//! The structured log: every fact and decision as a JSON line, appended to a file.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use codeloops_event::{Class, Event};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;

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
    /// Appends to the file at `path`, which is made where there is none, for the user alone: it
    /// holds prompts and answers. A pipe is taken where somebody reads it.
    pub fn append(name: impl Into<String>, path: &Path) -> io::Result<Self> {
        // To open a pipe would otherwise wait for a reader.
        let at_once = OFlags::NONBLOCK.bits().cast_signed();
        let mut options = OpenOptions::new();
        let file = options.append(true).create(true).mode(0o600).custom_flags(at_once).open(path);
        let file = file.map_err(|error| match error.raw_os_error() {
            Some(code) if code == Errno::NXIO.raw_os_error() => {
                io::Error::other("nobody reads this pipe")
            }
            _ => error,
        })?;
        fcntl_setfl(&file, fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
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

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::samples;
    use crate::testing::FullDisk;

    #[test]
    fn a_pipe_that_nobody_reads_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pipe");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        let kind = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, &path, kind, mode, 0).unwrap();
        let refused = LogSink::append("log", &path).err().unwrap();
        assert_eq!(refused.to_string(), "nobody reads this pipe");

        let flags = OFlags::RDONLY | OFlags::NONBLOCK;
        let reader = rustix::fs::open(&path, flags, rustix::fs::Mode::empty()).unwrap();
        assert!(LogSink::append("log", &path).is_ok());
        drop(reader);
    }

    #[test]
    fn a_log_is_appended_to_and_holds_facts_and_decisions() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.log");
        let events = samples::first_session();
        for _ in 0..2 {
            let mut sink = LogSink::append("log-file", &path).unwrap();
            for event in events.iter().chain(&[samples::actor_output("chatter")]) {
                sink.accept(event).unwrap();
            }
            sink.finish().unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let read: Vec<Event> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(read, [&events[..], &events[..]].concat());
    }

    #[test]
    fn a_new_log_is_for_the_user_alone_and_one_that_is_there_keeps_its_mode() {
        let dir = tempfile::tempdir().unwrap();
        let mode_after = |path: &Path| {
            drop(LogSink::append("log-file", path).unwrap());
            path.metadata().unwrap().permissions().mode() & 0o777
        };
        assert_eq!(mode_after(&dir.path().join("new.log")), 0o600);
        let shared = dir.path().join("shared.log");
        std::fs::write(&shared, "").unwrap();
        std::fs::set_permissions(&shared, Permissions::from_mode(0o640)).unwrap();
        assert_eq!(mode_after(&shared), 0o640);
    }

    #[test]
    fn a_full_disk_is_an_error_that_names_the_target() {
        let mut sink = FullDisk::new(10).log();
        let error = sink.accept(&samples::iteration_started(1)).unwrap_err();
        assert!(error.to_string().starts_with("cannot write to a full disk: "), "{error}");
    }
}
