//! What a run was asked, its requests and their answers, and how it ended.

use std::fmt;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

/// The flags that a gate was started with. All others have their defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The targets, as ids of installs and components, in order; empty if only a workflow was given.
    pub targets: Vec<(String, String)>,
    /// `--deploy`.
    pub deploy: Option<String>,
    /// `--workflow`.
    pub workflow: Option<String>,
    /// `--build`.
    pub build: Option<String>,
    /// `--commit`.
    pub commit: Option<String>,
    /// `--after`, as a deploy's id.
    pub after: Option<String>,
    /// `--since`, in RFC 3339.
    pub since: Option<String>,
    /// `--expect`: `apply` or `teardown`.
    pub expect: Option<String>,
    /// `--on-superseded`: `follow`, `ignore` or `fail`; `None` is the default, which depends on the pins.
    pub on_superseded: Option<String>,
    /// `--on-approval`: `wait`, `fail` or `pass`.
    pub on_approval: String,
    /// `--on-stale`: `accept`, `wait` or `fail`.
    pub on_stale: String,
    /// `--pass-on`.
    pub pass_on: Vec<String>,
    /// `--fail-on`.
    pub fail_on: Vec<String>,
    /// `--wait-on`.
    pub wait_on: Vec<String>,
    /// `--timeout`, in milliseconds.
    pub timeout_ms: u64,
    /// `--start-timeout`; `None` is `off`.
    pub start_timeout_ms: Option<u64>,
    /// `--stall-timeout`.
    pub stall_timeout_ms: Option<u64>,
    /// `--approval-timeout`.
    pub approval_timeout_ms: Option<u64>,
    /// `--api-outage`.
    pub outage_ms: Option<u64>,
    /// `--settle`.
    pub settle_ms: u64,
    /// `--min-interval`.
    pub min_interval_ms: u64,
    /// `--max-interval`.
    pub max_interval_ms: u64,
    /// `--request-timeout`.
    pub request_timeout_ms: u64,
    /// `--require-healthy` with its `--bake`; `None` is without the flag.
    pub healthy_for_ms: Option<u64>,
}

impl Question {
    /// A question about these targets, with the gate's defaults.
    pub fn over(targets: Vec<(String, String)>) -> Self {
        Self {
            targets,
            deploy: None,
            workflow: None,
            build: None,
            commit: None,
            after: None,
            since: None,
            expect: None,
            on_superseded: None,
            on_approval: "wait".to_owned(),
            on_stale: "accept".to_owned(),
            pass_on: Vec::new(),
            fail_on: Vec::new(),
            wait_on: Vec::new(),
            timeout_ms: 600_000,
            start_timeout_ms: Some(300_000),
            stall_timeout_ms: None,
            approval_timeout_ms: None,
            outage_ms: Some(300_000),
            settle_ms: 0,
            min_interval_ms: 2_000,
            max_interval_ms: 10_000,
            request_timeout_ms: 30_000,
            healthy_for_ms: None,
        }
    }
}

/// One request and its answer. Times are milliseconds since the gate was started.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// When the request was sent.
    pub sent_ms: u64,
    /// When the whole answer had arrived, or the request was given up.
    pub done_ms: u64,
    /// `GET` or `POST`.
    pub method: String,
    /// The path with its query, as it was sent: `/v1/installs/…/deploys/latest?limit=100`.
    pub path: String,
    /// The answer.
    pub answer: Answer,
}

impl fmt::Display for Exchange {
    /// One line, for a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent_ms, done_ms, path, answer, .. } = self;
        write!(f, "{sent_ms}–{done_ms} {path}: ")?;
        let Answer::Http(answer) = answer else { return write!(f, "{answer:?}") };
        let foreign = if answer.header("x-nuon-api-version").is_some() { "" } else { " (not Nuon's)" };
        let pause = answer.header("retry-after").map(|after| format!(" retry-after {after}")).unwrap_or_default();
        write!(f, "{}{foreign}{pause} {}", answer.status, String::from_utf8_lossy(&answer.body))
    }
}

/// What a server does with a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// A complete answer.
    Http(HttpAnswer),
    /// The connection closes without an answer.
    Reset,
    /// Nothing is sent until the client gives up.
    Silence,
}

/// A complete answer.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpAnswer {
    /// The status code.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as it is sent.
    pub body: Vec<u8>,
    parsed: Parsed,
}

/// A body as JSON, parsed on demand. The oracle reads each one many times, and most equal that of the poll before.
#[derive(Debug, Clone, Default)]
struct Parsed(Arc<OnceLock<Option<Value>>>);

/// It follows from the body, so it is not compared.
impl PartialEq for Parsed {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl HttpAnswer {
    /// Creates a complete answer.
    pub fn new(status: u16, headers: Vec<(String, String)>, body: Vec<u8>) -> Self {
        Self { status, headers, body, parsed: Parsed::default() }
    }

    /// Lets both answers share one parsed body, if their bodies are equal.
    pub fn share_body(&mut self, other: &Self) {
        if self.body == other.body {
            self.parsed = other.parsed.clone();
        }
    }

    /// Returns a header's value, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Returns the body as JSON, if it is valid.
    pub fn json(&self) -> Option<&Value> {
        self.parsed.0.get_or_init(|| serde_json::from_slice(&self.body).ok()).as_ref()
    }
}

/// What a gate reported, for one target or for the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// `passed`, `failed`, `rejected`, `cancelled`, `approval_needed`, `superseded`, `inconclusive`, `timed_out`, `pending`,
    /// `usage` or `interrupted`.
    pub verdict: String,
    /// The deploy that it is about.
    pub deploy: Option<String>,
    /// When it was reported, in milliseconds since the start.
    pub at_ms: u64,
}
