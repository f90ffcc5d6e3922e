//! Whole lines on a medium that may run full.

use std::fs::File;
use std::io::{self, Write};

use codeloops_event::Event;

/// Buffer that is kept from line to line; a longer one is given back.
const KEPT_BUFFER: usize = 256 * 1024;

/// What a line log is written on: a file opened for appending, or a test's stand-in.
pub(crate) trait Medium: Write {
    /// Waits until everything written is on the disk.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts everything after the first `len` bytes.
    fn cut(&mut self, len: u64) -> io::Result<()>;
}

impl Medium for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }
}

/// Why a line was not appended.
#[derive(Debug)]
pub(crate) enum AppendError {
    /// The medium refused; what stands on it are whole lines.
    Io(io::Error),
    /// An earlier line stands there in part and could not be cut off; one more line would make the
    /// log unreadable.
    Torn,
}

/// An append-only list of events, one JSON object a line.
pub(crate) struct LineLog<M> {
    medium: M,
    buffer: Vec<u8>,
    /// Bytes of whole lines.
    len: u64,
    torn: bool,
}

impl<M: Medium> LineLog<M> {
    /// A log on an empty medium.
    pub(crate) const fn new(medium: M) -> Self {
        Self { medium, buffer: Vec::new(), len: 0, torn: false }
    }

    /// A log that goes on after these bytes of whole lines; what stands behind them is cut off.
    pub(crate) fn after(mut medium: M, len: u64) -> io::Result<Self> {
        medium.cut(len)?;
        Ok(Self { medium, buffer: Vec::new(), len, torn: false })
    }

    /// Appends one line by a single write, and syncs it where the format promises that.
    pub(crate) fn append(&mut self, event: &Event) -> Result<(), AppendError> {
        if self.torn {
            return Err(AppendError::Torn);
        }
        self.encode(event).map_err(AppendError::Io)?;
        if let Err(error) = self.medium.write_all(&self.buffer) {
            self.torn = self.medium.cut(self.len).is_err();
            return Err(AppendError::Io(error));
        }
        self.len += self.buffer.len() as u64;
        if is_synced(event) {
            self.medium.sync().map_err(AppendError::Io)?;
        }
        Ok(())
    }

    fn encode(&mut self, event: &Event) -> io::Result<()> {
        self.buffer.clear();
        self.buffer.shrink_to(KEPT_BUFFER);
        serde_json::to_writer(&mut self.buffer, event)?;
        self.buffer.push(b'\n');
        Ok(())
    }
}

/// The lines that survive a power cut. A sync may take milliseconds, so progress lines, which a
/// crash of the process cannot lose either, do without.
const fn is_synced(event: &Event) -> bool {
    matches!(event, Event::SessionStart(_) | Event::Iteration(_) | Event::SessionEnd(_))
}

#[cfg(test)]
mod tests {
    use codeloops_event::{DiffFailed, EngineFailed, IterationStarted, StopReason};

    use super::*;

    const FROZEN: &str = include_str!("../tests/fixtures/v1.0/approved.jsonl");

    /// Takes `room` bytes and then no more, as a full disk does.
    struct Disk {
        content: Vec<u8>,
        room: usize,
        writes: u32,
        syncs: u32,
        can_cut: bool,
    }

    impl Disk {
        const fn with_room(room: usize) -> Self {
            Self { content: Vec::new(), room, writes: 0, syncs: 0, can_cut: true }
        }
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.writes += 1;
            let taken = bytes.len().min(self.room - self.content.len());
            if taken == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.content.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Medium for Disk {
        fn sync(&mut self) -> io::Result<()> {
            self.syncs += 1;
            Ok(())
        }

        fn cut(&mut self, len: u64) -> io::Result<()> {
            if !self.can_cut {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            self.content.truncate(usize::try_from(len).unwrap());
            Ok(())
        }
    }

    fn short_line() -> Event {
        let timestamp = "2025-01-27T15:30:45Z".parse().unwrap();
        Event::IterationStarted(IterationStarted { timestamp, elapsed_ms: 0, iteration: 1 })
    }

    fn long_line() -> Event {
        let timestamp = "2025-01-27T15:30:45Z".parse().unwrap();
        let error = "x".repeat(1000);
        Event::DiffFailed(DiffFailed { timestamp, elapsed_ms: 0, iteration: 1, error })
    }

    #[test]
    fn a_full_disk_leaves_whole_lines_and_room_for_a_shorter_one() {
        let mut log = LineLog::new(Disk::with_room(500));
        log.append(&short_line()).unwrap();
        let whole = log.medium.content.clone();

        let refused = log.append(&long_line());
        assert!(
            matches!(refused, Err(AppendError::Io(e)) if e.kind() == io::ErrorKind::StorageFull)
        );
        assert_eq!(log.medium.content, whole);

        log.append(&short_line()).unwrap();
        assert_eq!(log.medium.content, [whole.clone(), whole].concat());
    }

    #[test]
    fn nothing_is_written_behind_a_torn_line() {
        let mut log = LineLog::new(Disk { can_cut: false, ..Disk::with_room(500) });
        assert!(matches!(log.append(&long_line()), Err(AppendError::Io(_))));
        log.medium.room = 10_000;
        assert!(matches!(log.append(&short_line()), Err(AppendError::Torn)));
        assert_eq!(log.medium.content.len(), 500);
    }

    #[test]
    fn progress_lines_are_one_write_and_no_sync() {
        let mut log = LineLog::new(Disk::with_room(10_000));
        log.append(&short_line()).unwrap();
        log.append(&long_line()).unwrap();
        log.append(&Event::EngineFailed(EngineFailed {
            timestamp: "2025-01-27T15:30:45Z".parse().unwrap(),
            elapsed_ms: 0,
            reason: StopReason::InternalError,
            error: "a line\nand another".to_owned(),
        }))
        .unwrap();
        assert_eq!((log.medium.writes, log.medium.syncs), (3, 0));
        assert_eq!(log.medium.content.iter().filter(|b| **b == b'\n').count(), 3);
    }

    #[test]
    fn the_lines_that_must_survive_a_power_cut_are_synced() {
        let mut log = LineLog::new(Disk::with_room(100_000));
        for (at, line) in FROZEN.lines().enumerate() {
            let event: Event = serde_json::from_str(line).unwrap();
            let before = log.medium.syncs;
            log.append(&event).unwrap();
            let must = ["session_start", "iteration", "session_end"].contains(&event.name());
            assert_eq!(log.medium.syncs - before, u32::from(must), "line {at}: {}", event.name());
        }
        assert_eq!(log.medium.syncs, 4, "a start, two rounds and an end");
    }
}
