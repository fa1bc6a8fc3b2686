//! Small transcripts written by hand: for each rule one that is allowed and one that is a violation.

mod ends;
mod failed;
mod health;
mod passed;
mod passed_flow;
mod pins;
mod refused;
mod run;
mod time;

use serde_json::{Value, json};

use super::judge;
use crate::transcript::{Answer, Exchange, HttpAnswer, Outcome, Question};

/// One transcript: its name, its question, the reads, the outcome, and a part of the expected finding; empty if it is
/// allowed.
pub(super) type Line = (&'static str, Question, Tape, Outcome, &'static str);

/// Judges a table.
pub(super) fn check(table: Vec<Line>) {
    for (name, question, tape, outcome, part) in table {
        let found = judge(&question, &tape.0, &[outcome]);
        match part {
            "" => assert!(found.is_empty(), "{name}: {found:?}"),
            _ => assert!(found.iter().any(|text| text.contains(part)), "{name}: {found:?} lacks {part}"),
        }
    }
}

/// The question with its defaults, changed.
pub(super) fn question(change: impl FnOnce(&mut Question)) -> Question {
    let mut question = Question::over(vec![("inl1".to_owned(), "cmp1".to_owned())]);
    change(&mut question);
    question
}

/// The question with its defaults.
pub(super) fn plain() -> Question {
    question(|_| ())
}

/// Returns a text as a pin holds it.
pub(super) fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// An outcome about `dpl1`.
pub(super) fn end(verdict: &str, at_ms: u64) -> Outcome {
    end_of(verdict, Some("dpl1"), at_ms)
}

/// An outcome about a deploy, or about none.
pub(super) fn end_of(verdict: &str, deploy: Option<&str>, at_ms: u64) -> Outcome {
    Outcome { verdict: verdict.to_owned(), deploy: deploy.map(str::to_owned), at_ms }
}

/// Requests and answers. Every answer takes 50 ms.
#[derive(Debug, Clone, Default)]
pub(super) struct Tape(pub(super) Vec<Exchange>);

impl Tape {
    /// Adds an answer.
    pub(super) fn ask(mut self, at: u64, path: &str, answer: Answer) -> Self {
        let (path, method) = (path.to_owned(), "GET".to_owned());
        self.0.push(Exchange { sent_ms: at, done_ms: at + 50, method, path, answer });
        self
    }

    /// Adds the newest deploy.
    pub(super) fn latest(self, at: u64, row: &Value) -> Self {
        self.ask(at, "/v1/installs/inl1/components/cmp1/deploys/latest", ok(row))
    }

    /// Adds a deploy's detail.
    pub(super) fn detail(self, at: u64, row: &Value) -> Self {
        let id = row.get("id").and_then(Value::as_str).unwrap_or("dpl1").to_owned();
        self.ask(at, &format!("/v1/installs/inl1/deploys/{id}"), ok(row))
    }

    /// Adds a workflow.
    pub(super) fn flow(self, at: u64, flow: &Value) -> Self {
        self.ask(at, "/v1/workflows/inw1", ok(flow))
    }

    /// Adds a poll: latest, detail, workflow, 100 ms apart.
    pub(super) fn poll(self, at: u64, row: &Value, flow: &Value) -> Self {
        self.latest(at, row).detail(at + 100, row).flow(at + 200, flow)
    }
}

/// A good answer.
pub(super) fn ok(body: &Value) -> Answer {
    http(200, body, true)
}

/// Nuon's own refusal.
pub(super) fn refusal(status: u16) -> Answer {
    http(status, &json!({"error": "no", "user_error": true, "description": "no"}), true)
}

/// An answer with the server's time.
pub(super) fn dated(body: &Value, second: i64) -> Answer {
    let mut answer = ok(body);
    if let Answer::Http(answer) = &mut answer {
        answer
            .headers
            .push(("date".to_owned(), format!("Mon, 03 Aug 2026 14:{:02}:{:02} GMT", second / 60, second % 60)));
    }
    answer
}

/// An answer, with or without Nuon's header.
pub(super) fn http(status: u16, body: &Value, own: bool) -> Answer {
    let header = ("x-nuon-api-version".to_owned(), "0.19.1147".to_owned());
    let headers = if own { vec![header] } else { Vec::new() };
    Answer::Http(HttpAnswer::new(status, headers, body.to_string().into_bytes()))
}

/// The deploy `dpl1` of `inw1`, with a status set at this second.
pub(super) fn row(status: &str, second: i64) -> Value {
    json!({
        "id": "dpl1", "install_id": "inl1", "component_id": "cmp1", "install_component_id": "inc1",
        "install_deploy_type": "apply", "build_id": "bld1", "workflow_id": "inw1",
        "component_build": {"id": "bld1", "vcs_connection_commit": {"sha": "4be1c7d0"}},
        "created_at": "2026-08-03T14:00:00Z", "updated_at": clock(second), "status": status,
        "status_v2": {"status": status, "created_at_ts": 1_785_765_600 + second},
    })
}

/// The instant this many seconds after the deploy was created.
fn clock(second: i64) -> String {
    format!("2026-08-03T14:{:02}:{:02}Z", second / 60, second % 60)
}

/// The workflow `inw1` in progress, with steps.
pub(super) fn flow(status: &str, steps: &[Value]) -> Value {
    json!({
        "id": "inw1", "owner_id": "inl1", "owner_type": "installs", "status": {"status": status},
        "approval_option": "prompt", "steps": steps,
    })
}

/// The workflow that proves `dpl1`.
pub(super) fn proof() -> Value {
    flow("in-progress", &[step("success", "dpl1"), step("success", "dpl1")])
}

/// A step that targets a deploy. It is finished if its status is final.
pub(super) fn step(status: &str, target: &str) -> Value {
    let over = matches!(status, "success" | "error" | "approved" | "cancelled" | "auto-skipped" | "approval-denied");
    let begun = if status == "pending" { "" } else { "2026-08-03T14:00:01Z" };
    json!({
        "status": {"status": status}, "finished": over, "started_at": begun, "group_idx": 3,
        "step_target_type": "install_deploys", "step_target_id": target,
    })
}

/// A value with one member changed; `null` removes it.
pub(super) fn with(value: &Value, name: &str, member: Value) -> Value {
    let mut value = value.clone();
    if let Some(own) = value.as_object_mut() {
        if member.is_null() {
            own.remove(name);
        } else {
            own.insert(name.to_owned(), member);
        }
    }
    value
}
