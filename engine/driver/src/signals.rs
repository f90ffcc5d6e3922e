//! Signals of the operating system as stop requests.

use std::ffi::c_int;
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// Listens to SIGINT, SIGTERM and SIGHUP from now on and hands their names on. From here on none of
/// them ends the process by itself. One that whoever started us ignores (`nohup` does SIGHUP) stays
/// ignored. Must be called within a runtime.
///
/// # Errors
///
/// Where a handler cannot be installed.
pub fn stop_requests() -> io::Result<mpsc::Receiver<String>> {
    let (sender, receiver) = mpsc::channel(8);
    let kinds = [
        (SignalKind::interrupt(), "SIGINT"),
        (SignalKind::terminate(), "SIGTERM"),
        (SignalKind::hangup(), "SIGHUP"),
    ];
    for (kind, name) in kinds {
        if !is_ignored(kind.as_raw_value())? {
            tokio::spawn(forward(signal(kind)?, name, sender.clone()));
        }
    }
    Ok(receiver)
}

/// Lets a write past the file size limit (`ulimit -f`) fail, as one to a full disk does, instead of
/// ending the process. A handler does so, not "ignore": the programs that we start would inherit
/// that. Must be called within a runtime.
///
/// # Errors
///
/// Where the handler cannot be installed.
pub fn outlive_file_size_limit() -> io::Result<()> {
    // The handler stays when the listener goes.
    signal(SignalKind::from_raw(libc::SIGXFSZ)).map(drop)
}

async fn forward(mut signal: Signal, name: &'static str, sender: mpsc::Sender<String>) {
    while signal.recv().await.is_some() {
        // A full queue means that requests enough are waiting already.
        if let Err(mpsc::error::TrySendError::Closed(_)) = sender.try_send(name.to_owned()) {
            return;
        }
    }
}

fn is_ignored(signal: c_int) -> io::Result<bool> {
    let mut now = std::mem::MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: without a new action sigaction(2) changes nothing; it fills `now` where it succeeds,
    // and only then is that read.
    #[expect(unsafe_code, reason = "the standard library cannot ask for a signal's disposition")]
    unsafe {
        match libc::sigaction(signal, std::ptr::null(), now.as_mut_ptr()) {
            0 => Ok(now.assume_init().sa_sigaction == libc::SIG_IGN),
            _ => Err(io::Error::last_os_error()),
        }
    }
}
