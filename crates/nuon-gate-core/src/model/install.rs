//! Objects for the preflight and for links.

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
    /// Its labels, if the server sends them. A label that is not text can never be selected.
    #[serde(deserialize_with = "lenient")]
    pub labels: Option<BTreeMap<String, serde_json::Value>>,
}

/// A component as part of an install.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct InstallComponent {
    /// The install.
    #[serde(deserialize_with = "identifier")]
    pub install_id: Option<InstallId>,
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

/// The server's public configuration, which needs no authorisation.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct CliConfig {
    /// The dashboard's address.
    #[serde(deserialize_with = "text")]
    pub dashboard_url: Option<RemoteText>,
}
