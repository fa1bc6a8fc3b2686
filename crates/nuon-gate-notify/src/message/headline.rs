//! What happened to what, in a few words.

use jiff::SignedDuration;
use nuon_gate_core::result::v1::{DeployResult, RunResult, TargetResult};
use nuon_gate_core::{Clock, MatchedBy, Verdict};

use super::facts::instant;
use super::targets::{has_expired, has_passed_unapproved, has_status, is_asked, is_planned, may_be_asked};
use super::{asking_run, decided, recovered_after, subject};
use crate::Occasion;

const BEFORE_WORKFLOW: &str = "approval needed before the workflow goes on";

/// The tone of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Busy,
    Asking,
    Good,
    Bad,
    Warning,
    Test,
}

impl Tone {
    /// Returns whether someone has to investigate.
    pub(super) fn is_trouble(self) -> bool {
        match self {
            Self::Bad | Self::Warning => true,
            Self::Busy | Self::Asking | Self::Good | Self::Test => false,
        }
    }

    fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Passed | Verdict::NotifyFailed => Self::Good,
            Verdict::Failed | Verdict::Rejected | Verdict::Cancelled | Verdict::Superseded => Self::Bad,
            Verdict::ApprovalNeeded => Self::Asking,
            Verdict::Inconclusive | Verdict::TimedOut | Verdict::Interrupted(_) => Self::Warning,
            Verdict::Pending => Self::Busy,
        }
    }
}

/// The first words of a message.
pub(super) struct Headline {
    pub(super) tone: Tone,
    /// Not everyone sees colours.
    pub(super) sign: &'static str,
    pub(super) words: String,
}

impl Headline {
    pub(super) fn new(occasion: Occasion, result: &RunResult) -> Self {
        let about = decided(occasion, result);
        let subject = subject(result, &about);
        let of = |verdict: Verdict, words| Self { tone: Tone::of(verdict), sign: verdict.sign(), words };
        match occasion {
            Occasion::Test => {
                let words = "test message, nothing was deployed".to_owned();
                Self { tone: Tone::Test, sign: "🔔", words }
            }
            Occasion::Ended if has_passed_unapproved(result) => {
                of(Verdict::ApprovalNeeded, unapproved(result, &about, &subject))
            }
            // The exit code reports the notification that failed; this message is about the deploy.
            Occasion::Ended if result.verdict == Verdict::NotifyFailed => {
                of(Verdict::Passed, ended(Verdict::Passed, result, &about, &subject))
            }
            Occasion::Ended if asks_of_no_target(occasion, result) => of(result.verdict, BEFORE_WORKFLOW.to_owned()),
            Occasion::Ended => of(result.verdict, ended(result.verdict, result, &about, &subject)),
            Occasion::Refused => of(Verdict::Rejected, format!("{subject} not waited for")),
            Occasion::Started | Occasion::Changed | Occasion::Approval
                if let Some(run) = asking_run(occasion, result) =>
            {
                of(Verdict::ApprovalNeeded, format!("approval needed before run {} goes on", run.id.plain()))
            }
            Occasion::Approval if asks_of_no_target(occasion, result) => {
                of(Verdict::ApprovalNeeded, BEFORE_WORKFLOW.to_owned())
            }
            Occasion::Started | Occasion::Changed | Occasion::Approval if is_asking(occasion, result) => {
                of(Verdict::ApprovalNeeded, format!("approval needed for {}", plan(&about, &subject)))
            }
            Occasion::Started | Occasion::Changed | Occasion::Approval => {
                of(Verdict::Pending, going_on(&about, result, &subject))
            }
        }
    }
}

/// Returns whether a human is asked for an answer.
pub(super) fn is_asking(occasion: Occasion, result: &RunResult) -> bool {
    occasion == Occasion::Approval || result.targets.iter().any(is_asked)
}

/// Returns whether a human is asked about the workflow that is waited for, and about no deploy of it.
pub(super) fn asks_of_no_target(occasion: Occasion, result: &RunResult) -> bool {
    let all = || result.targets.iter();
    result.branch_run.is_none()
        && match occasion {
            Occasion::Approval => !all().any(|target| is_asked(target) || may_be_asked(target)),
            Occasion::Ended => {
                let needs = Verdict::ApprovalNeeded;
                result.verdict == needs && !all().any(|target| target.verdict == needs)
            }
            Occasion::Started | Occasion::Changed | Occasion::Refused | Occasion::Test => false,
        }
}

/// Returns whether all of them are teardowns. One that has not begun counts as a deploy.
pub(crate) fn are_teardowns<'a>(about: impl IntoIterator<Item = &'a TargetResult>) -> bool {
    let is_teardown = |deploy: &DeployResult| deploy.deploy_type.as_ref().is_some_and(|kind| *kind == "teardown");
    let mut about = about.into_iter().map(|target| target.deploy.as_ref().is_some_and(is_teardown)).peekable();
    about.peek().is_some() && about.all(|is_torn_down| is_torn_down)
}

/// Returns whether the deploy itself did not fail, but should not be: it goes on, or has ended well.
fn is_unexpected(target: &TargetResult) -> bool {
    let has_passed = ["active", "auto-skipped", "inactive"].iter().any(|status| has_status(target, status));
    let goes_on = target.deploy.as_ref().is_some_and(|deploy| deploy.ended_at.is_none());
    target.deploy_verdict.is_none() && (goes_on || has_passed)
}

/// Returns whether all of their deploys had ended before the wait began, and nobody pinned them: they are not this
/// pipeline's. This machine's clock may be a little ahead of the server's.
fn had_ended(about: &[&TargetResult], result: &RunResult) -> bool {
    const LEEWAY: SignedDuration = SignedDuration::from_secs(30);
    let began = instant(Some(&result.started_at));
    let had_ended = |target: &&TargetResult| {
        let ended = target.deploy.as_ref().and_then(|deploy| instant(deploy.ended_at.as_ref()));
        let is_before = ended.zip(began).is_some_and(|(ended, began)| began.duration_since(ended) > LEEWAY);
        is_before && target.matched_by == Some(MatchedBy::Latest)
    };
    !about.is_empty() && about.iter().all(had_ended)
}

/// Returns whether all of their deploys have this verdict, whatever the run's verdict is.
fn have_ended(about: &[&TargetResult], verdict: Verdict) -> bool {
    !about.is_empty() && about.iter().all(|target| target.deploy_verdict == Some(verdict))
}

/// Names a deploy that was only planned, or did not end.
fn plan(about: &[&TargetResult], subject: &str) -> String {
    if are_teardowns(about.iter().copied()) { format!("the teardown of {subject}") } else { subject.to_owned() }
}

fn going_on(about: &[&TargetResult], result: &RunResult, subject: &str) -> String {
    if had_ended(about, result) {
        format!("checking the last deploy of {subject}")
    } else if about.iter().all(|target| target.deploy.is_none()) {
        format!("waiting for a deploy of {subject}")
    } else if are_teardowns(about.iter().copied()) {
        format!("tearing down {subject}")
    } else {
        format!("deploying {subject}")
    }
}

/// Says what a run that passed has left to a human.
fn unapproved(result: &RunResult, about: &[&TargetResult], subject: &str) -> String {
    let planned = about.iter().filter(|target| is_planned(target)).count();
    let passed = match planned {
        0 => ended(Verdict::Passed, result, about, subject),
        all if all == about.len() => format!("{} planned, awaiting approval", plan(about, subject)),
        some => format!("{subject} passed, {some} only planned and awaiting approval"),
    };
    match asking_run(Occasion::Ended, result) {
        Some(run) => format!("{passed}; run {} awaits approval", run.id.plain()),
        None => passed,
    }
}

/// Says how a run ended. A failure of the gate reads differently from a failure of the deploy.
fn ended(verdict: Verdict, result: &RunResult, about: &[&TargetResult], subject: &str) -> String {
    let plan = plan(about, subject);
    match verdict {
        Verdict::Passed | Verdict::NotifyFailed => {
            let recovered = about.iter().filter(|target| target.recovered_after.is_some_and(|failures| failures > 0));
            match (recovered.count(), recovered_after(result)) {
                (1, Some(1)) if about.len() == 1 => format!("{subject} recovered after a failure"),
                (1, Some(failures)) if about.len() == 1 => format!("{subject} recovered after {failures} failures"),
                (0, _) if had_ended(about, result) => format!("{subject}: the last deploy had already passed"),
                (0, _) if about.iter().all(|target| has_status(target, "auto-skipped")) => {
                    format!("nothing to do for {plan}")
                }
                (0, _) if are_teardowns(about.iter().copied()) => format!("{subject} torn down"),
                (0, _) => format!("{subject} deployed"),
                (some, _) => format!("{subject} deployed, {some} recovered"),
            }
        }
        Verdict::Failed if had_ended(about, result) => format!("{subject}: the last deploy had already failed"),
        Verdict::Failed if have_ended(about, Verdict::Passed) => format!("{subject} not healthy"),
        Verdict::Failed if !about.is_empty() && about.iter().all(|target| is_unexpected(target)) => {
            format!("{plan} was not expected")
        }
        Verdict::Failed => format!("{plan} failed"),
        Verdict::Rejected => format!("{subject} could not be checked"),
        Verdict::Cancelled if about.iter().all(|target| has_status(target, "approval-denied")) => {
            format!("plan for {plan} denied")
        }
        Verdict::Cancelled if about.iter().all(|target| has_expired(target)) => {
            format!("plan for {plan} not approved in time")
        }
        Verdict::Cancelled => format!("{plan} cancelled"),
        Verdict::ApprovalNeeded => format!("approval needed for {plan}"),
        Verdict::Superseded => format!("{plan} superseded"),
        Verdict::Inconclusive => format!("outcome of {plan} unknown"),
        Verdict::TimedOut if about.iter().all(|target| target.deploy.is_none()) => {
            format!("{plan} did not start")
        }
        Verdict::TimedOut if about.iter().all(|target| target.clock == Some(Clock::Queue)) => {
            format!("{plan} still queued")
        }
        Verdict::TimedOut if have_ended(about, Verdict::Cancelled) => format!("{plan} timed out and was cancelled"),
        Verdict::TimedOut if have_ended(about, Verdict::Failed) => format!("{plan} timed out and failed"),
        Verdict::TimedOut if have_ended(about, Verdict::Passed) => format!("{subject} not healthy in time"),
        Verdict::TimedOut => format!("{plan} still running"),
        Verdict::Interrupted(_) => format!("stopped watching {plan}"),
        Verdict::Pending => format!("{plan} not ended"),
    }
}
