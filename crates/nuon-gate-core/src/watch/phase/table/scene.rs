//! Scenes: the requests, poll by poll, the server's answers, and the decisions.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::said::{Body, STARTED_AT, Said};
use super::{OWN, answer};
use crate::api::{ApiError, Depth, Request};
use crate::cause::{Cause, DeployFailure, Standing, Warning};
use crate::model::{Deploy, Status};
use crate::pins::Pins;
use crate::watch::Refusal;
use crate::watch::phase::{
    Basis, Decision, End, Follow, Note, Phase, Policy, Proof, Search, StopReason, decide, decide_at_stop,
};
use crate::watch::settings::{Mode, WatchSettings};
use crate::watch::takeovers::{Takeover, Takeovers};
use crate::{DeployId, Hold, Kind, Line, Moment, Target, Verdict};

/// A property of a phase, with its name.
type Shown = (&'static str, fn(&Phase) -> bool);

/// What is waited for, and the outcome.
pub(super) struct Scene {
    pub(super) name: &'static str,
    pub(super) section: &'static str,
    phase: Phase,
    settings: WatchSettings,
    dashboard: Option<Request>,
    has_server_time: bool,
    /// Other targets of the install are waited for as well.
    by_install_list: bool,
    /// What a poll of the branch's run showed about the install, before which poll of the target.
    run_polls: Vec<(usize, bool)>,
    /// The rows of an install's list that another target requested, before which poll of the target.
    overheard: Vec<(usize, Value)>,
    takeovers: Takeovers,
    polls: Vec<Poll>,
    /// When the requests of the poll under way were sent.
    sent: Moment,
    stop: Option<StopReason<'static>>,
    /// The expected properties at the end.
    shown: Vec<Shown>,
    /// The decision after each poll, and then without time for another.
    thens: Vec<Then>,
    /// What is reported, except for states of the same deploy; `None` if the scene is not about that.
    reported: Option<Vec<&'static str>>,
}

struct Poll {
    /// When its requests were sent, and when they were answered.
    sent: u64,
    at: u64,
    wide: bool,
    said: Vec<Said>,
}

/// A decision.
#[derive(Debug, PartialEq)]
pub(super) enum Then {
    Holds(Hold),
    /// The first has to be known first; nothing answers in the scene.
    Needs(String),
    Passes(Proof),
    Ends(Verdict, Cause),
    Refused(Refusal),
    /// The answer cannot be used.
    NoAnswer,
}

pub(super) const NOT_STARTED: Then = Then::Holds(Hold::NotStarted);
pub(super) const IN_PROGRESS: Then = Then::Holds(Hold::InProgress);

pub(super) fn play(scenes: Vec<Scene>) {
    scenes.into_iter().for_each(Scene::play);
}

/// A search by these pins.
pub(super) fn search(name: &'static str, section: &'static str, pins: Pins) -> Scene {
    Scene::new(name, section, Phase::Searching(Search::new(pins)))
}

/// The pin on the workflow of the deploy that the table is about.
pub(super) fn of_workflow() -> Pins {
    Pins { workflow: "iwf-1".parse().ok(), ..Pins::default() }
}

/// A search for the newest.
pub(super) fn latest(name: &'static str, section: &'static str) -> Scene {
    search(name, section, Pins::default())
}

/// The deploy is named, and these pins with it.
pub(super) fn named(name: &'static str, section: &'static str, pins: Pins) -> Scene {
    let pins = Pins { deploy: Some(id(OWN)), ..pins };
    Scene::new(name, section, Phase::Following(Box::new(Follow::named(id(OWN), pins))))
}

/// The deploy is named, and nothing else.
pub(super) fn own(name: &'static str, section: &'static str) -> Scene {
    named(name, section, Pins::default())
}

impl Scene {
    fn new(name: &'static str, section: &'static str, phase: Phase) -> Self {
        let settings = WatchSettings { long_poll: false, ..WatchSettings::default() };
        Self {
            name,
            section,
            phase,
            settings,
            dashboard: None,
            has_server_time: true,
            by_install_list: false,
            run_polls: Vec::new(),
            overheard: Vec::new(),
            takeovers: Takeovers::default(),
            polls: Vec::new(),
            sent: Moment::START,
            stop: None,
            shown: Vec::new(),
            thens: Vec::new(),
            reported: None,
        }
    }

    pub(super) fn with(self, change: impl FnOnce(&mut WatchSettings)) -> Self {
        let mut settings = self.settings;
        change(&mut settings);
        Self { settings, ..self }
    }

    pub(super) fn once(self) -> Self {
        self.with(|settings| settings.mode = Mode::Once)
    }

    /// No answer says the server's time.
    pub(super) fn without_server_time(self) -> Self {
        Self { has_server_time: false, ..self }
    }

    /// The dashboard can be requested.
    pub(super) fn dashboard(self) -> Self {
        Self { dashboard: Some(Request::Dashboard("org-1".parse().unwrap())), ..self }
    }

    /// The install's list is requested first, for other targets as well.
    pub(super) fn by_install_list(self) -> Self {
        Self { by_install_list: true, ..self }
    }

    /// A complete poll of the branch's run begins with the next poll: a later run has taken the install, or not.
    pub(super) fn run_polled(mut self, is_taken: bool) -> Self {
        self.run_polls.push((self.polls.len(), is_taken));
        self
    }

    /// Another target's request shows these rows of the install's list before the next poll.
    pub(super) fn overhears(mut self, rows: &[Value]) -> Self {
        self.overheard.push((self.polls.len(), json!(rows)));
        self
    }

    pub(super) fn poll<const N: usize>(self, at: u64, said: [Said; N]) -> Self {
        self.polled((at, at), false, said.into())
    }

    /// A poll whose requests were sent long before their answers came.
    pub(super) fn late_poll<const N: usize>(self, sent: u64, at: u64, said: [Said; N]) -> Self {
        self.polled((sent, at), false, said.into())
    }

    /// A poll that reads the workflow and what is newer in any case.
    pub(super) fn wide_poll<const N: usize>(self, at: u64, said: [Said; N]) -> Self {
        self.polled((at, at), true, said.into())
    }

    /// A poll with so many answers that a function builds it.
    pub(super) fn poll_of(self, at: u64, said: Vec<Said>) -> Self {
        self.polled((at, at), false, said)
    }

    fn polled(mut self, (sent, at): (u64, u64), wide: bool, said: Vec<Said>) -> Self {
        self.polls.push(Poll { sent, at, wide, said });
        self
    }

    /// There is no time for another poll.
    pub(super) fn stops(self, reason: StopReason<'static>) -> Self {
        Self { stop: Some(reason), ..self }
    }

    pub(super) fn then(mut self, then: Then) -> Self {
        self.thens.push(then);
        self
    }

    pub(super) fn reports<const N: usize>(self, reported: [&'static str; N]) -> Self {
        Self { reported: Some(reported.into()), ..self }
    }

    pub(super) fn shows(mut self, what: &'static str, check: fn(&Phase) -> bool) -> Self {
        self.shown.push((what, check));
        self
    }

    fn play(mut self) {
        let title = format!("{} ({})", self.name, self.section);
        let (mut reported, mut last, mut followed) = (Vec::new(), Moment::START, Vec::new());
        for (nth, Poll { sent, at, wide, said }) in std::mem::take(&mut self.polls).into_iter().enumerate() {
            last = Moment::after_start(Duration::from_secs(at));
            self.sent = Moment::after_start(Duration::from_secs(sent));
            for (_, is_taken) in self.run_polls.extract_if(.., |(before, _)| *before == nth) {
                let takeover = || Takeover { install: Line::new("acme"), by: "run-2".parse().unwrap() };
                self.takeovers.note(last, is_taken.then(|| (target().install, takeover())).into_iter().collect());
            }
            for (_, rows) in self.overheard.extract_if(.., |(before, _)| *before == nth) {
                let rows: Vec<Deploy> = serde_json::from_str(&rows.to_string()).unwrap();
                self.phase.overhear(&rows, &target(), last);
            }
            self.phase.begin_poll(false);
            followed.push(self.poll_once(&title, last, wide, said, &mut reported));
        }
        if let Some(reason) = self.stop.take() {
            let end =
                self.policy(last, false, |phase, policy| decide_at_stop(phase, policy, &reason, Standing::Nothing));
            followed.push(Then::of_end(end));
        }
        assert_eq!(followed, self.thens, "{title}: what follows from each poll");
        for (what, check) in &self.shown {
            assert!(check(&self.phase), "{title}: {what}");
        }
        if let Some(expected) = self.reported.take() {
            assert_eq!(reported, expected, "{title}: what is reported");
        }
    }

    fn poll_once(&mut self, title: &str, now: Moment, wide: bool, said: Vec<Said>, reported: &mut Vec<String>) -> Then {
        let mut said = said.into_iter();
        loop {
            let request = match self.policy(now, wide, |phase, policy| decide(phase, policy)) {
                Decision::Need(request) => request,
                Decision::Hold(hold) => {
                    assert_eq!(said.next().map(|said| said.asked), None, "{title}: it is asked before {hold:?}");
                    self.policy(now, wide, |phase, policy| phase.note_hold(hold.clone(), policy));
                    return Then::Holds(hold);
                }
                Decision::End(end) => {
                    assert_eq!(said.next().map(|said| said.asked), None, "{title}: it is asked before {end:?}");
                    return Then::of_end(end);
                }
            };
            let Some(Said { asked, body }) = said.next() else { return Then::Needs(label(&request)) };
            assert_eq!(label(&request), asked, "{title}: what is asked next");
            match self.accept(&request, body, now, wide) {
                Some(notes) => reported.extend(notes.into_iter().filter_map(report)),
                None => return Then::NoAnswer,
            }
        }
    }

    fn accept(&mut self, request: &Request, body: Body, now: Moment, wide: bool) -> Option<Vec<Note>> {
        let reply = match body {
            Body::Json(body) => answer(request, 200, &body),
            Body::Status(status) => {
                answer(request, status, &json!({ "error": "record not found", "description": "not found" }))
            }
            Body::Lost => {
                let (Phase::Following(follow), Request::Workflow(_, id)) = (&mut self.phase, request) else {
                    panic!("{request:?} is not done without");
                };
                follow.lose_workflow(id);
                return Some(self.advance(now, wide));
            }
            Body::Nothing if request.is_of_health() => Err(ApiError::Timeout(Duration::from_secs(5))),
            Body::Nothing => {
                let goes_on = self.policy(now, wide, |phase, policy| phase.does_without(request, policy));
                return goes_on.then(|| self.advance(now, wide));
            }
        };
        let accepted = reply
            .and_then(|answer| self.policy(now, wide, |phase, policy| phase.on_fact(request, answer.fact, policy)));
        if let Err(error) = &accepted
            && request.is_of_health()
            && let Phase::Following(follow) = &mut self.phase
        {
            follow.miss_health(error);
            return Some(self.advance(now, wide));
        }
        let mut notes = accepted.ok()?;
        // A request that only serves people changes nothing.
        if self.dashboard.as_ref() == Some(request) {
            self.dashboard = None;
        }
        notes.extend(self.advance(now, wide));
        Some(notes)
    }

    fn advance(&mut self, now: Moment, wide: bool) -> Vec<Note> {
        self.policy(now, wide, |phase, policy| {
            let (next, notes) = phase.take().advance(policy);
            *phase = next;
            notes
        })
    }

    fn policy<T>(&mut self, now: Moment, wide: bool, then: impl FnOnce(&mut Phase, &Policy<'_>) -> T) -> T {
        let started_at = Timestamp::from_second(STARTED_AT).unwrap();
        let policy = Policy {
            settings: &self.settings,
            target: &target(),
            now,
            sent: self.sent,
            server_started_at: started_at,
            has_server_time: self.has_server_time,
            by_install_list: self.by_install_list,
            takeovers: &self.takeovers,
            wide,
            dashboard: self.dashboard.clone(),
        };
        then(&mut self.phase, &policy)
    }
}

fn label(request: &Request) -> String {
    match request {
        Request::LatestDeploy(_, _, Depth::Usual) => "latest".to_owned(),
        Request::LatestDeploy(_, _, Depth::Page) => "latest of a hundred".to_owned(),
        Request::Deploys(..) => "list of 100".to_owned(),
        Request::InstallDeploys(_) => "list of the install".to_owned(),
        Request::Deploy(_, _, id) => format!("deploy {id}"),
        Request::Workflow(_, id) => format!("workflow {id}"),
        Request::Install(_) => "install".to_owned(),
        Request::InstallComponent(..) => "component".to_owned(),
        Request::Dashboard(_) => "dashboard".to_owned(),
        Request::Health(..) => "health".to_owned(),
        Request::Resources(.., 1) => "resources".to_owned(),
        Request::Resources(.., page) => format!("resources {page}"),
        other => panic!("{other:?} is never needed"),
    }
}

fn report(note: Note) -> Option<String> {
    Some(match note {
        Note::Found { row, by, replaces } => {
            let replaces = replaces.map(|id| format!(" for {id}")).unwrap_or_default();
            format!("found {} by {}{replaces}", row.id.as_ref().unwrap(), by.as_str())
        }
        Note::Observed(_) => return None,
        Note::Superseded { from, to, policy } => format!("{to} supersedes {from}: {}", policy.as_str()),
        Note::Replaced(id) => format!("{id} was replaced"),
        Note::Lost => "lost".to_owned(),
        Note::InstallName(name) => format!("install {}", name.unwrap_or_default().line(9).plain()),
        Note::Warned(Warning::AlreadyEnded { deploy, ago }) => {
            let ago = ago.map(|ago| format!(", {ago:?} ago")).unwrap_or_default();
            format!("{deploy} had ended{ago}")
        }
        Note::Warned(Warning::OlderMatch { deploy, .. }) => format!("{deploy} is older and had ended"),
        Note::Warned(Warning::Superseded { to, .. }) => format!("follows {to}"),
        Note::Warned(other) => panic!("{other:?} is not reported by a phase"),
    })
}

impl Then {
    fn of_end(end: End) -> Self {
        let (verdict, cause) = (end.verdict(), end.cause().cloned());
        match end {
            End::Passed(proof) => Self::Passes(proof),
            End::Otherwise(..) => Self::Ends(verdict, cause.expect("a cause")),
            End::Refused(refusal) => Self::Refused(refusal),
        }
    }
}

/// It passes, and this proves it.
pub(super) fn passes(deploy: &str, basis: Basis) -> Then {
    Then::Passes(Proof::new(id(deploy), Kind::Apply, basis, None))
}

/// By the steps of its workflow.
pub(super) fn passes_by(workflow: &str) -> Then {
    passes(OWN, Basis::Steps(workflow.parse().unwrap()))
}

pub(super) fn needs(label: &str) -> Then {
    Then::Needs(label.to_owned())
}

pub(super) fn rejected(cause: Cause) -> Then {
    Then::Ends(Verdict::Rejected, cause)
}

pub(super) fn failed(cause: Cause) -> Then {
    Then::Ends(Verdict::Failed, cause)
}

/// The deploy says so itself, and nothing more.
pub(super) fn fails_as(status: Status) -> Then {
    failed(failure(status))
}

pub(super) fn failure(status: Status) -> Cause {
    Cause::Deploy(DeployFailure { status, text: None, is_generic: true, denial: None, hint: None, by_rule: false })
}

pub(super) fn id(id: &str) -> DeployId {
    id.parse().unwrap()
}

pub(super) fn target() -> Target {
    Target::new("inl-acme".parse().unwrap(), "cmp-web".parse().unwrap())
}
