//! Long polls, and the place in the queue.

use std::time::{Duration, Instant};

use nuon_gate_sim::Sim;
use serde_json::{Value, json};

use crate::client::{Answer, get, serve};

/// A workflow whose one step goes through these statuses, 300 ms each.
fn stepping(head: &str, statuses: &[&str]) -> Sim {
    let state = |status: &&str| {
        format!(
            "{{ status = \"in-progress\", for = \"300ms\", steps = [{{ id = \"iws1\", name = \"apply\", status = \"{status}\" }}] }}"
        )
    };
    let states: Vec<String> = statuses.iter().map(state).collect();
    serve(&format!("{head}\n[[workflow]]\nid = \"inw1\"\nstates = [{}]\n", states.join(", ")))
}

fn awaited(sim: &Sim) -> Answer {
    get(sim, "/v1/workflows/inw1/steps/iws1/await")
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long an answer is held is what is tested")]
fn a_step_is_answered_when_it_ends() {
    let sim = stepping("", &["in-progress", "success"]);
    get(&sim, "/v1/workflows/inw1");
    let asked = Instant::now();
    let answer = awaited(&sim);
    let (status, step) = (answer.status, answer.json());
    assert_eq!((status, &step["id"], &step["status"]["status"]), (200, &json!("iws1"), &json!("success")));
    assert!(asked.elapsed() >= Duration::from_millis(150), "{:?}", asked.elapsed());
    assert_eq!(awaited(&sim).status, 200, "what has ended is answered at once");
}

#[test]
fn a_step_that_goes_on_is_to_be_asked_for_again() {
    let sim = stepping("[long_poll]\nstep_limit = \"50ms\"\n", &["in-progress"]);
    let answer = awaited(&sim);
    assert_eq!(answer.status, 408);
    assert_eq!(answer.json(), json!({"error": "timeout waiting for workflow step completion"}));
    assert_eq!(sim.requests().len(), 1, "a request that is held is one request");
}

#[test]
fn what_has_not_begun_or_failed_are_distinguished() {
    for (status, code) in [("pending", 404), ("error", 500), ("cancelled", 500), ("auto-skipped", 200)] {
        assert_eq!(awaited(&stepping("", &[status])).status, code, "{status}");
    }
    assert_eq!(awaited(&stepping("", &["in-progress", "error"])).status, 500);
    let sim = stepping("", &["success"]);
    assert_eq!(get(&sim, "/v1/workflows/inw1/steps/iws2/await").status, 404);
    assert_eq!(get(&sim, "/v1/workflows/inw2/steps/iws1/await").status, 404);
}

#[test]
fn a_server_can_lack_it_or_answer_with_errors_alone() {
    let knobs = [
        ("generation = \"mid\"", 404),
        ("[long_poll]\nstep = \"off\"", 404),
        ("[long_poll]\nstep = \"broken\"", 500),
        ("[[fault]]\non = \"await\"\nanswer = \"status\"\ncode = 504\nbody = \"html\"", 504),
    ];
    for (head, code) in knobs {
        assert_eq!(awaited(&stepping(head, &["success"])).status, code, "{head}");
    }
}

#[test]
fn the_steps_of_a_deploy_can_be_awaited() {
    let sim = serve(
        "[[component]]\ninstall = \"inlone\"\nid = \"cmpapi\"\n[[component.deploy]]\nworkflow = \"inw1\"\n\
         statuses = [{ status = \"queued\", for = \"100ms\" }, { status = \"executing\", for = \"200ms\" }, { status = \"active\" }]\n",
    );
    let step = get(&sim, "/v1/workflows/inw1").json()["steps"][2]["id"].as_str().unwrap().to_owned();
    let target = format!("/v1/workflows/inw1/steps/{step}/await");
    assert_eq!(get(&sim, &target).status, 404);
    std::thread::sleep(Duration::from_millis(100));
    let answer = get(&sim, &target);
    assert_eq!((answer.status, &answer.json()["finished"]), (200, &json!(true)));
}

/// A deploy with these lines in its log.
fn logged(head: &str, more: &str) -> Sim {
    serve(&format!(
        "{head}\n[[component]]\ninstall = \"inlone\"\nid = \"cmpapi\"\n\
         [[component.deploy]]\nid = \"dpl1\"\nstatuses = [{{ status = \"executing\" }}]\n{more}\n"
    ))
}

fn tail(sim: &Sim, query: &str) -> Answer {
    get(sim, &format!("/v1/log-streams/log10000000000000000000000/logs/tail?{query}"))
}

fn texts(body: &Value) -> Vec<&str> {
    body["logs"].as_array().unwrap().iter().map(|record| record["body"].as_str().unwrap()).collect()
}

#[test]
fn a_log_is_followed_from_page_to_page() {
    let sim = logged("", "filler_logs = 150");
    let first = tail(&sim, "wait=30s").json();
    assert_eq!((texts(&first).len(), &first["has_more"]), (100, &json!(true)));
    let last = &first["logs"][99];
    let cursor = first["next"].as_str().unwrap().to_owned();
    let at: jiff::Timestamp = last["timestamp"].as_str().unwrap().parse().unwrap();
    assert_eq!(cursor, format!("{}:{}", at.as_nanosecond(), last["id"].as_str().unwrap()));
    let second = tail(&sim, &format!("since={cursor}&wait=30s")).json();
    assert_eq!((texts(&second).len(), texts(&second)[0], &second["has_more"]), (50, "line 101", &json!(false)));
    let cursor = second["next"].as_str().unwrap();
    let none = tail(&sim, &format!("since={cursor}&wait=50ms")).json();
    assert_eq!(none, json!({"logs": [], "next": "", "has_more": false}));
}

#[test]
fn the_end_of_a_log_is_answered_when_something_is_logged() {
    let sim = logged("", "logs = [{ text = \"now\" }, { text = \"later\", after = \"300ms\" }]");
    let first = tail(&sim, "").json();
    assert_eq!(texts(&first), ["now"]);
    let cursor = first["next"].as_str().unwrap();
    assert_eq!(texts(&tail(&sim, &format!("since={cursor}")).json()), [""; 0], "who does not wait is answered at once");
    assert_eq!(texts(&tail(&sim, &format!("since={cursor}&wait=5s")).json()), ["later"]);
}

#[test]
fn what_is_no_cursor_is_refused_and_what_is_off_has_no_body() {
    let sim = logged("", "");
    for query in ["since=yesterday", "since=12", "since=12:", "since=x:otl1", "wait=long"] {
        assert_eq!(tail(&sim, query).status, 400, "{query}");
    }
    assert_eq!(get(&sim, "/v1/log-streams/lognone/logs/tail").status, 404);
    let off = tail(&logged("[long_poll]\ntail = false", ""), "");
    assert_eq!((off.status, off.text.as_str()), (404, ""));
    let older = tail(&logged("generation = \"mid\"", ""), "");
    assert_eq!((older.status, older.text.as_str()), (404, "404 page not found"));
}

fn position(sim: &Sim, id: &str) -> Value {
    get(sim, &format!("/v1/workflows/{id}/queue-position")).json()
}

#[test]
fn a_queue_has_a_place_for_who_waits() {
    let sim = serve(
        "[[component]]\ninstall = \"inlone\"\nid = \"cmpapi\"\n[[component.deploy]]\nid = \"dpl1\"\nworkflow = \"inw1\"\n\
         statuses = [{ status = \"queued\", ahead = 2 }, { status = \"queued\", ahead = 0 }, { status = \"executing\" }]\n\
         [[workflow]]\nid = \"inw2\"\nstates = [{ status = \"pending\", ahead = 30 }, { status = \"in-progress\" }]\n",
    );
    let first = position(&sim, "inw1");
    assert_eq!((&first["position"], &first["queue_depth"]), (&json!(3), &json!(3)));
    let ahead = first["signals_ahead"].as_array().unwrap();
    let words: Vec<_> = ahead.iter().map(|signal| signal["status"].as_str().unwrap()).collect();
    assert_eq!(words, ["in-progress", "queued"]);
    assert!(ahead.iter().all(|signal| signal["workflow_id"].is_string() && signal["workflow_type"].is_string()));
    assert!(ahead[0]["created_at"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
    assert_eq!(get(&sim, "/v1/workflows/inw1").json()["status"]["status"], "pending");
    for expected in [1, 0] {
        get(&sim, "/v1/installs/inlone/deploys/dpl1");
        assert_eq!(position(&sim, "inw1")["position"], expected);
    }
    assert_eq!(get(&sim, "/v1/workflows/inw1").json()["status"]["status"], "in-progress");

    let scripted = position(&sim, "inw2");
    assert_eq!((&scripted["position"], scripted["signals_ahead"].as_array().unwrap().len()), (&json!(31), 20));
    for _ in 0..2 {
        get(&sim, "/v1/workflows/inw2");
    }
    assert_eq!(position(&sim, "inw2"), json!({"position": 0}));
    assert_eq!(position(&sim, "inwnone"), json!({"position": 0}));
    let older =
        serve("generation = \"mid\"\n[[workflow]]\nid = \"inw2\"\nstates = [{ status = \"pending\", ahead = 1 }]\n");
    assert_eq!(get(&older, "/v1/workflows/inw2/queue-position").status, 404);
}
