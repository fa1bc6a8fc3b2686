//! What all runs come to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::time::Duration;

use super::check::{Wrong, check};
use super::run::Outcome;
use super::scene::Scene;

/// The most failing scenes that are told of.
const TOLD: usize = 20;

/// Runs of one kind.
#[derive(Debug, Default)]
struct Row {
    runs: u64,
    wrong: BTreeMap<Wrong, u64>,
    /// The runs that ended with each code.
    codes: BTreeMap<i32, u64>,
}

/// What all runs come to.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    kinds: BTreeMap<&'static str, Row>,
    faults: BTreeMap<&'static str, Row>,
    all: Row,
    failing: Vec<String>,
    broken: u64,
    requests: usize,
    /// The most memory that a run had, in KiB, and its seed.
    peak: (u64, u64),
    /// The longest that a run went on after its deadline, in milliseconds.
    overrun: u64,
    /// The longest run, in milliseconds, and its seed.
    longest: (u64, u64),
    pub(crate) took: Duration,
}

impl Tally {
    /// Takes in a run.
    #[expect(clippy::print_stdout, reason = "what is asked to be shown")]
    pub(crate) fn take(&mut self, scene: &Scene, outcome: io::Result<Outcome>, show: bool) {
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => {
                self.broken += 1;
                return self.fail(scene, &format!("the harness could not run it: {error}"));
            }
        };
        if show {
            println!("exit {:?} after {:?}\n{}", outcome.ended.code, outcome.ended.took, outcome.written);
        }
        let wrong = check(scene, &outcome);
        for (_, what) in &wrong {
            self.fail(scene, what);
        }
        self.all.take(&outcome, &wrong);
        self.kinds.entry(scene.kind).or_default().take(&outcome, &wrong);
        let signal = scene.signal.filter(|_| outcome.signals.first.is_some()).map(|plan| plan.signal.name);
        for name in scene.trouble.names.iter().copied().chain(signal).collect::<BTreeSet<_>>() {
            self.faults.entry(name).or_default().take(&outcome, &wrong);
        }
        self.requests += outcome.requests;
        self.peak = self.peak.max((outcome.ended.peak, scene.seed));
        let took = u64::try_from(outcome.ended.took.as_millis()).unwrap_or(u64::MAX);
        self.longest = self.longest.max((took, scene.seed));
        self.overrun = self.overrun.max(took.saturating_sub(scene.expected.total));
    }

    fn fail(&mut self, scene: &Scene, what: &str) {
        let Scene { seed, kind, trouble, .. } = scene;
        self.failing.push(format!("seed {seed} ({kind}; {}): {what}", trouble.names.join(", ")));
        self.failing
            .push(format!("  cargo run --release -p nuon-gate-sim --bin soak -- --count 1 --seed {seed} --show"));
    }

    /// Returns how many scenes were played.
    pub(crate) fn runs(&self) -> u64 {
        self.all.runs
    }

    /// Tells whether nothing went wrong.
    pub(crate) fn is_clean(&self) -> bool {
        self.all.wrong.is_empty() && self.broken == 0
    }
}

impl Row {
    fn take(&mut self, outcome: &Outcome, wrong: &[(Wrong, String)]) {
        self.runs += 1;
        for (wrong, _) in wrong {
            *self.wrong.entry(*wrong).or_default() += 1;
        }
        *self.codes.entry(outcome.ended.code.unwrap_or(-1)).or_default() += 1;
    }

    fn count(&self, wrong: Wrong) -> u64 {
        self.wrong.get(&wrong).copied().unwrap_or(0)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
        write!(f, "{name:<34}{:>7}", self.runs)?;
        for wrong in Wrong::ALL {
            write!(f, "{:>6}", self.count(wrong))?;
        }
        let codes: Vec<String> = self.codes.iter().map(|(code, runs)| format!("{code}: {runs}")).collect();
        writeln!(f, "   {}", codes.join(", "))
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.failing.iter().take(2 * TOLD) {
            writeln!(f, "{line}")?;
        }
        let left_out = self.failing.len().saturating_sub(2 * TOLD) / 2;
        if left_out > 0 {
            writeln!(f, "… and {left_out} more")?;
        }
        writeln!(
            f,
            "\n{:<34}{:>7}{:>6}{:>6}{:>6}{:>6}{:>6}   exit codes",
            "", "runs", "wrong", "late", "panic", "leak", "shape"
        )?;
        for (name, row) in self.kinds.iter().chain(&self.faults) {
            row.write(f, name)?;
        }
        self.all.write(f, "all")?;
        writeln!(f)?;
        for wrong in Wrong::ALL {
            writeln!(f, "{:<34}{:>7}", wrong.name(), self.all.count(wrong))?;
        }
        writeln!(f, "{:<34}{:>7} ms", "longest after the total clock", self.overrun)?;
        writeln!(f, "{:<34}{:>7} ms, seed {}", "longest run", self.longest.0, self.longest.1)?;
        writeln!(f, "{:<34}{:>7} KiB, seed {}", "most memory of a run", self.peak.0, self.peak.1)?;
        write!(f, "{} runs, {} requests, {:.0?}", self.runs(), self.requests, self.took)
    }
}
