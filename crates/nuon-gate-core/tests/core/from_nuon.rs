//! Who sent an error: the server itself, or an ingress, firewall or proxy in front of it; and what follows from that.

use jiff::Timestamp;
use nuon_gate_core::api::{ApiError, Depth, ErrorClass, Fact, Request, interpret};
use nuon_gate_http::header::{HeaderMap, HeaderName, HeaderValue};

/// An error's body; whether it counts as the server's own with `X-Nuon-API-Version`, and without.
const BODIES: &[(&str, bool, bool)] = &[
    // The server's shape, complete.
    (r#"{"error": "record not found", "user_error": true, "description": "not found"}"#, true, true),
    (r#"{"error": "record not found", "description": "not found"}"#, true, true),
    (r#"{"error": "record not found", "user_error": true}"#, true, true),
    (r#"{"error": "record not found", "user_error": false}"#, true, true),
    (r#"{"error": "", "description": "not found"}"#, true, true),
    (r#"{"Err": "record not found", "Description": "not found"}"#, true, true),
    (r#"{"Error": "record not found", "UserError": true}"#, true, true),
    (r#" {"error": "record not found", "user_error": true}"#, true, true),
    // A part of the shape: only the header makes it the server's.
    (r#"{"error": "record not found"}"#, true, false),
    (r#"{"error": "timeout", "code": "CHAOS_TIMEOUT"}"#, true, false),
    (r#"{"Err": {}, "Description": "error injected"}"#, true, false),
    (r#"{"description": "not found"}"#, true, false),
    (r#"{"user_error": true, "description": "not found"}"#, true, false),
    (r#"{"error": "no", "user_error": "yes"}"#, true, false),
    // Shapes of others, and empty bodies.
    (r#"{"message": "Forbidden"}"#, false, false),
    (r#"{"message": "no Route matched with those values"}"#, false, false),
    (r#"{"error": {"code": 403, "message": "Forbidden"}}"#, false, false),
    (r#"{"error": 404, "user_error": true}"#, false, false),
    (r#"{"error": "", "user_error": true}"#, false, true),
    (r#"{"user_error": true}"#, false, false),
    (r#"{"detail": "Not Found"}"#, false, false),
    ("{}", false, false),
    ("[]", false, false),
    ("null", false, false),
    (r#""not found""#, false, false),
    (r#"[{"error": "a", "user_error": true}]"#, false, false),
    (r#"{"error": "a", "user_error": tr"#, false, false),
    ("404 page not found", false, false),
    ("<html><h1>403 Forbidden</h1></html>", false, false),
    ("", false, false),
];

/// A status code, and its class if the server sent it, and if someone else did.
const STATUSES: &[(u16, ErrorClass, ErrorClass)] = &[
    (400, ErrorClass::Refused, ErrorClass::Transient),
    (401, ErrorClass::Denied, ErrorClass::Foreign),
    (402, ErrorClass::Refused, ErrorClass::Transient),
    (403, ErrorClass::Denied, ErrorClass::Foreign),
    (404, ErrorClass::Missing, ErrorClass::Foreign),
    (405, ErrorClass::Refused, ErrorClass::Transient),
    (407, ErrorClass::Refused, ErrorClass::Transient),
    (408, ErrorClass::Transient, ErrorClass::Transient),
    (409, ErrorClass::Transient, ErrorClass::Transient),
    (410, ErrorClass::Refused, ErrorClass::Transient),
    (413, ErrorClass::Refused, ErrorClass::Transient),
    (418, ErrorClass::Refused, ErrorClass::Transient),
    (422, ErrorClass::Refused, ErrorClass::Transient),
    (425, ErrorClass::Transient, ErrorClass::Transient),
    (429, ErrorClass::Transient, ErrorClass::Transient),
    (451, ErrorClass::Refused, ErrorClass::Transient),
    (500, ErrorClass::Transient, ErrorClass::Transient),
    (501, ErrorClass::Transient, ErrorClass::Transient),
    (502, ErrorClass::Transient, ErrorClass::Transient),
    (503, ErrorClass::Transient, ErrorClass::Transient),
    (504, ErrorClass::Transient, ErrorClass::Transient),
    (599, ErrorClass::Transient, ErrorClass::Transient),
];

fn headers(versioned: bool) -> HeaderMap {
    let version = (HeaderName::from_static("x-nuon-api-version"), HeaderValue::from_static("0.19.1147"));
    versioned.then_some(version).into_iter().collect()
}

/// Every request except those for which a 404 can be a good answer.
fn requests() -> Vec<Request> {
    let (install, component): (nuon_gate_core::InstallId, nuon_gate_core::ComponentId) =
        ("inl1".parse().unwrap(), "cmp1".parse().unwrap());
    let workflow: nuon_gate_core::WorkflowId = "inw1".parse().unwrap();
    vec![
        Request::Deploy(install.clone(), None, "dpl1".parse().unwrap()),
        Request::Deploy(install.clone(), Some(component.clone()), "dpl1".parse().unwrap()),
        Request::Workflow(None, workflow.clone()),
        Request::Workflow(Some(install.clone()), workflow.clone()),
        Request::Install(install.clone()),
        Request::Installs(1),
        Request::InstallComponents(install.clone(), 1),
        Request::InstallComponent(install.clone(), component.clone()),
        Request::Health(install.clone(), component.clone()),
        Request::Resources(install, component, "inc1".parse().unwrap(), 1),
        Request::Dashboard("org1".parse().unwrap()),
        Request::Logs("log1".parse().unwrap(), None),
        Request::Cancel(workflow),
    ]
}

/// The requests about a component's deploys. Most servers answer "not found" while there are none.
fn about_deploys() -> [Request; 3] {
    let (install, component): (nuon_gate_core::InstallId, nuon_gate_core::ComponentId) =
        ("inl1".parse().unwrap(), "cmp1".parse().unwrap());
    [
        Request::LatestDeploy(install.clone(), component.clone(), Depth::Usual),
        Request::LatestDeploy(install.clone(), component.clone(), Depth::Page),
        Request::Deploys(install, component),
    ]
}

/// Every body, with the header and without, and whether it then counts as the server's own.
fn errors() -> impl Iterator<Item = (bool, &'static str, bool)> {
    BODIES.iter().flat_map(|(body, with, without)| [(true, *body, *with), (false, *body, *without)])
}

fn refusal(request: &Request, status: u16, versioned: bool, body: &str) -> ApiError {
    interpret(request, status, &headers(versioned), body.as_bytes(), Timestamp::UNIX_EPOCH).map(drop).unwrap_err()
}

#[test]
fn an_error_is_the_servers_by_its_header_or_shape() {
    for (versioned, body, is_nuons) in errors() {
        for request in requests() {
            let error = refusal(&request, 403, versioned, body);
            let ApiError::Status { from_nuon, .. } = error else { panic!("{error:?}") };
            assert_eq!(from_nuon, is_nuons, "{body}, versioned: {versioned}");
        }
    }
}

#[test]
fn the_class_of_a_status_depends_on_who_sent_it() {
    for (status, own, others) in STATUSES {
        for (versioned, body, is_nuons) in errors() {
            let expected = if is_nuons { own } else { others };
            for request in requests() {
                let class = refusal(&request, *status, versioned, body).class();
                assert_eq!(class, *expected, "{status} {body}, versioned: {versioned}");
            }
        }
    }
}

#[test]
fn only_the_servers_own_404_means_no_deploy_yet() {
    for (versioned, body, is_nuons) in errors() {
        for request in about_deploys() {
            let answer = interpret(&request, 404, &headers(versioned), body.as_bytes(), Timestamp::UNIX_EPOCH);
            match answer.map(|answer| answer.fact) {
                Ok(Fact::Latest(None)) => assert!(is_nuons && matches!(request, Request::LatestDeploy(..)), "{body}"),
                Ok(Fact::Deploys(rows)) => assert!(is_nuons && rows.is_empty(), "{body}"),
                Ok(other) => panic!("{other:?}"),
                Err(error) => assert_eq!((error.class(), is_nuons), (ErrorClass::Foreign, false), "{body}"),
            }
            for status in [400, 401, 403, 410, 500, 503] {
                assert_eq!(refusal(&request, status, versioned, body).status(), Some(status), "{body}");
            }
        }
    }
}

#[test]
fn the_servers_framework_says_that_there_is_no_endpoint() {
    let said = |status, versioned, body| refusal(&requests()[0], status, versioned, body) == ApiError::NoEndpoint;
    assert!(said(404, true, "404 page not found") && said(404, true, "404 page not found\n"));
    assert!(!said(404, false, "404 page not found"), "Traefik says the same");
    let queue = Request::QueuePosition("inw1".parse().unwrap());
    let body = b"404 page not found";
    let answer = interpret(&queue, 404, &headers(true), body, Timestamp::UNIX_EPOCH).unwrap();
    assert!(matches!(answer.fact, Fact::Queue(None)), "an older server has no queue: {:?}", answer.fact);
    assert!(!said(403, true, "404 page not found") && !said(404, true, "404 not found") && !said(404, true, ""));
}

/// A redirect or a compressed answer counts as nobody's.
#[test]
fn a_redirect_or_a_compressed_answer_is_retried() {
    let body = br#"{"error": "record not found", "user_error": true}"#;
    for request in requests() {
        for status in [300, 301, 302, 304, 307, 308] {
            let error = refusal(&request, status, true, std::str::from_utf8(body).unwrap());
            assert!(matches!(error, ApiError::Redirect { .. }), "{error:?}");
            assert_eq!(error.class(), ErrorClass::Transient);
        }
        // The body is ignored there.
        if matches!(request, Request::Cancel(_)) {
            continue;
        }
        let mut compressed = headers(true);
        compressed.insert("content-encoding", HeaderValue::from_static("gzip"));
        let reply = interpret(&request, 200, &compressed, b"{}", Timestamp::UNIX_EPOCH);
        let error = reply.map(drop).unwrap_err();
        assert!(matches!(error, ApiError::Undecodable(_)), "{error:?}");
    }
}
