//! The forms of a webhook's body.

use nuon_gate_core::result::v1::RunResult;
use serde_json::json;

use super::Template;
use super::cdevents;
use super::event::{Delivery, Event, LONGEST_ID, bytes, deploy_id, source};
use super::shrink::fit;

/// The form of a body.
#[derive(Debug)]
pub(crate) enum Format {
    /// Standard Webhooks: `{"type", "timestamp", "data"}`.
    Standard,
    /// CloudEvents 1.0 in structured mode.
    CloudEvents,
    /// CDEvents in CloudEvents.
    CdEvents,
    /// The user's own template.
    Template(Box<Template>),
}

impl Format {
    /// Makes the requests for an event.
    ///
    /// # Errors
    ///
    /// If the user's template fails.
    pub(crate) fn deliveries(&self, event: &Event, result: &RunResult) -> Result<Vec<Delivery>, String> {
        let one = |content_type: &str, body| {
            vec![Delivery { id: event.id.clone(), content_type: content_type.to_owned(), body }]
        };
        match self {
            Self::Standard => {
                let body =
                    fit(result, |data| bytes(&json!({"type": event.kind, "timestamp": event.at, "data": data})))?;
                Ok(one("application/json", body))
            }
            Self::CloudEvents => Ok(one("application/cloudevents+json", cloudevent(event, result)?)),
            Self::CdEvents => cdevents::deliveries(event, result),
            Self::Template(template) => {
                let body = fit(result, |data| template.render(event, data))?;
                Ok(one(template.content_type(), body))
            }
        }
    }
}

/// Makes an event of CloudEvents 1.0 in structured mode.
fn cloudevent(event: &Event, result: &RunResult) -> Result<Vec<u8>, String> {
    let subject = match &*result.targets {
        [target] => Some(deploy_id(target).unwrap_or(&target.component.id)),
        _ => None,
    };
    fit(result, |data| {
        let mut envelope = json!({
            "specversion": "1.0",
            "id": event.id,
            "source": source(result),
            "type": event.kind,
            "time": event.at,
            "datacontenttype": "application/json",
            "data": data,
        });
        // Absent attributes are left out: `null` is not a valid value.
        if let Some(subject) = subject {
            envelope["subject"] = subject.cut(LONGEST_ID).plain().into();
        }
        bytes(&envelope)
    })
}
