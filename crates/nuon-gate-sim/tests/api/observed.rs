//! Observations of components after they were applied.

use nuon_gate_sim::{Script, Sim};
use serde_json::{Value, json};

use crate::client::{get, serve};

const COMPONENT: &str = "/v1/installs/inlone/components/cmpapi";
const RESOURCES: &str = "/v1/installs/inlone/resources?install_component_id=incapi";

/// A component with these observations, and one deploy that is active at its second answer.
fn observed(generation: &str, observed: &str) -> String {
    format!(
        "generation = \"{generation}\"\n[[component]]\ninstall = \"inlone\"\nid = \"cmpapi\"\nname = \"api\"\n\
         install_component = \"incapi\"\n{observed}\n[[component.deploy]]\nid = \"dpl1\"\n\
         statuses = [{{ status = \"executing\" }}, {{ status = \"active\" }}]\n"
    )
}

/// A simulator whose deploy is active.
fn applied(script: &str) -> Sim {
    let sim = serve(script);
    get(&sim, "/v1/installs/inlone/deploys/dpl1");
    get(&sim, "/v1/installs/inlone/deploys/dpl1");
    sim
}

fn health(sim: &Sim) -> Value {
    get(sim, COMPONENT).json()["health_status_v2"].clone()
}

#[test]
fn observations_follow_each_other_and_the_word_says_since_when_it_is_the_same() {
    let observations = r#"observed = [
        { health = "progressing" },
        { health = "degraded", message = "2 of 3" },
        { health = "degraded", kind = "Pod", name = "api-1", message = "1 of 3" },
        { health = "healthy" },
    ]"#;
    let sim = applied(&observed("new", observations));
    // Only answers about its resources count.
    assert_eq!(health(&sim)["status"], "progressing");
    let mut seen = Vec::new();
    let mut since = Vec::new();
    for _ in 0..5 {
        let (verdict, rows) = (health(&sim), get(&sim, RESOURCES).json());
        let [row] = rows.as_array().unwrap().as_slice() else { panic!("{rows}") };
        assert_eq!((&row["install_component_id"], &row["install_id"]), (&json!("incapi"), &json!("inlone")));
        assert_eq!(verdict["status"], row["health"]);
        seen.push(["kind", "name", "health", "message"].map(|member| row[member].as_str().unwrap().to_owned()));
        since.push(verdict["created_at_ts"].as_i64().unwrap());
    }
    let expected = [
        ["Deployment", "api", "progressing", ""],
        ["Deployment", "api", "degraded", "2 of 3"],
        ["Pod", "api-1", "degraded", "1 of 3"],
        ["Deployment", "api", "healthy", ""],
        ["Deployment", "api", "healthy", ""],
    ];
    assert_eq!(seen, expected);
    assert_eq!((since[1], since[3]), (since[2], since[4]));
}

#[test]
fn nothing_is_observed_before_it_is_applied_or_of_others() {
    let sim = serve(&observed("new", "observed = [{}]"));
    assert_eq!((get(&sim, RESOURCES).json(), health(&sim)), (json!([]), Value::Null));
    let sim = applied(&observed("new", "observed = [{}]"));
    assert_eq!(get(&sim, "/v1/installs/inlone/resources?install_component_id=incother").json(), json!([]));
    assert_eq!(get(&sim, "/v1/installs/inlone/resources").json().as_array().unwrap().len(), 1);
    assert_eq!(get(&sim, "/v1/installs/inltwo/resources").status, 404);
}

#[test]
fn an_organisation_without_component_health_is_refused() {
    let sim = applied(&observed("new", ""));
    let refused = get(&sim, RESOURCES);
    assert_eq!((refused.status, health(&sim)), (403, Value::Null));
    let error = refused.json()["error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("component health is not enabled for org "), "{error}");
    for generation in ["mid", "mid1", "old"] {
        let sim = applied(&observed(generation, "observed = [{}]"));
        assert_eq!((get(&sim, RESOURCES).status, health(&sim)), (404, Value::Null), "{generation}");
    }
}

#[test]
fn a_deploy_can_have_ended_before_the_first_request() {
    let ended = |more: &str| {
        let script = observed("new", &format!("observed = [{{ {more} }}]")).replace("{ status = \"executing\" }, ", "");
        let sim = serve(&format!("began = \"3h\"\n{script}"));
        let deploy = get(&sim, "/v1/installs/inlone/deploys/dpl1").json();
        let observed: jiff::Timestamp =
            get(&sim, RESOURCES).json()[0]["observed_at"].as_str().unwrap().parse().unwrap();
        assert_eq!(deploy["status"], "active");
        observed.as_second() - deploy["status_v2"]["created_at_ts"].as_i64().unwrap()
    };
    let hour = 3_600;
    assert!((3 * hour - 60..3 * hour + 60).contains(&ended("")));
    assert!((2 * hour - 60..2 * hour + 60).contains(&ended("stale = true")));
}

#[test]
fn an_observation_can_be_stale_or_by_a_clock_that_is_ahead() {
    let at = |more: &str| {
        let sim = applied(&observed("new", &format!("observed = [{{ {more} }}]")));
        let ended =
            get(&sim, "/v1/installs/inlone/deploys/dpl1").json()["status_v2"]["created_at_ts"].as_i64().unwrap();
        let observed: jiff::Timestamp =
            get(&sim, RESOURCES).json()[0]["observed_at"].as_str().unwrap().parse().unwrap();
        observed.as_second() - ended
    };
    assert!(at("stale = true") <= -3600);
    assert!((0..60).contains(&at("")));
    assert!((120..180).contains(&at("ahead = \"2m\"")));
    for wrong in ["health = 1", "for = \"soon\"", "healthy = true"] {
        assert!(observed("new", &format!("observed = [{{ {wrong} }}]")).parse::<Script>().is_err(), "{wrong}");
    }
}
