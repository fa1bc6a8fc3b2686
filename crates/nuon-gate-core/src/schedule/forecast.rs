//! When a deploy is likely to end, by the durations of earlier ones, and how often to poll around that time.
//!
//! The best rate of polls is known: it grows with the square root of the chance that the end is now, if it has not come
//! before (Keller, "Optimum checking schedules for systems subject to random failure", 1974). The polls that this adds
//! to the backoff are limited in advance, so that a misleading history costs little, and none of the backoff's polls
//! are dropped.

use std::f64::consts::PI;
use std::time::Duration;

use super::{FACTOR, Intervals};

/// The share of polls to add to those expected without a history, minus the request for the history itself, which
/// counts as a part of a poll. As a poll is often one request, and a wait has further requests, that is at most a fifth
/// of its requests.
const ADDED: f64 = 0.24;
const HISTORY: f64 = 0.7;
/// The number of points in time for which the forecast is computed in advance. Their distances grow by a constant
/// factor.
const POINTS: u32 = 96;
/// The precision of a gap.
const PARTS: u32 = 32;
/// The assumed spread of durations (of their logarithms), as if this many deploys had shown it.
const USUAL_SPREAD: f64 = 0.35;
const USUAL_COUNT: f64 = 2.0;
/// The lowest uncertainty of a duration (in logarithms), however similar earlier deploys were.
const NARROWEST: f64 = 0.08;

/// The best number of polls a second, by how long a deploy has been worked on.
#[derive(Debug)]
pub(crate) struct Forecast {
    shortest: Duration,
    /// The first point in seconds, and the factor between two points.
    first: f64,
    ratio: f64,
    density: Vec<f64>,
}

impl Forecast {
    /// Creates the forecast from the durations of earlier deploys; `None` if there are none, or if polls are always at
    /// the shortest interval.
    pub(crate) fn new(durations: &[Duration], intervals: Intervals) -> Option<Self> {
        let earlier = Earlier::new(durations)?;
        let Intervals { min, max } = intervals;
        let (least, most) = (earlier.seconds.first()? / 4.0, earlier.seconds.last()? * 3.0);
        let ratio = (most / least).powf(1.0 / f64::from(POINTS - 1));
        let times: Vec<f64> = (0..POINTS).map(|point| least * ratio.powf(f64::from(point))).collect();
        let usual = Usual { min: min.as_secs_f64(), max: max.as_secs_f64() };
        let points: Vec<Point> = times.iter().map(|time| earlier.at(*time, usual.density_at(*time))).collect();
        let fastest = 1.0 / min.as_secs_f64();
        let wanted = |worth: f64, point: &Point| (worth * point.urgency).min(fastest);
        // The expected number of polls until the end: without a history, and in addition to those.
        let spans = || points.iter().skip(1).zip(times.windows(2));
        let without: f64 =
            spans().map(|(point, span)| point.goes_on * (usual.polls(span[1]) - usual.polls(span[0]))).sum();
        let added = |worth: f64| -> f64 {
            let more = |point: &Point| (wanted(worth, point) - point.usual).max(0.0);
            spans().map(|(point, span)| more(point) * point.goes_on * (span[1] - span[0])).sum()
        };
        let allowed = ADDED * (usual.polls(least) + without) - HISTORY;
        let (mut low, mut high) = (0.0, 1e3);
        for _ in 0..40 {
            let worth = f64::midpoint(low, high);
            if added(worth) > allowed { high = worth } else { low = worth }
        }
        let density = points.iter().map(|point| wanted(low, point)).collect();
        (min < max).then_some(Self { shortest: min, first: least, ratio, density })
    }

    /// Returns the time until the next poll, for a deploy that has been worked on for this long: at least the shortest
    /// interval, at most `longest`.
    pub(crate) fn gap(&self, worked: Duration, longest: Duration) -> Duration {
        let usual = 1.0 / longest.as_secs_f64();
        let part = longest / PARTS;
        let mut due = 0.0;
        for parts in 0..PARTS {
            due += self.density_at(worked + part * parts).max(usual) * part.as_secs_f64();
            if due >= 1.0 {
                return (part * (parts + 1)).max(self.shortest).min(longest);
            }
        }
        longest
    }

    fn density_at(&self, worked: Duration) -> f64 {
        let point = (worked.as_secs_f64() / self.first).ln() / self.ratio.ln();
        // Before the first point no deploy ends, and after the last one nothing is known.
        if point < 0.0 { 0.0 } else { self.density.get(point as usize).copied().unwrap_or(0.0) }
    }
}

/// The polls of the backoff, in seconds.
struct Usual {
    min: f64,
    max: f64,
}

impl Usual {
    /// Returns the number of polls a second at a time.
    fn density_at(&self, time: f64) -> f64 {
        1.0 / (self.min + time * (FACTOR - 1.0)).min(self.max)
    }

    /// Returns the number of polls up to a time.
    fn polls(&self, time: f64) -> f64 {
        let growing = time.min((self.max - self.min) / (FACTOR - 1.0));
        (1.0 + growing * (FACTOR - 1.0) / self.min).ln() / FACTOR.ln() + (time - growing) / self.max
    }
}

/// What is known of one point in time.
struct Point {
    /// The probability that a deploy like the earlier ones is still going on.
    goes_on: f64,
    /// The square root of the probability, per second, that it ends now, if it has not ended before.
    urgency: f64,
    /// The polls a second of the backoff.
    usual: f64,
}

/// The durations of earlier deploys, shortest first, and how exactly they are known.
struct Earlier {
    seconds: Vec<f64>,
    steepness: f64,
    /// The probability that this deploy is unlike them.
    other: f64,
}

impl Earlier {
    fn new(durations: &[Duration]) -> Option<Self> {
        let mut seconds: Vec<f64> = durations.iter().map(Duration::as_secs_f64).filter(|took| *took > 0.0).collect();
        seconds.sort_unstable_by(f64::total_cmp);
        let median = seconds.get(seconds.len() / 2)?.ln();
        let count = seconds.len() as f64;
        let squares: f64 = seconds.iter().map(|took| (took.ln() - median).powi(2)).sum();
        let variance = (USUAL_COUNT * USUAL_SPREAD.powi(2) + squares) / (USUAL_COUNT + count - 1.0);
        let width = (0.8 * variance.sqrt() * count.powf(-0.2)).max(NARROWEST);
        Some(Self { seconds, steepness: PI / (3.0_f64.sqrt() * width), other: 2.0 / (2.0 + count) })
    }

    fn at(&self, time: f64, usual: f64) -> Point {
        let (mut goes_on, mut ends) = (0.0, 0.0);
        for took in &self.seconds {
            let odds = (time / took).powf(self.steepness).min(1e100);
            goes_on += 1.0 / (1.0 + odds);
            ends += self.steepness / time * odds / (1.0 + odds).powi(2);
        }
        let count = self.seconds.len() as f64;
        let (goes_on, ends, like) = (goes_on / count, ends / count, 1.0 - self.other);
        Point { goes_on, urgency: (like * ends / (like * goes_on + self.other)).sqrt(), usual }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn intervals(min: u64, max: u64) -> Intervals {
        Intervals::new(s(min), s(max)).unwrap()
    }

    fn forecast(seconds: &[u64], min: u64, max: u64) -> Forecast {
        let durations: Vec<Duration> = seconds.iter().copied().map(s).collect();
        Forecast::new(&durations, intervals(min, max)).unwrap()
    }

    const FIVE_MINUTES: [u64; 8] = [270, 280, 290, 295, 300, 310, 320, 340];

    /// The number of polls until the deploy has been worked on for this long.
    fn polls(forecast: Option<&Forecast>, until: Duration, longest: Duration) -> usize {
        let (mut now, mut count) = (Duration::ZERO, 0);
        while now < until {
            now += forecast.map_or(longest, |forecast| forecast.gap(now, longest));
            count += 1;
        }
        count
    }

    #[test]
    fn polls_are_dense_when_the_end_is_likely_and_only_then() {
        let forecast = forecast(&FIVE_MINUTES, 2, 30);
        let gap = |at: u64| forecast.gap(s(at), s(30)).as_secs_f64();
        for (at, least, most) in
            [(0, 30.0, 30.0), (60, 30.0, 30.0), (180, 25.0, 30.0), (295, 5.0, 13.0), (310, 5.0, 13.0)]
        {
            assert!((least..=most).contains(&gap(at)), "at {at} s: {} s", gap(at));
        }
        assert_eq!([600, 3000, 1_000_000].map(gap), [30.0; 3], "long after it nothing is known");
    }

    #[test]
    fn a_gap_that_would_leap_over_what_is_likely_is_cut_short() {
        let forecast = forecast(&FIVE_MINUTES, 2, 120);
        assert!(forecast.gap(s(200), s(120)) < s(95), "{:?}", forecast.gap(s(200), s(120)));
    }

    #[test]
    fn what_the_growing_delays_amount_to_is_known() {
        for (min, max) in [(2, 10), (1, 30), (2, 60)] {
            let mut schedule = super::super::Schedule::new(intervals(min, max), 1);
            let (mut now, mut polls) = (Duration::ZERO, 0.0);
            let usual = Usual { min: min as f64, max: max as f64 };
            for _ in 0..100 {
                now += schedule.after(super::super::Observed::Nothing);
                polls += 1.0;
                // Up to a twentieth is subtracted at random.
                let known = usual.polls(now.as_secs_f64());
                assert!(
                    (known * 0.99 - 0.5..known * 1.06 + 0.5).contains(&polls),
                    "{min}→{max} at {now:?}: {known} {polls}"
                );
            }
        }
    }

    #[test]
    fn some_are_added_and_not_much_more_where_the_history_misleads() {
        for seconds in [&FIVE_MINUTES[..], &[27, 28, 30, 31, 33], &[1400, 1500, 1600], &[40, 42, 44, 480, 500, 510]] {
            for (min, max) in [(2, 10), (1, 30), (2, 60)] {
                let forecast = forecast(seconds, min, max);
                let last = s(*seconds.last().unwrap());
                for until in [last / 4, last / 2, last, last * 2, last * 20] {
                    let (with, without) = (polls(Some(&forecast), until, s(max)), polls(None, until, s(max)));
                    let most = without + without.div_ceil(2) + 5;
                    assert!(
                        (without..=most).contains(&with),
                        "{seconds:?} {min}→{max} until {until:?}: {with} {without}"
                    );
                }
            }
        }
    }

    #[test]
    fn no_gap_is_out_of_bounds_whatever_the_history() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..300 {
            let count = random.usize(1..20);
            let durations: Vec<Duration> = (0..count).map(|_| Duration::from_millis(1 << random.u32(0..30))).collect();
            let max = s(random.u64(3..100));
            let forecast = Forecast::new(&durations, Intervals::new(s(2), max).unwrap()).unwrap();
            for _ in 0..50 {
                let bits = random.u32(1..40);
                let worked = Duration::from_millis(random.u64(0..1 << bits));
                let longest = max.mul_f64(random.f64()).max(s(2));
                let gap = forecast.gap(worked, longest);
                assert!(gap >= s(2) && gap <= longest, "{durations:?}: {gap:?} of {longest:?} at {worked:?}");
            }
        }
    }

    #[test]
    fn there_is_none_without_a_history_or_a_choice() {
        assert!(Forecast::new(&[], intervals(2, 10)).is_none());
        assert!(Forecast::new(&[Duration::ZERO], intervals(2, 10)).is_none());
        assert!(Forecast::new(&[s(60)], intervals(10, 10)).is_none());
    }
}
