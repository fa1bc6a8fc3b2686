//! What comes before the watch: reading files, and running the command that triggers the deploys.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use nuon_gate_core::api::Client;
use nuon_gate_core::cause::Cause;
use nuon_gate_core::conclude::Deadline;
use nuon_gate_core::pins::Pins;
use nuon_gate_core::report::Report;
use nuon_gate_core::watch::{Clocks, Mode, Scope, Watch, WatchSettings};
use nuon_gate_core::{Clock, Signal, Target, Targets};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use super::now;
use crate::arguments::PinArguments;
use crate::marks::After;
use crate::reader::{Limit, Reader};
use crate::targets::TargetSettings;
use crate::trigger::Trigger;
use crate::trouble::Trouble;
use crate::words;

/// A run before its watch. The timeouts count, and signals are handled.
pub(super) struct Opening {
    reader: Reader,
    clocks: Clocks,
    mode: Mode,
    /// The time that counts against the timeouts, which run while files are read.
    spent: Duration,
    pub(super) started_at: Timestamp,
    pub(super) signals: UnboundedReceiver<Signal>,
    pub(super) deadline: Deadline,
}

/// Why there is nothing to wait for.
pub(super) struct NotBegun {
    /// The targets, as far as they are known.
    targets: Vec<Target>,
    trouble: Trouble,
}

impl From<Trouble> for NotBegun {
    fn from(trouble: Trouble) -> Self {
        Self { targets: Vec::new(), trouble }
    }
}

impl NotBegun {
    /// Reports that none of the targets was waited for. A mistake of the user has no report.
    pub(super) fn report(self, started_at: Timestamp, now: Timestamp) -> Result<Report, Trouble> {
        let Self { targets, trouble } = self;
        let Some(verdict) = trouble.verdict() else { return Err(trouble) };
        let (why, hint) = trouble.into_parts();
        Ok(Report::not_begun(&targets, verdict, Cause::NotBegun { why, hint }, started_at, now))
    }

    /// Uses these targets if none are known yet.
    fn or_of(self, known: Vec<Target>) -> Self {
        Self { targets: if self.targets.is_empty() { known } else { self.targets }, ..self }
    }
}

impl Opening {
    pub(super) fn new(clocks: Clocks, mode: Mode, signals: UnboundedReceiver<Signal>) -> Self {
        Self {
            reader: Reader::default(),
            clocks,
            mode,
            spent: Duration::ZERO,
            started_at: now(),
            signals,
            deadline: Deadline::default(),
        }
    }

    /// Reads something, unless a signal comes or a timeout expires.
    pub(super) async fn reading<T>(
        &mut self,
        read: impl AsyncFnOnce(&Reader) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let (limit, begun) = (self.limit(), Instant::now());
        let reading = self.reader.within(limit, read(&self.reader));
        let (read, signal) = self.deadline.race(reading, &mut self.signals, Duration::ZERO).await;
        self.spent += begun.elapsed();
        match (read, signal) {
            (Some(read), None) => read,
            (_, Some(signal)) => Err(self.reader.interrupted(signal)),
            // A race without a result was never run.
            (None, None) => Err(Trouble::new("nothing could be read")),
        }
    }

    /// Returns when the timeouts started.
    pub(super) fn began(&self) -> Instant {
        let now = Instant::now();
        now.checked_sub(self.spent).unwrap_or(now)
    }

    /// Returns the time limit for reading: until it is done, there is no deploy either.
    fn limit(&self) -> Limit {
        if self.mode == Mode::Once {
            return Limit::of_files();
        }
        let Clocks { total, start, .. } = self.clocks;
        let (clock, length) = match start.filter(|start| *start < total) {
            Some(start) => (Clock::Start, start),
            None => (Clock::Total, total),
        };
        Limit::of_clock(clock, length, length.saturating_sub(self.spent))
    }

    /// Reads the inputs, runs the command that triggers deploys if there is one, and creates the watch.
    pub(super) async fn begin(
        &mut self,
        trigger: Option<Trigger>,
        client: &Client,
        targets: TargetSettings,
        mut pins: PinArguments,
        watch: WatchSettings,
    ) -> Result<Watch, NotBegun> {
        let mut targets = self.reading(async |reader| targets.read(reader).await).await?;
        if let Some(trigger) = trigger {
            let known = targets.known();
            let triggered = self.trigger(trigger, client, targets, &watch).await;
            let (marked, after) = triggered.map_err(|not_begun| not_begun.or_of(known))?;
            (targets, pins.after) = (TargetSettings::Known(marked), Some(after));
            self.spent = Duration::ZERO;
        }
        let pinning = self.reading(async |reader| pins.pinning(&targets, reader).await).await;
        let pinning = pinning.map_err(|trouble| NotBegun { targets: targets.known(), trouble })?;
        let scope = targets.scope(&pinning.shared)?;
        self.started_at =
            now().saturating_sub(SignedDuration::try_from(self.spent).unwrap_or_default()).unwrap_or_default();
        Ok(Watch::new(watch, scope, pinning, self.started_at).map_err(|error| words::invalid(&error))?)
    }

    /// Marks the newest deploys, and runs the command if these targets can be waited for.
    async fn trigger(
        &mut self,
        trigger: Trigger,
        client: &Client,
        targets: TargetSettings,
        watch: &WatchSettings,
    ) -> Result<(Targets, After), NotBegun> {
        let (signals, deadline) = (&mut self.signals, &mut self.deadline);
        let (targets, marks) = trigger.mark(client, targets, signals, deadline).await?;
        let scope = Scope::Targets(targets.clone());
        Watch::new(watch.clone(), scope, Pins::default(), self.started_at).map_err(|error| words::invalid(&error))?;
        match trigger.run(signals, deadline).await {
            Ok(()) => Ok((targets, After::Marks(marks))),
            Err(trouble) => Err(NotBegun { targets: targets.as_slice().to_vec(), trouble }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_time_of_the_clocks_or_else_five_minutes() {
        let (hour, minute) = (Duration::from_secs(3600), Duration::from_secs(60));
        let clocks = |start| Clocks { total: hour, start, stall: None, approval: None, queue: None, outage: None };
        let opening = |start, mode| Opening::new(clocks(start), mode, tokio::sync::mpsc::unbounded_channel().1);
        for (start, mode, left) in
            [(None, Mode::Wait, hour), (Some(minute), Mode::Wait, minute), (None, Mode::Once, Duration::from_secs(300))]
        {
            assert_eq!(opening(start, mode).limit().left(), left, "{start:?} {mode:?}");
        }
    }
}
