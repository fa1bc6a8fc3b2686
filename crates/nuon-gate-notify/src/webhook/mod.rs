//! Webhooks: signed, bounded, and with an id that lets receivers drop duplicates.

mod cdevents;
pub(crate) mod event;
mod format;
mod headers;
pub(crate) mod shrink;
pub(crate) mod signature;
mod template;

use jiff::Timestamp;
use nuon_gate_core::result::v1::RunResult;
use nuon_gate_http::Method;
use nuon_gate_http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use self::event::{Delivery, Event};
pub(crate) use self::format::Format;
pub(crate) use self::headers::Headers;
pub(crate) use self::template::Template;
use crate::deliver::{Fault, Http, Nature, Patience, Repeat, Request};
use crate::secret::{SigningKey, SinkUrl};

/// The settings that all webhooks share.
#[derive(Debug)]
pub(crate) struct WebhookSettings {
    pub(crate) format: Format,
    pub(crate) keys: Vec<SigningKey>,
    pub(crate) headers: Headers,
    pub(crate) github_signature: bool,
}

/// What a receiver has been sent.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    ids: Vec<String>,
    /// It answered 410: it is gone.
    is_gone: bool,
}

impl Sent {
    /// Sends an event, unless it was sent before. Returns whether anything was sent.
    pub(crate) async fn send_new(
        &mut self,
        (url, settings): (&SinkUrl, &WebhookSettings),
        http: &Http,
        patience: &mut Patience,
        (event, result): (&Event, &RunResult),
    ) -> Result<bool, Fault> {
        let refused = |words: String| Fault::new(Nature::Refused { status: 0 }, words);
        let deliveries = settings.format.deliveries(event, result).map_err(refused)?;
        let mut sent = false;
        for delivery in deliveries {
            if self.ids.contains(&delivery.id) {
                continue;
            }
            if self.is_gone {
                return Err(gone());
            }
            match send(url, settings, http, patience, &delivery).await {
                Ok(()) => sent = true,
                Err(Fault { nature: Nature::Refused { status: 410 }, .. }) => {
                    self.is_gone = true;
                    return Err(gone());
                }
                Err(fault) => return Err(fault),
            }
            self.ids.push(delivery.id);
        }
        Ok(sent)
    }
}

fn gone() -> Fault {
    Fault::new(Nature::Refused { status: 410 }, "HTTP 410: the receiver is gone for good, nothing more is sent")
}

async fn send(
    url: &SinkUrl,
    settings: &WebhookSettings,
    http: &Http,
    patience: &mut Patience,
    delivery: &Delivery,
) -> Result<(), Fault> {
    patience
        .persist(Repeat::Always, || async {
            // Every attempt is signed with its own time: receivers refuse signatures older than a few minutes.
            #[expect(clippy::disallowed_methods, reason = "receivers compare it with their own clocks")]
            let now = Timestamp::now().as_second();
            let headers = headers(settings, delivery, now);
            let body = delivery.body.clone();
            let request =
                Request { method: Method::POST, url, segments: &[], query: &[], headers, body, reads_answer: false };
            http.send(request).await
        })
        .await
        .map(drop)
}

/// Returns the headers of a delivery that is sent at a time, in seconds of the Unix epoch.
pub(crate) fn headers(settings: &WebhookSettings, delivery: &Delivery, now: i64) -> HeaderMap {
    let WebhookSettings { keys, headers: extra, github_signature, .. } = settings;
    let mut headers = HeaderMap::new();
    extra.add_to(&mut headers);
    let mut set =
        |name: HeaderName, value: &str| headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
    set(CONTENT_TYPE, &delivery.content_type);
    set(HeaderName::from_static("webhook-id"), &delivery.id);
    set(HeaderName::from_static("webhook-timestamp"), &now.to_string());
    if !keys.is_empty() {
        let signature = signature::standard(keys, &delivery.id, now, &delivery.body);
        set(HeaderName::from_static("webhook-signature"), &signature);
    }
    if let Some(key) = keys.first().filter(|_| *github_signature) {
        set(HeaderName::from_static("x-hub-signature-256"), &signature::github(key, &delivery.body));
    }
    headers
}
