//! The search for the deploy that is waited for.

use std::time::Duration;

use serde_json::{Value, json};

use super::said::{
    Said, component, created, detail, done, install, list, missing, newest, no_newest, nothing, of, plans_only, row,
    said, status, typed, with, workflow,
};
use super::scene::{
    IN_PROGRESS, NOT_STARTED, Scene, Then, failed, fails_as, id, latest, needs, of_workflow, passes_by, play, search,
};
use super::{ERRORS, LATEST, NO_DEPLOYS, OTHER, OWN, WHICH};
use crate::cause::Cause;
use crate::model::Status;
use crate::pins::{Pins, Since};
use crate::watch::Refusal;
use crate::watch::settings::OnStale;
use crate::{Hold, Kind};

pub(super) fn scenes() -> Vec<Scene> {
    [none_yet(), hidden(), no_deploys(), only_plans(), stale(), waiting(), unfinished()].into_iter().flatten().collect()
}

#[test]
fn the_search() {
    play(scenes());
}

fn by_build() -> Pins {
    Pins { build: "bld-2".parse().ok(), ..Pins::default() }
}

/// What is requested besides the latest endpoint when it gives nothing.
fn none_yet() -> Vec<Scene> {
    let hundred = || missing("latest of a hundred");
    let (queued, active) = (row(OWN, "queued"), row(OWN, "active"));
    let foreign = with(row(OWN, "active"), &json!({ "install_id": "inl-b" }));
    let unexpected = Cause::Unexpected { deploy: id(OWN), kind: Kind::Apply, expected: Kind::Teardown };
    vec![
        latest("none yet: install and component are asked about, and a hundred rows", LATEST)
            .poll(0, [no_newest(), install(), component(), hundred()])
            .then(NOT_STARTED)
            .poll(2, [no_newest()])
            .then(NOT_STARTED)
            .reports(["install acme"]),
        latest("an empty object is none, too", LATEST)
            .poll(0, [said("latest", &json!({})), install(), component(), hundred()])
            .then(NOT_STARTED),
        latest("an error under a success is no answer", ERRORS)
            .poll(0, [said("latest", &json!({ "error": "oops" }))])
            .then(Then::NoAnswer),
        latest("an outage is no answer", ERRORS).poll(0, [status("latest", 500)]).then(Then::NoAnswer),
        latest("another component's row is no answer", ERRORS)
            .poll(0, [said("latest", &with(row(OWN, "active"), &json!({ "component_id": "cmp-db" })))])
            .then(Then::NoAnswer),
        latest("another install's row is no answer", ERRORS).poll(0, [said("latest", &foreign)]).then(Then::NoAnswer),
        latest("a hundred rows show what ten hide", LATEST)
            .poll(0, [no_newest(), install(), component(), said("latest of a hundred", &queued)])
            .then(IN_PROGRESS)
            .reports(["install acme", "found dpl-web by latest"]),
        latest("an install by its name", WHICH)
            .poll(0, [no_newest(), said("install", &json!({ "id": "inl-1", "name": "inl-acme" }))])
            .then(needs("component")),
        latest("another install is no answer", ERRORS)
            .poll(0, [no_newest(), said("install", &json!({ "id": "inl-b", "name": "beta" }))])
            .then(Then::NoAnswer),
        latest("an install without an id is no answer", ERRORS)
            .poll(0, [no_newest(), said("install", &json!({ "id": "", "name": "inl-acme" }))])
            .then(Then::NoAnswer),
        latest("another component is no answer", ERRORS)
            .poll(0, [no_newest(), install(), said("component", &json!({ "component_id": "cmp-db" }))])
            .then(Then::NoAnswer),
        latest("a component that has a row exists", LATEST)
            .poll(0, [newest(&typed(queued.clone(), "recover")), list(&[])])
            .then(NOT_STARTED)
            .poll(2, [no_newest(), hundred()])
            .then(NOT_STARTED)
            .poll(4, [no_newest()])
            .then(NOT_STARTED),
        latest("what appears while it is waited for is not stale", WHICH)
            .with(|settings| settings.on_stale = OnStale::Fail)
            .poll(0, [no_newest(), install(), component(), hundred()])
            .then(NOT_STARTED)
            .poll(2, [newest(&active), detail(&active), done("iwf-1")])
            .then(passes_by("iwf-1"))
            .reports(["install acme", "found dpl-web by latest"]),
        latest("a deploy that is not of the kind that is expected", WHICH)
            .with(|settings| settings.expect = Some(Kind::Teardown))
            .poll(0, [newest(&queued)])
            .then(failed(unexpected))
            .reports([]),
    ]
}

/// What matches may stand behind a newer row that does not.
fn hidden() -> Vec<Scene> {
    let newer = with(of(created(row(OTHER, "active"), -30), "iwf-2"), &json!({ "build_id": "bld-3" }));
    let older = with(row(OWN, "active"), &json!({ "build_id": "bld-2" }));
    let rows = || list(&[&newer, &older]);
    let since = Pins { since: Some(Since::Ago(Duration::from_secs(5))), ..Pins::default() };
    let at_work = || workflow("iwf-2", "in-progress", OTHER, "in-progress");
    vec![
        search("the list has what the newest hides", WHICH, by_build())
            .poll(0, [newest(&newer), rows(), detail(&older), newest(&newer), at_work(), done("iwf-1")])
            .then(passes_by("iwf-1"))
            .reports(["found dpl-web by build", "dpl-db supersedes dpl-web: ignore"]),
        search("the list is read again only in wide polls, as long as the newest is the same", WHICH, since)
            .poll(0, [newest(&older), list(&[&older])])
            .then(NOT_STARTED)
            .poll(2, [newest(&older)])
            .then(NOT_STARTED)
            .wide_poll(4, [newest(&older), list(&[&older])])
            .then(NOT_STARTED)
            .poll(6, [newest(&newer), list(&[&newer, &older])])
            .then(NOT_STARTED)
            .reports([]),
        search("a row without a build is not the one with that build", WHICH, by_build())
            .poll(0, [newest(&row(OWN, "active")), list(&[&row(OWN, "active")])])
            .then(NOT_STARTED),
        search("no list is no row", LATEST, by_build())
            .poll(0, [newest(&newer), missing("list of 100")])
            .then(NOT_STARTED),
        search("an outage of the list is no answer", ERRORS, by_build())
            .poll(0, [newest(&newer), status("list of 100", 500)])
            .then(Then::NoAnswer),
        search("a list with another component's row is no answer", ERRORS, by_build())
            .poll(0, [newest(&newer), list(&[&with(older.clone(), &json!({ "component_id": "cmp-db" }))])])
            .then(Then::NoAnswer),
    ]
}

/// The newest row deploys nothing, so the list is asked for the one behind it, and again for what supersedes it.
fn passing_over(hidden: &Value, behind: &Value) -> [Said; 6] {
    let rows = || list(&[hidden, behind]);
    [newest(hidden), rows(), detail(behind), newest(hidden), rows(), done("iwf-1")]
}

/// Rows that deploy nothing match nothing.
fn no_deploys() -> Vec<Scene> {
    let older = row(OWN, "active");
    let apart = |deploy_type: &str| typed(created(of(row(OTHER, "active"), "iwf-2"), -30), deploy_type);
    let alone = |name, deploy_type| {
        latest(name, NO_DEPLOYS).poll(0, [newest(&apart(deploy_type)), list(&[&apart(deploy_type)])]).then(NOT_STARTED)
    };
    let recover = apart("recover");
    let flagged = with(of(created(row(OTHER, "active"), -30), "iwf-2"), &json!({ "plan_only": true }));
    vec![
        alone("a recover row never matches", "recover"),
        alone("a plan-only row never matches", "plan-only"),
        alone("a row of an unknown type never matches", "rollback"),
        latest("a row that says that it only makes a plan never matches", NO_DEPLOYS)
            .poll(0, [newest(&flagged), list(&[&flagged])])
            .then(NOT_STARTED),
        search("a recover row has the pinned build, and does not match", NO_DEPLOYS, by_build())
            .poll(0, [newest(&with(recover.clone(), &json!({ "build_id": "bld-2" }))), list(&[])])
            .then(NOT_STARTED),
        latest("a recover row hides the deploy, and supersedes nothing", NO_DEPLOYS)
            .poll(0, passing_over(&recover, &older))
            .then(passes_by("iwf-1"))
            .reports(["found dpl-web by latest", "dpl-web had ended"]),
    ]
}

/// That a deploy only makes a plan is known from its workflow.
fn only_plans() -> Vec<Scene> {
    let older = row(OWN, "active");
    let only_plans = of(created(row(OTHER, "active"), -30), "iwf-2");
    vec![
        latest("plan-only by its workflow: back to searching, in the next poll", NO_DEPLOYS)
            .poll(0, [newest(&only_plans), detail(&only_plans), plans_only("iwf-2")])
            .then(NOT_STARTED)
            .poll(2, passing_over(&only_plans, &older))
            .then(passes_by("iwf-1"))
            .reports([
                "found dpl-db by latest",
                "dpl-db had ended",
                "lost",
                "found dpl-web by latest",
                "dpl-web had ended",
            ]),
        latest("plan-only by its workflow: not at once, even in a wide poll", NO_DEPLOYS)
            .wide_poll(0, [newest(&only_plans), detail(&only_plans), plans_only("iwf-2")])
            .then(NOT_STARTED),
        latest("plan-only by its workflow: what is not shown any more had been there", NO_DEPLOYS)
            .poll(0, [newest(&only_plans), detail(&only_plans), plans_only("iwf-2")])
            .then(NOT_STARTED)
            .poll(2, [no_newest()])
            .then(NOT_STARTED),
        latest("plan-only by its workflow: at once, if there is no other poll", NO_DEPLOYS)
            .once()
            .wide_poll(
                0,
                [
                    newest(&only_plans),
                    detail(&only_plans),
                    plans_only("iwf-2"),
                    list(&[&only_plans, &older]),
                    detail(&older),
                    newest(&only_plans),
                    list(&[&only_plans, &older]),
                    done("iwf-1"),
                ],
            )
            .then(passes_by("iwf-1"))
            .reports(["found dpl-db by latest", "lost", "found dpl-web by latest"]),
    ]
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
        wait("wait: what is newer is no pin, and gives way to what is newer still")
            .poll(0, proven())
            .then(NOT_STARTED)
            .poll(2, [newest(&newer)])
            .then(IN_PROGRESS)
            .wide_poll(4, [detail(&newer), newest(&third), third_at_work()])
            .then(needs("workflow iwf-3")),
        wait("wait: what is not shown any more had been there")
            .poll(0, proven())
            .then(NOT_STARTED)
            .poll(2, [no_newest()])
            .then(NOT_STARTED),
        wait("wait: not at once, even in a wide poll").wide_poll(0, proven()).then(NOT_STARTED),
    ]
}
