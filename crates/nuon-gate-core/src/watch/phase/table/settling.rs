//! A pass has to last, if that is asked for.

use std::time::Duration;

use serde_json::json;

use super::said::{STARTED_AT, detail, done, newest, row, with, workflow};
use super::scene::{Scene, Then, latest, own, passes_by, play};
use super::{JUDGING, OWN};
use crate::watch::settings::OnStale;
use crate::{Hold, Moment, RemoteText};

pub(super) fn scenes() -> Vec<Scene> {
    let active = row(OWN, "active");
    let proven = || [detail(&active), newest(&active), done("iwf-1")];
    let proven_since = |second: i64| {
        let status = json!({ "status": "active", "created_at_ts": STARTED_AT + second });
        let active = with(active.clone(), &json!({ "status_v2": status }));
        [detail(&active), newest(&active), done("iwf-1")]
    };
    let settles = |second| Then::Holds(Hold::Settling(Moment::after_start(Duration::from_secs(second))));
    let scene = |name| own(name, JUDGING).with(|settings| settings.settle = Duration::from_secs(30));
    let errs =
        || [detail(&row(OWN, "error")), newest(&row(OWN, "error")), workflow("iwf-1", "in-progress", OWN, "retrying")];
    vec![
        scene("a pass is polled once more")
            .poll(5, proven())
            .then(settles(35))
            .poll(34, proven())
            .then(settles(35))
            .poll(35, proven())
            .then(passes_by("iwf-1")),
        latest("what had ended before settles, too, if it is judged", JUDGING)
            .with(|settings| settings.settle = Duration::from_secs(30))
            .poll(0, [newest(&active), detail(&active), done("iwf-1")])
            .then(settles(30)),
        scene("what is named settles, whatever is to be done with what had ended before")
            .with(|settings| settings.on_stale = OnStale::Fail)
            .poll(0, proven())
            .then(settles(30)),
        scene("a pass that was something else between two polls begins anew")
            .poll(5, proven_since(-9))
            .then(settles(35))
            .poll(35, proven_since(20))
            .then(settles(65))
            .poll(65, proven_since(20))
            .then(passes_by("iwf-1")),
        scene("an answer to a request from before the pass has lasted shows no more than that moment")
            .poll(5, proven())
            .then(settles(35))
            .late_poll(34, 36, proven())
            .then(settles(35))
            .poll(37, proven())
            .then(passes_by("iwf-1")),
        scene("a pass that a step held until now has not lasted yet")
            .poll(5, [detail(&active), newest(&active), workflow("iwf-1", "in-progress", OWN, "in-progress")])
            .then(Then::Holds(Hold::Step(RemoteText::new("step 1 of 1, apply, is `in-progress`"))))
            .poll(40, proven())
            .then(settles(70)),
        scene("a pass that does not last begins anew")
            .poll(0, proven())
            .then(settles(30))
            .poll(10, errs())
            .then(Then::Holds(Hold::Retry))
            .poll(20, proven())
            .then(settles(50))
            .poll(30, proven())
            .then(settles(50))
            .poll(50, proven())
            .then(passes_by("iwf-1")),
    ]
}

#[test]
fn a_pass_that_settles() {
    play(scenes());
}
