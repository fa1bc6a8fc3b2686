//! The last polls: when the wait is over, every target that has not ended is polled once more, then stopped.

use std::time::Duration;

use super::Watch;
use super::discovery::DiscoveryEnd;
use super::flights::PollerId;
use crate::cause::{Cause, StoppedBy};
use crate::{Clock, Moment, Signal, Verdict};

/// The time limit of the last poll after a signal: the runner that sent it kills the process a few seconds later.
pub(crate) const LAST_POLL_AFTER_SIGNAL: Duration = Duration::from_secs(1);

/// Why the last polls are being made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    Deadline,
    Signal(Signal),
    /// Only one poll was asked for.
    Once,
}

/// Polls that begin at `from` or later are the last; none may take longer than `until`.
#[derive(Debug, Clone, Copy)]
pub(super) struct LastPolls {
    occasion: Occasion,
    from: Moment,
    until: Moment,
}

impl LastPolls {
    pub(super) fn once(request_timeout: Duration) -> Self {
        Self { occasion: Occasion::Once, from: Moment::START, until: Moment::START + request_timeout }
    }

    /// A late driver, or a process that was suspended, must not lose the last poll.
    pub(super) fn at_deadline(deadline: Moment, now: Moment, request_timeout: Duration) -> Self {
        Self { occasion: Occasion::Deadline, from: deadline, until: deadline.max(now) + request_timeout }
    }

    pub(super) fn by_signal(signal: Signal, now: Moment, before: Option<Self>) -> Self {
        let until = now + LAST_POLL_AFTER_SIGNAL;
        let until = before.map_or(until, |last| last.until.min(until));
        Self { occasion: Occasion::Signal(signal), from: now, until }
    }

    pub(super) fn occasion(self) -> Occasion {
        self.occasion
    }

    pub(super) fn from(self) -> Moment {
        self.from
    }

    pub(super) fn until(self) -> Moment {
        self.until
    }
}

impl Watch {
    /// Begins the last polls if the total limit has expired.
    pub(super) fn check_deadline(&mut self, now: Moment) {
        let deadline = self.shared.deadline();
        if self.last_polls.is_none() && now >= deadline {
            let last = LastPolls::at_deadline(deadline, now, self.shared.settings().request_timeout);
            self.begin_last_polls(last, now);
        }
    }

    /// Begins the end: requests in flight would be too late, and every target gets a last poll.
    pub(super) fn begin_last_polls(&mut self, last: LastPolls, now: Moment) {
        self.last_polls = Some(last);
        self.shared.begin_end();
        self.flights.give_up();
        self.long_polls.give_up();
        for poller in self.open_pollers() {
            self.poller_mut(poller).give_up();
            self.timers.set(poller, now);
        }
    }

    /// Ends a target, or discovery, because the watch is over.
    pub(super) fn stop_poller(&mut self, poller: PollerId, occasion: Occasion, now: Moment) {
        // The last poll's answers count, even if they brought more targets.
        if poller == PollerId::Discovery
            && let Some(end) = self.discovery.end_without_deploys(&self.targets)
        {
            return self.end_discovery(None, end, now);
        }
        let by = match occasion {
            Occasion::Deadline => {
                return self.on_limit(poller, Clock::Total, self.shared.settings().clocks.total, now);
            }
            Occasion::Signal(signal) => StoppedBy::Signal(signal),
            Occasion::Once => StoppedBy::Once,
        };
        match poller {
            PollerId::Target(index) => {
                self.targets[index].stop(by, now, &mut self.shared);
                self.count_end(index);
            }
            PollerId::Discovery => {
                let error = self.discovery.poller().last_error().filter(|_| by == StoppedBy::Once).cloned();
                let end = match error {
                    Some(error) => DiscoveryEnd::Otherwise(Verdict::Inconclusive, Cause::NoAnswer(error)),
                    None => {
                        let standing = self.discovery.standing();
                        DiscoveryEnd::Otherwise(Verdict::Pending, Cause::Stopped { by, standing })
                    }
                };
                self.end_discovery(None, end, now);
            }
        }
    }
}
