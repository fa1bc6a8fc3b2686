//! Cancelling a workflow.

use nuon_gate_sim::Sim;
use serde_json::Value;

use crate::client::{ask, get, post, serve};

const CANCEL: &str = "/v1/workflows/inw1/cancel";
const GOING: &str = r#"{ status = "executing", polls = 100 }, { status = "active" }"#;

/// A script with a deploy of the workflow `inw1`, with these settings.
fn deploy(id: &str, statuses: &str, knobs: &str) -> String {
    format!(
        "[[component]]\ninstall = \"inlone\"\nid = \"cmp{id}\"\n\
         [[component.deploy]]\nid = \"dpl{id}\"\nworkflow = \"inw1\"\nstatuses = [{statuses}]\n{knobs}\n"
    )
}

/// The workflow `inw1`, fully scripted.
fn workflow(states: &str, knobs: &str) -> String {
    format!("[[workflow]]\nid = \"inw1\"\n{knobs}\nstates = [{states}]\n")
}

fn of(generation: &str, script: &str) -> Sim {
    serve(&format!("generation = \"{generation}\"\n{script}"))
}

fn detail(sim: &Sim, id: &str) -> Value {
    get(sim, &format!("/v1/installs/inlone/deploys/dpl{id}")).json()
}

/// Returns a workflow's status, and whether it is finished.
fn standing(sim: &Sim) -> (String, bool) {
    let body = get(sim, "/v1/workflows/inw1").json();
    (body["status"]["status"].as_str().unwrap().to_owned(), body["finished"] == true)
}

#[test]
fn every_generation_accepts_and_refuses_in_its_way() {
    let pending = workflow(r#"{ status = "pending" }"#, "cancel = { refuse = 2 }");
    let going = deploy("one", GOING, "cancel = { refuse = 2 }");
    // The generation, the answer for a running workflow, for a pending one, and the status of a refusal.
    let cases = [
        ("mid1", "true", "true", 400),
        ("mid", "true", "truetrue", 400),
        ("new", "{}", "{}", 500),
        ("today", "{}", "{}", 500),
    ];
    for (generation, to_going, to_pending, refused) in cases {
        for (script, text) in [(&going, to_going), (&pending, to_pending)] {
            let sim = of(generation, script);
            for expected in [refused, refused, 202, refused, refused] {
                let answer = post(&sim, CANCEL);
                assert_eq!(answer.status, expected, "{generation} {text}");
                if expected == 202 {
                    assert_eq!(answer.text, text, "{generation}");
                } else {
                    let error = answer.json()["error"].as_str().unwrap().to_owned();
                    assert!(error.ends_with("workflow is not cancelable"), "{generation} {error}");
                }
            }
        }
    }
}

#[test]
fn forbidden_and_missing_are_distinguished() {
    let sim = of("new", &deploy("one", GOING, "cancel = { forbidden = true }"));
    assert_eq!(post(&sim, CANCEL).status, 403);
    assert_eq!(post(&sim, "/v1/workflows/inw2/cancel").status, 404);
    assert_eq!(get(&sim, CANCEL).status, 404);
    assert_eq!(post(&sim, "/v1/workflows/inw1").status, 404);
    assert_eq!(ask(&sim, "GET", "/v1/installs/inlone/deploys/dplone", "").status, 200);
    for script in [deploy("one", GOING, ""), workflow(r#"{ status = "in-progress" }"#, "")] {
        assert_eq!(post(&of("old", &script), CANCEL).status, 404, "there were no workflows");
    }
}

#[test]
fn only_what_goes_on_can_be_cancelled() {
    let parked = r#"status = "in-progress", awaiting_retry = true"#;
    let cases = [
        (r#"status = "in-progress""#, "mid", 202),
        (r#"status = "approval-awaiting""#, "mid", 202),
        (r#"status = "in-progress", finished = true"#, "mid", 400),
        (r#"status = "success""#, "mid", 400),
        (r#"status = "success", finished = true"#, "new", 500),
        (r#"status = "error""#, "new", 500),
        (r#"status = "cancelled""#, "new", 500),
        (r#"status = "failed-pending-retry""#, "mid", 400),
        (r#"status = "failed-pending-retry""#, "new", 202),
        (parked, "new", 202),
    ];
    for (state, generation, expected) in cases {
        let sim = of(generation, &workflow(&format!("{{ {state} }}"), ""));
        assert_eq!(post(&sim, CANCEL).status, expected, "{generation} {state}");
    }
    for (status, expected) in [("queued", 202), ("active", 500), ("error", 500), ("cancelled", 500)] {
        let sim = of("new", &deploy("one", &format!("{{ status = \"{status}\" }}"), ""));
        assert_eq!(post(&sim, CANCEL).status, expected, "{status}");
    }
}

#[test]
fn a_cancelled_workflow_shows_after_so_many_answers() {
    for (knobs, answers) in [("", 1), ("cancel = { settles_after = 0 }", 0), ("cancel = { settles_after = 3 }", 3)] {
        for by_workflow in [false, true] {
            let sim = of("new", &deploy("one", GOING, knobs));
            assert_eq!(detail(&sim, "one")["status"], "executing");
            assert_eq!(post(&sim, CANCEL).status, 202);
            for at in 0..answers {
                match by_workflow {
                    true => assert_eq!(standing(&sim), ("in-progress".to_owned(), false), "{knobs} {at}"),
                    false => assert_eq!(detail(&sim, "one")["status"], "executing", "{knobs} {at}"),
                }
            }
            assert_eq!(standing(&sim), ("cancelled".to_owned(), true), "{knobs}");
            let detail = detail(&sim, "one");
            assert_eq!(
                (&detail["status"], &detail["status_description"]),
                (&"cancelled".into(), &"deploy cancelled".into())
            );
            assert_eq!(detail["status_v2"]["history"][0]["status"], "executing");
            let latest = get(&sim, "/v1/installs/inlone/components/cmpone/deploys/latest").json();
            assert_eq!(latest["status"], "cancelled");
        }
    }
}

#[test]
fn a_list_is_no_answer_about_a_deploy() {
    let sim = of("new", &deploy("one", GOING, ""));
    post(&sim, CANCEL);
    for _ in 0..3 {
        assert_eq!(get(&sim, "/v1/installs/inlone/components/cmpone/deploys").each("status"), ["executing"]);
    }
}

#[test]
fn what_settles_after_no_answer_has_settled_at_once() {
    let sim = of("new", &deploy("one", GOING, "cancel = { settles_after = 0 }"));
    post(&sim, CANCEL);
    assert_eq!(get(&sim, "/v1/installs/inlone/components/cmpone/deploys").each("status"), ["cancelled"]);
}

#[test]
fn what_has_ended_stays_and_what_has_not_begun_never_does() {
    let late = "[[component.deploy]]\nid = \"dpllate\"\nworkflow = \"inw1\"\nafter_polls = 4\nstatuses = [{ status = \"queued\" }]\n";
    let other = deploy("other", GOING, "").replace("inw1", "inw2");
    let steps = r#"steps = [{ name = "plan", status = "success", finished = true }, { name = "apply", status = "approval-awaiting", deploy = "dplone" }]"#;
    let states =
        format!(r#"{{ status = "in-progress", polls = 1, {steps} }}, {{ status = "success", finished = true }}"#);
    let script = deploy("done", r#"{ status = "active" }"#, "")
        + &deploy("one", GOING, late)
        + &deploy("failed", r#"{ status = "error", polls = 3 }, { status = "retried" }"#, "")
        + &other
        + &workflow(&states, "");
    let sim = of("new", &script);
    post(&sim, CANCEL);
    detail(&sim, "one");
    for _ in 0..9 {
        let statuses =
            ["done", "one", "failed", "other"].map(|id| detail(&sim, id)["status"].as_str().unwrap().to_owned());
        assert_eq!(statuses, ["active", "cancelled", "error", "executing"]);
    }
    assert_eq!(get(&sim, "/v1/installs/inlone/components/cmpone/deploys").each("id"), ["dplone"]);
    assert_eq!(get(&sim, "/v1/installs/inlone/deploys/dpllate").status, 404);
    assert_eq!(standing(&sim), ("cancelled".to_owned(), true));
    let steps = get(&sim, "/v1/workflows/inw1").json()["steps"].clone();
    assert_eq!(
        (&steps[0]["status"]["status"], &steps[1]["status"]["status"]),
        (&"success".into(), &"cancelled".into())
    );
}

#[test]
fn a_pending_workflow_is_cancelled_without_being_finished() {
    let sim = of("mid", &(deploy("one", r#"{ status = "queued" }"#, "") + &workflow(r#"{ status = "pending" }"#, "")));
    assert_eq!(post(&sim, CANCEL).text, "truetrue");
    assert_eq!(standing(&sim), ("pending".to_owned(), false));
    assert_eq!(standing(&sim), ("cancelled".to_owned(), false));
    assert_eq!(detail(&sim, "one")["status"], "cancelled");
}

#[test]
fn a_cancel_can_lose() {
    let going = r#"{ status = "executing", polls = 2 }, { status = "active" }"#;
    // Either because the script says so, or because the deploy ends before the cancel is visible.
    for knobs in ["cancel = { loses = true }", "cancel = { settles_after = 2 }"] {
        let sim = of("new", &deploy("one", going, knobs));
        assert_eq!(post(&sim, CANCEL).status, 202);
        let statuses: Vec<String> =
            (0..5).map(|_| detail(&sim, "one")["status"].as_str().unwrap().to_owned()).collect();
        assert_eq!(statuses, ["executing", "executing", "active", "active", "active"], "{knobs}");
        assert_eq!(standing(&sim), ("success".to_owned(), true), "{knobs}");
        assert_eq!(post(&sim, CANCEL).status, 500, "{knobs}");
    }
}

#[test]
fn what_a_scripted_workflow_says_about_cancelling_wins() {
    let scripted = workflow(r#"{ status = "in-progress" }"#, "cancel = { forbidden = true }");
    let sim = of("new", &(deploy("one", GOING, "cancel = { refuse = 1 }") + &scripted));
    assert_eq!(post(&sim, CANCEL).status, 403);
    let silent = workflow(r#"{ status = "in-progress" }"#, "");
    let sim = of("new", &(deploy("one", GOING, "cancel = { refuse = 1 }") + &silent));
    assert_eq!([post(&sim, CANCEL).status, post(&sim, CANCEL).status], [500, 202]);
}
