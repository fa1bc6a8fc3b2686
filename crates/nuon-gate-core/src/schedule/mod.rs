//! When to poll again.

mod backoff;
mod forecast;

use std::time::Duration;

use self::backoff::Growth;
pub(crate) use self::forecast::Forecast;

/// The growth factor of the delays, without errors.
const FACTOR: f64 = 1.5;

/// The interval between two polls of the same deploy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intervals {
    min: Duration,
    max: Duration,
}

/// Two to ten seconds.
impl Default for Intervals {
    fn default() -> Self {
        Self { min: Duration::from_secs(2), max: Duration::from_secs(10) }
    }
}

/// Why two durations are not valid bounds of an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidIntervals {
    /// A minimum of zero would poll without pause.
    #[error("the minimum interval must be at least 1ms")]
    TooShort,
    /// The minimum is above the maximum.
    #[error("the minimum interval is longer than the maximum interval")]
    Inverted,
}

impl Intervals {
    /// Creates intervals that start at `min` and grow to `max`.
    ///
    /// # Errors
    ///
    /// If `min` is under a millisecond, or above `max`.
    pub fn new(min: Duration, max: Duration) -> Result<Self, InvalidIntervals> {
        if min < Duration::from_millis(1) {
            return Err(InvalidIntervals::TooShort);
        }
        if min > max {
            return Err(InvalidIntervals::Inverted);
        }
        Ok(Self { min, max })
    }

    /// Returns the shortest interval.
    pub fn min(self) -> Duration {
        self.min
    }

    /// Returns the longest interval.
    pub fn max(self) -> Duration {
        self.max
    }
}

/// The outcome of a poll, as far as it matters for the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Observed {
    /// A change: more may follow soon.
    Change,
    /// No change.
    Nothing,
    /// No good answer.
    Trouble,
}

/// The delays between the polls of one target: one growing series without errors, which starts over at every change,
/// and one for errors, which starts over at every good answer.
#[derive(Debug)]
pub(crate) struct Schedule {
    intervals: Intervals,
    quiet: Growth,
    trouble: Growth,
    random: fastrand::Rng,
}

impl Schedule {
    pub(crate) fn new(intervals: Intervals, seed: u64) -> Self {
        let Intervals { min, max } = intervals;
        Self {
            intervals,
            quiet: Growth::new(min, max, FACTOR),
            trouble: Growth::new(min, max, 2.0),
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// Returns the shortest possible delay.
    pub(crate) fn shortest(&self) -> Duration {
        self.intervals.min
    }

    /// Returns how long to wait until the next poll: never less than the minimum, never more than the maximum.
    pub(crate) fn after(&mut self, found: Observed) -> Duration {
        let delay = match found {
            Observed::Change => {
                self.quiet.reset();
                self.trouble.reset();
                self.quiet.advance()
            }
            Observed::Nothing => {
                self.trouble.reset();
                self.quiet.advance()
            }
            Observed::Trouble => self.trouble.advance(),
        };
        // Up to a twentieth is subtracted at random, so that many gates that started together drift apart.
        let jitter = 0.95 + 0.05 * self.random.f64();
        delay.mul_f64(jitter).clamp(self.intervals.min, self.intervals.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn delays(schedule: &mut Schedule, found: Observed, count: usize) -> Vec<u128> {
        (0..count).map(|_| schedule.after(found).as_millis()).collect()
    }

    #[test]
    fn delays_grow_within_the_bounds_and_start_over() {
        let intervals = Intervals::new(2000 * MS, 10_000 * MS).unwrap();
        let mut schedule = Schedule::new(intervals, 7);
        let full = [2000, 3000, 4500, 6750, 10_000, 10_000];
        for (delay, full) in delays(&mut schedule, Observed::Nothing, 6).into_iter().zip(full) {
            assert!((full * 95 / 100).max(2000) <= delay && delay <= full, "{delay} of {full}");
        }
        assert_eq!(schedule.after(Observed::Change), 2000 * MS, "a change starts over");
        let trouble = delays(&mut schedule, Observed::Trouble, 4);
        for (delay, full) in trouble.into_iter().zip([2000, 4000, 8000, 10_000]) {
            assert!((full * 95 / 100).max(2000) <= delay && delay <= full, "{delay} of {full}");
        }
        assert!(schedule.after(Observed::Nothing) <= 3000 * MS, "trouble does not slow the quiet series");
        assert_eq!(schedule.after(Observed::Trouble), 2000 * MS, "a good answer ends the trouble");
    }

    #[test]
    fn the_same_seed_gives_the_same_delays() {
        let intervals = Intervals::new(100 * MS, 60_000 * MS).unwrap();
        let series = |seed| delays(&mut Schedule::new(intervals, seed), Observed::Nothing, 20);
        assert_eq!(series(1), series(1));
        assert_ne!(series(1), series(2));
    }

    #[test]
    fn a_day_of_errors_does_not_end_the_backoff() {
        let mut schedule = Schedule::new(Intervals::new(MS, 5 * MS).unwrap(), 1);
        assert!(delays(&mut schedule, Observed::Trouble, 100_000).into_iter().all(|delay| (1..=5).contains(&delay)));
    }

    #[test]
    fn bounds_are_checked() {
        assert_eq!(Intervals::new(Duration::ZERO, MS), Err(InvalidIntervals::TooShort));
        assert_eq!(Intervals::new(2 * MS, MS), Err(InvalidIntervals::Inverted));
        assert!(Intervals::new(MS, MS).is_ok());
    }
}
