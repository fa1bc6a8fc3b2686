//! The GitHub Action, step by step as a runner runs it: inputs become variables, scripts run in their shell, and what
//! they write to the runner's files becomes outputs.
//!
//! Downloads are a stand-in, because only their hash matters. The waiting is done by the real program.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

#[path = "../support/closed.rs"]
mod closed;
#[expect(dead_code, reason = "other tests use more of it")]
#[path = "../support/folder.rs"]
mod folder;
#[expect(dead_code, reason = "other tests use more of it")]
#[path = "../support/run.rs"]
mod run;
#[path = "../support/secrets.rs"]
mod secrets;

mod gate;
mod install;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_yaml_ng::Value;

use crate::folder::Folder;
use crate::run::{Outcome, Running};

/// The released stand-in, and its platform.
const PROGRAM: &str = "#!/bin/sh\necho stand-in \"$@\"\n";
const TARGET: &str = "x86_64-unknown-linux-musl";
/// What the scripts need on every runner, and the tools that they choose from.
const BASICS: [&str; 14] =
    ["cat", "chmod", "cp", "gzip", "mkdir", "mktemp", "mv", "rm", "sed", "sh", "sleep", "tail", "tar", "tr"];
/// A secret of the job that only the gate may get.
const SECRET: &str = "planted-secret-77c1";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Finds a program on this machine.
fn find(tool: &str) -> Option<PathBuf> {
    let output = Command::new("sh").args(["-c", "command -v \"$0\"", tool]).output().unwrap();
    let path = String::from_utf8(output.stdout).unwrap();
    Some(PathBuf::from(path.trim_end())).filter(|path| path.is_absolute())
}

/// Returns a program that computes hashes on this machine.
fn hasher() -> &'static str {
    ["sha256sum", "shasum"].into_iter().find(|tool| find(tool).is_some()).unwrap()
}

/// Writes a program, in a process of its own. A program that is still open for writing cannot be run, and a child that
/// another test is just starting may hold such a file open.
fn write_program(path: &Path, content: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let script = "printf '%s' \"$1\" >\"$0\" && chmod 755 \"$0\"";
    let status = Command::new("sh").args(["-c", script]).arg(path).arg(content).status().unwrap();
    assert!(status.success(), "cannot write {}", path.display());
}

/// A job on a runner, before it uses the action. Its folder has the action and the runner's files.
struct Job {
    folder: Folder,
    action: Value,
    inputs: BTreeMap<String, String>,
    variables: BTreeMap<String, String>,
}

impl Job {
    /// A job on a machine that has the basic tools and these.
    fn new(tools: &[&str]) -> Self {
        let folder = Folder::new();
        for name in ["action/action", "bin", "temp", "tools", "work"] {
            std::fs::create_dir_all(folder.file(name)).unwrap();
        }
        for name in ["action.yml", "action/install.sh", "action/manifest.tsv", "action/wait.sh"] {
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

    /// Sets the kind of machine.
    fn on(self, system: &str, machine: &str) -> Self {
        let script = format!("#!/bin/sh\n[ \"$1\" = -s ] && echo '{system}' || echo '{machine}'\n");
        write_program(&self.path("bin/uname"), &script);
        self
    }

    /// Adds a `cargo` that records its arguments and builds the stand-in.
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

    /// Makes the action that of a release's commit, and serves the release.
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

    /// The released program's place in the tool cache.
    fn cached(&self) -> PathBuf {
        self.path(&format!("tools/nuon-gate/{}/x64/nuon-gate", env!("CARGO_PKG_VERSION")))
    }

    /// How the source was built, if it was.
    fn built(&self) -> Option<String> {
        std::fs::read_to_string(self.path("temp/cargo.txt")).ok()
    }

    /// Evaluates an expression in `${{ }}`, as far as the action uses expressions.
    fn evaluate(&self, text: &str, outputs: &BTreeMap<String, String>) -> String {
        let Some(expression) = text.strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}")) else {
            assert!(!text.contains("${{"), "{text}");
            return text.to_owned();
        };
        let value = |name: &str| match name.trim().split_once('.') {
            Some(("inputs", name)) => {
                assert!(self.action["inputs"].get(name).is_some(), "there is no input {name}");
                let default = || self.action["inputs"][name]["default"].as_str().unwrap_or_default().to_owned();
                self.inputs.get(name).cloned().unwrap_or_else(default)
            }
            Some(("env", name)) => self.variables.get(name).cloned().unwrap_or_default(),
            Some(("steps", name)) => outputs.get(name).cloned().unwrap_or_default(),
            Some(("runner", "os")) => "Linux".to_owned(),
            _ => name.trim().strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).unwrap().to_owned(),
        };
        let condition = |text: &str| match (text.split_once("!="), text.split_once("==")) {
            (Some((left, right)), _) => value(left) != value(right),
            (None, Some((left, right))) => value(left) == value(right),
            (None, None) => !value(text).is_empty(),
        };
        let mut alternatives = expression.split("||").map(|alternative| match alternative.split_once("&&") {
            Some((left, right)) if condition(left) => value(right),
            Some(_) => String::new(),
            None if alternative.contains("!=") => condition(alternative).to_string(),
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
        command.env("GITHUB_PATH", self.path("temp/path"));
        for file in ["output", "path", "summary"] {
            std::fs::write(self.path("temp").join(file), "").unwrap();
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Running::new(command, home)
    }

    /// Runs a step of the job's own after the action, with the `PATH` that the action set.
    fn script(&self, script: &str) -> std::process::Output {
        let added = std::fs::read_to_string(self.path("temp/path")).unwrap();
        let search = added.lines().rev().chain([self.text("bin").as_str()]).collect::<Vec<_>>().join(":");
        std::fs::write(self.path("temp/summary"), "").unwrap();
        let mut command = Command::new("/bin/sh");
        command
            .args(["-ec", script])
            .env_clear()
            .envs(&self.variables)
            .current_dir(self.path("work"))
            .env("PATH", search);
        command.env("HOME", self.path("work")).env("GITHUB_ACTIONS", "true").env("RUNNER_TEMP", self.path("temp"));
        command.env("GITHUB_OUTPUT", self.path("temp/output")).env("GITHUB_STEP_SUMMARY", self.path("temp/summary"));
        command.output().unwrap()
    }

    fn steps(&self) -> Vec<Value> {
        self.action["runs"]["steps"].as_sequence().unwrap().clone()
    }

    /// Runs the action up to a step that fails. Calls back while each step runs.
    fn run_and(&self, during: impl Fn(&str, &mut Running)) -> Used {
        let mut outputs = BTreeMap::new();
        let mut used = Used { code: 0, log: String::new(), outputs: BTreeMap::new(), bin: None };
        for step in self.steps() {
            let id = step["id"].as_str().unwrap();
            if step["if"].as_str().is_some_and(|text| self.evaluate(text, &outputs) != "true") {
                continue;
            }
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

/// Reads outputs in both forms in which a step can set them.
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

/// What the action did.
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

    /// Checks that the stand-in was installed at this path and became the gate.
    #[track_caller]
    fn used(self, program: &Path) -> Self {
        let used = self.exits(0).says("stand-in wait\n");
        assert_eq!(used.bin.as_deref(), Some(program), "{}", used.log);
        used
    }

    /// Checks that nothing was installed, for a reason that is reported once.
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
                // The client may have gone.
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

    /// A release with a changed manifest or archive.
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

    /// A release that cannot be downloaded.
    fn lost() -> Self {
        Self { server: Server::start(BTreeMap::new()), ..Self::new() }
    }
}

/// Replaces the last letter, so that the hash is wrong.
fn another(hash: &str) -> String {
    let end = if hash.ends_with('0') { "1" } else { "0" };
    format!("{}{end}", &hash[..hash.len() - 1])
}
