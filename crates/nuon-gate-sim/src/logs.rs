//! The logs of a deploy's jobs, in pages that begin where the one before ended.

use std::borrow::Cow;
use std::num::ParseIntError;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::bodies;
use crate::http::{Reply, Seen};
use crate::ids::id;
use crate::script::{Deploy, Severity};
use crate::state::{Place, State, begins};

/// How many records a page has.
const PAGE: usize = 100;
/// How long after the line before it a line is logged. The server tells records apart by their time alone.
const NEXT_LINE: Duration = Duration::from_micros(1);

/// A line of a log that has been written.
struct Line<'a> {
    /// When, after the first request.
    at: Duration,
    severity: Severity,
    text: Cow<'a, str>,
}

impl State {
    /// Answers with a page of a log stream.
    pub(crate) fn logs(&mut self, stream: &str, now: Duration, request: &Seen) -> Reply {
        let Some(place) = self.place_of_logs(stream) else { return bodies::not_found("log stream") };
        let Ok(cursor) = cursor(request) else {
            return bodies::error(400, "unable to parse pagination query params", "the offset is no number");
        };
        let descending = request.query("order").as_deref() == Some("desc");
        let begins = begins(self.deploy_at(place), now);
        let begun = self.progress[place.0].deploys[place.1].begin(begins);
        let deploy = self.deploy_at(place);
        let mut lines = lines(deploy, begun, now);
        if descending {
            lines.reverse();
        }
        let count = lines.len();
        let beyond = |at: &Timestamp| match cursor {
            None => true,
            Some(cursor) if descending => at.as_nanosecond() < cursor,
            Some(cursor) => at.as_nanosecond() > cursor,
        };
        let lines = lines.into_iter().map(|line| (self.wall(line.at), line));
        let page: Vec<_> = lines.filter(|(at, _)| beyond(at)).take(PAGE).collect();
        // A full page may be the last one: the server does not look further.
        let next = page.last().filter(|_| page.len() == PAGE).map(|(at, _)| at.as_nanosecond().to_string());
        Reply::ok(&page.iter().map(|(at, line)| record(deploy, *at, line)).collect())
            .with("X-Nuon-API-Next", &next.unwrap_or_default())
            .with("count", &count)
            .with("Range-Units", &"items")
    }

    /// Returns where the deploy is whose log stream has this id.
    pub(crate) fn place_of_logs(&self, stream: &str) -> Option<Place> {
        self.place(|_, deploy| bodies::log_stream_id(deploy) == stream)
    }
}

/// Returns the time, in nanoseconds, that the page before ended with.
fn cursor(request: &Seen) -> Result<Option<i128>, ParseIntError> {
    request.header("x-nuon-api-offset").filter(|cursor| !cursor.is_empty()).map(str::parse).transpose()
}

/// Returns what has been logged by now, oldest first.
fn lines(deploy: &Deploy, begun: Duration, now: Duration) -> Vec<Line<'_>> {
    let scripted =
        deploy.logs.iter().map(|line| (line.after.unwrap_or_default(), line.severity, line.text.as_str().into()));
    let fillers =
        (1..=deploy.filler_logs).map(|number| (Duration::ZERO, Severity::Info, format!("line {number}").into()));
    let mut lines: Vec<Line<'_>> = Vec::new();
    let mut waited = Duration::ZERO;
    for (after, severity, text) in scripted.chain(fillers) {
        waited = waited.max(after);
        if begun + waited > now {
            break;
        }
        let after_the_last = lines.last().map_or(begun, |line| line.at + NEXT_LINE);
        lines.push(Line { at: after_the_last.max(begun + waited), severity, text });
    }
    lines
}

fn record(deploy: &Deploy, at: Timestamp, line: &Line<'_>) -> Value {
    let (severity, number) = match line.severity {
        Severity::Debug => ("Debug", 5),
        Severity::Info => ("Info", 9),
        Severity::Warn => ("Warn", 13),
        Severity::Error => ("Error", 17),
        Severity::Fatal => ("Fatal", 21),
    };
    json!({
        "id": id("otl", &at.as_nanosecond().to_string()), "timestamp": format!("{at:.9}"), "severity_text": severity,
        "severity_number": number, "service_name": "runner", "body": line.text, "log_attributes": {},
        "log_stream_id": bodies::log_stream_id(deploy), "runner_job_id": bodies::job_id(deploy),
    })
}
