//! Generated worlds of a Nuon server: what happens on it, and its faults.
//!
//! A [`World`] is generated from a seed. It has a story (installs, components, deploys and workflows, and everything
//! that happens to them), the habits of a server of some age, and faults. [`World::answer`] answers a request at a time
//! that the caller gives. Nothing sleeps, and bodies are only made when requested.

mod broken;
mod cancel;
mod clock;
mod deploy;
mod describe;
mod endpoints;
mod fault;
mod flow;
mod flows;
mod health;
mod id;
mod installs;
mod observed;
mod odd;
mod play;
mod question;
mod reply;
mod row;
mod scene;
mod steps;
mod story;
#[cfg(test)]
mod tests;
mod text;
mod told;
mod view;
mod ways;
mod workflow;

use fastrand::Rng;

use crate::transcript::{Answer, Question};

use broken::Sent;
use fault::{Fault, Faults, Topic};
use question::Asked;
use reply::{Ask, Reply};
use story::Story;
use view::View;

/// How long a silent answer takes, in milliseconds: longer than any client waits.
const SILENCE_MS: u64 = 600_000;

/// The longest timeout in a fast world, in milliseconds before the division.
const LONGEST_QUICK_MS: u64 = 300_000;

/// The speed of everything in a world, and of the question about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As on a real server: waits of minutes, polls seconds apart. For virtual time.
    Usual,
    /// Many times as fast, with timeouts of five minutes at most before the division. For real time.
    ///
    /// Constants of the gate stay as they are: `Retry-After` in whole seconds, the leeway of `--since`, the half minute
    /// for contradictions.
    Quick {
        /// When the gate is started, in microseconds since 1970.
        started_at_us: i64,
        /// How many times as fast.
        times: u32,
    },
}

/// A server, what happens on it, and the question that the gate is asked about it.
#[derive(Debug, Clone)]
pub struct World {
    seed: u64,
    story: Story,
    faults: Faults,
    asked: Asked,
    question: Question,
    signals: Vec<(u64, &'static str)>,
    /// The number of requests so far.
    requests: u64,
}

/// One world in this many has installs of several components, and a question about all components of one install.
const CROWDED: u64 = 8;

impl World {
    /// Generates a world for virtual time. The same seed always generates the same world.
    pub fn generate(seed: u64) -> Self {
        Self::generate_at(seed, Pace::Usual)
    }

    /// Generates a world. The same seed generates the same world at any pace.
    ///
    /// In a fast world, times in bodies keep their fractions. Times in whole seconds, as in `status_v2` and the `Date`
    /// header, often coincide.
    pub fn generate_at(seed: u64, pace: Pace) -> Self {
        let mut rng = Rng::with_seed(seed ^ 0x6e75_6f6e_776f_726c);
        let crowded = seed.is_multiple_of(CROWDED);
        let (mut story, fresh) = scene::make(&mut rng, crowded);
        let mut asked = question::make(&mut rng, &story, &fresh, crowded);
        let length = i64::try_from(asked.question.timeout_ms).unwrap_or(i64::MAX);
        let mut faults = Faults::make(&mut rng, length.min(600_000));
        observed::ask(seed, &mut story, &mut asked, &mut faults);
        steps::leave(seed, &mut story);
        let mut signals = Vec::new();
        if rng.u8(..100) < 3 {
            let at = rng.u64(..120_000);
            signals.push((at, ["int", "term", "hup"][rng.usize(..3)]));
            if rng.u8(..4) == 0 {
                signals.push((at + rng.u64(100..4_000), "int"));
            }
        }
        if let Pace::Quick { started_at_us, times } = pace {
            (story.clock.started_at, story.clock.divide) = (started_at_us, i64::from(times));
            let bake = asked.question.healthy_for_ms.unwrap_or_default();
            asked.question.timeout_ms = asked.question.timeout_ms.min(LONGEST_QUICK_MS + bake);
        }
        let divide = story.clock.divide.unsigned_abs();
        for (at, _) in &mut signals {
            *at /= divide;
        }
        let question = asked.at(&story.clock);
        Self { seed, story, faults, asked, question, signals, requests: 0 }
    }

    /// Returns the question that the gate is started with.
    pub fn question(&self) -> &Question {
        &self.question
    }

    /// Returns the server's answer to a request that is sent at this time, and how long it takes, in milliseconds.
    ///
    /// That time is when the answer is complete. A client that gives up earlier has no part of it. With
    /// [`Answer::Silence`] it is longer than any client waits. The same requests at the same times have the same
    /// answers.
    pub fn answer(&mut self, now_ms: u64, method: &str, path_and_query: &str) -> (u64, Answer) {
        let divide = self.story.clock.divide.unsigned_abs();
        let at = i64::try_from(now_ms.saturating_mul(divide)).unwrap_or(i64::MAX / 4).min(i64::MAX / 4);
        self.requests += 1;
        let mut rng = Rng::with_seed(mix(self.seed, now_ms, self.requests, path_and_query));
        let mut ask = Ask::new(method, path_and_query);
        let fault = self.faults.draw(&mut rng, endpoints::topic(&ask), at);
        let mut took = 2 + rng.u64(..self.faults.usual);
        match fault {
            Some(Fault::Silence) => return (SILENCE_MS / divide, Answer::Silence),
            Some(Fault::Reset) => return (took / divide, Answer::Reset),
            Some(Fault::Slow) => took += rng.u64(2_000..45_000),
            Some(Fault::Another) => ask.another = Some(rng.usize(..1 << 20)),
            _ => {}
        }
        let reply = if ask.method == "POST" && fault.is_some_and(Fault::stops) {
            Reply::no_route()
        } else {
            self.reply(&mut rng, &ask, at + (took / 2).cast_signed(), fault)
        };
        took += reply.longer.unsigned_abs();
        let sent = match fault {
            Some(fault) => broken::spoil(&mut rng, fault, reply, &self.story.clock, at),
            None => Sent::new(reply),
        };
        let story = &self.story;
        let answer = sent.answer(story.version, || story.clock.http_date(at + took.cast_signed()));
        (took / divide, Answer::Http(answer))
    }

    fn reply(&mut self, rng: &mut Rng, ask: &Ask<'_>, at: i64, fault: Option<Fault>) -> Reply {
        if ask.method == "POST" {
            return match ask.path() {
                ["v1", "workflows", flow, "cancel"] => self.story.cancel(flow, at),
                _ => Reply::no_route(),
            };
        }
        let mut view = View::new(&self.story, at);
        let mut lag = |most: i64| if most > 0 && rng.u8(..10) < 7 { rng.i64(0..most) } else { 0 };
        view.rows_at = at - lag(self.faults.row_lag);
        view.flows_at = at - lag(self.faults.flow_lag);
        if endpoints::topic(ask) == Topic::Health {
            view.health_at = at - lag(self.story.health_lag);
        }
        match fault {
            Some(Fault::Foreign) => view.foreign = true,
            Some(Fault::NoTimes) => view.times = false,
            Some(Fault::NoHistory) => view.history = false,
            Some(Fault::NoStatusV2) => view.status_v2 = false,
            Some(Fault::NoWorkflow) => view.workflow = false,
            Some(Fault::NoSteps) => view.steps = false,
            _ => {}
        }
        view.route(ask)
    }

    /// Returns the signals to send to the gate: when, in milliseconds, and `int`, `term` or `hup`.
    pub fn signals(&self) -> &[(u64, &'static str)] {
        &self.signals
    }

    /// Returns the wall clock at the gate's start, in seconds since 1970; the server's may differ from it by some seconds.
    pub fn started_at_unix_s(&self) -> i64 {
        self.story.clock.started_at / 1_000_000
    }
}

/// Hashes a request into a seed.
fn mix(seed: u64, now_ms: u64, count: u64, path: &str) -> u64 {
    let mut hash = seed ^ now_ms.rotate_left(24) ^ count.rotate_left(48);
    for byte in path.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash
}
