//! How long the gate waits for the health of a component after its deploy has passed.

use std::time::Duration;

use serde_json::{Value, json};

use super::HEALTH;
use super::healthy::{SAID, Thing, component, pod, second};
use super::said::{STARTED_AT, Said, created, detail, done, newest, row, said, status, typed, with, written};
use super::scene::{IN_PROGRESS, NOT_STARTED, Scene, Then, failed, latest, needs, own, passes_by, play};
use super::{JUDGING, OWN};
use crate::cause::Cause;
use crate::model::Health;
use crate::watch::phase::proof::HealthProof;
use crate::watch::phase::{Basis, Proof};
use crate::watch::settings::{OnStale, OnSuperseded};
use crate::{Bake, Hold, Kind, Moment, RemoteText, Verdict};

pub(super) fn active() -> Value {
    let stands = json!({ "status_v2": { "status": "active", "created_at_ts": STARTED_AT - 100 } });
    with(created(row(OWN, "active"), -200), &stands)
}

pub(super) fn scene(name: &'static str, bake: u64) -> Scene {
    own(name, HEALTH).with(|settings| settings.healthy_for = Some(Duration::from_secs(bake)))
}

pub(super) fn proven() -> Vec<Said> {
    vec![detail(&active()), newest(&active()), done("iwf-1")]
}

/// The deploy has passed, and the component has this health.
pub(super) fn does<const N: usize>(word: &str, since: i64, things: [Thing; N]) -> Vec<Said> {
    let rows: Value = things.iter().map(|thing| thing.body()).collect();
    [proven(), vec![said("health", &component(word, since)), said("resources", &rows)]].into_iter().flatten().collect()
}

pub(super) fn healthy(observed: i64) -> Vec<Said> {
    does("healthy", -900, [pod("healthy", observed)])
}

/// So much that the server may have another page.
pub(super) fn full_page(things: [Thing; 1], next: Said) -> Vec<Said> {
    let page = does("healthy", -900, [things[0]; 100]);
    page.into_iter().chain([next]).collect()
}

/// The deploy has passed, anew, at a time, and the component is healthy.
fn ended_at(second: i64, observed: i64) -> Vec<Said> {
    let again = passed_again(second);
    let read = vec![detail(&again), newest(&again)];
    read.into_iter().chain(healthy(observed).split_off(2)).collect()
}

/// The same, but only the newest row says so.
fn shown_anew(second: i64, observed: i64) -> Vec<Said> {
    let read = vec![detail(&active()), newest(&passed_again(second))];
    read.into_iter().chain(healthy(observed).split_off(2)).collect()
}

fn passed_again(second: i64) -> Value {
    with(active(), &json!({ "status_v2": { "status": "active", "created_at_ts": STARTED_AT + second } }))
}

fn after(second: u64) -> Moment {
    Moment::after_start(Duration::from_secs(second))
}

/// It was seen healthy at a time, has been for so long, and had been observed by then.
pub(super) fn bakes(from: u64, length: u64, baked: u64, observed: i64) -> Then {
    bakes_since(-900, from, length, baked, observed)
}

pub(super) fn bakes_since(began: i64, from: u64, length: u64, baked: u64, observed: i64) -> Then {
    let (length, baked) = (Duration::from_secs(length), Duration::from_secs(baked));
    Then::Holds(Hold::Baking(Bake {
        from: after(from),
        length,
        baked,
        began: second(began),
        observed: second(observed),
    }))
}

pub(super) fn unseen(words: &str) -> Then {
    Then::Holds(Hold::Unseen(RemoteText::new(words)))
}

/// It has not been observed since this second.
pub(super) fn stale(since: i64) -> Then {
    unseen(&observed_until(since))
}

pub(super) fn observed_until(since: i64) -> String {
    format!("nothing of the component was observed since {}", second(since))
}

pub(super) fn not_healthy(words: &str) -> Then {
    Then::Holds(Hold::NotHealthy(RemoteText::new(words)))
}

/// It passes, with this last observation, healthy for this long.
pub(super) fn passes_healthy(observed: i64, baked: u64) -> Then {
    let health = HealthProof::new(second(observed), Duration::from_secs(baked));
    let basis = Basis::Steps("iwf-1".parse().unwrap());
    Then::Passes(Proof::new(OWN.parse().unwrap(), Kind::Apply, basis, Some(health)))
}

pub(super) fn unhealthy() -> Then {
    failed(Cause::Unhealthy { health: Health::Unhealthy, text: RemoteText::new(SAID) })
}

pub(super) fn unknown(words: &str) -> Then {
    Then::Ends(Verdict::Inconclusive, Cause::HealthUnknown(RemoteText::new(words)))
}

pub(super) const SINCE: &str = "nothing of the component was observed since the deploy ended";

pub(super) const OFF: &str = "HTTP 403: record not found";

pub(super) const OLD: &str = "HTTP 404: record not found";

pub(super) fn scenes() -> Vec<Scene> {
    [baking(), bad(), times(), not_asked(), in_one_poll()].into_iter().flatten().collect()
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
            .poll_of(304, healthy(303))
            .then(bakes(5, 300, 299, 3))
            .poll_of(305, healthy(303))
            .then(passes_healthy(303, 300)),
        scene("healthy has lasted up to the last observation", 300)
            .poll_of(5, healthy(3))
            .then(bakes(5, 300, 0, 3))
            .poll_of(310, healthy(302))
            .then(bakes(5, 300, 299, 3))
            .poll_of(370, healthy(362))
            .then(passes_healthy(362, 359)),
        scene("a short time ends with an observation as well", 2)
            .poll_of(5, healthy(3))
            .then(bakes(5, 2, 0, 3))
            .poll_of(60, healthy(3))
            .then(bakes(5, 2, 0, 3))
            .poll_of(65, healthy(63))
            .then(passes_healthy(63, 60)),
        scene("a clock that jumps makes no time pass", 300)
            .poll_of(5, healthy(3))
            .then(bakes(5, 300, 0, 3))
            .poll_of(65, healthy(603))
            .then(bakes(5, 300, 60, 3)),
        scene("what was something else in between begins anew", 300)
            .poll_of(5, healthy(3))
            .then(bakes(5, 300, 0, 3))
            .poll_of(200, does("healthy", 100, [pod("healthy", 190)]))
            .then(bakes_since(100, 200, 300, 0, 190)),
        scene("what ended anew in between begins anew, with what came after its first poll", 60)
            .poll_of(5, healthy(3))
            .then(bakes(5, 60, 0, 3))
            .poll_of(65, ended_at(30, 63))
            .then(unseen(SINCE))
            .poll_of(80, ended_at(30, 78))
            .then(bakes(80, 60, 0, 78)),
        scene("what ended anew by the newest row alone begins anew as well", 60)
            .poll_of(5, healthy(3))
            .then(bakes(5, 60, 0, 3))
            .poll_of(65, shown_anew(30, 63))
            .then(unseen(SINCE))
            .poll_of(80, shown_anew(30, 78))
            .then(bakes(80, 60, 0, 78)),
        scene("it had ended anew before the first poll", 60)
            .poll_of(5, ended_at(-100, 3))
            .then(bakes(5, 60, 0, 3))
            .poll_of(65, ended_at(2, 63))
            .then(passes_healthy(63, 60)),
        scene("what was observed no more in between begins anew", 300)
            .poll_of(5, healthy(3))
            .then(bakes(5, 300, 0, 3))
            .poll_of(123, healthy(3))
            .then(bakes(5, 300, 0, 3))
            .poll_of(124, healthy(3))
            .then(stale(3))
            .poll_of(180, healthy(178))
            .then(bakes(180, 300, 0, 178)),
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
            .poll_of(60, vec![detail(&written(row(OWN, "executing"), 59))])
            .then(IN_PROGRESS),
        scene("what had been observed counts no more after another status", 0)
            .poll_of(5, healthy(-103))
            .then(unseen(SINCE))
            .poll_of(10, vec![detail(&written(row(OWN, "executing"), 9))])
            .then(IN_PROGRESS)
            .poll_of(20, ended_at(15, 16))
            .then(unseen(SINCE)),
        scene("a newer deploy ends it while it bakes, if that is asked for", 300)
            .with(|settings| settings.on_superseded = Some(OnSuperseded::Fail))
            .poll_of(5, healthy(3))
            .then(bakes(5, 300, 0, 3))
            .poll(60, superseded())
            .then(needs("workflow iwf-2")),
        scene("a word from before another one is a lagging replica's", 0)
            .poll_of(5, does("progressing", 0, [pod("healthy", 3)]))
            .then(not_healthy(SAID))
            .poll_of(8, healthy(4))
            .then(Then::Holds(Hold::Outdated))
            .poll_of(37, healthy(36))
            .then(Then::Holds(Hold::Outdated))
            .poll_of(38, healthy(37))
            .then(passes_healthy(37, 0)),
        scene("so is an observation from before another one", 0)
            .poll_of(5, does("healthy", -900, [pod("unhealthy", 4)]))
            .then(not_healthy("Deployment api is unhealthy: so unhealthy"))
            .poll_of(8, healthy(2))
            .then(Then::Holds(Hold::Outdated))
            .poll_of(10, healthy(6))
            .then(passes_healthy(6, 0)),
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

fn bad() -> Vec<Scene> {
    vec![
        scene("unhealthy fails", 300).poll_of(5, does("unhealthy", 4, [pod("unhealthy", 5)])).then(unhealthy()),
        scene("unhealthy after healthy fails", 300)
            .poll_of(5, healthy(3))
            .then(bakes(5, 300, 0, 3))
            .poll_of(200, does("unhealthy", 190, [pod("unhealthy", 195)]))
            .then(unhealthy()),
        scene("what is not healthy is on a later page", 0)
            .poll_of(5, full_page([pod("healthy", 3)], said("resources 2", &json!([pod("unhealthy", 3).body()]))))
            .then(not_healthy("Deployment api is unhealthy: so unhealthy"))
            .poll_of(65, full_page([pod("healthy", 63)], said("resources 2", &json!([pod("healthy", 63).body()]))))
            .then(passes_healthy(63, 0)),
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
        scene("one poll: healthy", 0).once().poll_of(5, healthy(3)).then(passes_healthy(3, 103)),
        scene("one poll: for long enough by the server's account", 103)
            .once()
            .poll_of(5, healthy(3))
            .then(passes_healthy(3, 103)),
        scene("one poll: not for so long by the server's account", 104)
            .once()
            .poll_of(5, healthy(3))
            .then(bakes(5, 104, 103, 3)),
        scene("one poll: observed long ago", 60).once().poll_of(302, healthy(3)).then(stale(3)),
        scene("one poll: observed too long ago", 60).once().poll_of(303, healthy(3)).then(unknown(&observed_until(3))),
        scene("one poll: observed by a clock that is ahead", 0).once().poll_of(5, healthy(66)).then(unseen(SINCE)),
        scene("one poll: no time before it was read", 106).once().poll_of(5, healthy(65)).then(bakes(5, 106, 105, 5)),
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
