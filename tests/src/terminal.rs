//! A process on a terminal: a pseudo-terminal, and what was written to it.

use std::fs::File;
use std::io::Read;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::redact::Redaction;
use crate::run::wait_until;

/// A process whose standard output is a terminal of 100 columns.
pub struct OnTerminal {
    child: Child,
    reader: JoinHandle<()>,
    written: Arc<Mutex<Vec<u8>>>,
    redaction: Redaction,
}

impl OnTerminal {
    pub(crate) fn start(mut command: Command, redaction: Redaction) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let size = Winsize { ws_row: 40, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&master, size).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let slave = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        // The command goes away with this function: the process alone has the terminal open.
        let child = command.stdout(slave).spawn().unwrap();
        let written = Arc::default();
        let to = Arc::clone(&written);
        let reader = std::thread::spawn(move || read_all(File::from(master), &to));
        Self { child, reader, written, redaction }
    }

    /// Waits until a text was written.
    ///
    /// # Panics
    /// Where it never is.
    #[track_caller]
    pub fn wait_for(&self, text: &str) {
        wait_until(text, || self.written().contains(text));
    }

    /// Waits for its end, which must be a success, and gives all that was written, redacted.
    ///
    /// # Panics
    /// Where it fails.
    #[must_use]
    #[track_caller]
    pub fn wait(mut self) -> String {
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
        let written = Arc::clone(&self.written);
        self.reader.join().unwrap();
        let written = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        self.redaction.apply(&written)
    }

    fn written(&self) -> String {
        String::from_utf8_lossy(&self.written.lock().unwrap()).into_owned()
    }
}

/// Reading fails once the other end is closed, which is the end here.
fn read_all(mut master: File, to: &Mutex<Vec<u8>>) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = master.read(&mut bytes) {
        to.lock().unwrap().extend(&bytes[..count]);
    }
}
