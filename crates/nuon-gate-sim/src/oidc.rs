//! Signing in with an identity: the endpoint that exchanges it for a token, and one that issues it, as GitHub does for the
//! jobs of its Actions.

use std::collections::HashMap;
use std::time::Duration;

use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::bodies;
use crate::http::{Reply, Seen};
use crate::state::State;

/// How long a token is said to live.
const LIFETIME: SignedDuration = SignedDuration::from_hours(1);

/// Who can sign in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Oidc {
    /// The identity token that is exchanged, and that is issued.
    pub identity: String,
    /// The audience that it has; any if left out. For another audience another token is issued.
    pub audience: Option<String>,
    /// The token to which one is issued.
    pub request_token: String,
    /// The role that is given.
    pub role: String,
    /// For how many answers each token is accepted; for all if left out.
    pub lifetime_looks: Option<u32>,
    /// The status code with which every identity is refused; 200 says that it is not authenticated.
    pub refuse: Option<u16>,
}

impl Default for Oidc {
    fn default() -> Self {
        Self {
            identity: "simulated-identity".to_owned(),
            audience: None,
            request_token: "simulated-request-token".to_owned(),
            role: "org_read_only".to_owned(),
            lifetime_looks: None,
            refuse: None,
        }
    }
}

/// The tokens that have been given, with how many answers each has had.
#[derive(Debug, Default)]
pub(crate) struct Tokens(HashMap<String, u32>);

impl State {
    /// Exchanges an identity for a token.
    pub(crate) fn exchange(&mut self, request: &Seen, now: Duration) -> Reply {
        let Some(oidc) = &self.script.oidc else { return bodies::error(404, "not found", "not found") };
        let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
        match oidc.refuse {
            Some(200) => return Reply::ok(&json!({"authenticated": false})),
            // Real servers quote what they refuse.
            Some(code) => return bodies::error(code, &format!("no trust policy matches {}", body["token"]), "refused"),
            None => {}
        }
        if body["org_id"] != self.script.org {
            return bodies::error(403, &format!("org {} was not found", body["org_id"]), "Please check the org");
        }
        if body["token"] != oidc.identity {
            return bodies::error(401, "the token has another issuer or audience", "Please check the trust policy");
        }
        let token = format!("simulated-short-lived-token-{}", self.tokens.0.len() + 1);
        self.tokens.0.insert(token.clone(), 0);
        let expires_at = self.wall(now).saturating_add(LIFETIME).unwrap_or_default().to_string();
        Reply::ok(&json!({
            "authenticated": true, "token": token, "expires_at": expires_at, "org_id": self.script.org,
            "role": oidc.role, "trust_policy_id": "otpsimulated00000000000000",
        }))
    }

    /// Issues an identity, as GitHub does.
    pub(crate) fn issue(&self, request: &Seen) -> Reply {
        let Some(oidc) = &self.script.oidc else { return bodies::error(404, "not found", "not found") };
        if request.authorization != Some(format!("bearer {}", oidc.request_token)) {
            return bodies::error(401, "not authorised to ask for an identity", "not authorised");
        }
        let audience = request.query("audience").unwrap_or_default();
        let fits = oidc.audience.as_ref().is_none_or(|own| *own == audience);
        let identity = if fits { oidc.identity.clone() } else { format!("{}-for-{audience}", oidc.identity) };
        Reply::ok(&json!({"count": identity.len(), "value": identity}))
    }

    /// Tells whether a token has been given, and is still accepted.
    pub(crate) fn accepts(&mut self, authorization: &str) -> bool {
        let lifetime = self.script.oidc.as_ref().and_then(|oidc| oidc.lifetime_looks).unwrap_or(u32::MAX);
        let token = authorization.strip_prefix("Bearer ").unwrap_or_default();
        let Some(looks) = self.tokens.0.get_mut(token).filter(|looks| **looks < lifetime) else { return false };
        *looks += 1;
        true
    }
}
