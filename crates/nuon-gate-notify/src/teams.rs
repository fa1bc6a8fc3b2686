//! Microsoft Teams: an Adaptive Card through a Workflows URL.
//!
//! That a workflow takes a card does not prove that it shows it: it answers before it has rendered anything. Text from
//! outside stands in runs of text, where no Markdown is read; links are the card's own buttons.

use nuon_gate_core::Line;
use nuon_gate_http::Method;
use nuon_gate_http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Value, json};

use crate::cut::{cut, cut_log, verbatim};
use crate::deliver::{Fault, Http, Nature, Patience, Repeat, Request, harmless};
use crate::message::{Message, Tone};
use crate::secret::SinkUrl;

/// The largest card in bytes. The documented limit is 28 KB, but cards of 21 KB were seen to be refused.
pub(crate) const LARGEST: usize = 18_000;

/// Lays out a message, with shorter texts until it is small enough.
pub(crate) fn payload(message: &Message) -> Value {
    for share in [1, 2, 4, 8, 16, 32] {
        let payload = card(message, share);
        if payload.to_string().len() <= LARGEST {
            return payload;
        }
    }
    card(message, 64)
}

/// Posts a message.
pub(crate) async fn post(url: &SinkUrl, http: &Http, patience: &mut Patience, message: &Message) -> Result<(), Fault> {
    let body = payload(message).to_string().into_bytes();
    patience
        .persist(Repeat::IfNotTaken, || async {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
            let request = Request { method: Method::POST, url, segments: &[], query: &[], headers, body: body.clone() };
            let answer = http.send(request).await?;
            let said = answer.text();
            // Connectors of the old kind said so in a 200.
            if said.contains("returned HTTP error") {
                return Err(Fault::new(Nature::Refused { status: answer.status }, harmless(&said)));
            }
            Ok(())
        })
        .await
}

/// Lays out a message whose texts are a share of what they could be.
fn card(message: &Message, share: usize) -> Value {
    let headline = json!({"size": "Large", "weight": "Bolder", "color": color(message.tone)});
    let mut body = vec![runs(&[styled(&message.headline, 300 / share + 40, &headline)])];
    body.extend(message.lead().map(|line| runs(&[text(line, 1500 / share)])));
    if let Some(summary) = &message.summary {
        body.push(runs(&[text(summary, 300 / share + 40)]));
    }
    for (name, value) in &message.facts {
        let name = run(&format!("{name}: "), &json!({"weight": "Bolder"}));
        body.push(runs(&[name, text(value, 300 / share + 20)]));
    }
    for line in message.targets.iter().take((20 / share).max(3)) {
        let mut words =
            format!("{} {}: {}", line.sign, cut(&line.name, 150 / share + 20, verbatim), line.state.plain());
        if let Some(reason) = &line.reason {
            words.push_str(", ");
            words.push_str(reason.plain());
        }
        body.push(runs(&[text(&Line::new(words), 300 / share + 40)]));
    }
    let more = message.more + message.targets.len().saturating_sub((20 / share).max(3));
    if more > 0 {
        body.push(runs(&[text(&Line::new(format!("and {more} more")), 40)]));
    }
    if let Some(timeline) = &message.timeline {
        body.push(runs(&[styled(timeline, 500 / share, &json!({"isSubtle": true}))]));
    }
    if !message.log_tail.is_empty() && share <= 8 {
        let monospace = json!({"fontType": "Monospace", "size": "Small"});
        body.push(runs(&[run(&cut_log(&message.log_tail, 2500 / share, verbatim), &monospace)]));
    }
    let actions: Vec<Value> = message
        .links
        .iter()
        .map(|(label, url)| json!({"type": "Action.OpenUrl", "title": label, "url": url}))
        .collect();
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "msteams": {"width": "Full"},
                "body": body,
                "actions": actions,
            },
        }],
    })
}

fn runs(inlines: &[Value]) -> Value {
    json!({"type": "RichTextBlock", "inlines": inlines})
}

fn text(line: &Line, max: usize) -> Value {
    styled(line, max, &json!({}))
}

fn styled(line: &Line, max: usize, style: &Value) -> Value {
    run(&cut(line, max, verbatim), style)
}

/// Makes a run of text, which Teams shows as it is.
fn run(text: &str, style: &Value) -> Value {
    let mut run = json!({"type": "TextRun", "text": text});
    if let (Some(run), Some(style)) = (run.as_object_mut(), style.as_object()) {
        run.extend(style.clone());
    }
    run
}

/// Cards know colours by name alone.
fn color(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "Good",
        Tone::Bad => "Attention",
        Tone::Warning | Tone::Asking => "Warning",
        Tone::Busy | Tone::Test => "Accent",
    }
}
