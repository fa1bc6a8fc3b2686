//! The search for the deploy that is waited for.

use std::time::Duration;

use serde_json::{Value, json};

use super::said::{
    Said, component, created, detail, done, install, list, missing, newest, no_newest, nothing, of, plans_only, row,
    said, status, typed, with, without, workflow,
};
use super::scene::{
    IN_PROGRESS, NOT_STARTED, Scene, Then, failed, id, latest, needs, of_workflow, passes_by, play, search,
};
use super::{ERRORS, LATEST, NO_DEPLOYS, OTHER, OWN, WHICH};
use crate::cause::Cause;
use crate::pins::{Pins, Since};
use crate::watch::settings::{OnStale, OnSuperseded};
use crate::{Hold, Kind};

pub(super) fn scenes() -> Vec<Scene> {
    [none_yet(), hidden(), no_deploys(), only_plans()].into_iter().flatten().collect()
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
    let queued = row(OWN, "queued");
    let begun = created(row(OWN, "active"), 1);
    let foreign = with(row(OWN, "active"), &json!({ "install_id": "inl-b" }));
    let (only_plans, teardown) =
        (of(created(row(OTHER, "active"), -30), "iwf-2"), typed(row(OWN, "executing"), "teardown"));
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
            .poll(2, [newest(&begun), detail(&begun), done("iwf-1")])
            .then(passes_by("iwf-1"))
            .reports(["install acme", "found dpl-web by latest"]),
        latest("a deploy that is not of the kind that is expected", WHICH)
            .with(|settings| settings.expect = Some(Kind::Teardown))
            .poll(0, [newest(&queued), done("iwf-1")])
            .then(needs("deploy dpl-web"))
            .poll(2, [detail(&queued), done("iwf-1")])
            .then(failed(unexpected))
            .reports(["found dpl-web by latest"]),
        latest("a plan in front of the deploy of the kind that is expected", NO_DEPLOYS)
            .with(|settings| settings.expect = Some(Kind::Teardown))
            .poll(0, [newest(&only_plans), detail(&only_plans), plans_only("iwf-2")])
            .then(NOT_STARTED)
            .poll(2, [newest(&only_plans), list(&[&only_plans, &teardown])])
            .then(IN_PROGRESS)
            .reports(["found dpl-db by latest", "lost", "found dpl-web by latest"]),
    ]
}

/// The matching row may be behind a newer one that does not match.
fn hidden() -> Vec<Scene> {
    let newer = with(of(created(row(OTHER, "active"), -30), "iwf-2"), &json!({ "build_id": "bld-3" }));
    let older = with(row(OWN, "active"), &json!({ "build_id": "bld-2" }));
    let rows = || list(&[&newer, &older]);
    let buildless = without(older.clone(), "build_id");
    let drift = with(newer.clone(), &json!({ "status": "no-drift" }));
    let at_work = || workflow("iwf-2", "in-progress", OTHER, "in-progress");
    let later = created(newer.clone(), 1);
    let latest_of_all = of(created(row("dpl-3", "queued"), 1), "iwf-3");
    let of_part = |row: Value| with(row, &json!({ "install_component_id": "inc-web" }));
    let strange = with(created(of(row("dpl-4", "active"), "iwf-4"), -10), &json!({ "install_component_id": "inc-db" }));
    let undated = without(newer.clone(), "created_at");
    let going = with(row(OWN, "executing"), &json!({ "build_id": "bld-2" }));
    let again = with(of(created(row("dpl-3", "queued"), 3), "iwf-3"), &json!({ "build_id": "bld-2" }));
    let ended_before = || [newest(&newer), rows(), detail(&older), newest(&newer), at_work(), done("iwf-1")];
    let since = Pins { since: Some(Since::Ago(Duration::from_secs(5))), ..Pins::default() };
    let other_build = row(OWN, "active");
    let nameless = without(created(older.clone(), -20), "workflow_id");
    vec![
        search("the list has what the newest hides", WHICH, by_build())
            .poll(0, [newest(&newer), list(&[&newer, &going])])
            .then(IN_PROGRESS)
            .poll(2, [detail(&older), newest(&newer), at_work(), done("iwf-1")])
            .then(passes_by("iwf-1"))
            .reports(["found dpl-web by build", "dpl-db supersedes dpl-web: ignore"]),
        search("what the list shows first was the latest, superseded since the wait began", WHICH, by_build())
            .poll(
                0,
                [newest(&drift), list(&[&drift, &older]), detail(&older), newest(&later), at_work(), done("iwf-1")],
            )
            .then(passes_by("iwf-1")),
        search("the same, where only the list says its build", WHICH, by_build())
            .poll(0, [newest(&buildless), list(&[&older]), detail(&older), newest(&later), at_work(), done("iwf-1")])
            .then(passes_by("iwf-1")),
        search("what the newest hides had ended before: another is waited for", WHICH, by_build())
            .poll(0, ended_before())
            .then(NOT_STARTED)
            .poll(2, [newest(&newer), rows()])
            .then(NOT_STARTED)
            .poll(4, [newest(&again)])
            .then(IN_PROGRESS)
            .reports(["found dpl-web by build", "dpl-web is older and had ended", "lost", "found dpl-3 by build"]),
        search("the same, whatever is to be done about a newer one", WHICH, by_build())
            .with(|settings| settings.on_superseded = Some(OnSuperseded::Fail))
            .poll(0, ended_before())
            .then(NOT_STARTED),
        search("the same, be it followed", WHICH, by_build())
            .with(|settings| settings.on_superseded = Some(OnSuperseded::Follow))
            .poll(0, ended_before())
            .then(NOT_STARTED),
        search("the same, in a single poll", WHICH, by_build()).once().poll(0, ended_before()).then(NOT_STARTED),
        search(
            "its workflow is pinned as well: it is the one",
            WHICH,
            Pins { build: by_build().build, ..of_workflow() },
        )
        .poll(0, ended_before())
        .then(passes_by("iwf-1")),
        search("what hides it only makes plans: it is the latest", WHICH, by_build())
            .poll(
                0,
                [newest(&newer), rows(), detail(&older), newest(&newer), plans_only("iwf-2"), rows(), done("iwf-1")],
            )
            .then(passes_by("iwf-1")),
        search(
            "what hides it is forgotten with another component's, which the newest was: it is no latest",
            WHICH,
            by_build(),
        )
        .poll(0, [newest(&strange), list(&[&newer, &of_part(older.clone())]), detail(&of_part(older.clone()))])
        .then(needs("latest"))
        .poll(2, [detail(&of_part(older.clone())), newest(&older), done("iwf-1"), rows(), at_work()])
        .then(NOT_STARTED),
        search("another component's, which the newest was, does not hide it", WHICH, by_build())
            .poll(0, [newest(&strange), list(&[&of_part(older.clone())]), detail(&of_part(older.clone()))])
            .then(needs("latest"))
            .poll(2, [detail(&of_part(older.clone())), newest(&older), done("iwf-1")])
            .then(passes_by("iwf-1")),
        search("what a lagging replica shows as the newest, and is not", WHICH, by_build())
            .poll(0, [newest(&older), detail(&older), nothing("workflow iwf-1")])
            .then(Then::NoAnswer)
            .poll(2, [detail(&older), newest(&newer), at_work(), done("iwf-1")])
            .then(NOT_STARTED),
        search("the newest of the build, superseded since the wait began", WHICH, by_build())
            .poll(0, [newest(&older), detail(&older), nothing("workflow iwf-1")])
            .then(Then::NoAnswer)
            .poll(2, [detail(&older), newest(&later), at_work(), done("iwf-1")])
            .then(passes_by("iwf-1")),
        search("the newest of the build, superseded before and since the wait began", WHICH, by_build())
            .poll(0, [newest(&older), detail(&older), nothing("workflow iwf-1")])
            .then(Then::NoAnswer)
            .poll(2, [detail(&older), newest(&newer), nothing("workflow iwf-2")])
            .then(Then::NoAnswer)
            .poll(
                4,
                [
                    detail(&older),
                    newest(&latest_of_all),
                    workflow("iwf-3", "in-progress", "dpl-3", "queued"),
                    done("iwf-1"),
                ],
            )
            .then(NOT_STARTED),
        search("whether what hides it only makes plans is not known", WHICH, by_build())
            .poll(0, [newest(&newer), rows(), detail(&older), newest(&newer), nothing("workflow iwf-2")])
            .then(Then::NoAnswer),
        search("whether what hides it is newer is not known", WHICH, by_build())
            .poll(
                0,
                [
                    newest(&undated),
                    list(&[&older]),
                    detail(&older),
                    newest(&undated),
                    detail(&undated),
                    list(&[&undated]),
                    at_work(),
                    done("iwf-1"),
                ],
            )
            .then(Then::Holds(Hold::Outdated)),
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
        search("the workflow that a list has named counts where later answers leave it out", WHICH, by_build())
            .poll(0, [newest(&newer), list(&[&newer, &other_build])])
            .then(NOT_STARTED)
            .poll(2, [newest(&nameless), detail(&nameless)])
            .then(needs("workflow iwf-1")),
        search("an outage of the list is no answer", ERRORS, by_build())
            .poll(0, [newest(&newer), status("list of 100", 500)])
            .then(Then::NoAnswer),
        search("a list with another component's row is no answer", ERRORS, by_build())
            .poll(0, [newest(&newer), list(&[&with(older.clone(), &json!({ "component_id": "cmp-db" }))])])
            .then(Then::NoAnswer),
    ]
}

/// The newest row deploys nothing, so the list is read for the one behind it, and again for a superseding one.
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
            .reports(["found dpl-db by latest", "lost", "found dpl-web by latest", "dpl-web had ended"]),
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
