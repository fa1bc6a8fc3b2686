//! Answers requests about workflows and logs.

use super::reply::{Ask, Reply, kin};
use super::story::{Age, Flow, Row, Step, so_far};
use super::text::{self, Json};
use super::view::View;

/// How long the server keeps a long poll open, in milliseconds.
const LONG_POLL: i64 = 60_000;

impl View<'_> {
    /// Answers for workflows.
    pub(super) fn workflows(&self, ask: &Ask<'_>) -> Reply {
        let story = self.story;
        if story.age == Age::Old {
            return Reply::no_route();
        }
        let new = story.age == Age::New;
        let (id, rest) = match ask.path() {
            ["v1", "workflows"] if new => return self.all_flows(ask),
            ["v1", "workflows", "pending-approvals"] if new => return self.pending(),
            ["v1", "workflows", id, rest @ ..] => (*id, rest),
            _ => return Reply::no_route(),
        };
        let asked = match ask.another {
            Some(other) => {
                let there = |it: &usize| story.flows[*it].created <= self.flows_at;
                (0..story.flows.len())
                    .cycle()
                    .skip(other % story.flows.len().max(1))
                    .take(story.flows.len())
                    .find(there)
            }
            None => story.flow(id, self.flows_at),
        };
        let Some(number) = asked else {
            return if rest == ["queue-position"] && new {
                Reply::good(r#"{"position":0}"#.to_owned())
            } else {
                Reply::none("workflow")
            };
        };
        let flow = &story.flows[number];
        match rest {
            [] => Reply::good(text::object(|json| self.flow(json, number))),
            ["steps"] => self.steps(ask, flow),
            ["steps", step] => self.with_step(flow, step, |step, place| self.one_step(flow, step, place)),
            ["steps", step, "await"] if story.habits.awaits > 0 => {
                self.with_step(flow, step, |step, place| self.await_step(flow, step, place))
            }
            ["queue-position"] if new => self.queue(flow),
            _ => Reply::no_route(),
        }
    }

    fn with_step(&self, flow: &Flow, id: &str, answer: impl Fn(&Step, usize) -> Reply) -> Reply {
        let found = flow.steps.iter().position(|step| step.id.is(id) && step.appears <= self.flows_at);
        found.map_or_else(|| Reply::none("workflow step"), |place| answer(&flow.steps[place], place))
    }

    fn one_step(&self, flow: &Flow, step: &Step, place: usize) -> Reply {
        Reply::good(text::object(|json| self.step(json, flow, step, place)))
    }

    fn steps(&self, ask: &Ask<'_>, flow: &Flow) -> Reply {
        let paged = self.story.age == Age::New;
        let (offset, limit) = if paged { ask.page() } else { (0, usize::MAX) };
        let body = text::list(|json| self.steps_of(json, flow, offset, limit));
        let there = flow.steps.iter().filter(|step| step.appears <= self.flows_at).count();
        Reply { page: paged.then_some((offset, limit, there > offset.saturating_add(limit))), ..Reply::good(body) }
    }

    /// The long poll: open until the step ends, at most a minute.
    fn await_step(&self, flow: &Flow, step: &Step, place: usize) -> Reply {
        if self.story.habits.awaits == 2 {
            return Reply::error(500, "unable to await workflow step", "deprecated");
        }
        let at = self.flows_at;
        if step.began.is_none_or(|began| began > at) {
            return Reply::none("workflow step");
        }
        let end = step.changes.iter().find(|change| change.finished);
        match end.filter(|end| end.at <= at + LONG_POLL) {
            Some(end) => {
                let then = end.at.max(at);
                let good = !matches!(end.word, "error" | "failed" | "cancelled");
                let reply = if good {
                    Self { rows_at: then, flows_at: then, ..*self }.one_step(flow, step, place)
                } else {
                    Reply::error(500, "workflow step failed", "")
                };
                Reply { longer: then - at, ..reply }
            }
            None => {
                let body = r#"{"error":"timeout waiting for workflow step completion"}"#.to_owned();
                Reply { status: 408, longer: LONG_POLL, ..Reply::good(body) }
            }
        }
    }

    fn queue(&self, flow: &Flow) -> Reply {
        let waits = flow.began.is_none_or(|began| began > self.flows_at);
        let body = if waits { r#"{"position":1,"queue_depth":1,"signals_ahead":[]}"# } else { r#"{"position":0}"# };
        Reply::good(body.to_owned())
    }

    fn all_flows(&self, ask: &Ask<'_>) -> Reply {
        let plans = ask.param("planonly") != Some("false");
        let mut numbers: Vec<usize> = (0..self.story.flows.len())
            .filter(|it| self.story.flows[*it].created <= self.flows_at && (plans || !self.story.flows[*it].plan_only))
            .collect();
        numbers.sort_by_key(|it| std::cmp::Reverse(self.story.flows[*it].created));
        let (offset, limit) = ask.page();
        let body = text::list(|json| {
            for number in numbers.iter().skip(offset).take(limit) {
                json.item(|json| self.flow(json, *number));
            }
        });
        Reply { page: Some((offset, limit, numbers.len() > offset.saturating_add(limit))), ..Reply::good(body) }
    }

    fn pending(&self) -> Reply {
        let waits = |step: &&Step| {
            step.approval.is_some_and(|approval| {
                approval.at <= self.flows_at && approval.answer.is_none_or(|(at, _)| at > self.flows_at)
            })
        };
        Reply::good(text::list(|json| {
            for step in self.story.flows.iter().flat_map(|flow| flow.steps.iter()).filter(waits) {
                json.item(|json| {
                    json.text("id", step.id.kin("waa").as_str());
                    json.text("workflow_step_id", step.id.as_str());
                });
            }
        }))
    }

    /// Answers for the log of a deploy.
    pub(super) fn logs(&self, ask: &Ask<'_>, log: &str, rest: &[&str]) -> Reply {
        let row = self.story.rows.iter().find(|row| kin(row.id, log) && row.created <= self.rows_at);
        match (row, rest) {
            (Some(row), ["logs"]) => {
                let newest = ask.param("order") == Some("desc");
                Reply::good(text::list(|json| self.records(json, row, newest)))
            }
            (Some(row), ["logs", "tail"]) if self.story.habits.tails => {
                let first = !ask.param("since").is_some_and(|since| since.contains(':'));
                let body = text::object(|json| {
                    json.list("logs", |json| {
                        if first {
                            self.records(json, row, false);
                        }
                    });
                    json.text("next", if first { "1:otl" } else { "" });
                    json.raw("has_more", false);
                });
                Reply { longer: if first { 0 } else { 10_000 }, ..Reply::good(body) }
            }
            // If the feature is off, there is not even a body.
            (_, ["logs", "tail"]) => Reply { status: 404, ..Reply::good(String::new()) },
            (None, ["logs"]) => Reply::good("[]".to_owned()),
            _ => Reply::no_route(),
        }
    }

    /// Writes a log record for each status that the deploy has had.
    fn records(&self, json: &mut Json<'_>, row: &Row, newest: bool) {
        let seen = so_far(&row.changes, self.rows_at);
        let seen = &seen[seen.len().saturating_sub(8)..];
        for number in 0..seen.len() {
            let change = seen[if newest { seen.len() - 1 - number } else { number }];
            let bad = change.word == "error";
            json.item(|json| {
                json.text("id", row.id.kin("otl").as_str());
                self.time(json, "timestamp", change.at);
                json.text("severity_text", if bad { "Error" } else { "Info" });
                json.raw("severity_number", if bad { 17 } else { 9 });
                json.text("service_name", "runner");
                json.text("body", if change.text.is_empty() { change.word } else { change.text });
                json.text("log_stream_id", row.id.kin("log").as_str());
            });
        }
    }
}
