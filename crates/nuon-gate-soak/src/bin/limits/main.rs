//! Tests the limits of the real program against a server that sends too much of everything, and prints a table.
//!
//! `cargo build --release -p nuon-gate && cargo run --release -p nuon-gate-soak --bin limits`
//!
//! Each run has to end with the right exit code, within a bound of memory above an ordinary run's. A body twice as
//! large may take three times as long. `--gate` names another program, `--only` selects cases by a part of their name.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a harness reports on its streams")]

mod api;
mod cases;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode};
use std::time::Duration;

use nuon_gate_soak::program::{self, Ended, Folder};

use self::api::Api;
use self::cases::{Case, Try};

/// How often each case that is compared by its time runs. The quickest run counts.
const RUNS: u32 = 3;
/// How much longer a case twice as large may take.
const MOST_GROWTH: f64 = 3.0;
/// After this time, a run counts as hanging.
const LIMIT: Duration = Duration::from_secs(120);
/// The largest result, in KiB for each target.
const LARGEST_RESULT: u64 = 128;

/// The measurements of a case.
struct Measured {
    ended: Ended,
    /// The most memory it was seen to use, in KiB.
    peak: u64,
    /// The size of the result, in bytes.
    result: u64,
}

impl Measured {
    fn millis(&self) -> f64 {
        self.ended.took.as_secs_f64() * 1000.0
    }
}

/// Runs a case several times. Keeps the quickest time and the largest memory.
fn measure(case: &Case, api: &Api, gate: &Path, runs: u32) -> io::Result<Measured> {
    let Folder(folder) = &Folder::new("limits")?;
    if let Some((name, text)) = &case.file {
        fs::write(folder.join(name), text)?;
    }
    api.answer(case.all_answers());
    let (mut best, mut peak): (Option<Ended>, u64) = (None, 0);
    for _ in 0..runs {
        let mut command = program::command(gate, folder, &api.url)?;
        command.arg("wait").args(&case.targets).args(["--output", "json"]).env("NUON_API_TOKEN", "token-of-the-limits");
        command.args([
            "--api-outage",
            "500ms",
            "--min-interval",
            "50ms",
            "--request-timeout",
            "5s",
            "--max-rps",
            "1000",
        ]);
        command.args(["--timeout".to_owned(), format!("{}s", case.timeout)]);
        let ended = program::run(command, LIMIT, |child, _| {
            peak = memory(child, gate).unwrap_or(0).max(peak);
            Ok(())
        })?;
        best = Some(best.filter(|best| best.took < ended.took).unwrap_or(ended));
    }
    let ended = best.ok_or_else(|| io::Error::other("nothing was run"))?;
    Ok(Measured { ended, peak, result: fs::metadata(folder.join("stdout"))?.len() })
}

/// Returns the peak memory of a process in KiB, if the system reports it.
fn memory(child: &Child, gate: &Path) -> Option<u64> {
    // Just after its start, the child still shows the memory of the harness.
    fs::read_link(format!("/proc/{}/exe", child.id())).ok().filter(|running| running == gate)?;
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The table, and its violations.
struct Table {
    /// The most memory of an ordinary run, in KiB.
    ordinary: u64,
    wrong: Vec<String>,
}

impl Table {
    /// Prints a row, and records its violations.
    fn row(&mut self, case: &Case, measured: &Measured, growth: Option<f64>) {
        let (Ended { code, was_killed, .. }, peak) = (measured.ended, measured.peak);
        let above = peak.saturating_sub(self.ordinary);
        let times = growth.map(|growth| format!("{growth:.1}")).unwrap_or_default();
        let shown = code.map_or_else(|| "none".to_owned(), |code| code.to_string());
        let (Case { name, sent, .. }, result) = (case, measured.result.div_ceil(1024));
        println!("| {name} | {sent} | {shown} | {peak} | {above} | {result} | {:.0} | {times} |", measured.millis());
        let targets = case.file.as_ref().map_or(1, |(_, lines)| lines.lines().count() as u64);
        let mut wrong = |what: String| self.wrong.push(format!("{name}, {sent}: {what}"));
        if was_killed || code != Some(case.code) {
            wrong(format!("exit {shown}, not {}", case.code));
        }
        if above > case.most << 10 {
            wrong(format!("{above} KiB above an ordinary run, at most {} MiB are allowed", case.most));
        }
        if growth.is_some_and(|growth| growth > MOST_GROWTH) {
            wrong(format!("{times} times the time of half as much"));
        }
        if result > LARGEST_RESULT * targets {
            wrong(format!("a result of {result} KiB"));
        }
    }
}

/// Runs every case whose name contains `only`.
fn run(gate: &Path, only: &str) -> io::Result<Vec<String>> {
    let (api, usual) = (Api::start()?, cases::ordinary());
    let ordinary = measure(&usual, &api, gate, RUNS)?;
    println!(
        "| what | how much was sent | exit code | peak KiB | above ordinary | result KiB | ms | times the row above |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let mut table = Table { ordinary: ordinary.peak, wrong: Vec::new() };
    table.row(&usual, &ordinary, None);
    for tried in cases::all() {
        match &tried {
            Try::Once(case) | Try::Growth(case, _) if !case.name.contains(only) => {}
            Try::Once(case) => table.row(case, &measure(case, &api, gate, 1)?, None),
            Try::Growth(half, whole) => {
                let (small, large) = (measure(half, &api, gate, RUNS)?, measure(whole, &api, gate, RUNS)?);
                table.row(half, &small, None);
                table.row(whole, &large, Some(large.millis() / small.millis()));
            }
        }
    }
    Ok(table.wrong)
}

/// Reads the command line: the program, and which cases to run.
fn read(mut arguments: impl Iterator<Item = String>) -> Result<(PathBuf, String), String> {
    let mut gate = None;
    let mut only = String::new();
    while let Some(flag) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{flag} needs a value"))?;
        match flag.as_str() {
            "--gate" => gate = Some(value.into()),
            "--only" => only = value,
            _ => return Err(format!("unknown flag {flag}: --gate --only")),
        }
    }
    let gate = program::find(gate)?.canonicalize().map_err(|error| error.to_string())?;
    Ok((gate, only))
}

fn main() -> ExitCode {
    let tried = read(std::env::args().skip(1))
        .and_then(|(gate, only)| run(&gate, &only).map_err(|error| format!("the harness could not run it: {error}")));
    match tried {
        Ok(wrong) if wrong.is_empty() => ExitCode::SUCCESS,
        Ok(wrong) => {
            wrong.iter().for_each(|wrong| eprintln!("error: {wrong}"));
            ExitCode::FAILURE
        }
        Err(trouble) => {
            eprintln!("error: {trouble}");
            ExitCode::from(2)
        }
    }
}
