//! Signing in with an identity.

use crate::client::{ask_with, serve};

const ORG: &str = "orgsimulated00000000000000";

fn exchanged(sim: &nuon_gate_sim::Sim, org: &str, identity: &str) -> crate::client::Answer {
    let body = format!(r#"{{"org_id": "{org}", "token": "{identity}"}}"#);
    ask_with(sim, "POST", "/v1/oidc/token", "", &body)
}

fn issued(sim: &nuon_gate_sim::Sim, audience: &str, headers: &str) -> crate::client::Answer {
    ask_with(sim, "GET", &format!("/github/oidc?x=1&audience={audience}"), headers, "")
}

#[test]
fn an_identity_is_exchanged_for_a_token_that_ends() {
    let sim = serve("[oidc]\nidentity = \"jwt\"\nlifetime_polls = 2\n");
    let answer = exchanged(&sim, ORG, "jwt");
    let body = answer.json();
    assert_eq!((answer.status, &body["authenticated"], &body["org_id"]), (200, &true.into(), &ORG.into()));
    assert_eq!(body["role"], "org_read_only");
    assert!(body["expires_at"].as_str().unwrap().ends_with('Z'));
    let token = body["token"].as_str().unwrap();
    let headers = format!("Authorization: Bearer {token}\r\nX-Nuon-Org-ID: {ORG}\r\n");
    let polls: Vec<u16> = (0..3).map(|_| ask_with(&sim, "GET", "/v1/installs", &headers, "").status).collect();
    assert_eq!(polls, [200, 200, 401]);
    assert_ne!(exchanged(&sim, ORG, "jwt").json()["token"], token);
    assert_eq!(exchanged(&sim, ORG, "another").status, 401);
    assert_eq!(exchanged(&sim, "orgother", "jwt").status, 403);
}

#[test]
fn an_identity_is_issued_for_an_audience_to_who_may_ask() {
    let sim = serve("[oidc]\nidentity = \"jwt\"\naudience = \"https://api\"\nrequest_token = \"right\"\n");
    let right = "Authorization: bearer right\r\n";
    assert_eq!(issued(&sim, "https%3A%2F%2Fapi", right).json()["value"], "jwt");
    assert_eq!(issued(&sim, "other", right).json()["value"], "jwt-for-other");
    assert_eq!(issued(&sim, "other", "").status, 401);
}

#[test]
fn a_server_can_refuse_or_know_nothing_of_it() {
    assert_eq!(exchanged(&serve(""), ORG, "jwt").status, 404);
    assert_eq!(exchanged(&serve("[oidc]\nidentity = \"jwt\"\nrefuse = 403\n"), ORG, "jwt").status, 403);
    let unknown = exchanged(&serve("[oidc]\nidentity = \"jwt\"\nrefuse = 200\n"), ORG, "jwt");
    assert_eq!((unknown.status, unknown.json()["authenticated"].as_bool()), (200, Some(false)));
}
