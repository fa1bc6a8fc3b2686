//! The GitHub Action, step by step as a runner takes it: inputs become variables, scripts run in the shell that they ask
//! for, and what they write to the runner's files becomes outputs.
//!
//! What is downloaded is a stand-in, as only its hash matters; what is waited with is the real program.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

#[expect(dead_code, reason = "other tests use more of it")]
#[path = "support/folder.rs"]
mod folder;
#[expect(dead_code, reason = "other tests use more of it")]
#[path = "support/run.rs"]
mod run;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use nix::sys::signal::Signal::SIGINT;
use nuon_gate_sim::{Script, Sim};
use serde_yaml_ng::Value;

use crate::folder::Folder;
use crate::run::{Outcome, Running};

/// What is released in these tests, and for which platform.
const PROGRAM: &str = "#!/bin/sh\necho stand-in \"$@\"\n";
const TARGET: &str = "x86_64-unknown-linux-musl";
/// What the scripts need on every runner, and what they choose from.
const BASICS: [&str; 14] =
    ["cat", "chmod", "cp", "gzip", "mkdir", "mktemp", "mv", "rm", "sed", "sh", "sleep", "tail", "tar", "tr"];
/// A secret of the job, which only the gate may see.
const SECRET: &str = "planted-secret-77c1";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Finds a program of this machine.
fn find(tool: &str) -> Option<PathBuf> {
    let output = Command::new("sh").args(["-c", "command -v \"$0\"", tool]).output().unwrap();
    let path = String::from_utf8(output.stdout).unwrap();
    Some(PathBuf::from(path.trim_end())).filter(|path| path.is_absolute())
}

/// Returns what computes hashes on this machine.
fn hasher() -> &'static str {
    ["sha256sum", "shasum"].into_iter().find(|tool| find(tool).is_some()).unwrap()
}

/// Writes a program, in a process of its own: what is still open for writing, if only in the child that another test is
/// just starting, cannot be run.
fn write_program(path: &Path, content: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let script = "printf '%s' \"$1\" >\"$0\" && chmod 755 \"$0\"";
    let status = Command::new("sh").args(["-c", script]).arg(path).arg(content).status().unwrap();
    assert!(status.success(), "cannot write {}", path.display());
}

/// A job of a runner, before it uses the action. Its folder has the action, and what belongs to the runner.
struct Job {
    folder: Folder,
    action: Value,
    inputs: BTreeMap<String, String>,
    variables: BTreeMap<String, String>,
}

impl Job {
    /// A job on a machine that has the basics and these tools.
    fn new(tools: &[&str]) -> Self {
        let folder = Folder::new();
        for name in ["action/action", "bin", "temp", "tools", "work"] {
            std::fs::create_dir_all(folder.file(name)).unwrap();
        }
        for name in ["action.yml", "action/install.sh", "action/manifest.tsv"] {
            std::fs::copy(root().join(name), folder.file("action").join(name)).unwrap();
        }
        for tool in BASICS.iter().chain(tools) {
            let path = find(tool).unwrap_or_else(|| panic!("{tool} is not installed"));
            std::os::unix::fs::symlink(path, folder.file("bin").join(tool)).unwrap();
        }
        let action = std::fs::read_to_string(folder.file("action/action.yml")).unwrap();
        let job = Self {
            action: serde_yaml_ng::from_str(&action).unwrap(),
            inputs: BTreeMap::new(),
            variables: BTreeMap::new(),
            folder,
        };
        job.on("Linux", "x86_64").env("GITHUB_TOKEN", SECRET).env("NUON_API_TOKEN", SECRET)
    }

    /// Has the machine be of this kind.
    fn on(self, system: &str, machine: &str) -> Self {
        let script = format!("#!/bin/sh\n[ \"$1\" = -s ] && echo '{system}' || echo '{machine}'\n");
        write_program(&self.path("bin/uname"), &script);
        self
    }

    /// Has a `cargo` that notes how it was called, and builds the stand-in.
    fn with_cargo(self) -> Self {
        let script = format!(
            "#!/bin/sh\n{{ pwd; echo \"$@\"; export; }} >\"$RUNNER_TEMP/cargo.txt\"\n\
             mkdir -p \"$RUNNER_TEMP/nuon-gate-target/release\"\n\
             cp '{0}' \"$RUNNER_TEMP/nuon-gate-target/release/nuon-gate\"\n",
            self.path("built").display(),
        );
        write_program(&self.path("built"), PROGRAM);
        write_program(&self.path("bin/cargo"), &script);
        self
    }

    /// Has the action be of the commit of a release, which is served there.
    fn of(self, release: &Release) -> Self {
        std::fs::write(self.path("action/action/manifest.tsv"), &release.manifest).unwrap();
        let url = release.server.url.clone();
        self.input("download-base-url", &url)
    }

    fn input(mut self, name: &str, value: &str) -> Self {
        assert!(self.action["inputs"].get(name).is_some(), "the action has no input {name}");
        self.inputs.insert(name.into(), value.into());
        self
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.file(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Where the tool cache has the released program.
    fn cached(&self) -> PathBuf {
        self.path(&format!("tools/nuon-gate/{}/x64/nuon-gate", env!("CARGO_PKG_VERSION")))
    }

    /// How the source was built, if it was.
    fn built(&self) -> Option<String> {
        std::fs::read_to_string(self.path("temp/cargo.txt")).ok()
    }

    /// Evaluates what stands between `${{` and `}}`, as far as the action uses it.
    fn evaluate(&self, text: &str, outputs: &BTreeMap<String, String>) -> String {
        let Some(expression) = text.strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}")) else {
            assert!(!text.contains("${{"), "{text}");
            return text.to_owned();
        };
        let value = |name: &str| match name.trim().split_once('.') {
            Some(("inputs", name)) => {
                assert!(self.action["inputs"].get(name).is_some(), "there is no input {name}");
                self.inputs.get(name).cloned().unwrap_or_default()
            }
            Some(("env", name)) => self.variables.get(name).cloned().unwrap_or_default(),
            Some(("steps", name)) => outputs.get(name).cloned().unwrap_or_default(),
            Some(("runner", "os")) => "Linux".to_owned(),
            _ => name.trim().strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).unwrap().to_owned(),
        };
        let condition = |text: &str| match text.split_once("==") {
            Some((left, right)) => value(left) == value(right),
            None => !value(text).is_empty(),
        };
        let mut alternatives = expression.split("||").map(|alternative| match alternative.split_once("&&") {
            Some((left, right)) if condition(left) => value(right),
            Some(_) => String::new(),
            None => value(alternative),
        });
        alternatives.find(|value| !value.is_empty()).unwrap_or_default()
    }

    /// Starts a step of the action.
    fn start(&self, step: &Value, outputs: &BTreeMap<String, String>) -> Running {
        assert_eq!(self.evaluate(step["shell"].as_str().unwrap(), outputs), "sh");
        let script = self.path("temp/script.sh");
        std::fs::write(&script, step["run"].as_str().unwrap()).unwrap();
        let home = Folder::new();
        let mut command = Command::new("/bin/sh");
        command.arg("-e").arg(script).env_clear().envs(&self.variables).current_dir(self.path("work"));
        command.env("PATH", self.path("bin")).env("HOME", home.path()).env("GITHUB_ACTIONS", "true");
        command.env("GITHUB_ACTION_PATH", self.path("action")).env("RUNNER_TEMP", self.path("temp"));
        command.env("GITHUB_OUTPUT", self.path("temp/output")).env("GITHUB_STEP_SUMMARY", self.path("temp/summary"));
        if !self.variables.contains_key("RUNNER_TOOL_CACHE") {
            command.env("RUNNER_TOOL_CACHE", self.path("tools"));
        }
        for (name, value) in step["env"].as_mapping().unwrap() {
            command.env(name.as_str().unwrap(), self.evaluate(value.as_str().unwrap(), outputs));
        }
        for file in ["output", "summary"] {
            std::fs::write(self.path("temp").join(file), "").unwrap();
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Running::new(command.spawn().unwrap(), home)
    }

    fn steps(&self) -> Vec<Value> {
        self.action["runs"]["steps"].as_sequence().unwrap().clone()
    }

    /// Runs the action up to a step that fails, and calls back while each step runs.
    fn run_and(&self, during: impl Fn(&str, &mut Running)) -> Used {
        let mut outputs = BTreeMap::new();
        let mut used = Used { code: 0, log: String::new(), outputs: BTreeMap::new(), bin: None };
        for step in self.steps() {
            let id = step["id"].as_str().unwrap();
            let mut running = self.start(&step, &outputs);
            during(id, &mut running);
            let Outcome { code, stdout, stderr, .. } = running.end();
            used.log.push_str(&(stdout + &stderr));
            let written = std::fs::read_to_string(self.path("temp/output")).unwrap();
            outputs.extend(read_outputs(&written).map(|(name, value)| (format!("{id}.outputs.{name}"), value)));
            used.code = code;
            if code != 0 {
                break;
            }
        }
        for (name, output) in self.action["outputs"].as_mapping().unwrap() {
            let value = self.evaluate(output["value"].as_str().unwrap(), &outputs);
            used.outputs.insert(name.as_str().unwrap().into(), value);
        }
        used.bin = outputs.remove("install.outputs.bin").map(PathBuf::from);
        used
    }

    /// Returns the summary of the job's last step.
    fn summary(&self) -> String {
        std::fs::read_to_string(self.path("temp/summary")).unwrap()
    }

    fn run(&self) -> Used {
        self.run_and(|_, _| {})
    }
}

/// Reads the two forms in which a step can set its outputs.
fn read_outputs(written: &str) -> impl Iterator<Item = (String, String)> {
    let mut lines = written.lines();
    std::iter::from_fn(move || {
        let line = lines.next()?;
        if let Some((name, end)) = line.split_once("<<") {
            let value: Vec<&str> = lines.by_ref().take_while(|line| *line != end).collect();
            return Some((name.to_owned(), value.join("\n")));
        }
        line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
    })
}

/// What became of the action.
struct Used {
    code: i32,
    log: String,
    outputs: BTreeMap<String, String>,
    bin: Option<PathBuf>,
}

impl Used {
    #[track_caller]
    fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}", self.log);
        self
    }

    #[track_caller]
    fn says(self, text: &str) -> Self {
        assert!(self.log.contains(text), "it does not say `{text}`:\n{}", self.log);
        self
    }

    /// Checks outputs of the action.
    #[track_caller]
    fn sets(self, expected: &[(&str, &str)]) -> Self {
        for (name, value) in expected {
            assert_eq!(self.outputs[*name], *value, "{name} of {:#?}", self.outputs);
        }
        self
    }

    /// Checks that the stand-in was installed as this file, and became the gate.
    #[track_caller]
    fn used(self, program: &Path) -> Self {
        let used = self.exits(0).says("stand-in wait\n");
        assert_eq!(used.bin.as_deref(), Some(program), "{}", used.log);
        used
    }

    /// Checks that nothing was installed, for a reason that is said once.
    #[track_caller]
    fn refused(self, reason: &str) -> Self {
        let used = self.exits(1).says("::error title=nuon-gate not installed::").says(reason);
        assert_eq!(used.log.matches("::error").count(), 1, "{}", used.log);
        assert_eq!(used.bin, None);
        used
    }
}

/// Serves files on a free port of this machine.
struct Server {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(files: BTreeMap<String, Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        // It ends with the tests.
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let lines = BufReader::new(connection.try_clone().unwrap()).lines();
                let head: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
                seen.lock().unwrap().push(head.join("\n"));
                let path = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
                let (status, body) = files.get(path).map_or(("404 Not Found", &[][..]), |file| ("200 OK", file));
                let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                // Who asked may be gone.
                let _ = connection.write_all(head.as_bytes()).and_then(|()| connection.write_all(body));
            }
        });
        Self { url, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// A release of the stand-in, packaged as releases are.
struct Release {
    manifest: String,
    server: Server,
}

impl Release {
    fn new() -> Self {
        Self::with(|manifest, _| manifest)
    }

    /// A release with a manifest or an archive that was changed.
    fn with(change: impl Fn(String, &mut Vec<u8>) -> String) -> Self {
        let folder = Folder::new();
        write_program(&folder.file("built").join(TARGET).join("nuon-gate"), PROGRAM);
        let package = Command::new(root().join("scripts/package"))
            .args([folder.file("built"), folder.file("out")])
            .output()
            .unwrap();
        assert!(package.status.success(), "{}", String::from_utf8_lossy(&package.stderr));
        let archive = format!("nuon-gate-{TARGET}.tar.gz");
        let mut content = std::fs::read(folder.file("out/release").join(&archive)).unwrap();
        let manifest = std::fs::read_to_string(folder.file("out/manifest.tsv")).unwrap();
        let manifest = change(manifest, &mut content);
        let path = format!("/v{}/{archive}", env!("CARGO_PKG_VERSION"));
        Self { manifest, server: Server::start(BTreeMap::from([(path, content)])) }
    }

    /// A release that is nowhere to be had.
    fn lost() -> Self {
        Self { server: Server::start(BTreeMap::new()), ..Self::new() }
    }
}

/// Replaces the last letter, so that a hash becomes that of something else.
fn another(hash: &str) -> String {
    let end = if hash.ends_with('0') { "1" } else { "0" };
    format!("{}{end}", &hash[..hash.len() - 1])
}

/// Serves what CI waits for when it uses the action, and a job that waits for it with the real program.
fn gate(script: &str, component: &str) -> (Sim, Job) {
    let script: Script = script.parse().unwrap();
    let (token, org) = (script.token.clone(), script.org.clone());
    let sim = Sim::start(script, ([127, 0, 0, 1], 0).into()).unwrap();
    let job = Job::new(&[]).input("binary-path", env!("CARGO_BIN_EXE_nuon-gate")).input("api-url", &sim.url());
    let job = job.input("api-token", &token).input("org-id", &org).input("install", "inlacmeproduction000000000");
    let job = job.input("component", component).input("min-interval", "2ms").input("max-interval", "10ms");
    (sim, job)
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
    let endless = self_test().replace("looks = 3, ", "").replace("    { status = \"active\"", "# ");
    let (_sim, job) = gate(&endless, "cmpapi00000000000000000000");
    let used = job.run_and(|id, running| {
        if id == "gate" {
            // The runner signals the process that it started, and no other.
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
            assert!(about.get("default").is_none(), "the default of {name:?} is the program's own");
        }
    }
    let steps = job.steps();
    assert_eq!(steps.len(), 2);
    assert_eq!(steps[1]["run"].as_str(), Some("exec \"$GATE_BINARY\" wait"));
    let install = steps[0]["env"].as_mapping().unwrap().len();
    assert_eq!(install, 3, "no secret is passed to the install step");
}

#[test]
fn a_release_is_downloaded_verified_and_kept() {
    let tools = ["curl", "wget"].into_iter().filter(|tool| find(tool).is_some());
    for tool in tools.inspect(|tool| println!("with {tool}")) {
        let release = Release::new();
        // A proxy is not for what is on this machine.
        let job = Job::new(&[hasher(), tool]).of(&release).env("http_proxy", "http://127.0.0.1:9");
        let used = job.run().used(&job.cached());
        assert!(!used.log.contains("::"), "nothing is worth an annotation:\n{}", used.log);
        assert!(job.path(&format!("tools/nuon-gate/{}/x64.complete", env!("CARGO_PKG_VERSION"))).exists());
        let requests = release.server.requests();
        assert_eq!(requests.len(), 1);
        let head = requests[0].to_ascii_lowercase();
        assert!(!head.contains(SECRET) && !head.contains("authorization") && !head.contains("cookie"), "{head}");

        // The second use finds it there.
        job.run().used(&job.cached()).says("the tool cache");
        assert_eq!(release.server.requests().len(), 1);
    }
}

#[test]
fn a_poisoned_tool_cache_is_found_out() {
    let release = Release::new();
    let job = Job::new(&[hasher(), "curl"]).of(&release).with_cargo();
    for poison in ["#!/bin/sh\necho stand-in wait\n: evil\n", ""] {
        write_program(&job.cached(), poison);
        job.run().used(&job.cached()).says("::warning title=nuon-gate::").says("is not the released program");
    }
    assert_eq!(release.server.requests().len(), 2);
    assert_eq!(std::fs::read_to_string(job.cached()).unwrap(), PROGRAM);

    // It is a warning before, and an error after, that nothing better was to be had.
    let job = Job::new(&[hasher(), "curl"]).of(&Release::lost());
    write_program(&job.cached(), "#!/bin/sh\n");
    job.run().refused("The download failed");
    assert!(!job.cached().exists());
}

#[test]
fn without_a_tool_cache_the_program_stays_in_the_runners_own_folder() {
    let job = Job::new(&[hasher(), "curl"]).of(&Release::new());
    let file = job.path("file");
    std::fs::write(&file, "").unwrap();
    for cache in [file.to_str().unwrap(), ""] {
        let job = Job::new(&[hasher(), "curl"]).of(&Release::new()).env("RUNNER_TOOL_CACHE", cache);
        let bin = job.run().exits(0).says("stand-in wait\n").bin.unwrap();
        assert!(bin.starts_with(job.path("temp")), "{}", bin.display());
    }
}

#[test]
fn jobs_that_share_a_tool_cache_do_not_disturb_each_other() {
    let release = Release::new();
    let jobs: Vec<Job> = (0..4).map(|_| Job::new(&[hasher(), "curl"]).of(&release)).collect();
    let cache = jobs[0].text("tools");
    let jobs: Vec<Job> = jobs.into_iter().map(|job| job.env("RUNNER_TOOL_CACHE", &cache)).collect();
    let cached = jobs[0].cached();
    std::thread::scope(|scope| {
        for job in &jobs {
            scope.spawn(|| job.run().used(&cached));
        }
    });
    let names: Vec<_> =
        std::fs::read_dir(cached.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(names, [cached]);
}

#[test]
fn a_program_on_path_is_used_only_if_it_is_the_released_one() {
    let release = Release::new();
    let job = Job::new(&[hasher(), "curl"]).of(&release);
    write_program(&job.path("bin/nuon-gate"), "#!/bin/sh\necho another\n");
    job.run().used(&job.cached());
    assert_eq!(release.server.requests().len(), 1);

    let job = Job::new(&[hasher()]).of(&release);
    write_program(&job.path("bin/nuon-gate"), PROGRAM);
    job.run().used(&job.path("bin/nuon-gate")).says("on PATH");
    assert_eq!(release.server.requests().len(), 1);
}

#[test]
fn a_wrong_hash_is_fatal_and_never_becomes_a_build() {
    let archive = Release::with(|manifest, content| {
        content.push(0);
        manifest
    });
    let program = Release::with(|manifest, _| {
        let hash = manifest.trim_end().rsplit('\t').next().unwrap();
        manifest.replace(hash, &another(hash))
    });
    for (release, what) in [(archive, "It is not the released file"), (program, "It is not the released program")] {
        let job = Job::new(&[hasher(), "curl"]).of(&release).with_cargo();
        job.run().refused(what);
        assert_eq!(job.built(), None);
        assert!(!job.cached().exists());
    }
}

#[test]
fn a_machine_that_cannot_hash_gets_nothing() {
    let release = Release::new();
    let job = Job::new(&["curl"]).of(&release).with_cargo();
    // On Unix a program by this name does other things.
    write_program(&job.path("bin/certutil"), "#!/bin/sh\necho 0\n");
    write_program(&job.cached(), PROGRAM);
    job.run().refused("sha256sum shasum");
    assert_eq!((job.built(), release.server.requests().len()), (None, 0));
}

#[test]
fn a_download_that_fails_becomes_a_build_or_one_error_with_the_ways_out() {
    let lost = Release::lost();
    let job = Job::new(&[hasher(), "curl"]).of(&lost).with_cargo();
    let used = job.run().used(&job.path("temp/nuon-gate-target/release/nuon-gate"));
    used.says("::warning title=nuon-gate::The download failed: curl ended with 22").says("404");
    assert!(job.built().is_some());

    let job = Job::new(&[hasher(), "curl"]).of(&lost).with_cargo().input("install-method", "download");
    job.run().refused("The download failed");
    assert_eq!(job.built(), None);

    // Nobody listens there any more.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let job = Job::new(&[hasher(), "curl"]).of(&lost).input("download-base-url", &format!("http://{port}/50%/"));
    let used = job.run().refused(&format!("curl ended with 7 for http://{port}/50%25/v"));
    used.says("binary-path").says("download-base-url").says("install-method: source");

    let job = Job::new(&[hasher()]).of(&lost);
    job.run().refused("none of curl, wget and PowerShell is there");
}

#[test]
fn what_cannot_be_unpacked_counts_as_a_failed_download() {
    let release = Release::new();
    let job = Job::new(&[hasher(), "curl"]).of(&release).with_cargo();
    std::fs::remove_file(job.path("bin/tar")).unwrap();
    job.run().used(&job.path("temp/nuon-gate-target/release/nuon-gate")).says("cannot be unpacked here");
}

#[test]
fn what_is_not_released_is_built_from_the_actions_own_checkout() {
    let release = Release::new();
    let unreleased = Job::new(&[]).with_cargo();
    let elsewhere = Job::new(&[]).of(&release).with_cargo().on("Linux", "riscv64");
    let asked = Job::new(&[]).of(&release).with_cargo().input("install-method", "source");
    for job in [unreleased, elsewhere, asked] {
        let job = job.env("RUSTFLAGS", "-D warnings").env("CARGO_BUILD_TARGET", "wasm32-unknown-unknown");
        let used = job.run().used(&job.path("temp/nuon-gate-target/release/nuon-gate"));
        used.says("::notice title=nuon-gate::Building from source");
        let built = job.built().unwrap();
        assert_eq!(built.lines().next(), Some(&*job.text("action")));
        assert!(built.contains("build --release --locked --bin nuon-gate --target-dir"), "{built}");
        for foreign in [SECRET, "RUSTFLAGS", "CARGO_BUILD_TARGET"] {
            assert!(!built.contains(foreign), "{foreign} reaches the build:\n{built}");
        }
    }
    assert_eq!(release.server.requests().len(), 0);

    Job::new(&[]).run().refused("cargo, which would build it from source, is not there");
    let job = Job::new(&[]).with_cargo().input("install-method", "download");
    job.run().refused("This commit of the action has no released nuon-gate for");
}

#[test]
fn every_platform_finds_its_own_row() {
    let platforms = [
        ("Linux", "x86_64", "x86_64-unknown-linux-musl"),
        ("Linux", "aarch64", "aarch64-unknown-linux-musl"),
        ("Darwin", "x86_64", "x86_64-apple-darwin"),
        ("Darwin", "arm64", "aarch64-apple-darwin"),
        ("MINGW64_NT-10.0-26100", "x86_64", "x86_64-pc-windows-msvc"),
        ("MINGW64_NT-10.0-26100-ARM64", "x86_64", "aarch64-pc-windows-msvc"),
        ("FreeBSD", "amd64", "x86_64-FreeBSD"),
    ];
    for (system, machine, target) in platforms {
        let job = Job::new(&[]).on(system, machine).input("install-method", "download");
        job.run().refused(&format!("no released nuon-gate for {target}. "));
    }
}

#[test]
fn a_given_binary_is_used_and_nothing_else() {
    let release = Release::new();
    let job = Job::new(&[hasher(), "curl"]).of(&release).with_cargo();
    write_program(&job.path("work/my tools/gate"), PROGRAM);
    let job = job.input("binary-path", "my tools/gate");
    job.run().used(&job.path("work/my tools/gate"));
    std::fs::set_permissions(job.path("work/my tools/gate"), PermissionsExt::from_mode(0o644)).unwrap();
    job.run().refused("is not executable");

    let job = job.input("binary-path", "/no/such\n::add-mask::x");
    let used = job.run().refused("binary-path is more than one line");
    assert!(!used.log.contains("\n::add-mask"), "{}", used.log);
    let job = job.input("binary-path", "/no/such%0A::warning::x");
    job.run().refused("binary-path names /no/such%250A::warning::x, which is not a file");
    assert_eq!((job.built(), release.server.requests().len()), (None, 0));
}

#[test]
fn bad_inputs_are_refused() {
    let job = || Job::new(&[hasher(), "curl"]).of(&Release::new()).with_cargo();
    job().input("install-method", "docker\r\n::x").run().refused("not `docker  ::x`");
    for url in
        ["http://mirror.example/", "ftp://127.0.0.1/", "http://127.0.0.1.mirror.example/", "mirror", "file:///tmp"]
    {
        job().input("download-base-url", url).run().refused("has to begin with https://");
    }
    for url in ["https://user:word@mirror.example/x", "http://127.0.0.1:80@mirror.example/", "http://localhost:x@y"] {
        job().input("download-base-url", url).run().refused("must not hold a user or a password");
    }
}
