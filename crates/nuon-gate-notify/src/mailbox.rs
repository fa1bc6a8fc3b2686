//! The queue of a sink. It stays small however slow the sink is: a newer state replaces an older one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nuon_gate_core::ApprovalPlace;
use nuon_gate_core::StepId;
use nuon_gate_core::result::v1::RunResult;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::Occasion;
use crate::message::has_passed_unapproved;

/// Upper bound for queued approvals.
const MOST_APPROVALS: usize = 20;

/// A requested approval: the target if it is about one, and the step of the workflow. Both are unknown in a test.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    target: Option<usize>,
    step: String,
}

impl Asked {
    pub(crate) fn new(target: Option<usize>, place: &ApprovalPlace) -> Self {
        let step = place.step.as_ref().map(StepId::as_str).unwrap_or_default();
        Self { target, step: format!("{}/{step}", place.workflow) }
    }

    /// Returns the step's name, which is the same in every run.
    pub(crate) fn step(&self) -> &str {
        &self.step
    }
}

/// A notice.
#[derive(Debug, Clone)]
pub(crate) struct Notice {
    pub(crate) occasion: Occasion,
    /// The requested approvals.
    pub(crate) asked: Vec<Asked>,
    pub(crate) result: Arc<RunResult>,
    pub(crate) is_last: bool,
    /// When it was queued, or the first of those that it has replaced.
    pub(crate) since: Instant,
}

/// The notices of one sink, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    queue: Mutex<VecDeque<Notice>>,
    came: Notify,
}

impl Mailbox {
    /// Adds a notice, which replaces those that it makes obsolete.
    pub(crate) fn put(&self, mut notice: Notice) {
        let mut queue = self.lock();
        match notice.occasion {
            Occasion::Changed => {
                let replaced = queue.iter().position(|other| other.occasion == Occasion::Changed);
                if let Some(replaced) = replaced.and_then(|at| queue.remove(at)) {
                    notice.since = replaced.since;
                }
            }
            Occasion::Approval => merge(&mut queue, &mut notice),
            // It replaces nothing that has been sent, and nothing is sent before it.
            Occasion::Refused => queue.clear(),
            Occasion::Started | Occasion::Ended | Occasion::Test => {}
        }
        queue.push_back(notice);
        drop(queue);
        self.came.notify_one();
    }

    /// Returns since when a change has been queued.
    pub(crate) fn changed_since(&self) -> Option<Instant> {
        self.lock().iter().find(|notice| notice.occasion == Occasion::Changed).map(|notice| notice.since)
    }

    /// Returns the last notice, once it is queued.
    pub(crate) fn end(&self) -> Option<Notice> {
        self.lock().back().filter(|notice| notice.is_last).cloned()
    }

    /// Waits until there is something new.
    pub(crate) async fn came(&self) {
        self.came.notified().await;
    }

    /// Takes the next notice, for a sink that sends each one. Changes wait until one is `due`.
    pub(crate) fn take_next(&self, due: bool) -> Vec<Notice> {
        let mut queue = self.lock();
        let may_be_sent = |notice: &Notice| due || notice.occasion != Occasion::Changed;
        let at = if is_ending(&queue) { Some(0) } else { queue.iter().position(may_be_sent) };
        at.and_then(|at| queue.remove(at)).into_iter().collect()
    }

    /// Takes the next notice, for a sink that shows a state: the newest, and all that it replaces. An approval is sent
    /// before anything newer and at once, as it mentions people. The start is not delayed either. The end answers
    /// approvals, unless it passed without an answer.
    pub(crate) fn take_newest(&self, due: bool) -> Vec<Notice> {
        let mut queue = self.lock();
        let approval = queue.iter().position(|notice| notice.occasion == Occasion::Approval);
        let is_first = queue.iter().any(|notice| notice.occasion == Occasion::Started);
        let count = match approval {
            Some(at) if !is_ending(&queue) || is_unanswered(&queue) => at + 1,
            _ if is_ending(&queue) => queue.len(),
            _ if due || is_first => queue.len(),
            _ => 0,
        };
        queue.drain(..count).collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Notice>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_ending(queue: &VecDeque<Notice>) -> bool {
    queue.back().is_some_and(|notice| notice.is_last)
}

/// Returns whether the end leaves it to a human to approve.
fn is_unanswered(queue: &VecDeque<Notice>) -> bool {
    queue.back().is_some_and(|notice| notice.is_last && has_passed_unapproved(&notice.result))
}

/// Merges the queued approvals of several targets into one notice. Those of one target stay apart, as each is sent.
fn merge(queue: &mut VecDeque<Notice>, notice: &mut Notice) {
    let is_approval = |other: &Notice| other.occasion == Occasion::Approval;
    let Some(at) = queue.iter().rposition(is_approval) else { return };
    let is_new = notice.asked.iter().all(|own| queue[at].asked.iter().all(|other| own.target != other.target));
    let is_full = queue.iter().filter(|other| is_approval(other)).count() >= MOST_APPROVALS;
    if (is_new || is_full)
        && let Some(earlier) = queue.remove(at)
        && is_new
    {
        notice.asked.splice(0..0, earlier.asked);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use nuon_gate_core::Verdict;

    use super::*;
    use crate::Occasion::{Approval, Changed, Ended, Refused, Started};
    use crate::sample;

    fn notice(occasion: Occasion, number: u64) -> Notice {
        let result = RunResult { elapsed_ms: number, ..sample::result(Verdict::Pending) };
        let is_last = occasion.is_end();
        Notice { occasion, asked: Vec::new(), result: Arc::new(result), is_last, since: Instant::now() }
    }

    fn approval(target: usize, step: &str, number: u64) -> Notice {
        let asked = vec![Asked { target: Some(target), step: step.to_owned() }];
        Notice { asked, ..notice(Approval, number) }
    }

    fn kinds(notices: &[Notice]) -> Vec<(Occasion, u64)> {
        notices.iter().map(|notice| (notice.occasion, notice.result.elapsed_ms)).collect()
    }

    fn filled(notices: impl IntoIterator<Item = Notice>) -> Mailbox {
        let mailbox = Mailbox::default();
        notices.into_iter().for_each(|notice| mailbox.put(notice));
        mailbox
    }

    #[test]
    fn queued_changes_are_merged_and_stay_small() {
        let changes = (1..10_000).map(|number| notice(Changed, number));
        let mailbox = filled([notice(Started, 0)].into_iter().chain(changes));
        assert_eq!(mailbox.lock().len(), 2);
        assert_eq!(kinds(&mailbox.take_next(false)), [(Started, 0)]);
        assert_eq!(kinds(&mailbox.take_next(false)), []);
        assert_eq!(kinds(&mailbox.take_next(true)), [(Changed, 9999)]);

        let since = filled([notice(Changed, 1)]).changed_since().unwrap();
        let later = Notice { since: since + Duration::from_secs(9), ..notice(Changed, 3) };
        let mailbox = filled([Notice { since, ..notice(Changed, 2) }, later]);
        assert_eq!(mailbox.changed_since(), Some(since), "one after the other would never be sent");
        assert_eq!(kinds(&mailbox.take_next(true)), [(Changed, 3)]);
        assert_eq!(mailbox.changed_since(), None);

        let steps = (0..10_000).map(|number| approval(0, &number.to_string(), number));
        assert_eq!(filled(steps).lock().len(), MOST_APPROVALS);
    }

    #[test]
    fn nothing_that_is_no_change_waits_and_the_end_waits_for_nothing() {
        let mailbox = filled([notice(Changed, 1), approval(0, "a", 2)]);
        assert_eq!(kinds(&mailbox.take_next(false)), [(Approval, 2)]);
        mailbox.put(notice(Ended, 3));
        assert_eq!(kinds(&mailbox.take_next(false)), [(Changed, 1)]);
        assert_eq!(kinds(&mailbox.take_next(false)), [(Ended, 3)]);
        let mailbox = filled([notice(Started, 1), approval(0, "a", 2), notice(Changed, 3), notice(Refused, 4)]);
        assert_eq!(kinds(&mailbox.take_next(false)), [(Refused, 4)]);
    }

    #[test]
    fn a_state_makes_up_for_those_before_it_but_for_an_approval() {
        let mailbox = filled([notice(Started, 1), approval(0, "a", 2), notice(Changed, 3), approval(0, "b", 4)]);
        assert_eq!(kinds(&mailbox.take_newest(false)), [(Started, 1), (Approval, 2)]);
        assert_eq!(kinds(&mailbox.take_newest(false)), [(Changed, 3), (Approval, 4)]);
        mailbox.put(notice(Changed, 5));
        assert_eq!(kinds(&mailbox.take_newest(false)), []);
        assert_eq!(kinds(&mailbox.take_newest(true)), [(Changed, 5)]);
        assert_eq!(
            kinds(&filled([notice(Started, 1), notice(Changed, 2)]).take_newest(false)),
            [(Started, 1), (Changed, 2)]
        );
        let mailbox = filled([approval(0, "a", 1), notice(Ended, 2)]);
        assert_eq!(kinds(&mailbox.take_newest(false)), [(Approval, 1), (Ended, 2)]);
    }

    #[test]
    fn approvals_of_several_targets_are_one() {
        let mailbox = filled((0..3).map(|target| approval(target, "a", target as u64)));
        let taken = mailbox.take_next(false);
        assert_eq!(kinds(&taken), [(Approval, 2)]);
        assert_eq!(taken[0].asked.iter().map(|asked| asked.target).collect::<Vec<_>>(), [Some(0), Some(1), Some(2)]);
    }
}
