//! The program as a job of a shell, which can be stopped (Ctrl-Z) and go on later.

use std::io;
use std::sync::mpsc::Sender;

use rustix::process::{Signal, getpgrp, getpid, getsid, kill_process};
use rustix::termios::tcgetpgrp;
use tokio::signal::unix::{SignalKind, signal};

use super::Message;
use crate::signals::is_ignored;

/// Notifies the writer when the program is stopped or continued, and when the terminal is resized. Has to be called within a
/// runtime.
pub(super) fn listen(writer: &Sender<Message>) {
    let kind = |signal: Signal| SignalKind::from_raw(signal.as_raw());
    forward(kind(Signal::WINCH), || Message::Resized, writer);
    if !is_ignored(kind(Signal::TSTP)) {
        forward(kind(Signal::TSTP), || Message::Suspend, writer);
        forward(kind(Signal::CONT), || Message::Resume, writer);
    }
}

fn forward(kind: SignalKind, message: fn() -> Message, writer: &Sender<Message>) {
    // Without a listener the signal stops the program as usual; the live view is repainted all the same.
    let Ok(mut signals) = signal(kind) else { return };
    let writer = writer.clone();
    tokio::spawn(async move { while signals.recv().await.is_some() && writer.send(message()).is_ok() {} });
}

/// Stops the program, as the caught signal would have, and returns whether it was stopped. Where no shell could continue it,
/// as in a container of its own, the system drops the signal.
pub(super) fn stop() -> bool {
    let is_job = getsid(None).is_ok_and(|session| session != getpgrp());
    is_job && kill_process(getpid(), Signal::STOP).is_ok()
}

/// Returns whether the program is in the foreground of its terminal. Without job control it is.
pub(super) fn is_in_front() -> bool {
    tcgetpgrp(io::stderr()).map_or(true, |front| front == getpgrp())
}
