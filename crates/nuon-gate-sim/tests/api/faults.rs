//! Faults of each kind of request.

use crate::client::{get, post, serve};

const SCRIPT: &str = r#"
    [[component]]
    install = "inlone"
    id = "cmpapi"
    [[component.deploy]]
    id = "dpl1"
    workflow = "inw1"
    cancel = { refuse = 1 }
    statuses = [{ status = "executing" }]
"#;

const APP: &str = r#"
    [[app]]
    id = "appone"
    [[app.branch]]
    id = "abrmain"
    name = "main"
    [[app.branch.run]]
    id = "run1"
    workflow = "inwrun"
    states = [{ status = "running" }]
"#;

#[test]
fn the_second_of_each_kind_is_struck() {
    let stream = "/v1/log-streams/log10000000000000000000000/logs";
    let cases = [
        ("installs", "/v1/installs", [200, 418, 200]),
        ("components", "/v1/installs/inlone/components", [200, 418, 200]),
        ("logs", stream, [200, 418, 200]),
        ("tail", &format!("{stream}/tail"), [200, 418, 200]),
        ("install-deploys", "/v1/installs/inlone/components/deploys", [200, 418, 200]),
        ("queue-position", "/v1/workflows/inw1/queue-position", [200, 418, 200]),
        ("await", "/v1/workflows/inw1/steps/iws0/await", [404, 418, 404]),
        ("apps", "/v1/apps", [200, 418, 200]),
        ("branches", "/v1/apps/appone/branches", [200, 418, 200]),
        ("runs", "/v1/apps/appone/branches/abrmain/runs", [200, 418, 200]),
        ("run", "/v1/apps/appone/branches/abrmain/runs/run1", [200, 418, 200]),
        ("run-groups", "/v1/apps/appone/branches/abrmain/runs/run1/install-group-runs", [200, 418, 200]),
        // A cancel request with a fault has no effect, so the next one counts as the second.
        ("cancel", "/v1/workflows/inw1/cancel", [500, 418, 202]),
    ];
    for (on, target, expected) in cases {
        for component in ["", "component = \"cmpapi\""] {
            let fault = format!("[[fault]]\non = \"{on}\"\n{component}\nnth = [2]\nanswer = \"status\"\ncode = 418\n");
            let sim = serve(&(SCRIPT.to_owned() + APP + &fault));
            let other = get(&sim, "/v1/installs/inlone/components/cmpapi").status;
            assert_eq!(other, 200, "{on}");
            let ask = || if on == "cancel" { post(&sim, target) } else { get(&sim, target) };
            let statuses = [ask().status, ask().status, ask().status];
            // Lists of installs and components, and workflows, are not about one component.
            let struck = component.is_empty() || on == "logs" || on == "tail";
            let without = [expected[0], expected[2], expected[2]];
            let without = if on == "cancel" { [500, 202, 500] } else { without };
            assert_eq!(statuses, if struck { expected } else { without }, "{on} {component}");
        }
    }
}

#[test]
fn a_clock_that_is_behind_writes_an_earlier_time() {
    let script = |statuses: &str| {
        format!(
            "[[component]]\ninstall = \"inlone\"\nid = \"cmpapi\"\n[[component.deploy]]\nid = \"dpl1\"\n\
             statuses = [{statuses}]\n[[fault]]\nanswer = \"clock-behind\"\nnth = [2]\n"
        )
    };
    for (statuses, behind) in
        [(r#"{ status = "queued" }, { status = "active" }"#, true), (r#"{ status = "queued" }"#, false)]
    {
        let sim = serve(&script(statuses));
        let written = || {
            let body = get(&sim, "/v1/installs/inlone/deploys/dpl1").json();
            let at = |member: &str| body[member].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
            (at("created_at"), at("updated_at"))
        };
        let (created, updated) = written();
        let (created_behind, updated_behind) = written();
        assert_eq!((created_behind, updated_behind < updated), (created, behind), "{updated_behind}, {updated}");
    }
}

#[test]
fn a_lagging_answer_shows_what_was_before() {
    let fault = "[[fault]]\non = \"deploy\"\nnth = [3]\nanswer = \"lagging\"\n";
    let stays = r#"{ status = "queued" }, { status = "executing", polls = 2 }, { status = "active" }"#;
    let sim = serve(&(SCRIPT.replace(r#"{ status = "executing" }"#, stays) + fault));
    let answers: Vec<_> = (0..4).map(|_| get(&sim, "/v1/installs/inlone/deploys/dpl1").json()).collect();
    let statuses: Vec<_> = answers.iter().map(|body| body["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["queued", "executing", "queued", "active"]);
    let written = |position: usize| answers[position]["updated_at"].as_str().unwrap();
    assert_eq!(written(2), written(0), "the row is as it was written then");
    let history = |position: usize| answers[position]["status_v2"]["history"].as_array().map_or(0, Vec::len);
    assert_eq!([history(1), history(2), history(3)], [1, 0, 2]);
}

#[test]
fn some_statuses_leave_no_history() {
    for (stay, expected) in [(r#"status = "auto-skipped""#, 0), (r#"status = "active""#, 1)] {
        let stays = format!("{{ status = \"executing\" }}, {{ {stay} }}");
        let sim = serve(&SCRIPT.replace(r#"{ status = "executing" }"#, &stays));
        let last = [(); 2].map(|()| get(&sim, "/v1/installs/inlone/deploys/dpl1").json())[1].clone();
        assert_eq!(last["status_v2"]["history"].as_array().map_or(0, Vec::len), expected, "{stay}");
    }
}
