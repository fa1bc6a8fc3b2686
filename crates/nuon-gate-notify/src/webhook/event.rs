//! The events of a webhook, in the receiver's format.

use nuon_gate_core::result::v1::{RunResult, TargetResult};
use nuon_gate_core::{Line, Verdict};
use serde_json::Value;

use super::signature::fingerprint;
use crate::Occasion;
use crate::mailbox::Asked;
use crate::message::is_planned;

/// Upper bound for an id. Those of a run are shorter; one in a saved result could be longer, and crowd out the rest of
/// the body.
pub(super) const LONGEST_ID: usize = 255;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) occasion: Occasion,
    /// `nuon.deploy.` and a verdict or another word.
    pub(crate) kind: String,
    /// The same for the same state of the same deploys, so that a receiver recognises an event that a rerun job sends
    /// again.
    pub(crate) id: String,
    /// When it happened, in RFC 3339.
    pub(crate) at: Line,
}

/// A request to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) id: String,
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
}

impl Event {
    /// Makes the event; one about approvals names their steps.
    pub(crate) fn new(occasion: Occasion, asked: &[Asked], result: &RunResult) -> Self {
        let word = match occasion {
            Occasion::Started => "started",
            Occasion::Approval => "approval",
            Occasion::Changed => "changed",
            Occasion::Test => "test",
            Occasion::Ended | Occasion::Refused => result.verdict.as_str(),
        };
        let kind = format!("nuon.deploy.{word}");
        let id = id(&kind, occasion, asked, result);
        Self { occasion, kind, id, at: result.finished_at.clone() }
    }
}

/// Derives an id. It holds no dot, because the signed text is split at dots.
fn id(kind: &str, occasion: Occasion, asked: &[Asked], result: &RunResult) -> String {
    let mut state = kind.to_owned();
    for step in asked.iter().map(Asked::step).filter(|step| !step.is_empty()) {
        state.push('\n');
        state.push_str(step);
    }
    // Without a deploy, two runs that found nothing are two events.
    if occasion == Occasion::Test || result.targets.iter().any(|target| deploy_id(target).is_none()) {
        state.push_str(result.started_at.plain());
    }
    for target in &result.targets {
        let status = target.deploy.as_ref().map(|deploy| deploy.status.plain());
        let parts = [
            Some(target.install.id.plain()),
            Some(target.component.id.plain()),
            deploy_id(target).map(Line::plain),
            status,
            Some(target.verdict.as_str()),
        ];
        for part in parts {
            state.push('\n');
            state.push_str(part.unwrap_or_default());
        }
    }
    format!("msg_{}", fingerprint(&state))
}

pub(crate) fn deploy_id(target: &TargetResult) -> Option<&Line> {
    target.deploy.as_ref()?.id.as_ref()
}

/// The source: the install, if all targets are in one.
pub(crate) fn source(result: &RunResult) -> String {
    let mut installs = result.targets.iter().map(|target| &target.install.id);
    match installs.next() {
        Some(first) if installs.all(|install| install == first) => {
            format!("/nuon/installs/{}", segment(first.cut(LONGEST_ID).plain()))
        }
        _ => "/nuon".to_owned(),
    }
}

/// Percent-encodes what cannot stand in one part of a path.
pub(crate) fn segment(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

pub(crate) fn bytes(value: &Value) -> Result<Vec<u8>, String> {
    serde_json::to_vec(value).map_err(|error| error.to_string())
}

/// Returns whether a target's deploy left something deployed.
pub(crate) fn is_deployed(target: &TargetResult) -> bool {
    let kind = target.deploy.as_ref().and_then(|deploy| deploy.deploy_type.as_ref());
    let teardown = kind.is_some_and(|kind| *kind == "teardown");
    let is_skipped = target.deploy.as_ref().is_some_and(|deploy| deploy.status == *"auto-skipped");
    target.verdict == Verdict::Passed && !teardown && !is_planned(target) && !is_skipped
}

#[cfg(test)]
mod tests {
    use nuon_gate_core::ApprovalPlace;

    use super::*;
    use crate::sample;

    #[test]
    fn ids_are_derived_from_deploys_and_their_state() {
        let failed = sample::result(Verdict::Failed);
        let id = |occasion, result: &RunResult| Event::new(occasion, &[], result).id;
        let first = id(Occasion::Ended, &failed);
        assert!(first.starts_with("msg_") && !first.contains('.') && first.len() == 36, "{first}");

        let mut again = failed.clone();
        again.started_at = Line::new("2026-08-03T15:00:00Z");
        again.elapsed_ms += 1;
        assert_eq!(id(Occasion::Ended, &again), first, "the same end of the same deploy");
        assert_ne!(id(Occasion::Changed, &failed), first, "another event");
        let mut other = failed.clone();
        other.targets[0].deploy.as_mut().unwrap().id = Some(Line::new("dpl2"));
        assert_ne!(id(Occasion::Ended, &other), first, "another deploy");

        let in_step = |step: &str| {
            let place =
                ApprovalPlace { workflow: "inw1".parse().unwrap(), step: Some(step.parse().unwrap()), approval: None };
            Event::new(Occasion::Approval, &[Asked::new(Some(0), &place)], &failed).id
        };
        assert_eq!(in_step("inst1"), in_step("inst1"));
        assert_ne!(in_step("inst1"), in_step("inst2"), "another step of the same deploy");

        let mut none = failed.clone();
        none.targets[0].deploy = None;
        let mut later = none.clone();
        later.started_at = Line::new("2026-08-03T15:00:00Z");
        assert_ne!(id(Occasion::Ended, &none), id(Occasion::Ended, &later), "no deploy, twice");
    }

    #[test]
    fn sources_are_uri_references() {
        let mut result = sample::result(Verdict::Passed);
        result.targets[0].install.id = Line::new("a b/c");
        assert_eq!(source(&result), "/nuon/installs/a%20b%2Fc");
        result.targets[0].install.id = Line::new("日".repeat(9000));
        assert!(source(&result).len() < 2400);
        result.targets.push(sample::target(Verdict::Passed, "other", "api", 2));
        assert_eq!(source(&result), "/nuon");
    }
}
