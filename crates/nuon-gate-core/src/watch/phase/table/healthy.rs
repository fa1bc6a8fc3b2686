//! The health of a component after a deploy that has passed: the server's status and observations, and their meaning.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::said::{STARTED_AT, with};
use super::scene::target;
use super::{OWN_COMPONENT, answer};
use crate::api::{Fact, Request};
use crate::model::{ComponentHealth, Health, Resource};
use crate::watch::phase::condition::{Condition, Sight, Times, condition};
use crate::{InstallComponentId, RemoteText};

/// When the deploy ended, in seconds after the watch began.
const ENDED: i64 = 0;

/// When it got its status, before a step had verified its health.
const STATED: i64 = -3;

/// A resource of the component: its health, and when that was observed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Thing {
    provider: &'static str,
    health: &'static str,
    at: i64,
    removed: bool,
}

/// The server does not say when it was observed.
const NEVER: i64 = i64::MIN;

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
            "observed_at": (self.at != NEVER).then(|| second(self.at).to_string()), "removed_from_config": self.removed,
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
    Stale(i64),
}

use Means::{Bad, Healthy, NotYet, Stale, Unseen};

const NOTHING_SINCE: Means = Unseen("nothing of the component was observed since the deploy ended");

const NOTHING_ASSESSED: Means = Unseen("nothing of the component could be assessed since the deploy ended");

const NOTHING: Means = Unseen("the server has observed nothing of the component");

const SPLENDID: Means = Unseen("Deployment api is splendid: so splendid");

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
    // While the deploy was being verified.
    ("a check says no while it is verified", "healthy", -900, &[check("unhealthy", -2), pod("healthy", 9)],
        NotYet("Deployment api is unhealthy: so unhealthy")),
    ("one is unclear while it is verified", "healthy", -900, &[check("splendid", -2), pod("healthy", 9)], SPLENDID),
    ("a check says no at its status", "healthy", -900, &[check("unhealthy", -3), pod("healthy", 9)], Healthy(-900, 9)),
    ("a check says yes while it is verified", "healthy", -900, &[check("healthy", -2), pod("unknown", 9)], NOTHING_ASSESSED),
    // Observations without a health.
    ("all unknown", "healthy", -900, &[pod("unknown", 9)], NOTHING_ASSESSED),
    ("all not applicable", "healthy", -900, &[pod("not-applicable", 9)], NOTHING_ASSESSED),
    ("a word of tomorrow, of one", "healthy", -900, &[pod("splendid", 9), pod("healthy", 9)], SPLENDID),
    ("a word with other letters, of one", "healthy", -900, &[pod("UNHEALTHY", 9), pod("healthy", 9)],
        Unseen("Deployment api is UNHEALTHY: so UNHEALTHY")),
    ("a word of tomorrow, of one from before", "healthy", -900, &[check("splendid", -9), pod("healthy", 9)], Healthy(-900, 9)),
    ("a word of tomorrow, of a cloud", "healthy", -900, &[bucket("splendid", 9), pod("healthy", 9)], Healthy(-900, 9)),
    ("a word of tomorrow, and one that is known", "healthy", -900, &[pod("splendid", 9), pod("progressing", 9)],
        NotYet("Deployment api is progressing: so progressing")),
    ("without a word", "healthy", -900, &[pod("", 9), pod("healthy", 9)], Unseen("Deployment api is unknown: so")),
    // Observations without a time.
    ("healthy at no time, alone", "healthy", -900, &[pod("healthy", NEVER)], NOTHING),
    ("healthy at no time, the rest unknown", "healthy", -900, &[pod("healthy", NEVER), pod("unknown", 9)], NOTHING_ASSESSED),
    ("healthy at no time", "healthy", -900, &[pod("healthy", NEVER), pod("healthy", 9)], Healthy(-900, 9)),
    ("unhealthy at no time", "healthy", -900, &[pod("unhealthy", NEVER), pod("healthy", 9)],
        NotYet("Deployment api is unhealthy: so unhealthy")),
    ("a check that is degraded at no time", "healthy", -900, &[check("degraded", NEVER), pod("healthy", 9)],
        NotYet("Deployment api is degraded: so degraded")),
    ("a word of tomorrow at no time", "healthy", -900, &[pod("splendid", NEVER), pod("healthy", 9)], SPLENDID),
    ("not assessed at no time", "healthy", -900, &[bucket("unhealthy", NEVER), removed("unhealthy", NEVER), pod("healthy", 9)],
        Healthy(-900, 9)),
    ("unhealthy since, at no time", "unhealthy", 5, &[pod("unhealthy", NEVER), pod("healthy", 9)], Bad(Health::Unhealthy)),
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

/// The deploy ended, and the last observation by the first poll had been made a second before. Then it is this second.
fn times(now: i64) -> Times {
    Times {
        stated: second(STATED),
        ended: second(ENDED),
        first: Some(second(ENDED - 1)),
        read: second(now),
        now: second(now),
    }
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
    read_rows(&things.iter().map(|thing| thing.body()).collect())
}

fn read_rows(body: &Value) -> Vec<Resource> {
    let own: InstallComponentId = OWN_COMPONENT.parse().unwrap();
    match answer(&Request::Resources(target().install, target().component, own, 1), 200, body).unwrap().fact {
        Fact::Resources(page) => page.rows,
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
            Stale(since) => Condition::Stale(second(*since)),
        }
    }
}

#[test]
fn how_a_component_does() {
    for (name, word, since, things, means) in TABLE {
        let last = things.iter().map(|thing| thing.at).max().unwrap_or_default().max(ENDED);
        let read = condition(&read_component(&component(word, *since)), &read_things(things), times(last + 10));
        assert_eq!(read, means.condition(), "{name}");
    }
}

#[test]
fn how_a_component_does_that_is_observed_no_more() {
    // The server's status and since when, the last observation, the time, and the meaning.
    let splendid = pod("splendid", 9);
    let cases = [
        ("healthy", -900, pod("healthy", 9), 129, Healthy(-900, 9)),
        ("healthy", -900, pod("healthy", 9), 130, Stale(9)),
        ("healthy", -900, pod("healthy", 9), 9000, Stale(9)),
        ("healthy", -900, pod("unhealthy", 9), 130, Stale(9)),
        ("healthy", -900, splendid, 130, Stale(9)),
        ("progressing", 5, pod("healthy", 9), 130, Stale(9)),
        ("unhealthy", -5, pod("unhealthy", 9), 130, Stale(9)),
        // What was bad stays so.
        ("unhealthy", 5, pod("unhealthy", 9), 9000, Bad(Health::Unhealthy)),
        ("unhealthy", -5, pod("unhealthy", 180), 9000, Bad(Health::Unhealthy)),
        // From before.
        ("healthy", -900, pod("healthy", -1), 9000, NOTHING_SINCE),
        ("unknown", 5, pod("healthy", 9), 9000, Unseen(SAID)),
    ];
    for (word, since, thing, now, means) in cases {
        let read = condition(&read_component(&component(word, since)), &read_things(&[thing]), times(now));
        assert_eq!(read, means.condition(), "{word} {thing:?} {now}");
    }
}

#[test]
fn a_health_that_is_no_word_is_not_known() {
    for health in [json!({ "status": "unhealthy" }), json!(["unhealthy"]), json!(3), json!(null)] {
        let broken = with(pod("", 9).body(), &json!({ "health": health, "message": null }));
        let rows = read_rows(&json!([broken, pod("healthy", 9).body()]));
        let read = condition(&read_component(&component("healthy", -900)), &rows, times(10));
        assert_eq!(read, Unseen("Deployment api is unknown").condition(), "{health}");
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
        (json!({ "status": "unknown", "status_human_description": " " }), "the component is unknown"),
        (json!({ "status": "unknown", "status_human_description": "unknown" }), "the component is unknown"),
    ];
    for (health, words) in cases {
        let read = condition(&read_component(&whole(health.clone())), &things, times(10));
        assert_eq!(read, Unseen(words).condition(), "{health}");
    }
    let bare =
        json!({ "id": OWN_COMPONENT, "install_id": "inl-acme", "component_id": "cmp-web", "health_status": "healthy" });
    assert_eq!(condition(&read_component(&bare), &things, times(10)), Unseen(nothing).condition());
}

#[test]
fn clocks_that_differ_make_nothing_newer() {
    // The last observation at the first poll, the last one, when it was first read, and how late it then counts as, if it
    // was made after the deploy ended at 0.
    let cases = [
        (Some(-1), 1, 70, Some(1)),
        (Some(-1), 0, 70, None),
        (Some(-1), -1, 70, None),
        // Of a runner whose clock may be ahead.
        (Some(30), 30, 70, None),
        (Some(30), 31, 70, Some(31)),
        (Some(60), 60, 70, None),
        (Some(61), 61, 70, Some(61)),
        (None, 1, 70, None),
        (None, 60, 70, None),
        (None, 61, 70, Some(61)),
        // Of one whose clock is ahead.
        (Some(61), 61, 1, Some(1)),
        (Some(62), 62, 1, None),
        (None, 62, 1, None),
        (None, 9_000, 100, None),
        (Some(9_000), 9_000, 100, None),
        (Some(9_000), 9_060, 100, Some(100)),
        (Some(200_000_000_000), 200_000_000_000, 100, None),
        // Once that is set right.
        (Some(200_000_000_000), 50, 50, None),
        (Some(200_000_000_000), 61, 70, Some(61)),
        // Of one whose clock is behind.
        (Some(-90), -30, 70, None),
    ];
    for (first, observed, read, counts) in cases {
        let times = Times {
            stated: second(0),
            ended: second(0),
            first: first.map(second),
            read: second(read),
            now: second(read),
        };
        let own =
            condition(&read_component(&component("healthy", -900)), &read_things(&[pod("healthy", observed)]), times);
        let expected = counts.map_or(NOTHING_SINCE, |counts| Healthy(-900, counts)).condition();
        assert_eq!(own, expected, "{first:?} {observed} {read}");
    }
}

// How long the gate waits.
