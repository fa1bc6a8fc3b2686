//! The real program in quick worlds over real sockets, judged by the oracle, and by what only a program can show.

mod check;
mod result;
mod run;
mod signals;
mod start;
mod tally;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use self::run::Run;
pub use self::tally::Tally;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Wish {
    /// How many runs, at most.
    pub count: u64,
    /// The seed of the first.
    pub seed: u64,
    /// For how long runs are begun.
    pub seconds: u64,
    /// How many at once.
    pub jobs: u64,
    /// The program.
    pub gate: PathBuf,
    /// Whether to print the world and the transcript of a run with a finding, or of a single run.
    pub show: bool,
}

/// A run, and what is to be said of it.
struct Try {
    run: Option<Run>,
    verdict: String,
    found: Vec<String>,
}

/// Runs the program in one world after another.
#[expect(clippy::disallowed_methods, reason = "the harness is bounded by the real clock")]
pub fn soak(wish: &Wish) -> Tally {
    let began = Instant::now();
    let end = began + Duration::from_secs(wish.seconds);
    let (next, tally) = (AtomicU64::new(0), Mutex::new(Tally::default()));
    std::thread::scope(|scope| {
        for _ in 0..wish.jobs {
            scope.spawn(|| {
                while Instant::now() < end {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= wish.count {
                        break;
                    }
                    let seed = wish.seed.wrapping_add(index);
                    let tries = tries(seed, &wish.gate);
                    // A thread that panicked has lost its own run only.
                    let mut tally = tally.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    tally.take(seed, tries, |found| wish.show && (found || wish.count == 1));
                }
            });
        }
    });
    let mut tally = tally.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    tally.took = began.elapsed();
    tally
}

/// Runs the program in a world; where something is found, again until it is found once more, thrice in all.
///
/// A machine that stands still for some milliseconds tears a poll's requests apart, which is no fault of the program's.
fn tries(seed: u64, gate: &Path) -> Vec<Try> {
    let mut tries: Vec<Try> = Vec::new();
    loop {
        let run = run::run(seed, gate);
        let (verdict, found) = match &run {
            Ok(run) => check::check(run),
            Err(error) => ("none".to_owned(), vec![format!("the harness could not run it: {error}")]),
        };
        tries.push(Try { run: run.ok(), verdict, found });
        let bad = tries.iter().filter(|own| !own.found.is_empty()).count();
        if bad != 1 || tries.len() == 3 {
            return tries;
        }
    }
}
