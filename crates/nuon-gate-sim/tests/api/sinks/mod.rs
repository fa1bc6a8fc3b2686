//! The notification services.

mod apart;
mod blocks;
mod discord;
mod hooks;
mod slack;

use nuon_gate_sim::Sim;
use serde_json::Value;

use crate::client::{Answer, send};

const TOKEN: &str = "Authorization: Bearer xoxb-simulated-token\r\n";
/// The id of the channel `deploys`.
const CHANNEL: &str = "C0DEPLOYS00";

/// Calls a method of Slack's Web API as the bot.
fn call(sim: &Sim, method: &str, body: &Value) -> Answer {
    send(&(sim.slack_api_url() + method), "POST", TOKEN, &body.to_string())
}

/// Calls it, and returns its body. Slack always answers with status 200.
fn said(sim: &Sim, method: &str, body: &Value) -> Value {
    let answer = call(sim, method, body);
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

/// Posts to a webhook.
fn post(url: &str, body: &Value) -> Answer {
    send(url, "POST", "", &body.to_string())
}
