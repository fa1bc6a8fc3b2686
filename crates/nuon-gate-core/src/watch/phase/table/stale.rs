//! Whether the newest deploy had ended before the wait began, and what happens then if nothing is pinned.

use std::time::Duration;

use serde_json::json;

use super::said::{
    component, created, detail, done, install, list, missing, newest, no_newest, nothing, of, plans_only, row, with,
    without, workflow,
};
use super::scene::{
    IN_PROGRESS, NOT_STARTED, Scene, Then, fails_as, id, latest, needs, of_workflow, passes_by, play, search,
};
use super::{OTHER, OWN, WHICH};
use crate::Hold;
use crate::model::Status;
use crate::watch::Refusal;
use crate::watch::settings::OnStale;

pub(super) fn scenes() -> Vec<Scene> {
    [stale(), unfinished(), waiting()].into_iter().flatten().collect()
}

#[test]
fn what_had_ended_before() {
    play(scenes());
}

/// Nothing is pinned, and the newest had ended before.
fn stale() -> Vec<Scene> {
    let active = with(row(OWN, "active"), &json!({ "updated_at": "2027-01-15T07:59:00Z" }));
    let hundred = || missing("latest of a hundred");
    let older = created(of(row(OTHER, "active"), "iwf-2"), -90);
    let retried = created(row(OTHER, "retried"), -90);
    let ahead = with(row(OWN, "active"), &json!({ "updated_at": "2027-01-15T08:00:02Z" }));
    let meanwhile = with(row(OWN, "active"), &json!({ "updated_at": "2027-01-15T08:00:05Z" }));
    let proven = || [newest(&active), detail(&active), done("iwf-1")];
    let ago = Some(Duration::from_secs(60));
    vec![
        latest("accept: it is judged, with a warning", WHICH)
            .poll(0, proven())
            .then(passes_by("iwf-1"))
            .reports(["found dpl-web by latest", "dpl-web had ended, 60s ago"]),
        latest("accept: without a warning, if one poll is all that is asked for", WHICH)
            .once()
            .poll(0, proven())
            .then(passes_by("iwf-1"))
            .reports(["found dpl-web by latest"]),
        latest("accept: a failure, too", WHICH)
            .poll(0, [newest(&row(OWN, "noop")), detail(&row(OWN, "noop")), workflow("iwf-1", "error", OWN, "error")])
            .then(fails_as(Status::Noop)),
        latest("fail: nothing is waited for", WHICH)
            .with(|settings| settings.on_stale = OnStale::Fail)
            .poll(0, proven())
            .then(Then::Refused(Refusal::Stale { deploy: id(OWN), ago })),
        latest("fail: what has to settle need not, as it is past", WHICH)
            .with(|settings| (settings.on_stale, settings.settle) = (OnStale::Fail, Duration::from_secs(30)))
            .poll(0, proven())
            .then(Then::Refused(Refusal::Stale { deploy: id(OWN), ago })),
        latest("fail: it had ended, although its workflow does not work on it yet", WHICH)
            .with(|settings| settings.on_stale = OnStale::Fail)
            .poll(0, [newest(&active), detail(&active), workflow("iwf-1", "in-progress", OTHER, "in-progress")])
            .then(Then::Holds(Hold::NotBegun))
            .poll(2, [detail(&active), newest(&active), done("iwf-1")])
            .then(Then::Refused(Refusal::Stale { deploy: id(OWN), ago })),
        latest("fail: what comes to light late had ended as well, by the server's account", WHICH)
            .with(|settings| settings.on_stale = OnStale::Fail)
            .poll(0, [no_newest(), install(), component(), hundred()])
            .then(NOT_STARTED)
            .poll(2, proven())
            .then(Then::Refused(Refusal::Stale { deploy: id(OWN), ago })),
        latest("fail: what ended while no answer was good had not ended before", WHICH)
            .with(|settings| settings.on_stale = OnStale::Fail)
            .poll(0, [nothing("latest")])
            .then(Then::NoAnswer)
            .poll(9, [newest(&meanwhile), detail(&meanwhile), done("iwf-1")])
            .then(passes_by("iwf-1"))
            .reports(["found dpl-web by latest"]),
        latest("fail: what ended, as it says, later than the server's clock can show had ended before", WHICH)
            .with(|settings| settings.on_stale = OnStale::Fail)
            .poll(0, [newest(&ahead), detail(&ahead), done("iwf-1")])
            .then(Then::Refused(Refusal::Stale { deploy: id(OWN), ago: None })),
        latest("fail: so had what it gave way to", WHICH)
            .with(|settings| settings.on_stale = OnStale::Fail)
            .poll(0, [newest(&older), nothing("deploy dpl-db")])
            .then(Then::NoAnswer)
            .poll(2, [detail(&older), newest(&active), done("iwf-1"), detail(&active), done("iwf-1")])
            .then(Then::Refused(Refusal::Stale { deploy: id(OWN), ago })),
        latest("fail: so had what took its place", WHICH)
            .with(|settings| settings.on_stale = OnStale::Fail)
            .poll(
                0,
                [
                    newest(&retried),
                    detail(&retried),
                    list(&[&active, &retried]),
                    detail(&active),
                    newest(&active),
                    done("iwf-1"),
                ],
            )
            .then(Then::Refused(Refusal::Stale { deploy: id(OWN), ago })),
        search("what is pinned is never stale", WHICH, of_workflow())
            .with(|settings| settings.on_stale = OnStale::Fail)
            .poll(0, proven())
            .then(passes_by("iwf-1"))
            .reports(["found dpl-web by workflow"]),
    ]
}

/// Nothing is pinned, and the newest has not ended: it is followed.
fn unfinished() -> Vec<Scene> {
    let (active, executing) = (row(OWN, "active"), row(OWN, "executing"));
    vec![
        latest("wait: what has not ended is followed", WHICH)
            .with(|settings| settings.on_stale = OnStale::Wait)
            .poll(0, [newest(&executing)])
            .then(IN_PROGRESS)
            .poll(2, [detail(&active), newest(&active), done("iwf-1")])
            .then(passes_by("iwf-1")),
        latest("fail: an error that can still be retried had not ended", WHICH)
            .with(|settings| settings.on_stale = OnStale::Fail)
            .poll(
                0,
                [
                    newest(&row(OWN, "error")),
                    detail(&row(OWN, "error")),
                    workflow("iwf-1", "in-progress", OWN, "retrying"),
                ],
            )
            .then(Then::Holds(Hold::Retry))
            .poll(2, [detail(&active), newest(&active), done("iwf-1")])
            .then(passes_by("iwf-1")),
    ]
}

/// Nothing is pinned, the newest had ended before, and a newer one is waited for.
fn waiting() -> Vec<Scene> {
    let (active, newer) = (row(OWN, "active"), created(of(row(OTHER, "queued"), "iwf-2"), 3));
    let third = created(of(row("dpl-3", "queued"), "iwf-3"), 4);
    let older =
        with(created(of(row(OTHER, "active"), "iwf-2"), -190), &json!({ "updated_at": "2027-01-15T07:57:00Z" }));
    let newer_still = created(of(row("dpl-3", "queued"), "iwf-3"), 3);
    let fourth = created(of(row("dpl-4", "queued"), "iwf-4"), 5);
    let again = created(of(row("dpl-5", "queued"), "iwf-2"), 4);
    let third_at_work = || workflow("iwf-3", "in-progress", "dpl-3", "pending");
    let proven = || [newest(&active), detail(&active), done("iwf-1")];
    let wait = |name| latest(name, WHICH).with(|settings| settings.on_stale = OnStale::Wait);
    vec![
        wait("wait: a newer one is waited for")
            .poll(0, proven())
            .then(NOT_STARTED)
            .poll(2, [newest(&active)])
            .then(NOT_STARTED)
            .poll(4, [newest(&newer)])
            .then(IN_PROGRESS)
            .reports(["found dpl-web by latest", "lost", "found dpl-db by after"]),
        wait("wait: what is newer, and had ended before as well, is not it")
            .poll(0, [newest(&older), detail(&older), workflow("iwf-2", "success", OTHER, "success")])
            .then(NOT_STARTED)
            .poll(2, proven())
            .then(NOT_STARTED)
            .poll(4, [newest(&newer_still)])
            .then(IN_PROGRESS),
        wait("wait: what is newer is no pin, and gives way to what is newer still")
            .poll(0, proven())
            .then(NOT_STARTED)
            .poll(2, [newest(&newer)])
            .then(IN_PROGRESS)
            .wide_poll(4, [detail(&newer), newest(&third), third_at_work()])
            .then(needs("workflow iwf-3")),
        wait("wait: what is newer is no pin, even after one that only makes plans")
            .poll(0, proven())
            .then(NOT_STARTED)
            .poll(2, [newest(&newer)])
            .then(IN_PROGRESS)
            .wide_poll(4, [detail(&newer), newest(&newer), plans_only("iwf-2")])
            .then(NOT_STARTED)
            .poll(6, [newest(&third)])
            .then(IN_PROGRESS)
            .wide_poll(8, [detail(&third), newest(&fourth), workflow("iwf-4", "in-progress", "dpl-4", "pending")])
            .then(needs("workflow iwf-4")),
        wait("wait: what is newer is no pin, even after it was replaced")
            .poll(0, proven())
            .then(NOT_STARTED)
            .poll(2, [newest(&newer)])
            .then(IN_PROGRESS)
            .poll(4, [detail(&with(newer.clone(), &json!({ "status": "retried" }))), list(&[&again, &newer])])
            .then(IN_PROGRESS)
            .wide_poll(6, [detail(&again), newest(&fourth), workflow("iwf-4", "in-progress", "dpl-4", "pending")])
            .then(needs("workflow iwf-4")),
        wait("wait: what is not shown any more had been there")
            .poll(0, proven())
            .then(NOT_STARTED)
            .poll(2, [no_newest()])
            .then(NOT_STARTED),
        wait("wait: what had ended does not supersede, although it is shown without its time")
            .poll(0, proven())
            .then(NOT_STARTED)
            .poll(2, [newest(&newer)])
            .then(IN_PROGRESS)
            .wide_poll(
                4,
                [
                    detail(&newer),
                    newest(&without(active.clone(), "created_at")),
                    workflow("iwf-2", "in-progress", OTHER, "in-progress"),
                ],
            )
            .then(IN_PROGRESS),
        wait("wait: not at once, even in a wide poll").wide_poll(0, proven()).then(NOT_STARTED),
    ]
}
