//! Bytes on their way out, so that a failed write can be continued where it stopped.

use std::io::{self, Write};

/// A writer with what it has not taken yet.
pub(crate) struct Outbox<W> {
    writer: W,
    unsent: Vec<u8>,
    flushed: bool,
}

impl<W: Write> Outbox<W> {
    pub(crate) const fn new(writer: W) -> Self {
        Self { writer, unsent: Vec::new(), flushed: true }
    }

    /// Whether everything has left.
    pub(crate) const fn is_empty(&self) -> bool {
        self.flushed
    }

    /// Where they go.
    pub(crate) const fn writer(&mut self) -> &mut W {
        &mut self.writer
    }

    /// Puts bytes behind those that wait.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.unsent.extend_from_slice(bytes);
        self.flushed &= bytes.is_empty();
    }

    /// Sends what waits. After an error, what was written is forgotten and the rest still waits.
    pub(crate) fn send(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            match self.writer.write(&self.unsent) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(taken) => drop(self.unsent.drain(..taken)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if !self.flushed {
            self.writer.flush()?;
            self.flushed = true;
        }
        Ok(())
    }
}
