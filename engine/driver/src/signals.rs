//! Signals of the operating system as stop requests.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// Listens to SIGINT, SIGTERM and SIGHUP from now on and hands their names on. From here on none of
/// them ends the process by itself. Must be called within a runtime.
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
        tokio::spawn(forward(signal(kind)?, name, sender.clone()));
    }
    Ok(receiver)
}

async fn forward(mut signal: Signal, name: &'static str, sender: mpsc::Sender<String>) {
    while signal.recv().await.is_some() {
        // A full queue means that requests enough are waiting already.
        if let Err(mpsc::error::TrySendError::Closed(_)) = sender.try_send(name.to_owned()) {
            return;
        }
    }
}
