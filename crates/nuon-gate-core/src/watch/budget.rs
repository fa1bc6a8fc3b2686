//! The request rate: a token bucket that all targets share.

use std::time::Duration;

use crate::Moment;

/// The burst after a quiet time, in seconds' worth of requests.
const BURST: f64 = 2.0;
/// The lowest rate, however often the API answers 429.
const FEWEST: f64 = 0.5;
/// The time from the last 429 until the full rate is reached again.
const RECOVERY: Duration = Duration::from_secs(60);
/// 429s to requests that were sent together count as one.
const ONE_ANSWER: Duration = Duration::from_secs(1);

/// The bucket.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    /// A second.
    rate: f64,
    tokens: f64,
    filled: Moment,
    /// The reduced rate, and when it was reduced.
    limited: Option<(f64, Moment)>,
}

impl Budget {
    /// A full bucket for this rate.
    pub(crate) fn new(rate: u32) -> Self {
        let rate = f64::from(rate.max(1));
        Self { rate, tokens: rate * BURST, filled: Moment::START, limited: None }
    }

    /// Records a 429: halves the rate, which then recovers slowly.
    pub(crate) fn halve(&mut self, now: Moment) {
        if self.limited.is_some_and(|(_, at)| now < at + ONE_ANSWER) {
            return;
        }
        self.fill(now);
        let rate = (self.rate_at(now) / 2.0).max(FEWEST);
        self.tokens = self.tokens.min(rate * BURST);
        self.limited = Some((rate, now));
    }

    fn rate_at(&self, now: Moment) -> f64 {
        let Some((limited, at)) = self.limited else { return self.rate };
        let recovered = ((now - at).as_secs_f64() / RECOVERY.as_secs_f64()).min(1.0);
        limited + (self.rate - limited) * recovered
    }

    fn fill(&mut self, now: Moment) {
        let rate = self.rate_at(now);
        let gained = rate * (now - self.filled).as_secs_f64();
        self.tokens = (self.tokens + gained).min((rate * BURST).max(1.0));
        self.filled = now;
    }

    /// Takes a token.
    pub(crate) fn take(&mut self, now: Moment) {
        self.fill(now);
        self.tokens = (self.tokens - 1.0).max(0.0);
    }

    /// Returns when there is a token; `None` if there is one.
    pub(crate) fn empty_until(&mut self, now: Moment) -> Option<Moment> {
        self.less_until(1.0, now)
    }

    /// Returns when there is a token beside half a burst, which is kept for more important requests; `None` if there is
    /// one now. If the rate is so low that a burst is one request, there never is.
    pub(super) fn spare_until(&mut self, now: Moment) -> Option<Moment> {
        self.less_until(1.0 + self.rate_at(now) * BURST / 2.0, now)
    }

    fn less_until(&mut self, wanted: f64, now: Moment) -> Option<Moment> {
        self.fill(now);
        let missing = wanted - self.tokens;
        // Rounded up: a moment too soon would be another check at once.
        let until = || now + Duration::from_secs_f64(missing / self.rate_at(now)) + Duration::from_micros(1);
        (missing > 0.0).then(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::after_start(Duration::from_millis(millis))
    }

    fn send(budget: &mut Budget, at: Moment) -> bool {
        let sends = budget.empty_until(at).is_none();
        if sends {
            budget.take(at);
        }
        sends
    }

    /// How many requests can be sent in these milliseconds.
    fn sent(budget: &mut Budget, from: u64, until: u64) -> usize {
        (from..until).filter(|milli| send(budget, at(*milli))).count()
    }

    #[test]
    fn so_many_a_second_and_some_at_once() {
        let mut budget = Budget::new(20);
        assert_eq!((0..100).filter(|_| send(&mut budget, at(0))).count(), 40);
        assert_eq!(sent(&mut budget, 1, 10_001), 200);
        assert_eq!((0..100).filter(|_| send(&mut budget, at(60_000))).count(), 40, "no more than that is saved up");
    }

    #[test]
    fn the_next_token_is_there_when_it_is_said_to_be() {
        for rate in [1, 3, 20, 1000] {
            let mut budget = Budget::new(rate);
            while send(&mut budget, at(0)) {}
            let ready = budget.empty_until(at(0)).unwrap();
            assert!(!send(&mut budget, at(0)) && send(&mut budget, ready), "{rate}: {ready:?}");
            assert!(ready - at(0) <= Duration::from_secs(1) / rate + Duration::from_micros(2), "{rate}");
        }
    }

    #[test]
    fn it_is_halved_and_recovers() {
        let mut budget = Budget::new(20);
        while send(&mut budget, at(0)) {}
        budget.halve(at(0));
        budget.halve(at(500));
        // Ten a second at first, and a little more each second.
        let halved = sent(&mut budget, 0, 1000);
        assert!((9..=11).contains(&halved), "two answers in a second are one: {halved}");
        (2..20).for_each(|second| budget.halve(at(second * 1000)));
        let least = sent(&mut budget, 20_000, 22_000);
        assert!((1..=3).contains(&least), "never nothing: {least}");
        while send(&mut budget, at(90_000)) {}
        assert_eq!(sent(&mut budget, 90_001, 91_001), 20, "a minute later all is as before");
    }
}
