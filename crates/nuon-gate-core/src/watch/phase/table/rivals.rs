//! Which rows supersede the deploy that is followed.

use serde_json::{Value, json};

use super::said::{
    created, detail, done, list, lost, newest, no_newest, nothing, of, plans_only, row, typed, with, without, workflow,
};
use super::scene::{IN_PROGRESS, NOT_STARTED, Scene, Then, id, needs, own, passes, passes_by, play, search};
use super::superseding::{its_workflow, newer, on, superseded};
use super::{NO_DEPLOYS, OTHER, OWN, WHICH};
use crate::cause::Cause;
use crate::model::Status;
use crate::pins::Pins;
use crate::watch::phase::Basis;
use crate::watch::settings::OnSuperseded;
use crate::{Hold, Rules, Verdict};

pub(super) fn scenes() -> Vec<Scene> {
    [no_rivals(), other_tries(), rivals(), seen_before()].into_iter().flatten().collect()
}

#[test]
fn rows_that_supersede() {
    play(scenes());
}

/// Rows that supersede nothing.
fn no_rivals() -> Vec<Scene> {
    let active = row(OWN, "active");
    let fail = |name, section| own(name, section).with(|settings| settings.on_superseded = Some(OnSuperseded::Fail));
    let passes_by_list = |name, other: &Value| {
        fail(name, NO_DEPLOYS)
            .poll(0, [detail(&active), newest(other), list(&[other, &active]), done("iwf-1")])
            .then(passes_by("iwf-1"))
    };
    let flagged = with(newer("active"), &json!({ "plan_only": true }));
    let older = created(newer("active"), -90);
    vec![
        fail("an older row", WHICH)
            .poll(0, [detail(&active), newest(&older), done("iwf-1"), list(&[&active, &older])])
            .then(passes_by("iwf-1")),
        passes_by_list("a newer recover row", &typed(newer("active"), "recover")),
        passes_by_list("a newer plan-only row", &typed(newer("active"), "plan-only")),
        passes_by_list("a newer row of an unknown type", &typed(newer("active"), "rollback")),
        passes_by_list("a newer row that says that it only makes a plan", &flagged),
        fail("a newer row, plan-only by its workflow", NO_DEPLOYS)
            .poll(
                0,
                [
                    detail(&active),
                    newest(&newer("active")),
                    plans_only("iwf-2"),
                    list(&[&newer("active"), &active]),
                    done("iwf-1"),
                ],
            )
            .then(passes_by("iwf-1")),
        fail("a newer row that the list alone shows, and whose workflow does not exist", NO_DEPLOYS)
            .poll(0, [detail(&active), no_newest(), list(&[&newer("queued"), &active]), nothing("workflow iwf-2")])
            .then(Then::NoAnswer)
            .poll(
                2,
                [detail(&active), newest(&active), lost("iwf-2"), list(&[&newer("queued"), &active]), done("iwf-1")],
            )
            .then(passes_by("iwf-1")),
        fail("a newer row whose status ends a plan needs no workflow to say so", NO_DEPLOYS)
            .poll(0, [detail(&active), no_newest(), list(&[&newer("no-drift"), &active]), done("iwf-1")])
            .then(passes_by("iwf-1")),
        fail("so does a latest that does not hide it", NO_DEPLOYS)
            .poll(0, [detail(&active), newest(&newer("drifted")), list(&[&newer("drifted"), &active]), done("iwf-1")])
            .then(passes_by("iwf-1")),
        fail("a newer row whose workflow did not exist is asked about again", NO_DEPLOYS)
            .poll(0, [detail(&row(OWN, "queued"))])
            .then(IN_PROGRESS)
            .wide_poll(
                2,
                [
                    detail(&row(OWN, "queued")),
                    no_newest(),
                    list(&[&newer("queued"), &row(OWN, "queued")]),
                    lost("iwf-2"),
                    workflow("iwf-1", "in-progress", OWN, "in-progress"),
                ],
            )
            .then(IN_PROGRESS)
            .poll(4, [detail(&active), no_newest(), list(&[&newer("queued"), &active])])
            .then(needs("workflow iwf-2")),
        fail("plan-only by its workflow, known from the poll before", NO_DEPLOYS)
            .wide_poll(
                0,
                [
                    detail(&row(OWN, "queued")),
                    newest(&newer("active")),
                    plans_only("iwf-2"),
                    list(&[&newer("active"), &row(OWN, "queued")]),
                    workflow("iwf-1", "in-progress", OWN, "in-progress"),
                ],
            )
            .then(IN_PROGRESS)
            .poll(2, [detail(&active), newest(&newer("active")), list(&[&newer("active"), &active]), done("iwf-1")])
            .then(passes_by("iwf-1")),
    ]
}

/// A newer row of the same workflow would have replaced the deploy. If that does not say so, its row may lag.
fn other_tries() -> Vec<Scene> {
    let active = row(OWN, "active");
    let next = created(row(OTHER, "queued"), -30);
    let between = of(created(row("dpl-3", "queued"), -45), "iwf-2");
    let timeless = without(row(OTHER, "queued"), "created_at");
    let erred = row(OWN, "error");
    let over = created(row(OTHER, "retried"), -30);
    let held = || Then::Holds(Hold::NewerTry);
    let beside = |name, way, other: &Value| {
        let poll = || [detail(&active), newest(other), done("iwf-1")];
        on(name, way).poll(0, poll()).then(held()).poll(30, poll()).then(held()).poll(32, poll())
    };
    let fails_beside = |name, other: &Value| beside(name, OnSuperseded::Fail, other);
    vec![
        fails_beside("a newer row of the same workflow", &next).then(superseded()),
        beside("a newer row of the same workflow, ignored", OnSuperseded::Ignore, &next).then(passes_by("iwf-1")),
        beside("a newer row of the same workflow, followed", OnSuperseded::Follow, &next).then(IN_PROGRESS),
        fails_beside("a row of the same workflow and the same time", &row(OTHER, "queued")).then(superseded()),
        on("a row of the same workflow, without a time", OnSuperseded::Fail)
            .poll(0, [detail(&active), newest(&timeless), done("iwf-1")])
            .then(held())
            .poll(30, [detail(&active), newest(&timeless), done("iwf-1")])
            .then(held())
            .poll(32, [detail(&active), newest(&timeless)])
            .then(needs("deploy dpl-db")),
        on("a row of the same workflow that was replaced itself", OnSuperseded::Fail)
            .poll(0, [detail(&active), newest(&over), done("iwf-1"), list(&[&over, &active])])
            .then(passes_by("iwf-1")),
        on("a newer row of the same workflow, beside an error that a flag makes a pass", OnSuperseded::Fail)
            .with(|settings| settings.rules = Rules::new(vec![Status::Error], vec![], vec![]).unwrap())
            .poll(0, [detail(&erred), newest(&next), done("iwf-1"), list(&[&next, &erred])])
            .then(passes(OWN, Basis::Rule(Status::Error))),
        on("the same, and another workflow's was shown before", OnSuperseded::Fail)
            .with(|settings| settings.rules = Rules::new(vec![Status::Error], vec![], vec![]).unwrap())
            .wide_poll(0, [detail(&row(OWN, "queued")), newest(&between), nothing("workflow iwf-2")])
            .then(Then::NoAnswer)
            .poll(2, [detail(&row(OWN, "error")), newest(&next), done("iwf-1"), list(&[&next, &between])])
            .then(Then::Holds(Hold::Outdated)),
        on("the same, and a list shows all three", OnSuperseded::Fail)
            .with(|settings| settings.rules = Rules::new(vec![Status::Error], vec![], vec![]).unwrap())
            .wide_poll(0, [detail(&row(OWN, "queued")), newest(&between), nothing("workflow iwf-2")])
            .then(Then::NoAnswer)
            .poll(
                2,
                [
                    detail(&row(OWN, "error")),
                    newest(&next),
                    done("iwf-1"),
                    list(&[&next, &between, &row(OWN, "error")]),
                ],
            )
            .then(Then::Holds(Hold::Outdated)),
        on("a newer row of the same workflow, and then the row says so", OnSuperseded::Fail)
            .poll(0, [detail(&active), newest(&next), done("iwf-1")])
            .then(held())
            .poll(30, [detail(&with(row(OWN, "retried"), &json!({ "updated_at": "2026-08-03T14:10:00Z" })))])
            .then(needs("list of 100")),
    ]
}

/// Rows that supersede.
fn rivals() -> Vec<Scene> {
    let active = row(OWN, "active");
    let fail = |name, section| own(name, section).with(|settings| settings.on_superseded = Some(OnSuperseded::Fail));
    let timeless = without(newer("queued"), "created_at");
    let in_order = || list(&[&timeless, &active]);
    let nameless = without(newer("queued"), "workflow_id");
    let typeless = without(newer("active"), "install_deploy_type");
    let same_time = created(newer("queued"), -60);
    let queued = row(OWN, "queued");
    let third = of(created(row("dpl-3", "queued"), -20), "iwf-3");
    let nothing_but_plans = newer("active");
    let build = json!({ "build_id": "bld-1" });
    let (built, only_plans) = (with(active.clone(), &build), with(newer("pending-approval"), &build));
    let since = with(built, &json!({ "updated_at": "2027-01-15T08:00:02Z" }));
    let by_build = || Pins { build: Some("bld-1".parse().unwrap()), ..Pins::default() };
    vec![
        fail("a row that names no workflow", WHICH)
            .poll(0, [detail(&active), newest(&nameless), detail(&nameless), done("iwf-1")])
            .then(superseded()),
        fail("a row, where neither names a workflow", WHICH)
            .poll(0, [detail(&without(active.clone(), "workflow_id")), newest(&nameless), detail(&nameless)])
            .then(superseded()),
        fail("a row that leaves out its workflow, which its detail names", WHICH)
            .poll(0, [detail(&active), newest(&nameless), detail(&newer("queued")), its_workflow(), done("iwf-1")])
            .then(superseded()),
        fail("not a row that leaves out its type, which its detail names", WHICH)
            .poll(
                0,
                [
                    detail(&active),
                    newest(&typeless),
                    detail(&typed(newer("active"), "recover")),
                    list(&[&typeless, &active]),
                    done("iwf-1"),
                ],
            )
            .then(passes_by("iwf-1")),
        fail("a row of the same time", WHICH)
            .poll(0, [detail(&active), newest(&same_time), its_workflow(), done("iwf-1")])
            .then(superseded()),
        fail("a row without a time", WHICH)
            .poll(0, [detail(&active), newest(&timeless), detail(&timeless), in_order(), its_workflow(), done("iwf-1")])
            .then(superseded()),
        fail("a row without a time, unless a list that contains both shows it last", WHICH)
            .poll(
                0,
                [detail(&active), newest(&timeless), detail(&timeless), list(&[&active, &timeless]), done("iwf-1")],
            )
            .then(passes_by("iwf-1")),
        fail("a row without a time, unless no list contains both", WHICH)
            .poll(
                0,
                [
                    detail(&active),
                    newest(&timeless),
                    detail(&timeless),
                    list(&[&timeless]),
                    its_workflow(),
                    done("iwf-1"),
                ],
            )
            .then(Then::Holds(Hold::Outdated)),
        fail("a row without a time, whose detail has one", WHICH)
            .poll(0, [detail(&active), newest(&timeless), detail(&newer("queued")), its_workflow(), done("iwf-1")])
            .then(superseded()),
        fail("its workflow does not exist", WHICH)
            .poll(0, [detail(&active), newest(&newer("queued")), lost("iwf-2"), done("iwf-1")])
            .then(superseded()),
        fail("its workflow does not exist, and the list alone showed it before", WHICH)
            .wide_poll(0, [detail(&queued), no_newest(), list(&[&newer("queued"), &queued]), nothing("workflow iwf-2")])
            .then(Then::NoAnswer)
            .poll(2, [detail(&active), newest(&newer("queued")), lost("iwf-2"), done("iwf-1")])
            .then(superseded()),
        fail("a newest row that is hidden by what deploys nothing", NO_DEPLOYS)
            .poll(
                0,
                [
                    detail(&active),
                    newest(&typed(third.clone(), "recover")),
                    list(&[&typed(third.clone(), "recover"), &newer("queued"), &active]),
                    its_workflow(),
                    done("iwf-1"),
                ],
            )
            .then(superseded()),
        fail("a row behind one that only makes plans", NO_DEPLOYS)
            .poll(
                0,
                [
                    detail(&active),
                    newest(&third),
                    plans_only("iwf-3"),
                    list(&[&third, &nothing_but_plans, &active]),
                    its_workflow(),
                    done("iwf-1"),
                ],
            )
            .then(superseded()),
        fail("a replica that lags does not take it back", WHICH)
            .poll(0, [detail(&active), newest(&newer("queued")), nothing("workflow iwf-2")])
            .then(Then::NoAnswer)
            .poll(2, [detail(&active), newest(&active), its_workflow(), done("iwf-1")])
            .then(superseded()),
        fail("nor does the own row without a time", WHICH)
            .poll(0, [detail(&active), newest(&newer("queued")), nothing("workflow iwf-2")])
            .then(Then::NoAnswer)
            .poll(2, [detail(&active), newest(&without(active.clone(), "created_at")), its_workflow(), done("iwf-1")])
            .then(superseded()),
        fail("nor does a third row without a time", WHICH)
            .poll(0, [detail(&active), newest(&newer("queued")), nothing("workflow iwf-2")])
            .then(Then::NoAnswer)
            .poll(2, [detail(&active), newest(&without(third.clone(), "created_at")), its_workflow(), done("iwf-1")])
            .then(superseded()),
        fail("a row without a time is asked for its own, even if the own row is shown again", WHICH)
            .poll(0, [detail(&active), newest(&timeless), nothing("deploy dpl-db")])
            .then(Then::NoAnswer)
            .poll(2, [detail(&active), newest(&active), detail(&newer("queued")), its_workflow(), done("iwf-1")])
            .then(superseded()),
        search("fail: nor does what only made a plan", NO_DEPLOYS, by_build())
            .with(|settings| settings.on_superseded = Some(OnSuperseded::Fail))
            .poll(0, [newest(&third), list(&[&third, &only_plans]), plans_only("iwf-2")])
            .then(NOT_STARTED)
            .poll(
                2,
                [
                    newest(&since),
                    detail(&since),
                    newest(&since),
                    workflow("iwf-3", "in-progress", "dpl-3", "in-progress"),
                    done("iwf-1"),
                ],
            )
            .then(Then::Ends(Verdict::Superseded, Cause::Superseded { from: id(OWN), to: id("dpl-3") })),
        fail("an endpoint that says nothing does not take it back", WHICH)
            .poll(0, [detail(&active), newest(&newer("queued")), nothing("workflow iwf-2")])
            .then(Then::NoAnswer)
            .poll(2, [detail(&active), no_newest(), list(&[&active]), its_workflow(), done("iwf-1")])
            .then(superseded()),
        fail("no newest, and it is in the list", WHICH)
            .poll(0, [detail(&active), no_newest(), list(&[&newer("queued"), &active]), its_workflow(), done("iwf-1")])
            .then(superseded()),
    ]
}

/// A lagging replica does not revoke what the server has shown.
fn seen_before() -> Vec<Scene> {
    let by_build = |row: Value| with(row, &json!({ "build_id": "bld-2" }));
    let (active, queued) = (by_build(row(OWN, "active")), row(OWN, "queued"));
    let third = |second| of(created(row("dpl-3", "queued"), second), "iwf-3");
    let fail = |name| on(name, OnSuperseded::Fail);
    let pinned = |name| {
        let pins = Pins { build: "bld-2".parse().ok(), ..Pins::default() };
        search(name, WHICH, pins).with(|settings| settings.on_superseded = Some(OnSuperseded::Fail))
    };
    let first = || [detail(&queued), newest(&newer("queued")), nothing("workflow iwf-2")];
    let in_vain = |row: &Value| [newest(row), list(&[])];
    vec![
        fail("a yet newer row takes its place")
            .wide_poll(0, first())
            .then(Then::NoAnswer)
            .poll(2, [detail(&active), newest(&third(-20))])
            .then(needs("workflow iwf-3")),
        fail("of two rows of the same time, the one that was shown last")
            .wide_poll(0, first())
            .then(Then::NoAnswer)
            .poll(2, [detail(&active), newest(&third(-30))])
            .then(needs("workflow iwf-3")),
        fail("an older row does not take its place")
            .wide_poll(0, first())
            .then(Then::NoAnswer)
            .poll(2, [detail(&active), newest(&third(-40))])
            .then(needs("workflow iwf-2")),
        pinned("what did not match is newer than what the list has")
            .poll(0, [newest(&newer("queued")), list(&[&active]), detail(&active), newest(&active)])
            .then(needs("workflow iwf-2")),
        pinned("the list in which it is found shows a newer one")
            .poll(0, [newest(&third(-90)), list(&[&newer("queued"), &active]), detail(&active), newest(&active)])
            .then(needs("workflow iwf-2")),
        pinned("what did not match before is newer than what matches")
            .poll(0, in_vain(&newer("queued")))
            .then(NOT_STARTED)
            .poll(2, [newest(&active), detail(&active), newest(&active)])
            .then(needs("workflow iwf-2")),
        pinned("what did not match before is newer, but whose deploy it is is not known yet")
            .poll(0, in_vain(&newer("queued")))
            .then(NOT_STARTED)
            .wide_poll(2, [newest(&by_build(queued.clone())), newest(&newer("queued"))])
            .then(needs("deploy dpl-web")),
        pinned("what did not match before is of the same time as what matches")
            .poll(0, in_vain(&third(-60)))
            .then(NOT_STARTED)
            .poll(2, [newest(&active), detail(&active), done("iwf-1")])
            .then(passes_by("iwf-1")),
        pinned("the newest of all that did not match")
            .poll(0, in_vain(&third(-20)))
            .then(NOT_STARTED)
            .poll(2, in_vain(&newer("queued")))
            .then(NOT_STARTED)
            .poll(4, [newest(&active), detail(&active), newest(&active)])
            .then(needs("workflow iwf-3")),
        pinned("of two that did not match, of the same time, the one that was shown last")
            .poll(0, in_vain(&third(-30)))
            .then(NOT_STARTED)
            .poll(2, in_vain(&newer("queued")))
            .then(NOT_STARTED)
            .poll(4, [newest(&active), detail(&active), newest(&active)])
            .then(needs("workflow iwf-2")),
    ]
}
