//! How long the gate waits for a component's health that is not known.

use serde_json::{Value, json};

use super::baking::{
    OFF, OLD, SINCE, active, bakes, bakes_since, does, full_page, healthy, not_healthy, observed_until, passes_healthy,
    proven, scene, stale, unhealthy, unknown, unseen,
};
use super::healthy::{SAID, component, pod};
use super::said::{Said, created, detail, done, newest, nothing, row, said, status, with, workflow};
use super::scene::{Scene, Then, play};
use super::{OTHER, OWN};
use crate::Hold;

/// The server does not report the component's health.
fn without_word(then: Said) -> Vec<Said> {
    let silent = with(component("", 0), &json!({ "health_status_v2": null }));
    proven().into_iter().chain([said("health", &silent), then]).collect()
}

/// The deploy's workflow shows no step of it.
fn without_step() -> Vec<Said> {
    vec![detail(&active()), newest(&active()), workflow("iwf-1", "in-progress", OTHER, "success")]
}

/// The row does not say when the deploy ended, and the component is healthy.
fn undated(row: &Value, observed: i64) -> Vec<Said> {
    let things: Value = [pod("healthy", observed).body()].into_iter().collect();
    let health = said("health", &component("healthy", -900));
    vec![detail(row), newest(row), done("iwf-1"), health, said("resources", &things)]
}

pub(super) fn scenes() -> Vec<Scene> {
    let refused = |code| [proven(), vec![said("health", &component("healthy", -900)), status("resources", code)]];
    let refused = move |code| refused(code).into_iter().flatten().collect::<Vec<_>>();
    let lost = || [proven(), vec![nothing("health")]].into_iter().flatten().collect::<Vec<_>>();
    let another = || {
        let rows = json!([with(pod("healthy", -110).body(), &json!({ "install_component_id": "inc-other" }))]);
        [proven(), vec![said("health", &component("healthy", -900)), said("resources", &rows)]]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
    };
    let no_answer = "no answer within 5s";
    vec![
        scene("what is not known yet is waited for", 0)
            .poll_of(5, healthy(-103))
            .then(unseen(SINCE))
            .poll_of(60, healthy(55))
            .then(passes_healthy(55, 0)),
        scene("what is observed of another component is no first observation", 0)
            .poll_of(5, another())
            .then(unseen("undecodable answer: the answer is about another component"))
            .poll_of(10, healthy(-70))
            .then(unseen(SINCE)),
        scene("what is observed after nothing may have been observed before the end", 0)
            .poll_of(5, does("healthy", -900, []))
            .then(unseen("the server has observed nothing of the component"))
            .poll_of(10, healthy(-70))
            .then(unseen(SINCE))
            .poll_of(60, healthy(-50))
            .then(passes_healthy(-50, 0)),
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
        scene("nothing is observed any more", 600)
            .poll_of(5, healthy(3))
            .then(bakes(5, 600, 0, 3))
            .poll_of(124, healthy(3))
            .then(stale(3))
            .poll_of(423, healthy(3))
            .then(stale(3))
            .poll_of(424, healthy(3))
            .then(unknown(&observed_until(3))),
        scene("nothing was observed for long before", 0)
            .poll_of(9_000, healthy(100))
            .then(stale(100))
            .poll_of(9_010, healthy(9_005))
            .then(passes_healthy(9_005, 0)),
        scene("what a clock that is ahead observed before is not waited for until it is so late", 0)
            .poll_of(5, healthy(90))
            .then(unseen(SINCE))
            .poll_of(100, healthy(90))
            .then(unseen(SINCE))
            .poll_of(110, healthy(150))
            .then(passes_healthy(110, 0)),
        scene("what a clock that is ahead has observed gets old as well", 300)
            .poll_of(5, healthy(9_000))
            .then(unseen(SINCE))
            .poll_of(65, healthy(9_060))
            .then(bakes(65, 300, 0, 65))
            .poll_of(185, healthy(9_060))
            .then(bakes(65, 300, 0, 65))
            .poll_of(186, healthy(9_060))
            .then(stale(65)),
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
            .poll_of(65, healthy(63))
            .then(passes_healthy(63, 60)),
        scene("nor at its end", 60)
            .poll_of(5, healthy(3))
            .then(bakes(5, 60, 0, 3))
            .poll_of(65, lost())
            .then(unseen(no_answer))
            .poll_of(70, healthy(66))
            .then(passes_healthy(66, 63)),
        scene("nor does a workflow that shows no step", 60)
            .poll_of(5, healthy(3))
            .then(bakes(5, 60, 0, 3))
            .poll_of(30, without_step())
            .then(Then::Holds(Hold::NotBegun))
            .poll_of(65, healthy(63))
            .then(passes_healthy(63, 60)),
        scene("nor does that make an unknown health last longer", 60)
            .poll_of(5, healthy(-103))
            .then(unseen(SINCE))
            .poll_of(200, without_step())
            .then(Then::Holds(Hold::NotBegun))
            .poll_of(304, healthy(-103))
            .then(unseen(SINCE))
            .poll_of(305, healthy(-103))
            .then(unknown(SINCE)),
        scene("an answer that says nothing begins anew", 60)
            .poll_of(5, healthy(3))
            .then(bakes(5, 60, 0, 3))
            .poll_of(30, does("healthy", -900, []))
            .then(unseen("the server has observed nothing of the component"))
            .poll_of(65, healthy(60))
            .then(bakes(65, 60, 0, 60)),
        scene("so does one without its health, although what was observed cannot be read", 60)
            .poll_of(5, healthy(3))
            .then(bakes(5, 60, 0, 3))
            .poll_of(30, without_word(nothing("resources")))
            .then(unseen(no_answer))
            .poll_of(65, healthy(60))
            .then(bakes(65, 60, 0, 60)),
        scene("a bad word from before a later one is a lagging replica's", 60)
            .poll_of(90, does("healthy", -3, [pod("healthy", 85)]))
            .then(bakes_since(-3, 90, 60, 0, 85))
            .poll_of(95, does("degraded", -50, [pod("healthy", 85)]))
            .then(not_healthy(SAID))
            .poll_of(100, does("healthy", -3, [pod("healthy", 95)]))
            .then(bakes_since(-3, 100, 60, 0, 95)),
        scene("a bad word that stays is believed, whatever its time", 60)
            .poll_of(5, does("healthy", -3, [pod("healthy", 3)]))
            .then(bakes_since(-3, 5, 60, 0, 3))
            .poll_of(170, does("unhealthy", -50, [pod("unhealthy", 165)]))
            .then(not_healthy(SAID))
            .poll_of(200, does("unhealthy", -50, [pod("unhealthy", 195)]))
            .then(unhealthy()),
        scene("answers that fail for too long", 60)
            .poll_of(5, healthy(3))
            .then(bakes(5, 60, 0, 3))
            .poll_of(65, lost())
            .then(unseen(no_answer))
            .poll_of(364, lost())
            .then(unseen(no_answer))
            .poll_of(365, lost())
            .then(unknown(no_answer)),
        scene("a page that fails is just another poll", 60)
            .poll_of(5, full_page([pod("healthy", 3)], said("resources 2", &json!([]))))
            .then(bakes(5, 60, 0, 3))
            .poll_of(30, full_page([pod("healthy", 3)], nothing("resources 2")))
            .then(bakes(5, 60, 0, 3))
            .poll_of(65, full_page([pod("healthy", 63)], said("resources 2", &json!([]))))
            .then(passes_healthy(63, 60)),
        scene("what an answer has said of when it ended, a later one does not take back", 0)
            .poll_of(5, does("healthy", -900, []))
            .then(unseen("the server has observed nothing of the component"))
            .poll_of(70, undated(&created(row(OWN, "active"), -200), 63))
            .then(passes_healthy(63, 0)),
        scene("a deploy that does not say when it ended", 0)
            .poll_of(5, undated(&row(OWN, "active"), 3))
            .then(unseen("the deploy does not say when it ended")),
    ]
}

#[test]
fn how_long_unknown_health_is_waited_for() {
    play(scenes());
}
