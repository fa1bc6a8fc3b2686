//! The logs of a deploy's jobs, in pages.

use std::borrow::Cow;
use std::num::ParseIntError;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::bodies;
use crate::ids::id;
use crate::message::{Reply, Seen};
use crate::row::Place;
use crate::script::{Deploy, Severity};
use crate::state::{Moment, State};

/// How many records a page has.
const PAGE: usize = 100;
/// The time between two lines. The server distinguishes records only by their time.
const NEXT_LINE: Duration = Duration::from_micros(1);
/// How long a long poll for more lines is held open.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A written log line.
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
        let begun = self.begin_log(place, now);
        let mut lines = self.lines_of(place, begun, now);
        let deploy = self.deploy_at(place);
        if descending {
            lines.reverse();
        }
        let count = lines.len();
        let beyond = |at: &Timestamp| match cursor {
            None => true,
            Some(cursor) if descending => at.as_nanosecond() < cursor,
            Some(cursor) => at.as_nanosecond() > cursor,
        };
        let page: Vec<_> = lines.into_iter().filter(|(at, _)| beyond(at)).take(PAGE).collect();
        // A full page may be the last one: the server does not check.
        let next = page.last().filter(|_| page.len() == PAGE).map(|(at, _)| at.as_nanosecond().to_string());
        Reply::ok(&page.iter().map(|(at, line)| record(deploy, *at, line)).collect())
            .with("X-Nuon-API-Next", &next.unwrap_or_default())
            .with("count", &count)
            .with("Range-Units", &"items")
    }

    /// Answers with the records of a log stream after a cursor, once there are any or the time is over.
    pub(crate) fn tail(&mut self, stream: &str, moment: Moment, request: &Seen) -> Option<Reply> {
        if !self.script.long_poll.tail {
            return Some(Reply::empty(404));
        }
        let Some(place) = self.place_of_logs(stream) else { return Some(bodies::not_found("log stream")) };
        let (Some(after), Some(wait)) = (tail_cursor(request), wait(request)) else {
            return Some(bodies::error(400, "invalid cursor or wait", "since is <unix_nano>:<id>, wait is a duration"));
        };
        let begun = self.begin_log(place, moment.now);
        let mut lines = self.lines_of(place, begun, moment.now);
        let deploy = self.deploy_at(place);
        lines.retain(|(at, _)| (at.as_nanosecond(), record_id(*at)) > after);
        if lines.is_empty() && !moment.is_over(wait) {
            return None;
        }
        let has_more = lines.len() > PAGE;
        lines.truncate(PAGE);
        let next = lines.last().map(|(at, _)| format!("{}:{}", at.as_nanosecond(), record_id(*at)));
        let logs: Vec<Value> = lines.iter().map(|(at, line)| record(deploy, *at, line)).collect();
        Some(Reply::ok(&json!({"logs": logs, "next": next.unwrap_or_default(), "has_more": has_more})))
    }

    /// Returns when a deploy's log begins. If it has not begun, it begins now.
    fn begin_log(&mut self, (at, position): Place, now: Duration) -> Duration {
        let begins = self.deploy_at((at, position)).begins(now);
        self.progress[at].deploys[position].row.begin(begins)
    }

    /// Returns what a deploy has logged so far, oldest first.
    fn lines_of(&self, place: Place, begun: Duration, now: Duration) -> Vec<(Timestamp, Line<'_>)> {
        let lines = lines(self.deploy_at(place), begun, now);
        lines.into_iter().map(|line| (self.wall(line.at), line)).collect()
    }
}

/// Returns the time and the id of the last record that was read; `None` if they cannot be parsed.
fn tail_cursor(request: &Seen) -> Option<(i128, String)> {
    let Some(since) = request.query("since").filter(|since| !since.is_empty()) else {
        return Some((i128::MIN, String::new()));
    };
    let (at, id) = since.split_once(':').filter(|(_, id)| !id.is_empty())?;
    Some((at.parse().ok()?, id.to_owned()))
}

/// Returns how long a request wants to wait; `None` if it gives no duration.
fn wait(request: &Seen) -> Option<Duration> {
    let Some(wait) = request.query("wait").filter(|wait| !wait.is_empty()) else { return Some(Duration::ZERO) };
    let wait: SignedDuration = wait.parse().ok()?;
    Duration::try_from(wait).ok().map(|wait| wait.min(LONGEST_WAIT))
}

/// Returns the time, in nanoseconds, at which the previous page ended.
fn cursor(request: &Seen) -> Result<Option<i128>, ParseIntError> {
    request.header("x-nuon-api-offset").filter(|cursor| !cursor.is_empty()).map(str::parse).transpose()
}

/// Returns what has been logged so far, oldest first.
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

fn record_id(at: Timestamp) -> String {
    id("otl", &at.as_nanosecond().to_string())
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
        "id": record_id(at), "timestamp": format!("{at:.9}"), "severity_text": severity,
        "severity_number": number, "service_name": "runner", "body": line.text, "log_attributes": {},
        "log_stream_id": bodies::log_stream_id(deploy), "runner_job_id": bodies::job_id(deploy),
    })
}
