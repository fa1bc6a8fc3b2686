//! Where a deploy's logs are kept (`docs/nuon-api.md`, "Logs").

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::bounded::{text, texts};
use super::open::{identifier, instant};
use crate::{LogStreamId, OrgId, RemoteText};

/// A log stream. Its `write_token` is a credential and has no place in this type.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct LogStream {
    /// The stream's id.
    #[serde(deserialize_with = "identifier")]
    pub id: Option<LogStreamId>,
    /// Whether the runner still writes to it.
    pub open: Option<bool>,
    /// The organisation it belongs to.
    #[serde(deserialize_with = "identifier")]
    pub org_id: Option<OrgId>,
    /// What it was opened for.
    #[serde(deserialize_with = "text")]
    pub owner_id: Option<RemoteText>,
    /// The kind of its owner, such as `install_deploys`.
    #[serde(deserialize_with = "text")]
    pub owner_type: Option<RemoteText>,
    /// The runner's own API.
    #[serde(deserialize_with = "text")]
    pub runner_api_url: Option<RemoteText>,
    /// Labels.
    #[serde(deserialize_with = "texts")]
    pub attrs: Option<BTreeMap<String, Option<RemoteText>>>,
    /// When it was opened.
    #[serde(deserialize_with = "instant")]
    pub created_at: Option<Timestamp>,
    /// When it last changed.
    #[serde(deserialize_with = "instant")]
    pub updated_at: Option<Timestamp>,
}
