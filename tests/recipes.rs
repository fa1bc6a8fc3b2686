//! The recipes of the documentation and the examples, run with a trigger that fails: each must fail the job, even if an
//! older deploy passes.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use nuon_gate_sim::Sim;
use serde_yaml_ng::Value;

use crate::pages::{Block, blocks};
use crate::support::pages::root;
use crate::support::{API, Folder, INSTALL, ORG, PASSING, TOKEN, WORKER, access, component, serve, serve_deploy};

/// The commands with which recipes trigger a deploy.
const TRIGGERS: [&str; 4] = ["trigger", "your-trigger", "deploy", "curl"];

/// A part of a pipeline as it is written: a step's script, or commands typed together.
struct Recipe {
    place: String,
    script: String,
}

/// Returns every script below a key that holds shell.
fn scripts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Sequence(values) => values.iter().for_each(|value| scripts(value, found)),
        Value::Mapping(mapping) => {
            for (key, value) in mapping {
                let lines = |values: &[Value]| values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n");
                match (key.as_str(), value) {
                    (Some("run" | "bash" | "command"), Value::String(script)) => found.push(script.clone()),
                    // A pod's own shell.
                    (Some("command"), Value::Sequence(words)) if words.iter().any(|word| word == "-ec") => {
                        found.extend(words.last().and_then(Value::as_str).map(str::to_owned));
                    }
                    // Systems that take a list run it as one script, which ends at the first command that fails.
                    (Some("script" | "commands"), Value::Sequence(values)) => found.push(lines(values)),
                    _ => scripts(value, found),
                }
            }
        }
        _ => {}
    }
}

fn of_yaml(text: &str, place: &str) -> Vec<Recipe> {
    let mut found = Vec::new();
    scripts(&serde_yaml_ng::from_str(text).unwrap_or_else(|error| panic!("{place}: {error}")), &mut found);
    found.into_iter().map(|script| Recipe { place: place.to_owned(), script }).collect()
}

fn example(name: &str) -> String {
    std::fs::read_to_string(root().join("examples").join(name)).unwrap()
}

/// Returns the pipelines of all pages, and those blocks of commands that are wanted.
fn of_pages(is_wanted: impl Fn(&Block) -> bool) -> Vec<Recipe> {
    let mut recipes = Vec::new();
    for block in blocks() {
        match block.language.as_str() {
            "yaml" => recipes.extend(of_yaml(&block.text, &block.place)),
            "console" if is_wanted(&block) => {
                recipes.push(Recipe { place: block.place.clone(), script: block.typed() });
            }
            _ => {}
        }
    }
    recipes
}

fn recipes() -> Vec<Recipe> {
    let mut recipes = of_pages(|block| block.not_run.is_none());
    for entry in ["azure/azure-pipelines.yml", "buildkite/pipeline.yml", "circleci/config.yml", "gitlab/.gitlab-ci.yml"]
    {
        recipes.extend(of_yaml(&example(entry), entry));
    }
    recipes.extend(of_yaml(&example("kubernetes/shards.yml"), "kubernetes"));
    for entry in std::fs::read_dir(root().join("examples/github")).unwrap() {
        let path = entry.unwrap().path();
        recipes.extend(of_yaml(&std::fs::read_to_string(&path).unwrap(), &path.display().to_string()));
    }
    let jenkins = std::fs::read_to_string(root().join("examples/jenkins/Jenkinsfile")).unwrap();
    let script = jenkins.split("sh '''").nth(1).and_then(|rest| rest.split("'''").next()).unwrap().to_owned();
    recipes.push(Recipe { place: "Jenkinsfile".to_owned(), script });
    recipes
}

impl Recipe {
    fn is_of_a_page(&self) -> bool {
        self.place.contains(".md:")
    }

    fn triggers(&self) -> bool {
        ["trigger ", "./trigger", "your-trigger", "scripts/deploy", "curl "]
            .iter()
            .any(|word| self.script.contains(word))
    }

    /// Runs it as a runner runs a step.
    fn run(&self, folder: &Folder, sim: &Sim) -> Output {
        let search = self.search(folder);
        Command::new("bash")
            .args(["-e", "-c", &self.script()])
            .current_dir(folder.path())
            .env_clear()
            .envs([
                ("PATH", search.as_str()),
                ("NUON_API_URL", &sim.url()),
                ("NUON_API_TOKEN", TOKEN),
                ("NUON_ORG_ID", ORG),
            ])
            .envs([("NUON_GATE_TIMEOUT", "10s"), ("NUON_GATE_MIN_INTERVAL", "2ms"), ("BUILD", "bld1")])
            .envs([("RUNNER_TEMP", folder.path()), ("GITHUB_OUTPUT", &folder.file("outputs")), ("HOME", folder.path())])
            .output()
            .unwrap()
    }

    /// The search path: the folder's own programs first, then the gate, then the system's.
    fn search(&self, folder: &Folder) -> String {
        let gate = Path::new(env!("CARGO_BIN_EXE_nuon-gate")).parent().unwrap();
        format!("{}:{}:/usr/bin:/bin", folder.file("bin").display(), gate.display())
    }

    /// Makes it a script that can run here.
    fn script(&self) -> String {
        let script = self.script.replace("inl…", INSTALL).replace("cmp…", API).replace("$$", "$").replace('…', "");
        let names = script.replace("acme ", &format!("{INSTALL} "));
        names.replace("--component api", &format!("--component {API}"))
    }
}

pub(crate) fn program(path: &Path, script: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, script).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_trigger_that_fails_turns_every_recipe_red() {
    // The existing deploy is an old one, which passes.
    let sim = serve_deploy(r#"{ status = "active" }"#);
    let recipes: Vec<Recipe> = recipes().into_iter().filter(Recipe::triggers).collect();
    assert!(recipes.len() >= 10, "only {} recipes trigger anything", recipes.len());
    // A trigger that prints nothing, and one that names an old deploy.
    for said in ["", r#"{"id": "dpl1api0000000000000000000"}"#] {
        for recipe in &recipes {
            let folder = Folder::new();
            for name in TRIGGERS {
                let script = format!("#!/bin/sh\nprintf '%s' '{said}'\nexit 7\n");
                program(&folder.file("bin").join(name), &script);
                program(&folder.file("scripts").join(name), &script);
                program(&folder.file(name), &script);
            }
            for name in ["circleci", "buildkite-agent"] {
                program(&folder.file("bin").join(name), "#!/bin/sh\necho identity\n");
            }
            program(&folder.file("bin/cargo"), "#!/bin/sh\n");
            let ended = recipe.run(&folder, &sim);
            let shown = String::from_utf8_lossy(&ended.stderr);
            assert!(!ended.status.success(), "{} passes:\n{}\n{shown}", recipe.place, recipe.script);
            // The trigger failed; the recipe itself can be run.
            assert!(!shown.contains("not found") && !shown.contains("syntax error"), "{}: {shown}", recipe.place);
        }
    }
}

/// Returns the last command of a script, if it can take long.
fn last_wait(script: &str) -> Option<String> {
    let joined = script.replace("\\\n", " ");
    let mut lines = joined.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let waits = |line: &&str| ["nuon-gate wait", "nuon-gate merge"].iter().any(|command| line.contains(command));
    lines.next_back().filter(waits).map(str::to_owned)
}

#[test]
fn a_step_becomes_the_gate() {
    // What is typed after a prompt is at a terminal, and its shell has to stay.
    let is_typed = |block: &Block| block.text.lines().any(|line| line.starts_with("$ "));
    let help = Command::new(env!("CARGO_BIN_EXE_nuon-gate")).args(["wait", "--help"]).output().unwrap().stdout;
    let help = String::from_utf8(help).unwrap();
    let typed = help.lines().filter(|line| line.contains("nuon-gate wait -"));
    let of_help = typed.map(|line| Recipe { place: "--help".to_owned(), script: line.to_owned() });
    let recipes: Vec<Recipe> = recipes().into_iter().filter(|recipe| !recipe.is_of_a_page()).chain(of_help).collect();
    assert!(recipes.iter().any(|recipe| recipe.place == "--help"), "{help}");
    let mut waits = 0;
    for recipe in recipes.into_iter().chain(of_pages(|block| !is_typed(block))) {
        if let Some(line) = last_wait(&recipe.script) {
            waits += 1;
            let place = &recipe.place;
            assert!(line.contains("exec nuon-gate "), "{place}: without exec, nobody tells the gate: {line}");
        }
    }
    assert!(waits > 15, "{waits}");
}

#[test]
fn a_recipe_with_a_trigger_that_works_is_green() {
    let sim = serve_deploy(PASSING);
    let folder = Folder::new();
    program(&folder.file("bin/your-trigger"), "#!/bin/sh\necho '{\"id\": \"dpl1api0000000000000000000\"}'\n");
    let recipes = recipes();
    let with_answer = recipes.iter().find(|recipe| recipe.script.starts_with("your-trigger > answer.json")).unwrap();
    let ended = with_answer.run(&folder, &sim);
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}

/// The four pods of the indexed Job, and the pod that merges their verdicts.
#[test]
fn the_pods_of_a_job_come_to_one_verdict() {
    let failing = r#"{ status = "error", error = "quota exceeded" }"#;
    let recipes = of_yaml(&example("kubernetes/shards.yml"), "kubernetes");
    let [pod, verdict] = recipes.as_slice() else { panic!("{} scripts", recipes.len()) };
    let targets = format!("{INSTALL}/{API}\n{INSTALL}/{WORKER}\n");
    // Which pods run, how one deploy ends, and the verdict: with one pod lost, it is not known.
    for (pods, end, code) in [(0..4, PASSING, 0), (0..4, failing, 1), (0..3, PASSING, 7)] {
        let sim = serve(&(access() + &component(API, PASSING) + &component(WORKER, end)));
        let folder = Folder::new();
        folder.write("targets.txt", &targets);
        // The test need not wait for a lost pod.
        program(&folder.file("bin/sleep"), "#!/bin/sh\n");
        let run = |recipe: &Recipe, index: u32| {
            let script = recipe.script.replace("RUN", "7").replace("/fleet", &folder.path().display().to_string());
            let script = script.replace("/results", &folder.path().display().to_string());
            let search = recipe.search(&folder);
            let mut command = Command::new("sh");
            command.args(["-ec", &script]).current_dir(folder.path()).env_clear().env("PATH", search);
            command.envs([("NUON_API_URL", sim.url().as_str()), ("NUON_API_TOKEN", TOKEN), ("NUON_ORG_ID", ORG)]);
            command.envs([("NUON_GATE_MIN_INTERVAL", "2ms"), ("JOB_COMPLETION_INDEX", &index.to_string())]);
            let ended = command.env("HOME", folder.path()).output().unwrap();
            (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned())
        };
        let codes: Vec<_> = pods.map(|index| run(pod, index)).collect();
        assert!(codes.iter().all(|(ended, _)| [Some(0), Some(code)].contains(ended)), "{codes:#?}");
        let (ended, shown) = run(verdict, 0);
        assert_eq!(ended, Some(code), "{shown}");
    }
}
