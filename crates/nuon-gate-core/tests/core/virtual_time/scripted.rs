//! The scripted server: its answers to requests.

use std::time::Duration;

use super::{LATENCY, STARTED_AT};
use jiff::Timestamp;
use nuon_gate_core::Line;
use nuon_gate_core::api::{ApiError, Reply, Request, interpret};
use nuon_gate_http::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

/// An answer of the scripted server.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// A success. Adds what a real server would add: the ids and owners that the request names and the body lacks.
    Json(Value),
    /// A success, unchanged.
    Exactly(Value),
    /// The client's error for any other answer.
    Error(ApiError),
}

impl Body {
    /// Returns how the client reads it as an answer to this request.
    pub(crate) fn reply(self, request: &Request) -> Reply {
        let body = match self {
            Self::Error(error) => return replied(request, error),
            Self::Exactly(body) => body,
            Self::Json(body) => completed(request, body),
        };
        interpret(request, 200, &versioned(), body.to_string().as_bytes(), Timestamp::UNIX_EPOCH)
    }
}

/// The header of the server's own answers.
fn versioned() -> HeaderMap {
    let version = (HeaderName::from_static("x-nuon-api-version"), HeaderValue::from_static("test"));
    [version].into_iter().collect()
}

/// A 404 can be a good answer.
fn replied(request: &Request, error: ApiError) -> Reply {
    match (request, error.status()) {
        (Request::LatestDeploy(..) | Request::Deploys(..) | Request::Earlier(..) | Request::Plan(..), Some(404)) => {
            let body: &[u8] = br#"{"error": "record not found", "description": "not found"}"#;
            interpret(request, 404, &versioned(), body, Timestamp::UNIX_EPOCH)
        }
        _ => Err(error),
    }
}

/// Adds what a real server says about what was requested.
fn completed(request: &Request, mut body: Value) -> Value {
    let mut add = |name: &str, value: &str| {
        if let Some(body) = body.as_object_mut() {
            body.entry(name).or_insert(value.into());
        }
    };
    match request {
        Request::Deploy(install, component, _) => {
            add("install_id", install.as_str());
            add("component_id", component.as_ref().map_or("cmp0", nuon_gate_core::ComponentId::as_str));
        }
        Request::Workflow(install, id) => {
            add("id", id.as_str());
            add("owner_id", install.as_ref().map_or("inl-acme", nuon_gate_core::InstallId::as_str));
        }
        Request::Install(install) => add("id", install.as_str()),
        Request::InstallComponent(_, component) => add("component_id", component.as_str()),
        _ => {}
    }
    body
}

/// The scripted server's reaction to a request.
pub(crate) struct Scripted {
    pub(super) latency: Option<Duration>,
    pub(super) body: Body,
}

pub(crate) fn after(latency: Duration, body: Body) -> Scripted {
    Scripted { latency: Some(latency), body }
}

pub(crate) fn soon(body: Body) -> Scripted {
    after(LATENCY, body)
}

pub(crate) fn hang() -> Scripted {
    Scripted { latency: None, body: none() }
}

/// A deploy's row, to which tests add fields.
pub(crate) fn row(id: &str, status: &str) -> Value {
    json!({ "id": id, "status": status, "install_deploy_type": "apply" })
}

/// The row, created this many seconds after the start of the watch, or before if negative.
pub(crate) fn created(mut row: Value, second: i64) -> Value {
    row["created_at"] = Timestamp::from_second(STARTED_AT + second).unwrap().to_string().into();
    row
}

/// The row with more fields.
#[allow(clippy::needless_pass_by_value, reason = "tests read better so")]
pub(crate) fn with(mut row: Value, more: Value) -> Value {
    row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    row
}

/// A workflow: its status, whether it is finished, and its steps.
pub(crate) fn workflow(status: &str, finished: bool, steps: &[Value]) -> Body {
    Body::Json(json!({
        "status": { "status": status }, "finished": finished, "approval_option": "prompt", "steps": steps,
    }))
}

/// A step that works on a deploy.
pub(crate) fn step(name: &str, status: &str, deploy: &str) -> Value {
    json!({
        "id": format!("iws-{name}"), "name": name, "status": { "status": status }, "finished": status == "error",
        "step_target_id": deploy,
    })
}

pub(crate) fn deploy(row: &Value) -> Body {
    Body::Json(row.clone())
}

/// A list of rows, newest first.
pub(crate) fn list(rows: &[Value]) -> Body {
    Body::Json(json!(rows))
}

pub(crate) fn none() -> Body {
    status(404)
}

pub(crate) fn status(code: u16) -> Body {
    let message = Some(Line::new(format!("said {code}")));
    Body::Error(ApiError::Status { status: code, message, retry_after: None, from_nuon: true })
}

/// The server is too old for the request.
pub(crate) fn no_endpoint() -> Body {
    Body::Error(ApiError::NoEndpoint)
}

/// The same, from an ingress or a firewall.
pub(crate) fn foreign(code: u16) -> Body {
    Body::Error(ApiError::Status { status: code, message: None, retry_after: None, from_nuon: false })
}

pub(crate) fn retry_after(code: u16, pause: Duration) -> Body {
    let retry_after = Some(pause);
    Body::Error(ApiError::Status { status: code, message: None, retry_after, from_nuon: true })
}

pub(crate) fn certificate() -> Body {
    let (host, detail) = ("api.example".to_owned(), "its issuer is unknown".to_owned());
    Body::Error(ApiError::Certificate { host, detail })
}

pub(crate) fn broken() -> Body {
    Body::Error(ApiError::Broken("reset".to_owned()))
}

/// Answers other requests: install and component exist, and there is no dashboard.
pub(crate) fn exists(request: &Request) -> Body {
    match request {
        Request::Install(_) | Request::InstallComponent(..) | Request::Dashboard(_) => Body::Json(json!({})),
        other => panic!("{other:?} was not expected"),
    }
}

/// A server on which every component has the row that `at` returns for that time; `None` is "none yet".
pub(crate) fn serving(mut at: impl FnMut(Duration) -> Option<Value>) -> impl FnMut(Duration, &Request) -> Scripted {
    move |now, request| {
        soon(match request {
            Request::LatestDeploy(..) | Request::Deploy(..) => at(now).map_or_else(none, |row| deploy(&row)),
            Request::Deploys(..) | Request::Earlier(..) => list(&at(now).into_iter().collect::<Vec<_>>()),
            Request::Install(_) | Request::InstallComponent(..) => exists(request),
            _ => status(404),
        })
    }
}

/// The number of the component that a request names, if it names one.
pub(crate) fn component(request: &Request) -> Option<usize> {
    match request {
        Request::LatestDeploy(_, component, _)
        | Request::Deploys(_, component)
        | Request::Earlier(_, component)
        | Request::InstallComponent(_, component) => component.as_str().strip_prefix("cmp")?.parse().ok(),
        Request::Deploy(_, _, deploy) => deploy.as_str().strip_prefix("dpl")?.parse().ok(),
        _ => None,
    }
}
