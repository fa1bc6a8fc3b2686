//! What goes wrong with each kind of request.

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

#[test]
fn the_second_of_each_kind_is_struck() {
    let stream = "/v1/log-streams/log10000000000000000000000/logs";
    let cases = [
        ("installs", "/v1/installs", [200, 418, 200]),
        ("components", "/v1/installs/inlone/components", [200, 418, 200]),
        ("logs", stream, [200, 418, 200]),
        // A cancelling that is struck has no effect: the next one is the second that arrives.
        ("cancel", "/v1/workflows/inw1/cancel", [500, 418, 202]),
    ];
    for (on, target, expected) in cases {
        for component in ["", "component = \"cmpapi\""] {
            let fault = format!("[[fault]]\non = \"{on}\"\n{component}\nnth = [2]\nanswer = \"status\"\ncode = 418\n");
            let sim = serve(&(SCRIPT.to_owned() + &fault));
            let other = get(&sim, "/v1/installs/inlone/components/cmpapi").status;
            assert_eq!(other, 200, "{on}");
            let ask = || if on == "cancel" { post(&sim, target) } else { get(&sim, target) };
            let statuses = [ask().status, ask().status, ask().status];
            // Lists of installs and components, and workflows, are not about one component.
            let struck = component.is_empty() || on == "logs";
            let without = [expected[0], expected[2], expected[2]];
            let without = if on == "cancel" { [500, 202, 500] } else { without };
            assert_eq!(statuses, if struck { expected } else { without }, "{on} {component}");
        }
    }
}
