//! SIGINT, SIGTERM and SIGHUP; Ctrl-C on Windows.

use std::io;

use nuon_gate_core::Signal;
use tokio::sync::{mpsc, oneshot};

/// The signals that end the program.
pub(crate) struct Signals {
    /// The first ends the wait, with a whole report.
    pub(crate) first: mpsc::UnboundedReceiver<Signal>,
    /// The second ends everything at once. It brings the first, whose exit code counts.
    pub(crate) second: oneshot::Receiver<Signal>,
}

/// Begins to listen.
pub(crate) fn listen() -> io::Result<Signals> {
    let (sender, mut all) = mpsc::unbounded_channel();
    spawn(&sender)?;
    let (first_sender, first) = mpsc::unbounded_channel();
    let (second_sender, second) = oneshot::channel();
    tokio::spawn(async move {
        // A receiver that is gone means that the program is over.
        let Some(signal) = all.recv().await else { return };
        let _ = first_sender.send(signal);
        if all.recv().await.is_some() {
            let _ = second_sender.send(signal);
        }
        std::future::pending::<()>().await;
    });
    Ok(Signals { first, second })
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
