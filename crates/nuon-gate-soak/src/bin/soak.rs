//! Runs the real program in thousands of generated worlds over real sockets, and reports violations of the contract.
//!
//! `cargo build --release -p nuon-gate && cargo run --release -p nuon-gate-soak --bin soak -- --count 5000 --seconds 600 --jobs 4`
//!
//! A seed determines its world, but not the timing of the requests, so a finding may not be reproducible. `--show`
//! therefore prints what led to it: the world, the requests and answers, and the program's output. `--gate` names
//! another program than the one beside this.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a harness reports on its streams")]

use std::process::ExitCode;

use nuon_gate_soak::program;
use nuon_gate_soak::sockets::{Options, soak};

/// Reads the command line.
fn read(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut gate = None;
    let mut options = Options { count: 1000, seed: 1, seconds: 300, jobs: 4, gate: "".into(), show: false };
    while let Some(flag) = arguments.next() {
        if flag == "--show" {
            options.show = true;
            continue;
        }
        let value = arguments.next().ok_or_else(|| format!("{flag} needs a value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("{flag} needs a number, not `{value}`"));
        match flag.as_str() {
            "--count" => options.count = number()?,
            "--seed" => options.seed = number()?,
            "--seconds" => options.seconds = number()?,
            "--jobs" => options.jobs = number()?.max(1),
            "--gate" => gate = Some(value.into()),
            _ => return Err(format!("unknown flag {flag}: --count --seed --seconds --jobs --gate --show")),
        }
    }
    Ok(Options { gate: program::find(gate)?, ..options })
}

fn main() -> ExitCode {
    let options = match read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(trouble) => {
            eprintln!("error: {trouble}");
            return ExitCode::from(2);
        }
    };
    let tally = soak(&options);
    println!("{tally}");
    if tally.findings().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
