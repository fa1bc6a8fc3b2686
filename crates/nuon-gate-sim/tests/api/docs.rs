//! The scripts in the documentation.

use nuon_gate_sim::Script;

#[test]
fn the_scripts_in_the_documentation_can_be_served() {
    let text = include_str!("../../../../docs/sim.md");
    let scripts: Vec<&str> = text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(scripts.len() > 3);
    for script in scripts {
        script.parse::<Script>().unwrap_or_else(|error| panic!("{error}\n{script}"));
    }
}
