//! Differences between servers of different years.

use crate::client::{get, serve};

const COMPONENT: &str = "[[component]]\ninstall = \"inlone\"\nid = \"cmpapi\"\n";
const LATEST: &str = "/v1/installs/inlone/components/cmpapi/deploys/latest";

#[test]
fn no_deploy_is_said_as_the_generation_does_unless_the_script_says_how() {
    let cases = [
        ("old", "", 404),
        ("mid1", "", 200),
        ("mid", "", 404),
        ("new", "", 404),
        ("today", "", 404),
        ("mid1", "no_deploy = \"not-found\"", 404),
        ("mid", "no_deploy = \"empty-object\"", 200),
    ];
    for (generation, knob, status) in cases {
        let sim = serve(&format!("generation = \"{generation}\"\n{COMPONENT}{knob}"));
        let answer = get(&sim, LATEST);
        assert_eq!(answer.status, status, "{generation} {knob}");
        assert_eq!(answer.json().get("error").is_some(), status == 404, "{generation} {knob}");
        assert_eq!(get(&sim, &LATEST.replace("cmpapi", "cmpother")).status, 404, "{generation} {knob}");
    }
}

#[test]
fn a_failure_is_reported_where_the_generation_reports_it() {
    let places = [
        ("old", "/runner_job/executions/0/result/error_metadata/message"),
        ("mid1", "/status_v2/history/0/status_human_description"),
        ("mid", "/status_v2/history/0/status_human_description"),
        ("new", "/composite_error/message"),
    ];
    let failing = "[[component.deploy]]\nid = \"dpl1\"\nstatuses = [{ status = \"error\", description = \"unable to deploy\", error = \"no space\" }]";
    for (generation, place) in places {
        let sim = serve(&format!("generation = \"{generation}\"\n{COMPONENT}{failing}"));
        let detail = get(&sim, "/v1/installs/inlone/deploys/dpl1").json();
        for (_, other) in places {
            let expected = (other == place).then_some("no space");
            assert_eq!(detail.pointer(other).and_then(|text| text.as_str()), expected, "{generation} {other}");
        }
    }
}
