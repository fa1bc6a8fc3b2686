//! Measures how long after its end a deploy is noticed, and at what cost, over real sockets against the simulator: by
//! long poll, by history, by backoff, and by loops as in a shell. Everything is scaled down, deploys and intervals
//! alike, so that a deploy of 25 minutes takes half a minute. The bench `lag` of `nuon-gate-core` does the same in
//! virtual time, for many more deploys.
//!
//! `cargo bench -p nuon-gate --bench lag` takes about 40 seconds, prints measurements and asserts nothing.

use std::io;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jiff::Timestamp;
use nuon_gate_core::api::{ApiUrl, Client, Connection, Depth, Fact, Request};
use nuon_gate_core::pins::Pins;
use nuon_gate_core::schedule::Intervals;
use nuon_gate_core::watch::{Ask, EventKind, Scope, Watch, WatchSettings};
use nuon_gate_core::{ApiToken, Target, Targets, Verdict, drive_with};
use nuon_gate_sim::{Script, Sim};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

const INSTALL: &str = "inlacme0000000000000000000";
const COMPONENT: &str = "cmpapi00000000000000000000";
/// The usual durations of deploys, in seconds, and by how much they are shortened here.
const CLASSES: [(u32, u32); 3] = [(30, 10), (300, 20), (1500, 50)];
/// The spread of durations (in logarithms), and the positions of the measured deploys within it.
const SPREAD: f64 = 0.15;
const DEPLOYS: [f64; 6] = [-1.4, -0.7, -0.2, 0.2, 0.7, 1.4];
/// The positions of the earlier ones.
const EARLIER: [f64; 20] = [
    -1.96, -1.44, -1.15, -0.93, -0.76, -0.6, -0.45, -0.32, -0.19, -0.06, 0.06, 0.19, 0.32, 0.45, 0.6, 0.76, 0.93, 1.15,
    1.44, 1.96,
];

/// A way to wait.
#[derive(Debug, Clone, Copy)]
enum Way {
    LongPoll,
    History,
    Backoff,
    /// The first pause, the longest one, and the growth factor.
    Loop(f64, f64, f64),
}

const WAYS: [(&str, Way); 5] = [
    ("long poll, 2→10 s beside it", Way::LongPoll),
    ("history, 1→30 s", Way::History),
    ("backoff, 1→30 s", Way::Backoff),
    ("loop, 1→30 s, times 1.5", Way::Loop(1.0, 30.0, 1.5)),
    ("curl | jq every second", Way::Loop(1.0, 1.0, 1.0)),
];

/// The cost of a wait.
struct Cost {
    lag: Duration,
    requests: usize,
    long_polls: usize,
}

type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A deploy of a class with this duration, and its server.
fn serve(usual: f64, took: Duration, scale: u32) -> Fallible<Sim> {
    let earlier = EARLIER.map(|place| format!("\"{}ms\"", millis(usual * (SPREAD * place).exp())));
    let script = format!(
        "long_poll = {{ step_limit = \"{}ms\" }}\n[[component]]\ninstall = \"{INSTALL}\"\nid = \"{COMPONENT}\"\nearlier = [{}]\n\
         [[component.deploy]]\nstatuses = [{{ status = \"executing\", for = \"{}ms\" }}, {{ status = \"active\" }}]\n",
        60_000 / scale,
        earlier.join(", "),
        took.as_millis()
    );
    let script: Script = script.parse()?;
    Ok(Sim::start(script, ([127, 0, 0, 1], 0).into())?)
}

fn millis(seconds: f64) -> u128 {
    Duration::from_secs_f64(seconds).as_millis()
}

fn wait(way: Way, usual: f64, place: f64, scale: u32) -> Fallible<Cost> {
    let took = Duration::from_secs_f64(usual * (SPREAD * place).exp());
    let sim = serve(usual, took, scale)?;
    let (url, org) = (ApiUrl::new(&sim.url(), false)?, "orgsimulated00000000000000".parse()?);
    let client = Client::new(&Connection::new(url, org, ApiToken::new("simulated-token")?))?;
    let scaled = |seconds: f64| Duration::from_secs_f64(seconds / f64::from(scale));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let noticed = runtime.block_on(async {
        match way {
            Way::LongPoll => gate(&client, true, true, scaled(2.0), scaled(10.0)).await,
            Way::History => gate(&client, true, false, scaled(1.0), scaled(30.0)).await,
            Way::Backoff => gate(&client, false, false, scaled(1.0), scaled(30.0)).await,
            Way::Loop(min, max, factor) => shell(&client, scaled(min), scaled(max), factor).await,
        }
    })?;
    let asked = sim.requests();
    let long_polls = asked.iter().filter(|seen| seen.target.ends_with("/await")).count();
    Ok(Cost { lag: noticed.saturating_sub(took), requests: asked.len() - long_polls, long_polls })
}

/// Waits as the program does. Returns when the end was noticed.
async fn gate(client: &Client, history: bool, long_poll: bool, min: Duration, max: Duration) -> Fallible<Duration> {
    let settings = WatchSettings {
        history,
        long_poll,
        intervals: Intervals::new(min, max)?,
        max_rps: 1000,
        seed: 7,
        ..WatchSettings::default()
    };
    let target = Target::new(INSTALL.parse()?, COMPONENT.parse()?);
    let scope = Scope::Targets(Targets::one(target));
    let watch = Watch::new(settings, scope, Pins::default(), now())?;
    let send = |ask: Ask| {
        let client = client.within(ask.timeout);
        async move {
            let mut reply = client.request(&ask.request).await;
            // A server gives whole seconds, which are long where everything else is short.
            reply.iter_mut().for_each(|answer| answer.server_time = Some(now()));
            reply
        }
    };
    let mut noticed = Duration::ZERO;
    let (_never, mut signals) = mpsc::unbounded_channel();
    let report = drive_with(send, watch, Instant::now(), &mut signals, |event, _| {
        if matches!(event.kind, EventKind::Changed { .. }) {
            noticed = event.at.elapsed();
        }
    });
    let report = report.await?;
    match report.verdict {
        Verdict::Passed => Ok(noticed),
        verdict => Err(format!("the verdict is {}", verdict.as_str()).into()),
    }
}

/// Requests, pauses, and requests again.
async fn shell(client: &Client, min: Duration, max: Duration, factor: f64) -> Fallible<Duration> {
    let (began, mut pause) = (Instant::now(), min);
    loop {
        let request = Request::LatestDeploy(INSTALL.parse()?, COMPONENT.parse()?, Depth::Usual);
        match client.request(&request).await?.fact {
            Fact::Latest(Some(deploy)) if deploy.current_status().as_str() == "active" => return Ok(began.elapsed()),
            _ => sleep(pause).await,
        }
        pause = pause.mul_f64(factor).min(max);
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// The means over all deploys of a class.
struct Means {
    lag: f64,
    requests: f64,
    long_polls: f64,
}

impl Means {
    fn of(waits: Vec<JoinHandle<Fallible<Cost>>>) -> Fallible<Self> {
        let count = waits.len() as f64;
        let mut means = Self { lag: 0.0, requests: 0.0, long_polls: 0.0 };
        for wait in waits {
            let cost = wait.join().map_err(|_| io::Error::other("a wait panicked"))??;
            means.lag += cost.lag.as_secs_f64() / count;
            means.requests += cost.requests as f64 / count;
            means.long_polls += cost.long_polls as f64 / count;
        }
        Ok(means)
    }
}

type Waits = Vec<JoinHandle<Fallible<Cost>>>;

/// Starts all waits for deploys of a class.
fn begin(class: u32, scale: u32) -> Vec<Waits> {
    let usual = f64::from(class) / f64::from(scale);
    let of_way = |way: Way| {
        DEPLOYS.iter().map(move |place| {
            let place = *place;
            thread::spawn(move || wait(way, usual, place, scale))
        })
    };
    WAYS.iter().map(|(_, way)| of_way(*way).collect()).collect()
}

#[expect(clippy::print_stdout, reason = "the figures are what it is for")]
fn print_class(class: u32, scale: u32, waits: Vec<Waits>) -> Fallible<()> {
    println!("\n{class} s, 1:{scale}, spread {SPREAD}: {} deploys; the lag is scaled up again", DEPLOYS.len());
    println!("{:32} {:>8} {:>9}", "way", "lag s", "requests");
    let means: Vec<Means> = waits.into_iter().map(Means::of).collect::<Fallible<_>>()?;
    for ((name, _), own) in WAYS.iter().zip(&means) {
        println!("{name:32} {:8.2} {:9.1}", own.lag * f64::from(scale), own.requests);
    }
    if let [long_poll, history, backoff, shell, every] = means.as_slice() {
        println!(
            "long poll: noticed after {:.1} ms as they are, {:.2} of the lag of curl | jq, {:.2} a minute beside the polls",
            long_poll.lag * 1e3,
            long_poll.lag / every.lag,
            long_poll.long_polls / (f64::from(class) / 60.0).max(1.0)
        );
        println!(
            "history: {:.2} of the lag of exponential backoff at {:.2} of its requests; {:.2} of the lag of the loop",
            history.lag / backoff.lag,
            history.requests / backoff.requests,
            history.lag / shell.lag
        );
    }
    Ok(())
}

fn main() -> Fallible<()> {
    // `cargo test --benches` runs this as well, but needs no measurements.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let all = CLASSES.map(|(class, scale)| (class, scale, begin(class, scale)));
    all.into_iter().try_for_each(|(class, scale, waits)| print_class(class, scale, waits))
}
