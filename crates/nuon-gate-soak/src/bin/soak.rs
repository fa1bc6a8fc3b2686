//! Runs the real program in thousands of generated worlds, over real sockets, and says what the contract does not allow.
//!
//! `cargo build --release -p nuon-gate && cargo run --release -p nuon-gate-soak --bin soak -- --count 5000 --seconds 600 --jobs 4`
//!
//! A world follows from its seed, but what is seen of it depends on the moment, so that a finding need not come again: with
//! `--show` what led to it is printed, the world, and what was asked, answered and written. `--gate` names another program
//! than the one beside this.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a harness reports on its streams")]

use std::process::ExitCode;

use nuon_gate_soak::program;
use nuon_gate_soak::sockets::{Wish, soak};

/// Reads the command line.
fn read(mut arguments: impl Iterator<Item = String>) -> Result<Wish, String> {
    let mut gate = None;
    let mut wish = Wish { count: 1000, seed: 1, seconds: 300, jobs: 4, gate: "".into(), show: false };
    while let Some(flag) = arguments.next() {
        if flag == "--show" {
            wish.show = true;
            continue;
        }
        let value = arguments.next().ok_or_else(|| format!("{flag} needs a value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("{flag} needs a number, not `{value}`"));
        match flag.as_str() {
            "--count" => wish.count = number()?,
            "--seed" => wish.seed = number()?,
            "--seconds" => wish.seconds = number()?,
            "--jobs" => wish.jobs = number()?.max(1),
            "--gate" => gate = Some(value.into()),
            _ => return Err(format!("unknown flag {flag}: --count --seed --seconds --jobs --gate --show")),
        }
    }
    Ok(Wish { gate: program::find(gate)?, ..wish })
}

fn main() -> ExitCode {
    let wish = match read(std::env::args().skip(1)) {
        Ok(wish) => wish,
        Err(trouble) => {
            eprintln!("error: {trouble}");
            return ExitCode::from(2);
        }
    };
    let tally = soak(&wish);
    println!("{tally}");
    if tally.findings().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
