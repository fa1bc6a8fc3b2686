//! SIGINT, SIGTERM and SIGHUP; Ctrl-C on Windows.

use std::io;
#[cfg(unix)]
use std::time::Duration;

use nuon_gate_core::Signal;
use tokio::sync::{mpsc, oneshot};

use crate::trouble::Trouble;

/// The signals that end the program.
pub(crate) struct Signals {
    /// The first ends the wait, with a whole report.
    pub(crate) first: mpsc::UnboundedReceiver<Signal>,
    /// The second ends everything at once. It carries the first, whose exit code counts.
    pub(crate) second: oneshot::Receiver<Signal>,
}

/// How often the parent process is checked.
#[cfg(unix)]
const PARENT: Duration = Duration::from_millis(250);

/// Listens to signals, and treats the end of the parent process as one.
pub(crate) fn listen_with_parent() -> Result<Signals, Trouble> {
    listen_to(|sender| {
        follow_parent(sender);
        spawn(sender)
    })
}

/// Listens to signals.
pub(crate) fn listen() -> Result<Signals, Trouble> {
    listen_to(spawn)
}

fn listen_to(spawn: impl FnOnce(&mpsc::UnboundedSender<Signal>) -> io::Result<()>) -> Result<Signals, Trouble> {
    let (sender, mut all) = mpsc::unbounded_channel();
    spawn(&sender).map_err(|error| Trouble::new(format!("cannot listen for signals: {error}")))?;
    let (first_sender, first) = mpsc::unbounded_channel();
    let (second_sender, second) = oneshot::channel();
    tokio::spawn(async move {
        // If the receiver is gone, the program is ending.
        let Some(signal) = all.recv().await else { return };
        let _ = first_sender.send(signal);
        if all.recv().await.is_some() {
            let _ = second_sender.send(signal);
        }
        std::future::pending::<()>().await;
    });
    Ok(Signals { first, second })
}

/// A CI runner that cancels a job signals the process that it started, which may be a shell that passes nothing on,
/// and soon kills both. The end of the shell is then the only sign. A program started with `nohup` is meant to survive
/// its parent.
#[cfg(unix)]
fn follow_parent(sender: &mpsc::UnboundedSender<Signal>) {
    use rustix::process::getppid;
    if is_ignored(tokio::signal::unix::SignalKind::hangup()) {
        return;
    }
    let (parent, sender) = (getppid(), sender.clone());
    tokio::spawn(async move {
        while getppid() == parent && !sender.is_closed() {
            tokio::time::sleep(PARENT).await;
        }
        // There is no receiver any more if the program is ending.
        let _ = sender.send(Signal::Terminate);
    });
}

/// Windows ends a job's processes together.
#[cfg(not(unix))]
fn follow_parent(_: &mpsc::UnboundedSender<Signal>) {}

/// Makes a write beyond the file size limit fail, as on a full disk, instead of ending the process (SIGXFSZ). Has to
/// be called within a runtime.
#[cfg(unix)]
pub(crate) fn survive_file_limits() {
    let kind = rustix::process::Signal::XFSZ.as_raw();
    // The handler stays after its listener is dropped. If it cannot be installed, such a write ends the program, as
    // before.
    let _ = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::from_raw(kind));
}

/// There are no such limits there.
#[cfg(not(unix))]
pub(crate) fn survive_file_limits() {}

#[cfg(unix)]
fn spawn(sender: &mpsc::UnboundedSender<Signal>) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let kinds = [
        (SignalKind::interrupt(), Signal::Interrupt),
        (SignalKind::terminate(), Signal::Terminate),
        (SignalKind::hangup(), Signal::HangUp),
    ];
    for (kind, name) in kinds {
        // A program started with `nohup` is meant to survive SIGHUP. The others are always handled: a shell makes
        // background processes ignore SIGINT, which is what a CI runner sends to cancel a job.
        if name == Signal::HangUp && is_ignored(kind) {
            continue;
        }
        let mut stream = signal(kind)?;
        let sender = sender.clone();
        tokio::spawn(async move { while stream.recv().await.is_some() && sender.send(name).is_ok() {} });
    }
    Ok(())
}

/// Returns whether the program was started with a signal ignored. Only Linux shows that without unsafe code; elsewhere
/// none counts as ignored.
#[cfg(unix)]
pub(crate) fn is_ignored(kind: tokio::signal::unix::SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask & (1 << (kind.as_raw_value() - 1)) != 0
}

#[cfg(windows)]
fn spawn(sender: &mpsc::UnboundedSender<Signal>) -> io::Result<()> {
    let mut stream = tokio::signal::windows::ctrl_c()?;
    let sender = sender.clone();
    tokio::spawn(async move { while stream.recv().await.is_some() && sender.send(Signal::Interrupt).is_ok() {} });
    Ok(())
}
