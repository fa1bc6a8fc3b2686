//! The contents of an approval, in the form of the tool that made the plan.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::script::Plan;

/// How each tool writes a change.
struct Change {
    terraform: &'static [&'static str],
    /// Kubernetes' and Helm's codes differ. Neither has one for a replacement.
    number: u32,
    verb: &'static str,
}

const ADD: Change = Change { terraform: &["create"], number: 1, verb: "added" };
const CHANGE: Change = Change { terraform: &["update"], number: 3, verb: "changed" };
const DESTROY: Change = Change { terraform: &["delete"], number: 2, verb: "destroyed" };
const REPLACE: Change = Change { terraform: &["delete", "create"], number: 3, verb: "changed" };

/// Returns the contents of a plan, in the form of the tool that the approval's type names.
pub(crate) fn contents(plan: &Plan, approval_type: &str) -> String {
    if let Some(contents) = &plan.contents {
        return contents.clone();
    }
    let Plan { add, change, destroy, replace, value, .. } = plan;
    let each = [(add, ADD), (change, CHANGE), (destroy, DESTROY), (replace, REPLACE)];
    let all = || each.iter().flat_map(|(names, change)| names.iter().map(move |name| (name.as_str(), change)));
    let contents = match approval_type {
        "terraform_plan" => {
            json!({"format_version": "1.2", "resource_changes": all().map(|(name, own)| resource(name, own, value)).collect::<Vec<_>>()})
        }
        "kubernetes_manifest_approval" => {
            json!({"plan": value, "op": "apply", "k8s_content_diff": all().map(|(name, own)| object(name, own, value)).collect::<Vec<_>>()})
        }
        _ => {
            let line = |(name, own): (&str, &Change)| {
                format!("\u{1b}[0;33mdefault, {name}, Deployment (apps) to be {}.\u{1b}[0m\n", own.verb)
            };
            let (adds, changes) = (add.len(), change.len() + replace.len());
            let counts = format!("Plan: {adds} to add, {changes} to change, {} to destroy.\n", destroy.len());
            json!({
                "op": "upgrade", "plan": all().map(line).collect::<String>() + &counts,
                "helm_content_diff": all().map(|(name, own)| object(name, own, value)).collect::<Vec<_>>(),
            })
        }
    };
    contents.to_string()
}

fn resource(name: &str, change: &Change, value: &str) -> Value {
    let side = json!({"password": value});
    json!({
        "address": name, "mode": "managed", "type": name.split('.').next(),
        "change": {"actions": change.terraform, "before": side, "after": side, "before_sensitive": {"password": true}},
    })
}

fn object(name: &str, change: &Change, value: &str) -> Value {
    json!({
        "_version": "2", "kind": "Deployment", "namespace": "default", "name": name, "api": "apps/v1", "op": "apply",
        "type": change.number, "before": value, "after": value,
    })
}

/// Compresses a text. The server always does so with a plan, whatever the client accepts.
pub(crate) fn compressed(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory cannot fail.
    let _ = encoder.write_all(text);
    encoder.finish().unwrap_or_default()
}
