//! Generated worlds of a Nuon server: what happens on it, and how well it is told.
//!
//! A [`World`] is made from a number. It has a story (installs, components, deploys and workflows with all that they go
//! through), habits of a server of some age, and faults that come between. It is asked with [`World::answer`], at a time
//! that the asker keeps. Nothing waits, and no body is made before it is asked for.

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
mod odd;
mod play;
mod question;
mod reply;
mod row;
mod scene;
mod story;
#[cfg(test)]
mod tests;
mod text;
mod view;
mod ways;
mod workflow;

use fastrand::Rng;

use crate::transcript::{Answer, Question};

use broken::Sent;
use fault::{Fault, Faults};
use question::Asked;
use reply::{Ask, Reply};
use story::Story;
use view::View;

/// How long nothing comes, where nothing comes, in milliseconds: longer than any client waits.
const SILENCE_MS: u64 = 600_000;

/// The longest wait in a quick world, in milliseconds before the division.
const LONGEST_QUICK_MS: u64 = 300_000;

/// How quick everything is that happens in a world, and all that is asked about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As on a server: waits of minutes, polls seconds apart. For virtual time.
    Usual,
    /// Many times as quick, with waits of [`LONGEST_QUICK_MS`] at most before the division: for real time.
    ///
    /// What the gate has fixed is no quicker for it: `Retry-After` in whole seconds, the leeway of `--since`, the half minute
    /// for contradictions.
    Quick {
        /// When the gate is started, in microseconds since 1970.
        started_at_us: i64,
        /// How many times as quick.
        times: u32,
    },
}

/// A server, what happens on it, and what somebody wants to know about it.
#[derive(Debug, Clone)]
pub struct World {
    seed: u64,
    story: Story,
    faults: Faults,
    asked: Asked,
    question: Question,
    signals: Vec<(u64, &'static str)>,
    /// How many requests there were.
    requests: u64,
}

/// One world in so many has installs of several components, and asks for all of one.
const CROWDED: u64 = 8;

impl World {
    /// Makes a world for virtual time; the same number makes the same world.
    pub fn generate(seed: u64) -> Self {
        Self::generate_at(seed, Pace::Usual)
    }

    /// Makes a world; the same number makes the same one at any pace.
    ///
    /// In a quick one times in bodies keep their fractions; those in whole seconds, as `status_v2` and the `Date` header have
    /// them, fall together.
    pub fn generate_at(seed: u64, pace: Pace) -> Self {
        let mut rng = Rng::with_seed(seed ^ 0x6e75_6f6e_776f_726c);
        let crowded = seed.is_multiple_of(CROWDED);
        let (mut story, fresh) = scene::make(&mut rng, crowded);
        let mut asked = question::make(&mut rng, &story, &fresh, crowded);
        let length = i64::try_from(asked.question.timeout_ms).unwrap_or(i64::MAX);
        let faults = Faults::make(&mut rng, length.min(600_000));
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
            asked.question.timeout_ms = asked.question.timeout_ms.min(LONGEST_QUICK_MS);
        }
        let divide = story.clock.divide.unsigned_abs();
        for (at, _) in &mut signals {
            *at /= divide;
        }
        let question = asked.at(&story.clock);
        Self { seed, story, faults, asked, question, signals, requests: 0 }
    }

    /// Returns what the gate is started with.
    pub fn question(&self) -> &Question {
        &self.question
    }

    /// Says what the server does with a request that is sent at this time, and how long it takes, in milliseconds.
    ///
    /// The time is that of the whole answer; a client that gives up sooner has nothing. With [`Answer::Silence`] it is
    /// only longer than anybody waits. The same requests at the same times have the same answers.
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

    /// Returns the signals that the gate gets: when, in milliseconds, and `int`, `term` or `hup`.
    pub fn signals(&self) -> &[(u64, &'static str)] {
        &self.signals
    }

    /// Returns the wall clock at the gate's start, in seconds since 1970; the server's may differ from it by some seconds.
    pub fn started_at_unix_s(&self) -> i64 {
        self.story.clock.started_at / 1_000_000
    }
}

/// Makes one number of a request.
fn mix(seed: u64, now_ms: u64, count: u64, path: &str) -> u64 {
    let mut hash = seed ^ now_ms.rotate_left(24) ^ count.rotate_left(48);
    for byte in path.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash
}
