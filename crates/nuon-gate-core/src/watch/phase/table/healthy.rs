//! The health of a component after a deploy that has passed: the server's status and observations, and their meaning;
//! then how long the gate waits.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::HEALTH;
use super::said::{STARTED_AT, Said, created, detail, done, newest, nothing, row, said, status, typed, with};
use super::scene::{IN_PROGRESS, NOT_STARTED, Scene, Then, failed, latest, needs, own, passes_by, play, target};
use super::{JUDGING, OWN, OWN_COMPONENT, answer};
use crate::api::{Fact, Request};
use crate::cause::Cause;
use crate::model::{ComponentHealth, Health, Resource};
use crate::watch::phase::condition::{Condition, Ended, Sight, condition};
use crate::watch::phase::proof::HealthProof;
use crate::watch::phase::{Basis, Proof};
use crate::watch::settings::{OnStale, OnSuperseded};
use crate::{Bake, Hold, InstallComponentId, Kind, Moment, RemoteText, Verdict};

/// When the deploy ended, in seconds after the watch began.
const ENDED: i64 = 0;

/// A resource of the component: its health, and when that was observed.
#[derive(Debug, Clone, Copy)]
struct Thing {
    provider: &'static str,
    health: &'static str,
    at: i64,
    removed: bool,
}

const fn pod(health: &'static str, at: i64) -> Thing {
    Thing { provider: "kubernetes", health, at, removed: false }
}

const fn check(health: &'static str, at: i64) -> Thing {
    Thing { provider: "custom", health, at, removed: false }
}

const fn bucket(health: &'static str, at: i64) -> Thing {
    Thing { provider: "aws", health, at, removed: false }
}

const fn removed(health: &'static str, at: i64) -> Thing {
    Thing { provider: "probe", health, at, removed: true }
}

impl Thing {
    fn body(self) -> Value {
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
const SAID: &str = "as the server says";

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

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(STARTED_AT + second).unwrap()
}

/// The deploy ended, and the last observation by the first poll had been made a second before.
fn ended() -> Ended {
    Ended { at: second(ENDED), observed: Some(second(ENDED - 1)) }
}

fn component(word: &str, since: i64) -> Value {
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
    let nothing = "the server says nothing of the component's health";
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

fn active() -> Value {
    let stands = json!({ "status_v2": { "status": "active", "created_at_ts": STARTED_AT - 100 } });
    with(created(row(OWN, "active"), -200), &stands)
}

fn scene(name: &'static str, bake: u64) -> Scene {
    own(name, HEALTH).with(|settings| settings.healthy_for = Some(Duration::from_secs(bake)))
}

fn proven() -> Vec<Said> {
    vec![detail(&active()), newest(&active()), done("iwf-1")]
}

/// The deploy has passed, and the component has this health.
fn does<const N: usize>(word: &str, since: i64, things: [Thing; N]) -> Vec<Said> {
    let rows: Value = things.iter().map(|thing| thing.body()).collect();
    [proven(), vec![said("health", &component(word, since)), said("resources", &rows)]].into_iter().flatten().collect()
}

fn healthy(observed: i64) -> Vec<Said> {
    does("healthy", -900, [pod("healthy", observed)])
}

fn after(second: u64) -> Moment {
    Moment::after_start(Duration::from_secs(second))
}

/// It was seen healthy at a time, has been for so long, and had been observed by then.
fn bakes(from: u64, length: u64, baked: u64, observed: i64) -> Then {
    bakes_since(-900, from, length, baked, observed)
}

fn bakes_since(began: i64, from: u64, length: u64, baked: u64, observed: i64) -> Then {
    let (length, baked) = (Duration::from_secs(length), Duration::from_secs(baked));
    Then::Holds(Hold::Baking(Bake {
        from: after(from),
        length,
        baked,
        began: second(began),
        observed: second(observed),
    }))
}

fn unseen(words: &str) -> Then {
    Then::Holds(Hold::Unseen(RemoteText::new(words)))
}

fn not_healthy(words: &str) -> Then {
    Then::Holds(Hold::NotHealthy(RemoteText::new(words)))
}

/// It passes, with this last observation, healthy for this long.
fn passes_healthy(observed: i64, baked: u64) -> Then {
    let health = HealthProof::new(second(observed), Duration::from_secs(baked));
    let basis = Basis::Steps("iwf-1".parse().unwrap());
    Then::Passes(Proof::new(OWN.parse().unwrap(), Kind::Apply, basis, Some(health)))
}

fn unhealthy() -> Then {
    failed(Cause::Unhealthy { health: Health::Unhealthy, text: RemoteText::new(SAID) })
}

fn unknown(words: &str) -> Then {
    Then::Ends(Verdict::Inconclusive, Cause::HealthUnknown(RemoteText::new(words)))
}

const SINCE: &str = "nothing of the component was observed since the deploy ended";
const OFF: &str = "HTTP 403: record not found";
const OLD: &str = "HTTP 404: record not found";

pub(super) fn scenes() -> Vec<Scene> {
    [baking(), blind(), bad(), times(), not_asked(), in_one_poll()].into_iter().flatten().collect()
}

#[test]
fn how_long_health_is_waited_for() {
    play(scenes());
}

fn baking() -> Vec<Scene> {
    let superseded = || {
        let newer = created(row("dpl-new", "queued"), 30);
        [detail(&active()), newest(&with(newer, &json!({ "workflow_id": "iwf-2" })))]
    };
    vec![
        scene("healthy at once is enough", 0).poll_of(5, healthy(3)).then(passes_healthy(3, 0)),
        scene("healthy has to last", 300)
            .poll_of(5, healthy(3))
            .then(bakes(5, 300, 0, 3))
            .poll_of(304, healthy(290))
            .then(bakes(5, 300, 299, 3))
            .poll_of(305, healthy(290))
            .then(passes_healthy(290, 300)),
        scene("healthy is observed again before it is believed to have lasted", 300)
            .poll_of(5, healthy(3))
            .then(bakes(5, 300, 0, 3))
            .poll_of(305, healthy(182))
            .then(bakes(5, 300, 300, 3))
            .poll_of(400, healthy(183))
            .then(passes_healthy(183, 395)),
        scene("what was something else in between begins anew", 300)
            .poll_of(5, healthy(3))
            .then(bakes(5, 300, 0, 3))
            .poll_of(200, does("healthy", 100, [pod("healthy", 190)]))
            .then(bakes_since(100, 200, 300, 0, 190)),
        scene("a moment of progress begins anew", 300)
            .poll_of(5, healthy(3))
            .then(bakes(5, 300, 0, 3))
            .poll_of(60, does("healthy", -900, [pod("progressing", 50)]))
            .then(not_healthy("Deployment api is progressing: so progressing"))
            .poll_of(70, healthy(65))
            .then(bakes(70, 300, 0, 65)),
        scene("the deploy fails while it bakes", 300)
            .poll_of(5, healthy(3))
            .then(bakes(5, 300, 0, 3))
            .poll_of(60, vec![detail(&row(OWN, "executing"))])
            .then(IN_PROGRESS),
        scene("what had been observed counts no more after another status", 0)
            .poll_of(5, healthy(-103))
            .then(unseen(SINCE))
            .poll_of(10, vec![detail(&row(OWN, "executing"))])
            .then(IN_PROGRESS)
            .poll_of(20, {
                let stands = json!({ "status_v2": { "status": "active", "created_at_ts": STARTED_AT + 15 } });
                let again = with(active(), &stands);
                let things: Value = [pod("healthy", 16).body()].into_iter().collect();
                let health = said("health", &component("healthy", -900));
                vec![detail(&again), newest(&again), done("iwf-1"), health, said("resources", &things)]
            })
            .then(unseen(SINCE)),
        scene("a newer deploy ends it while it bakes, if that is asked for", 300)
            .with(|settings| settings.on_superseded = Some(OnSuperseded::Fail))
            .poll_of(5, healthy(3))
            .then(bakes(5, 300, 0, 3))
            .poll(60, superseded())
            .then(needs("workflow iwf-2")),
        scene("it settles first", 60)
            .with(|settings| settings.settle = Duration::from_secs(30))
            .poll_of(5, proven())
            .then(Then::Holds(Hold::Settling(after(35))))
            .poll_of(35, healthy(30))
            .then(bakes(35, 60, 0, 30))
            .poll_of(95, healthy(90))
            .then(passes_healthy(90, 60)),
    ]
}

fn blind() -> Vec<Scene> {
    let refused = |code| [proven(), vec![said("health", &component("healthy", -900)), status("resources", code)]];
    let refused = move |code| refused(code).into_iter().flatten().collect::<Vec<_>>();
    let lost = || [proven(), vec![nothing("health")]].into_iter().flatten().collect::<Vec<_>>();
    let no_answer = "no answer within 5s";
    vec![
        scene("what is not known yet is waited for", 0)
            .poll_of(5, healthy(-103))
            .then(unseen(SINCE))
            .poll_of(60, healthy(55))
            .then(passes_healthy(55, 0)),
        scene("nothing is known for too long", 0)
            .poll_of(5, healthy(-103))
            .then(unseen(SINCE))
            .poll_of(304, healthy(-103))
            .then(unseen(SINCE))
            .poll_of(305, healthy(-103))
            .then(unknown(SINCE)),
        scene("nothing is known any more", 600)
            .poll_of(5, healthy(3))
            .then(bakes(5, 600, 0, 3))
            .poll_of(400, does("unknown", 350, [pod("healthy", 50)]))
            .then(unseen(SAID))
            .poll_of(700, does("unknown", 350, [pod("healthy", 50)]))
            .then(unknown(SAID)),
        scene("the server has none to give", 0)
            .poll_of(5, refused(403))
            .then(unseen(OFF))
            .poll_of(10, refused(403))
            .then(unseen(OFF))
            .poll_of(15, refused(403))
            .then(unknown(OFF)),
        scene("an old server has none to give", 0)
            .poll_of(5, refused(404))
            .then(unseen(OLD))
            .poll_of(10, refused(404))
            .then(unseen(OLD))
            .poll_of(15, refused(404))
            .then(unknown(OLD)),
        scene("a refusal that passes", 0)
            .poll_of(5, refused(403))
            .then(unseen(OFF))
            .poll_of(10, refused(403))
            .then(unseen(OFF))
            .poll_of(15, healthy(3))
            .then(passes_healthy(3, 0)),
        scene("an answer that fails does not end what bakes", 60)
            .poll_of(5, healthy(3))
            .then(bakes(5, 60, 0, 3))
            .poll_of(30, lost())
            .then(bakes(5, 60, 0, 3))
            .poll_of(65, healthy(60))
            .then(passes_healthy(60, 60)),
        scene("answers that fail for too long", 60)
            .poll_of(5, healthy(3))
            .then(bakes(5, 60, 0, 3))
            .poll_of(65, lost())
            .then(unseen(no_answer))
            .poll_of(364, lost())
            .then(unseen(no_answer))
            .poll_of(365, lost())
            .then(unknown(no_answer)),
        scene("a deploy that does not say when it ended", 0)
            .poll_of(5, {
                let row = row(OWN, "active");
                let things: Value = [pod("healthy", 3).body()].into_iter().collect();
                vec![
                    detail(&row),
                    newest(&row),
                    done("iwf-1"),
                    said("health", &component("healthy", -900)),
                    said("resources", &things),
                ]
            })
            .then(unseen("the deploy does not say when it ended")),
    ]
}

fn bad() -> Vec<Scene> {
    vec![
        scene("unhealthy fails", 300).poll_of(5, does("unhealthy", 4, [pod("unhealthy", 5)])).then(unhealthy()),
        scene("unhealthy after healthy fails", 300)
            .poll_of(5, healthy(3))
            .then(bakes(5, 300, 0, 3))
            .poll_of(200, does("unhealthy", 190, [pod("unhealthy", 195)]))
            .then(unhealthy()),
        scene("what was unhealthy before gets time", 0)
            .poll_of(5, does("unhealthy", -160, [pod("unhealthy", 3)]))
            .then(not_healthy(SAID))
            .poll_of(120, does("healthy", 110, [pod("healthy", 115)]))
            .then(passes_healthy(115, 0)),
        scene("what was unhealthy before does not get more", 0)
            .poll_of(5, does("unhealthy", -160, [pod("unhealthy", 3)]))
            .then(not_healthy(SAID))
            .poll_of(185, does("unhealthy", -160, [pod("unhealthy", 80)]))
            .then(unhealthy()),
    ]
}

/// Several machines write the times of a deploy, and one of their clocks may be behind.
fn times() -> Vec<Scene> {
    let seen = |row: &Value, steps: Said| {
        let things: Value = [pod("healthy", 3).body()].into_iter().collect();
        let health = said("health", &component("healthy", -900));
        vec![detail(row), newest(row), steps, health, said("resources", &things)]
    };
    let at = |second_: i64| json!(second(second_).to_string());
    let late = json!({
        "status": { "status": "success" }, "finished": true,
        "steps": [{
            "id": "iws-1", "name": "apply", "status": { "status": "success", "created_at_ts": STARTED_AT + 4 },
            "step_target_type": "install_deploys", "step_target_id": OWN,
        }],
    });
    vec![
        scene("it was created after it ended", 0)
            .poll_of(5, seen(&created(active(), 4), done("iwf-1")))
            .then(unseen(SINCE)),
        scene("it was applied after it ended", 0)
            .poll_of(5, seen(&with(active(), &json!({ "applied_at": at(4) })), done("iwf-1")))
            .then(unseen(SINCE)),
        scene("its step ended after it did", 0)
            .poll_of(5, seen(&active(), said("workflow iwf-1", &late)))
            .then(unseen(SINCE)),
    ]
}

fn not_asked() -> Vec<Scene> {
    let gone = typed(with(active(), &json!({ "status": "inactive", "status_v2": null })), "teardown");
    vec![
        own("without the flag nothing is asked", HEALTH).poll_of(5, proven()).then(passes_by("iwf-1")),
        scene("what was torn down has no health", 300)
            .poll_of(5, vec![detail(&gone), newest(&gone), done("iwf-1")])
            .then(Then::Passes(Proof::new(
                OWN.parse().unwrap(),
                Kind::Teardown,
                Basis::Steps("iwf-1".parse().unwrap()),
                None,
            ))),
        latest("what had ended before and is not judged is not asked either", JUDGING)
            .with(|settings| (settings.healthy_for, settings.on_stale) = (Some(Duration::ZERO), OnStale::Wait))
            .poll_of(5, vec![newest(&active()), detail(&active()), done("iwf-1")])
            .then(NOT_STARTED),
    ]
}

fn in_one_poll() -> Vec<Scene> {
    vec![
        scene("one poll: healthy", 0).once().poll_of(5, healthy(3)).then(passes_healthy(3, 105)),
        scene("one poll: for long enough by the server's account", 105)
            .once()
            .poll_of(5, healthy(3))
            .then(passes_healthy(3, 105)),
        scene("one poll: not for so long by the server's account", 600)
            .once()
            .poll_of(5, healthy(3))
            .then(bakes(5, 600, 105, 3)),
        scene("one poll: unhealthy", 0)
            .once()
            .poll_of(5, does("unhealthy", 4, [pod("unhealthy", 5)]))
            .then(unhealthy()),
        scene("one poll: not known yet", 0).once().poll_of(5, healthy(-103)).then(unseen(SINCE)),
        scene("one poll: not known for too long", 0).once().poll_of(200, healthy(-103)).then(unknown(SINCE)),
        scene("one poll: nothing says for how long it is so", 600)
            .once()
            .without_server_time()
            .poll_of(5, healthy(3))
            .then(bakes(5, 600, 0, 3)),
        scene("one poll: the server has none to give", 0)
            .once()
            .poll_of(5, [proven(), vec![status("health", 404)]].into_iter().flatten().collect())
            .then(unknown(OLD)),
    ]
}
