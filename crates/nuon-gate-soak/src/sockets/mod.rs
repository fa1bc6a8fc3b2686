//! The real program in quick worlds over real sockets, judged by the oracle, and by what only a program can show.

mod check;
mod result;
mod run;
mod signals;
mod start;
mod tally;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use self::run::Run;
pub use self::tally::Tally;

/// How many times as quick as usual the first run in a world is: polls are tens of milliseconds apart.
const QUICK: u32 = 100;

/// How many times as quick a run is that checks a finding. It runs alone, and its polls are hundreds of milliseconds apart.
const CHECKING: u32 = 10;

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
    let alone = RwLock::new(());
    std::thread::scope(|scope| {
        for _ in 0..wish.jobs {
            scope.spawn(|| {
                while Instant::now() < end {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= wish.count {
                        break;
                    }
                    let seed = wish.seed.wrapping_add(index);
                    let tries = tries(seed, &wish.gate, &alone);
                    // A thread that panicked has lost its own run only.
                    let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
                    tally.take(seed, tries, |found| wish.show && (found || wish.count == 1));
                }
            });
        }
    });
    let mut tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    tally.took = began.elapsed();
    tally
}

/// Runs the program in a world; where something is found, again until it is found once more, thrice in all.
///
/// A machine that stalls for some milliseconds tears a quick poll's requests apart, which is no fault of the program's: it
/// takes a tenth of a second to do so where the run is slower, and fewer things stall one that has the machine to itself.
fn tries(seed: u64, gate: &Path, alone: &RwLock<()>) -> Vec<Try> {
    let mut tries: Vec<Try> = Vec::new();
    loop {
        let run = if tries.is_empty() {
            let _beside_others = alone.read().unwrap_or_else(PoisonError::into_inner);
            run::run(seed, gate, QUICK)
        } else {
            let _alone = alone.write().unwrap_or_else(PoisonError::into_inner);
            run::run(seed, gate, CHECKING)
        };
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
