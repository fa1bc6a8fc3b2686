//! Deploys, one by one and in lists.

use std::cmp::Reverse;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::page::Page;
use crate::bodies::{self, Detail};
use crate::message::{Reply, Seen};
use crate::progress::Lasts;
use crate::row::{Place, Row, cancelled};
use crate::script::{Answer, Deploy, Generation, NoDeploy};
use crate::state::State;

const HOUR: Duration = Duration::from_secs(3600);
/// How far a slow clock is behind.
const BEHIND: Duration = HOUR;

/// A row in a list.
enum Listed {
    /// A deploy of the script.
    Row(Place),
    /// One of those of a component that had passed before the first request.
    Earlier(usize, usize),
}

impl State {
    /// Answers with a component's latest deploy, plan-only ones left out.
    pub(crate) fn latest(&mut self, install: &str, id: &str, now: Duration, request: &Seen) -> Reply {
        let Some(at) = self.position(install, id) else { return bodies::not_found("latest deploy") };
        let mut visible = self.visible(at, now);
        visible.retain(|position| !self.plans_only((at, *position)));
        self.progress[at].polls += 1;
        let hidden = self.script.components[at].drift_scans && request.query("limit").as_deref() != Some("100");
        match visible.last().filter(|_| !hidden) {
            Some(position) => Reply::ok(&self.show((at, *position), now, Detail::Latest, 1)),
            None if self.no_deploy(at) == NoDeploy::EmptyObject => Reply::ok(&bodies::no_deploy()),
            None => bodies::not_found("latest deploy"),
        }
    }

    /// Returns whether a deploy only plans, as its own script or its workflow's says.
    fn plans_only(&self, place: Place) -> bool {
        let deploy = self.deploy_at(place);
        let mut workflows = self.script.workflows.iter();
        deploy.plan_only
            || workflows.any(|scripted| scripted.plan_only && deploy.workflow.as_deref() == Some(scripted.id.as_str()))
    }

    fn no_deploy(&self, at: usize) -> NoDeploy {
        let usual = match self.script.generation {
            Generation::Mid1 => NoDeploy::EmptyObject,
            Generation::Old | Generation::Mid | Generation::New => NoDeploy::NotFound,
        };
        self.script.components[at].no_deploy.unwrap_or(usual)
    }

    /// Returns the positions of the existing rows, oldest first.
    pub(super) fn visible(&self, at: usize, now: Duration) -> Vec<usize> {
        let polls = self.progress[at].polls;
        let visible = |deploy: &Deploy| deploy.after.is_none_or(|after| now >= after) && polls >= deploy.after_polls;
        let deploys = self.script.components[at].deploys.iter().zip(&self.progress[at].deploys).enumerate();
        let there = deploys.filter(|(_, (deploy, progress))| visible(deploy) && !progress.row.is_called_off());
        there.map(|(position, _)| position).collect()
    }

    /// Returns whether a deploy's row exists.
    pub(super) fn is_there(&self, (at, position): Place, now: Duration) -> bool {
        self.visible(at, now).contains(&position)
    }

    /// Answers with a deploy.
    pub(crate) fn deploy(&mut self, install: &str, id: &str, now: Duration) -> Reply {
        let place = self.place(|component, deploy| component.install == install && deploy.id.as_deref() == Some(id));
        match place.filter(|place| self.is_there(*place, now)) {
            Some(place) => {
                self.progress[place.0].polls += 1;
                Reply::ok(&self.show(place, now, Detail::Full, 1))
            }
            None => bodies::not_found("deploy"),
        }
    }

    /// Answers with the deploys of a component, newest first.
    pub(crate) fn list_deploys(&mut self, install: &str, id: &str, now: Duration, request: &Seen) -> Reply {
        if !self.has_install(install) {
            return bodies::not_found("install");
        }
        let page = self.page(request);
        let Some(at) = self.position(install, id) else { return Page::reply(page, Vec::new(), |row| row) };
        let rows = self.visible(at, now).into_iter().rev().map(|position| Listed::Row((at, position)));
        let earlier = (0..self.script.components[at].earlier.len()).rev().map(|number| Listed::Earlier(at, number));
        let rows = rows.chain(earlier).collect();
        self.progress[at].polls += 1;
        Page::reply(page, rows, |row| match row {
            // A list does not count as a poll of its rows.
            Listed::Row(place) => self.show(place, now, Detail::Listed, 0),
            Listed::Earlier(at, number) => self.show_earlier(at, number),
        })
    }

    /// Returns how many hours before the first request one of a component's earlier deploys had ended.
    fn hours_ago(&self, at: usize, number: usize) -> usize {
        self.script.components[at].earlier.len() - number
    }

    /// Returns the row of a deploy that had passed before the first request.
    fn show_earlier(&self, at: usize, number: usize) -> Value {
        let component = &self.script.components[at];
        let hours = u32::try_from(self.hours_ago(at, number)).unwrap_or(u32::MAX);
        let ended = self.wall(Duration::ZERO).saturating_sub(HOUR.saturating_mul(hours));
        let ended = ended.unwrap_or(Timestamp::UNIX_EPOCH);
        bodies::earlier(component, number, ended, self.script.generation)
    }

    /// Answers with the deploys of all components of an install, newest first.
    pub(crate) fn list_install_deploys(&mut self, install: &str, now: Duration, request: &Seen) -> Reply {
        if !self.has_install(install) {
            return bodies::not_found("install");
        }
        let (mut rows, mut newest, mut earlier) = (Vec::new(), Vec::new(), Vec::new());
        for at in 0..self.script.components.len() {
            if self.script.components[at].install != install {
                continue;
            }
            let visible = self.visible(at, now);
            // Without a deploy of the script, one of these would be the latest.
            if let Some(position) = visible.last() {
                newest.push((at, *position));
                earlier.extend((0..self.script.components[at].earlier.len()).map(|number| (at, number)));
            }
            for position in visible {
                let begins = self.deploy_at((at, position)).begins(now);
                rows.push((self.progress[at].deploys[position].row.begin(begins), (at, position)));
            }
            self.progress[at].polls += 1;
        }
        rows.sort_by_key(|row| Reverse(*row));
        earlier.sort_by_key(|(at, number)| self.hours_ago(*at, *number));
        let rows = rows.into_iter().map(|(_, place)| Listed::Row(place));
        let rows = rows.chain(earlier.into_iter().map(|(at, number)| Listed::Earlier(at, number))).collect();
        Page::reply(self.page(request), rows, |row| match row {
            // The list counts as a poll of each component's newest row, because the gate reads it in place of that.
            Listed::Row(place) => self.show(place, now, Detail::Listed, u32::from(newest.contains(&place))),
            Listed::Earlier(at, number) => self.show_earlier(at, number),
        })
    }

    fn has_install(&self, install: &str) -> bool {
        self.script.components.iter().any(|component| component.install == install)
    }

    /// Returns a row's current state, and counts this many polls of it.
    pub(super) fn show(&mut self, place: Place, now: Duration, detail: Detail, polls: u32) -> Value {
        if let Some(workflow) = self.deploy_at(place).workflow.clone().filter(|_| polls > 0) {
            self.advance_cancelling(&workflow, now);
        }
        self.advance(place, now, polls);
        bodies::deploy(&self.row(place), self.script.generation, detail)
    }

    /// Advances a deploy, and every other deploy of its component that has a health gate: a gate can write to a row
    /// that is newer than its own.
    pub(super) fn advance(&mut self, (at, position): Place, now: Duration, polls: u32) {
        for other in self.visible(at, now) {
            if other != position && self.health_at((at, other)).is_some() {
                self.advance_alone((at, other), now, 0);
            }
        }
        self.advance_alone((at, position), now, polls);
    }

    fn advance_alone(&mut self, (at, position): Place, now: Duration, polls: u32) {
        let deploy = &self.script.components[at].deploys[position];
        let lasts: Vec<Lasts> = deploy.statuses.iter().map(|stay| (stay.duration, stay.polls)).collect();
        self.progress[at].deploys[position].row.advance(&lasts, deploy.begins(now), now, polls);
        self.advance_gate((at, position), now, polls);
    }

    /// Returns a row's current state.
    pub(super) fn row(&self, (at, position): Place) -> Row<'_> {
        let component = &self.script.components[at];
        let (deploy, progress) = (&component.deploys[position], &self.progress[at].deploys[position]);
        let own = deploy.statuses.iter().zip(progress.row.entered().iter().copied());
        let own = own.chain(progress.row.cancelled().map(|at| (cancelled(), at))).map(|(stay, at)| (stay, at, true));
        let written = progress.written.iter().map(|(stay, at)| (stay, *at, false));
        let mut all: Vec<_> = own.chain(written).collect();
        // At equal times, the deploy's own statuses come first.
        all.sort_by_key(|(_, at, _)| *at);
        // A row that has only been created has no earlier state.
        if all.len() > 1 && self.light == Some(Answer::Lagging) {
            all.pop();
        }
        let mut stays: Vec<_> = all.iter().map(|(stay, at, _)| (*stay, self.wall(*at))).collect();
        if let ([_, .., (_, last)], Some(Answer::ClockBehind)) = (stays.as_mut_slice(), self.light) {
            *last = last.saturating_sub(BEHIND).unwrap_or(*last);
        }
        let own = all.iter().filter(|(.., is_own)| *is_own).map(|(stay, ..)| *stay).collect();
        Row { component, deploy, stays, own }
    }
}
