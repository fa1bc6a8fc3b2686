//! Signing in with an identity: the endpoint that exchanges it for a token, and an issuer like GitHub's for jobs of its
//! Actions.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::HashMap;

use crate::bodies;
use crate::message::{Reply, Seen};
use crate::script::Script;

/// The lifetime that a token claims.
const LIFETIME: SignedDuration = SignedDuration::from_hours(1);

/// The issued tokens, and how many answers each has had.
#[derive(Debug, Default)]
pub(crate) struct Tokens(HashMap<String, u32>);

impl Tokens {
    /// Exchanges an identity for a token.
    pub(crate) fn exchange(&mut self, script: &Script, request: &Seen, now: Timestamp) -> Reply {
        let Some(oidc) = &script.oidc else { return bodies::error(404, "not found", "not found") };
        let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
        match oidc.refuse {
            Some(200) => return Reply::ok(&json!({"authenticated": false})),
            // Real servers quote what they refuse.
            Some(code) => return bodies::error(code, &format!("no trust policy matches {}", body["token"]), "refused"),
            None => {}
        }
        if body["org_id"] != script.org {
            return bodies::error(403, &format!("org {} was not found", body["org_id"]), "Please check the org");
        }
        if body["token"] != oidc.identity {
            return bodies::error(401, "the token has another issuer or audience", "Please check the trust policy");
        }
        let token = format!("simulated-short-lived-token-{}", self.0.len() + 1);
        self.0.insert(token.clone(), 0);
        let expires_at = now.saturating_add(LIFETIME).unwrap_or_default().to_string();
        Reply::ok(&json!({
            "authenticated": true, "token": token, "expires_at": expires_at, "org_id": script.org,
            "role": oidc.role, "trust_policy_id": "otpsimulated00000000000000",
        }))
    }

    /// Returns whether a token was issued and is still accepted.
    pub(crate) fn accepts(&mut self, script: &Script, authorization: &str) -> bool {
        let lifetime = script.oidc.as_ref().and_then(|oidc| oidc.lifetime_polls).unwrap_or(u32::MAX);
        let token = authorization.strip_prefix("Bearer ").unwrap_or_default();
        let Some(polls) = self.0.get_mut(token).filter(|polls| **polls < lifetime) else { return false };
        *polls += 1;
        true
    }
}

/// Issues an identity, as GitHub does.
pub(crate) fn issue(script: &Script, request: &Seen) -> Reply {
    let Some(oidc) = &script.oidc else { return bodies::error(404, "not found", "not found") };
    if request.authorization != Some(format!("bearer {}", oidc.request_token)) {
        return bodies::error(401, "not authorised to ask for an identity", "not authorised");
    }
    let audience = request.query("audience").unwrap_or_default();
    let fits = oidc.audience.as_ref().is_none_or(|own| *own == audience);
    let identity = if fits { oidc.identity.clone() } else { format!("{}-for-{audience}", oidc.identity) };
    Reply::ok(&json!({"count": identity.len(), "value": identity}))
}
