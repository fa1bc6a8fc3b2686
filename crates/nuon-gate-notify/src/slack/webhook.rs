//! An incoming webhook. It answers only `ok`, so a message can neither be edited nor replied to.

use nuon_gate_http::Method;
use nuon_gate_http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Deserialize;

use super::blocks::Payload;
use super::trouble::{self, BLOCK_TROUBLE};
use crate::deliver::{Answer, Fault, Http, Nature, Patience, Repeat, Request};
use crate::message::Message;
use crate::secret::SinkUrl;

/// Posts a message.
pub(crate) async fn post(url: &SinkUrl, http: &Http, patience: &mut Patience, message: &Message) -> Result<(), Fault> {
    let payload = Payload::whole(message);
    match send(url, http, patience, &payload).await {
        Err(fault) if fault.is(&BLOCK_TROUBLE) => send(url, http, patience, &payload.without_blocks()).await,
        sent => sent,
    }
}

async fn send(url: &SinkUrl, http: &Http, patience: &mut Patience, payload: &Payload) -> Result<(), Fault> {
    let body = serde_json::to_vec(payload).unwrap_or_default();
    patience
        .persist(Repeat::IfNotTaken, || async {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
            let body = body.clone();
            let request =
                Request { method: Method::POST, url, segments: &[], query: &[], headers, body, reads_answer: true };
            judge(&http.exchange(request).await?)
        })
        .await
}

/// Errors are words in plain text, or JSON from some servers in between.
fn judge(answer: &Answer) -> Result<(), Fault> {
    #[derive(Deserialize)]
    struct Said {
        ok: bool,
        error: Option<String>,
    }
    let text = answer.text();
    let said: Option<Said> = serde_json::from_str(&text).ok();
    let is_success = matches!(answer.status, 200..=299);
    if is_success && (text == "ok" || said.as_ref().is_some_and(|said| said.ok)) {
        return Ok(());
    }
    let named = said.and_then(|said| said.error);
    // A text is only a word of Slack's if it is known as one: whatever answers may say something short.
    let is_word = named.is_some() || trouble::is_known(&text);
    let word = named.unwrap_or(text);
    match crate::deliver::fault(answer) {
        // The error's word says more than the status; whether to retry follows from the status.
        fault if is_word => {
            let named = trouble::fault(&word, answer.status, answer.retry_after());
            let nature = if is_success { named.nature } else { fault.nature };
            Err(Fault { nature, ..named })
        }
        _ if is_success => Err(Fault::new(Nature::Refused { status: answer.status }, "Slack did not answer with `ok`")),
        fault => Err(fault),
    }
}
