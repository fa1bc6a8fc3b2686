//! The end of the watch: its verdict and its report.

use super::Watch;
use super::flights::PollerId;
use super::last_polls::Occasion;
use super::target::TargetWatch;
use crate::cause::StoppedBy;
use crate::report::Report;
use crate::{Moment, Require, Verdict};

impl Watch {
    /// Returns the outcome so far.
    pub fn report(&self, now: Moment) -> Report {
        let now = self.finished.unwrap_or(now);
        let targets = self.targets.iter().map(|target| target.report(now, &self.shared)).collect();
        let ended_otherwise = self.discovery.ended_otherwise();
        Report {
            verdict: self.verdict(),
            run_cause: ended_otherwise.map(|(_, cause)| cause.clone()),
            started_at: self.shared.started_at(),
            elapsed: now.elapsed(),
            targets,
            api_paused: self.shared.api_health().wants_pause(now),
            failed_fast: self.shared.settings().fail_fast && self.can_no_longer_pass(),
            dashboard: self.shared.dashboard().cloned(),
            open_workflow: self.discovery.open_workflow().cloned(),
            open_workflow_of: self.discovery.unproven_owners().to_vec(),
            open_workflow_stopped: self.discovery.stopped(),
            is_out_of_time: self.last_polls.is_some_and(|last| last.occasion() == Occasion::Deadline),
            run_cancelled: None,
            branch_run: self.discovery.branch_run(),
            shard: self.own_shard.report(
                self.discovery.whole(),
                self.is_complete(),
                self.shared.settings(),
                &self.pinning,
            ),
            warnings: self.shared.warnings().to_vec(),
            budget: self.budget.clone(),
        }
    }

    pub(super) fn is_over(&self, now: Moment) -> bool {
        let all_ended = self.open == 0 && self.discovery.has_ended();
        let out_of_time = self.last_polls.is_some_and(|last| now >= last.until());
        let lost = self.discovery.is_lost() || self.shared.settings().fail_fast && self.can_no_longer_pass();
        self.finished.is_some()
            || self.shared.refusal().is_some()
            || all_ended
            || out_of_time
            || self.has_passed()
            || lost
    }

    pub(super) fn finish(&mut self, now: Moment) {
        if self.finished.is_some() {
            return;
        }
        self.finished = Some(now);
        if self.refusal().is_some() {
            return;
        }
        let last = self.last_polls.filter(|last| now >= last.until());
        for poller in self.open_pollers() {
            match (last, poller) {
                (Some(last), poller) => {
                    self.poller_mut(poller).time_out(last.until() - last.from());
                    self.stop_poller(poller, last.occasion(), now);
                }
                (None, PollerId::Target(index)) => {
                    self.targets[index].stop(StoppedBy::Decided, now, &mut self.shared);
                    self.count_end(index);
                }
                // A run whose outcome is decided needs no more targets.
                (None, PollerId::Discovery) => {}
            }
        }
        if let Some(signal) = self.signal {
            self.targets
                .iter_mut()
                .for_each(|target| target.unrefuse(StoppedBy::Signal(signal), now, &mut self.shared));
        }
    }

    /// Returns how many of all targets have to pass, those of other shards among them.
    pub(super) fn needed(&self) -> usize {
        self.shared.settings().require.count(self.targets.len() + self.own_shard.elsewhere())
    }

    /// Returns whether enough targets have passed. Until all targets are known, no number is enough. A shard has done
    /// its part once all of its own have passed, whatever the others contribute.
    fn has_passed(&self) -> bool {
        let all = self.targets.len() + self.own_shard.elsewhere();
        self.discovery.is_complete() && all > 0 && self.passed >= self.enough()
    }

    /// Returns how many of its own targets have to pass.
    fn enough(&self) -> usize {
        if self.own_shard.elsewhere() > 0 { self.needed().min(self.targets.len()) } else { self.needed() }
    }

    /// Returns whether the targets that a single poll left pending would be enough for a pass.
    fn may_still_pass(&self) -> bool {
        let pending = self.targets.iter().filter(|target| target.verdict() == Some(Verdict::Pending)).count();
        self.discovery.ended_otherwise().is_none() && pending > 0 && self.passed + pending >= self.enough()
    }

    /// Returns whether the targets' own verdicts are all that counts. A workflow that was left because a target can no
    /// longer pass may still fail, which matters as soon as not all of them have to pass.
    fn is_complete(&self) -> bool {
        let is_lost = |target: &TargetWatch| target.ended_early() && target.verdict() != Some(Verdict::Passed);
        self.discovery.is_complete() && !(self.discovery.was_left() && self.targets.iter().any(is_lost))
    }

    fn can_no_longer_pass(&self) -> bool {
        let found_all = self.discovery.has_ended();
        let more_to_come = !found_all && self.shared.settings().require != Require::All;
        // Those of other shards may all pass.
        let at_most = self.passed + self.open + self.own_shard.elsewhere();
        found_all && !self.discovery.is_complete() || !more_to_come && at_most < self.needed()
    }

    /// Returns the verdict of the run: a signal's before all, then a pass if enough targets passed, else the most severe.
    fn verdict(&self) -> Verdict {
        let of_discovery = self.discovery.ended_otherwise().map(|(verdict, _)| verdict);
        let ends = self.targets.iter().filter_map(TargetWatch::verdict).chain(of_discovery);
        let most_severe = ends.filter(|verdict| *verdict != Verdict::Passed).min();
        match self.signal {
            Some(signal) => Verdict::Interrupted(signal),
            None if self.has_passed() => Verdict::Passed,
            None if self.may_still_pass() => Verdict::Pending,
            None => most_severe.unwrap_or(Verdict::Pending),
        }
    }
}
