//! There is no time for another poll.

use std::time::Duration;

use super::said::{Said, detail, newest, nothing, row, workflow};
use super::scene::{IN_PROGRESS, Scene, Then, fails_as, id, latest, named, needs, own, play};
use super::{JUDGING, OTHER, OWN, WHICH};
use crate::api::ApiError;
use crate::cause::{Cause, DeployFailure, Limit, Standing, StoppedBy};
use crate::hold::Behind;
use crate::model::{Status, WorkflowEnd};
use crate::pins::{Baseline, Pins};
use crate::watch::Refusal;
use crate::watch::phase::StopReason;
use crate::watch::settings::OnStale;
use crate::{Clock, Hold, Moment, RemoteText, Signal, Verdict};

const LENGTH: Duration = Duration::from_secs(60);

/// What the API last said, where it said nothing good.
static HUNG: ApiError = ApiError::Timeout(Duration::from_secs(30));

pub(super) fn scenes() -> Vec<Scene> {
    [clocks(), unknown(), known(), stopped()].into_iter().flatten().collect()
}

#[test]
fn no_time_is_left() {
    play(scenes());
}

fn runs_out(clock: Clock) -> StopReason<'static> {
    StopReason::Limit { clock, length: LENGTH, error: None, ever_answered: true }
}

fn limit(verdict: Verdict, clock: Clock, error: Option<ApiError>, ever_answered: bool) -> Then {
    let (subject, standing) = (RemoteText::new("inl-acme/cmp-web"), Standing::Nothing);
    let limit = Limit { clock, length: LENGTH, subject, standing, error, ever_answered };
    Then::Ends(verdict, Cause::Limit(Box::new(limit)))
}

pub(super) fn timed_out() -> Then {
    limit(Verdict::TimedOut, Clock::Total, None, true)
}

/// The meaning of each timeout while nothing is known.
fn clocks() -> Vec<Scene> {
    let each = [
        ("the total clock", Clock::Total, Verdict::TimedOut),
        ("the start clock", Clock::Start, Verdict::TimedOut),
        ("the stall clock", Clock::Stall, Verdict::TimedOut),
        ("the approval clock", Clock::Approval, Verdict::ApprovalNeeded),
        ("the queue clock", Clock::Queue, Verdict::TimedOut),
        ("the outage clock", Clock::Outage, Verdict::Inconclusive),
    ];
    let mut scenes: Vec<Scene> = each
        .into_iter()
        .map(|(name, clock, verdict)| {
            latest(name, JUDGING).stops(runs_out(clock)).then(limit(verdict, clock, None, true))
        })
        .collect();
    let silent = StopReason::Limit { clock: Clock::Outage, length: LENGTH, error: Some(&HUNG), ever_answered: false };
    let outage = limit(Verdict::Inconclusive, Clock::Outage, Some(HUNG.clone()), false);
    scenes.push(latest("an outage, without one good answer", JUDGING).stops(silent).then(outage));
    scenes
}

pub(super) fn total_limit() -> StopReason<'static> {
    runs_out(Clock::Total)
}

/// The deploy, the newest row, and a workflow with one step of the deploy's.
fn answers(status: &str, word: &str, step: &str) -> [Said; 3] {
    [detail(&row(OWN, status)), newest(&row(OWN, status)), workflow("iwf-1", word, OWN, step)]
}

/// A pending deploy has not passed when a timeout expires.
fn unknown() -> Vec<Scene> {
    let held_step = || Then::Holds(Hold::Step(RemoteText::new("step 1 of 1, apply, is `in-progress`")));
    let step_failed = || {
        Then::Holds(Hold::Behind(Behind::StepFailed(Verdict::Failed, RemoteText::new("step 1 of 1, apply, failed"))))
    };
    vec![
        own("nothing is known of it", JUDGING).stops(total_limit()).then(timed_out()),
        own("under way", JUDGING)
            .poll(0, [detail(&row(OWN, "executing"))])
            .then(IN_PROGRESS)
            .stops(total_limit())
            .then(timed_out()),
        latest("a stale failure whose detail was not read is none, if what is newer is waited for", WHICH)
            .with(|settings| settings.on_stale = OnStale::Wait)
            .poll(0, [newest(&row(OWN, "error"))])
            .then(needs("deploy dpl-web"))
            .stops(runs_out(Clock::Outage))
            .then(limit(Verdict::Inconclusive, Clock::Outage, None, true)),
        latest("a failure whose detail was not read", JUDGING)
            .poll(0, [newest(&row(OWN, "error")), nothing("deploy dpl-web")])
            .then(Then::NoAnswer)
            .stops(total_limit())
            .then(fails_as(Status::Error)),
        latest("a stale failure is refused, if that is asked for", WHICH)
            .with(|settings| settings.on_stale = OnStale::Fail)
            .poll(0, [newest(&row(OWN, "error"))])
            .then(needs("deploy dpl-web"))
            .stops(runs_out(Clock::Outage))
            .then(Then::Refused(Refusal::Stale { deploy: id(OWN), ago: None })),
        named(
            "a failure of what may not be asked for, as its baseline was not read",
            WHICH,
            Pins { after: Some(Baseline::Deploy(id(OTHER))), ..Pins::default() },
        )
        .poll(0, [detail(&row(OWN, "error"))])
        .then(needs("deploy dpl-db"))
        .stops(total_limit())
        .then(timed_out()),
        own("active is held: it has not passed", JUDGING)
            .poll(0, answers("active", "in-progress", "in-progress"))
            .then(held_step())
            .stops(total_limit())
            .then(timed_out()),
        own("active, and a step failed: one of the two may be behind", JUDGING)
            .poll(0, answers("active", "error", "error"))
            .then(step_failed())
            .stops(total_limit())
            .then(timed_out()),
        own("left behind by its workflow: it may only be behind", JUDGING)
            .wide_poll(0, answers("executing", "success", "success"))
            .then(Then::Holds(Hold::Behind(Behind::Orphan(WorkflowEnd::Succeeded))))
            .stops(total_limit())
            .then(timed_out()),
        own("left behind by its workflow, and the API is out", JUDGING)
            .wide_poll(0, answers("executing", "success", "success"))
            .then(Then::Holds(Hold::Behind(Behind::Orphan(WorkflowEnd::Succeeded))))
            .stops(runs_out(Clock::Outage))
            .then(limit(Verdict::Inconclusive, Clock::Outage, None, true)),
        own("active settles: it has not passed", JUDGING)
            .with(|settings| settings.settle = LENGTH)
            .poll(0, answers("active", "success", "success"))
            .then(Then::Holds(Hold::Settling(Moment::after_start(LENGTH))))
            .stops(total_limit())
            .then(timed_out()),
    ]
}

/// What is known even when a timeout expires.
fn known() -> Vec<Scene> {
    let called_off = Cause::Deploy(DeployFailure {
        status: Status::Cancelled,
        text: None,
        is_generic: true,
        denial: None,
        hint: None,
        by_rule: false,
    });
    vec![
        own("error is held: it has failed", JUDGING)
            .poll(0, answers("error", "in-progress", "retrying"))
            .then(Then::Holds(Hold::Retry))
            .stops(total_limit())
            .then(fails_as(Status::Error)),
        own("error, and the API is out: it has failed", JUDGING)
            .poll(0, answers("error", "in-progress", "retrying"))
            .then(Then::Holds(Hold::Retry))
            .stops(runs_out(Clock::Outage))
            .then(fails_as(Status::Error)),
        own("cancelled, and the rest could not be read", JUDGING)
            .poll(0, [detail(&row(OWN, "cancelled"))])
            .then(needs("latest"))
            .stops(total_limit())
            .then(Then::Ends(Verdict::Cancelled, called_off)),
    ]
}

/// The wait is stopped.
fn stopped() -> Vec<Scene> {
    let by = StoppedBy::Signal(Signal::Interrupt);
    let pending = || Then::Ends(Verdict::Pending, Cause::Stopped { by, standing: Standing::Nothing });
    let no_answer = Then::Ends(Verdict::Inconclusive, Cause::NoAnswer(HUNG.clone()));
    let error = row(OWN, "error");
    vec![
        latest("stopped while nothing is there", JUDGING).stops(StopReason::Stopped(by, None)).then(pending()),
        own("stopped while error is held: nothing is certain", JUDGING)
            .poll(0, [detail(&error), newest(&error), workflow("iwf-1", "in-progress", OWN, "retrying")])
            .then(Then::Holds(Hold::Retry))
            .stops(StopReason::Stopped(by, None))
            .then(pending()),
        own("one poll without a good answer", JUDGING)
            .stops(StopReason::Stopped(StoppedBy::Once, Some(&HUNG)))
            .then(no_answer),
    ]
}
