//! Ids that the script leaves out.

use std::collections::BTreeSet;

use crate::client::{get, serve};

/// A component in an install.
fn component(install: &str, id: &str, name: &str) -> String {
    let deploy = "[[component.deploy]]\nstatuses = [{ status = \"executing\" }]\n";
    format!("[[component]]\ninstall = \"{install}\"\nid = \"{id}\"\nname = \"{name}\"\n{deploy}{deploy}")
}

#[test]
fn deploys_workflows_and_log_streams_are_distinguished() {
    let long = "a-name-that-is-longer-than-an-id";
    let places =
        [("inlone", "cmpapi", "api"), ("inltwo", "cmpapi", "api"), ("inlone", "cmp1", long), ("inltwo", "cmp2", long)];
    let sim = serve(&places.map(|(install, id, name)| component(install, id, name)).concat());
    let mut ids = BTreeSet::new();
    for (install, component, _) in places {
        let rows = get(&sim, &format!("/v1/installs/{install}/components/{component}/deploys?limit=100"));
        for (deploy, workflow) in rows.each("id").into_iter().zip(rows.each("workflow_id")) {
            let detail = get(&sim, &format!("/v1/installs/{install}/deploys/{deploy}")).json();
            assert_eq!((detail["id"].as_str(), detail["component_id"].as_str()), (Some(&*deploy), Some(component)));
            let stream = detail["log_stream"]["id"].as_str().unwrap().to_owned();
            let scripted = get(&sim, &format!("/v1/workflows/{workflow}")).json();
            assert_eq!(scripted["steps"][2]["step_target_id"], *deploy);
            for id in [deploy, workflow, stream] {
                assert_eq!(id.len(), 26, "{id}");
                assert!(ids.insert(id.clone()), "{id} is used twice");
            }
        }
    }
    assert_eq!(ids.len(), 3 * 2 * places.len());
}
