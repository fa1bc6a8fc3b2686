//! What happens is told by the names of the targets. These are read while the wait has begun, so what happens meanwhile is kept
//! back for a moment; the wait itself never is.

use std::cell::RefCell;
use std::pin::pin;
use std::time::Duration;

use nuon_gate_core::WorkflowId;
use nuon_gate_core::names::Names;
use nuon_gate_core::watch::{Event, EventKind};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::output::Outputs;

/// How long anything is kept back.
const MOMENT: Duration = Duration::from_secs(1);

/// Outputs that wait for names.
pub(super) struct Telling {
    outputs: Outputs,
    /// Whether names may still come.
    are_expected: bool,
    /// What has not been told yet.
    kept: Vec<Event>,
    /// Until when it is kept, if it is.
    until: watch::Sender<Option<Instant>>,
}

impl Telling {
    /// Keeps nothing back unless names are `expected`.
    pub(super) fn new(outputs: Outputs, are_expected: bool) -> Self {
        Self { outputs, are_expected, kept: Vec::new(), until: watch::Sender::new(None) }
    }

    /// What happens from now on is kept until names come, or for a moment.
    pub(super) fn keep(&mut self) {
        if self.are_expected {
            self.until.send_replace(Some(Instant::now() + MOMENT));
        }
    }

    pub(super) fn event(&mut self, event: &Event) {
        self.outputs.mask();
        if matches!(event.kind, EventKind::Started { .. }) {
            self.keep();
        }
        self.kept.push(event.clone());
        if self.until.borrow().is_none() {
            self.tell();
        }
    }

    pub(super) fn outputs(&mut self) -> &mut Outputs {
        &mut self.outputs
    }

    /// A workflow is being cancelled, which is told after all that led to it.
    pub(super) fn cancelling(&mut self, workflow: &WorkflowId) {
        self.tell();
        self.outputs.cancelling(workflow);
    }

    /// Tells what has been kept.
    fn tell(&mut self) {
        self.until.send_replace(None);
        self.kept.drain(..).for_each(|event| self.outputs.event(&event));
    }

    /// Tells it by these names, and everything else from now on.
    fn name(&mut self, names: &Names) {
        self.are_expected = false;
        // It is the first event that says which targets there are.
        self.tell_started();
        self.outputs.name(names);
        self.tell();
    }

    fn tell_started(&mut self) {
        let started = self.kept.iter().take_while(|event| matches!(event.kind, EventKind::Started { .. })).count();
        self.kept.drain(..started).for_each(|event| self.outputs.event(&event));
    }

    /// Returns the outputs once all is told, by these names.
    pub(super) fn end(mut self, names: &Names) -> Outputs {
        self.name(names);
        self.outputs
    }
}

/// Tells, while something else goes on, what is kept back: when the names come, or when it has been kept for long enough.
pub(super) async fn beside<T>(
    telling: &RefCell<Telling>,
    mut names: watch::Receiver<Option<Names>>,
    run: impl Future<Output = T>,
) -> T {
    let mut run = pin!(run);
    let mut until = telling.borrow().until.subscribe();
    let mut are_expected = true;
    loop {
        let due = *until.borrow_and_update();
        tokio::select! {
            biased;
            outcome = &mut run => return outcome,
            Ok(()) = until.changed() => {}
            Ok(read) = names.wait_for(Option::is_some), if are_expected => {
                are_expected = false;
                read.iter().for_each(|names| telling.borrow_mut().name(names));
            }
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => telling.borrow_mut().tell(),
        }
    }
}
