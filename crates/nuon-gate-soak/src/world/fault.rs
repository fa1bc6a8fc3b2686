//! Faults of a world: what goes wrong between an event and its answer.

use fastrand::Rng;

/// One kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// No answer at all.
    Silence,
    /// The connection closes.
    Reset,
    /// The answer is slow.
    Slow,
    /// A 4xx in Nuon's shape, of any number.
    Client,
    /// A 401 in Nuon's shape.
    Unauthorized,
    /// A 403 in Nuon's shape.
    Forbidden,
    /// A 404 in Nuon's shape about something that exists.
    NotThere,
    /// A 5xx in Nuon's shape.
    Server,
    /// A 500 with capitalised names, or a 408 with a code.
    Chaos,
    /// A page of HTML from an ingress, of any status, without Nuon's header.
    Ingress,
    /// An ingress that answers with JSON of its own.
    IngressJson,
    /// 429 or 503 with `Retry-After`.
    RetryAfter,
    /// A redirect.
    Redirect,
    /// 200 with `{}`.
    EmptyObject,
    /// 200 with `[]`.
    EmptyArray,
    /// 200 with `null`, or another scalar.
    Scalar,
    /// 200, or 204, with nothing.
    Nothing,
    /// 200 with only the first part of the body.
    Truncated,
    /// 200 with an error object.
    ErrorIn200,
    /// 200 with bytes that claim to be compressed.
    Compressed,
    /// An answer about another deploy, workflow or install.
    Another,
    /// The right object with the ids of another install or component.
    Foreign,
    /// No times in the body.
    NoTimes,
    /// No histories.
    NoHistory,
    /// No `status_v2`.
    NoStatusV2,
    /// No workflow id on a deploy.
    NoWorkflow,
    /// No steps in a workflow.
    NoSteps,
    /// A good answer without Nuon's header.
    NoVersion,
    /// A good answer without a date.
    NoDate,
}

impl Fault {
    /// Returns whether the request never reaches the server.
    pub(super) fn stops(self) -> bool {
        matches!(
            self,
            Client
                | Unauthorized
                | Forbidden
                | NotThere
                | Ingress
                | IngressJson
                | RetryAfter
                | Redirect
                | Chaos
                | Server
        )
    }
}

use Fault::{
    Another, Chaos, Client, Compressed, EmptyArray, EmptyObject, ErrorIn200, Forbidden, Foreign, Ingress, IngressJson,
    NoDate, NoHistory, NoStatusV2, NoSteps, NoTimes, NoVersion, NoWorkflow, NotThere, Nothing, Redirect, Reset,
    RetryAfter, Scalar, Server, Silence, Slow, Truncated, Unauthorized,
};

/// All kinds with their names.
pub(super) const FAULTS: &[(Fault, &str)] = &[
    (Silence, "silence"),
    (Reset, "reset"),
    (Slow, "slow"),
    (Client, "client-error"),
    (Unauthorized, "401"),
    (Forbidden, "403"),
    (NotThere, "404-of-what-is-there"),
    (Server, "server-error"),
    (Chaos, "chaos"),
    (Ingress, "ingress-html"),
    (IngressJson, "ingress-json"),
    (RetryAfter, "retry-after"),
    (Redirect, "redirect"),
    (EmptyObject, "empty-object"),
    (EmptyArray, "empty-array"),
    (Scalar, "null-or-scalar"),
    (Nothing, "no-body"),
    (Truncated, "truncated"),
    (ErrorIn200, "error-with-200"),
    (Compressed, "compressed"),
    (Another, "answer-about-another"),
    (Foreign, "foreign-ids"),
    (NoTimes, "no-times"),
    (NoHistory, "no-history"),
    (NoStatusV2, "no-status-v2"),
    (NoWorkflow, "no-workflow-id"),
    (NoSteps, "no-steps"),
    (NoVersion, "no-version-header"),
    (NoDate, "no-date-header"),
];

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    /// The newest deploy of a component.
    Latest,
    /// A deploy by its id.
    Deploy,
    /// A list of deploys.
    List,
    /// A workflow.
    Workflow,
    /// A component with its health, or what is observed of it.
    Health,
    /// Anything else.
    Other,
}

/// When a fault happens.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) fault: Fault,
    /// The requests that it applies to; `None` for all.
    pub(super) topic: Option<Topic>,
    pub(super) from: i64,
    pub(super) to: i64,
    /// The share of requests that it applies to, in percent.
    pub(super) percent: u32,
    /// How many more times it may happen.
    pub(super) left: u32,
}

/// The faults of one world.
#[derive(Debug, Clone)]
pub(super) struct Faults {
    pub(super) rules: Vec<Rule>,
    /// How far deploys can lag behind, in milliseconds.
    pub(super) row_lag: i64,
    /// How far workflows can.
    pub(super) flow_lag: i64,
    /// The world's kind of faults.
    pub(super) mood: &'static str,
    /// The usual maximum latency, in milliseconds.
    pub(super) usual: u64,
}

impl Faults {
    /// Generates the faults of a world that is watched for this long.
    pub(super) fn make(rng: &mut Rng, length: i64) -> Self {
        let lag = |rng: &mut Rng| if rng.u8(..100) < 70 { 0 } else { rng.i64(500..15_000) };
        let (row_lag, flow_lag) = (lag(rng), lag(rng));
        let usual = [40, 150, 400, 1_500][rng.usize(..4)];
        let mut faults = Self { rules: Vec::new(), row_lag, flow_lag, mood: "calm", usual };
        match rng.u8(..100) {
            0..38 => {}
            38..70 => {
                faults.mood = "a few faults";
                for _ in 0..rng.u8(1..=3) {
                    faults.rules.push(Rule { percent: rng.u32(2..15), ..any(rng) });
                }
            }
            70..92 => {
                faults.mood = "bursts of faults";
                for _ in 0..rng.u8(1..=3) {
                    let from = rng.i64(-1..(length * 2 / 3).max(1));
                    let long = if rng.u8(..10) < 7 { rng.i64(500..30_000) } else { rng.i64(30_000..400_000) };
                    let percent = if rng.bool() { 100 } else { rng.u32(40..100) };
                    faults.rules.push(Rule { from, to: from + long, percent, ..any(rng) });
                }
            }
            92..94 => {
                faults.mood = "one thing is always wrong";
                let topic =
                    [Topic::Latest, Topic::Deploy, Topic::List, Topic::Workflow, Topic::Workflow][rng.usize(..5)];
                let percent = rng.u32(80..=100);
                faults.rules.push(Rule { percent, topic: Some(topic), ..any(rng) });
            }
            94..96 => {
                faults.mood = "a rollout";
                let from = rng.i64(0..length.max(1));
                let to = from + rng.i64(5_000..60_000);
                for fault in [Reset, Ingress, Server, Silence] {
                    faults.rules.push(Rule { fault, topic: None, from, to, percent: 30, left: u32::MAX });
                }
            }
            96..98 => {
                faults.mood = "the first answers are bad";
                faults.rules.push(Rule { percent: 100, left: rng.u32(1..7), ..any(rng) });
            }
            _ => {
                faults.mood = "wild";
                for _ in 0..rng.u8(6..14) {
                    faults.rules.push(Rule { percent: rng.u32(2..10), ..any(rng) });
                }
            }
        }
        faults
    }

    /// Adds faults of the requests about component health.
    pub(super) fn about_health(&mut self, rng: &mut Rng, length: i64) {
        let topic = Some(Topic::Health);
        match rng.u8(..100) {
            0..60 => {}
            60..85 => {
                for _ in 0..rng.u8(1..=3) {
                    self.rules.push(Rule { topic, percent: rng.u32(5..40), ..any(rng) });
                }
            }
            85..95 => {
                let from = rng.i64(0..length.max(1));
                let to = from + rng.i64(2_000..400_000);
                self.rules.push(Rule { topic, from, to, percent: 100, ..any(rng) });
            }
            _ => self.rules.push(Rule { topic, percent: rng.u32(80..=100), ..any(rng) }),
        }
    }

    /// Draws a fault for one request, if any.
    pub(super) fn draw(&mut self, rng: &mut Rng, topic: Topic, at: i64) -> Option<Fault> {
        for rule in &mut self.rules {
            let fits = rule.topic.is_none_or(|own| own == topic) && rule.from <= at && at < rule.to && rule.left > 0;
            if fits && rng.u32(..100) < rule.percent {
                rule.left -= 1;
                return Some(rule.fault);
            }
        }
        None
    }
}

/// A rule for a random fault, time and kind of requests.
fn any(rng: &mut Rng) -> Rule {
    let topics = [None, None, None, Some(Topic::Latest), Some(Topic::Deploy), Some(Topic::List), Some(Topic::Workflow)];
    let fault = FAULTS[rng.usize(..FAULTS.len())].0;
    let topic = topics[rng.usize(..topics.len())];
    Rule { fault, topic, from: i64::MIN, to: i64::MAX, percent: 0, left: u32::MAX }
}

/// Returns the name of a fault.
pub(super) fn name(fault: Fault) -> &'static str {
    FAULTS.iter().find(|(own, _)| *own == fault).map_or("?", |(_, name)| name)
}
