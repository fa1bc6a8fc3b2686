//! The one writer of stderr during a run; other code sends it its lines.

use std::io::{self, Write as _};
use std::sync::mpsc::{Sender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Message;

static OWNER: Mutex<Option<Sender<Message>>> = Mutex::new(None);

fn set(owner: Option<Sender<Message>>) {
    *OWNER.lock().unwrap_or_else(PoisonError::into_inner) = owner;
}

fn sender() -> Option<Sender<Message>> {
    OWNER.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Makes this the only writer of stderr.
pub(in crate::output) fn own(owner: Sender<Message>) {
    set(Some(owner));
}

/// Ends that: lines go straight to stderr again.
pub(in crate::output) fn disown() {
    set(None);
}

/// Sends a line to the writer, or writes it to stderr if there is none.
pub(in crate::output) fn say(line: &str) -> io::Result<()> {
    match sender().map(|owner| owner.send(Message::Line(line.to_owned()))) {
        Some(Ok(())) => Ok(()),
        // Its thread has ended, as after an error of that stream.
        Some(Err(_)) | None => writeln!(io::stderr().lock(), "{line}"),
    }
}

/// Flushes the writer, removes the live view and ends the writer's ownership, waiting at most `limit`. Returns whether there
/// was a writer.
pub(in crate::output) fn settle(last: Option<String>, limit: Duration) -> bool {
    let Some(owner) = sender() else { return false };
    let (done, written) = sync_channel(1);
    let last = last.map(Message::Line);
    let messages = [Message::Still].into_iter().chain(last).chain([Message::Written(done)]);
    let is_there = messages.into_iter().all(|message| owner.send(message).is_ok());
    if is_there {
        // A slow reader cannot delay the end.
        let _ = written.recv_timeout(limit);
    }
    disown();
    is_there
}
