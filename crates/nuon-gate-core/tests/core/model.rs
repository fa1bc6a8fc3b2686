//! Decoding of answers from servers of every version, intact and damaged.

use nuon_gate_core::api::{ApiError, ErrorClass, decode};
use nuon_gate_core::model::{
    Deploy, DeployType, Install, InstallComponent, JobStatus, PolicySeverity, Status, StepState, Workflow,
};
use nuon_gate_core::{Kind, RemoteText};
use serde_json::{Value, json};

const TODAY: &str = include_str!("../bodies/today.json");
const LATEST: &str = include_str!("../bodies/latest.json");
const OLD: &str = include_str!("../bodies/old.json");

fn read(body: &str) -> Deploy {
    decode(body.as_bytes()).unwrap()
}

fn read_value(body: &Value) -> Deploy {
    read(&body.to_string())
}

fn text(text: Option<&RemoteText>) -> String {
    text.map_or_else(|| "(absent)".to_owned(), |text| text.line(200).plain().to_owned())
}

fn id<T: ToString>(id: Option<&T>) -> String {
    id.map_or_else(|| "(absent)".to_owned(), ToString::to_string)
}

/// Returns the body with one field changed.
fn changed(body: &str, field: &str, value: Value) -> Value {
    let mut body: Value = serde_json::from_str(body).unwrap();
    body[field] = value;
    body
}

#[test]
fn todays_deploy_in_full() {
    let deploy = read(TODAY);
    assert_eq!(id(deploy.id.as_ref()), "dpl7k2wq9x4m1n8v3c6b5z0a1s");
    assert_eq!(id(deploy.build().as_ref()), "bld3");
    assert_eq!(id(deploy.component_id.as_ref()), "cmp4");
    assert_eq!(id(deploy.install_id.as_ref()), "inl6");
    assert_eq!(id(deploy.workflow_id.as_ref()), "inw8");
    assert_eq!(text(deploy.component_name.as_ref()), "queue");
    assert_eq!(text(deploy.install_component_id.as_ref()), "inc5");
    assert_eq!(deploy.install_deploy_type, Some(DeployType::SyncImage));
    assert_eq!(deploy.plan_only, Some(false));
    assert_eq!(deploy.kind(), Some(Kind::Apply));
    assert_eq!(id(deploy.created_at.as_ref()), "2027-01-15T08:00:11.250001Z");
    assert_eq!(id(deploy.updated_at.as_ref()), "2027-01-15T08:03:18Z");
    assert_eq!(id(deploy.applied_at.as_ref()), "2027-01-15T08:03:19Z");
    assert_eq!(text(deploy.author()), "pipeline@globex.example");
    assert_eq!(text(deploy.commit()), "9f02c3d4e5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c0");

    assert_eq!(deploy.current_status(), &Status::Error);
    assert_eq!(text(deploy.description()), "unable to deploy");
    assert_eq!(deploy.status_since().unwrap().as_second(), 1_800_000_198);
    let history = deploy.status_v2.as_ref().unwrap().history.as_ref().unwrap();
    let history: Vec<_> = history
        .iter()
        .map(|entry| (entry.status.as_ref().unwrap().as_str(), entry.since.unwrap().as_second()))
        .collect();
    assert_eq!(history, [("queued", 1_800_000_011), ("planning", 1_800_000_020), ("error", 1_800_000_197)]);

    let error = deploy.composite_error.as_ref().unwrap();
    assert_eq!(text(error.message.as_ref()), "helm upgrade failed: no such chart");
    assert_eq!(error.hints.as_ref().unwrap()["other"], None, "a null among the hints does not cost the others");
    assert_eq!(text(error.hints.as_ref().unwrap()["chart"].as_ref()), "Check the chart's name.");
    let report = &deploy.policy_reports.as_ref().unwrap()[0];
    assert_eq!(report.violations.as_ref().unwrap()[0].severity, Some(PolicySeverity::Deny));

    assert_eq!(id(deploy.log_stream.as_ref().unwrap().id.as_ref()), "log9");
}

#[test]
fn todays_jobs_in_full() {
    let deploy = read(TODAY);
    let jobs: Vec<_> = deploy.jobs().collect();
    assert_eq!(
        jobs.iter().map(|job| job.status.clone()).collect::<Vec<_>>(),
        [Some(JobStatus::Failed), Some(JobStatus::Finished)],
        "newest first"
    );
    let job = jobs[0];
    assert_eq!(text(job.status_description.as_ref()), "execution timeout");
    assert_eq!(id(job.log_stream_id.as_ref()), "log9");
    assert_eq!(text(job.composite_error.as_ref().unwrap().message.as_ref()), "chart not found");
    let result = job.executions.as_ref().unwrap()[0].result.as_ref().unwrap();
    let noted = result.error_metadata.as_ref().unwrap();
    assert_eq!((noted["hint"].clone(), text(noted["message"].as_ref())), (None, "exit status 1".into()));
}

#[test]
fn an_old_deploy() {
    let deploy = read(OLD);
    assert_eq!(deploy.install_deploy_type, Some(DeployType::Release));
    assert_eq!(deploy.current_status(), &Status::Error);
    assert_eq!(text(deploy.author()), "accold");
    assert_eq!(deploy.status_since(), deploy.updated_at);
    assert!(deploy.workflow_id.is_none() && deploy.commit().is_none() && deploy.status_v2.is_none());
    assert_eq!(deploy.jobs().next().unwrap().status, Some(JobStatus::Failed));
    for (wire, known) in
        [("install", DeployType::Install), ("teardown", DeployType::Teardown), ("plan-only", DeployType::PlanOnly)]
    {
        assert_eq!(read_value(&changed(OLD, "install_deploy_type", json!(wire))).install_deploy_type, Some(known));
    }
}

#[test]
fn the_latest_endpoints_brief_answer() {
    let deploy = read(LATEST);
    assert_eq!(deploy.current_status(), &Status::Executing);
    assert_eq!(id(deploy.workflow_id.as_ref()), "inwmid");
    assert!(deploy.install_id.is_none() && deploy.component_id.is_none() && deploy.jobs().next().is_none());
    assert_eq!(deploy.commit(), None, "an empty hash is none");
}

#[test]
fn an_author_is_an_address_or_an_account() {
    let cases = [
        (json!({ "created_by": { "email": "a@b.example" }, "created_by_id": "acc1" }), "a@b.example"),
        (json!({ "created_by": { "email": null }, "created_by_id": "acc1" }), "acc1"),
        (json!({ "created_by": { "email": "" }, "created_by_id": "acc1" }), "acc1"),
        (json!({ "created_by": "?", "created_by_id": "acc1" }), "acc1"),
        (json!({ "created_by_id": "acc1" }), "acc1"),
        (json!({ "created_by_id": "" }), "(absent)"),
        (json!({}), "(absent)"),
    ];
    for (body, author) in cases {
        assert_eq!(text(read_value(&body).author()), author, "{body}");
    }
}

#[test]
fn the_write_token_is_nowhere() {
    for body in [TODAY, OLD] {
        let shown = format!("{:#?}", read(body));
        for secret in ["wt-do-not-show-me", "write_token", "hunter2", "eyJw"] {
            assert!(!shown.contains(secret), "`{secret}` is in {shown}");
        }
        assert!(shown.contains("log"), "the stream itself is there");
    }
}

#[test]
fn unknown_values_are_kept_as_such() {
    let other = |field: &str| changed(LATEST, field, json!("quantum"));
    assert_eq!(
        read_value(&other("install_deploy_type")).install_deploy_type,
        Some(DeployType::Other("quantum".into()))
    );
    let mut body = changed(TODAY, "status_v2", json!({ "status": "quantum" }));
    body["runner_jobs"][0]["status"] = json!("quantum");
    let deploy = read_value(&body);
    assert_eq!(deploy.current_status(), &Status::Other("quantum".into()));
    let job = deploy.jobs().next().unwrap();
    assert_eq!(job.status, Some(JobStatus::Other("quantum".into())));
}

#[test]
fn the_newer_status_comes_first() {
    let cases = [
        (json!({ "status": "active", "status_v2": { "status": "error" } }), "error"),
        (json!({ "status": "active", "status_v2": {} }), "active"),
        (json!({ "status": "active", "status_v2": { "status": "" } }), "active"),
        (json!({ "status": "active", "status_v2": { "status": null } }), "active"),
        (json!({ "status": "active", "status_v2": null }), "active"),
        (json!({ "status": "active", "status_v2": { "status": "active " } }), "active "),
        (json!({ "status": "error" }), "error"),
        (json!({ "status": "" }), "unknown"),
        (json!({}), "unknown"),
    ];
    for (body, status) in cases {
        assert_eq!(read_value(&body).current_status().as_str(), status, "{body}");
    }
}

#[test]
fn a_damaged_part_does_not_affect_the_rest() {
    let parts = [
        "component_name",
        "component_config_version",
        "install_component_id",
        "release_id",
        "status_description",
        "component_build",
        "created_by_id",
        "created_by",
        "created_at",
        "updated_at",
        "applied_at",
        "log_stream",
        "runner_job",
        "runner_jobs",
        "composite_error",
        "policy_reports",
        "outputs",
        "contents",
        "build_id",
        "component_id",
        "install_id",
    ];
    let damages =
        [json!(7), json!("?"), json!([[1]]), json!({ "id": {} }), json!(true), json!(1.5), json!(null), json!("a/b")];
    for part in parts {
        for damage in &damages {
            let deploy = decode::<Deploy>(changed(TODAY, part, damage.clone()).to_string().as_bytes());
            // Whose it is is not absent because it cannot be an id.
            if ["component_id", "install_id"].contains(&part) && *damage == json!("a/b") {
                assert!(deploy.is_err(), "{part} = {damage}");
                continue;
            }
            let deploy = deploy.unwrap_or_else(|error| panic!("{part} = {damage}: {error}"));
            assert_eq!(deploy.current_status(), &Status::Error, "{part} = {damage}");
            assert_eq!(id(deploy.id.as_ref()), "dpl7k2wq9x4m1n8v3c6b5z0a1s", "{part} = {damage}");
        }
    }
}

#[test]
fn a_damaged_detail_of_the_status_does_not_affect_the_rest() {
    for (part, damage) in
        [("status_human_description", json!([])), ("created_at_ts", json!("soon")), ("history", json!({ "a": 1 }))]
    {
        let mut body: Value = serde_json::from_str(TODAY).unwrap();
        body["status_v2"][part] = damage;
        assert_eq!(read_value(&body).current_status(), &Status::Error, "{part}");
    }
}

#[test]
fn members_that_a_verdict_needs_must_be_readable() {
    for (part, damage) in [
        ("status", json!(7)),
        ("status", json!(["active"])),
        ("status_v2", json!("active")),
        ("status_v2", json!(1)),
        ("status_v2", json!({ "status": ["active"] })),
        ("status_v2", json!(["active"])),
        ("install_deploy_type", json!(3)),
        ("id", json!(3)),
        ("id", json!("../x")),
        ("workflow_id", json!({})),
        ("plan_only", json!("true")),
        ("plan_only", json!(1)),
    ] {
        assert!(
            decode::<Deploy>(changed(TODAY, part, damage.clone()).to_string().as_bytes()).is_err(),
            "{part} = {damage}"
        );
    }
    for body in [
        r#"{"id": "inw1", "status": ["success"], "finished": true}"#,
        r#"{"steps": [["iws1"]]}"#,
        r#"{"plan_only": "true"}"#,
        r#"{"app_branch_runs": [{"id": "run1", "plan_only": "true"}]}"#,
    ] {
        assert!(decode::<Workflow>(body.as_bytes()).is_err(), "{body}");
    }
    let step = r#"{"steps": [{"id": "iws1", "status": ["success"]}]}"#;
    let workflow = decode::<Workflow>(step.as_bytes()).unwrap();
    assert!(workflow.steps().all(|step| step.state() == StepState::NotBegun));
    assert!(decode::<Vec<Deploy>>(br#"[["dpl1"]]"#).is_err());
}

#[test]
fn anything_but_an_object_is_undecodable() {
    let cases = [
        ("", "it is empty"),
        (" \n", "it is empty"),
        ("null", "it is not a JSON object"),
        ("[]", "it is not a JSON object"),
        ("[{\"id\": \"dpl1\", \"status\": \"active\"}]", "it is not a JSON object"),
        ("\"active\"", "it is not a JSON object"),
        ("true", "it is not a JSON object"),
        ("<!doctype html><h1>502</h1>", "it is HTML, not JSON"),
        ("{\"id\": \"dpl1\", \"status\": \"act", "it ends too early (line 1, column 29)"),
        ("{", "it ends too early (line 1, column 1)"),
        ("{\"id\": \"dpl1\"} tail", "it is not JSON (line 1, column 16)"),
        ("{id: 1}", "it is not JSON (line 1, column 2)"),
        ("{\"status\": 7}", "a field has an unexpected form (line 1, column 12)"),
    ];
    for (body, what) in cases {
        let error = decode::<Deploy>(body.as_bytes()).unwrap_err();
        assert_eq!(error, ApiError::Undecodable(what.to_owned()), "{body}");
        assert_eq!(error.class(), ErrorClass::Transient);
    }
}

#[test]
fn a_status_given_twice_is_undecodable() {
    for body in [
        r#"{"status": "error", "status": "active"}"#,
        r#"{"status": "active", "status": "active"}"#,
        r#"{"status_v2": {"status": "error"}, "status_v2": {"status": "active"}}"#,
        r#"{"status_v2": {"status": "error", "status": "active"}}"#,
        r#"{"id": "dpl1", "id": "dpl2", "status": "active"}"#,
        r#"{"status": "error", "\u0073tatus": "active"}"#,
    ] {
        assert!(decode::<Deploy>(body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn an_object_without_an_id_is_no_deploy() {
    for body in
        ["{}", r#"{"install_id": "", "plan_only": false}"#, r#"{"id": ""}"#, r#"{"id": "  "}"#, r#"{"id": null}"#]
    {
        assert!(read(body).id.is_none(), "{body}");
    }
}

#[test]
fn empty_and_invalid_times_are_absent() {
    for time in ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "", "yesterday", "2027-13-01T00:00:00Z"] {
        assert_eq!(read_value(&json!({ "created_at": time })).created_at, None, "{time}");
    }
    for seconds in [json!(0), json!(-5), json!(-62_135_596_800_i64), json!(i64::MAX), json!(1.5), json!("1800000000")] {
        assert_eq!(read_value(&json!({ "status_v2": { "created_at_ts": seconds } })).status_since(), None, "{seconds}");
    }
}

#[test]
fn deep_nesting_is_read_safely() {
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    for part in ["outputs", "runner_jobs", "log_stream", "component_name"] {
        let body = format!(r#"{{"id": "dpl1", "{part}": {}, "status": "active"}}"#, deep(100_000));
        assert_eq!(read(&body).current_status(), &Status::Active, "{part}");
    }
    assert!(decode::<Deploy>(format!(r#"{{"status_v2": {}}}"#, deep(100_000)).as_bytes()).is_err());
}

#[test]
fn the_preflights_objects() {
    let install: Install = decode(br#"{"id": "inl1", "name": "acme-west", "app_id": "app1", "links": {}}"#).unwrap();
    assert_eq!((id(install.id.as_ref()), text(install.name.as_ref())), ("inl1".into(), "acme-west".into()));
    let part: InstallComponent = decode(br#"{"component_id": "cmp1", "component": {"name": "queue"}}"#).unwrap();
    assert_eq!(id(part.component_id.as_ref()), "cmp1");
    assert_eq!(text(part.component.unwrap().name.as_ref()), "queue");
}
