//! The totals of all runs.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::Try;
use super::run::Run;
use super::start::arguments;

/// The totals of all runs.
#[derive(Debug, Default)]
pub struct Tally {
    runs: u64,
    requests: usize,
    verdicts: BTreeMap<String, u64>,
    /// How often each kind of event and fault was in the world.
    kinds: BTreeMap<&'static str, u64>,
    findings: Vec<String>,
    /// Findings that did not recur.
    once: Vec<String>,
    /// The longest run, and its seed.
    longest: (Duration, u64),
    /// The duration of the whole soak.
    pub(super) took: Duration,
}

impl Tally {
    /// Adds the runs of one world. Prints those for which `shows` is true, given whether there was a finding.
    pub(super) fn take(&mut self, seed: u64, tries: Vec<Try>, shows: impl Fn(bool) -> bool) {
        self.runs += 1;
        let came_again = tries.iter().filter(|own| !own.found.is_empty()).count() > 1;
        let list = if came_again { &mut self.findings } else { &mut self.once };
        for Try { run, verdict, found } in tries {
            list.extend(found.iter().map(|text| format!("seed {seed} ({verdict}): {text}")));
            let Some(run) = run else { continue };
            if shows(!found.is_empty()) {
                show(&run);
            }
            *self.verdicts.entry(verdict).or_default() += 1;
            for kind in run.world.kinds() {
                *self.kinds.entry(kind).or_default() += 1;
            }
            self.requests += run.transcript.len();
            self.longest = self.longest.max((run.ended.took, seed));
        }
    }

    /// Returns the number of worlds.
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// Returns the findings that recurred, each with its seed.
    pub fn findings(&self) -> &[String] {
        &self.findings
    }
}

/// Prints a run for a person.
#[expect(clippy::print_stdout, reason = "what is asked to be shown")]
fn show(run: &Run) {
    println!("{}\n\nnuon-gate wait {}\n", run.world.describe(), arguments(run.world.question()).join(" "));
    run.transcript.iter().for_each(|exchange| println!("{exchange}"));
    println!("\n{}\n{}\nexit {:?} after {:?}", run.stderr, run.stdout, run.ended.code, run.ended.took);
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (longest, seed) = self.longest;
        writeln!(f, "{} worlds with {} requests in {:.0?}", self.runs, self.requests, self.took)?;
        writeln!(f, "the longest took {} ms: seed {seed}", longest.as_millis())?;
        for (verdict, runs) in &self.verdicts {
            writeln!(f, "| {verdict} | {runs} |")?;
        }
        let kinds: Vec<String> = self.kinds.iter().map(|(kind, runs)| format!("{kind} {runs}")).collect();
        writeln!(f, "in their worlds: {}", kinds.join(", "))?;
        self.once.iter().try_for_each(|finding| writeln!(f, "not again: {finding}"))?;
        self.findings.iter().try_for_each(|finding| writeln!(f, "{finding}"))?;
        write!(f, "{} findings, and {} that did not come again", self.findings.len(), self.once.len())
    }
}
