//! Answers of one poll that contradict each other about whose deploy it is, or what it does.

use serde_json::{Value, json};

use super::said::{
    STARTED_AT, created, detail, done, list, newest, of, plans_only, row, said, typed, with, without, workflow, written,
};
use super::scene::{IN_PROGRESS, Scene, Then, id, latest, named, needs, own, passes_by, play, rejected, search};
use super::{JUDGING, NO_DEPLOYS, OTHER, OWN, RETRIES, WHICH};
use crate::cause::Cause;
use crate::model::WorkflowEnd;
use crate::pins::{Pins, Since};
use crate::watch::phase::{Basis, Proof};
use crate::{Hold, Kind, Verdict};

pub(super) fn scenes() -> Vec<Scene> {
    [contradictions(), plans_that_were_replaced(), a_pinned_build_that_was_replaced()].into_iter().flatten().collect()
}

#[test]
fn answers_of_one_poll() {
    play(scenes());
}

/// Nothing passes of which two answers of a poll say different things that never change.
fn contradictions() -> Vec<Scene> {
    let active = row(OWN, "active");
    let part = |id: &str| with(active.clone(), &json!({ "install_component_id": id }));
    let flagged = with(active.clone(), &json!({ "plan_only": true }));
    let typeless = without(active.clone(), "install_deploy_type");
    let status = json!({ "status": "active", "created_at_ts": STARTED_AT - 5, "history": [{ "status": "queued" }] });
    let timed = written(with(active.clone(), &json!({ "status_v2": status })), 3);
    let later = json!({ "status": "hibernating", "history": [{ "status": "queued" }, { "status": "active" }] });
    let timeless = with(active.clone(), &json!({ "status": "hibernating", "status_v2": later }));
    let held = || Then::Holds(Hold::Contradicted);
    let found =
        |name, row: &Value| latest(name, JUDGING).poll(0, [newest(row), detail(&active), done("iwf-1")]).then(held());
    let known = |name, row: &Value, own_detail: &Value| {
        own(name, JUDGING).poll(0, [detail(own_detail), newest(row), done("iwf-1")]).then(held())
    };
    vec![
        found("another kind, as it was found", &typed(active.clone(), "teardown")),
        found("another workflow, as it was found", &of(active.clone(), "iwf-2")),
        latest("another install component, as it was found", JUDGING)
            .poll(0, [newest(&part("inc-db")), detail(&part("inc-web")), done("iwf-1")])
            .then(held())
            .poll(2, [detail(&part("inc-web")), newest(&part("inc-web")), done("iwf-1")])
            .then(passes_by("iwf-1")),
        known("its newest says that it recovers, and its detail nothing", &typed(active.clone(), "recover"), &typeless),
        known("its newest says that it only plans", &flagged, &active),
        known(
            "its newest says that it tears down, and its detail nothing",
            &typed(active.clone(), "teardown"),
            &typeless,
        ),
        own("its newest goes on after its detail, and says no time", JUDGING)
            .poll(0, [detail(&timed), newest(&timeless), done("iwf-1"), detail(&timed)])
            .then(Then::Holds(Hold::Outdated))
            .poll(2, [detail(&timed), newest(&timed), done("iwf-1")])
            .then(passes_by("iwf-1")),
        own("a list may leave out that it tears down", JUDGING)
            .poll(0, [detail(&typed(active.clone(), "teardown")), newest(&typeless), done("iwf-1")])
            .then(Then::Passes(Proof::new(id(OWN), Kind::Teardown, Basis::Steps("iwf-1".parse().unwrap()), None))),
    ]
}

/// Only the workflow shows that a row which says that it was replaced is a plan.
fn plans_that_were_replaced() -> Vec<Scene> {
    let retried = row(OWN, "retried");
    let drift = created(row("dpl-new", "no-drift"), -30);
    let older = of(created(row(OTHER, "active"), -90), "iwf-2");
    let plan = |deploy: &str| rejected(Cause::Undeployable { deploy: id(deploy), deploy_type: None });
    let after = || Pins { since: Some(Since::At("2027-01-15T07:58:00Z".parse().unwrap())), ..Pins::default() };
    vec![
        own("by its id, whatever has replaced it", NO_DEPLOYS)
            .poll(0, [detail(&retried), list(&[&retried]), plans_only("iwf-1")])
            .then(plan(OWN)),
        own("by its id, as its next try has ended", NO_DEPLOYS)
            .poll(0, [detail(&retried), list(&[&drift, &retried]), plans_only("iwf-1")])
            .then(plan(OWN)),
        own("by its id, as its next try is at work", NO_DEPLOYS)
            .wide_poll(0, [detail(&retried), list(&[&created(row("dpl-new", "executing"), -30), &retried])])
            .then(needs("latest"))
            .wide_poll(
                3,
                [
                    detail(&created(row("dpl-new", "executing"), -30)),
                    newest(&created(row("dpl-new", "executing"), -30)),
                    plans_only("iwf-1"),
                ],
            )
            .then(plan("dpl-new")),
        latest("the deploy before it is found", NO_DEPLOYS)
            .poll(0, [newest(&retried), detail(&retried), list(&[&retried, &older]), plans_only("iwf-1")])
            .then(Then::Holds(Hold::NotStarted))
            .poll(2, [newest(&retried), list(&[&retried, &older])])
            .then(needs("deploy dpl-db")),
        search("a newer deploy is waited for", NO_DEPLOYS, after())
            .poll(0, [newest(&retried), detail(&retried), list(&[&retried]), plans_only("iwf-1")])
            .then(Then::Holds(Hold::NotStarted))
            .poll(2, [newest(&of(created(row(OTHER, "queued"), -10), "iwf-2"))])
            .then(IN_PROGRESS),
    ]
}

/// A pinned build's latest deploy was replaced by nothing, before the wait began.
fn a_pinned_build_that_was_replaced() -> Vec<Scene> {
    let ended =
        |row: Value| with(row, &json!({ "status_v2": { "status": "retried", "created_at_ts": STARTED_AT - 60 } }));
    let retried = with(ended(row(OWN, "retried")), &json!({ "build_id": "bld-2" }));
    let status = json!({ "status": "error", "created_at_ts": STARTED_AT - 60 });
    let failed = || said("workflow iwf-1", &json!({ "status": status, "finished": true }));
    let newer = of(created(row(OTHER, "active"), -30), "iwf-2");
    let both = || list(&[&newer, &retried]);
    let deployed = || workflow("iwf-2", "success", OTHER, "success");
    let build = || Pins { build: "bld-2".parse().ok(), ..Pins::default() };
    let since = of(created(row(OTHER, "active"), 5), "iwf-2");
    let never = || {
        Then::Ends(
            Verdict::Failed,
            Cause::NeverDeployed { end: WorkflowEnd::Failed, step: None, replaced: Some(id(OWN)) },
        )
    };
    vec![
        search("it is judged where it is the latest", RETRIES, build())
            .poll(
                0,
                [newest(&retried), detail(&retried), list(&[&retried]), failed(), list(&[&retried]), newest(&retried)],
            )
            .then(never()),
        search("not where a newer one was there before the wait began", WHICH, build())
            .poll(0, [newest(&newer), both(), detail(&retried), both(), failed(), deployed(), both(), newest(&newer)])
            .then(Then::Holds(Hold::NotStarted))
            .reports([
                "found dpl-web by build",
                "dpl-web was replaced",
                "dpl-db supersedes dpl-web: ignore",
                "dpl-web is older and had ended",
                "lost",
            ]),
        search("nor where that is shown only once, and it was taken for the latest", WHICH, build())
            .poll(
                0,
                [newest(&retried), detail(&retried), both(), failed(), deployed(), list(&[&retried]), newest(&retried)],
            )
            .then(Then::Holds(Hold::NotStarted)),
        search("but where the newer one has been created since", WHICH, build())
            .poll(
                0,
                [
                    newest(&retried),
                    detail(&retried),
                    list(&[&since, &retried]),
                    failed(),
                    deployed(),
                    list(&[&since, &retried]),
                    newest(&since),
                ],
            )
            .then(never()),
        named("its id is known", RETRIES, Pins { deploy: Some(id(OWN)), ..build() })
            .poll(0, [detail(&retried), list(&[&retried])])
            .then(needs("workflow iwf-1")),
    ]
}
