//! Buffers the events of the first second until the names of the targets are known, so that outputs can use names. The
//! wait itself is never delayed.

use std::cell::RefCell;
use std::pin::pin;
use std::time::Duration;

use nuon_gate_core::WorkflowId;
use nuon_gate_core::names::Names;
use nuon_gate_core::watch::{Event, EventKind};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::output::Outputs;

/// The longest time for which events are kept.
const MOMENT: Duration = Duration::from_secs(1);

/// Outputs that keep events until the names are known.
pub(super) struct BufferedOutputs {
    outputs: Outputs,
    /// Whether names may still come.
    are_expected: bool,
    /// The events that have not been written yet.
    kept: Vec<Event>,
    /// Until when they are kept, if they are.
    until: watch::Sender<Option<Instant>>,
}

impl BufferedOutputs {
    /// Keeps nothing unless names are expected.
    pub(super) fn new(outputs: Outputs, are_expected: bool) -> Self {
        Self { outputs, are_expected, kept: Vec::new(), until: watch::Sender::new(None) }
    }

    /// Keeps events from now on until names come, or for a second.
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
            self.flush();
        }
    }

    pub(super) fn outputs(&mut self) -> &mut Outputs {
        &mut self.outputs
    }

    /// Reports that a workflow is being cancelled, after the events that led to it.
    pub(super) fn cancelling(&mut self, workflow: &WorkflowId) {
        self.flush();
        self.outputs.cancelling(workflow);
    }

    /// Writes the events that were kept.
    fn flush(&mut self) {
        self.until.send_replace(None);
        self.kept.drain(..).for_each(|event| self.outputs.event(&event));
    }

    /// Uses these names from now on, and writes the events that were kept.
    fn name(&mut self, names: &Names) {
        self.are_expected = false;
        // Names belong to targets, and the first event lists the targets.
        self.flush_started();
        self.outputs.name(names);
        self.flush();
    }

    fn flush_started(&mut self) {
        let started = self.kept.iter().take_while(|event| matches!(event.kind, EventKind::Started { .. })).count();
        self.kept.drain(..started).for_each(|event| self.outputs.event(&event));
    }

    /// Writes what was kept, with these names, and returns the outputs.
    pub(super) fn end(mut self, names: &Names) -> Outputs {
        self.name(names);
        self.outputs
    }
}

/// Runs a future, and writes the events that were kept meanwhile: when the names come, or after a second.
pub(super) async fn beside<T>(
    buffered: &RefCell<BufferedOutputs>,
    mut names: watch::Receiver<Option<Names>>,
    run: impl Future<Output = T>,
) -> T {
    let mut run = pin!(run);
    let mut until = buffered.borrow().until.subscribe();
    let mut are_expected = true;
    loop {
        let due = *until.borrow_and_update();
        tokio::select! {
            biased;
            outcome = &mut run => return outcome,
            Ok(()) = until.changed() => {}
            Ok(read) = names.wait_for(Option::is_some), if are_expected => {
                are_expected = false;
                read.iter().for_each(|names| buffered.borrow_mut().name(names));
            }
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => buffered.borrow_mut().flush(),
        }
    }
}
