//! A terminal for a process: a pseudo-terminal, and what was written to it.

use std::fs::File;
use std::io::Read;
use std::process::Command;
use std::thread::JoinHandle;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// A terminal of 100 columns.
pub(crate) struct Terminal {
    reader: JoinHandle<Vec<u8>>,
}

impl Terminal {
    /// Connects standard output of a command to a new terminal.
    pub(crate) fn for_stdout(command: &mut Command) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let size = Winsize { ws_row: 40, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&master, size).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let slave = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        command.stdout(slave);
        Self { reader: std::thread::spawn(move || read_to_end(File::from(master))) }
    }

    /// All that was written, once nobody has it open any more.
    pub(crate) fn written(self) -> String {
        String::from_utf8(self.reader.join().unwrap()).unwrap()
    }
}

/// Reading fails once the other end is closed, which is the end here.
fn read_to_end(mut master: File) -> Vec<u8> {
    let mut bytes = Vec::new();
    drop(master.read_to_end(&mut bytes));
    bytes
}
