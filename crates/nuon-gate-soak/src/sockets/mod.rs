//! The real program in quick worlds over real sockets, judged by the oracle, and by what only a program can show.

mod check;
mod result;
mod run;
mod signals;
mod start;
mod tally;

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

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
    /// Whether what has a finding is told of, or one run alone: its world, and all that was asked, answered and written.
    pub show: bool,
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
                    let run = run::run(seed, &wish.gate);
                    // A thread that panicked has lost its own run only.
                    let mut tally = tally.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    tally.take(seed, run, |found| wish.show && (found || wish.count == 1));
                }
            });
        }
    });
    let mut tally = tally.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    tally.took = began.elapsed();
    tally
}
