//! Chooses the next request: one of the polls, one for a log if the rate allows it, or a long poll; none during a pause
//! of the API.

use std::time::Duration;

use super::flights::PollerId;
use super::long_polls::LONG_POLL_TIMEOUT;
use super::{Ask, Stretch, Ticket, Watch};
use crate::Moment;
use crate::api::Request;
use crate::cause::Warning;
use crate::watch::settings::WatchSettings;

/// The timeout of requests that decide nothing, and of one for a plan, which can be megabytes.
const OPTIONAL_TIMEOUT: Duration = Duration::from_secs(2);
pub(crate) const PLAN_TIMEOUT: Duration = Duration::from_secs(5);

impl Watch {
    pub(super) fn next_ask(&mut self, now: Moment) -> Option<Ask> {
        if self.shared.api_health().paused_until() > now {
            return None;
        }
        if self.budget_empty_until(now).is_some() {
            self.stretch = self.stretch.max(if self.flights.has_ready() { Stretch::Delayed } else { Stretch::None });
            return None;
        }
        let (targets, discovery) = (&self.targets, &self.discovery);
        let poller = self.flights.next(|poller| match poller {
            PollerId::Discovery => discovery.poller(),
            PollerId::Target(index) => targets[index].poller(),
        })?;
        self.budget.take(now);
        self.note_stretch(poller, now);
        let request = self.poller(poller).request()?.clone();
        let timeout = self.time_limit(poller, now);
        let timeout = match request {
            // Later requests of the same poll must not be delayed too long.
            Request::Plan(..) => PLAN_TIMEOUT.min(timeout / 2),
            _ if request.is_optional() => timeout.min(OPTIONAL_TIMEOUT),
            _ => timeout,
        };
        let ticket = Ticket(self.flights.send(poller, request.clone(), now));
        Some(Ask { ticket, request, timeout })
    }

    /// Returns the next long poll, if one may be opened.
    pub(super) fn next_long_poll(&mut self, now: Moment) -> Option<Ask> {
        if self.shared.api_health().paused_until() > now || self.budget_empty_until(now).is_some() {
            return None;
        }
        let serial = self.flights.number();
        let request = self.long_polls.open(now, serial)?;
        self.budget.take(now);
        Some(Ask { ticket: Ticket(serial), request, timeout: LONG_POLL_TIMEOUT })
    }

    /// Returns the next request for a log, if the polls do not need the rate.
    pub(super) fn next_of_log(&mut self, now: Moment) -> Option<Ask> {
        if self.shared.api_health().paused_until() > now || self.budget.spare_until(now).is_some() {
            return None;
        }
        let serial = self.flights.number();
        let (request, timeout) = self.shared.logs_mut().open(now, serial)?;
        self.budget.take(now);
        Some(Ask { ticket: Ticket(serial), request, timeout })
    }

    /// Returns when the next request may be sent; `None` means now. The last polls ignore the rate limit.
    pub(super) fn budget_empty_until(&mut self, now: Moment) -> Option<Moment> {
        if self.last_polls.is_some() { None } else { self.budget.empty_until(now) }
    }

    /// Reports once that the rate limit delays polls.
    fn note_stretch(&mut self, poller: PollerId, now: Moment) {
        let began = self.poller(poller).polling_since().unwrap_or(now);
        let WatchSettings { max_rps, intervals, .. } = *self.shared.settings();
        if self.stretch == Stretch::Delayed && now - began > intervals.max() {
            self.stretch = Stretch::Reported;
            self.shared.warn(now, Warning::Stretched { max_rps, interval: intervals.max() });
        }
    }
}
