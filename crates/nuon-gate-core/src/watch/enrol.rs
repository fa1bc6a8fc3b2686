//! Which targets are watched: those that are known, found by name, or joined as a workflow goes on.

use super::Watch;
use super::context::Refusal;
use super::ending::End;
use super::event::EventKind;
use super::request::Reply;
use super::roll::Rolled;
use super::settings::InvalidSettings;
use super::target::TargetWatch;
use crate::resolve::Wanted;
use crate::schedule::Schedule;
use crate::{ApiError, DeployId, Line, Moment, Pins, Target, Targets, Verdict};

impl Watch {
    pub(super) fn reply_to_roll(&mut self, now: Moment, serial: u64, reply: Reply) -> Option<ApiError> {
        let (trouble, rolled) = self.roll.reply(now, serial, reply, &self.targets, &mut self.context);
        for (target, deploy) in self.roll.take_joined() {
            self.join(now, target, deploy);
        }
        match rolled {
            None => {}
            Some(Rolled::Targets(targets)) => match self.enrol(now, targets) {
                Ok(()) => self.roll.end = Some(End::new(Verdict::Passed, now)),
                Err(invalid) => self.context.refusal = Some(Refusal::Invalid(invalid)),
            },
            Some(Rolled::Unknown(unknown)) => {
                let (reason, hint) = (Some(unknown.reason), Some(Line::new(unknown.hint)));
                self.end_roll(Some(unknown.wanted), End { reason, hint, ..End::new(Verdict::Rejected, now) });
            }
            Some(Rolled::End(end)) => self.end_roll(None, end),
        }
        trouble
    }

    /// Begins to watch targets that have been found, all at once.
    pub(super) fn enrol(&mut self, now: Moment, targets: Vec<Target>) -> Result<(), InvalidSettings> {
        let targets = Targets::new(targets).ok_or_else(|| InvalidSettings::NoTargets(self.roll.subject()))?;
        self.context.settings.check(targets.as_slice(), &self.pinning)?;
        for target in targets.as_slice() {
            // That each target has its pins has just been checked.
            let pins = self.pinning.of(target).unwrap_or_default();
            self.watch(now, target.clone(), pins);
        }
        self.context.emit(now, EventKind::Started { targets: targets.as_slice().to_vec() });
        Ok(())
    }

    /// Begins to watch a deploy of the workflow that is waited for.
    fn join(&mut self, now: Moment, target: Target, deploy: DeployId) {
        let pins = self.pinning.shared.clone();
        let index = self.watch(now, target.clone(), pins);
        self.targets[index].follow_from_now(deploy);
        self.context.emit(now, EventKind::Joined { target: index, is: target });
    }

    fn watch(&mut self, now: Moment, target: Target, pins: Pins) -> usize {
        let index = self.targets.len();
        let seed = self.context.settings.seed.wrapping_add(index as u64);
        let schedule = Schedule::new(self.context.settings.intervals, seed);
        self.targets.push(TargetWatch::new(index, target, pins, schedule, now));
        index
    }

    /// Ends the search for targets. If it did not end well, what is wanted is reported as it was typed: the one that is to
    /// `blame` with the end, or all of them.
    pub(super) fn end_roll(&mut self, blame: Option<usize>, mut end: End) {
        let needed = self.context.settings.require.count(self.targets.len());
        if end.verdict == Verdict::Passed && needed > self.targets.len() {
            let few = self.targets.len();
            end = End {
                reason: Some(Line::new(format!(
                    "{needed} targets are required to pass, but the workflow has deployed only {few}"
                ))),
                hint: Some(Line::new("correct --require (NUON_GATE_REQUIRE)")),
                ..End::new(Verdict::Failed, end.at)
            };
        }
        if end.verdict != Verdict::Passed {
            let mut told = false;
            for (position, target) in self.enrol_as_typed(end.at) {
                if blame.is_none_or(|blamed| blamed == position) {
                    self.targets[target].conclude(end.clone(), &mut self.context);
                    told = true;
                }
            }
            if !told {
                let (verdict, reason) = (end.verdict, end.reason.clone());
                self.context.emit(end.at, EventKind::Ended { target: None, verdict, reason });
            }
        }
        self.roll.end = Some(end);
    }

    /// Makes a target of each component that is wanted, and returns where it stands in both lists.
    fn enrol_as_typed(&mut self, now: Moment) -> Vec<(usize, usize)> {
        let typed: Vec<(usize, Target)> = self
            .roll
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
        if !self.roll.wanted().is_empty() {
            self.context
                .emit(now, EventKind::Started { targets: typed.iter().map(|(_, target)| target.clone()).collect() });
        }
        typed.into_iter().map(|(position, target)| (position, self.watch(now, target, Pins::default()))).collect()
    }
}
