//! Turns what discovery finds into targets, and ends the run with what it cannot find.

use super::Watch;
use super::discovery::{Discovered, DiscoveryEnd, Joining};
use super::event::{EventKind, Refusal};
use super::flights::PollerId;
use super::phase::End;
use super::settings::InvalidSettings;
use super::target::TargetWatch;
use crate::api::{ApiError, Reply, Request};
use crate::cause::{Cause, Warning};
use crate::model::Deploy;
use crate::pins::Pins;
use crate::resolve::Wanted;
use crate::schedule::Schedule;
use crate::{Moment, Target, Targets, Verdict};

impl Watch {
    pub(super) fn reply_to_discovery(&mut self, now: Moment, request: &Request, reply: Reply) -> Option<ApiError> {
        let discovered = self.discovery.reply(now, request, reply, &self.targets, &mut self.shared);
        for event in self.discovery.take_events() {
            self.shared.emit(now, EventKind::Run(event));
        }
        if let Some((began, taken)) = self.discovery.take_takeovers() {
            self.shared.takeovers_mut().note(began, taken);
        }
        for warning in self.discovery.take_warnings() {
            self.shared.warn(now, warning);
        }
        for joining in self.discovery.take_joining() {
            self.join(joining, now);
        }
        match discovered {
            Discovered::Nothing | Discovered::Over => {}
            Discovered::Retry(error) => return Some(error),
            Discovered::Targets(targets) => match self.enrol(now, targets) {
                Ok(()) => self.end_discovery(None, DiscoveryEnd::Complete, now),
                Err(invalid) => self.shared.refuse(Refusal::Invalid(invalid)),
            },
            Discovered::Unknown(wanted, unknown) => {
                let end = DiscoveryEnd::Otherwise(Verdict::Rejected, Cause::NoSuchName(unknown));
                self.end_discovery(Some(wanted), end, now);
            }
            Discovered::End(end) => self.end_discovery(None, end, now),
            Discovered::Refused(refusal) => self.shared.refuse(refusal),
        }
        None
    }

    /// Makes a deploy a target, unless it is another shard's.
    fn join(&mut self, Joining { target, deploy, newest, of_run }: Joining, now: Moment) {
        if !self.own_shard.claim(&target) {
            return;
        }
        let shared = self.pinning.shared.clone();
        let pins = match of_run {
            None => shared,
            Some((pin, workflow)) => Pins { branch_run: Some(pin), workflow: Some(workflow), ..shared },
        };
        let index = self.add(target.clone(), pins, Some(&deploy), now);
        if let Some(newest) = newest {
            self.targets[index].overhear(std::slice::from_ref(&newest), now);
        }
        self.shared.emit(now, EventKind::Joined { target: index, is: target });
    }

    /// Starts watching a target, and returns its position. If its deploy has been seen, that deploy is followed from
    /// the start.
    fn add(&mut self, target: Target, pins: Pins, seen: Option<&Deploy>, now: Moment) -> usize {
        let index = self.targets.len();
        let settings = self.shared.settings();
        let schedule = Schedule::new(settings.intervals, settings.seed.wrapping_add(index as u64));
        self.discovery.note_target(&target, index);
        self.shared.install_lists_mut().join(&target.install, index);
        self.targets.push(TargetWatch::new(index, target, pins, seen, schedule, now));
        self.open += 1;
        self.arm(PollerId::Target(index), now);
        index
    }

    /// Starts watching targets that have been found, all at once.
    pub(super) fn enrol(&mut self, now: Moment, targets: Vec<Target>) -> Result<(), InvalidSettings> {
        let targets = Targets::new(targets).ok_or(InvalidSettings::NoTargets)?;
        self.shared.settings().check(targets.as_slice(), &self.pinning)?;
        let own = self.own_shard.split(targets.as_slice(), self.shared.settings(), &self.pinning);
        self.targets.reserve_exact(own.len());
        for target in &own {
            // It was just checked that each target has its pins.
            let pins = self.pinning.of(target).unwrap_or_default();
            self.add(target.clone(), pins, None, now);
        }
        self.shared.emit(now, EventKind::Started { targets: own });
        self.note_empty_shard(now);
        Ok(())
    }

    /// Ends discovery. If it did not succeed, the targets are reported as they were typed: only the one to `blame` with the
    /// cause, or all of them.
    pub(super) fn end_discovery(&mut self, blame: Option<usize>, end: DiscoveryEnd, now: Moment) {
        let (required, deployed) = (self.needed(), self.targets.len() + self.own_shard.elsewhere());
        let end = match end {
            DiscoveryEnd::Complete if required > deployed => {
                DiscoveryEnd::Otherwise(Verdict::Failed, Cause::TooFew { required, deployed })
            }
            end => end,
        };
        if let DiscoveryEnd::Otherwise(verdict, cause) = &end {
            let mut reported = false;
            for (position, index) in self.enrol_as_typed(now) {
                if blame.is_none_or(|blamed| blamed == position) {
                    let end = End::Otherwise(*verdict, cause.clone());
                    self.targets[index].conclude(end, now, &mut self.shared);
                    self.count_end(index);
                    reported = true;
                }
            }
            if *verdict == Verdict::ApprovalNeeded {
                for index in self.discovery.kept_waiting(&self.targets) {
                    self.targets[index].conclude(End::Otherwise(*verdict, cause.clone()), now, &mut self.shared);
                    self.count_end(index);
                    reported = true;
                }
            }
            if !reported {
                let (verdict, cause) = (*verdict, Some(cause.clone()));
                self.shared.emit(now, EventKind::Ended { target: None, deploy: None, approval: None, verdict, cause });
            }
        }
        if matches!(end, DiscoveryEnd::Complete) && self.discovery.follows_workflow() {
            self.note_empty_shard(now);
        }
        self.discovery.end(end);
        self.shared.takeovers_mut().end();
    }

    /// Warns that there is nothing to watch, because all targets belong to other shards.
    fn note_empty_shard(&mut self, now: Moment) {
        if let (Some(shard), true) = (self.own_shard.shard(), self.targets.is_empty()) {
            self.shared.warn(now, Warning::EmptyShard { shard, elsewhere: self.own_shard.elsewhere() });
        }
    }

    /// Creates a target for each named component. Returns its positions in both lists.
    fn enrol_as_typed(&mut self, now: Moment) -> Vec<(usize, usize)> {
        let typed: Vec<(usize, Target)> = self
            .discovery
            .wanted()
            .iter()
            .enumerate()
            .filter_map(|(position, wanted)| match wanted {
                Wanted::Component(install, component) => {
                    Some((position, Target::new(install.clone(), component.clone())))
                }
                Wanted::Install(_) | Wanted::Labelled(..) => None,
            })
            .collect();
        if !self.discovery.wanted().is_empty() {
            let targets = typed.iter().map(|(_, target)| target.clone()).collect();
            self.shared.emit(now, EventKind::Started { targets });
        }
        let enrol = |(position, target)| (position, self.add(target, Pins::default(), None, now));
        typed.into_iter().map(enrol).collect()
    }
}
