//! Each cause as neutral prose.

use std::fmt;

use super::{
    Cause, Denial, DeployFailure, GroupTrouble, InstallTrouble, Limit, Mismatch, Standing, StoppedBy, Thing, Unmatched,
};
use crate::api::ApiError;
use crate::reason::LONGEST;
use crate::timeline::{exact, human};
use crate::{Clock, InstallId, Line, MatchedBy, RemoteText};

fn shown(text: &RemoteText) -> String {
    text.line_around_error(LONGEST).plain().to_owned()
}

/// The text after a sign, if there is one.
fn after(sign: &str, text: Option<&RemoteText>) -> String {
    text.map(|text| format!("{sign}{}", shown(text))).unwrap_or_default()
}

/// The text before a sign, if there is one. The server's reason comes first, since the rest may be cut off.
fn before(sign: &str, text: Option<&RemoteText>) -> String {
    text.map(|text| format!("{}{sign}", shown(text))).unwrap_or_default()
}

impl Cause {
    /// Says what contradicts the success of a run, if this does.
    pub(crate) fn contradiction(&self) -> Option<String> {
        Some(match self {
            Self::InstallOfRun { install, trouble } => {
                let (before, after) = match trouble {
                    InstallTrouble::NeverDeployed => ("nothing was deployed to ", ""),
                    InstallTrouble::SaidFailed => ("its group says that it failed at ", ""),
                    InstallTrouble::SaidUnfinished => ("its group says that it has not ended at ", ""),
                    InstallTrouble::NoLongerNamed => ("", " is no longer in any of its groups"),
                };
                format!("but {before}install {}{after}", install.plain())
            }
            Self::GroupOfRun { group, trouble } => {
                let what = match trouble {
                    GroupTrouble::Uncompleted { total, done } => {
                        format!("counts {done} of its {total} installs as done")
                    }
                    GroupTrouble::Incomplete { total, named } => {
                        format!("has {total} installs, of which only {named} are named")
                    }
                    GroupTrouble::Failures(count) => format!("says that {count} of its installs failed"),
                    GroupTrouble::Says(word) if word.is_blank() => "does not say how it ended".to_owned(),
                    GroupTrouble::Says(word) => format!("says `{}`", word.line(60).plain()),
                };
                format!("but group {} {what}", group.plain())
            }
            _ => return None,
        })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(error @ ApiError::SignIn(_)) => write!(f, "{error}"),
            Self::Denied(error) if error.status() == Some(401) => {
                write!(f, "the API does not accept the token: {error}")
            }
            Self::Denied(error) => write!(f, "the API refuses access to the organisation: {error}"),
            Self::NotFound(thing, error) => write!(f, "there is no {thing}: {error}"),
            Self::NoSuchName(unknown) => write!(f, "{unknown}"),
            Self::Refused(error) => write!(f, "the API refuses the request: {error}"),
            Self::NotNuon(error) => write!(f, "the API was not reached: {error}"),
            Self::Elsewhere(error) => write!(f, "{error}"),
            Self::Unhealthy { health, text } => {
                write!(f, "the deploy passed, but the component is {health}: {}", shown(text))
            }
            Self::HealthUnknown(why) => {
                write!(f, "the deploy passed, but whether the component is healthy is not known: {}", shown(why))
            }
            Self::Undeployable { deploy, deploy_type: Some(deploy_type) } => {
                write!(f, "deploy {deploy} is of type `{deploy_type}`, which deploys nothing that could be waited for")
            }
            Self::Undeployable { deploy, deploy_type: None } => {
                write!(f, "deploy {deploy} only makes a plan, so there is nothing to wait for")
            }
            Self::PlanOnlyWorkflow(id) => write!(f, "workflow {id} only makes plans, so there is nothing to wait for"),
            Self::PlanOnlyRun(id) => write!(f, "run {id} only makes plans, so there is nothing to wait for"),
            Self::Run { run, word, error, step, groups } => {
                let (error, step) = (after(": ", error.as_ref()), after("; ", step.as_ref()));
                let groups = after(" in group ", groups.as_ref());
                let how = match () {
                    () if word.is("failed") => "failed".to_owned(),
                    () if word.is("cancelled") => "was cancelled".to_owned(),
                    () => format!("did not succeed (it is `{}`)", word.line(60).plain()),
                };
                write!(f, "run {run} {how}{groups}{error}{step}")
            }
            Self::InstallOfRun { .. } | Self::GroupOfRun { .. } => {
                write!(f, "the run says that it succeeded, {}", self.contradiction().unwrap_or_default())
            }
            Self::NothingReleased(run) => write!(f, "run {run} succeeded without deploying anything"),
            Self::InstallSuperseded { install, by } => {
                write!(f, "run {by} superseded this one at install {}", install.plain())
            }
            Self::RunApproval { run, workflow, step } => {
                let step = after(": ", step.as_ref());
                write!(f, "a human is asked to approve before run {run} goes on, in workflow {workflow}{step}")
            }
            Self::WorkflowApproval { place, step, .. } => {
                let (workflow, step) = (&place.workflow, after(": ", step.as_ref()));
                write!(f, "a human is asked to approve before workflow {workflow} goes on{step}")
            }
            Self::PinMismatch { deploy, pin } => {
                write!(f, "deploy {deploy} does not match the {} that was given", pin.as_str())
            }
            Self::WorkflowOfOther { workflow, owner, named } => {
                let named: Vec<&str> = named.iter().map(InstallId::as_str).collect();
                write!(f, "workflow {workflow} works on install {owner}, not on {}", named.join(", "))
            }
            Self::NoInstall(id) => {
                write!(f, "workflow {id} works on no install, so it has no deploys that could be waited for")
            }
            Self::Deploy(failure) => write!(f, "{failure}"),
            Self::Step { step, status } => write!(f, "{}, although the deploy says `{status}`", shown(step)),
            Self::Orphaned { end, step, status, text, .. } => {
                let stays = match status {
                    None => "and the component was never attempted".to_owned(),
                    Some(status) => format!("but the deploy still says `{status}`"),
                };
                let (text, step) = (before("; ", text.as_ref()), after(": ", step.as_ref()));
                write!(f, "{text}the workflow {}{step}, {stays}", end.as_str())
            }
            Self::NeverDeployed { end, step, replaced } => {
                let missing = match replaced {
                    Some(replaced) => format!("no deploy replaced {replaced}"),
                    None => "the component was never attempted".to_owned(),
                };
                write!(f, "the workflow {}{}, and {missing}", end.as_str(), after(": ", step.as_ref()))
            }
            Self::Workflow { end, word, step, denial } => {
                let is_usual = ["error", "cancelled", "failed-pending-retry", "success"].iter().any(|own| word.is(own));
                let word = match word.is_blank() {
                    _ if is_usual => String::new(),
                    true => " (it ended without a status)".to_owned(),
                    false => format!(" (it ended as `{}`)", word.line(60).plain()),
                };
                let (denial, step) = (before("; ", denial.as_ref().map(Denial::text)), after(": ", step.as_ref()));
                write!(f, "{denial}the workflow {}{word}{step}", end.as_str())
            }
            Self::StepFailed(step) => {
                write!(f, "the workflow says that it succeeded, but {}", shown(step))
            }
            Self::NothingDeployed => f.write_str("the workflow succeeded without deploying anything"),
            Self::TooFew { required, deployed } => {
                write!(f, "{required} targets are required to pass, but the workflow has deployed only {deployed}")
            }
            Self::Crossed(deploy) => write!(f, "the deploy was replaced by a teardown ({deploy})"),
            Self::Unexpected { deploy, kind, expected } => {
                write!(f, "the deploy {deploy} is {}, but {} was expected", kind.words(), expected.words())
            }
            Self::Superseded { from, to } => write!(f, "the deploy {from} was superseded by {to}"),
            Self::ApprovalNeeded(_) => f.write_str("a human is asked to approve the plan"),
            Self::Limit(limit) => write!(f, "{limit}"),
            Self::Stopped { by: StoppedBy::Signal(signal), standing } => {
                write!(f, "stopped by {signal} before the deploy ended: {standing}")
            }
            Self::Stopped { by: StoppedBy::Decided, standing } => {
                write!(f, "not waited for: the run was already decided: {standing}")
            }
            Self::Stopped { by: StoppedBy::Once, standing } => write!(f, "{standing}"),
            Self::NoAnswer(error) => write!(f, "no good answer from the API: {error}"),
            Self::NotBegun { why, .. } => f.write_str(why.plain()),
        }
    }
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Install(install) => write!(f, "install `{install}` in this organisation"),
            Self::Component(install, component) => write!(f, "component `{component}` in install `{install}`"),
            Self::Deploy(install, deploy) => write!(f, "deploy `{deploy}` in install `{install}`"),
            Self::Workflow(workflow) => write!(f, "workflow `{workflow}`"),
            Self::GroupsOfRun(run) => write!(f, "list of the install groups of run `{run}`"),
        }
    }
}

impl fmt::Display for DeployFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = &self.status;
        match (&self.text, self.is_generic) {
            (text, _) if self.is_of_success() => {
                let not_expected = match self.by_rule {
                    true => format!("status `{status}` counts as a failure by the user's rule"),
                    false => format!("the deploy ended as `{status}`, where an apply was expected"),
                };
                write!(f, "{not_expected}{}", after(": ", text.as_ref()))
            }
            (Some(text), false) => f.write_str(&shown(text)),
            (None, _) if self.by_rule => write!(f, "status `{status}` counts as a failure by the user's rule"),
            (Some(text), true) if self.by_rule => f.write_str(&shown(text)),
            (Some(text), true) => write!(f, "{}; the server gives no reason", shown(text)),
            (None, _) => write!(f, "the deploy ended as `{status}`; the server gives no reason"),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { clock, length, subject, standing, error, .. } = self;
        let error = error.as_ref().map(|error| format!("; the last error: {error}")).unwrap_or_default();
        let length = exact(*length);
        match (clock, standing) {
            (Clock::Total, _) => write!(f, "the total timeout of {length} expired: {standing}{error}"),
            (Clock::Start, Standing::Unmatched(_)) => {
                write!(
                    f,
                    "the start timeout of {length} expired: {standing}, and no other of {} has appeared{error}",
                    shown(subject)
                )
            }
            (Clock::Start, Standing::NoRun) => {
                write!(f, "the start timeout of {length} expired: no run of {} has appeared{error}", shown(subject))
            }
            (Clock::Start, _) => {
                write!(f, "the start timeout of {length} expired: no deploy of {} has appeared{error}", shown(subject))
            }
            (Clock::Stall, _) => {
                write!(f, "the stall timeout of {length} expired, nothing has changed: {standing}{error}")
            }
            (Clock::Queue, _) => {
                write!(
                    f,
                    "the queue timeout of {length} expired, the workflow still waits behind others: {standing}{error}"
                )
            }
            (Clock::Approval, _) => {
                write!(f, "the approval timeout of {length} expired without an answer: {standing}{error}")
            }
            (Clock::Outage, _) => write!(f, "no good answer from the API for {length}: {standing}{error}"),
        }
    }
}

impl fmt::Display for Unmatched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { newest, why } = self;
        match why {
            Mismatch::Pin { pin: MatchedBy::After, wanted, .. } if *wanted == newest.as_str() => {
                write!(f, "the newest deploy is still {newest}, which was there before")
            }
            why => write!(f, "the newest deploy, {newest}, {why}"),
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (pin, wanted, has) = match self {
            Self::HadEnded => return f.write_str("had ended before the wait began"),
            Self::Undeployable => return f.write_str("deploys nothing that could be waited for"),
            Self::Retry => return f.write_str("retries the deploy that a newer one is waited for"),
            Self::Pin { pin, wanted, has } => (pin, wanted.plain(), has.as_ref().map(Line::plain)),
        };
        match (pin, has) {
            (MatchedBy::After, Some(_)) => write!(f, "is not newer than {wanted}"),
            (MatchedBy::After, None) => {
                write!(f, "does not say when it was created, and so not whether it is newer than {wanted}")
            }
            (MatchedBy::Since, None) => {
                write!(f, "does not say when it was created, and so not whether that was after {wanted}")
            }
            (MatchedBy::Since, Some(has)) => write!(f, "is of {has}, which is before {wanted}"),
            (_, Some(has)) => write!(f, "has {} {has}, not {wanted}", noun(*pin)),
            (_, None) => write!(f, "does not say that its {} is {wanted}", noun(*pin)),
        }
    }
}

/// What a pin refers to.
fn noun(pin: MatchedBy) -> &'static str {
    match pin {
        MatchedBy::Deploy => "id",
        MatchedBy::Workflow | MatchedBy::BranchRun => "workflow",
        MatchedBy::Build => "build",
        MatchedBy::Commit => "commit",
        MatchedBy::After | MatchedBy::Since | MatchedBy::Latest => "time",
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("no deploy has been seen"),
            Self::Unmatched(unmatched) => unmatched.fmt(f),
            Self::Deploy { status, spent, each, hold } => {
                // The total time in the last status contains the last stay.
                let spent = match each {
                    Some(each) => format!(" ({each})"),
                    None => spent.map(|spent| format!(" for {}", human(spent))).unwrap_or_default(),
                };
                let hold = hold.to_string();
                let hold = if hold.is_empty() { hold } else { format!(", {hold}") };
                write!(f, "the last status is `{status}`{spent}{hold}")
            }
            Self::NoRun => f.write_str("no run has been seen"),
            Self::Run { id, word, group } => {
                write!(f, "run {id} is `{}`{}", word.line(60).plain(), after(", ", group.as_ref()))
            }
            Self::Workflow { id, word: None, .. } => write!(f, "workflow {id} has not been seen"),
            Self::NothingSinceTrigger => f.write_str("no new deploy has appeared since the trigger"),
            Self::Workflow { id, word: Some(word), unread: Some(deploy), .. } => {
                let word = word.line(60);
                write!(f, "workflow {id} has ended with `{}`, but its deploy {deploy} could not be read", word.plain())
            }
            Self::Workflow { id, word: Some(word), has_ended: true, .. } => {
                let word = word.line(60);
                write!(f, "workflow {id} has ended with `{}`, but not all that it deploys has", word.plain())
            }
            // Servers say `success` between two steps as well.
            Self::Workflow { id, word: Some(word), .. } if word.is("success") => {
                write!(f, "workflow {id} is `success`, but not finished")
            }
            Self::Workflow { id, word: Some(word), .. } => write!(f, "workflow {id} is `{}`", word.line(60).plain()),
        }
    }
}
