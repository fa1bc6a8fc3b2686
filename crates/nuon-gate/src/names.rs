//! The names of the targets, read concurrently with the wait.

use std::time::Duration;

use nuon_gate_core::api::{Client, UnderWay};
use nuon_gate_core::cause::{Cause, Thing};
use nuon_gate_core::names::{Names, read_names};
use nuon_gate_core::watch::EventKind;
use nuon_gate_core::{Target, Verdict};
use tokio::sync::watch;
use tokio::time::timeout;

/// How long the end of the run waits for an answer about names. Between two attempts it waits for the next.
const PATIENCE: Duration = Duration::from_secs(1);

/// Names that are being read, or have been.
pub(crate) struct Naming {
    client: Client,
    wanted: bool,
    max_rps: u32,
    targets: Vec<Target>,
    under_way: UnderWay,
    names: watch::Receiver<Option<Names>>,
    sender: Option<watch::Sender<Option<Names>>>,
}

impl Naming {
    /// Begins with none; nothing is read unless it is `wanted`.
    pub(crate) fn new(client: Client, wanted: bool, max_rps: u32) -> Self {
        let (sender, names) = watch::channel(None);
        Self {
            client,
            wanted,
            max_rps,
            targets: Vec::new(),
            under_way: UnderWay::default(),
            names,
            sender: Some(sender),
        }
    }

    /// Returns a receiver of the names, for outputs that can wait.
    pub(crate) fn names(&self) -> watch::Receiver<Option<Names>> {
        self.names.clone()
    }

    /// Returns whether the names are needed.
    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// Reads the names once the API has answered, so that one that refuses the token gets no more requests. Returns
    /// whether reading begins now.
    pub(crate) fn event(&mut self, kind: &EventKind) -> bool {
        if let EventKind::Started { targets } = kind {
            self.targets.clone_from(targets);
        }
        let Some(sender) = self.sender.take_if(|_| has_answered(kind)) else { return false };
        self.read(sender);
        self.wanted
    }

    fn read(&self, sender: watch::Sender<Option<Names>>) {
        if !self.wanted {
            return;
        }
        let (client, targets, max_rps) = (self.client.clone(), self.targets.clone(), self.max_rps);
        let under_way = self.under_way.clone();
        // It ends with the runtime, if it has not before.
        tokio::spawn(async move {
            let names = read_names(&client, &targets, max_rps, &under_way).await;
            sender.send_replace(Some(names));
        });
    }

    /// Returns the names so far, after a moment for those that are still being read if there is time, and after other attempts to
    /// read them.
    pub(crate) async fn finish(mut self, verdict: Verdict) -> Names {
        drop(self.sender.take());
        let is_urgent = matches!(verdict, Verdict::Interrupted(_));
        let patience = if is_urgent { Duration::ZERO } else { PATIENCE };
        while timeout(patience, self.names.wait_for(Option::is_some)).await.is_err() {
            if is_urgent || self.under_way.is_any() {
                break;
            }
        }
        let names = self.names.borrow().clone();
        names.unwrap_or_default()
    }
}

/// Returns whether an event shows that the API answers, and not only with errors that the names would have as well.
fn has_answered(kind: &EventKind) -> bool {
    match kind {
        EventKind::NotStarted { .. } | EventKind::Found { .. } => true,
        EventKind::Ended { verdict: Verdict::Rejected, cause: Some(cause), .. } => !matches!(
            cause,
            Cause::Denied(_)
                | Cause::NotNuon(_)
                | Cause::Refused(_)
                | Cause::NoSuchName(_)
                | Cause::NotFound(Thing::Install(_), _)
        ),
        _ => false,
    }
}
