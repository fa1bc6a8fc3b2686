//! The step that waits.

use std::path::Path;

use nix::sys::signal::Signal::SIGINT;
use nuon_gate_sim::{Script, Sim};

use crate::{Job, read_outputs, root};

/// Serves what a CI job waits for with the action, and creates the job with the real program.
fn gate(script: &str, component: &str) -> (Sim, Job) {
    let script: Script = script.parse().unwrap();
    let (token, org) = (script.token.clone(), script.org.clone());
    let sim = Sim::start(script, ([127, 0, 0, 1], 0).into()).unwrap();
    let job = Job::new(&[]).input("binary-path", env!("CARGO_BIN_EXE_nuon-gate")).input("api-url", &sim.url());
    let job = job.input("api-token", &token).input("org-id", &org).input("install", "inlacmeproduction000000000");
    let job = job.input("component", component).input("min-interval", "2ms").input("max-interval", "10ms");
    (sim, job)
}

/// The inputs that pin a deploy.
const PINS: [&str; 8] = ["deploy", "workflow", "branch-run", "trigger-response", "build", "commit", "after", "since"];

/// The variable of a flag.
fn variable(flag: &str) -> String {
    format!("NUON_GATE_{}", flag.to_uppercase().replace('-', "_"))
}

fn self_test() -> String {
    std::fs::read_to_string(root().join(".github/self-test.toml")).unwrap()
}

#[test]
fn a_deploy_that_passes_passes_the_step() {
    let (_sim, job) = gate(&self_test(), "cmpapi00000000000000000000");
    let used = job.run().exits(0).says("the input binary-path");
    assert!(!used.log.contains("not known"), "a variable of the action is taken for a flag's:\n{}", used.log);
    assert_eq!(used.bin.as_deref(), Some(Path::new(env!("CARGO_BIN_EXE_nuon-gate"))));
    let used = used.sets(&[("verdict", "passed"), ("exit-code", "0"), ("status", "active"), ("reason", "")]);
    let result = std::fs::read_to_string(&used.outputs["result"]).unwrap();
    assert!(result.contains("\"verdict\": \"passed\""), "{result}");
    assert!(job.summary().starts_with("## ✅ nuon-gate: passed after "), "{}", job.summary());
}

#[test]
fn a_deploy_that_fails_fails_the_step_with_the_gates_code() {
    let (_sim, job) = gate(&self_test(), "cmpdatabase000000000000000");
    let used = job.run().exits(1).says("::error title=nuon-gate%3A ");
    let used = used.sets(&[("verdict", "failed"), ("exit-code", "1"), ("status", "error")]);
    assert!(used.outputs["reason"].contains("the storage quota is exceeded"), "{:#?}", used.outputs);
    assert!(job.summary().contains("the storage quota is exceeded"), "{}", job.summary());
}

#[test]
fn an_empty_input_that_pins_a_deploy_is_refused() {
    for pin in PINS {
        let (_sim, job) = gate(&self_test(), "cmpapi00000000000000000000");
        // The value of `${{ steps.trigger.outputs.deploy }}` if that step set no output.
        let used = job.input(pin, "").run().exits(2).says(&format!("{} is set, but empty", variable(pin)));
        used.sets(&[("verdict", "usage"), ("exit-code", "2")]);
    }
    for variable in PINS.map(variable) {
        let (_sim, job) = gate(&self_test(), "cmpapi00000000000000000000");
        let used = job.env(&variable, "").run().exits(2).says(&format!("{variable} is set, but empty"));
        used.sets(&[("verdict", "usage"), ("exit-code", "2")]);
    }
    let (_sim, job) = gate(&self_test(), "cmpapi00000000000000000000");
    job.env("NUON_GATE_SINCE", "").input("since", "1h").run().exits(0);
}

#[test]
fn a_variable_of_the_job_counts_where_its_input_is_left_out() {
    let cases = [
        // A pinned run must not fall back to the latest deploy.
        ("NUON_GATE_DEPLOY", "dplnobodyknows000000000000", 3),
        ("NUON_GATE_SINCE", "soon", 2),
        ("NUON_GATE_FAIL_ON", "active", 1),
        ("NUON_GATE_ALL_COMPONENTS", "perhaps", 2),
    ];
    for (variable, value, code) in cases {
        let (_sim, job) = gate(&self_test(), "cmpapi00000000000000000000");
        job.env(variable, value).run().exits(code);
    }
    let (_sim, job) = gate(&self_test(), "cmpapi00000000000000000000");
    job.env("NUON_GATE_DEPLOY", "dplnobodyknows000000000000").input("deploy", "").run().exits(2);
    let (_sim, job) = gate(&self_test(), "cmpapi00000000000000000000");
    job.env("NUON_GATE_FAIL_ON", "active").input("fail-on", "error").run().exits(0);
}

#[test]
fn the_jobs_own_token_is_used_if_none_is_given() {
    let (_sim, mut job) = gate(&self_test(), "cmpapi00000000000000000000");
    let token = job.inputs.remove("api-token").unwrap();
    job.run().exits(3);
    job.env("NUON_API_TOKEN", &token).run().exits(0);
}

#[test]
fn a_job_without_a_token_signs_in_with_what_the_runner_offers() {
    let (sim, mut job) = gate(&format!("{}\n[oidc]\n", self_test()), "cmpapi00000000000000000000");
    job.inputs.remove("api-token");
    job.variables.remove("NUON_API_TOKEN");
    job.run().exits(2).says("permissions: id-token: write");
    let job = job.env("ACTIONS_ID_TOKEN_REQUEST_URL", &format!("{}/github/oidc?x=1", sim.url()));
    job.env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "simulated-request-token").run().exits(0);
}

#[test]
fn cancelling_the_job_reaches_the_gate() {
    let endless = self_test().replace("polls = 3, ", "").replace("    { status = \"active\"", "# ");
    let (_sim, job) = gate(&endless, "cmpapi00000000000000000000");
    let used = job.run_and(|id, running| {
        if id == "gate" {
            // The runner signals only the process that it started.
            running.wait_for("executing").send(SIGINT);
        }
    });
    used.exits(130).sets(&[("verdict", "interrupted"), ("exit-code", "130"), ("status", "executing")]);
    assert!(job.summary().contains("nuon-gate: interrupted after "), "{}", job.summary());
}

#[test]
fn the_outputs_are_those_of_the_contract() {
    let expected = [
        "verdict",
        "exit-code",
        "status",
        "deploy-id",
        "build-id",
        "workflow-id",
        "url",
        "reason",
        "elapsed-seconds",
        "result",
        "notified",
        "slack-thread",
        "hint",
        "approval-url",
        "plan-add",
        "plan-change",
        "plan-destroy",
    ];
    let job = Job::new(&[]);
    let outputs = job.action["outputs"].as_mapping().unwrap();
    let names: Vec<&str> = outputs.keys().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(names, expected);
    for (name, output) in outputs {
        assert_eq!(
            output["value"].as_str().unwrap(),
            format!("${{{{ steps.gate.outputs.{} }}}}", name.as_str().unwrap())
        );
    }
    let written = "verdict=passed\nreason<<end\ntwo\nlines\nend\nstatus=a=b\n";
    let read: Vec<(String, String)> = read_outputs(written).collect();
    assert_eq!(read[1], ("reason".to_owned(), "two\nlines".to_owned()));
    assert_eq!(read[2], ("status".to_owned(), "a=b".to_owned()));
}

#[test]
fn every_input_and_output_is_described_and_the_gate_is_one_exec() {
    let job = Job::new(&[]);
    for part in ["inputs", "outputs"] {
        for (name, about) in job.action[part].as_mapping().unwrap() {
            let description = about["description"].as_str().unwrap_or_default();
            assert!(description.ends_with('.'), "{name:?} has no description");
            let must_be_something = PINS.iter().chain(["command"].iter()).any(|own| Some(*own) == name.as_str());
            let default = must_be_something.then_some("(not given)");
            assert_eq!(about.get("default").map(|default| default.as_str().unwrap()), default, "{name:?}");
        }
    }
    let steps = job.steps();
    assert_eq!(steps.len(), 2);
    assert_eq!(steps[1]["run"].as_str(), Some("exec sh \"$GITHUB_ACTION_PATH/action/wait.sh\""));
    let install = steps[0]["env"].as_mapping().unwrap().len();
    assert_eq!(install, 5, "no secret is passed to the install step");
}

/// A component whose next deploy appears after a few polls, as after a trigger.
fn triggered() -> String {
    let deploy = |before: &str, statuses: &str| format!("[[component.deploy]]\n{before}\nstatuses = [{statuses}]\n");
    let access = self_test().split("[[component]]").next().unwrap().to_owned();
    access
        + "[[component]]\ninstall = \"inlacmeproduction000000000\"\nid = \"cmpapi00000000000000000000\"\n"
        + &deploy("", r#"{ status = "error" }"#)
        + &deploy("after_polls = 3", r#"{ status = "executing" }, { status = "active" }"#)
}

#[test]
fn a_command_is_run_inside_the_step_and_what_comes_after_it_is_waited_for() {
    let (_sim, job) = gate(&triggered(), "cmpapi00000000000000000000");
    let command = "echo \"it's $GITHUB_ACTIONS\" '$(x)' ${GATE_COMMAND-unset} >started.txt\n";
    let job = job.input("command", command);
    let used = job.run().exits(0).sets(&[("verdict", "passed"), ("status", "active")]);
    assert!(!used.log.contains("not known"), "{}", used.log);
    let started = std::fs::read_to_string(job.path("work/started.txt")).unwrap();
    assert_eq!(started, "it's true $(x) unset\n");
}

#[test]
fn a_command_that_fails_or_is_none_is_no_pass() {
    let (_sim, job) = gate(&triggered(), "cmpapi00000000000000000000");
    let url = job.inputs["api-url"].clone();
    let command = |text: &str| {
        let (_, job) = gate(&triggered(), "cmpapi00000000000000000000");
        job.input("api-url", &url).input("command", text)
    };
    // The first failing line ends it, as in a step's own script.
    let used = command("false\necho never said").run().exits(1).sets(&[("exit-code", "1")]);
    assert!(!used.log.contains("never said"), "{}", used.log);
    for nothing in ["", " \n"] {
        let used = command(nothing).run().exits(2).says("there is no command after `--`");
        used.sets(&[("verdict", "usage"), ("exit-code", "2")]);
    }
    for yes in ["true", "TRUE", "yes", "1"] {
        command("./trigger").input("install-only", yes).run().refused("command would never be run");
    }
    command("./trigger").input("install-only", "maybe").run().refused("install-only is true or false");
}

#[test]
fn cancelling_the_job_reaches_the_command() {
    let (_sim, job) = gate(&triggered(), "cmpapi00000000000000000000");
    let job = job.input("command", "trap 'echo shown; exit 3' INT; echo is ready; sleep 60 & wait");
    let used = job.run_and(|id, running| {
        if id == "gate" {
            running.wait_for("is ready").send(SIGINT);
        }
    });
    used.exits(130).says("shown").sets(&[("verdict", "interrupted")]);
}

/// The matrix of the example, job by job, each with a runner folder of its own. The last job downloads what the others
/// upload.
#[test]
fn the_shards_of_the_example_come_to_one_verdict() {
    let example = std::fs::read_to_string(root().join("examples/github/shards.yml")).unwrap();
    let example: serde_yaml_ng::Value = serde_yaml_ng::from_str(&example).unwrap();
    let (shards, whole) = (&example["jobs"]["deployed"], &example["jobs"]["fleet"]["steps"]);
    let matrix = shards["strategy"]["matrix"]["shard"].as_sequence().unwrap();
    let uses = &shards["steps"][1]["with"];
    for (components, code, verdict) in [
        (&["cmpapi00000000000000000000"][..], 0, "passed"),
        (&["cmpapi00000000000000000000", "cmpdatabase000000000000000"], 1, "failed"),
    ] {
        let mut results = Vec::new();
        for shard in matrix {
            let shard = shard.as_u64().unwrap().to_string();
            let (_sim, job) = gate(&self_test(), "");
            let targets = components.iter().map(|component| format!("inlacmeproduction000000000/{component}\n"));
            std::fs::write(job.path("work/fleet.txt"), targets.collect::<String>()).unwrap();
            let input = |name: &str| uses[name].as_str().unwrap().replace("${{ matrix.shard }}", &shard);
            let job = job.input("install", "").input("targets-file", &input("targets-file"));
            let job = job.input("shard", &input("shard")).input("report", &input("report")).input("timeout", "30s");
            let job = job.env("GITHUB_RUN_ID", "7");
            let used = job.run();
            assert!([0, code].contains(&used.code), "{}", used.log);
            let name = format!("shard-{shard}.json");
            results.push((name.clone(), std::fs::read_to_string(job.path("work").join(name)).unwrap()));
        }
        let (_sim, job) = gate(&self_test(), "");
        assert_eq!(whole[1]["with"]["install-only"], true);
        let job = job.input("install-only", "true").env("GITHUB_RUN_ID", "7");
        let used = job.run().exits(0);
        assert!(!used.log.contains("passed") && used.outputs["verdict"].is_empty(), "{}", used.log);
        for (name, content) in &results {
            std::fs::write(job.path("work").join(name), content).unwrap();
        }
        let merged = job.script(whole[2]["run"].as_str().unwrap());
        assert_eq!(merged.status.code(), Some(code), "{}", String::from_utf8_lossy(&merged.stderr));
        assert!(String::from_utf8_lossy(&merged.stdout).starts_with(verdict), "{merged:?}");
        assert!(job.summary().contains(&format!("nuon-gate: {verdict} after ")), "{}", job.summary());
        // A lost job leaves no file.
        std::fs::remove_file(job.path("work/shard-3.json")).unwrap();
        let lost = job.script(whole[2]["run"].as_str().unwrap());
        assert_eq!(lost.status.code(), Some(if code == 0 { 7 } else { code }));
    }
}
