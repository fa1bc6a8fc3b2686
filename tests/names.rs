//! Installs and components by name, and many targets at once.

use serde_json::{Value, json};

use crate::support::{API, ENDLESS, Folder, Gate, INSTALL, Outcome, PASSING, WORKER, access, component, serve};

const FAILING: &str = r#"{ status = "executing" }, { status = "error", error = "quota exceeded" }"#;

/// The install `acme` with `api` and `worker`, whose deploys go through these statuses.
fn acme(api: &str, worker: &str) -> String {
    let named = |id: &str, name: &str, statuses: &str| {
        component(id, statuses).replace(&format!("id = \"{id}\""), &format!("id = \"{id}\"\nname = \"{name}\""))
    };
    access() + &named(API, "api", api) + &named(WORKER, "worker", worker)
}

fn components(outcome: &Outcome) -> Vec<Value> {
    outcome.result()["targets"].as_array().unwrap().iter().map(|target| target["component"]["id"].clone()).collect()
}

#[test]
fn names_are_resolved_once_and_shown() {
    let sim = serve(&acme(PASSING, PASSING));
    let outcome = Gate::at(&sim.url(), "wait").args(["--install", "acme", "--component", "api,worker"]).json().exits(0);
    assert_eq!(components(&outcome), [API, WORKER]);
    let target = outcome.result()["targets"][0].clone();
    assert_eq!(target["install"], json!({"id": INSTALL, "name": "acme"}));
    assert_eq!(target["component"]["name"], "api");
    let asked = |path: &str| sim.requests().into_iter().filter(|seen| seen.target.starts_with(path)).count();
    assert_eq!((asked("/v1/installs/acme"), asked("/v1/installs?limit=100&q=acme")), (1, 1));
    assert_eq!(asked(&format!("/v1/installs/{INSTALL}/components?")), 1);
}

#[test]
fn names_are_shown_to_people_though_ids_were_given() {
    let sim = serve(&acme(FAILING, PASSING));
    let folder = Folder::new();
    let page = folder.file("page.md");
    let gate = Gate::at(&sim.url(), "wait").args(["--install", INSTALL, "--component", API, "--component", WORKER]);
    let outcome = gate.args(["--report", &format!("markdown={}", page.display())]).json().exits(1);
    let named = |id: &str, name: &str| json!({"id": id, "name": name});
    for (number, (id, name)) in [(API, "api"), (WORKER, "worker")].into_iter().enumerate() {
        let target = outcome.result()["targets"][number].clone();
        assert_eq!((&target["component"], &target["install"]), (&named(id, name), &named(INSTALL, "acme")));
    }
    assert_eq!(outcome.reason(), "api: quota exceeded");
    assert!(std::fs::read_to_string(page).unwrap().contains("api in acme"));
    let components = format!("/v1/installs/{INSTALL}/components?");
    let asked = |path: &str| sim.requests().into_iter().filter(|seen| seen.target.starts_with(path)).count();
    assert_eq!(asked(&components), 1, "the names of both are read at once");
}

#[test]
fn names_are_shown_in_the_log_of_every_ci_system() {
    let sim = serve(&acme(FAILING, PASSING));
    for (variable, value, is_read) in [
        ("GITLAB_CI", "true", true),
        ("CI", "true", true),
        ("CI", "1", true),
        ("BUILD_URL", "https://ci.example/job/a/1/", true),
        ("CI", "false", false),
        ("CIRCLE_BUILD_URL", "https://circleci.com/gh/acme/api/7", true),
    ] {
        let gate = Gate::at(&sim.url(), "wait").args(["--install", INSTALL, "--component", API]).env(variable, value);
        let shown = gate.run().exits(1).stderr;
        assert_eq!(shown.contains("  api  ❌ failed"), is_read, "{variable}={value}: {shown}");
    }
}

#[test]
fn names_are_read_once_whoever_wants_them_and_shown_as_soon_as_they_are_known() {
    let failing = r#"{ status = "executing", polls = 300 }, { status = "error", error = "quota exceeded" }"#;
    let sim = serve(&acme(failing, PASSING));
    let folder = Folder::new();
    let gate = Gate::at(&sim.url(), "wait").args(["--install", INSTALL, "--component", API]);
    let gate = gate.args(["--min-interval", "1ms", "--max-interval", "2ms", "--max-rps", "1000"]);
    let gate = gate.args(["--report", &format!("markdown={}", folder.file("page.md").display())]);
    let outcome = gate.env("NUON_GATE_TEAMS_WEBHOOK_URL", sim.teams_webhook_url()).run().exits(1);
    outcome.says("  api  ❌ failed: quota exceeded");
    let asked = |path: &str| sim.requests().into_iter().filter(|seen| seen.target == path).count();
    assert_eq!(asked(&format!("/v1/installs/{INSTALL}")), 1);
    assert_eq!(asked(&format!("/v1/installs/{INSTALL}/components/{API}")), 1);
}

#[test]
fn the_first_line_has_names_and_so_has_a_target_that_is_rejected() {
    let script = acme(FAILING, PASSING);
    let folder = Folder::new();
    let wait = |script: &str| {
        let sim = serve(script);
        let gate = Gate::at(&sim.url(), "wait").args(["--install", INSTALL, "--component", API]);
        let gate = gate.args(["--report", &format!("markdown={}", folder.file("page.md").display())]);
        (gate, sim)
    };
    let (gate, _sim) = wait(&script);
    let outcome = gate.run().exits(1);
    let shown: Vec<&str> = outcome.stderr.lines().filter(|line| line.starts_with("  0:0")).collect();
    assert!(shown.len() > 1 && shown.iter().all(|line| line.contains("  api  ")), "{}", outcome.stderr);
    assert!(shown[0].contains("found deploy"), "{shown:?}");
    let (gate, _sim) = wait(&script);
    let outcome = gate.args(["--deploy", "dplnone"]).json().exits(3);
    assert_eq!(outcome.target()["component"]["name"], "api");
    outcome.says("  api  ❌ rejected");
    // A name that could not be read is asked for again.
    for fault in ["answer = \"status\"\ncode = 500\n", "answer = \"reset\"\n"] {
        let (gate, _sim) = wait(&(script.clone() + "[[fault]]\non = \"component\"\nnth = [1]\n" + fault));
        assert_eq!(gate.json().exits(1).target()["component"]["name"], "api", "{fault}");
    }
    // So is one whose first attempts take longer than the wait.
    let (gate, _sim) =
        wait(&(script.clone() + "[[fault]]\non = \"component\"\nnth = [1, 2, 3]\nanswer = \"status\"\ncode = 500\n"));
    assert_eq!(gate.json().exits(1).target()["component"]["name"], "api");
    // If the API does not answer about names, neither lines nor the verdict are delayed for long.
    let (gate, _sim) = wait(&(script + "[[fault]]\non = \"component\"\nanswer = \"hang\"\n"));
    let outcome = gate.json().exits(1);
    assert!(outcome.result()["elapsed_ms"].as_u64() < Some(5000));
    outcome.says(&format!("  {API}  found deploy"));
}

#[test]
fn near_misses_are_named() {
    let sim = serve(&acme(PASSING, PASSING));
    let cases = [
        ("acme", "ap", "no component `ap` in install `acme`; did you mean `api`?"),
        ("amce", "api", "no install `amce` in this organisation; did you mean `acme`?"),
        ("acme", "zebra", "no component `zebra` in install `acme`; there is `api`, `worker`"),
    ];
    for (install, component, reason) in cases {
        let gate = Gate::at(&sim.url(), "wait").args(["--install", install, "--component", component]);
        let outcome = gate.json().exits(3);
        assert!(outcome.reason().ends_with(reason), "{}", outcome.reason());
        let target = outcome.target();
        assert_eq!((&target["verdict"], &target["component"]["id"]), (&json!("rejected"), &json!(component)));
    }
}

#[test]
fn near_misses_that_look_the_same_say_what_differs() {
    let cases = [
        ("api", "api\\u200B", "no component `api` in install `acme`; did you mean `api` (with U+200B)?"),
        ("api", " api", "no component `api` in install `acme`; did you mean `api` (with U+0020)?"),
        ("api", "\\u0430pi", "no component `api` in install `acme`; did you mean `\u{430}pi` (with U+0430)?"),
        ("\u{430}pi", "api", "no component `\u{430}pi` (with U+0430) in install `acme`; did you mean `api`?"),
        ("caf\u{e9}", "cafe\\u0301", "did you mean `cafe\u{301}` (with U+0301)?"),
    ];
    for (given, name, reason) in cases {
        let script = access()
            + &component(API, PASSING)
                .replace("[[component.deploy]]", &format!("name = \"{name}\"\n[[component.deploy]]"));
        let sim = serve(&script);
        let outcome = Gate::at(&sim.url(), "wait").args(["--install", "acme", "--component", given]).json().exits(3);
        assert!(outcome.reason().ends_with(reason), "{}", outcome.reason());
    }
}

#[test]
fn near_misses_are_on_any_page() {
    let install = |number: u32| component(API, PASSING).replace(INSTALL, &format!("inl{number:023}"));
    let others = (0..110).fold(access(), |script, at| script + &install(at).replace("acme", &format!("a{at}")));
    let sim = serve(&(others + &acme(PASSING, PASSING).replace(&access(), "").replace("acme", "zenith")));
    let outcome = Gate::at(&sim.url(), "wait").args(["--install", "zenit", "-c", "api"]).json().exits(3);
    assert!(outcome.reason().ends_with("did you mean `zenith`?"), "{}", outcome.reason());
}

#[test]
fn a_name_of_two_components_is_refused_with_both_ids() {
    let script = acme(PASSING, PASSING).replace("name = \"worker\"", "name = \"api\"");
    let sim = serve(&script);
    for command in ["wait", "status", "mark", "doctor"] {
        let outcome = Gate::at(&sim.url(), command).args(["--install", "acme", "--component", "api"]).run().exits(2);
        let said = outcome.stdout.clone() + &outcome.stderr;
        let words = ["two components are named `api`", API, WORKER, "--component (NUON_GATE_COMPONENT"];
        assert!(words.iter().all(|word| said.contains(word)), "{command}: {said}");
    }
}

#[test]
fn a_name_of_two_installs_is_refused_with_both_ids() {
    const OTHER: &str = "inlother000000000000000011";
    let other = acme(PASSING, PASSING).replace(&access(), "").replace(INSTALL, OTHER);
    for generation in ["", "generation = \"mid\"\n", "generation = \"old\"\n"] {
        let sim = serve(&(generation.to_owned() + &acme(PASSING, PASSING) + &other));
        for command in ["wait", "status", "mark", "doctor"] {
            let outcome =
                Gate::at(&sim.url(), command).args(["--install", "acme", "--component", "api"]).run().exits(2);
            let said = outcome.stdout.clone() + &outcome.stderr;
            let words = ["two installs are named `acme`", INSTALL, OTHER, "--install (NUON_GATE_INSTALL"];
            assert!(words.iter().all(|word| said.contains(word)), "{command}: {said}");
            Gate::at(&sim.url(), command).args(["--install", OTHER, "--component", "api"]).run().exits(0);
        }
    }
}

#[test]
fn an_unknown_name_among_others_ends_the_run() {
    let sim = serve(&acme(ENDLESS, ENDLESS));
    let gate = Gate::at(&sim.url(), "wait").args(["--install", "acme", "--component", "api,wroker"]);
    let outcome = gate.json().exits(3);
    let verdicts: Vec<Value> =
        outcome.result()["targets"].as_array().unwrap().iter().map(|target| target["verdict"].clone()).collect();
    assert_eq!(verdicts, ["pending", "rejected"]);
    assert!(outcome.reason().contains("did you mean `worker`?"), "{}", outcome.reason());
}

#[test]
fn all_components_of_an_install_are_targets() {
    let sim = serve(&acme(PASSING, FAILING));
    let all = || Gate::at(&sim.url(), "wait").args(["--install", "acme", "--all-components"]);
    assert_eq!(components(&all().json().exits(1)), [API, WORKER]);
    all().args(["--require", "3"]).run().refused().says("3 targets are required to pass, but there are only 2");
    all().args(["--component", "api"]).run().refused().says("exclude each other");
    all().env("NUON_COMPONENT_ID", API).json().exits(1);
    let by_variables = Gate::at(&sim.url(), "wait").env("NUON_INSTALL_ID", INSTALL).env("NUON_COMPONENT_ID", API);
    let by_variables = by_variables.env("NUON_GATE_ALL_COMPONENTS", "true");
    assert_eq!(components(&by_variables.json().exits(1)), [API, WORKER], "ours beats the Nuon CLI's");
}

#[test]
fn an_install_without_components_is_no_part_that_can_be_left_out() {
    let other = acme(PASSING, PASSING).replace(&access(), "").replace(INSTALL, "inlother000000000000000011");
    let fleet = acme(PASSING, PASSING) + &other.replace("acme", "other");
    let script = fleet + "[[fault]]\non = \"components\"\nnth = [2]\nanswer = \"array\"\n";
    for command in ["wait", "status", "mark", "doctor"] {
        let sim = serve(&script);
        let gate = Gate::at(&sim.url(), command).args(["--install", "acme", "--install", "other", "--all-components"]);
        let outcome = gate.run().exits(2);
        let said = outcome.stdout.clone() + &outcome.stderr;
        let words = ["install `other` has no components", "--install (NUON_GATE_INSTALL", "--install-label"];
        assert!(words.iter().all(|word| said.contains(word)), "{command}: {said}");
    }
}

#[test]
fn many_components_come_in_several_pages() {
    let many: String =
        (0..120).fold(access(), |script, number| script + &component(&format!("cmp{number:023}"), PASSING));
    let sim = serve(&many);
    let outcome = Gate::at(&sim.url(), "wait")
        .args(["--install", "acme", "--all-components", "--max-rps", "1000"])
        .json()
        .exits(0);
    assert_eq!(components(&outcome).len(), 120);
}

#[test]
fn an_install_that_does_not_exist_has_no_components() {
    let elsewhere = component(API, PASSING).replace(INSTALL, "inlother000000000000000000").replace("acme", "other");
    let sim = serve(&(access() + &elsewhere));
    let gate = Gate::at(&sim.url(), "wait").args(["--install", INSTALL, "--all-components"]);
    gate.json().exits(3);
}

#[test]
fn targets_come_from_a_file() {
    let sim = serve(&acme(PASSING, PASSING));
    let folder = Folder::new();
    let file = folder.write("targets", format!("# both\nacme/api\n\n{INSTALL}/worker # by its id\nacme/api\n"));
    let from = |path: &std::path::Path| Gate::at(&sim.url(), "wait").args(["--targets-file"]).args([path]);
    let outcome = from(&file).env("NUON_INSTALL_ID", "inlinjected").json().exits(0);
    assert_eq!(components(&outcome), [API, WORKER]);
    from(&folder.write("empty", "# none\n")).run().refused().says("there are no targets in");
    from(&folder.write("wrong", "acme/api\nacme\n")).run().refused().says("line 2: a target is written");
    from(&folder.file("missing")).run().refused();
}

#[test]
fn marks_are_taken_by_name_too() {
    let sim = serve(&acme(r#"{ status = "active" }"#, r#"{ status = "active" }"#));
    let folder = Folder::new();
    let file = folder.file("marks.json");
    let acme = |command| Gate::at(&sim.url(), command).args(["--install", "acme"]);
    acme("mark").args(["--component", "api", "--file"]).args([&file]).run().exits(0);
    let after =
        |component| acme("wait").args(["--component", component, "--start-timeout", "50ms", "--after"]).args([&file]);
    after("api").json().exits(124);
    after("worker").run().refused().says("the mark does not mention acme/worker");
}

/// A workflow that deploys `api` at once and `worker` later.
fn deploying(api: &str, worker: &str, ends: &str) -> String {
    let of_workflow = |id: &str, name: &str, deploy: &str, statuses: &str| {
        format!(
            "[[component]]\ninstall = \"{INSTALL}\"\ninstall_name = \"acme\"\nid = \"{id}\"\nname = \"{name}\"\n\
             [[component.deploy]]\nid = \"{deploy}\"\nworkflow = \"inwone\"\nstatuses = [{statuses}]\n"
        )
    };
    let step = |deploy: &str, status: &str| {
        format!(r#"{{ name = "deploy {deploy}", status = "{status}", deploy = "{deploy}" }}"#)
    };
    let state = |status: &str, steps: &[String]| {
        format!(r#"{{ status = "{status}", polls = 4, steps = [{}] }}"#, steps.join(", "))
    };
    let end = format!(
        r#"{{ status = "{ends}", finished = true, steps = [{}, {}] }}"#,
        step("dplone", "success"),
        step("dpltwo", "success")
    );
    let states = [
        state("in-progress", &[]),
        state("in-progress", &[step("dplone", "in-progress")]),
        state("in-progress", &[step("dplone", "success"), step("dpltwo", "in-progress")]),
        end,
    ];
    access()
        + &of_workflow(API, "api", "dplone", api)
        + &of_workflow(WORKER, "worker", "dpltwo", worker)
        + &format!("[[workflow]]\nid = \"inwone\"\ninstall = \"{INSTALL}\"\nstates = [{}]\n", states.join(", "))
}

#[test]
fn every_deploy_of_a_workflow_is_a_target() {
    let wait_with = |script: &str, variables: &[&str]| {
        let sim = serve(script);
        let gate =
            Gate::at(&sim.url(), "wait").args(["--workflow", "inwone", "--start-timeout", "1s", "--timeout", "10s"]);
        variables.iter().fold(gate, |gate, name| gate.env(name, "inlelsewhere")).json()
    };
    let wait = |script: &str| wait_with(script, &[]);
    let outcome = wait(&deploying(PASSING, PASSING, "success")).exits(0);
    assert_eq!(components(&outcome), [API, WORKER]);
    assert_eq!(outcome.result()["targets"][0]["matched_by"], "workflow");
    // The install that the Nuon CLI has set is not meant, unless a component of it is.
    wait_with(&deploying(PASSING, PASSING, "success"), &["NUON_INSTALL_ID"]).exits(0);
    wait_with(&deploying(PASSING, PASSING, "success"), &["NUON_GATE_INSTALL"]).exits(3);
    let outcome = wait(&deploying(PASSING, FAILING, "error")).exits(1);
    assert!(outcome.reason().contains("worker: quota exceeded"), "{}", outcome.reason());
    let outcome = wait(&deploying(PASSING, PASSING, "error")).exits(1);
    assert!(outcome.reason().starts_with("the workflow failed"), "{}", outcome.reason());
    wait(&deploying(PASSING, PASSING, "cancelled")).exits(4);
}

#[test]
fn a_workflow_without_deploys_is_no_pass() {
    let empty = |status: &str| {
        let state = format!("{{ status = \"{status}\", finished = true }}");
        let script =
            format!("{}[[workflow]]\nid = \"inwone\"\ninstall = \"{INSTALL}\"\nstates = [{state}]\n", access());
        let sim = serve(&script);
        Gate::at(&sim.url(), "wait").args(["--workflow", "inwone"]).json()
    };
    let outcome = empty("success").exits(1);
    assert_eq!(outcome.reason(), "the workflow succeeded without deploying anything");
    assert_eq!(outcome.result()["targets"], json!([]));
    empty("error").exits(1);
    empty("cancelled").exits(4);
    let sim = serve(&access());
    Gate::at(&sim.url(), "wait").args(["--workflow", "inwnone"]).json().exits(3).says("--workflow");
}
