//! Runs the program as a user's shell would, in the test's own environment.

mod closed;
mod folder;
pub(crate) mod pages;
mod run;
mod secrets;
#[cfg(target_os = "linux")]
mod terminal;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::marker::PhantomData;
use std::process::{Command, Stdio};

use nuon_gate_sim::{Script, Sim};

pub(crate) use self::closed::Closed;
pub(crate) use self::folder::Folder;
pub(crate) use self::run::{Outcome, Running};
pub(crate) use self::secrets::shown;
#[cfg(target_os = "linux")]
pub(crate) use self::terminal::Terminal;

/// The install of the scripts.
pub(crate) const INSTALL: &str = "inlacme0000000000000000000";
/// Their first component.
pub(crate) const API: &str = "cmpapi00000000000000000000";
/// Their second component.
pub(crate) const WORKER: &str = "cmpworker00000000000000000";
/// The token that they accept.
pub(crate) const TOKEN: &str = "planted-token-5e7a";
/// The organisation that they accept.
pub(crate) const ORG: &str = "orgvendor00000000000000000";

/// Statuses of a deploy that passes after a few polls.
pub(crate) const PASSING: &str = r#"{ status = "queued" }, { status = "executing", polls = 3 }, { status = "active" }"#;
/// Statuses of a deploy that never ends.
pub(crate) const ENDLESS: &str = r#"{ status = "queued" }, { status = "executing" }"#;

/// Flags for a deploy that its workflow contradicts. The gate reads both for half a minute, which is thousands of
/// requests at the usual intervals of tests.
pub(crate) const CONTRADICTED: [&str; 6] = ["--timeout", "60s", "--min-interval", "100ms", "--max-interval", "1s"];

/// The beginning of every script: who has access.
pub(crate) fn access() -> String {
    format!("token = \"{TOKEN}\"\norg = \"{ORG}\"\n")
}

/// A component with one deploy that goes through these statuses.
pub(crate) fn component(id: &str, statuses: &str) -> String {
    format!(
        "[[component]]\ninstall = \"{INSTALL}\"\ninstall_name = \"acme\"\nid = \"{id}\"\n\
         [[component.deploy]]\nstatuses = [{statuses}]\n"
    )
}

/// A complete script with one component and its one deploy.
pub(crate) fn one_deploy(statuses: &str) -> String {
    access() + &component(API, statuses)
}

/// Serves a script.
pub(crate) fn serve(script: &str) -> Sim {
    let script: Script = script.parse().unwrap_or_else(|error| panic!("{error}\n{script}"));
    Sim::start(script, ([127, 0, 0, 1], 0).into()).unwrap()
}

/// Serves one component with one deploy that goes through these statuses.
pub(crate) fn serve_deploy(statuses: &str) -> Sim {
    serve(&one_deploy(statuses))
}

/// Checks several cases in parallel, because they mostly wait.
pub(crate) fn in_parallel<T: Sync>(cases: &[T], check: impl Fn(&T) + Sync) {
    std::thread::scope(|scope| {
        let checks: Vec<_> = cases.iter().map(|case| scope.spawn(|| check(case))).collect();
        if let Some(panic) = checks.into_iter().find_map(|check| check.join().err()) {
            std::panic::resume_unwind(panic);
        }
    });
}

/// A command line with its environment. The program sees nothing of the tests' environment.
///
/// It borrows the simulator, so that this outlives the program.
pub(crate) struct Gate<'sim> {
    sim: PhantomData<&'sim Sim>,
    arguments: Vec<OsString>,
    variables: BTreeMap<OsString, OsString>,
    home: Folder,
    stdin: Stdio,
    stdout: Stdio,
    nohup: bool,
}

impl<'sim> Gate<'sim> {
    /// A command without any API.
    pub(crate) fn bare(command: &str) -> Self {
        let home = Folder::new();
        let variables = BTreeMap::from([("HOME".into(), home.path().into())]);
        Self {
            sim: PhantomData,
            arguments: vec![command.into()],
            variables,
            home,
            stdin: Stdio::null(),
            stdout: Stdio::piped(),
            nohup: false,
        }
    }

    /// A command with access to an API, but without targets.
    pub(crate) fn at(url: &str, command: &str) -> Self {
        let gate = Self::bare(command).env("NUON_API_URL", url);
        gate.env("NUON_API_TOKEN", TOKEN)
            .env("NUON_ORG_ID", ORG)
            .env("NUON_GATE_MIN_INTERVAL", "2ms")
            .env("NUON_GATE_MAX_INTERVAL", "10ms")
    }

    /// `wait` for the one component that a simulator has.
    pub(crate) fn wait(sim: &'sim Sim) -> Self {
        Self::at(&sim.url(), "wait").args(["--install", INSTALL, "--component", API])
    }

    /// `status` of the one component that a simulator has.
    pub(crate) fn status(sim: &'sim Sim) -> Self {
        Self::at(&sim.url(), "status").args(["--install", INSTALL, "--component", API])
    }

    /// Adds to the command line.
    pub(crate) fn args<T: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = T>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Sets a variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.variables.insert(name.into(), value.as_ref().to_owned());
        self
    }

    /// Unsets a variable.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.variables.remove(OsStr::new(name));
        self
    }

    /// Closes the reading end of stdout.
    pub(crate) fn with_closed_stdout(self) -> Self {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        self.with_stdout(writer)
    }

    /// Starts the program with `nohup`.
    #[cfg(target_os = "linux")]
    pub(crate) fn with_nohup(mut self) -> Self {
        self.nohup = true;
        self
    }

    /// Sets where stdin comes from.
    #[cfg(unix)]
    pub(crate) fn with_stdin(mut self, stdin: impl Into<Stdio>) -> Self {
        self.stdin = stdin.into();
        self
    }

    /// Sets where stdout goes.
    pub(crate) fn with_stdout(mut self, stdout: impl Into<Stdio>) -> Self {
        self.stdout = stdout.into();
        self
    }

    /// The home directory, which is empty.
    pub(crate) fn home(&self) -> &Folder {
        &self.home
    }

    /// Runs the program to its end with these streams. Returns its exit code.
    #[cfg(target_os = "linux")]
    pub(crate) fn code_with(self, stdout: impl Into<Stdio>, stderr: impl Into<Stdio>) -> Option<i32> {
        self.command().stdin(Stdio::null()).stdout(stdout).stderr(stderr).status().unwrap().code()
    }

    /// Starts the program.
    pub(crate) fn start(self) -> Running {
        let mut command = self.command();
        command.stdin(self.stdin).stdout(self.stdout).stderr(Stdio::piped());
        Running::new(command, self.home)
    }

    /// Starts the program at a terminal of this width.
    #[cfg(target_os = "linux")]
    pub(crate) fn at_terminal(self, columns: u16) -> Terminal {
        let gate = self.with_term();
        let own = gate.command();
        let mut command = gate.leading_a_session();
        command.arg(own.get_program()).args(own.get_args());
        Terminal::new(command, gate.home, columns)
    }

    /// Starts the program in a shell at a terminal of this width, as a job that the shell can stop.
    #[cfg(target_os = "linux")]
    pub(crate) fn in_a_shell(self, columns: u16) -> Terminal {
        let gate = self.with_term();
        let own = gate.command();
        let words = std::iter::once(own.get_program()).chain(own.get_args());
        let line: Vec<String> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
        let mut command = gate.leading_a_session();
        command.args(["bash", "--norc", "--noprofile", "-i"]);
        let mut terminal = Terminal::new(command, gate.home, columns);
        terminal.type_in(&format!("{}\r", line.join(" ")));
        terminal
    }

    #[cfg(target_os = "linux")]
    fn with_term(self) -> Self {
        if self.variables.contains_key(OsStr::new("TERM")) { self } else { self.env("TERM", "xterm-256color") }
    }

    /// A command that has the terminal for itself, to which the caller adds what it runs.
    #[cfg(target_os = "linux")]
    fn leading_a_session(&self) -> Command {
        let mut command = Command::new("setsid");
        command.args(["--ctty", "--wait"]).env_clear().envs(&self.variables).current_dir(self.home.path());
        command
    }

    fn command(&self) -> Command {
        let program = env!("CARGO_BIN_EXE_nuon-gate");
        let mut command = Command::new(if self.nohup { "nohup" } else { program });
        if self.nohup {
            command.arg(program);
        }
        command.args(&self.arguments).env_clear().envs(&self.variables).current_dir(self.home.path());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(self) -> Outcome {
        self.start().end()
    }

    /// Runs the program to its end with JSON on stdout and every line on stderr, with these arguments last.
    pub(crate) fn json_with<T: AsRef<OsStr>>(self, arguments: impl IntoIterator<Item = T>) -> Outcome {
        // Some commands have no further lines.
        let is_watching = [OsStr::new("wait"), OsStr::new("status")].contains(&self.arguments[0].as_os_str());
        let verbose: &[&str] = if is_watching { &["-vvv"] } else { &[] };
        self.args(verbose).args(["--output", "json"]).args(arguments).run()
    }

    /// Runs the program to its end with JSON on stdout and every line on stderr.
    pub(crate) fn json(self) -> Outcome {
        self.json_with(<[&str; 0]>::default())
    }
}
