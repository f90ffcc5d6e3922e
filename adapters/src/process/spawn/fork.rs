//! By the standard library. It forks, which copies what describes our memory, page by page.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::Pid;

use super::{Invocation, ItsEnds};

pub(super) fn spawn(invocation: &Invocation, [stdin, stdout, stderr]: ItsEnds) -> io::Result<Pid> {
    let mut command = Command::new(&invocation.program);
    command.args(&invocation.args).current_dir(&invocation.dir);
    for (name, value) in &invocation.env {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.stdin(stdin).stdout(stdout).stderr(stderr);
    let setsid = || rustix::process::setsid().map(drop).map_err(io::Error::from);
    // SAFETY: between fork and exec only setsid(2) is called, which is async-signal-safe; the
    // closure allocates nothing and takes no lock.
    #[expect(unsafe_code, reason = "the standard library has no safe way to call setsid")]
    unsafe {
        command.pre_exec(setsid);
    }
    // Whoever gets its id waits for it.
    let child = command.spawn()?;
    super::pid(i32::try_from(child.id()).unwrap_or_default())
}
