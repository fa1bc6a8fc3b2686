//! The health of a component after a deploy that has passed: the server's status and observations, and their meaning.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::said::{STARTED_AT, with};
use super::scene::target;
use super::{OWN_COMPONENT, answer};
use crate::api::{Fact, Request};
use crate::model::{ComponentHealth, Health, Resource};
use crate::watch::phase::condition::{Condition, Ended, Sight, condition};
use crate::{InstallComponentId, RemoteText};

/// When the deploy ended, in seconds after the watch began.
const ENDED: i64 = 0;

/// A resource of the component: its health, and when that was observed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Thing {
    provider: &'static str,
    health: &'static str,
    at: i64,
    removed: bool,
}

pub(super) const fn pod(health: &'static str, at: i64) -> Thing {
    Thing { provider: "kubernetes", health, at, removed: false }
}

pub(super) const fn check(health: &'static str, at: i64) -> Thing {
    Thing { provider: "custom", health, at, removed: false }
}

pub(super) const fn bucket(health: &'static str, at: i64) -> Thing {
    Thing { provider: "aws", health, at, removed: false }
}

pub(super) const fn removed(health: &'static str, at: i64) -> Thing {
    Thing { provider: "probe", health, at, removed: true }
}

impl Thing {
    pub(super) fn body(self) -> Value {
        json!({
            "install_id": "inl-acme", "install_component_id": OWN_COMPONENT, "provider": self.provider,
            "kind": "Deployment", "name": "api", "health": self.health, "message": format!("so {}", self.health),
            "observed_at": second(self.at).to_string(), "removed_from_config": self.removed,
        })
    }
}

/// What it means.
#[derive(Debug, Clone)]
enum Means {
    /// It is healthy, since then, and was last observed then.
    Healthy(i64, i64),
    Bad(Health),
    NotYet(&'static str),
    Unseen(&'static str),
}

use Means::{Bad, Healthy, NotYet, Unseen};

const NOTHING_SINCE: Means = Unseen("nothing of the component was observed since the deploy ended");

const NOTHING_ASSESSED: Means = Unseen("nothing of the component could be assessed since the deploy ended");

const NOTHING: Means = Unseen("the server has observed nothing of the component");

pub(super) const SAID: &str = "as the server says";

/// The server's status, since when, its observations, and their meaning.
type Row = (&'static str, &'static str, i64, &'static [Thing], Means);

#[rustfmt::skip]
const TABLE: &[Row] = &[
    ("healthy, observed since", "healthy", 5, &[pod("healthy", 9)], Healthy(5, 9)),
    ("healthy all along, observed since", "healthy", -900, &[pod("healthy", 9)], Healthy(-900, 9)),
    ("several, all healthy", "healthy", -900, &[pod("healthy", 9), pod("healthy", 9), check("healthy", 3)], Healthy(-900, 9)),
    // Stale.
    ("healthy, observed before", "healthy", -900, &[pod("healthy", -1)], NOTHING_SINCE),
    ("healthy, observed at the very end", "healthy", -900, &[pod("healthy", 0)], NOTHING_SINCE),
    ("healthy, never observed", "healthy", -900, &[], NOTHING),
    ("called healthy since, observed before", "healthy", 5, &[pod("healthy", -1)], NOTHING_SINCE),
    ("called unhealthy since, observed before", "unhealthy", 5, &[pod("unhealthy", -1)], NOTHING_SINCE),
    ("called unhealthy before, observed before", "unhealthy", -5, &[pod("unhealthy", -1)], NOTHING_SINCE),
    // Not an observation of the workload.
    ("only what a cloud lists", "healthy", -900, &[bucket("healthy", 9)], NOTHING),
    ("what a cloud lists counts nothing", "healthy", -900, &[bucket("unhealthy", 9), pod("healthy", 9)], Healthy(-900, 9)),
    ("only what is checked no more", "healthy", -900, &[removed("healthy", 9)], NOTHING),
    ("what is checked no more counts nothing", "healthy", -900, &[removed("unhealthy", 9), pod("healthy", 9)], Healthy(-900, 9)),
    ("a pushed check alone", "healthy", 5, &[check("healthy", 9)], Healthy(5, 9)),
    ("a pushed check since, the rest from before", "healthy", -900, &[check("healthy", 9), pod("healthy", -1)], NOTHING_SINCE),
    ("a pushed check from before, the rest since", "healthy", -900, &[check("unhealthy", -9), pod("healthy", 9)], Healthy(-900, 9)),
    // Observations without a health.
    ("all unknown", "healthy", -900, &[pod("unknown", 9)], NOTHING_ASSESSED),
    ("all not applicable", "healthy", -900, &[pod("not-applicable", 9)], NOTHING_ASSESSED),
    ("a word that is not known", "healthy", -900, &[pod("splendid", 9)], NOTHING_ASSESSED),
    ("without a word", "healthy", -900, &[pod("", 9)], NOTHING_ASSESSED),
    ("some unknown", "healthy", -900, &[pod("unknown", 9), pod("healthy", 9)], Healthy(-900, 9)),
    // The server has not changed its status yet.
    ("healthy, one unhealthy", "healthy", -900, &[pod("healthy", 9), pod("unhealthy", 9)],
        NotYet("Deployment api is unhealthy: so unhealthy")),
    ("healthy, one degraded, for long", "healthy", -900, &[pod("degraded", 900)], NotYet("Deployment api is degraded: so degraded")),
    ("healthy, a pushed check says no", "healthy", -900, &[pod("healthy", 9), check("degraded", 8)],
        NotYet("Deployment api is degraded: so degraded")),
    ("healthy, one progressing", "healthy", -900, &[pod("progressing", 9)], NotYet("Deployment api is progressing: so progressing")),
    // Statuses that are no health.
    ("progressing", "progressing", 5, &[pod("healthy", 9)], NotYet(SAID)),
    ("unknown", "unknown", 5, &[pod("healthy", 9)], Unseen(SAID)),
    ("not applicable", "not-applicable", 5, &[pod("healthy", 9)], Unseen(SAID)),
    ("a word of tomorrow", "splendid", 5, &[pod("healthy", 9)], Unseen(SAID)),
    ("a word with other letters", "Healthy", 5, &[pod("healthy", 9)], Unseen(SAID)),
    // Bad.
    ("unhealthy", "unhealthy", 5, &[pod("unhealthy", 9)], Bad(Health::Unhealthy)),
    ("unhealthy since the second in which it ended", "unhealthy", 0, &[pod("unhealthy", 9)], Bad(Health::Unhealthy)),
    ("degraded", "degraded", 5, &[pod("degraded", 9)], Bad(Health::Degraded)),
    ("unhealthy, one of many", "unhealthy", 5, &[pod("healthy", 9), pod("degraded", 9)], Bad(Health::Unhealthy)),
    ("unhealthy from before, bad still", "unhealthy", -5, &[pod("unhealthy", 9)], NotYet(SAID)),
    ("unhealthy from before, better by now", "unhealthy", -5, &[pod("healthy", 9)], NotYet(SAID)),
    ("unhealthy since, better by now", "unhealthy", 5, &[pod("healthy", 9)], NotYet(SAID)),
    ("unhealthy from before, bad for long", "unhealthy", -5, &[pod("unhealthy", 180)], Bad(Health::Unhealthy)),
    ("unhealthy from before, not for so long", "unhealthy", -5, &[pod("unhealthy", 179)], NotYet(SAID)),
    ("unhealthy, whatever is observed, for long", "unhealthy", -5, &[pod("healthy", 180)], Bad(Health::Unhealthy)),
];

pub(super) fn second(second: i64) -> Timestamp {
    Timestamp::from_second(STARTED_AT + second).unwrap()
}

/// The deploy ended, and the last observation by the first poll had been made a second before.
fn ended() -> Ended {
    Ended { at: second(ENDED), observed: Some(second(ENDED - 1)) }
}

pub(super) fn component(word: &str, since: i64) -> Value {
    json!({
        "id": OWN_COMPONENT, "install_id": "inl-acme", "component_id": "cmp-web",
        "health_status_v2": {
            "status": word, "status_human_description": SAID, "created_at_ts": STARTED_AT + since, "metadata": {},
        },
    })
}

fn read_component(body: &Value) -> ComponentHealth {
    match answer(&Request::Health(target().install, target().component), 200, body).unwrap().fact {
        Fact::Health(component) => (*component).clone(),
        other => panic!("{other:?} is no health"),
    }
}

fn read_things(things: &[Thing]) -> Vec<Resource> {
    let own: InstallComponentId = OWN_COMPONENT.parse().unwrap();
    let body: Value = things.iter().map(|thing| thing.body()).collect();
    match answer(&Request::Resources(target().install, own), 200, &body).unwrap().fact {
        Fact::Resources(rows) => (*rows).clone(),
        other => panic!("{other:?} is no list of resources"),
    }
}

impl Means {
    fn condition(&self) -> Condition {
        match self {
            Healthy(began, observed) => {
                Condition::Healthy(Sight { began: second(*began), observed: second(*observed) })
            }
            Bad(health) => Condition::Bad(health.clone(), RemoteText::new(SAID)),
            NotYet(words) => Condition::NotYet(RemoteText::new(*words)),
            Unseen(words) => Condition::Unseen(RemoteText::new(*words)),
        }
    }
}

#[test]
fn how_a_component_does() {
    for (name, word, since, things, means) in TABLE {
        let read = condition(&read_component(&component(word, *since)), &read_things(things), ended());
        assert_eq!(read, means.condition(), "{name}");
    }
}

#[test]
fn what_says_nothing_of_health_is_none() {
    let things = read_things(&[pod("healthy", 9)]);
    let nothing = "the server reports no health for the component";
    let no_time = "the server does not say since when the component is so";
    let whole = |health: Value| with(component("", 0), &json!({ "health_status_v2": health }));
    let cases = [
        (json!(null), nothing),
        (json!({}), nothing),
        (json!("healthy"), nothing),
        (json!(["healthy"]), nothing),
        (json!({ "status": null }), nothing),
        (json!({ "status": 1 }), nothing),
        (json!({ "status": ["healthy"] }), nothing),
        (json!({ "status_human_description": "healthy" }), nothing),
        (json!({ "status": "healthy" }), no_time),
        (json!({ "status": "healthy", "created_at_ts": "yesterday" }), no_time),
        (json!({ "status": "" }), "the component is "),
        (json!({ "status": "unknown" }), "the component is unknown"),
    ];
    for (health, words) in cases {
        let read = condition(&read_component(&whole(health.clone())), &things, ended());
        assert_eq!(read, Unseen(words).condition(), "{health}");
    }
    let bare =
        json!({ "id": OWN_COMPONENT, "install_id": "inl-acme", "component_id": "cmp-web", "health_status": "healthy" });
    assert_eq!(condition(&read_component(&bare), &things, ended()), Unseen(nothing).condition());
}

#[test]
fn clocks_that_differ_make_nothing_newer() {
    // The last observation at the first poll, the last one now, and whether that was made after the deploy ended at 0.
    let cases = [
        (Some(-1), 1, true),
        (Some(-1), 0, false),
        (Some(-1), -1, false),
        // Of a runner whose clock may be ahead.
        (Some(30), 30, false),
        (Some(30), 31, true),
        (Some(60), 60, false),
        (Some(61), 61, true),
        (None, 1, false),
        (None, 60, false),
        (None, 61, true),
        // Of one whose clock is behind.
        (Some(-90), -30, false),
    ];
    for (before, now, is_since) in cases {
        let ended = Ended { at: second(0), observed: before.map(second) };
        let read = condition(&read_component(&component("healthy", -900)), &read_things(&[pod("healthy", now)]), ended);
        assert_eq!(matches!(read, Condition::Healthy(_)), is_since, "{before:?} {now}: {read:?}");
    }
}

// How long the gate waits.
