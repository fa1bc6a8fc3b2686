//! CDEvents 0.5.1, in CloudEvents' structured mode.
//!
//! There is no event for a failed deploy: `service.deployed` means success. So every end is a finished pipeline run
//! with its outcome, and a success is also a deployed service, if it is known what was deployed. Starts, changes and
//! requests for an approval have no event and are not sent.

use nuon_gate_core::result::v1::{RunResult, TargetResult};
use nuon_gate_core::{Line, Verdict};
use serde_json::{Value, json};

use super::event::{Delivery, Event, bytes, deploy_id, is_deployed, segment, source};
use super::signature::fingerprint;
use crate::Occasion;
use crate::cut::{cut, verbatim};
use crate::message::{page, target_name};

const FINISHED: &str = "dev.cdevents.pipelinerun.finished.0.3.0";
const DEPLOYED: &str = "dev.cdevents.service.deployed.0.3.0";

/// Longest id, name or error, in units of UTF-16.
const LONGEST: usize = 1000;

pub(super) fn deliveries(event: &Event, result: &RunResult) -> Result<Vec<Delivery>, String> {
    if !matches!(event.occasion, Occasion::Ended | Occasion::Test) {
        return Ok(Vec::new());
    }
    let source = short(&Line::new(source(result)));
    let finished = json!({"id": run_id(event, result), "source": source, "content": finished(event, result)});
    let mut deliveries = vec![delivery(FINISHED, &event.id, &event.at, &source, &finished)?];
    // A test has deployed nothing.
    let ended = result.targets.iter().filter(|_| event.occasion == Occasion::Ended);
    let deployed = ended.filter(|target| is_deployed(target));
    for (target, artifact) in deployed.filter_map(|target| Some((target, artifact(target)?))) {
        let subject = json!({
            "id": short(&target.component.id),
            "source": source,
            "content": {
                "environment": {"id": short(&target.install.id)},
                "artifactId": artifact,
            },
        });
        // An id names one event, and these are several.
        let id = format!("msg_{}", fingerprint(&format!("{}\n{DEPLOYED}\n{subject}", event.id)));
        deliveries.push(delivery(DEPLOYED, &id, &event.at, &source, &subject)?);
    }
    Ok(deliveries)
}

fn delivery(kind: &str, id: &str, at: &Line, source: &str, subject: &Value) -> Result<Delivery, String> {
    let envelope = json!({
        "specversion": "1.0",
        "id": id,
        "source": source,
        "type": kind,
        "subject": subject["id"],
        "time": at,
        "datacontenttype": "application/json",
        "data": {
            "context": {"specversion": "0.5.1", "id": id, "source": source, "type": kind, "timestamp": at},
            "subject": subject,
        },
    });
    let body = bytes(&envelope)?;
    Ok(Delivery { id: id.to_owned(), content_type: "application/cloudevents+json".to_owned(), body })
}

fn run_id(event: &Event, result: &RunResult) -> String {
    let [target] = &*result.targets else { return event.id.clone() };
    if event.occasion == Occasion::Test {
        return event.id.clone();
    }
    let workflow = target.deploy.as_ref().and_then(|deploy| deploy.workflow_id.as_ref());
    workflow.or(deploy_id(target)).map_or_else(|| event.id.clone(), short)
}

fn finished(event: &Event, result: &RunResult) -> Value {
    let name = match &*result.targets {
        _ if event.occasion == Occasion::Test => Line::new("test message, nothing was deployed"),
        [target] => Line::new(target_name(target)),
        targets => Line::new(format!("{} targets", targets.len())),
    };
    let mut content = json!({"pipelineName": short(&name), "outcome": outcome(result.verdict)});
    let leads_to = result.targets.first().and_then(|target| target.url.as_ref()).or(result.ci_url.as_ref());
    if let Some(page) = leads_to.and_then(page) {
        content["uri"] = page.as_str().into();
    }
    if let Some(reason) = &result.reason {
        content["errors"] = short(reason).into();
    }
    content
}

fn outcome(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed | Verdict::NotifyFailed => "success",
        Verdict::Cancelled => "cancel",
        Verdict::Failed | Verdict::Superseded | Verdict::ApprovalNeeded => "failure",
        Verdict::Rejected | Verdict::Inconclusive | Verdict::TimedOut | Verdict::Interrupted(_) | Verdict::Pending => {
            "error"
        }
    }
}

/// Names what was deployed as a package URL: the component at its commit, or at its build. The API names no image or
/// package, so it is a generic one.
fn artifact(target: &TargetResult) -> Option<String> {
    let deploy = target.deploy.as_ref()?;
    let version = deploy.commit.as_ref().or(deploy.build_id.as_ref())?;
    let name = target.component.name.as_ref().unwrap_or(&target.component.id);
    Some(format!("pkg:generic/{}@{}", segment(&short(name)), segment(&short(version))))
}

fn short(line: &Line) -> String {
    cut(line, LONGEST, verbatim)
}
