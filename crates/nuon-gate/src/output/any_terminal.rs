//! Property tests: whatever events and reports contain, a terminal shows lines of text, and no CI runner executes one.

#![cfg(test)]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use nuon_gate_core::ApprovalPlace;
use nuon_gate_core::api::{ApiError, ApiStats, decode};
use nuon_gate_core::cause::{Cause, DeployFailure, Warning};
use nuon_gate_core::model::{Deploy, Plan, Status};
use nuon_gate_core::pins::Pins;
use nuon_gate_core::report::Report;
use nuon_gate_core::result::v1::RunResult;
use nuon_gate_core::watch::{Event, EventKind, OnSuperseded, Pace, Pending, Scope, Watch, WatchSettings};
use nuon_gate_core::{History, Hold, Line, Logged, MatchedBy, Moment, RemoteText, Target, Targets, Verdict};
use nuon_gate_soak::HOSTILE;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

use super::describe::{self, Tone};
use super::facts::Facts;
use super::issues::issues;
use super::{Console, Ending, azure, github, gitlab, junit, markdown};
use crate::words::words;

/// Far longer than any test here runs.
const PATIENCE: Duration = Duration::from_secs(30);

/// Texts that act on terminals and CI runners, some of them in disguise.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![4 => prop::collection::vec(select(HOSTILE), 0..12).prop_map(|pieces| pieces.concat()), 1 => any::<String>()]
}

/// The values that events are made of.
struct Said<'a> {
    texts: &'a [String],
    turn: usize,
}

impl<'a> Said<'a> {
    fn text(&mut self) -> &'a str {
        self.turn += 1;
        &self.texts[self.turn % self.texts.len()]
    }

    fn line(&mut self) -> Option<Line> {
        Some(Line::new(self.text()))
    }

    fn status(&mut self) -> Status {
        Status::from(self.text())
    }

    /// An id, if the text can be one.
    fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(&mut self) -> T {
        self.text().parse().unwrap_or_else(|_| "id1".parse().unwrap())
    }

    fn target(&mut self) -> Target {
        let (install, component) = (RemoteText::new(self.text()), RemoteText::new(self.text()));
        Target::new(self.id(), self.id()).named(Some(&install), Some(&component))
    }

    fn error(&mut self) -> ApiError {
        let (host, detail) = (self.text().to_owned(), self.text().to_owned());
        match self.turn % 4 {
            0 => ApiError::Connect { host, detail },
            1 => ApiError::Redirect { status: 302, to: host, retry_after: None },
            2 => ApiError::Status { status: 500, message: self.line(), retry_after: None, from_nuon: false },
            _ => ApiError::Undecodable(detail),
        }
    }

    fn warning(&mut self) -> Warning {
        Warning::UnknownStatus(self.status())
    }

    fn cause(&mut self) -> Option<Cause> {
        let (text, hint) = (RemoteText::new(self.text()), RemoteText::new(self.text()));
        let failure = DeployFailure {
            status: self.status(),
            text: Some(text),
            is_generic: self.turn.is_multiple_of(2),
            denial: None,
            hint: Some(hint),
            by_rule: false,
        };
        Some(Cause::Deploy(failure))
    }

    /// One event of each kind, and the number of its lines.
    fn events(&mut self, targets: &[Target]) -> Vec<(EventKind, usize)> {
        let next = Duration::from_secs(3);
        vec![
            (EventKind::Started { targets: targets.to_vec() }, 0),
            (EventKind::Joined { target: 2, is: self.target() }, 1),
            (EventKind::NotStarted { target: 0 }, 1),
            (
                EventKind::Found {
                    target: 0,
                    deploy: self.id(),
                    status: self.status(),
                    spent: Duration::from_secs(9),
                    build: Some(self.id()),
                    commit: self.line(),
                    matched_by: MatchedBy::Latest,
                    replaces: Some(self.id()),
                },
                1,
            ),
            (
                EventKind::Changed {
                    target: 1,
                    deploy: self.id(),
                    from: self.status(),
                    to: self.status(),
                    spent: next,
                    description: self.line(),
                },
                1,
            ),
            (EventKind::Held { target: 1, status: self.status(), hold: Hold::Step(RemoteText::new(self.text())) }, 1),
            (
                EventKind::ApprovalNeeded {
                    target: Some(0).filter(|_| self.turn.is_multiple_of(3)),
                    step: self.line(),
                    place: ApprovalPlace { workflow: self.id(), step: Some(self.id()), approval: None },
                    plan: Some(Arc::new(Plan {
                        destroy: 1,
                        destroyed: self.line().into_iter().collect(),
                        ..Plan::default()
                    })),
                    url: self.line().filter(|_| self.turn.is_multiple_of(2)),
                },
                1,
            ),
            (EventKind::Superseded { target: 0, from: self.id(), to: self.id(), policy: OnSuperseded::Follow }, 1),
            (EventKind::Retrying { target: None, error: self.error(), next }, 1),
            (EventKind::Expected { target: 0, deploy: self.id(), pace: Pace { elapsed: next, typical: PATIENCE } }, 1),
            (
                EventKind::Waiting {
                    pending: vec![
                        Pending {
                            target: 0,
                            status: Some(self.status()),
                            spent: next,
                            pace: None,
                            hold: Hold::NotHealthy(RemoteText::new(self.text())),
                        },
                        Pending { target: 1, status: None, spent: next, pace: None, hold: Hold::NotStarted },
                    ],
                },
                2,
            ),
            (EventKind::Steps { workflow: self.id(), steps: Vec::new() }, 0),
            (EventKind::Waiting { pending: Vec::new() }, 1),
            (EventKind::Warned { target: Some(0), warning: self.warning() }, 1),
            (
                EventKind::Ended {
                    target: Some(1),
                    deploy: None,
                    approval: None,
                    verdict: Verdict::Failed,
                    cause: self.cause(),
                },
                1,
            ),
            (
                EventKind::Ended {
                    target: None,
                    deploy: None,
                    approval: None,
                    verdict: Verdict::TimedOut,
                    cause: self.cause(),
                },
                1,
            ),
        ]
    }

    fn deploy(&mut self) -> Deploy {
        let (id, build): (nuon_gate_core::DeployId, nuon_gate_core::BuildId) = (self.id(), self.id());
        let row = json!({
            "id": id.as_str(), "build_id": build.as_str(), "status": self.text(), "install_deploy_type": self.text(),
            "status_description": self.text(), "component_name": self.text(), "created_by": {"email": self.text()},
            "component_build": {"vcs_connection_commit": {"sha": self.text()}},
        });
        decode(row.to_string().as_bytes()).unwrap()
    }

    /// A report of these targets with every field set.
    fn report(&mut self, targets: &[Target]) -> Report {
        let watch = Watch::new(
            WatchSettings::default(),
            Scope::Targets(Targets::new(targets.to_vec()).unwrap()),
            Pins::default(),
            at(),
        );
        let mut report = watch.unwrap().report(Moment::after_start(Duration::from_secs(9)));
        (report.verdict, report.run_cause) = (Verdict::Failed, self.cause());
        report.warnings.push(self.warning());
        for target in &mut report.targets {
            (target.verdict, target.cause) = (Verdict::Failed, self.cause());
            target.warnings.push(self.warning());
            target.deploy = Some(Arc::new(self.deploy()));
            (target.replaced, target.superseded_by) = (vec![self.id()], Some(self.id()));
            target.approval = Some(ApprovalPlace { workflow: self.id(), step: Some(self.id()), approval: None });
            target.timeline =
                vec![nuon_gate_core::timeline::Stay { status: self.status(), at: at(), duration: Some(PATIENCE) }];
            let last_good = Some(Box::new(self.deploy()));
            target.history = Some(History { last_good, typical: Some(PATIENCE), ..History::default() });
            let (severity, text) = (Line::new(self.text()), Line::new(self.text()));
            target.log_tail = vec![Logged { at: None, severity, is_error: true, text }];
        }
        report
    }
}

fn at() -> Timestamp {
    Timestamp::from_second(1_785_765_731).unwrap()
}

/// A terminal that was written to.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Screen {
    /// Returns the output of the console, without our own colours.
    fn after(show: impl FnOnce(&mut Console)) -> String {
        let screen = Self::default();
        let shown = screen.clone();
        let mut console = Console::on(shown).unwrap();
        show(&mut console);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(console.close(PATIENCE)).unwrap();
        let written = String::from_utf8(screen.0.lock().unwrap().clone()).unwrap();
        [Tone::Faint, Tone::Good, Tone::Bad, Tone::Warning].into_iter().fold(written, |written, tone| {
            let style = tone.style();
            written.replace(&style.to_string(), "").replace(&format!("{style:#}"), "")
        })
    }
}

/// Returns whether a character moves the cursor, changes the direction of writing or hides a word.
fn acts(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns || matches!(c, '\u{200b}'..='\u{200d}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// Checks that these are this many lines of text, none of which is a command of a runner.
#[track_caller]
fn check(written: &str, lines: usize) {
    assert_eq!(written.matches('\n').count(), lines, "{written:?}");
    assert!(lines == 0 || written.ends_with('\n'), "{written:?}");
    for line in written.split_terminator('\n') {
        assert_eq!(line.chars().find(|c| acts(*c)), None, "{line:?}");
        let obeyed = line.trim_start().starts_with("::") || line.contains("##[") || line.contains("##vso[");
        assert!(!obeyed, "{line:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn events_are_lines(texts in prop::collection::vec(hostile(), 1..9)) {
        let mut said = Said { texts: &texts, turn: 0 };
        let targets = [said.target(), said.target()];
        let mut events = Vec::new();
        for (kind, lines) in said.events(&targets) {
            let event = Event { at: Moment::START, kind };
            events.push(event);
            let all = |events: &[Event]| Screen::after(|console| events.iter().for_each(|event| console.event(event)));
            let before = all(&events[..events.len() - 1]);
            let whole = all(&events);
            check(&whole, before.matches('\n').count() + lines);
        }
    }

    #[test]
    fn reports_are_lines(texts in prop::collection::vec(hostile(), 1..9), count in 1_usize..3) {
        let mut said = Said { texts: &texts, turn: 0 };
        let targets: Vec<Target> = (0..count).map(|number| {
            // Targets are distinct, whatever their names are.
            let Target { install, .. } = said.target();
            Target::new(install, format!("cmp{number}").parse().unwrap())
                .named(Some(&RemoteText::new(said.text())), Some(&RemoteText::new(said.text())))
        }).collect();
        let report = said.report(&targets);
        let result = RunResult::new(&report, &words(), 1, ApiStats { version: said.line(), ..ApiStats::default() });
        let screen = Screen::after(|console| {
            console.event(&Event { at: Moment::START, kind: EventKind::Started { targets: targets.clone() } });
            console.finish(&result, &Line::default(), None);
        });
        // Eight lines for each target, and its name where there are several; then the run's warning. The run's cause is that
        // of the deciding target.
        let of_each = if count > 1 { 9 } else { 8 };
        check(&screen, of_each * count + 1);
        check(&(describe::verdict_line(&result, None).plain().to_owned() + "\n"), 1);

        // No other output changes the direction of writing or hides a word either.
        let facts = Facts::new(&Ending { result: &result, standing: None, slack_thread: None });
        let issues = issues(&result);
        let commands = issues.iter().flat_map(|issue| [github::issue(issue), azure::issue(issue)]);
        let written = commands.chain(azure::variables(&facts)).chain([
            markdown::report(&result, 1 << 20),
            junit::report(&result),
            gitlab::dotenv(&facts),
            serde_json::to_string(&result).unwrap(),
        ]);
        for written in written {
            prop_assert_eq!(written.chars().find(|c| *c != '\n' && acts(*c)), None, "{:?}", written);
        }
    }
}
