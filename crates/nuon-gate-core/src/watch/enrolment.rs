//! Which targets are watched: what discovery finds becomes a target, and what it cannot find ends the run.

use super::Watch;
use super::discovery::Discovered;
use super::event::{EventKind, Refusal};
use super::flights::PollerId;
use super::phase::End;
use super::settings::InvalidSettings;
use super::target::TargetWatch;
use crate::api::{ApiError, Reply, Request};
use crate::cause::Cause;
use crate::pins::Pins;
use crate::resolve::Wanted;
use crate::schedule::Schedule;
use crate::{DeployId, Moment, Target, Targets, Verdict};

impl Watch {
    pub(super) fn reply_to_discovery(&mut self, now: Moment, request: &Request, reply: Reply) -> Option<ApiError> {
        match self.discovery.reply(now, request, reply, &self.targets, &self.shared) {
            Discovered::Nothing => {}
            Discovered::Retry(error) => return Some(error),
            Discovered::Joined(joining) => {
                for (target, deploy) in joining {
                    let index = self.add(target.clone(), self.pinning.shared.clone(), Some(deploy), now);
                    self.shared.emit(now, EventKind::Joined { target: index, is: target });
                }
            }
            Discovered::Targets(targets) => match self.enrol(now, targets) {
                Ok(()) => self.end_discovery(None, None, now),
                Err(invalid) => self.shared.refuse(Refusal::Invalid(invalid)),
            },
            Discovered::Unknown(wanted, unknown) => {
                self.end_discovery(Some(wanted), Some((Verdict::Rejected, Cause::NoSuchName(unknown))), now);
            }
            Discovered::End(failure) => self.end_discovery(None, failure, now),
            Discovered::Refused(refusal) => self.shared.refuse(refusal),
        }
        None
    }

    /// Begins to watch a target, and returns its position. If its deploy is known, that one is followed from the beginning.
    fn add(&mut self, target: Target, pins: Pins, deploy: Option<DeployId>, now: Moment) -> usize {
        let index = self.targets.len();
        let settings = self.shared.settings();
        let schedule = Schedule::new(settings.intervals, settings.seed.wrapping_add(index as u64));
        self.discovery.note_target(&target, index);
        self.targets.push(TargetWatch::new(index, target, pins, deploy, schedule, now));
        self.open += 1;
        self.arm(PollerId::Target(index), now);
        index
    }

    /// Begins to watch targets that have been found, all at once.
    pub(super) fn enrol(&mut self, now: Moment, targets: Vec<Target>) -> Result<(), InvalidSettings> {
        let targets = Targets::new(targets).ok_or_else(|| InvalidSettings::NoTargets(self.discovery.subject()))?;
        self.shared.settings().check(targets.as_slice(), &self.pinning)?;
        for target in targets.as_slice() {
            // That each target has its pins has just been checked.
            let pins = self.pinning.of(target).unwrap_or_default();
            self.add(target.clone(), pins, None, now);
        }
        self.shared.emit(now, EventKind::Started { targets: targets.as_slice().to_vec() });
        Ok(())
    }

    /// Ends the search for targets. If it failed, what is wanted is reported as it was typed: the one that is to `blame` with
    /// the failure, or all of them.
    pub(super) fn end_discovery(&mut self, blame: Option<usize>, failure: Option<(Verdict, Cause)>, now: Moment) {
        let (required, deployed) = (self.needed(), self.targets.len());
        let failure = match failure {
            None if required > deployed => Some((Verdict::Failed, Cause::TooFew { required, deployed })),
            failure => failure,
        };
        if let Some((verdict, cause)) = &failure {
            let mut reported = false;
            for (position, index) in self.enrol_as_typed(now) {
                if blame.is_none_or(|blamed| blamed == position) {
                    let end = End::Otherwise(*verdict, cause.clone());
                    self.targets[index].conclude(end, now, &mut self.shared);
                    self.count_end(index);
                    reported = true;
                }
            }
            if !reported {
                let (verdict, cause) = (*verdict, Some(cause.clone()));
                self.shared.emit(now, EventKind::Ended { target: None, deploy: None, approval: None, verdict, cause });
            }
        }
        self.discovery.end(failure);
    }

    /// Makes a target of each component that is wanted, and returns where it stands in both lists.
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
                Wanted::Install(_) => None,
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
