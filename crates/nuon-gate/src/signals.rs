//! SIGINT, SIGTERM and SIGHUP; Ctrl-C on Windows.

use std::io;

use nuon_gate_core::Signal;
use tokio::sync::mpsc;

/// Begins to listen. Signals arrive in the order in which they came.
pub(crate) fn listen() -> io::Result<mpsc::UnboundedReceiver<Signal>> {
    let (sender, receiver) = mpsc::unbounded_channel();
    spawn(&sender)?;
    Ok(receiver)
}

#[cfg(unix)]
fn spawn(sender: &mpsc::UnboundedSender<Signal>) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let kinds = [
        (SignalKind::interrupt(), Signal::Interrupt),
        (SignalKind::terminate(), Signal::Terminate),
        (SignalKind::hangup(), Signal::HangUp),
    ];
    for (kind, name) in kinds {
        let mut stream = signal(kind)?;
        let sender = sender.clone();
        tokio::spawn(async move { while stream.recv().await.is_some() && sender.send(name).is_ok() {} });
    }
    Ok(())
}

#[cfg(windows)]
fn spawn(sender: &mpsc::UnboundedSender<Signal>) -> io::Result<()> {
    let mut stream = tokio::signal::windows::ctrl_c()?;
    let sender = sender.clone();
    tokio::spawn(async move { while stream.recv().await.is_some() && sender.send(Signal::Interrupt).is_ok() {} });
    Ok(())
}
