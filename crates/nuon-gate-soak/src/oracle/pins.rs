//! Whether a deploy matches the question (contract: which deploy).

use super::answer::server_time;
use super::case::{Case, Seen};
use super::row::{Kind, Row};
use super::table::{Word, plain};
use super::text::parse_instant;
use crate::transcript::{Exchange, Question};

/// How much earlier than `--since` a deploy may have been created, in microseconds.
const LEEWAY: i64 = 5_000_000;

/// How much before another a time clearly is, in microseconds.
const CLEARLY: i64 = 3_000_000;

/// How far an answer may lag behind, in microseconds.
const LONGEST_LAG: i64 = 120_000_000;

/// Returns whether the question pins a deploy.
pub(super) fn pinned(question: &Question) -> bool {
    let pins =
        [&question.deploy, &question.workflow, &question.build, &question.commit, &question.after, &question.since];
    pins.iter().any(|pin| pin.is_some())
}

/// Returns how the question treats newer deploys, with its default.
pub(super) fn on_superseded(question: &Question) -> &str {
    let default = if pinned(question) { "ignore" } else { "follow" };
    question.on_superseded.as_deref().unwrap_or(default)
}

impl Case<'_> {
    /// Returns the first pin that a deploy does not match, by all answers about it.
    pub(super) fn misses(&self, deploy: &str) -> Option<&'static str> {
        let question = self.question;
        let differs = |pin: &Option<String>, own: &str| pin.as_deref().is_some_and(|pin| pin != own);
        let sha = self.said(deploy, |row| &row.commit).to_lowercase();
        let built = self.said(deploy, |row| &row.build);
        if differs(&question.deploy, deploy) {
            Some("its id")
        } else if differs(&question.workflow, self.workflow(deploy)) {
            Some("its workflow")
        } else if differs(&question.build, built) {
            Some("its build")
        } else if question.commit.as_ref().is_some_and(|pin| !sha.starts_with(&pin.to_lowercase())) {
            Some("its commit")
        } else if question.after.as_deref().is_some_and(|pin| !self.is_after(deploy, pin)) {
            Some("that it is newer than the baseline")
        } else if question.since.as_deref().is_some_and(|pin| !self.is_since(deploy, pin)) {
            Some("that it was made since then")
        } else {
            None
        }
    }

    /// Returns whether the baseline, if there is one, was read by then.
    pub(super) fn has_read_baseline(&self, by: u64) -> bool {
        self.question.after.as_deref().is_none_or(|id| self.of(id).any(|seen| seen.done <= by))
    }

    /// Returns whether a deploy is not the baseline and was created later, as far as the baseline was read.
    fn is_after(&self, deploy: &str, baseline: &str) -> bool {
        let later = self.created(deploy).zip(self.created(baseline)).is_none_or(|(own, base)| own > base);
        deploy != baseline && later
    }

    /// Returns whether a deploy was created at a time or later, within the leeway.
    fn is_since(&self, deploy: &str, time: &str) -> bool {
        let since = parse_instant(time);
        since.is_none_or(|since| self.created(deploy).is_some_and(|own| own >= since - LEEWAY))
    }

    /// Returns why a deploy is not what was asked for: it does not match, and neither replaced nor superseded one that
    /// does.
    pub(super) fn unasked(&self, deploy: &str) -> Option<&'static str> {
        let miss = self.misses(deploy)?;
        let follows = on_superseded(self.question) == "follow";
        let others = self.ids().into_iter().filter(|id| *id != deploy && self.misses(id).is_none());
        let leads = |id: &str| self.replaced_by(id, deploy) || follows && self.made_before(id, deploy);
        if others.into_iter().any(leads) { None } else { Some(miss) }
    }

    /// Returns whether one deploy was replaced and the other belongs to the same workflow.
    fn replaced_by(&self, old: &str, new: &str) -> bool {
        let gone =
            self.of(old).any(|seen| plain(&seen.what.status, Kind::Apply) == Word::Replaced) || self.repeated(old);
        let (workflow, newer) = (self.workflow(old), self.workflow(new));
        // If the old row names no workflow, the steps show which one it belonged to.
        let by_steps = || self.flow_of(newer).any(|seen| seen.what.steps.iter().any(|step| step.targets(old)));
        gone && !newer.is_empty() && (workflow == newer || workflow.is_empty() && by_steps())
    }

    /// Returns whether a deploy says `error`, and its workflow has repeated every step of it (facts: a retry by a human on
    /// servers of 2025).
    fn repeated(&self, deploy: &str) -> bool {
        let failed = self.of(deploy).any(|seen| seen.what.status == "error");
        failed
            && self.flow_of(self.workflow(deploy)).any(|seen| {
                let mut own = seen.what.steps.iter().filter(|step| step.targets(deploy)).peekable();
                own.peek().is_some() && own.all(|step| step.repeated)
            })
    }

    /// Returns whether one deploy was created before another.
    fn made_before(&self, old: &str, new: &str) -> bool {
        self.created(old).zip(self.created(new)).is_none_or(|(old, new)| old < new)
    }

    /// Returns a newer deploy of the component that may supersede one: it belongs to another workflow, and deploys
    /// something.
    pub(super) fn superseder<'s>(&'s self, deploy: &'s str) -> Option<&'s str> {
        self.superseders(deploy).next()
    }

    /// Returns a deploy that supersedes one even if some of the answers are wrong.
    pub(super) fn certain_superseder<'s>(&'s self, deploy: &'s str) -> Option<&'s str> {
        // A detail alone was requested by another target, to which the deploy was shown wrongly.
        let is_shown = |id: &str| self.of(id).any(|seen| !seen.by_id);
        self.superseders(deploy).find(|id| is_shown(id) && !self.is_hidden(id) && !self.is_foreign(id))
    }

    fn superseders<'s>(&'s self, deploy: &'s str) -> impl Iterator<Item = &'s str> {
        let (made, workflow) = (self.created(deploy), self.workflow(deploy));
        let newer = move |id: &&str| {
            let other = workflow.is_empty() || self.workflow(id) != workflow;
            let known = other && self.is_no_plan(id) && self.kind(id) != Kind::Nothing;
            known && self.created(id).zip(made).is_some_and(|(own, made)| own > made)
        };
        self.ids().into_iter().filter(move |id| *id != deploy).filter(newer)
    }

    /// Returns whether a deploy is known to be more than a plan: its workflow says so, or it has none, or `latest`
    /// shows it by default. Two statuses end plans alone.
    fn is_no_plan(&self, deploy: &str) -> bool {
        let workflow = self.workflow(deploy);
        let read = self.flow_of(workflow).next().is_some();
        let ends_a_plan = |seen: &Seen<Row>| matches!(seen.what.status.as_str(), "drifted" | "no-drift");
        let is_shown = read || workflow.is_empty() || self.of(deploy).any(|seen| seen.latest);
        is_shown && !self.of(deploy).any(ends_a_plan)
    }

    /// Returns whether its workflow belongs to another install.
    fn is_foreign(&self, deploy: &str) -> bool {
        let owners = self.flow_of(self.workflow(deploy)).map(|seen| seen.what.owner.as_str());
        owners.filter(|owner| !owner.is_empty()).any(|owner| owner != self.install)
    }

    /// Returns whether `latest` still showed an older deploy long after this one was created: only plans are hidden
    /// there.
    fn is_hidden(&self, deploy: &str) -> bool {
        let Some(made) = self.created(deploy) else { return false };
        self.rows.iter().filter(|seen| seen.latest).any(|seen| {
            let is_older = seen.what.created.is_some_and(|own| own < made);
            is_older && seen.server_time.is_some_and(|now| now >= made + LONGEST_LAG)
        })
    }

    /// Returns when the wait began, by the server's clock as the first answer showed it, in microseconds.
    pub(super) fn began(&self) -> Option<i64> {
        let ago = |own: &Exchange| i64::try_from(own.done_ms).ok()?.checked_mul(1_000);
        self.reads.iter().find_map(|own| Some(server_time(own)? - ago(own)?))
    }

    /// Returns a newer deploy, of another build or commit than is pinned, that makes one with what is pinned a past one: it had
    /// ended before the wait began (contract: a latest deploy that does not match is "not started yet"). Nothing else is pinned.
    /// `certain`: by the server's times, whichever answers are wrong.
    pub(super) fn outruns<'s>(&'s self, deploy: &'s str, certain: bool) -> Option<&'s str> {
        let question = self.question;
        let others = [&question.deploy, &question.workflow, &question.after, &question.since];
        let by_content = question.build.is_some() || question.commit.is_some();
        if !by_content || others.iter().any(|pin| pin.is_some()) || self.misses(deploy).is_some() {
            return None;
        }
        let began = self.began();
        let before = |at: Option<i64>| at.zip(began).is_some_and(|(at, began)| at < began - CLEARLY);
        let has_ended = |row: &Row| plain(&row.status, self.kind(deploy)) != Word::Pending;
        let by_times = self.newest(deploy).iter().all(|seen| has_ended(&seen.what) && before(seen.what.updated));
        let is_shown_ended = self.of(deploy).next().is_some_and(|seen| has_ended(&seen.what));
        let is_other = |id: &&str| *id != deploy && self.misses(id).is_some();
        // Its health may be verified after it.
        let is_over = self.flow_of(self.workflow(deploy)).all(|seen| seen.what.ended());
        match certain {
            true if by_times && is_over => {
                self.superseders(deploy).filter(is_other).find(|id| before(self.created(id)))
            }
            true => None,
            false if is_shown_ended || by_times => self.ids().into_iter().find(is_other),
            false => None,
        }
    }

    /// Returns whether `--expect` refuses a deploy.
    pub(super) fn unexpected(&self, deploy: &str) -> bool {
        match self.question.expect.as_deref() {
            Some("apply") => self.kind(deploy) != Kind::Apply,
            Some("teardown") => self.kind(deploy) != Kind::Teardown,
            _ => false,
        }
    }
}
