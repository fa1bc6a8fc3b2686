//! Runs the real program in fast worlds over real sockets. The oracle judges the runs; further checks look at the
//! process.

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

/// The speed of the first run in a world, compared with an ordinary one: polls are tens of milliseconds apart.
const QUICK: u32 = 100;

/// The speed of a run that checks a finding. It runs alone, and its polls are hundreds of milliseconds apart.
const CHECKING: u32 = 10;

/// The options of a soak.
#[derive(Debug, Clone)]
pub struct Options {
    /// The most runs.
    pub count: u64,
    /// The seed of the first run.
    pub seed: u64,
    /// For how many seconds new runs start.
    pub seconds: u64,
    /// How many runs at once.
    pub jobs: u64,
    /// The program.
    pub gate: PathBuf,
    /// Whether to print the world and the transcript of a run with a finding, or of a single run.
    pub show: bool,
}

/// A run, its verdict and its findings.
struct Try {
    run: Option<Run>,
    verdict: String,
    found: Vec<String>,
}

/// Runs the program in one world after another.
#[expect(clippy::disallowed_methods, reason = "the harness is bounded by the real clock")]
pub fn soak(options: &Options) -> Tally {
    let began = Instant::now();
    let end = began + Duration::from_secs(options.seconds);
    let (next, tally) = (AtomicU64::new(0), Mutex::new(Tally::default()));
    let alone = RwLock::new(());
    std::thread::scope(|scope| {
        for _ in 0..options.jobs {
            scope.spawn(|| {
                while Instant::now() < end {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= options.count {
                        break;
                    }
                    let seed = options.seed.wrapping_add(index);
                    let tries = tries(seed, &options.gate, &alone);
                    // A thread that panicked has only lost its own run.
                    let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
                    tally.take(seed, tries, |found| options.show && (found || options.count == 1));
                }
            });
        }
    });
    let mut tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    tally.took = began.elapsed();
    tally
}

/// Runs the program in a world. Repeats a run with a finding until the finding recurs, up to three runs in all.
///
/// A machine that stalls for some milliseconds separates the requests of a fast poll, which is not the program's fault.
/// A slower run only breaks at a stall of a tenth of a second, and a run alone on the machine stalls less often.
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
