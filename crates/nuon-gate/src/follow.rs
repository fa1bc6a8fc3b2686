//! The deploys' logs while they are written, read beside the wait for people. Nothing waits for them.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use nuon_gate_core::api::Client;
use nuon_gate_core::follow::{Followed, Unfollowed, follow};
use nuon_gate_core::watch::EventKind;
use nuon_gate_core::{DeployId, Logged, Target};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// As many logs are followed at the same time: more of them nobody can read.
const MOST: usize = 8;
/// The longest time between two looks at a log that has no long poll.
const LONGEST_PACE: Duration = Duration::from_secs(2);
/// So many parts of logs wait to be shown.
const MOST_WAITING: usize = 64;

/// Something of a target's log.
pub(crate) enum LogPart {
    Lines(Vec<Logged>),
    /// There will be no more.
    Ended(Unfollowed),
}

/// The logs that are followed. They end when it is dropped.
pub(crate) struct LogFollowing {
    client: Client,
    which: Option<Followed>,
    pace: Duration,
    targets: Vec<Target>,
    under_way: HashMap<usize, AbortHandle>,
    sender: mpsc::Sender<(usize, LogPart)>,
}

/// What comes of them.
pub(crate) struct LogParts(mpsc::Receiver<(usize, LogPart)>);

impl LogFollowing {
    /// Follows none yet. `pace` is the shortest time between two requests for one log.
    pub(crate) fn new(client: Client, which: Option<Followed>, pace: Duration) -> (Self, LogParts) {
        let (sender, parts) = mpsc::channel(MOST_WAITING);
        let (targets, under_way) = (Vec::new(), HashMap::new());
        let pace = pace.min(LONGEST_PACE);
        (Self { client, which, pace, targets, under_way, sender }, LogParts(parts))
    }

    /// Begins and ends with the deploys.
    pub(crate) fn event(&mut self, kind: &EventKind) {
        match kind {
            EventKind::Started { targets } => self.targets.clone_from(targets),
            EventKind::Joined { is, .. } => self.targets.push(is.clone()),
            EventKind::Found { target, deploy, .. } => self.begin(*target, deploy.clone()),
            EventKind::Ended { target: Some(target), .. } => self.end(*target),
            _ => {}
        }
    }

    fn begin(&mut self, index: usize, deploy: DeployId) {
        // The deploy that is followed now may have taken the place of another.
        self.end(index);
        let (Some(which), Some(target)) = (self.which, self.targets.get(index).cloned()) else { return };
        if self.under_way.len() == MOST {
            return;
        }
        let (client, pace, sender) = (self.client.clone(), self.pace, self.sender.clone());
        let following = async move {
            let told = sender.clone();
            let tell = move |lines| {
                let told = told.clone();
                async move { drop(told.send((index, LogPart::Lines(lines))).await) }
            };
            let why = follow(&client, &target, &deploy, which, pace, tell).await;
            // Nobody listens any more when the wait is over.
            let _ = sender.send((index, LogPart::Ended(why))).await;
        };
        self.under_way.insert(index, tokio::spawn(following).abort_handle());
    }

    fn end(&mut self, index: usize) {
        if let Some(task) = self.under_way.remove(&index) {
            task.abort();
        }
    }
}

impl Drop for LogFollowing {
    fn drop(&mut self) {
        self.under_way.values().for_each(AbortHandle::abort);
    }
}

impl LogParts {
    /// Shows what comes while something else goes on, and what has come by its end.
    pub(crate) async fn beside<T>(&mut self, run: impl Future<Output = T>, mut show: impl FnMut(usize, LogPart)) -> T {
        let mut run = std::pin::pin!(run);
        let outcome = loop {
            tokio::select! {
                biased;
                outcome = &mut run => break outcome,
                Some((index, part)) = self.0.recv() => show(index, part),
            }
        };
        while let Ok((index, part)) = self.0.try_recv() {
            show(index, part);
        }
        outcome
    }
}
