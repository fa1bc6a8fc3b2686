//! Who writes to the terminal. Whatever else has something to say hands it over.

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

/// Has stderr written by this one alone.
pub(in crate::output) fn own(owner: Sender<Message>) {
    set(Some(owner));
}

/// Leaves it to anyone again.
pub(in crate::output) fn disown() {
    set(None);
}

/// Has a line written by whoever owns the terminal; gives it back if nobody does.
pub(in crate::output) fn say(line: String) -> Result<(), String> {
    let Some(owner) = sender() else { return Err(line) };
    match owner.send(Message::Line(line)) {
        Ok(()) => Ok(()),
        Err(error) => match error.0 {
            Message::Line(line) => Err(line),
            // It is what was sent.
            _ => Ok(()),
        },
    }
}

/// Has the last line written, below which nothing is painted, and waits for that, but not beyond the limit. Tells whether
/// somebody owns the terminal.
pub(in crate::output) fn say_last(line: &str, limit: Duration) -> bool {
    let Some(owner) = sender() else { return false };
    let (done, written) = sync_channel(1);
    let messages = [Message::Still, Message::Line(line.to_owned()), Message::Written(done)];
    if !messages.into_iter().all(|message| owner.send(message).is_ok()) {
        return false;
    }
    // Whoever does not read it cannot hold up the end.
    let _ = written.recv_timeout(limit);
    true
}
