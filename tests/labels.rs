//! Fleets selected by labels.

use serde_json::{Value, json};

use crate::support::{Folder, Gate, Outcome, PASSING, access, serve};

const FAILING: &str = r#"{ status = "executing" }, { status = "error", error = "quota exceeded" }"#;

/// An install of this name with these labels, whose `api` goes through these statuses.
fn install(name: &str, labels: &str, statuses: &str) -> String {
    format!(
        "[[component]]\ninstall = \"inl{name}\"\ninstall_name = \"{name}\"\ninstall_labels = {{ {labels} }}\nid = \"cmpapi\"\n\
         name = \"api\"\n[[component.deploy]]\nid = \"dpl{name}\"\nstatuses = [{statuses}]\n"
    )
}

/// Three installs, one of which is not a production install.
fn fleet(last: &str) -> String {
    let prod = r#"env = "prod", ring = "all""#;
    access()
        + &install("one", prod, PASSING)
        + &install("test", r#"env = "test", ring = "all""#, FAILING)
        + &install("two", prod, last)
}

fn names(outcome: &Outcome) -> Vec<Value> {
    outcome.result()["targets"].as_array().unwrap().iter().map(|target| target["install"]["name"].clone()).collect()
}

#[test]
fn the_installs_with_all_labels_are_waited_for() {
    for generation in ["", "generation = \"mid\"\n"] {
        let sim = serve(&(generation.to_owned() + &fleet(PASSING)));
        let gate = |labels: &str| Gate::at(&sim.url(), "wait").args(["--install-label", labels, "-c", "api"]);
        let outcome = gate("env=prod,ring=all").json().exits(0);
        assert_eq!(names(&outcome), [json!("one"), json!("two")], "{generation:?}");
        // Only newer servers apply the filter, so the answer is always checked.
        let asked = sim.requests().into_iter().filter(|seen| seen.target.starts_with("/v1/installs?")).count();
        assert_eq!(asked, 1, "{generation:?}");
    }
}

#[test]
fn one_that_fails_fails_the_fleet() {
    let sim = serve(&fleet(FAILING));
    let outcome =
        Gate::at(&sim.url(), "wait").args(["--install-label", "env=prod", "--all-components"]).json().exits(1);
    assert_eq!(
        (outcome.result()["targets"][0]["verdict"].clone(), outcome.reason()),
        (json!("passed"), "two/api: quota exceeded".to_owned())
    );
}

#[test]
fn labels_without_a_match_never_pass() {
    let sim = serve(&fleet(PASSING));
    for command in ["wait", "status", "mark", "doctor"] {
        let gate = Gate::at(&sim.url(), command).args(["--install-label", "env=prod,ring=none", "-c", "api"]);
        let outcome = gate.run().exits(2);
        let said = outcome.stdout.clone() + &outcome.stderr;
        assert!(said.contains("no install has the labels env=prod,ring=none"), "{command}: {said}");
        assert!(said.contains("--install-label (NUON_GATE_INSTALL_LABEL)"), "{command}: {said}");
    }
}

#[test]
fn an_install_that_lacks_the_component_is_no_part_that_can_be_left_out() {
    let sim = serve(&(fleet(PASSING) + &install("three", "env = \"prod\"", PASSING).replace("\"api\"", "\"worker\"")));
    let outcome = Gate::at(&sim.url(), "wait").args(["--install-label", "env=prod", "-c", "api"]).json().exits(3);
    assert!(outcome.reason().contains("no component `api` in install `three`"), "{}", outcome.reason());
}

#[test]
fn what_is_marked_is_waited_for() {
    let sim = serve(&fleet(PASSING));
    let folder = Folder::new();
    let marks = folder.file("marks.json");
    let labelled = |command: &str| Gate::at(&sim.url(), command).args(["--install-label", "env=prod", "-c", "api"]);
    labelled("mark").args(["--file".as_ref(), marks.as_os_str()]).run().exits(0);
    let outcome = labelled("wait")
        .args(["--after".as_ref(), marks.as_os_str()])
        .args(["--start-timeout", "50ms"])
        .json()
        .exits(124);
    assert_eq!(names(&outcome), [json!("one"), json!("two")]);
}

#[test]
fn labels_that_are_none_are_refused() {
    let cases: &[(&[&str], &str)] = &[
        (&["--install-label", "env"], "a label is written KEY=VALUE"),
        (&["--install-label", "env:prod"], "a label is written KEY=VALUE"),
        (&["--install-label", "env="], "a label is written KEY=VALUE"),
        (&["--install-label", "env=${ENV}"], "is a placeholder that was not filled in"),
        (&["--install-label", "env=prod", "--install-label", "env=test"], "label `env` of --install-label"),
        (&["--install-label", "env=prod", "--install-label", ""], "one value of --install-label is empty"),
        (&["--install-label", "env=prod", "--install", "one"], "exclude each other"),
        (&["--install-label", ""], "no install for --component"),
    ];
    let sim = serve(&fleet(PASSING));
    for (words, said) in cases {
        let outcome = Gate::at(&sim.url(), "wait").args(["-c", "api"]).args(*words).run().exits(2);
        assert!(outcome.stderr.contains(said), "{words:?}: {}", outcome.stderr);
    }
    let outcome = Gate::at(&sim.url(), "wait").args(["--install-label", "env=prod", "-w", "inw1"]).run().exits(2);
    assert!(outcome.stderr.contains("no component"), "{}", outcome.stderr);
}

#[test]
fn an_install_that_the_nuon_cli_names_is_not_meant() {
    let sim = serve(&fleet(PASSING));
    let gate = |command: &str| Gate::at(&sim.url(), command).args(["-c", "api"]).env("NUON_INSTALL_ID", "inltest");
    for gate in [
        gate("wait").args(["--install-label", "env=prod"]),
        gate("wait").env("NUON_GATE_INSTALL_LABEL", "env=prod"),
        gate("wait").args(["--install-label", "env=prod"]).env("NUON_GATE_INSTALL", "inltest"),
    ] {
        assert_eq!(names(&gate.json().exits(0)), [json!("one"), json!("two")]);
    }
    let named =
        Gate::at(&sim.url(), "wait").args(["-c", "api", "-i", "one"]).env("NUON_GATE_INSTALL_LABEL", "env=test");
    assert_eq!(names(&named.json().exits(0)), [json!("one")]);
}
