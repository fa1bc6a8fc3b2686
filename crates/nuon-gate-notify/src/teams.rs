//! Microsoft Teams: an Adaptive Card through a Workflows URL.
//!
//! An accepted card may still not appear, because the workflow answers before it renders it. Text from outside goes
//! into text runs, which are not parsed as Markdown; links are buttons of the card.

use nuon_gate_core::Line;
use nuon_gate_http::Method;
use nuon_gate_http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Value, json};

use crate::bounded::clock;
use crate::cut::{cut, verbatim};
use crate::deliver::{Fault, Http, Nature, Patience, Repeat, Request, harmless};
use crate::message::{Message, TargetLine, Tone};
use crate::secret::SinkUrl;

/// The largest card in bytes. The documented limit is 28 KB, but refusals were seen at 21 KB.
pub(crate) const LARGEST: usize = 18_000;

/// Longest title: two lines of a card.
const LONGEST_TITLE: usize = 200;

/// Lays out a message, shortening its texts until it is small enough.
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
            let body = body.clone();
            let request =
                Request { method: Method::POST, url, segments: &[], query: &[], headers, body, reads_answer: true };
            let answer = http.send(request).await?;
            let said = answer.text();
            // The old kind of connectors reported errors with a 200.
            if said.contains("returned HTTP error") {
                return Err(Fault::new(Nature::Refused { status: answer.status }, harmless(&said)));
            }
            Ok(())
        })
        .await
}

/// Lays out a message with its texts cut to a share of their limits.
fn card(message: &Message, share: usize) -> Value {
    let headline = json!({"size": "Large", "weight": "Bolder", "color": color(message.tone)});
    let (title, reason) = message.lead(LONGEST_TITLE, verbatim);
    let mut body = vec![runs(&[styled(&title, LONGEST_TITLE, &headline)])];
    body.extend(reason.map(|reason| runs(&[text(reason, 1500 / share)])));
    body.extend(message.hint.iter().map(|hint| runs(&[text(hint, 700 / share + 40)])));
    body.extend(message.facts.iter().map(|facts| runs(&[text(facts, 400 / share + 40)])));
    if let Some(since) = message.since {
        body.push(runs(&[run("since ", &json!({})), text(&clock(since), 30)]));
    }
    let most = (20 / share).max(3);
    for TargetLine { sign, name, state, hint, url } in message.targets.iter().take(most) {
        let mut link = json!({});
        if let Some(url) = url {
            link["selectAction"] = json!({"type": "Action.OpenUrl", "url": url});
        }
        let name = styled(name, 150 / share + 20, &link);
        let mut line = vec![run(&format!("{sign} "), &json!({})), name, run(": ", &json!({}))];
        line.push(text(state, 260 / share + 40));
        if let Some(hint) = hint {
            line.extend([run(" ", &json!({})), text(hint, 200 / share + 40)]);
        }
        body.push(runs(&line));
    }
    let more = message.more + message.targets.len().saturating_sub(most);
    if more > 0 {
        body.push(runs(&[text(&Line::new(format!("and {more} more")), 40)]));
    }
    if !message.log.is_empty() && share <= 8 {
        let monospace = json!({"fontType": "Monospace", "size": "Small"});
        body.push(runs(&[run(&message.log.cut(2500 / share, verbatim), &monospace)]));
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

/// Cards take colours only by name.
fn color(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "Good",
        Tone::Bad => "Attention",
        Tone::Warning | Tone::Asking => "Warning",
        Tone::Busy | Tone::Test => "Accent",
    }
}
