//! Checks the watch's promises in a million generated worlds, in virtual time.
//!
//! `cargo run --release -p nuon-gate-core --example million -- --count 1000000 --seed 1 --seconds 600 --jobs 2`
//!
//! Each world has its own seed, so `--seed N --count 1` repeats and describes a failing one.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a harness reports on stdout, and fails where it cannot go on"
)]
#![expect(clippy::disallowed_methods, reason = "the harness is bounded by the real clock; the watch sees none")]

#[path = "../tests/core/promises/mod.rs"]
mod promises;

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use promises::{broken, described};

/// The options of the command line.
struct Limits {
    count: u64,
    seed: u64,
    seconds: u64,
    jobs: u64,
}

fn limits() -> Limits {
    let mut limits = Limits { count: 1_000_000, seed: 1, seconds: 300, jobs: 2 };
    let mut arguments = std::env::args().skip(1);
    while let Some(flag) = arguments.next() {
        let value = arguments.next().and_then(|value| value.parse().ok());
        let value = value.unwrap_or_else(|| panic!("{flag} needs a number"));
        match flag.as_str() {
            "--count" => limits.count = value,
            "--seed" => limits.seed = value,
            "--seconds" => limits.seconds = value,
            "--jobs" => limits.jobs = value.max(1),
            other => panic!("unknown flag {other}: there are --count, --seed, --seconds and --jobs"),
        }
    }
    limits
}

/// Plays the world of a seed. Returns what is wrong with it.
fn findings(seed: u64) -> Vec<String> {
    std::panic::catch_unwind(|| broken(seed)).unwrap_or_else(|_| vec!["panicked".to_owned()])
}

fn main() -> ExitCode {
    let Limits { count, seed, seconds, jobs } = limits();
    let began = Instant::now();
    let end = began + Duration::from_secs(seconds);
    let (next, played, found) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while Instant::now() < end {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        break;
                    }
                    let seed = seed.wrapping_add(index);
                    let findings = findings(seed);
                    if !findings.is_empty() {
                        found.fetch_add(1, Ordering::Relaxed);
                        println!("seed {seed}: {}", findings.join("; "));
                    }
                    played.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    if count == 1 {
        println!("{}", described(seed));
    }
    let (played, found) = (played.into_inner(), found.into_inner());
    println!("{played} worlds from seed {seed} in {:.0?}, {found} with a finding", began.elapsed());
    if found == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
