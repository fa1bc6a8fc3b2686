//! What a decision depends on besides what was read: the settings, the clocks, and what other pollers have read.

use jiff::Timestamp;

use crate::api::Request;
use crate::model::{Deploy, Workflow};
use crate::timeline::span;
use crate::watch::LAG;
use crate::watch::era::ServerClock;
use crate::watch::settings::WatchSettings;
use crate::watch::takeovers::Takeovers;
use crate::{Judgement, Moment, Rules, Target};

/// What a decision depends on besides what was read.
#[derive(Debug)]
pub(in crate::watch) struct Policy<'a> {
    pub(in crate::watch) settings: &'a WatchSettings,
    pub(in crate::watch) target: &'a Target,
    pub(in crate::watch) now: Moment,
    /// When the request was sent whose answer is handled: the answer shows no later state for certain.
    pub(in crate::watch) sent: Moment,
    /// When the watch began, by the server's clock as far as it is known.
    pub(in crate::watch) server_started_at: Timestamp,
    /// Whether that is known by the server's clock.
    pub(in crate::watch) has_server_time: bool,
    /// The install's list is requested first, which serves its other targets as well.
    pub(in crate::watch) by_install_list: bool,
    /// The installs that a later run of the branch has taken.
    pub(in crate::watch) takeovers: &'a Takeovers,
    /// A wide poll reads the deploy's workflow and what is newer even if nothing depends on them.
    pub(in crate::watch) wide: bool,
    /// The dashboard can still be requested. Only links need it, and no verdict.
    pub(in crate::watch) dashboard: Option<Request>,
}

impl Policy<'_> {
    /// Returns whether a workflow has had its status, by the server's clock, for longer than an answer can lag.
    pub(super) fn has_stood_long(&self, workflow: &Workflow) -> bool {
        workflow.since().is_some_and(|since| self.is_long_ago(since))
    }

    /// Returns whether a time of the server's is longer ago than an answer can lag.
    pub(super) fn is_long_ago(&self, since: Timestamp) -> bool {
        span(since, self.server_now()) >= LAG
    }

    /// Returns the server's clock, if an answer has given its time.
    pub(super) fn server_clock(&self) -> ServerClock {
        ServerClock { started_at: Some(self.server_started_at).filter(|_| self.has_server_time), now: self.now }
    }

    /// Returns the time by the server's clock, as far as it is known.
    pub(super) fn server_now(&self) -> Timestamp {
        self.server_time(self.now)
    }

    /// Returns a time of the watch by the server's clock, as far as it is known.
    pub(super) fn server_time(&self, at: Moment) -> Timestamp {
        self.server_started_at.saturating_add(at.elapsed()).unwrap_or(self.server_started_at)
    }

    pub(super) fn judge(&self, row: &Deploy) -> Judgement {
        self.settings.rules.judge_deploy(row)
    }

    /// Returns whether the user's rules decide what a status means. One that repeats the table does not count, so the steps
    /// are still read; but one that says failed, says so at once.
    pub(super) fn is_by_rule(&self, row: &Deploy) -> bool {
        let rule = self.settings.rules.override_of(row.current_status());
        rule.is_some_and(|rule| rule == Judgement::Failed || rule != Rules::default().judge_deploy(row))
    }
}
