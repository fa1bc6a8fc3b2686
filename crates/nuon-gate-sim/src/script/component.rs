//! Components and their deploys.

use std::time::Duration;

use serde::Deserialize;

use super::duration;

/// A component in an install.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// The install's id.
    pub install: String,
    /// The install's name.
    #[serde(default)]
    pub install_name: Option<String>,
    /// The component's id.
    pub id: String,
    /// The component's name.
    #[serde(default)]
    pub name: Option<String>,
    /// How "no deploy yet" is said; as the generation does if left out.
    #[serde(default)]
    pub no_deploy: Option<NoDeploy>,
    /// Frequent drift scans hide its deploys, as on servers of mid-2025, unless a hundred rows are asked for.
    #[serde(default)]
    pub drift_scans: bool,
    /// Its deploys, oldest first.
    #[serde(default, rename = "deploy")]
    pub deploys: Vec<Deploy>,
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
    /// Its type, as the generation writes it; an apply if left out.
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
    /// The row is there from the beginning, or appears so long after the first request…
    #[serde(default, deserialize_with = "duration")]
    pub after: Option<Duration>,
    /// …or after so many looks at the component.
    #[serde(default)]
    pub after_looks: u32,
    /// Where it stands, one after the other; the last one stays.
    pub statuses: Vec<Stay>,
}

/// A stay in a status. It lasts for a time or for a number of answers that showed it; one answer if neither is said.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stay {
    /// The status.
    pub status: String,
    /// For how long.
    #[serde(rename = "for", deserialize_with = "duration")]
    pub duration: Option<Duration>,
    /// For how many answers.
    pub looks: Option<u32>,
    /// What the server says of it.
    pub description: Option<String>,
    /// A failure in full (`composite_error`; mid-2025: an entry of the history; 2024: the job's error metadata).
    pub error: Option<String>,
    /// What can be done about it. Servers of before 2026 have no place for it.
    pub hint: Option<String>,
}
