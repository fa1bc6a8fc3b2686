//! What the preflight and the links need to know.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::bounded::text;
use super::open::{identifier, lenient, lenient_object};
use crate::{ComponentId, InstallId, RemoteText};

/// A customer's install.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Install {
    /// Its id.
    #[serde(deserialize_with = "identifier")]
    pub id: Option<InstallId>,
    /// Its name.
    #[serde(deserialize_with = "text")]
    pub name: Option<RemoteText>,
    /// Its labels, if the server says which it has. One that is no text is none that could be asked for.
    #[serde(deserialize_with = "lenient")]
    pub labels: Option<BTreeMap<String, serde_json::Value>>,
}

/// A component as part of an install.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct InstallComponent {
    /// The component.
    #[serde(deserialize_with = "identifier")]
    pub component_id: Option<ComponentId>,
    /// More about it.
    #[serde(deserialize_with = "lenient_object")]
    pub component: Option<Component>,
}

impl InstallComponent {
    /// Returns the component's name.
    pub fn name(&self) -> Option<&RemoteText> {
        self.component.as_ref()?.name.as_ref().filter(|name| !name.is_blank())
    }
}

/// A component of an app.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Component {
    /// Its name.
    #[serde(deserialize_with = "text")]
    pub name: Option<RemoteText>,
}

/// What the server gives any client, without authorisation.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct CliConfig {
    /// Where the dashboard is.
    #[serde(deserialize_with = "text")]
    pub dashboard_url: Option<RemoteText>,
}
