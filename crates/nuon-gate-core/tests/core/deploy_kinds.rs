//! Which rows are deploys that can be waited for, by their type.

use nuon_gate_core::api::decode;
use nuon_gate_core::model::Deploy;
use nuon_gate_core::{Judgement, Kind, Rules};
use serde_json::{Value, json};

const APPLY: Option<Kind> = Some(Kind::Apply);
const TEARDOWN: Option<Kind> = Some(Kind::Teardown);
const NONE: Option<Kind> = None;

/// `install_deploy_type`, and the kind of such a row.
fn types() -> [(Value, Option<Kind>); 18] {
    [
        (json!("apply"), APPLY),
        (json!("sync-image"), APPLY),
        (json!("install"), APPLY),
        (json!("release"), APPLY),
        // Servers leave out what is empty, and old ones have no types.
        (json!(null), APPLY),
        (json!(""), APPLY),
        (json!("teardown"), TEARDOWN),
        (json!("plan-only"), NONE),
        (json!("recover"), NONE),
        // An unknown type counts as deploying nothing, however it is written.
        (json!("rollback"), NONE),
        (json!("reconcile"), NONE),
        (json!("unknown"), NONE),
        (json!("Apply"), NONE),
        (json!("apply "), NONE),
        (json!(" "), NONE),
        (json!("app\u{200b}ly"), NONE),
        (json!("tear-down"), NONE),
        (json!("TEARDOWN"), NONE),
    ]
}

fn read(body: &Value) -> Deploy {
    decode(body.to_string().as_bytes()).unwrap()
}

#[test]
fn every_type_has_its_kind() {
    for (wire, kind) in types() {
        let body = json!({ "id": "dpl1", "status": "active", "install_deploy_type": wire });
        assert_eq!(read(&body).kind(), kind, "{wire}");
    }
    assert_eq!(read(&json!({ "id": "dpl1", "status": "active" })).kind(), APPLY, "no type at all");
}

#[test]
fn a_plan_only_row_has_no_kind_whatever_its_type() {
    for (wire, kind) in types() {
        for (plan_only, expected) in [(json!(true), NONE), (json!(false), kind), (json!(null), kind)] {
            let body = json!({ "id": "dpl1", "install_deploy_type": wire, "plan_only": plan_only });
            assert_eq!(read(&body).kind(), expected, "{wire}, plan_only {plan_only}");
        }
    }
}

/// No status makes a pass of a row without a kind, because there is no table to judge it by.
#[test]
fn a_row_without_a_kind_never_passes() {
    for (wire, kind) in types() {
        for status in ["active", "auto-skipped", "inactive"] {
            let deploy = read(&json!({ "id": "dpl1", "status": status, "install_deploy_type": wire }));
            let judged = deploy.kind().map(|kind| Rules::default().judge(deploy.current_status(), kind));
            let passes = kind.is_some_and(|kind| status != "inactive" || kind == Kind::Teardown);
            assert_eq!(judged == Some(Judgement::Passed), passes, "{wire} {status}");
        }
    }
}
