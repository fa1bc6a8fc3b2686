//! The health of a component in an install (`docs/nuon-api.md`, "Component health").

use jiff::Timestamp;
use serde::Deserialize;

use super::bounded::text;
use super::open::{identifier, instant, lenient, lenient_object, open_enum, unix_seconds};
use crate::{ComponentId, InstallComponentId, InstallId, RemoteText};

open_enum! {
    /// How a component does, or one of the things that it is made of.
    Health {
        /// All that is seen of it is fine.
        Healthy = "healthy",
        /// A change is under way and may still succeed.
        Progressing = "progressing",
        /// Something is wrong, and it serves in part.
        Degraded = "degraded",
        /// It does not serve.
        Unhealthy = "unhealthy",
        /// Nothing recent is known.
        Unknown = "unknown",
        /// There is nothing that could be seen.
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
    /// Its health; absent where the server derives none.
    #[serde(rename = "health_status_v2", deserialize_with = "lenient_object")]
    pub verdict: Option<HealthVerdict>,
}

/// What the server says of a component's health. It waits for several observations in a row before it changes its mind, and
/// writes nothing while it does not.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct HealthVerdict {
    /// The word.
    #[serde(deserialize_with = "lenient")]
    pub status: Option<Health>,
    /// What the server says of it.
    #[serde(rename = "status_human_description", deserialize_with = "text")]
    pub description: Option<RemoteText>,
    /// Since when the word is the same.
    #[serde(rename = "created_at_ts", deserialize_with = "unix_seconds")]
    pub since: Option<Timestamp>,
}

/// One of the things that a component is made of, or a check of it, as it was last observed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Resource {
    /// The install.
    #[serde(deserialize_with = "lenient")]
    pub install_id: Option<InstallId>,
    /// The component as part of the install.
    #[serde(deserialize_with = "lenient")]
    pub install_component_id: Option<InstallComponentId>,
    /// Who observes it: `kubernetes`, `custom` for a check that is pushed, or a cloud.
    #[serde(deserialize_with = "text")]
    pub provider: Option<RemoteText>,
    /// Its kind.
    #[serde(deserialize_with = "text")]
    pub kind: Option<RemoteText>,
    /// Its name.
    #[serde(deserialize_with = "text")]
    pub name: Option<RemoteText>,
    /// How it does.
    #[serde(deserialize_with = "lenient")]
    pub health: Option<Health>,
    /// Why.
    #[serde(deserialize_with = "text")]
    pub message: Option<RemoteText>,
    /// When it was observed.
    #[serde(deserialize_with = "instant")]
    pub observed_at: Option<Timestamp>,
    /// Whether it is checked no more.
    #[serde(alias = "removed", deserialize_with = "lenient")]
    pub removed_from_config: Option<bool>,
}

impl Resource {
    /// Returns whether it says anything about health: what a cloud lists is not assessed, and what is checked no more is past.
    pub(crate) fn is_assessed(&self) -> bool {
        let is_of_cloud =
            ["aws", "gcp", "azure"].iter().any(|cloud| self.provider.as_ref().is_some_and(|own| own.is(cloud)));
        !is_of_cloud && self.removed_from_config != Some(true)
    }

    /// Returns whether it was pushed by somebody else, rather than observed by the server's runner.
    pub(crate) fn is_pushed(&self) -> bool {
        self.provider.as_ref().is_some_and(|own| own.is("custom"))
    }

    /// Returns how bad it is; `None` for what says nothing.
    pub(crate) fn severity(&self) -> Option<u8> {
        match self.health.as_ref()? {
            Health::Healthy => Some(0),
            Health::Progressing => Some(1),
            Health::Degraded => Some(2),
            Health::Unhealthy => Some(3),
            Health::Unknown | Health::NotApplicable | Health::Other(_) => None,
        }
    }

    /// Returns whether it is a reason to wait for: it is not healthy, or is still to be seen.
    pub(super) fn is_troubled(&self) -> bool {
        let is_fine = matches!(self.health, None | Some(Health::Healthy | Health::NotApplicable));
        self.is_assessed() && !is_fine
    }

    /// Returns what it is called: `Deployment api`.
    pub fn label(&self) -> String {
        let parts =
            [&self.kind, &self.name].into_iter().flatten().map(|text| text.line(100)).filter(|line| !line.is_empty());
        parts.map(|line| line.plain().to_owned()).collect::<Vec<_>>().join(" ")
    }

    /// Describes how it does: `Deployment api is unhealthy: 1 of 3 replicas are ready`.
    pub(crate) fn describe(&self) -> String {
        let health = self.health.as_ref().map_or("unknown", Health::as_str);
        let why = self.message.as_ref().map(|text| text.line(200)).filter(|line| !line.is_empty());
        let why = why.map(|why| format!(": {}", why.plain())).unwrap_or_default();
        format!("{} is {health}{why}", self.label())
    }
}
