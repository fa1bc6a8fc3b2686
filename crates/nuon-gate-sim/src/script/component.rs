//! Components and their deploys.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::{Cancel, Health, Observation, Plan, duration, durations, workflow};

/// A component in an install.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// The install's id.
    pub install: String,
    /// The install's name.
    #[serde(default)]
    pub install_name: Option<String>,
    /// The install's labels.
    #[serde(default)]
    pub install_labels: BTreeMap<String, String>,
    /// The app that is installed; the script's first one if left out.
    #[serde(default)]
    pub app: Option<String>,
    /// The component's id.
    pub id: String,
    /// The component's name.
    #[serde(default)]
    pub name: Option<String>,
    /// The id of the component in the install; made from the component's name if left out.
    #[serde(default)]
    pub install_component: Option<String>,
    /// The gate that verifies its health after each apply.
    #[serde(default)]
    pub health: Option<Health>,
    /// The observations after each apply, in order; the last one stays. If left out, the organisation has no component
    /// health.
    #[serde(default)]
    pub observed: Vec<Observation>,
    /// How the server says "no deploy yet"; as the generation does if left out.
    #[serde(default)]
    pub no_deploy: Option<NoDeploy>,
    /// Frequent drift scans hide its deploys, as on servers of mid-2025, unless a hundred rows are asked for.
    #[serde(default)]
    pub drift_scans: bool,
    /// The durations of earlier deploys that had passed before the first request, oldest first. Only lists show
    /// them.
    #[serde(default, deserialize_with = "durations")]
    pub earlier: Vec<Duration>,
    /// How each deploy goes that is triggered while the simulator runs; it passes if left out. One of type `teardown`
    /// is for teardowns.
    #[serde(default)]
    pub triggered: Option<Deploy>,
    /// Its deploys, oldest first.
    #[serde(default, rename = "deploy")]
    pub deploys: Vec<Deploy>,
}

impl Component {
    /// Returns the gate that verifies a deploy's health.
    pub(crate) fn health_of<'a>(&'a self, deploy: &'a Deploy) -> Option<&'a Health> {
        deploy.health.as_ref().or(self.health.as_ref()).filter(|_| deploy.is_apply())
    }
}

/// How a server says that there is no deploy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoDeploy {
    /// With a 404.
    NotFound,
    /// With a 200 and an object without an id.
    EmptyObject,
}

/// A deploy.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deploy {
    /// Its id; made from the component's if left out.
    #[serde(default)]
    pub id: Option<String>,
    /// Its type, as the generation writes it: `apply`, `teardown`, `sync-image`, `recover` or any other; an apply if left
    /// out.
    #[serde(default, rename = "type")]
    pub deploy_type: Option<String>,
    /// Its build's id.
    #[serde(default)]
    pub build: Option<String>,
    /// The commit that was built.
    #[serde(default)]
    pub commit: Option<String>,
    /// The workflow's id.
    #[serde(default)]
    pub workflow: Option<String>,
    /// The row exists from the start, or appears this long after the first request…
    #[serde(default, deserialize_with = "duration")]
    pub after: Option<Duration>,
    /// …or after this many polls of the component.
    #[serde(default)]
    pub after_polls: u32,
    /// Its statuses, in order; the last one stays. A row of type `recover` can leave them out.
    #[serde(default)]
    pub statuses: Vec<Stay>,
    /// Whether it only plans, which only its workflow says.
    #[serde(default)]
    pub plan_only: bool,
    /// The `approval_option` of its workflow, unless that is fully scripted; omitted if empty.
    #[serde(default = "workflow::approve_all")]
    pub approval_option: String,
    /// The type of its approval.
    #[serde(default = "workflow::helm_approval")]
    pub approval: String,
    /// The plan to approve; unknown if left out.
    #[serde(default)]
    pub plan: Option<Plan>,
    /// The gate that verifies its health, if it is not the component's.
    #[serde(default)]
    pub health: Option<Health>,
    /// What happens when its workflow is cancelled, unless that is fully scripted and says so itself.
    #[serde(default)]
    pub cancel: Option<Cancel>,
    /// What its jobs logged, oldest first.
    #[serde(default)]
    pub logs: Vec<LogLine>,
    /// How many uninteresting lines they logged after that.
    #[serde(default)]
    pub filler_logs: u32,
}

impl Deploy {
    /// A deploy of this type that goes through these statuses, each for one poll.
    pub(crate) fn going(deploy_type: Option<&str>, statuses: &[&str]) -> Self {
        let stay = |status: &&str| Stay { status: (*status).to_owned(), ..Stay::default() };
        Self {
            id: None,
            deploy_type: deploy_type.map(str::to_owned),
            build: None,
            commit: None,
            workflow: None,
            after: None,
            after_polls: 0,
            statuses: statuses.iter().map(stay).collect(),
            plan_only: false,
            approval_option: workflow::approve_all(),
            approval: workflow::helm_approval(),
            plan: None,
            health: None,
            cancel: None,
            logs: Vec::new(),
            filler_logs: 0,
        }
    }

    /// Gives it the statuses that follow from its type.
    pub(super) fn complete(&mut self) {
        if self.statuses.is_empty() && self.deploy_type.as_deref() == Some("recover") {
            let said = [
                ("queued", "waiting to recover the helm release"),
                ("planning", "creating recover plan"),
                ("executing", "recovering helm release"),
                ("active", "helm release recovered"),
            ];
            let stay = |(status, description): (&str, &str)| Stay {
                status: status.to_owned(),
                description: Some(description.to_owned()),
                ..Stay::default()
            };
            self.statuses = said.map(stay).into();
        }
    }

    /// Returns when its row is created if it is first read now. A row that appears after polls is created when it is
    /// first read.
    pub(crate) fn begins(&self, now: Duration) -> Duration {
        let by_polls = if self.after_polls > 0 { now } else { Duration::ZERO };
        self.after.unwrap_or(by_polls)
    }

    /// Returns whether it deploys a build.
    pub(crate) fn is_apply(&self) -> bool {
        self.deploy_type.as_deref().is_none_or(|own| own == "apply") && !self.plan_only
    }
}

/// A line of a log.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogLine {
    /// The severity.
    pub severity: Severity,
    /// What it says.
    pub text: String,
    /// It is logged this long after the deploy's row appeared; together with the previous line if left out.
    #[serde(deserialize_with = "duration")]
    pub after: Option<Duration>,
}

/// The severity of a log line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// For developers of the runner.
    Debug,
    /// Information.
    #[default]
    Info,
    /// A warning.
    Warn,
    /// An error.
    Error,
    /// A fatal error.
    Fatal,
}

/// A stay in a status. It lasts for a time or for a number of answers that show it; for one answer if neither is given.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stay {
    /// The status.
    pub status: String,
    /// For how long.
    #[serde(rename = "for", deserialize_with = "duration")]
    pub duration: Option<Duration>,
    /// For how many answers.
    pub polls: Option<u32>,
    /// The server's description.
    pub description: Option<String>,
    /// The complete failure (`composite_error`; mid-2025: an entry of the history; 2024: the job's error metadata).
    pub error: Option<String>,
    /// The hint. Servers before 2026 have no place for it.
    pub hint: Option<String>,
    /// How many workflows are ahead of its own in the queue. Its own has then not begun.
    pub ahead: Option<u32>,
    /// The policies that deny it: `name: what was found`. Servers before 2026 have none.
    pub denied: Vec<String>,
}
