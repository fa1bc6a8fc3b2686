//! Renders what would be sent, without sending it.

use nuon_gate_core::Verdict;
use nuon_gate_core::result::v1::RunResult;

use crate::message::{Context, Message};
use crate::settings::Sink;
use crate::slack::blocks::Payload;
use crate::webhook::WebhookSettings;
use crate::webhook::event::Event;
use crate::webhook::headers;
use crate::{Mention, Occasion, Sinks, discord, teams};

/// What would be sent to a sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The sink, and which of its messages it is.
    pub sink: String,
    /// The body; for a webhook the names of its headers, a blank line and the body.
    pub text: String,
}

/// Returns what each sink would be sent for a result, and sends nothing.
pub fn render(sinks: &Sinks, result: &RunResult, mentions: &[Mention]) -> Vec<Rendered> {
    let asks = result.targets.iter().any(|target| target.approval_url.is_some())
        || result.branch_run.as_ref().is_some_and(|run| run.awaiting_approval);
    let occasion = match result.verdict {
        Verdict::Pending if asks => Occasion::Approval,
        Verdict::Pending => Occasion::Changed,
        _ => Occasion::Ended,
    };
    let message = Message::new(occasion, result, &Context { mentions: mentions.to_vec() });
    let mut rendered = Vec::new();
    for (sink, label) in sinks.sinks.iter().zip(sinks.labels()) {
        let mut add = |what: &str, text: String| rendered.push(Rendered { sink: format!("{label}{what}"), text });
        match sink {
            Sink::SlackWebhook(_) => add("", json(&Payload::whole(&message))),
            Sink::Teams(_) => add("", teams::payload(&message).to_string()),
            Sink::Discord(_) => add("", json(&discord::Payload::new(&message))),
            Sink::Github(github) => add("", github.status(occasion, result)),
            Sink::SlackBot(_) => {
                add("", json(&Payload::state(&message)));
                if message.notifies {
                    add(" (reply)", json(&Payload::whole(&message)));
                }
            }
            Sink::Webhook(_, settings) => {
                for text in requests(settings, occasion, result) {
                    add("", text);
                }
            }
        }
    }
    rendered
}

fn requests(settings: &WebhookSettings, occasion: Occasion, result: &RunResult) -> Vec<String> {
    let event = Event::new(occasion, &[], result);
    let deliveries = match settings.format.deliveries(&event, result) {
        Ok(deliveries) => deliveries,
        Err(error) => return vec![format!("nothing: {error}")],
    };
    let request = |delivery: &crate::webhook::event::Delivery| {
        let headers = headers(settings, delivery, 0);
        let mut lines: Vec<String> = headers
            .iter()
            .map(|(name, value)| match name.as_str() {
                // Each try has its own time and signature, and what the user added is secret.
                "content-type" | "webhook-id" => format!("{name}: {}", value.to_str().unwrap_or_default()),
                name => format!("{name}: …"),
            })
            .collect();
        lines.sort();
        format!("{}\n\n{}", lines.join("\n"), String::from_utf8_lossy(&delivery.body))
    };
    deliveries.iter().map(request).collect()
}

fn json(payload: &impl serde::Serialize) -> String {
    serde_json::to_string(payload).unwrap_or_default()
}
