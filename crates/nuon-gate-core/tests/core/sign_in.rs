//! Signing in with an identity: how each kind of answer is read, and how requests share one token.

use std::time::Duration;

use crate::sockets::{End, answer, connection, ids, raw};
use httpmock::prelude::*;
use nuon_gate_core::api::{
    ApiError, Client, Connection, Credentials, Depth, ErrorClass, Fact, IdentitySource, IssuerUrl, Request, SignInError,
};
use nuon_gate_core::{IdentityToken, redact};
use serde_json::{Value, json};

const IDENTITY: &str = "eyJ.planted.identity";
const LATEST: &str = "/v1/installs/inl1/components/cmp1/deploys/latest";

fn client(url: &str, source: IdentitySource) -> Client {
    let credentials = Credentials::Identity(source);
    Client::new(&Connection { credentials, ..connection(url) }).unwrap().within(Duration::from_secs(10))
}

fn with_identity(url: &str) -> Client {
    client(url, IdentitySource::Token(IdentityToken::new(IDENTITY).unwrap()))
}

async fn latest(client: &Client) -> Result<bool, ApiError> {
    let (install, component) = ids("inl1", "cmp1");
    match client.request(&Request::LatestDeploy(install, component, Depth::Usual)).await?.fact {
        Fact::Latest(deploy) => Ok(deploy.is_some()),
        other => panic!("{other:?}"),
    }
}

fn good() -> Value {
    json!({"authenticated": true, "token": "issued-1", "org_id": "org1", "role": "org_admin", "expires_at": "whenever"})
}

/// The server's refusal.
fn refusal() -> Value {
    json!({"error": "no", "user_error": true})
}

/// Returns how a request ends if the exchange has this answer.
async fn asked(status: u16, body: &Value) -> (Result<bool, ApiError>, usize) {
    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.method(POST).path("/v1/oidc/token").json_body(json!({"org_id": "org1", "token": IDENTITY}));
        then.status(status).json_body(body.clone());
    });
    let question = server.mock(|when, then| {
        when.path(LATEST).header("authorization", "Bearer issued-1").header("x-nuon-org-id", "org1");
        then.status(404).json_body(refusal());
    });
    let outcome = latest(&with_identity(&server.base_url())).await;
    (outcome, question.calls())
}

fn without(member: &str) -> Value {
    let mut body = good();
    body.as_object_mut().unwrap().remove(member);
    body
}

fn with(member: &str, value: impl Into<Value>) -> Value {
    let mut body = good();
    body[member] = value.into();
    body
}

#[tokio::test]
async fn a_token_is_accepted_only_if_every_field_is_valid() {
    assert_eq!(asked(201, &good()).await, (Ok(false), 1));
    let denied = [
        (200, with("authenticated", false)),
        (200, without("authenticated")),
        (200, with("org_id", "org2")),
        (200, without("org_id")),
        (200, with("token", "")),
        (200, with("token", Value::Null)),
        (200, with("token", "a\nb")),
        (200, without("token")),
        (400, refusal()),
        (401, refusal()),
        (403, refusal()),
        (404, refusal()),
        (422, refusal()),
    ];
    let transient = [
        (200, json!({})),
        (200, json!(null)),
        (200, json!([])),
        (200, with("token", 7)),
        (302, json!({})),
        (400, json!({})),
        (408, json!({})),
        (429, json!({})),
        (500, json!({})),
        (503, json!({})),
    ];
    // Something in front of the server refuses in its own shape.
    let foreign = [(401, json!({})), (403, json!({ "message": "Forbidden" })), (404, json!({}))];
    let classes = [
        (ErrorClass::Denied, &denied[..]),
        (ErrorClass::Transient, &transient[..]),
        (ErrorClass::Foreign, &foreign[..]),
    ];
    for (class, rows) in classes {
        for (status, body) in rows {
            let (outcome, questions) = asked(*status, body).await;
            let error = outcome.unwrap_err();
            assert_eq!((error.class(), questions), (class, 0), "{status} {body}: {error}");
            assert!(matches!(error, ApiError::SignIn(_)), "{error:?}");
        }
    }
}

#[tokio::test]
async fn errors_about_the_identity_are_left_out() {
    let (outcome, _) = asked(403, &json!({"error": format!("no policy for \"{IDENTITY}\""), "user_error": true})).await;
    let error = outcome.unwrap_err();
    assert_eq!(error.to_string(), "signing in failed: HTTP 403: no policy for \"[redacted]\"");
    assert!(!format!("{error:?}").contains(IDENTITY));
}

#[tokio::test]
async fn an_answer_to_the_exchange_is_not_one_to_the_request() {
    // A 404 to the request would mean that there is no deploy yet.
    let (outcome, _) = asked(404, &refusal()).await;
    assert!(matches!(outcome, Err(ApiError::SignIn(SignInError::Unsupported(_)))), "{outcome:?}");
}

#[tokio::test]
async fn many_requests_at_once_sign_in_once() {
    let server = MockServer::start_async().await;
    let exchange = server.mock(|when, then| {
        when.method(POST).path("/v1/oidc/token");
        then.status(200).delay(Duration::from_millis(100)).json_body(good());
    });
    server.mock(|when, then| {
        when.path(LATEST);
        then.status(200).json_body(json!({"id": "dpl1"}));
    });
    let client = with_identity(&server.base_url());
    let asking: Vec<_> =
        (0..8).map(|_| client.clone()).map(|client| tokio::spawn(async move { latest(&client).await })).collect();
    for outcome in asking {
        assert_eq!(outcome.await.unwrap(), Ok(true));
    }
    assert_eq!((exchange.calls(), client.stats().requests), (1, 9));
    for secret in [IDENTITY, "issued-1"] {
        assert!(redact::protected(0).contains(&secret.to_owned()), "{secret}");
    }
}

#[tokio::test]
async fn signing_in_and_asking_share_one_time_limit() {
    let server = MockServer::start_async().await;
    let slow = Duration::from_millis(1200);
    server.mock(|when, then| {
        when.method(POST).path("/v1/oidc/token");
        then.status(200).delay(slow).json_body(good());
    });
    server.mock(|when, then| {
        when.path(LATEST);
        then.status(200).delay(slow).json_body(json!({"id": "dpl1"}));
    });
    let client = with_identity(&server.base_url());
    let limit = Duration::from_secs(2);
    assert_eq!(latest(&client.within(limit)).await, Err(ApiError::Timeout(limit)));
    // The token is kept.
    assert_eq!(latest(&client.within(limit)).await, Ok(true));
}

#[tokio::test]
async fn an_issuer_without_a_usable_answer_is_retried_later() {
    let api = MockServer::start_async().await;
    let exchange = api.mock(|when, then| {
        when.path("/v1/oidc/token");
        then.status(200).json_body(good());
    });
    for body in [r#"{"value": ""}"#, "{}", "[]", r#"{"value": null}"#, "<html>"] {
        let (url, heads) = raw(answer("200 OK", body), End::Close).await;
        let source = IdentitySource::Issuer {
            url: IssuerUrl::new(&format!("{url}/token?a=1")).unwrap(),
            token: IdentityToken::new("right").unwrap(),
            audience: "nuon".to_owned(),
        };
        let error = latest(&client(&api.base_url(), source)).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Transient, "{body}: {error}");
        assert!(heads.lock().unwrap()[0].starts_with("GET /token?a=1&audience=nuon HTTP/1.1"));
    }
    assert_eq!(exchange.calls(), 0);
}

#[tokio::test]
async fn an_identity_file_that_cannot_be_read_again_is_refused_without_its_path() {
    for path in [env!("CARGO_MANIFEST_DIR"), "/nobody/has/this"] {
        let token = IdentityToken::new(IDENTITY).unwrap();
        let client = client("http://127.0.0.1:9", IdentitySource::File { path: path.into(), token });
        assert_eq!(latest(&client).await.unwrap_err().class(), ErrorClass::Transient);
        let error = latest(&client).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Denied);
        assert!(!error.to_string().contains(path), "{error}");
    }
}
