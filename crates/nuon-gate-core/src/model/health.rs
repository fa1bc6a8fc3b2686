//! The health of a component in an install (`docs/nuon-api.md`, "Component health").

use jiff::Timestamp;
use serde::Deserialize;

use super::bounded::text;
use super::open::{identifier, instant, lenient, lenient_object, open_enum, unix_seconds};
use crate::{ComponentId, InstallComponentId, InstallId, RemoteText};

open_enum! {
    /// The health of a component, or of one of its resources.
    Health {
        /// Everything observed is fine.
        Healthy = "healthy",
        /// A change is under way and may still succeed.
        Progressing = "progressing",
        /// Something is wrong, and it works only in part.
        Degraded = "degraded",
        /// It does not work.
        Unhealthy = "unhealthy",
        /// Nothing recent is known.
        Unknown = "unknown",
        /// There is nothing to observe.
        NotApplicable = "not-applicable",
    }
}

impl Health {
    /// Returns whether the server counts it as a failure.
    pub fn is_bad(&self) -> bool {
        matches!(self, Self::Degraded | Self::Unhealthy)
    }
}

/// A component of an install with its health, which the server derives from what it has observed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ComponentHealth {
    /// The component as part of the install.
    #[serde(deserialize_with = "identifier")]
    pub id: Option<InstallComponentId>,
    /// The install.
    #[serde(deserialize_with = "identifier")]
    pub install_id: Option<InstallId>,
    /// The component.
    #[serde(deserialize_with = "identifier")]
    pub component_id: Option<ComponentId>,
    /// Its health; absent if the server derives none.
    #[serde(rename = "health_status_v2", deserialize_with = "lenient_object")]
    pub verdict: Option<HealthVerdict>,
}

/// The server's verdict on a component's health. It waits for several observations in a row before it changes, and
/// writes nothing until then.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct HealthVerdict {
    /// The status.
    #[serde(deserialize_with = "lenient")]
    pub status: Option<Health>,
    /// The server's description.
    #[serde(rename = "status_human_description", deserialize_with = "text")]
    pub description: Option<RemoteText>,
    /// Since when the status is unchanged.
    #[serde(rename = "created_at_ts", deserialize_with = "unix_seconds")]
    pub since: Option<Timestamp>,
}

/// A resource of a component, or a check of it, as last observed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(default)]
pub struct Resource {
    /// The install.
    #[serde(deserialize_with = "lenient")]
    pub install_id: Option<InstallId>,
    /// The component as part of the install.
    #[serde(deserialize_with = "lenient")]
    pub install_component_id: Option<InstallComponentId>,
    /// The component.
    #[serde(deserialize_with = "lenient")]
    pub component_id: Option<ComponentId>,
    /// What observes it: `kubernetes`, `custom` for a pushed check, or a cloud.
    #[serde(deserialize_with = "text")]
    pub provider: Option<RemoteText>,
    /// Its kind.
    #[serde(deserialize_with = "text")]
    pub kind: Option<RemoteText>,
    /// Its name.
    #[serde(deserialize_with = "text")]
    pub name: Option<RemoteText>,
    /// Its health.
    #[serde(deserialize_with = "lenient")]
    pub health: Option<Health>,
    /// Why.
    #[serde(deserialize_with = "text")]
    pub message: Option<RemoteText>,
    /// When it was observed.
    #[serde(deserialize_with = "instant")]
    pub observed_at: Option<Timestamp>,
    /// Whether it is no longer checked.
    #[serde(alias = "removed", deserialize_with = "lenient")]
    pub removed_from_config: Option<bool>,
}

/// What is wrong with a resource: the worse, the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    Nothing,
    Unclear,
    Progressing,
    Degraded,
    Unhealthy,
}

impl Resource {
    /// Returns whether it says anything about health: a cloud's resources are not assessed, and a removed check is
    /// obsolete.
    pub(crate) fn is_assessed(&self) -> bool {
        let is_of_cloud =
            ["aws", "gcp", "azure"].iter().any(|cloud| self.provider.as_ref().is_some_and(|own| own.is(cloud)));
        !is_of_cloud && self.removed_from_config != Some(true)
    }

    /// Returns whether it was pushed, rather than observed by the server's runner.
    pub(crate) fn is_pushed(&self) -> bool {
        self.provider.as_ref().is_some_and(|own| own.is("custom"))
    }

    /// Returns what is wrong with it; `None` if the server says that nothing is known. Anything else may mean that it is not
    /// healthy: a word of a later version, or a health that is no word.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        match &self.health {
            Some(Health::Healthy) => Some(Trouble::Nothing),
            Some(Health::Other(_)) | None => Some(Trouble::Unclear),
            Some(Health::Progressing) => Some(Trouble::Progressing),
            Some(Health::Degraded) => Some(Trouble::Degraded),
            Some(Health::Unhealthy) => Some(Trouble::Unhealthy),
            Some(Health::Unknown | Health::NotApplicable) => None,
        }
    }

    /// Returns whether it is a reason to wait: it is not healthy, or not observed yet.
    pub(super) fn is_troubled(&self) -> bool {
        let is_fine = matches!(self.health, None | Some(Health::Healthy | Health::NotApplicable));
        self.is_assessed() && !is_fine
    }

    /// Returns its name: `Deployment api`.
    pub fn label(&self) -> String {
        let parts =
            [&self.kind, &self.name].into_iter().flatten().map(|text| text.line(100)).filter(|line| !line.is_empty());
        parts.map(|line| line.plain().to_owned()).collect::<Vec<_>>().join(" ")
    }

    /// Describes its health: `Deployment api is unhealthy: 1 of 3 replicas are ready`.
    pub(crate) fn describe(&self) -> String {
        let health = self.health.as_ref().map(Health::as_str).filter(|word| !word.is_empty()).unwrap_or("unknown");
        let why = self.message.as_ref().map(|text| text.line(200)).filter(|line| !line.is_empty());
        let why = why.map(|why| format!(": {}", why.plain())).unwrap_or_default();
        format!("{} is {health}{why}", self.label())
    }
}
