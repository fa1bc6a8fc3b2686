//! A newer deploy that does not replace the one that is followed.

use serde_json::{Value, json};

use super::said::{
    Said, created, detail, done, list, missing, newest, no_newest, nothing, of, plans_only, row, typed, with, without,
    workflow, written,
};
use super::scene::{
    IN_PROGRESS, Scene, Then, failed, fails_as, id, latest, named, needs, of_workflow, own, passes, passes_by, play,
    search,
};
use super::{OTHER, OWN, WHICH};
use crate::cause::Cause;
use crate::model::Status;
use crate::pins::Pins;
use crate::watch::phase::Basis;
use crate::watch::settings::{OnStale, OnSuperseded};
use crate::{Hold, Kind, Verdict};

pub(super) fn scenes() -> Vec<Scene> {
    [policies(), following(), instead_of_a_successor(), unreadable()].into_iter().flatten().collect()
}

#[test]
fn a_newer_deploy() {
    play(scenes());
}

pub(super) fn on(name: &'static str, on_superseded: OnSuperseded) -> Scene {
    own(name, WHICH).with(|settings| settings.on_superseded = Some(on_superseded))
}

/// The newer row, of another workflow.
pub(super) fn newer(status: &str) -> Value {
    of(created(row(OTHER, status), -30), "iwf-2")
}

pub(super) fn its_workflow() -> Said {
    workflow("iwf-2", "in-progress", OTHER, "in-progress")
}

pub(super) fn superseded() -> Then {
    Then::Ends(Verdict::Superseded, Cause::Superseded { from: id(OWN), to: id(OTHER) })
}

/// What a flag does about it.
fn policies() -> Vec<Scene> {
    let active = row(OWN, "active");
    let answers = || [detail(&active), newest(&newer("queued")), its_workflow(), done("iwf-1")];
    let older = of(created(row(OTHER, "active"), -90), "iwf-2");
    let many = |row: &Value| -> Said {
        let rows: Vec<_> = (0..100).map(|nth| with(row.clone(), &json!({ "id": format!("dpl-{nth}") }))).collect();
        list(&rows.iter().collect::<Vec<_>>())
    };
    let plan = of(created(row(OTHER, "no-drift"), -30), "iwf-2");
    vec![
        on("fail: superseded", OnSuperseded::Fail)
            .poll(0, answers())
            .then(superseded())
            .reports(["found dpl-web by deploy", "dpl-db supersedes dpl-web: fail"]),
        on("fail: not before its workflow is read, which may only make plans", OnSuperseded::Fail)
            .poll(0, [detail(&active), newest(&newer("queued"))])
            .then(needs("workflow iwf-2")),
        on("fail: while it has not ended", OnSuperseded::Fail)
            .wide_poll(0, [detail(&row(OWN, "queued")), newest(&newer("queued")), its_workflow()])
            .then(needs("workflow iwf-1")),
        on("ignore: it passes, and it is reported", OnSuperseded::Ignore)
            .poll(0, [detail(&active), newest(&newer("queued")), its_workflow(), done("iwf-1")])
            .then(passes_by("iwf-1"))
            .reports(["found dpl-web by deploy", "dpl-db supersedes dpl-web: ignore"]),
        on("ignore: it is reported once", OnSuperseded::Ignore)
            .wide_poll(
                0,
                [
                    detail(&row(OWN, "queued")),
                    newest(&newer("queued")),
                    its_workflow(),
                    workflow("iwf-1", "in-progress", OWN, "in-progress"),
                ],
            )
            .then(IN_PROGRESS)
            .poll(2, [detail(&active), newest(&newer("queued")), its_workflow(), done("iwf-1")])
            .then(passes_by("iwf-1"))
            .reports(["found dpl-web by deploy", "dpl-db supersedes dpl-web: ignore"]),
        on("fail: a list with the deploy shows that none is newer, where the newest lags", OnSuperseded::Fail)
            .poll(0, [detail(&active), newest(&older), done("iwf-1"), list(&[&active, &older])])
            .then(passes_by("iwf-1")),
        on("fail: a list without the deploy does not", OnSuperseded::Fail)
            .poll(0, [detail(&active), newest(&older), done("iwf-1"), list(&[&older])])
            .then(Then::Holds(Hold::Outdated)),
        on("fail: a list of as many rows as it can have does, if all are newer", OnSuperseded::Fail)
            .poll(0, [detail(&active), newest(&older), done("iwf-1"), many(&plan)])
            .then(passes_by("iwf-1")),
        on("fail: or if they have no times", OnSuperseded::Fail)
            .poll(0, [detail(&active), newest(&older), done("iwf-1"), many(&without(plan, "created_at"))])
            .then(passes_by("iwf-1")),
        on("fail: such a list of older rows does not", OnSuperseded::Fail)
            .poll(0, [detail(&active), newest(&older), done("iwf-1"), many(&older)])
            .then(Then::Holds(Hold::Outdated)),
        own("with a pin it is ignored", WHICH)
            .poll(0, [detail(&active), newest(&newer("queued")), its_workflow(), done("iwf-1")])
            .then(passes_by("iwf-1")),
        latest("without a pin it is followed", WHICH)
            .poll(0, [newest(&row(OWN, "queued"))])
            .then(IN_PROGRESS)
            .wide_poll(2, [detail(&row(OWN, "queued")), newest(&newer("queued")), its_workflow()])
            .then(needs("workflow iwf-2"))
            .reports([
                "found dpl-web by latest",
                "dpl-db supersedes dpl-web: follow",
                "follows dpl-db",
                "found dpl-db by latest",
            ]),
    ]
}

/// It is followed from then on.
fn following() -> Vec<Scene> {
    let (active, teardown) = (row(OWN, "active"), typed(newer("queued"), "teardown"));
    let follow = |name| on(name, OnSuperseded::Follow);
    let crossed = failed(Cause::Crossed(id(OTHER)));
    let unexpected = failed(Cause::Unexpected { deploy: id(OTHER), kind: Kind::Apply, expected: Kind::Teardown });
    let passes_other = passes(OTHER, Basis::Steps("iwf-2".parse().unwrap()));
    let other_done = || workflow("iwf-2", "success", OTHER, "success");
    let bare = without(newer("active"), "workflow_id");
    let older_again = || [detail(&newer("queued")), newest(&active), its_workflow()];
    vec![
        follow("follow: one that an earlier poll has shown does not pass by that")
            .wide_poll(
                0,
                [detail(&row(OWN, "queued")), newest(&written(newer("active"), 30)), nothing("workflow iwf-2")],
            )
            .then(Then::NoAnswer)
            .poll(
                2,
                [
                    detail(&active),
                    newest(&active),
                    other_done(),
                    detail(&written(newer("executing"), 10)),
                    newest(&active),
                ],
            )
            .then(Then::Holds(Hold::Outdated)),
        follow("follow: one that an earlier poll has shown passes once what is newer was read")
            .wide_poll(0, [detail(&row(OWN, "queued")), newest(&newer("active")), nothing("workflow iwf-2")])
            .then(Then::NoAnswer)
            .poll(2, [detail(&active), newest(&active), other_done(), detail(&newer("active"))])
            .then(needs("latest")),
        search("follow: one that only makes plans, as it turns out, gives way to what is pinned", WHICH, of_workflow())
            .with(|settings| (settings.on_superseded, settings.on_stale) = (Some(OnSuperseded::Follow), OnStale::Fail))
            .poll(0, [newest(&row(OWN, "queued"))])
            .then(IN_PROGRESS)
            .wide_poll(2, [detail(&row(OWN, "queued")), newest(&without(newer("queued"), "workflow_id"))])
            .then(IN_PROGRESS)
            .wide_poll(4, [detail(&newer("queued")), newest(&newer("queued")), plans_only("iwf-2")])
            .then(needs("workflow iwf-1"))
            .poll(6, [newest(&active), detail(&active), done("iwf-1")])
            .then(passes_by("iwf-1")),
        follow("follow: a row that leaves its workflow out has not lost it")
            .poll(0, [detail(&active), newest(&newer("active")), nothing("workflow iwf-2")])
            .then(Then::NoAnswer)
            .poll(2, [detail(&active), newest(&bare), other_done(), detail(&bare), other_done()])
            .then(passes(OTHER, Basis::Steps("iwf-2".parse().unwrap()))),
        follow("follow: the newer one is judged, by its own detail")
            .poll(0, [detail(&active), newest(&newer("active")), other_done(), detail(&newer("active")), other_done()])
            .then(passes_other)
            .reports([
                "found dpl-web by deploy",
                "dpl-db supersedes dpl-web: follow",
                "follows dpl-db",
                "found dpl-db by latest",
            ]),
        follow("follow: never from an apply to a teardown")
            .poll(0, [detail(&active), newest(&teardown), its_workflow(), done("iwf-1")])
            .then(crossed),
        follow("follow: not to another kind than is expected")
            .with(|settings| settings.expect = Some(Kind::Teardown))
            .poll(
                0,
                [detail(&typed(active.clone(), "teardown")), newest(&newer("queued")), its_workflow(), done("iwf-1")],
            )
            .then(unexpected),
        follow("follow: not back to the one that was left")
            .poll(0, [detail(&active), newest(&newer("queued")), its_workflow()])
            .then(IN_PROGRESS)
            .wide_poll(2, older_again())
            .then(IN_PROGRESS),
        follow("follow: not back to the one that was left, if it has no time any more")
            .poll(0, [detail(&active), newest(&newer("queued")), its_workflow()])
            .then(IN_PROGRESS)
            .wide_poll(2, [detail(&newer("queued")), newest(&without(active.clone(), "created_at")), its_workflow()])
            .then(IN_PROGRESS),
        follow("follow: a teardown may follow a teardown")
            .poll(0, [detail(&typed(active.clone(), "teardown")), newest(&teardown), its_workflow()])
            .then(IN_PROGRESS),
        follow("follow: an apply may follow a teardown")
            .poll(0, [detail(&typed(active, "teardown")), newest(&newer("queued")), its_workflow()])
            .then(IN_PROGRESS),
    ]
}

/// The deploy was replaced, and a newer one of another workflow comes before the replacement.
fn instead_of_a_successor() -> Vec<Scene> {
    let retried = row(OWN, "retried");
    let built = with(retried.clone(), &json!({ "build_id": "bld-2" }));
    let (queued, teardown) = (newer("queued"), typed(newer("queued"), "teardown"));
    let at_work = || workflow("iwf-1", "in-progress", OWN, "retried");
    let first = |newer: &Value| [detail(&retried), list(&[newer, &retried]), at_work(), its_workflow()];
    let waits = || Then::Holds(Hold::NotReplaced);
    let next = created(row("dpl-new", "queued"), -20);
    vec![
        latest("not pinned: the newer one is followed", WHICH)
            .poll(0, [newest(&retried), detail(&retried), list(&[&queued, &retried]), at_work(), its_workflow()])
            .then(IN_PROGRESS)
            .poll(
                2,
                [detail(&newer("active")), newest(&newer("active")), workflow("iwf-2", "success", OTHER, "success")],
            )
            .then(passes(OTHER, Basis::Steps("iwf-2".parse().unwrap())))
            .reports([
                "found dpl-web by latest",
                "dpl-web was replaced",
                "dpl-db supersedes dpl-web: follow",
                "follows dpl-db",
                "found dpl-db by latest",
            ]),
        on("fail: superseded before a replacement comes", OnSuperseded::Fail)
            .poll(0, first(&queued))
            .then(superseded()),
        search(
            "fail: a pinned build that is at work, too",
            WHICH,
            Pins { build: "bld-2".parse().ok(), ..Pins::default() },
        )
        .with(|settings| settings.on_superseded = Some(OnSuperseded::Fail))
        .poll(0, [newest(&built), detail(&built), list(&[&queued, &built]), at_work(), its_workflow()])
        .then(superseded()),
        on("fail: not by what is older", OnSuperseded::Fail)
            .poll(0, [detail(&retried), list(&[&retried, &created(queued.clone(), -90)]), at_work()])
            .then(waits()),
        on("fail: not by what only makes plans", OnSuperseded::Fail)
            .poll(0, [detail(&retried), list(&[&queued, &retried]), at_work(), plans_only("iwf-2")])
            .then(waits())
            .poll(2, [list(&[&queued, &retried]), at_work()])
            .then(waits()),
        on("fail: not while it is not known whether it only makes plans", OnSuperseded::Fail)
            .poll(0, [detail(&retried), list(&[&queued, &retried]), at_work(), nothing("workflow iwf-2")])
            .then(waits()),
        on("fail: what names no workflow supersedes", OnSuperseded::Fail)
            .poll(0, [detail(&retried), list(&[&without(queued.clone(), "workflow_id"), &retried]), at_work()])
            .then(superseded()),
        on("fail: the replacement is there as well, and is newer", OnSuperseded::Fail)
            .poll(0, [detail(&retried), list(&[&next, &queued, &retried])])
            .then(IN_PROGRESS),
        own("pinned: it is reported once, and the replacement is waited for", WHICH)
            .poll(0, first(&queued))
            .then(waits())
            .poll(2, [list(&[&queued, &retried]), at_work()])
            .then(waits())
            .poll(4, [list(&[&next, &queued, &retried])])
            .then(IN_PROGRESS)
            .reports([
                "found dpl-web by deploy",
                "dpl-web was replaced",
                "dpl-db supersedes dpl-web: ignore",
                "found dpl-new by deploy for dpl-web",
            ]),
        on("follow: not from an apply to a teardown", OnSuperseded::Follow)
            .poll(0, first(&teardown))
            .then(failed(Cause::Crossed(id(OTHER)))),
    ]
}

/// What a flag needs to know is read before a pass.
fn unreadable() -> Vec<Scene> {
    let (active, older) = (row(OWN, "active"), created(row(OTHER, "active"), -900));
    vec![
        on("fail: no pass without the newest row", OnSuperseded::Fail)
            .poll(0, [detail(&active), nothing("latest")])
            .then(Then::NoAnswer),
        on("follow: no pass without the newest row", OnSuperseded::Follow)
            .poll(0, [detail(&active), nothing("latest")])
            .then(Then::NoAnswer),
        on("fail: no pass without the list, where the newest is hidden", OnSuperseded::Fail)
            .poll(0, [detail(&active), no_newest(), nothing("list of 100")])
            .then(Then::NoAnswer),
        on("fail: no pass without the newer row's workflow", OnSuperseded::Fail)
            .poll(0, [detail(&active), newest(&newer("queued")), nothing("workflow iwf-2")])
            .then(Then::NoAnswer),
        on("fail: no pass where not even the deploy itself is listed", OnSuperseded::Fail)
            .poll(0, [detail(&active), no_newest(), missing("list of 100"), done("iwf-1")])
            .then(Then::Holds(Hold::Outdated))
            .poll(2, [detail(&active), no_newest(), list(&[&active]), done("iwf-1")])
            .then(passes_by("iwf-1")),
        on("follow: no pass where the list is empty", OnSuperseded::Follow)
            .poll(0, [detail(&active), no_newest(), list(&[]), done("iwf-1")])
            .then(Then::Holds(Hold::Outdated)),
        on("fail: an older deploy is shown as the newest", OnSuperseded::Fail)
            .poll(0, [detail(&active), newest(&older), done("iwf-1"), list(&[&older])])
            .then(Then::Holds(Hold::Outdated))
            .poll(2, [detail(&active), newest(&newer("queued")), its_workflow(), done("iwf-1")])
            .then(superseded()),
        on("fail: a list that lacks the deploy, but shows a newer one of its workflow", OnSuperseded::Fail)
            .poll(0, [detail(&active), no_newest(), list(&[&created(row(OTHER, "queued"), -30)]), done("iwf-1")])
            .then(Then::Holds(Hold::NewerTry)),
        on("fail: a failure needs no list", OnSuperseded::Fail)
            .poll(0, [detail(&row(OWN, "noop")), no_newest(), missing("list of 100"), done("iwf-1")])
            .then(fails_as(Status::Noop)),
        on("ignore: a pass without the newest row", OnSuperseded::Ignore)
            .poll(0, [detail(&active), nothing("latest"), done("iwf-1")])
            .then(passes_by("iwf-1")),
        on("ignore: no pass without the newest row, as a newer one of its workflow was there", OnSuperseded::Ignore)
            .poll(0, [detail(&active), newest(&created(row(OTHER, "queued"), -30)), done("iwf-1")])
            .then(Then::Holds(Hold::NewerTry))
            .poll(2, [detail(&active), nothing("latest")])
            .then(Then::NoAnswer),
        on("ignore: a pass without the list", OnSuperseded::Ignore)
            .poll(0, [detail(&active), no_newest(), nothing("list of 100"), done("iwf-1")])
            .then(passes_by("iwf-1")),
        on("ignore: a pass without the newer row's workflow", OnSuperseded::Ignore)
            .poll(0, [detail(&active), newest(&newer("queued")), nothing("workflow iwf-2"), done("iwf-1")])
            .then(passes_by("iwf-1"))
            .reports(["found dpl-web by deploy"]),
        named("with a pin: a pass without the newest row", WHICH, Pins::default())
            .poll(0, [detail(&active), nothing("latest"), done("iwf-1")])
            .then(passes_by("iwf-1")),
    ]
}
