//! The running program, and its outcome.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde_json::Value;

use super::Folder;
use super::secrets::Secrets;

/// After this time the program is killed, and the test has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a stream has brought so far.
#[derive(Default)]
struct Captured {
    stdout: String,
    stderr: String,
    open: usize,
}

/// The program while it runs.
pub(crate) struct Running {
    child: Child,
    captured: Arc<(Mutex<Captured>, Condvar)>,
    /// The program's home directory has to outlive it.
    home: Folder,
    /// What it must never write.
    secrets: Secrets,
}

impl Running {
    pub(super) fn new(mut command: Command, home: Folder) -> Self {
        let secrets = Secrets::of(&command);
        let mut child = command.spawn().unwrap();
        let captured = Arc::default();
        if let Some(stdout) = child.stdout.take() {
            capture(stdout, &captured, |captured| &mut captured.stdout);
        }
        if let Some(stderr) = child.stderr.take() {
            capture(stderr, &captured, |captured| &mut captured.stderr);
        }
        Self { child, captured, home, secrets }
    }

    /// Waits until the program has written this, to either stream.
    pub(crate) fn wait_for(&mut self, text: &str) -> &mut Self {
        let has = |captured: &Captured| captured.stdout.contains(text) || captured.stderr.contains(text);
        self.wait(&format!("did not write `{text}`"), |captured| has(captured) || captured.open == 0);
        let captured = self.captured.0.lock().unwrap();
        assert!(has(&captured), "ended before it wrote `{text}`:\n{}\n{}", captured.stdout, captured.stderr);
        drop(captured);
        self
    }

    /// Returns the first line of stdout, once it is there.
    pub(crate) fn first_line(&mut self) -> String {
        self.wait("wrote no line", |captured| captured.stdout.contains('\n') || captured.open == 0);
        self.captured.0.lock().unwrap().stdout.lines().next().unwrap_or_default().to_owned()
    }

    /// Sends a signal.
    #[cfg(unix)]
    pub(crate) fn send(&mut self, signal: nix::sys::signal::Signal) -> &mut Self {
        let id = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        nix::sys::signal::kill(id, signal).unwrap();
        self
    }

    /// Waits until the program has ended.
    pub(crate) fn end(mut self) -> Outcome {
        self.wait("did not end", |captured| captured.open == 0);
        let code = self.child.wait().unwrap().code();
        let captured = self.captured.0.lock().unwrap();
        self.secrets.are_not_in("stdout", &captured.stdout);
        self.secrets.are_not_in("stderr", &captured.stderr);
        Outcome {
            code: code.unwrap_or_else(|| panic!("was killed by a signal:\n{}", captured.stderr)),
            stdout: captured.stdout.clone(),
            stderr: captured.stderr.clone(),
            home: self.home.names(),
        }
    }

    fn wait(&mut self, trouble: &str, done: impl Fn(&Captured) -> bool) {
        let (captured, change) = &*self.captured;
        let captured = captured.lock().unwrap();
        let (captured, waited) = change.wait_timeout_while(captured, PATIENCE, |captured| !done(captured)).unwrap();
        if waited.timed_out() {
            // The following message says more than that the program could not be killed.
            let _ = self.child.kill();
            panic!("the program {trouble} within {PATIENCE:?}:\n{}\n{}", captured.stdout, captured.stderr);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended by itself, unless the test failed.
        let _ = self.child.kill();
    }
}

fn capture(
    stream: impl Read + Send + 'static,
    captured: &Arc<(Mutex<Captured>, Condvar)>,
    part: fn(&mut Captured) -> &mut String,
) {
    captured.0.lock().unwrap().open += 1;
    let captured = Arc::clone(captured);
    std::thread::spawn(move || {
        let (captured, change) = &*captured;
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        while stream.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            // Everything the program writes is text. Anything else becomes a replacement character, and fails a test.
            part(&mut captured.lock().unwrap()).push_str(&String::from_utf8_lossy(&line));
            line.clear();
            change.notify_all();
        }
        captured.lock().unwrap().open -= 1;
        change.notify_all();
    });
}

/// The outcome of a run.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The files that the run left in its home and working directory.
    pub(crate) home: Vec<String>,
}

impl Outcome {
    /// Checks the exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "the exit code is wrong:\n{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Checks that stderr contains this.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "stderr does not say `{text}`:\n{}", self.stderr);
        self
    }

    /// Checks that it was refused as bad usage: exit 2, nothing on stdout, a message with a hint.
    #[track_caller]
    pub(crate) fn refused(self) -> Self {
        let outcome = self.exits(2).says("error: ").says("\nhint: ");
        assert_eq!(outcome.stdout, "", "exit 2 prints no result");
        outcome
    }

    /// Returns the printed result.
    #[track_caller]
    pub(crate) fn result(&self) -> Value {
        self.events().pop().map_or(Value::Null, |last| match last.get("result") {
            Some(result) => result.clone(),
            None => last,
        })
    }

    /// Returns every printed JSON value.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<Value> {
        let values: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(&self.stdout).into_iter().collect();
        values.unwrap_or_else(|error| panic!("{error} in stdout:\n{}\n{}", self.stdout, self.stderr))
    }

    /// Returns the result's only target.
    #[track_caller]
    pub(crate) fn target(&self) -> Value {
        let result = self.result();
        let targets = result["targets"].as_array().unwrap_or_else(|| panic!("no targets: {result:#}"));
        assert_eq!(targets.len(), 1, "{result:#}");
        targets[0].clone()
    }

    /// Returns the run's reason.
    #[track_caller]
    pub(crate) fn reason(&self) -> String {
        self.result()["reason"].as_str().unwrap_or_default().to_owned()
    }

    /// Returns how many requests had no good answer.
    #[track_caller]
    pub(crate) fn errors(&self) -> u64 {
        self.result()["api"]["errors"].as_u64().unwrap()
    }
}
