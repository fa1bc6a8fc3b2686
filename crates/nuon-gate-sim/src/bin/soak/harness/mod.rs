//! The soak: random scenes, the real program in each, and what must not happen.

mod check;
mod child;
mod oracle;
mod run;
mod scene;
mod signal;
mod story;
mod tally;
mod told;
mod trouble;

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use self::scene::Scene;
pub(crate) use self::tally::Tally;

/// What is asked for.
pub(crate) struct Wish {
    /// How many scenes, at most.
    pub(crate) count: u64,
    /// The seed of the first.
    pub(crate) seed: u64,
    /// For how long scenes are begun.
    pub(crate) seconds: u64,
    /// How many at once.
    pub(crate) jobs: u64,
    /// The program.
    pub(crate) gate: PathBuf,
    /// Whether each scene is printed, and all that the program wrote.
    pub(crate) show: bool,
}

/// Plays the scenes.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "the harness is bounded by the real clock, and shows what is asked for"
)]
pub(crate) fn soak(wish: &Wish) -> Tally {
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
                    let scene = Scene::of(wish.seed.wrapping_add(index));
                    if wish.show {
                        println!("{}\nnuon-gate wait {}", scene.script, scene.arguments.join(" "));
                    }
                    let outcome = run::run(&scene, &wish.gate);
                    // A thread that panicked has lost its own scene only.
                    let mut tally = tally.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    tally.take(&scene, outcome, wish.show);
                }
            });
        }
    });
    let mut tally = tally.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    tally.took = began.elapsed();
    tally
}
