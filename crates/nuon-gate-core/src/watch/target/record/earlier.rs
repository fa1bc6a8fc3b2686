//! What the earlier deploys show about the one that is followed: how long it usually takes, and when it is likely to end.

use std::time::Duration;

use super::Record;
use crate::Moment;
use crate::history::{History, waited};
use crate::model::{Deploy, Status};
use crate::schedule::Forecast;
use crate::timeline::span;
use crate::watch::event::{EventKind, Pace};
use crate::watch::phase::rows_of;
use crate::watch::shared::Shared;

/// What the earlier deploys show about the one that is followed.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    /// They have been requested.
    were_asked_for: bool,
    pub(super) history: Option<Box<History>>,
    forecast: Option<Box<Forecast>>,
}

impl Record {
    /// Returns whether to request the earlier deploys, once for each deploy.
    pub(in crate::watch::target) fn begin_history(&mut self) -> bool {
        !std::mem::replace(&mut self.earlier.were_asked_for, true)
    }

    /// Records the earlier deploys, and reports the usual duration.
    pub(in crate::watch::target) fn accept_history(&mut self, rows: &[Deploy], now: Moment, shared: &mut Shared) {
        let Some(deploy) = self.deploy.as_deref() else { return };
        let history = History::new(rows, deploy);
        let intervals = shared.settings().intervals;
        let forecast = history.typical.and_then(|_| Forecast::new(&history.durations, intervals));
        self.learn(history, forecast, now, shared);
    }

    /// Records the usual duration if a list of the install's deploys happens to show it. The list may not go back far
    /// enough for more, and it serves all targets, so it is never requested sooner for this.
    pub(in crate::watch::target) fn glean_history(&mut self, rows: &[Deploy], now: Moment, shared: &mut Shared) {
        let is_known = self.earlier.history.is_some();
        let Some(deploy) = self.deploy.as_deref().filter(|_| !is_known) else { return };
        let history = History::new(rows_of(&self.target, rows), deploy);
        if history.typical.is_some() {
            self.learn(History { is_settled: false, ..history }, None, now, shared);
        }
    }

    fn learn(&mut self, history: History, forecast: Option<Forecast>, now: Moment, shared: &mut Shared) {
        (self.earlier.history, self.earlier.forecast) = (Some(Box::new(history)), forecast.map(Box::new));
        let deploy = self.deploy.as_ref().and_then(|deploy| deploy.id.clone());
        if let Some((deploy, pace)) = deploy.zip(self.pace(now, shared)) {
            shared.emit(now, EventKind::Expected { target: self.index, deploy, pace });
        }
    }

    /// Returns when the deploy is likely to end, if that is known, and how long it has been worked on.
    pub(in crate::watch::target) fn forecast(&self, now: Moment, shared: &Shared) -> Option<(&Forecast, Duration)> {
        Some((self.earlier.forecast.as_deref()?, self.worked(now, shared)?))
    }

    /// Returns the deploy's progress, if the usual duration is known.
    pub(super) fn pace(&self, now: Moment, shared: &Shared) -> Option<Pace> {
        let typical = self.earlier.history.as_ref()?.typical?;
        Some(Pace { elapsed: self.worked(now, shared)?, typical })
    }

    /// Returns how long the deploy has been worked on, unless a human is asked now.
    fn worked(&self, now: Moment, shared: &Shared) -> Option<Duration> {
        let deploy = self.deploy.as_ref().filter(|deploy| *deploy.current_status() != Status::PendingApproval)?;
        let age = span(deploy.created_at?, shared.server_now(now));
        Some(age.saturating_sub(waited(&self.timeline(now, shared))))
    }
}
