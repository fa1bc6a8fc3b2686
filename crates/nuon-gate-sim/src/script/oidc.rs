//! Who can sign in with an identity.

use serde::Deserialize;

/// Who can sign in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Oidc {
    /// The identity token that is exchanged, and that is issued.
    pub identity: String,
    /// The audience that it has; any if left out. For another audience, another token is issued.
    pub audience: Option<String>,
    /// The token with which an identity can be requested.
    pub request_token: String,
    /// The role of an exchanged token.
    pub role: String,
    /// For how many answers each token is accepted; for all if left out.
    pub lifetime_polls: Option<u32>,
    /// The status with which every identity is refused; 200 says that it is not authenticated.
    pub refuse: Option<u16>,
}

impl Default for Oidc {
    fn default() -> Self {
        Self {
            identity: "simulated-identity".to_owned(),
            audience: None,
            request_token: "simulated-request-token".to_owned(),
            role: "org_read_only".to_owned(),
            lifetime_polls: None,
            refuse: None,
        }
    }
}
