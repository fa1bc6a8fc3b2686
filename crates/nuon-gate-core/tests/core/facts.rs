//! How a success is read, by request: it is a fact only if it is about what was requested.

use Becomes::{Elsewhere, Fact, NoAnswer, NoneYet};
use jiff::Timestamp;
use nuon_gate_core::api::{ApiError, Depth, Fact as Said, Reply, Request, Runs, interpret};
use nuon_gate_core::{BranchPlace, CheckStatus, ComponentId, InstallId, PushedCheck, WorkflowId};
use nuon_gate_http::header::{HeaderMap, HeaderName, HeaderValue};

/// How an answer is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Becomes {
    /// A fact about what was requested.
    Fact,
    /// The fact that there is none yet.
    NoneYet,
    /// It exists, but belongs to someone else.
    Elsewhere,
    /// Not a good answer, like a timeout.
    NoAnswer,
}

type Rows = &'static [(&'static str, Becomes)];

fn install() -> InstallId {
    "inl1".parse().unwrap()
}

fn component() -> ComponentId {
    "cmp1".parse().unwrap()
}

fn workflow() -> WorkflowId {
    "inw1".parse().unwrap()
}

fn becomes(request: &Request, body: &str) -> (Becomes, Reply) {
    let reply = interpret(request, 200, &HeaderMap::new(), body.as_bytes(), Timestamp::UNIX_EPOCH);
    let becomes = match &reply {
        Ok(answer) => match &answer.fact {
            Said::Latest(None) | Said::Dashboard(None) => NoneYet,
            Said::Deploys(rows) if rows.is_empty() => NoneYet,
            Said::Installs(page) if page.rows.is_empty() => NoneYet,
            Said::InstallComponents(page) if page.rows.is_empty() => NoneYet,
            Said::Resources(page) if page.rows.is_empty() => NoneYet,
            Said::Queue(Some(answer)) if answer.place().is_none() => NoneYet,
            Said::Apps(page) if page.rows.is_empty() => NoneYet,
            Said::Branches(page) if page.rows.is_empty() => NoneYet,
            Said::Runs(page) if page.rows.is_empty() => NoneYet,
            Said::GroupRuns(page) if page.rows.is_empty() => NoneYet,
            Said::Logs(page) if page.records.is_empty() => NoneYet,
            _ => Fact,
        },
        Err(ApiError::Elsewhere { .. }) => Elsewhere,
        Err(ApiError::Undecodable(_)) => NoAnswer,
        Err(error) => panic!("{body}: {error}"),
    };
    (becomes, reply)
}

fn check(request: &Request, rows: Rows) {
    for (body, expected) in rows {
        let (becomes, reply) = becomes(request, body);
        assert_eq!(becomes, *expected, "{request:?}: {body}: {reply:?}");
        let is_about = |fact: &Said| match (request, fact) {
            (Request::LatestDeploy(..), Said::Latest(_))
            | (Request::Deploys(..), Said::Deploys(_))
            | (Request::Installs(_), Said::Installs(_))
            | (Request::InstallComponents(..), Said::InstallComponents(_))
            | (Request::Resources(..), Said::Resources(_))
            | (Request::QueuePosition(_), Said::Queue(_))
            | (Request::Apps(_), Said::Apps(_))
            | (Request::Branches(..), Said::Branches(_))
            | (Request::Runs(..), Said::Runs(_))
            | (Request::GroupRuns(..), Said::GroupRuns(_))
            | (Request::Dashboard(_), Said::Dashboard(_))
            | (Request::Logs(..), Said::Logs(_))
            | (Request::PushCheck(..), Said::Pushed)
            | (Request::Cancel(_), Said::Cancelling) => true,
            (Request::Deploy(_, _, id), Said::Deploy(deploy)) => deploy.id.as_ref() == Some(id),
            (Request::Workflow(_, id), Said::Workflow(workflow)) => workflow.id.as_ref() == Some(id),
            (Request::Run(_, id), Said::Run(run)) => [run.id.as_str(), run.workflow_id.as_str()].contains(&id.as_str()),
            (Request::Install(_), Said::Install(install)) => install.id.is_some(),
            (Request::Health(_, id), Said::Health(found)) => found.component_id.as_ref() == Some(id),
            (Request::InstallComponent(_, id), Said::InstallComponent(found)) => {
                found.component_id.as_ref() == Some(id)
            }
            _ => false,
        };
        assert!(
            reply.as_ref().is_ok_and(|answer| is_about(&answer.fact)) == matches!(becomes, Fact | NoneYet),
            "{body}"
        );
    }
}

/// Answers about nothing, where an object is expected.
const NO_OBJECTS: Rows = &[
    ("", NoAnswer),
    (" \n", NoAnswer),
    ("null", NoAnswer),
    ("true", NoAnswer),
    ("0", NoAnswer),
    (r#""dpl1""#, NoAnswer),
    ("[]", NoAnswer),
    (r#"["inl1"]"#, NoAnswer),
    (r#"[{"id": "dpl1", "install_id": "inl1", "component_id": "cmp1"}]"#, NoAnswer),
    ("<!doctype html><h1>sign in</h1>", NoAnswer),
    (r#"{"id": "dpl1", "install_id": "in"#, NoAnswer),
    (r#"{"id": "dpl1", "id": "dpl1"} {"#, NoAnswer),
];

/// Objects about nothing.
const EMPTY_OBJECTS: Rows = &[
    ("{}", NoAnswer),
    (r#"{"error": "timeout", "user_error": true, "description": "try again"}"#, NoAnswer),
    (r#"{"message": "Forbidden"}"#, NoAnswer),
    (r#"{"id": ""}"#, NoAnswer),
    (r#"{"id": null}"#, NoAnswer),
    (r#"{"id": 7}"#, NoAnswer),
    (r#"{"id": "../x"}"#, NoAnswer),
];

#[test]
fn the_newest_deploy() {
    let rows: Rows = &[
        // This endpoint names neither the install nor the component.
        (r#"{"id": "dpl1", "status": "active"}"#, Fact),
        (r#"{"id": "dpl1", "status": "active", "install_id": ""}"#, Fact),
        (r#"{"id": "dpl1", "status": "active", "install_id": "inl1"}"#, Fact),
        (r#"{"id": "dpl1", "status": "active", "install_id": "inl1", "component_id": "cmp1"}"#, Fact),
        (r#"{"id": "dpl1", "status": "active", "install_id": "inl2"}"#, Elsewhere),
        (r#"{"id": "dpl1", "status": "active", "install_id": "INL1"}"#, Elsewhere),
        (r#"{"id": "dpl1", "status": "active", "component_id": "cmp2"}"#, Elsewhere),
        (r#"{"id": "dpl1", "status": "active", "install_id": "inl1", "component_id": "cmp2"}"#, Elsewhere),
        (r#"{"id": "dpl1", "status": "active", "install_id": "inl2", "component_id": "cmp1"}"#, Elsewhere),
        // "None yet" is an object without an id.
        ("{}", NoneYet),
        (r#"{"id": ""}"#, NoneYet),
        (r#"{"id": null}"#, NoneYet),
        (r#"{"install_id": "", "plan_only": false}"#, NoneYet),
        (r#"{"id": "", "install_id": "", "status": ""}"#, NoneYet),
        (r#"{"install_id": null}"#, NoneYet),
        (r#"{"plan_only": false}"#, NoneYet),
        (r#"{"install_id": "inl1", "status": "active"}"#, NoneYet),
        (r#"{"status": "active"}"#, NoneYet),
        // An error under a success is not.
        (r#"{"error": "timeout", "user_error": true, "description": "try again"}"#, NoAnswer),
        (r#"{"message": "Forbidden"}"#, NoAnswer),
        (r#"{"code": 504}"#, NoAnswer),
    ];
    for depth in [Depth::Usual, Depth::Page] {
        let request = Request::LatestDeploy(install(), component(), depth);
        [rows, NO_OBJECTS].into_iter().for_each(|rows| check(&request, rows));
    }
}

#[test]
fn a_deploy_by_its_id() {
    let any: Rows = &[
        (r#"{"id": "dpl1", "install_id": "inl1", "component_id": "cmp1"}"#, Fact),
        (r#"{"id": "dpl2", "install_id": "inl1", "component_id": "cmp1"}"#, NoAnswer),
        (r#"{"id": "DPL1", "install_id": "inl1", "component_id": "cmp1"}"#, NoAnswer),
        (r#"{"install_id": "inl1", "component_id": "cmp1"}"#, NoAnswer),
        (r#"{"id": "dpl1", "install_id": "inl2", "component_id": "cmp1"}"#, Elsewhere),
        (r#"{"id": "dpl2", "install_id": "inl2", "component_id": "cmp1"}"#, NoAnswer),
        (r#"{"id": "dpl1", "install_id": "inl2"}"#, Elsewhere),
        // A detail names its install.
        (r#"{"id": "dpl1"}"#, NoAnswer),
        (r#"{"id": "dpl1", "status": "active"}"#, NoAnswer),
        (r#"{"id": "dpl1", "install_id": "inl1"}"#, NoAnswer),
        (r#"{"id": "dpl1", "component_id": "cmp1"}"#, NoAnswer),
        (r#"{"id": "dpl1", "install_id": "", "component_id": "cmp1"}"#, NoAnswer),
        (r#"{"id": "dpl1", "install_id": "inl1", "component_id": ""}"#, NoAnswer),
        (r#"{"id": "dpl1", "install_id": null, "component_id": "cmp1"}"#, NoAnswer),
        (r#"{"id": "dpl1", "install_id": 1, "component_id": "cmp1"}"#, NoAnswer),
        (r#"{"id": "dpl1", "install_id": "inl1", "component_id": ["cmp1"]}"#, NoAnswer),
        (r#"{"install_id": "", "plan_only": false}"#, NoAnswer),
        // As they were sent: these are other ids, and not absent ones.
        (r#"{"id": "dpl1 ", "install_id": "inl1", "component_id": "cmp1"}"#, NoAnswer),
        (r#"{"id": "dpl1", "install_id": "inl1 ", "component_id": "cmp1"}"#, NoAnswer),
        (r#"{"id": "dpl1", "install_id": "inl1", "component_id": "\u200bcmp1"}"#, NoAnswer),
        (r#"{"id": "dpl1", "install_id": "inl1", "component_id": "cmp1", "workflow_id": " inw1"}"#, NoAnswer),
        // It contradicts itself.
        (
            r#"{"id": "dpl1", "install_id": "inl1", "component_id": "cmp1", "build_id": "bld1", "component_build": {"id": "bld2"}}"#,
            NoAnswer,
        ),
        (
            r#"{"id": "dpl1", "install_id": "inl1", "component_id": "cmp1", "workflow_id": "inw1", "install_workflow_id": "inw2"}"#,
            NoAnswer,
        ),
        (
            r#"{"id": "dpl1", "install_id": "inl1", "component_id": "cmp1", "build_id": "bld1", "workflow_id": "inw1",
                "component_build": {"id": "bld1"}, "install_workflow_id": "inw1"}"#,
            Fact,
        ),
    ];
    const OTHER_COMPONENT: &str = r#"{"id": "dpl1", "install_id": "inl1", "component_id": "cmp2"}"#;
    let of_any = Request::Deploy(install(), None, "dpl1".parse().unwrap());
    let of_one = Request::Deploy(install(), Some(component()), "dpl1".parse().unwrap());
    for request in [&of_any, &of_one] {
        [any, NO_OBJECTS, EMPTY_OBJECTS].into_iter().for_each(|rows| check(request, rows));
    }
    check(&of_any, &[(OTHER_COMPONENT, Fact)]);
    check(&of_one, &[(OTHER_COMPONENT, Elsewhere), (r#"{"id": "dpl1", "component_id": "cmp2"}"#, Elsewhere)]);
}

#[test]
fn a_workflow() {
    let any: Rows = &[
        (r#"{"id": "inw1", "owner_id": "inl1", "status": {"status": "success"}, "finished": true}"#, Fact),
        (r#"{"id": "inw1", "owner_id": "inl1"}"#, Fact),
        (r#"{"id": "inw2", "owner_id": "inl1"}"#, NoAnswer),
        (r#"{"id": "inw2", "owner_id": "inl2"}"#, NoAnswer),
        (r#"{"owner_id": "inl1"}"#, NoAnswer),
        (r#"{"id": "", "owner_id": "inl1"}"#, NoAnswer),
        (r#"{"status": {"status": "success"}, "finished": true}"#, NoAnswer),
        (r#"{"id": "inw1", "owner_id": 1}"#, NoAnswer),
        (r#"{"id": "inw1", "owner_id": "inl1", "status": "success"}"#, NoAnswer),
        (r#"{"id": "inw1", "owner_id": "inl1", "status": ["success"]}"#, NoAnswer),
        (r#"{"id": "inw1", "owner_id": "inl1", "steps": {}}"#, NoAnswer),
        (r#"{"id": "inw1", "owner_id": "inl1", "steps": [null]}"#, NoAnswer),
    ];
    let of_any = Request::Workflow(None, workflow());
    let of_one = Request::Workflow(Some(install()), workflow());
    for request in [&of_any, &of_one] {
        [any, NO_OBJECTS, EMPTY_OBJECTS].into_iter().for_each(|rows| check(request, rows));
    }
    // Only a caller that knows the install can check it.
    let owners = [
        (r#"{"id": "inw1", "owner_id": "inl2"}"#, Fact, Elsewhere),
        (r#"{"id": "inw1", "owner_id": "app1"}"#, Fact, Elsewhere),
        (r#"{"id": "inw1", "owner_id": "INL1"}"#, Fact, Elsewhere),
        (r#"{"id": "inw1"}"#, Fact, NoAnswer),
        (r#"{"id": "inw1", "owner_id": ""}"#, Fact, NoAnswer),
        (r#"{"id": "inw1", "owner_id": null}"#, Fact, NoAnswer),
    ];
    for (body, any, one) in owners {
        assert_eq!((becomes(&of_any, body).0, becomes(&of_one, body).0), (any, one), "{body}");
    }
}

#[test]
fn an_install() {
    let rows: Rows = &[
        (r#"{"id": "inl1", "name": "acme"}"#, Fact),
        (r#"{"id": "inl1"}"#, Fact),
        (r#"{"id": "inl2", "name": "acme"}"#, NoAnswer),
        // The same path is used for names.
        (r#"{"id": "inl2", "name": "inl1"}"#, Fact),
        (r#"{"id": "inl2", "name": "INL1"}"#, NoAnswer),
        (r#"{"id": "inl2", "name": "inl1\u200b"}"#, NoAnswer),
        (r#"{"id": "inl2", "name": " inl1"}"#, NoAnswer),
        (r#"{"name": "inl1"}"#, NoAnswer),
        (r#"{"id": "", "name": "inl1"}"#, NoAnswer),
    ];
    let request = Request::Install(install());
    [rows, NO_OBJECTS, EMPTY_OBJECTS].into_iter().for_each(|rows| check(&request, rows));
}

#[test]
fn a_component_of_an_install() {
    let rows: Rows = &[
        (r#"{"id": "inc1", "component_id": "cmp1", "component": {"name": "api"}}"#, Fact),
        (r#"{"component_id": "cmp1"}"#, Fact),
        (r#"{"id": "inc1", "component_id": "cmp2"}"#, NoAnswer),
        (r#"{"id": "inc1", "install_id": "inl2", "component_id": "cmp1"}"#, NoAnswer),
        (r#"{"id": "cmp1"}"#, NoAnswer),
        (r#"{"id": "inc1", "component_id": ""}"#, NoAnswer),
        (r#"{"component": {"name": "cmp1"}}"#, NoAnswer),
    ];
    let request = Request::InstallComponent(install(), component());
    [rows, NO_OBJECTS, EMPTY_OBJECTS].into_iter().for_each(|rows| check(&request, rows));
}

#[test]
fn the_health_of_a_component() {
    let rows: Rows = &[
        (
            r#"{"id": "inc1", "install_id": "inl1", "component_id": "cmp1", "health_status_v2": {"status": "healthy"}}"#,
            Fact,
        ),
        (r#"{"id": "inc1", "install_id": "inl1", "component_id": "cmp1"}"#, Fact),
        (r#"{"id": "inc1", "install_id": "inl1", "component_id": "cmp1", "health_status_v2": 7}"#, Fact),
        (r#"{"id": "inc1", "install_id": "inl1", "component_id": "cmp2"}"#, NoAnswer),
        (r#"{"id": "inc1", "install_id": "inl2", "component_id": "cmp1"}"#, NoAnswer),
        // The owner has to be in it.
        (r#"{"id": "inc1", "component_id": "cmp1"}"#, NoAnswer),
        (r#"{"id": "inc1", "install_id": "", "component_id": "cmp1"}"#, NoAnswer),
        (r#"{"id": "inc1", "install_id": "inl1"}"#, NoAnswer),
        (r#"{"install_id": "inl1", "component_id": "cmp1"}"#, NoAnswer),
        (r#"{"id": "cmp1", "health_status": "healthy"}"#, NoAnswer),
    ];
    let request = Request::Health(install(), component());
    [rows, NO_OBJECTS, EMPTY_OBJECTS].into_iter().for_each(|rows| check(&request, rows));
}

#[test]
fn what_a_component_is_made_of() {
    let rows: Rows = &[
        (r#"[{"install_component_id": "inc1", "health": "healthy"}]"#, Fact),
        (r#"[{"install_component_id": "inc1", "install_id": "inl1"}, {"install_component_id": "inc2"}]"#, Fact),
        // Another component's, or nobody's.
        (r#"[{"install_component_id": "inc2", "health": "healthy"}]"#, NoAnswer),
        (r#"[{"install_component_id": "inc1", "install_id": "inl2", "health": "healthy"}]"#, NoAnswer),
        (r#"[{"install_component_id": "inc1", "component_id": "cmp2", "health": "healthy"}]"#, NoAnswer),
        (r#"[{"install_component_id": "inc1", "component_id": "", "health": "healthy"}]"#, Fact),
        (r#"[{"component_id": "cmp1", "health": "healthy"}]"#, NoAnswer),
        (r#"[{"health": "healthy"}]"#, NoAnswer),
        ("[{}]", NoAnswer),
    ];
    let request = Request::Resources(install(), component(), "inc1".parse().unwrap(), 1);
    [rows, NO_LISTS].into_iter().for_each(|rows| check(&request, rows));
}

/// Values that are not lists, where a list is expected.
const NO_LISTS: Rows = &[
    ("", NoAnswer),
    ("null", NoAnswer),
    ("{}", NoAnswer),
    (r#""""#, NoAnswer),
    (r#"{"error": "timeout", "user_error": true}"#, NoAnswer),
    (r#"{"items": []}"#, NoAnswer),
    ("<html></html>", NoAnswer),
    ("[null]", NoAnswer),
    ("[[]]", NoAnswer),
    (r#"["dpl1"]"#, NoAnswer),
    ("[{}", NoAnswer),
    ("[]", NoneYet),
    (" [ ] ", NoneYet),
];

#[test]
fn the_deploys_of_a_component() {
    let rows: Rows = &[
        (r#"[{"id": "dpl1", "status": "active"}]"#, Fact),
        (r#"[{"id": "dpl1", "install_id": "inl1", "component_id": "cmp1"}, {"id": "dpl2", "install_id": ""}]"#, Fact),
        // One row of another install makes the list wrong.
        (r#"[{"id": "dpl1"}, {"id": "dpl2", "install_id": "inl2"}]"#, Elsewhere),
        (r#"[{"id": "dpl1"}, {"id": "dpl2", "component_id": "cmp2"}]"#, Elsewhere),
        (r#"[{"id": "dpl1", "install_id": "inl2", "component_id": "cmp1"}]"#, Elsewhere),
        (r#"[{"id": "dpl1"}, {"id": 2}]"#, NoAnswer),
    ];
    let request = Request::Deploys(install(), component());
    [rows, NO_LISTS].into_iter().for_each(|rows| check(&request, rows));
}

#[test]
fn lists_that_need_not_name_an_owner() {
    let installs = Request::Installs(1);
    check(&installs, &[(r#"[{"id": "inl1", "name": "acme"}]"#, Fact), (r#"[{"id": 1}]"#, NoAnswer)]);
    let components = Request::InstallComponents(install(), 1);
    let rows: Rows = &[
        (r#"[{"component_id": "cmp1"}]"#, Fact),
        (r#"[{"component_id": "cmp1", "install_id": "inl1"}]"#, Fact),
        (r#"[{"component_id": 1}]"#, NoAnswer),
        (r#"[{"component_id": "cmp1"}, {"component_id": "cmp2", "install_id": "inl2"}]"#, NoAnswer),
    ];
    check(&components, rows);
    let logs = Request::Logs("log1".parse().unwrap(), None);
    check(&logs, &[(r#"[{"body": "fine"}]"#, Fact)]);
    [installs, components, logs].iter().for_each(|request| check(request, NO_LISTS));
}

fn branch() -> BranchPlace {
    BranchPlace { app: "app1".parse().unwrap(), branch: "apb1".parse().unwrap() }
}

#[test]
fn a_run_that_was_asked_for() {
    let rows: Rows = &[
        (r#"{"id": "inw1", "app_branch_runs": [{"id": "abr1", "status": "running"}]}"#, Fact),
        (
            r#"{"id": "inw1", "owner_id": "apb1", "owner_type": "app_branches", "app_branch_runs": [{"id": "abr1"}]}"#,
            Fact,
        ),
        // Of another run, branch or workflow, or without an owner.
        (r#"{"id": "inw1", "app_branch_runs": [{"id": "abr2", "status": "success"}]}"#, NoAnswer),
        (
            r#"{"id": "inw1", "owner_id": "apb2", "owner_type": "app_branches", "app_branch_runs": [{"id": "abr1"}]}"#,
            NoAnswer,
        ),
        (r#"{"id": "inw1", "app_branch_runs": [{"id": "abr1", "app_branch_id": "apb2"}]}"#, NoAnswer),
        (r#"{"id": "inw1", "app_branch_runs": [{"id": "abr1", "workflow_id": "inw2"}]}"#, NoAnswer),
        (r#"{"id": "inw1", "app_branch_runs": [{"status": "success"}]}"#, NoAnswer),
        (r#"{"id": "inw1", "app_branch_runs": []}"#, NoAnswer),
        (r#"{"id": "inw1"}"#, NoAnswer),
        (r#"{"app_branch_runs": [{"id": "abr1"}]}"#, NoAnswer),
        // Two entries for it.
        (r#"{"id": "inw1", "app_branch_runs": [{"id": "abr1"}, {"id": "abr1", "status": "success"}]}"#, NoAnswer),
    ];
    let request = Request::Run(branch(), "abr1".parse().unwrap());
    [rows, NO_OBJECTS].into_iter().for_each(|rows| check(&request, rows));
    let by_workflow = Request::Run(branch(), "inw1".parse().unwrap());
    check(&by_workflow, &[(r#"{"id": "inw1", "app_branch_runs": [{"id": "abr7"}]}"#, Fact)]);
    check(&by_workflow, &[(r#"{"id": "inw2", "app_branch_runs": [{"id": "abr7"}]}"#, NoAnswer)]);
}

#[test]
fn a_place_in_a_queue() {
    let request = Request::QueuePosition(workflow());
    let rows: Rows = &[
        (r#"{"position": 2, "queue_depth": 3, "signals_ahead": [{"workflow_type": "provision"}]}"#, Fact),
        (r#"{"position": 0}"#, NoneYet),
        ("{}", NoneYet),
        (r#"{"position": -1}"#, NoneYet),
    ];
    check(&request, rows);
    check(&request, &[("null", NoAnswer), ("[]", NoAnswer), ("", NoAnswer), ("<html>", NoAnswer)]);
}

#[test]
fn the_lists_of_a_branch() {
    let groups = Request::GroupRuns(branch(), "abr1".parse().unwrap(), 1);
    let rows: Rows = &[
        (r#"[{"id": "igr1", "installs": [{"install_id": "inl1", "workflow_id": "inw2"}]}]"#, Fact),
        (r#"[{"id": "igr1", "app_branch_run_id": "abr1", "status": {"status": "success"}}]"#, Fact),
        (r#"[{"id": "igr1", "app_branch_run_id": "abr2"}]"#, NoAnswer),
        (r#"[{"id": "igr1", "installs": [{"workflow_id": "inw2"}]}]"#, NoAnswer),
        (r#"[{"id": "igr1", "installs": {"install_id": "inl1"}}]"#, NoAnswer),
        (r#"[{"id": "igr1", "status": "success"}]"#, NoAnswer),
    ];
    check(&groups, rows);
    let branches = Request::Branches("app1".parse().unwrap(), 1);
    let rows: Rows =
        &[(r#"[{"id": "apb1", "name": "main"}]"#, Fact), (r#"[{"id": "apb1", "app_id": "app2"}]"#, NoAnswer)];
    check(&branches, rows);
    let runs = Request::Runs(branch(), Runs::Deploying, 1);
    check(&runs, &[(r#"[{"id": "inw1", "app_branch_runs": [{"id": "abr1"}]}, {"id": "inw0"}]"#, Fact)]);
    [groups, branches, runs, Request::Apps(1)].iter().for_each(|request| check(request, NO_LISTS));
}

#[test]
fn the_dashboard() {
    let request = Request::Dashboard("org1".parse().unwrap());
    let rows: Rows = &[
        (r#"{"dashboard_url": "https://app.nuon.co"}"#, Fact),
        (r#"{"dashboard_url": "http://127.0.0.1:4000/"}"#, Fact),
        // No address, or one that a browser must not be sent to.
        ("{}", NoneYet),
        (r#"{"dashboard_url": ""}"#, NoneYet),
        (r#"{"dashboard_url": 7}"#, NoneYet),
        (r#"{"dashboard_url": "app.nuon.co"}"#, NoneYet),
        (r#"{"dashboard_url": "javascript:alert(1)"}"#, NoneYet),
        (r#"{"dashboard_url": "https://user@app.nuon.co"}"#, NoneYet),
    ];
    [rows, NO_OBJECTS.split_at(NO_OBJECTS.len() - 2).0].into_iter().for_each(|rows| check(&request, rows));
}

/// Nothing else shows whether a check has arrived.
#[test]
fn pushing_a_check() {
    let check_of = |status| PushedCheck { name: "smoke".parse().unwrap(), status, message: None, stale_after: None };
    let request = Request::PushCheck(install(), component(), check_of(CheckStatus::Healthy));
    let rows: Rows = &[
        ("", Fact),
        ("true", Fact),
        ("{}", Fact),
        (r#"{"name": "smoke", "status": "healthy", "message": "all is well"}"#, Fact),
        ("<!doctype html><h1>sign in</h1>", NoAnswer),
        (r#"{"name": "smo"#, NoAnswer),
        (r#"{"error": "timeout", "user_error": true, "description": "try again"}"#, NoAnswer),
    ];
    check(&request, rows);
}

#[test]
fn rows_are_ordered_by_their_times() {
    let row = |id: &str, second: u32| format!(r#"{{"id": "{id}", "created_at": "2027-01-15T08:00:{second:02}Z"}}"#);
    let undated = |id: &str| format!(r#"{{"id": "{id}"}}"#);
    let rows = [undated("u1"), row("d3", 3), undated("u2"), row("d9", 9), row("d5", 5), row("e5", 5)];
    for request in [Request::Deploys(install(), component()), Request::InstallDeploys(install())] {
        let (_, reply) = becomes(&request, &format!("[{}]", rows.join(",")));
        let (Said::Deploys(read) | Said::InstallDeploys(read)) = reply.unwrap().fact else { panic!("{request:?}") };
        let ids: Vec<&str> = read.iter().filter_map(|row| Some(row.id.as_ref()?.as_str())).collect();
        assert_eq!(ids, ["u1", "d9", "d5", "e5", "d3", "u2"]);
    }
}

/// The body is ignored. It differs between versions.
#[test]
fn cancelling() {
    let request = Request::Cancel(workflow());
    for body in ["", "true", "truetrue", "{}", "null", "[]", "<html>", r#"{"id": "inw2"}"#] {
        for status in [200, 201, 202, 204] {
            let reply = interpret(&request, status, &HeaderMap::new(), body.as_bytes(), Timestamp::UNIX_EPOCH);
            assert!(reply.is_ok_and(|answer| matches!(answer.fact, Said::Cancelling)), "{status} {body}");
        }
    }
}

#[test]
fn a_wrong_owner_is_reported_with_the_expected_one() {
    let deploy = Request::Deploy(install(), Some(component()), "dpl1".parse().unwrap());
    let cases = [
        (
            &deploy,
            r#"{"id": "dpl1", "install_id": "inl2", "component_id": "cmp1"}"#,
            "deploy dpl1 belongs to install inl2, not to inl1",
        ),
        (
            &deploy,
            r#"{"id": "dpl1", "install_id": "inl1", "component_id": "cmp2"}"#,
            "deploy dpl1 belongs to component cmp2, not to cmp1",
        ),
        (
            &Request::Workflow(Some(install()), workflow()),
            r#"{"id": "inw1", "owner_id": "inl2"}"#,
            "workflow inw1 belongs to install inl2, not to inl1",
        ),
    ];
    for (request, body, words) in cases {
        assert_eq!(becomes(request, body).1.unwrap_err().to_string(), words);
    }
}

#[test]
fn a_server_without_the_tail_of_a_log_says_so_with_an_error_of_the_client() {
    let request = Request::Tail("lgs1".parse().unwrap(), None);
    let body = br#"{"error": "no", "user_error": true, "description": "no"}"#;
    let none_at = |status: u16, headers: &[(&'static str, &'static str)]| {
        let header = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let headers = HeaderMap::from_iter(headers.iter().map(header));
        let reply = interpret(&request, status, &headers, body, Timestamp::UNIX_EPOCH);
        matches!(reply, Ok(answer) if matches!(answer.fact, Said::Tail(None)))
    };
    let (mark, later) = (("x-nuon-api-version", "0.19.1147"), ("retry-after", "3"));
    for status in [400, 403, 404, 405] {
        assert!(none_at(status, &[mark]), "{status}");
        assert!(!none_at(status, &[mark, later]), "{status}");
    }
    for status in [408, 425, 429, 500, 501] {
        assert!(!none_at(status, &[mark]), "{status}");
    }
}

#[test]
fn only_an_absence_says_that_there_is_no_queue_and_no_plan() {
    let none_at = |request: &Request, status: u16| {
        let version = HeaderName::from_static("x-nuon-api-version");
        let headers = HeaderMap::from_iter([(version, HeaderValue::from_static("0.19.1147"))]);
        let body = br#"{"error": "no", "user_error": true, "description": "no"}"#;
        let reply = interpret(request, status, &headers, body, Timestamp::UNIX_EPOCH);
        matches!(reply, Ok(answer) if matches!(answer.fact, Said::Queue(None) | Said::Plan(None)))
    };
    let queue = Request::QueuePosition("inw1".parse().unwrap());
    let plan = Request::Plan("inw1".parse().unwrap(), "iws1".parse().unwrap(), "waa1".parse().unwrap());
    for request in [queue, plan] {
        assert!(none_at(&request, 404), "{request:?}");
        for status in [400, 401, 403, 429, 500, 503] {
            assert!(!none_at(&request, status), "{request:?}: {status}");
        }
    }
}
