//! Holds the watch to its promises over a million generated scenes, in virtual time.
//!
//! `cargo run --release -p nuon-gate-core --example million -- --count 1000000 --seed 1 --seconds 300 --jobs 2`
//!
//! Each scene has a seed of its own, so that a failing one is repeated by `--seed N --count 1`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a harness reports on stdout, and fails where it cannot go on"
)]
#![expect(clippy::disallowed_methods, reason = "the harness is bounded by the real clock; the watch sees none")]

#[path = "../tests/promises/mod.rs"]
mod promises;
#[path = "../tests/virtual_time/mod.rs"]
mod virtual_time;

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use promises::{all_are_kept, scenes};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// What is asked for on the command line.
struct Wish {
    count: u64,
    seed: u64,
    seconds: u64,
    jobs: u64,
}

fn wish() -> Wish {
    let mut wish = Wish { count: 1_000_000, seed: 1, seconds: 300, jobs: 2 };
    let mut arguments = std::env::args().skip(1);
    while let Some(flag) = arguments.next() {
        let value = arguments.next().and_then(|value| value.parse().ok());
        let value = value.unwrap_or_else(|| panic!("{flag} needs a number"));
        match flag.as_str() {
            "--count" => wish.count = value,
            "--seed" => wish.seed = value,
            "--seconds" => wish.seconds = value,
            "--jobs" => wish.jobs = value.max(1),
            other => panic!("unknown flag {other}: there are --count, --seed, --seconds and --jobs"),
        }
    }
    wish
}

/// Plays the scene of a seed; returns what is wrong with it.
fn trouble(seed: u64) -> Option<String> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config { failure_persistence: None, ..Config::default() }, rng);
    let scene = scenes().new_tree(&mut runner).unwrap().current();
    let kept = std::panic::catch_unwind(|| all_are_kept(&scene));
    match kept {
        Ok(Ok(())) => None,
        Ok(Err(broken)) => Some(broken.to_string()),
        Err(_) => Some("panicked".to_owned()),
    }
}

fn main() -> ExitCode {
    let Wish { count, seed, seconds, jobs } = wish();
    let began = Instant::now();
    let end = began + Duration::from_secs(seconds);
    let (next, played, broken) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while Instant::now() < end {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        break;
                    }
                    let seed = seed.wrapping_add(index);
                    if let Some(trouble) = trouble(seed) {
                        broken.fetch_add(1, Ordering::Relaxed);
                        println!("seed {seed}: {trouble}");
                        println!(
                            "  cargo run --release -p nuon-gate-core --example million -- --count 1 --seed {seed}"
                        );
                    }
                    played.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let (played, broken) = (played.into_inner(), broken.into_inner());
    println!("{played} scenes from seed {seed} in {:.0?}, {broken} with a broken promise", began.elapsed());
    if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
