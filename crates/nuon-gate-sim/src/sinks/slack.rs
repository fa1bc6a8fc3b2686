//! Slack's Web API. A status of 200 proves nothing there: the body says whether it succeeded.

use serde_json::{Map, Value, json};

use super::channel::{Channel, Content, Refusal, SlackMessage, id, list, strikes};
use super::{blocks, object};
use crate::message::{Reply, Seen};
use crate::script;

/// How often the Web API has refused so far.
#[derive(Debug, Default)]
pub(super) struct Slack {
    limited: u32,
}

impl Slack {
    /// Calls a method.
    pub(super) fn call(
        &mut self,
        method: &str,
        request: &Seen,
        script: &script::Slack,
        channel: &mut Channel,
    ) -> Reply {
        if request.authorization.as_deref() != Some(&format!("Bearer {}", script.token)) {
            return refused(&Refusal::of("invalid_auth"));
        }
        if method == "chat.postMessage" && self.limited < script.rate_limit {
            self.limited += 1;
            let refusal = Reply::json(429, &json!({"ok": false, "error": "ratelimited"}));
            return refusal.with("Retry-After", &script.retry_after);
        }
        let answer = match method {
            "auth.test" => Ok(identity()),
            "chat.postMessage" => body(request).and_then(|body| post(&body, script, channel)),
            "chat.update" => body(request).and_then(|body| update(&body, script, channel)),
            "blocks.validate" => body(request).and_then(|body| validate(&body)),
            _ => Err(Refusal::of("unknown_method")),
        };
        let reply = match answer {
            Ok(answer) => Reply::ok(&answer),
            Err(refusal) if refusal.word == "missing_scope" => {
                let (needed, provided) = ("chat:write", &script.scopes);
                Reply::ok(&json!({"ok": false, "error": refusal.word, "needed": needed, "provided": provided}))
            }
            Err(refusal) => refused(&refusal),
        };
        reply.with("X-OAuth-Scopes", &script.scopes)
    }
}

fn body(request: &Seen) -> Result<Map<String, Value>, Refusal> {
    let is_json = request.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
    // The real one would also accept a form.
    let word = if is_json { "invalid_json" } else { "invalid_post_type" };
    object(request).ok_or_else(|| Refusal::of(word))
}

fn refused(refusal: &Refusal) -> Reply {
    let mut body = json!({"ok": false, "error": refusal.word});
    if !refusal.messages.is_empty() {
        let messages: Vec<String> = refusal.messages.iter().map(|message| format!("[ERROR] {message}")).collect();
        body["errors"] = json!(refusal.messages);
        body["response_metadata"] = json!({"messages": messages});
    }
    Reply::ok(&body)
}

fn identity() -> Value {
    json!({
        "ok": true,
        "url": "https://simulated.slack.example/",
        "team": "Simulated",
        "user": "nuon-gate",
        "team_id": "T0SIMULATED",
        "user_id": "U0SIMULATED",
        "bot_id": "B0SIMULATED",
    })
}

fn post(body: &Map<String, Value>, script: &script::Slack, channel: &mut Channel) -> Result<Value, Refusal> {
    let wanted = body.get("channel").and_then(Value::as_str).unwrap_or_default();
    let is_it = wanted == id(&script.channel) || wanted.trim_start_matches('#') == script.channel;
    if !is_it {
        return Err(Refusal::of("channel_not_found"));
    }
    let content = allowed(body, script.refuse.as_deref())?;
    let is_broadcast = body.get("reply_broadcast").is_some_and(|broadcast| *broadcast == true);
    channel.post(script, content, (body.get("thread_ts"), is_broadcast), false).map(posted)
}

fn update(body: &Map<String, Value>, script: &script::Slack, channel: &mut Channel) -> Result<Value, Refusal> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    // A channel's name is accepted for the post, but not here.
    if text("channel") != id(&script.channel) {
        return Err(Refusal::of("channel_not_found"));
    }
    let content = allowed(body, script.refuse_update.as_deref())?;
    channel.edit(text("ts"), content).map(posted)
}

/// Parses a message, unless the script refuses it.
fn allowed(body: &Map<String, Value>, refuse: Option<&str>) -> Result<Content, Refusal> {
    let content = Content::of(body)?;
    match refuse.filter(|word| strikes(word, &content)) {
        Some(word) => Err(Refusal::of(word)),
        None => Ok(content),
    }
}

fn posted(message: &SlackMessage) -> Value {
    json!({
        "ok": true,
        "channel": message.channel,
        "ts": message.ts,
        "text": message.text,
        "message": message.body(),
    })
}

fn validate(body: &Map<String, Value>) -> Result<Value, Refusal> {
    let given: Vec<&str> = ["blocks", "message", "view"].into_iter().filter(|name| body.contains_key(*name)).collect();
    let [name] = given.as_slice() else {
        let messages = vec!["must provide exactly one of `blocks`, `view`, or `message`".to_owned()];
        return Err(Refusal { messages, ..Refusal::of("invalid_arguments") });
    };
    let (word, place) = (format!("invalid_{name}"), if *name == "blocks" { "" } else { "/blocks" });
    let blocks = match *name {
        "blocks" => list(body, "blocks", &word)?,
        _ => list(&payload(&body[*name]).ok_or_else(|| Refusal::of(&word))?, "blocks", &word)?,
    };
    let complaints = blocks::complaints(&blocks.unwrap_or_default());
    if complaints.is_empty() {
        return Ok(json!({"ok": true}));
    }
    let error = |complaint: &blocks::Complaint| {
        let pointer = format!("{place}{}", complaint.pointer);
        json!({"code": "failed_constraint", "message": complaint.message, "pointer": pointer})
    };
    let errors: Vec<Value> = complaints.iter().map(error).collect();
    Ok(json!({"ok": false, "error": word, "errors": errors}))
}

/// Reads an object, written as JSON or as a text with JSON.
fn payload(value: &Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(object) => Some(object.clone()),
        Value::String(text) => serde_json::from_str(text).ok(),
        _ => None,
    }
}
