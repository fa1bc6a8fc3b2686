//! The table of the watch's decision, to be read as its specification.
//!
//! `status`, `passing`, `failing` and `pending` define what a deploy and its workflow mean together. The others are
//! scenes: the requests, poll by poll, the server's answers, and the decision. Each row has a name and the section that
//! it rests on: one of `docs/nuon-api.md`, or one of the promises to users.

mod approving;
mod baking;
mod believing;
mod closing;
mod contradicting;
mod dating;
mod failing;
mod following;
mod healthy;
mod knowing;
mod listing;
mod passing;
mod pending;
mod pinning;
mod replacing;
mod rivals;
mod said;
mod scene;
mod searching;
mod settling;
mod stale;
mod status;
mod superseding;
mod taking;
mod undated;
mod unseen;

use std::sync::Arc;

use jiff::Timestamp;
use nuon_gate_http::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::judged::{Judged, Picture, judged};
use crate::ApprovalPlace;
use crate::api::{Fact, Reply, Request, interpret};
use crate::hold::Behind;
use crate::model::{Deploy, WorkflowEnd};
use crate::{DeployId, Hold, Judgement, Kind, RemoteText, Rules, Verdict};

const LATEST: &str = "The latest deploy";
const STATUSES: &str = "Statuses";
const RETRIES: &str = "Retries";
const WORKFLOWS: &str = "Steps and workflows";
const APPROVALS: &str = "Approvals";
const REPLICAS: &str = "Replicas and times";
const ERRORS: &str = "Errors and what answers them";
const VERIFIED: &str = "Verified deploys";
const NO_DEPLOYS: &str = "Rows that deploy nothing";
const LISTS: &str = "Lists";
const HEALTH: &str = "Component health";
const WHICH: &str = "contract: which deploy";
const JUDGING: &str = "contract: judging";

/// The deploy that the table is about, another one in the same workflow, and their components.
const OWN: &str = "dpl-web";
const OTHER: &str = "dpl-db";
const OWN_COMPONENT: &str = "inc-web";
const OTHER_COMPONENT: &str = "inc-db";

/// A deploy and its workflow, and their meaning.
#[derive(Debug, Clone, Copy)]
struct Row {
    name: &'static str,
    section: &'static str,
    status: &'static str,
    kind: Kind,
    /// A flag's judgement of the status.
    rule: Option<Judgement>,
    /// Whether the deploy says which component of the install it is for.
    has_component: bool,
    flow: Option<Flow>,
    steps: &'static [Step],
    means: Means,
}

const fn row(
    name: &'static str,
    section: &'static str,
    status: &'static str,
    flow: Flow,
    steps: &'static [Step],
    means: Means,
) -> Row {
    let (kind, flow) = (Kind::Apply, Some(flow));
    Row { name, section, status, kind, rule: None, has_component: true, flow, steps, means }
}

impl Row {
    const fn by_rule(self, judgement: Judgement) -> Self {
        Self { rule: Some(judgement), ..self }
    }

    const fn without_component(self) -> Self {
        Self { has_component: false, ..self }
    }

    fn check(&self) {
        let Self { name, section, status, kind, rule, .. } = self;
        let id: DeployId = OWN.parse().unwrap();
        let row = self.deploy();
        let judgement = rule.unwrap_or_else(|| Rules::default().judge(row.current_status(), *kind));
        let workflow = self.flow.map(|flow| match read("iwf-1", &flow.body(self.steps)) {
            Fact::Workflow(workflow) => workflow,
            other => panic!("{name}: {other:?} is no workflow"),
        });
        let picture = Picture {
            id: &id,
            row: &row,
            part: row.install_component_id.as_ref(),
            judgement,
            by_rule: rule.is_some(),
            workflow: workflow.as_deref(),
        };
        assert_eq!(judged(picture), self.means.judged(), "{name}: `{status}` of {} ({section})", kind.words());
    }

    fn deploy(&self) -> Arc<Deploy> {
        let mut body = json!({ "id": OWN, "status": self.status, "install_deploy_type": "apply" });
        if self.kind == Kind::Teardown {
            body["install_deploy_type"] = "teardown".into();
        }
        if self.has_component {
            body["install_component_id"] = OWN_COMPONENT.into();
        }
        let request = Request::Deploy("inl-acme".parse().unwrap(), "cmp-web".parse().ok(), OWN.parse().unwrap());
        match answer(&request, 200, &body).unwrap().fact {
            Fact::Deploy(row) => row,
            other => panic!("{}: {other:?} is no deploy", self.name),
        }
    }
}

/// Reads an answer about a workflow.
fn read(id: &str, body: &Value) -> Fact {
    let request = Request::Workflow(Some("inl-acme".parse().unwrap()), id.parse().unwrap());
    answer(&request, 200, body).unwrap().fact
}

/// The client's reading of a server's answer.
fn answer(request: &Request, status: u16, body: &Value) -> Reply {
    let mut body = body.clone();
    let mut add = |name: &str, value: &str| {
        if let Some(body) = body.as_object_mut().filter(|_| status == 200) {
            body.entry(name).or_insert(value.into());
        }
    };
    match request {
        Request::Deploy(install, component, _) => {
            add("install_id", install.as_str());
            add("component_id", component.as_ref().unwrap().as_str());
        }
        Request::Workflow(install, id) => {
            add("id", id.as_str());
            add("owner_id", install.as_ref().unwrap().as_str());
        }
        Request::Install(install) => add("id", install.as_str()),
        Request::InstallComponent(_, component) => add("component_id", component.as_str()),
        _ => {}
    }
    let own = (HeaderName::from_static("x-nuon-api-version"), HeaderValue::from_static("test"));
    let headers: HeaderMap = [own].into_iter().collect();
    interpret(request, status, &headers, body.to_string().as_bytes(), Timestamp::UNIX_EPOCH)
}

/// Their meaning, in a form for a row.
#[derive(Debug, Clone, Copy)]
enum Means {
    Pass,
    /// The deploy failed, and says so itself.
    Fail,
    /// It was cancelled, and says so itself.
    Cancelled,
    Replaced,
    InProgress,
    Retry,
    NotBegun,
    /// A passing status waits for this step.
    Waits(&'static str),
    /// A passing status is contradicted by this step.
    StepFailed(Verdict, &'static str),
    /// An error is contradicted by the workflow.
    Unnoticed,
    Orphan(Verdict, WorkflowEnd),
    /// The same, but a step knows more.
    OrphanBehind(Verdict, WorkflowEnd),
    /// A human is asked in this step.
    Asks(&'static str),
}

impl Means {
    fn judged(self) -> Judged {
        let text = RemoteText::new;
        let place =
            |step: &str| ApprovalPlace { workflow: "iwf-1".parse().unwrap(), step: step.parse().ok(), approval: None };
        match self {
            Self::Pass => Judged::Pass,
            Self::Fail => Judged::Fail(Verdict::Failed),
            Self::Cancelled => Judged::Fail(Verdict::Cancelled),
            Self::Replaced => Judged::Hold(Hold::NotReplaced),
            Self::InProgress => Judged::Hold(Hold::InProgress),
            Self::Retry => Judged::Hold(Hold::Retry),
            Self::NotBegun => Judged::Hold(Hold::NotBegun),
            Self::Waits(step) => Judged::Hold(Hold::Step(text(step))),
            Self::StepFailed(verdict, step) => Judged::Hold(Hold::Behind(Behind::StepFailed(verdict, text(step)))),
            Self::Unnoticed => Judged::Hold(Hold::Behind(Behind::Failure)),
            Self::Orphan(verdict, end) => {
                assert_eq!(end.verdict(), verdict, "{end:?}");
                Judged::Orphan(end)
            }
            Self::OrphanBehind(verdict, end) => {
                assert_eq!(end.verdict(), verdict, "{end:?}");
                Judged::Hold(Hold::Behind(Behind::Orphan(end)))
            }
            Self::Asks(step) => Judged::Hold(Hold::Approval(place(step))),
        }
    }
}

/// The state of a workflow.
#[derive(Debug, Clone, Copy)]
struct Flow {
    word: &'static str,
    finished: Option<bool>,
    awaits_retry: bool,
    approval_option: Option<&'static str>,
}

const AT_WORK: Flow = flow("in-progress");
const SUCCEEDED: Flow = flow("success").finished();
const FAILED: Flow = flow("error").finished();
const PARKED: Flow = flow("failed-pending-retry");
const CANCELLED: Flow = flow("cancelled");

const fn flow(word: &'static str) -> Flow {
    Flow { word, finished: None, awaits_retry: false, approval_option: Some("prompt") }
}

impl Flow {
    const fn finished(self) -> Self {
        Self { finished: Some(true), ..self }
    }

    /// By its metadata.
    const fn awaiting_retry(self) -> Self {
        Self { awaits_retry: true, ..self }
    }

    const fn approving(self, approval_option: Option<&'static str>) -> Self {
        Self { approval_option, ..self }
    }

    fn body(self, steps: &[Step]) -> Value {
        let steps: Vec<Value> = steps.iter().enumerate().map(|(index, step)| step.body(index)).collect();
        let metadata = if self.awaits_retry { json!({ "awaiting_retry": true }) } else { json!({}) };
        json!({
            "status": { "status": self.word, "metadata": metadata },
            "finished": self.finished,
            "approval_option": self.approval_option,
            "steps": steps,
        })
    }
}

/// A step of a workflow.
#[derive(Debug, Clone, Copy)]
struct Step {
    name: &'static str,
    target_type: &'static str,
    target: Option<&'static str>,
    word: &'static str,
    finished: Option<bool>,
    retried: bool,
    execution_type: &'static str,
    group: Option<i64>,
    /// How often it was retried, and how often it may be.
    tries: (i64, i64),
    exhausted: bool,
    auto_retried: bool,
    directive: Option<&'static str>,
    answer: Option<&'static str>,
}

/// A step that targets the deploy.
const fn own(word: &'static str) -> Step {
    step("apply", "install_deploys", Some(OWN), word)
}

/// A step that targets another deploy.
const fn other(word: &'static str) -> Step {
    step("apply", "install_deploys", Some(OTHER), word)
}

/// A step that verifies the health of a component; which one it says when it runs.
const fn health(word: &'static str, component: Option<&'static str>) -> Step {
    step("verify health", "install_components", component, word)
}

const fn step(name: &'static str, target_type: &'static str, target: Option<&'static str>, word: &'static str) -> Step {
    Step {
        name,
        target_type,
        target,
        word,
        finished: None,
        retried: false,
        execution_type: "system",
        group: None,
        tries: (0, 0),
        exhausted: false,
        auto_retried: false,
        directive: None,
        answer: None,
    }
}

impl Step {
    const fn finished(self) -> Self {
        Self { finished: Some(true), ..self }
    }

    const fn retried(self) -> Self {
        Self { retried: true, ..self }
    }

    const fn run_as(self, execution_type: &'static str) -> Self {
        Self { execution_type, ..self }
    }

    const fn group(self, group: i64) -> Self {
        Self { group: Some(group), ..self }
    }

    const fn tries(self, so_far: i64, most: i64) -> Self {
        Self { tries: (so_far, most), ..self }
    }

    const fn auto_retried(self) -> Self {
        Self { auto_retried: true, ..self }
    }

    const fn directed(self, directive: &'static str) -> Self {
        Self { directive: Some(directive), ..self }
    }

    const fn exhausted(self) -> Self {
        Self { exhausted: true, ..self }
    }

    const fn answered(self, answer: &'static str) -> Self {
        Self { answer: Some(answer), ..self }
    }

    fn body(&self, index: usize) -> Value {
        let (so_far, most) = self.tries;
        let metadata = json!({
            "retry_idx": so_far, "max_retries": most, "auto_retries_exhausted": self.exhausted,
            "auto_retried": self.auto_retried, "directive": self.directive,
        });
        let approval = match (self.word, self.answer) {
            (_, Some(answer)) => json!({ "response": { "type": answer } }),
            ("approval-awaiting", None) => json!({ "response": null }),
            _ => Value::Null,
        };
        json!({
            "id": format!("iws-{}", index + 1), "name": self.name,
            "step_target_type": self.target_type, "step_target_id": self.target.unwrap_or_default(),
            "status": { "status": self.word, "metadata": metadata }, "finished": self.finished,
            "retried": self.retried, "execution_type": self.execution_type, "group_idx": self.group,
            "approval": approval,
        })
    }
}

#[test]
fn every_row_has_a_name_of_its_own() {
    let mut names: Vec<&str> = named_rows().into_iter().map(|(name, _)| name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn every_row_rests_on_a_section_that_exists() {
    let facts = include_str!("../../../../../docs/nuon-api.md");
    for (name, section) in named_rows() {
        let exists = facts.lines().any(|line| line.strip_prefix("## ") == Some(section));
        assert!(exists || section.starts_with("contract: "), "{name}: {section}");
    }
}

/// Every row's name, and the section that it rests on.
fn named_rows() -> Vec<(&'static str, &'static str)> {
    let judged = [passing::TABLE, failing::TABLE, pending::TABLE].concat();
    let judged = judged.iter().map(|row| (row.name, row.section));
    judged.chain(all_scenes().iter().map(|scene| (scene.name, scene.section))).collect()
}

fn all_scenes() -> Vec<scene::Scene> {
    let each = [
        searching::scenes(),
        settling::scenes(),
        stale::scenes(),
        dating::scenes(),
        pinning::scenes(),
        following::scenes(),
        contradicting::scenes(),
        replacing::scenes(),
        believing::scenes(),
        approving::scenes(),
        superseding::scenes(),
        rivals::scenes(),
        undated::scenes(),
        taking::scenes(),
        closing::scenes(),
        baking::scenes(),
        unseen::scenes(),
        knowing::scenes(),
        listing::scenes(),
    ];
    each.into_iter().flatten().collect()
}
