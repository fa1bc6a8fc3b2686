//! Why something ended, or was refused, as values. Their `Display` is neutral prose: it knows no command line, so a program
//! that has one adds its own advice.

use std::fmt;
use std::time::Duration;

use crate::model::{DeployType, Status, WorkflowEnd};
use crate::reason::LONGEST;
use crate::report::ApprovalPlace;
use crate::resolve::UnknownName;
use crate::timeline::{exact, human};
use crate::{
    ApiError, Clock, ComponentId, DeployId, Hold, InstallId, Kind, Line, MatchedBy, RemoteText, Signal, WorkflowId,
};

/// Why a target, or the run as a whole, ended without passing.
///
/// Text of the server's is a [`RemoteText`]. `Display` shows it as one harmless line, but escapes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The API accepts neither the token nor the identity, or refuses access to the organisation.
    Denied(ApiError),
    /// What was named by its id does not exist.
    NotFound(Thing, ApiError),
    /// What was named by its name does not exist.
    NoSuchName(UnknownName),
    /// The API refuses the request.
    Refused(ApiError),
    /// Something that is not the API answers, and the API itself never has.
    NotNuon(ApiError),
    /// What was named belongs to another install or component.
    Elsewhere(ApiError),
    /// A row that deploys nothing can be no deploy that is waited for.
    Undeployable {
        /// The row.
        deploy: DeployId,
        /// Its type; `None` if it is its workflow that only makes plans.
        deploy_type: Option<DeployType>,
    },
    /// The workflow only makes plans.
    PlanOnlyWorkflow(WorkflowId),
    /// The deploy that was named does not match another pin.
    PinMismatch {
        /// The deploy.
        deploy: DeployId,
        /// The pin.
        pin: MatchedBy,
    },
    /// The workflow works on another install than those that were named.
    WorkflowOfOther {
        /// The workflow.
        workflow: WorkflowId,
        /// Its install.
        owner: InstallId,
        /// Those that were named.
        named: Vec<InstallId>,
    },
    /// The workflow works on no install.
    NoInstall(WorkflowId),
    /// The deploy failed or was cancelled, and says so itself.
    Deploy(DeployFailure),
    /// The deploy says that it passed, but a step that works on it did not succeed.
    Step {
        /// The step, described.
        step: RemoteText,
        /// What the deploy says.
        status: Status,
    },
    /// The workflow ended, and the deploy never did.
    Orphaned {
        /// How the workflow ended.
        end: WorkflowEnd,
        /// The step that failed first, described.
        step: Option<RemoteText>,
        /// What the deploy says; `None` if no step of its own was begun.
        status: Option<Status>,
        /// Who denied its plan.
        denial: Option<RemoteText>,
    },
    /// The workflow ended without the deploy that should have come from it.
    NeverDeployed {
        /// How the workflow ended.
        end: WorkflowEnd,
        /// The step that failed first, described.
        step: Option<RemoteText>,
        /// The deploy that should have been replaced, if one was followed.
        replaced: Option<DeployId>,
    },
    /// The workflow that was waited for as a whole did not succeed.
    Workflow {
        /// How it ended.
        end: WorkflowEnd,
        /// Its own word for it.
        word: RemoteText,
        /// The step that failed first, described.
        step: Option<RemoteText>,
        /// Who denied a plan.
        denial: Option<RemoteText>,
    },
    /// The workflow that was waited for as a whole says that it succeeded, but one of its steps did not.
    StepFailed(RemoteText),
    /// The workflow succeeded without deploying anything.
    NothingDeployed,
    /// The workflow deployed fewer targets than have to pass.
    TooFew {
        /// So many have to pass.
        required: usize,
        /// So many there are.
        deployed: usize,
    },
    /// A teardown took the place of an apply.
    Crossed(DeployId),
    /// The deploy is not of the kind that was expected.
    Unexpected {
        /// The deploy.
        deploy: DeployId,
        /// Its kind.
        kind: Kind,
        /// The kind that was expected.
        expected: Kind,
    },
    /// A newer deploy took the place of the one that was waited for.
    Superseded {
        /// The one that was waited for.
        from: DeployId,
        /// The newer one.
        to: DeployId,
    },
    /// A human is asked to approve the plan, here.
    ApprovalNeeded(ApprovalPlace),
    /// A limit on time ran out.
    Limit(Box<Limit>),
    /// The wait was stopped before anything was certain.
    Stopped {
        /// By what.
        by: StoppedBy,
        /// Where the deploy stood.
        standing: Standing,
    },
    /// There was no good answer, and no time for another request.
    NoAnswer(ApiError),
    /// The wait did not begin, as something before it went wrong.
    NotBegun {
        /// What that was.
        why: Line,
        /// What can be done about it.
        hint: Option<Line>,
    },
}

/// Something that is named by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thing {
    /// An install.
    Install(InstallId),
    /// A component of an install.
    Component(InstallId, ComponentId),
    /// A deploy in an install.
    Deploy(InstallId, DeployId),
    /// A workflow.
    Workflow(WorkflowId),
}

/// How a deploy failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployFailure {
    /// The status that it ended in.
    pub status: Status,
    /// The server's reason.
    pub text: Option<RemoteText>,
    /// Whether the reason says no more than that it failed.
    pub is_generic: bool,
    /// What can be done, if the server says so.
    pub hint: Option<RemoteText>,
    /// Whether the user's rules call the status a failure, rather than the table.
    pub by_rule: bool,
}

/// A limit on time that ran out, and what was known then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Which.
    pub clock: Clock,
    /// How long it was.
    pub length: Duration,
    /// What was waited for.
    pub subject: RemoteText,
    /// Where it stood.
    pub standing: Standing,
    /// What was wrong with the last poll.
    pub error: Option<ApiError>,
    /// Whether the API ever gave a good answer.
    pub ever_answered: bool,
}

/// Where a deploy stood when the wait for it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// No deploy has been seen.
    Nothing,
    /// There were deploys, the newest of them this one, but none that matches the pins.
    Unmatched(DeployId),
    /// A deploy was followed.
    Deploy {
        /// Its last status.
        status: Status,
        /// For how long it had it.
        spent: Option<Duration>,
        /// Where its time went, if it had several: `queued 9s, executing 2m`.
        each: Option<String>,
        /// Why it was still waited for.
        hold: Hold,
    },
    /// A workflow was followed as a whole.
    Workflow {
        /// The workflow.
        id: WorkflowId,
        /// Its last word; `None` if it has not been seen.
        word: Option<RemoteText>,
    },
}

/// What stops a wait before anything is certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoppedBy {
    /// A signal.
    Signal(Signal),
    /// The outcome of the run was certain without this target.
    Decided,
    /// Only one poll was asked for.
    Once,
}

impl Cause {
    /// Returns the limit on time that ran out, if that is why.
    pub fn clock(&self) -> Option<Clock> {
        match self {
            Self::Limit(limit) => Some(limit.clock),
            _ => None,
        }
    }

    /// Returns the server's own advice.
    pub fn server_hint(&self) -> Option<&RemoteText> {
        match self {
            Self::Deploy(failure) => failure.hint.as_ref(),
            _ => None,
        }
    }

    /// Tells whether the reason is a generic sentence, so that anything specific would be better.
    pub fn is_vague(&self) -> bool {
        matches!(self, Self::Deploy(DeployFailure { text, is_generic, by_rule: false, .. }) if text.is_none() || *is_generic)
    }
}

fn shown(text: &RemoteText) -> String {
    text.line(LONGEST).plain().to_owned()
}

/// The text after a sign, if there is one.
fn after(sign: &str, text: Option<&RemoteText>) -> String {
    text.map(|text| format!("{sign}{}", shown(text))).unwrap_or_default()
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
            Self::NotNuon(error) => write!(f, "something that is not the Nuon API answers: {error}"),
            Self::Elsewhere(error) => write!(f, "{error}"),
            Self::Undeployable { deploy, deploy_type: Some(deploy_type) } => {
                write!(f, "deploy {deploy} is of type `{deploy_type}`, which deploys nothing that could be waited for")
            }
            Self::Undeployable { deploy, deploy_type: None } => {
                write!(f, "deploy {deploy} only makes a plan, so there is nothing to wait for")
            }
            Self::PlanOnlyWorkflow(id) => write!(f, "workflow {id} only makes plans, so there is nothing to wait for"),
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
            Self::Orphaned { end, step, status, denial } => {
                let stays = match status {
                    None => "the component was never attempted".to_owned(),
                    Some(status) => format!("the deploy still says `{status}`"),
                };
                let (step, denial) = (after(": ", step.as_ref()), after("; ", denial.as_ref()));
                write!(f, "the workflow {}{step}, and {stays}{denial}", end.as_str())
            }
            Self::NeverDeployed { end, step, replaced } => {
                let missing = match replaced {
                    Some(replaced) => format!("nothing took the place of {replaced}"),
                    None => "the component was never attempted".to_owned(),
                };
                write!(f, "the workflow {}{}, and {missing}", end.as_str(), after(": ", step.as_ref()))
            }
            Self::Workflow { end, word, step, denial } => {
                let odd = !["error", "cancelled", "failed-pending-retry", "success", ""].iter().any(|own| word.is(own));
                let word = if odd { format!(" (it ended as `{}`)", word.line(60).plain()) } else { String::new() };
                let (step, denial) = (after(": ", step.as_ref()), after("; ", denial.as_ref()));
                write!(f, "the workflow {}{word}{step}{denial}", end.as_str())
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
        }
    }
}

impl fmt::Display for DeployFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = &self.status;
        match (&self.text, self.is_generic) {
            (Some(text), false) => f.write_str(&shown(text)),
            (None, _) if self.by_rule => write!(f, "status `{status}` was said to be a failure"),
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
            (Clock::Total, _) => write!(f, "the total limit of {length} ran out: {standing}{error}"),
            (Clock::Start, Standing::Unmatched(_)) => {
                write!(
                    f,
                    "the start limit of {length} ran out: {standing}, and no other of {} has appeared{error}",
                    shown(subject)
                )
            }
            (Clock::Start, _) => {
                write!(f, "the start limit of {length} ran out: no deploy of {} has appeared{error}", shown(subject))
            }
            (Clock::Stall, _) => {
                write!(f, "the stall limit of {length} ran out, nothing has changed: {standing}{error}")
            }
            (Clock::Approval, _) => {
                write!(f, "the approval limit of {length} ran out, nobody has answered: {standing}{error}")
            }
            (Clock::Outage, _) => write!(f, "no good answer from the API for {length}: {standing}{error}"),
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("no deploy has been seen"),
            Self::Unmatched(newest) => write!(f, "the newest deploy, {newest}, does not match the pins"),
            Self::Deploy { status, spent, each, hold } => {
                let each = each.as_ref().map(|each| format!(" ({each})")).unwrap_or_default();
                let spent = spent.map(|spent| format!(" for {}{each}", human(spent))).unwrap_or_default();
                let hold = hold.to_string();
                let hold = if hold.is_empty() { hold } else { format!(", {hold}") };
                write!(f, "the last status is `{status}`{spent}{hold}")
            }
            Self::Workflow { id, word: None } => write!(f, "workflow {id} has not been seen"),
            // Servers say `success` between two steps as well.
            Self::Workflow { id, word: Some(word) } if word.is("success") => {
                write!(f, "workflow {id} is `success`, but not finished")
            }
            Self::Workflow { id, word: Some(word) } => write!(f, "workflow {id} is `{}`", word.line(60).plain()),
        }
    }
}

/// Something a human should know, that ends nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// Nothing was pinned, and the newest deploy had ended before the wait began.
    AlreadyEnded {
        /// The deploy.
        deploy: DeployId,
        /// How long before, if the server says.
        ago: Option<Duration>,
    },
    /// A status that is not in the table is taken for not ended.
    UnknownStatus(Status),
    /// A newer deploy is followed from now on.
    Superseded {
        /// The deploy that was followed.
        from: DeployId,
        /// The newer one.
        to: DeployId,
    },
    /// The deploy's workflow does not exist, so its status alone counts.
    NoWorkflow(ApiError),
    /// Passed, although a human still has to approve the plan.
    NotApproved,
    /// This machine's clock and the server's differ.
    ClockSkew(Duration),
    /// The dashboard's address could not be read.
    NoLinks(Line),
    /// The log could not be read.
    NoLog(Line),
    /// Earlier deploys could not be read.
    NoHistory(Line),
    /// A signal came before it was known what came of cancelling.
    CancelUnknown,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyEnded { deploy, ago } => {
                let ago = ago.map(|ago| format!(" {} ago", human(ago))).unwrap_or_default();
                write!(
                    f,
                    "the latest deploy, {deploy}, had already ended{ago}, before the wait began: if you have just \
                     triggered one, this is not it"
                )
            }
            Self::UnknownStatus(status) => {
                write!(f, "status `{status}` is not known to this version and counts as not ended")
            }
            Self::Superseded { from, to } => {
                write!(f, "deploy {from} was superseded by {to}, which is followed from now on")
            }
            Self::NoWorkflow(error) => {
                write!(f, "the deploy's workflow cannot be read, its status alone counts: {error}")
            }
            Self::NotApproved => f.write_str("passed, although a human still has to approve the plan"),
            Self::ClockSkew(skew) => {
                write!(f, "this machine's clock and the server's differ by {}", human(*skew))
            }
            Self::NoLinks(why) => {
                write!(f, "there are no links, as the dashboard's address could not be read: {}", why.plain())
            }
            Self::NoLog(why) => write!(f, "the log could not be read: {}", why.plain()),
            Self::NoHistory(why) => write!(f, "earlier deploys could not be read: {}", why.plain()),
            Self::CancelUnknown => f.write_str("the outcome of cancelling is not known, because of the signal"),
        }
    }
}
