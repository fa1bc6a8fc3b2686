//! What the program says came of a run.

use jiff::Timestamp;
use serde_json::Value;

use super::run::Run;
use super::start::output;
use crate::transcript::Outcome;

/// What is lost where two times that are cut to milliseconds are added.
const CUT_MS: u64 = 1;

/// The result, and the outcomes that it stands for.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) result: Value,
    pub(super) targets: Vec<Outcome>,
    pub(super) run: Outcome,
}

/// Reads what stdout holds: the result, after events if they were asked for.
pub(super) fn read(run: &Run) -> Result<Told, String> {
    let lines: Vec<Value> = match output(run.world.question()) {
        "json" => vec![parse(&run.stdout)?],
        _ => run.stdout.lines().map(parse).collect::<Result<_, _>>()?,
    };
    let (last, events) = lines.split_last().ok_or("stdout is empty")?;
    let result = last.get("result").unwrap_or(last).clone();
    let times = Times::of(run, &result).ok_or("the result does not say when the run started")?;
    let said = |value: &Value| value["verdict"].as_str().unwrap_or_default().to_owned();
    let end = times.at_ms(&result["finished_at"]).ok_or("the result does not say when the run ended")?;
    let mut ends: Vec<&Value> = events.iter().filter(|event| event["event"] == "ended").collect();
    let mut targets = Vec::new();
    for target in result["targets"].as_array().ok_or("the result has no targets")? {
        let is_own = |event: &&Value| {
            let own = &event["target"];
            own["install"] == target["install"]["id"] && own["component"] == target["component"]["id"]
        };
        let event = ends.iter().position(is_own).map(|place| ends.remove(place));
        let at_ms = event.and_then(|event| times.at_ms(&event["at"])).unwrap_or(end);
        let deploy = target["deploy"]["id"].as_str().map(str::to_owned);
        targets.push(Outcome { verdict: said(target), deploy, at_ms });
    }
    let whole = Outcome { verdict: said(&result), deploy: None, at_ms: end };
    Ok(Told { result, targets, run: whole })
}

fn parse(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("stdout is no whole JSON: {error}"))
}

/// The times that the program says, as the server's.
struct Times {
    started_at: Timestamp,
    /// When the server was first asked: the program's clock begins when it has made ready, which on a busy machine is a while
    /// after what it says it started at.
    first_ms: u64,
}

impl Times {
    fn of(run: &Run, result: &Value) -> Option<Self> {
        let started_at = time(&result["started_at"])?;
        let first_ms = run.transcript.first().map_or(0, |own| own.sent_ms);
        Some(Self { started_at, first_ms })
    }

    fn at_ms(&self, at: &Value) -> Option<u64> {
        let since = time(at)?.as_millisecond() - self.started_at.as_millisecond();
        Some(u64::try_from(since).unwrap_or_default() + self.first_ms + CUT_MS)
    }
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}
