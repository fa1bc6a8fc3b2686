//! What the program reported.

use jiff::Timestamp;
use serde_json::Value;

use super::run::Run;
use super::start::output;
use crate::transcript::Outcome;

/// The error of a time that is cut to milliseconds, or of a sum of two such times.
const CUT_MS: u64 = 1;

/// The result, and the outcomes that it holds.
#[derive(Debug)]
pub(super) struct Reported {
    pub(super) result: Value,
    targets: Vec<Outcome>,
    pub(super) run: Outcome,
    /// How much later all of it may have happened, in milliseconds, by the server's clock.
    ///
    /// The program's stopwatch starts after its set-up. On a busy machine that is some time after the start time in the
    /// result, and before the first request.
    unsure_ms: u64,
}

impl Reported {
    /// Returns the outcomes of the targets and of the run for each moment at which they may have happened.
    pub(super) fn moments(&self) -> impl Iterator<Item = (Vec<Outcome>, Outcome)> {
        // What arrived in the same millisecond may have come after it.
        let later = |own: &Outcome, by: u64| Outcome { at_ms: (own.at_ms + by).saturating_sub(CUT_MS), ..own.clone() };
        (0..=self.unsure_ms + CUT_MS).map(move |by| {
            let targets = self.targets.iter().map(|own| later(own, by)).collect();
            (targets, later(&self.run, by))
        })
    }
}

/// Parses stdout: the result, after events if those were requested.
pub(super) fn read(run: &Run) -> Result<Reported, String> {
    let lines: Vec<Value> = match output(run.world.question()) {
        "json" => vec![parse(&run.stdout)?],
        _ => run.stdout.lines().map(parse).collect::<Result<_, _>>()?,
    };
    let (last, events) = lines.split_last().ok_or("stdout is empty")?;
    let result = last.get("result").unwrap_or(last).clone();
    let at_ms = |time: &Value| at_ms(run, time);
    let started = at_ms(&result["started_at"]).ok_or("the result does not say when the run started")?;
    let first = run.transcript.iter().map(|own| own.sent_ms).min().unwrap_or(started);
    let said = |value: &Value| value["verdict"].as_str().unwrap_or_default().to_owned();
    let end = at_ms(&result["finished_at"]).ok_or("the result does not say when the run ended")?;
    let mut ends: Vec<&Value> = events.iter().filter(|event| event["event"] == "ended").collect();
    let mut targets = Vec::new();
    for target in result["targets"].as_array().ok_or("the result has no targets")? {
        let is_own = |event: &&Value| {
            let own = &event["target"];
            own["install"] == target["install"]["id"] && own["component"] == target["component"]["id"]
        };
        let event = ends.iter().position(is_own).map(|place| ends.remove(place));
        let at_ms = event.and_then(|event| at_ms(&event["at"])).unwrap_or(end);
        let deploy = target["deploy"]["id"].as_str().map(str::to_owned);
        targets.push(Outcome { verdict: said(target), deploy, at_ms });
    }
    let whole = Outcome { verdict: said(&result), deploy: None, at_ms: end };
    Ok(Reported { result, targets, run: whole, unsure_ms: first.saturating_sub(started) + CUT_MS })
}

fn parse(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("stdout is no whole JSON: {error}"))
}

/// Returns a time of the program in milliseconds since it was started.
fn at_ms(run: &Run, time: &Value) -> Option<u64> {
    let time: Timestamp = time.as_str()?.parse().ok()?;
    let since = time.as_microsecond() - run.started_at.as_microsecond();
    Some(u64::try_from(since).unwrap_or_default() / 1_000)
}
