//! Runs the real program against simulated APIs over thousands of random scenes, and counts what must not happen.
//!
//! `cargo run --release -p nuon-gate-sim --bin soak -- --count 5000 --seed 1 --seconds 300 --gate target/release/nuon-gate`
//!
//! A scene follows from its seed: what the API does, how the program is asked, what goes wrong, and which exit codes are
//! right. Every time is in milliseconds, so a scene takes a fraction of a second. A failing one is repeated by the
//! command that is printed with it; `--show` prints its script and the program's command line.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a harness reports on its streams")]

mod harness;

use std::process::ExitCode;

use self::harness::{Wish, soak};

/// Reads the command line.
fn read(mut arguments: impl Iterator<Item = String>) -> Result<Wish, String> {
    let beside = std::env::current_exe().map_err(|error| error.to_string())?;
    let gate = beside.with_file_name(format!("nuon-gate{}", std::env::consts::EXE_SUFFIX));
    let mut wish = Wish { count: 1000, seed: 1, seconds: 300, jobs: 2, gate, show: false };
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
            "--gate" => wish.gate = value.into(),
            _ => return Err(format!("unknown flag {flag}: --count --seed --seconds --jobs --gate --show")),
        }
    }
    // Each scene has a folder of its own, from which a relative path would lead elsewhere.
    match std::path::absolute(&wish.gate) {
        Ok(gate) if gate.is_file() => Ok(Wish { gate, ..wish }),
        _ => Err(format!("there is no program {}: build it, or name it with --gate", wish.gate.display())),
    }
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
    if tally.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
