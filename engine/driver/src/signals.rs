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

/// Ctrl+Z, told before it takes effect: from [`Self::listen`] on it stops the process no more, until
/// this is dropped. Whoever listens does so by [`Self::suspend`].
pub struct Suspends(Signal);

impl Suspends {
    /// Listens from now on; `None` where whoever started us ignores the signal. Must be called within
    /// a runtime.
    ///
    /// # Errors
    ///
    /// Where the handler cannot be installed.
    pub fn listen() -> io::Result<Option<Self>> {
        if is_ignored(libc::SIGTSTP)? {
            return Ok(None);
        }
        signal(SignalKind::from_raw(libc::SIGTSTP)).map(|signal| Some(Self(signal)))
    }

    /// Waits for the next one; false when there will be none.
    pub async fn next(&mut self) -> bool {
        self.0.recv().await.is_some()
    }

    /// Does what the signal does by itself: stops the process until it is continued. Like that it is
    /// the system's to decide whether there is a shell that could.
    pub fn suspend(&self) {
        let listener = set_action(libc::SIGTSTP, &default_action());
        // SAFETY: raise(3) touches no memory of ours.
        #[expect(unsafe_code, reason = "the standard library cannot raise a signal")]
        let _stopped = unsafe { libc::raise(libc::SIGTSTP) };
        if let Ok(listener) = listener {
            let _restored = set_action(libc::SIGTSTP, &listener);
        }
    }
}

impl Drop for Suspends {
    fn drop(&mut self) {
        let _nobody_to_tell = set_action(libc::SIGTSTP, &default_action());
    }
}

fn default_action() -> libc::sigaction {
    // SAFETY: sigaction(2)'s structure is plain numbers, and all zeros is one of its values: the
    // default action, no flags, nothing masked.
    #[expect(unsafe_code, reason = "the structure has no other constructor")]
    unsafe {
        std::mem::zeroed()
    }
}

/// Sets what a signal does; gives what it did before.
fn set_action(signal: c_int, action: &libc::sigaction) -> io::Result<libc::sigaction> {
    let mut before = std::mem::MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: `action` is a whole structure, that of the default action or one that sigaction(2) gave;
    // the call fills `before` where it succeeds, and only then is that read.
    #[expect(unsafe_code, reason = "the standard library cannot set a signal's disposition")]
    unsafe {
        match libc::sigaction(signal, action, before.as_mut_ptr()) {
            0 => Ok(before.assume_init()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}
