//! The pinned deploy has not appeared yet.

use serde_json::{Value, json};

use super::said::{
    Said, component, created, detail, done, install, list, missing, newest, no_newest, nothing, of, plans_only, row,
    said, with, without, workflow,
};
use super::scene::{
    NOT_STARTED, Scene, Then, id, latest, needs, of_workflow, passes, passes_by, play, rejected, search,
};
use super::{JUDGING, NO_DEPLOYS, OTHER, OWN, STATUSES, WHICH};
use crate::cause::Cause;
use crate::hold::Behind;
use crate::model::WorkflowEnd;
use crate::pins::{Baseline, Pins};
use crate::watch::phase::{Basis, Phase};
use crate::{Hold, RemoteText, Verdict};

pub(super) fn scenes() -> Vec<Scene> {
    [baselines(), by_workflow(), without_a_row()].into_iter().flatten().collect()
}

#[test]
fn what_is_pinned() {
    play(scenes());
}

/// The baseline is read first.
fn baselines() -> Vec<Scene> {
    let (before, newer) = (row(OTHER, "active"), created(row(OWN, "active"), 3));
    let after = || Pins { after: Some(Baseline::Deploy(id(OTHER))), ..Pins::default() };
    let at = |second| jiff::Timestamp::from_second(1_800_000_000_i64 + second).unwrap();
    let seen = |second| Pins {
        after: Some(Baseline::Seen { deploy: id(OTHER), created: at(-60), at: at(second) }),
        ..Pins::default()
    };
    let same_time = row(OWN, "active");
    let listed = || [newest(&newer), list(&[&newer]), detail(&newer), done("iwf-1")];
    let failed = created(row(OTHER, "error"), -60);
    let third = created(of(row("dpl-3", "active"), "iwf-3"), 7);
    let proven = || [newest(&newer), detail(&newer), done("iwf-1")];
    let none = Pins { after: Some(Baseline::NoneAt(at(3))), ..Pins::default() };
    vec![
        search("when the baseline was created is asked first, and once", WHICH, after())
            .poll(0, [detail(&before), newest(&before), list(&[&before])])
            .then(NOT_STARTED)
            .poll(2, proven())
            .then(passes_by("iwf-1"))
            .reports(["found dpl-web by after"]),
        search("a baseline of the component shows that it exists", WHICH, after())
            .poll(0, [detail(&with(before.clone(), &json!({ "component_id": "cmp-web" }))), no_newest()])
            .then(needs("latest of a hundred")),
        search("a baseline without a time is no answer", WHICH, after())
            .poll(0, [detail(&without(before.clone(), "created_at"))])
            .then(Then::NoAnswer)
            .poll(2, [])
            .then(needs("deploy dpl-db")),
        search("what was created at the same time is not newer", WHICH, after())
            .poll(0, [detail(&before), newest(&same_time), list(&[&same_time, &before])])
            .then(NOT_STARTED),
        search("seen too late by a lagging replica: it is not newer than the mark", WHICH, seen(10))
            .poll(0, [newest(&newer), list(&[&newer, &before])])
            .then(NOT_STARTED),
        search("the mark's time has five seconds of leeway", WHICH, seen(7)).poll(0, listed()).then(passes_by("iwf-1")),
        search("its detail contradicts the pin by which its row was found", WHICH, seen(7))
            .poll(0, [newest(&newer), list(&[&newer]), detail(&created(newer.clone(), -70)), done("iwf-1")])
            .then(Then::Holds(Hold::Unmatched)),
        search("a retry of a baseline that failed is not what came after it", WHICH, after())
            .poll(0, [detail(&failed), newest(&newer), list(&[&newer, &failed])])
            .then(NOT_STARTED)
            .poll(2, [newest(&third), detail(&third), workflow("iwf-3", "success", "dpl-3", "success")])
            .then(passes("dpl-3", Basis::Steps("iwf-3".parse().unwrap())))
            .reports(["found dpl-3 by after"]),
        search("nor one of a baseline that the list shows", WHICH, seen(7))
            .poll(0, [newest(&newer), list(&[&newer, &failed])])
            .then(NOT_STARTED),
        search("without a list, what is newer than the mark is believed", WHICH, seen(7))
            .poll(0, [newest(&newer), nothing("list of 100"), detail(&newer), done("iwf-1")])
            .then(passes_by("iwf-1")),
        search("there was none: what was created since", WHICH, none).poll(0, proven()).then(passes_by("iwf-1")),
    ]
}

/// A pinned workflow that has not deployed the component yet.
fn by_workflow() -> Vec<Scene> {
    let (own, rival) = (row(OWN, "active"), of(row(OTHER, "active"), "iwf-2"));
    let at_work = || workflow("iwf-1", "in-progress", OWN, "pending");
    let in_vain = |flow: Said| [newest(&rival), list(&[&rival]), flow];
    let old_name = with(without(own.clone(), "workflow_id"), &json!({ "install_workflow_id": "iwf-1" }));
    let plan_only = rejected(Cause::PlanOnlyWorkflow("iwf-1".parse().unwrap()));
    vec![
        search("it is at work", WHICH, of_workflow()).poll(0, in_vain(at_work())).then(NOT_STARTED),
        search("it only makes plans", NO_DEPLOYS, of_workflow()).poll(0, in_vain(plans_only("iwf-1"))).then(plan_only),
        search("the deploy came between the two reads", WHICH, of_workflow())
            .poll(
                0,
                [
                    newest(&rival),
                    list(&[&rival]),
                    done("iwf-1"),
                    list(&[&own]),
                    detail(&own),
                    newest(&own),
                    done("iwf-1"),
                ],
            )
            .then(passes_by("iwf-1")),
        search("the older name of the workflow's id counts", WHICH, of_workflow())
            .poll(0, [newest(&old_name), detail(&old_name), done("iwf-1")])
            .then(passes_by("iwf-1"))
            .reports(["found dpl-web by workflow"]),
        search("the list shows its deploy where the newest cannot be read", NO_DEPLOYS, of_workflow())
            .poll(0, [nothing("latest"), list(&[&own]), detail(&own), nothing("latest"), done("iwf-1")])
            .then(passes_by("iwf-1"))
            .reports(["found dpl-web by workflow"]),
        search("nor does it appear there yet", NO_DEPLOYS, of_workflow())
            .poll(0, [nothing("latest"), list(&[&rival]), at_work()])
            .then(NOT_STARTED),
        search("a row that names no workflow is not its deploy", WHICH, of_workflow())
            .poll(0, [newest(&without(own.clone(), "workflow_id")), list(&[]), at_work()])
            .then(NOT_STARTED),
        latest("a row that names no workflow is judged alone", JUDGING)
            .poll(0, [newest(&without(own.clone(), "workflow_id")), detail(&without(own, "workflow_id"))])
            .then(passes(OWN, Basis::Status)),
    ]
}

/// A pinned workflow that has ended without a row.
fn without_a_row() -> Vec<Scene> {
    let ends = |word: &str, steps: Value| {
        said(
            "workflow iwf-1",
            &json!({ "status": { "status": word }, "finished": word != "cancelled", "steps": steps }),
        )
    };
    let before = || json!([{ "name": "await runner", "status": { "status": "error" } }]);
    let deploys = || json!([{ "name": "apply", "status": { "status": "error" }, "step_target_id": OWN }]);
    let rows = || missing("list of 100");
    let first = |flow: Said| [no_newest(), install(), component(), missing("latest of a hundred"), flow, rows()];
    let again = |flow: Said| [no_newest(), flow, rows()];
    let step = |text: &str| Some(RemoteText::new(text));
    let never = |verdict, end, step| Then::Ends(verdict, Cause::NeverDeployed { end, step, replaced: None });
    let behind = |end| Then::Holds(Hold::Behind(Behind::NoRow(end)));
    let (failed, succeeded) = (WorkflowEnd::Failed, WorkflowEnd::Succeeded);
    let own_failed = || step("step 1 of 1, apply, failed");
    let scene = |name| search(name, STATUSES, of_workflow());
    vec![
        scene("it failed before it deployed").poll(0, first(ends("error", before()))).then(never(
            Verdict::Failed,
            failed,
            step("step 1 of 1, await runner, failed"),
        )),
        scene("it was cancelled before it deployed").poll(0, first(ends("cancelled", json!([])))).then(never(
            Verdict::Cancelled,
            WorkflowEnd::Cancelled,
            None,
        )),
        scene("it failed with a deploy, which the list may be behind")
            .poll(0, first(ends("error", deploys())))
            .then(behind(failed))
            .poll(29, again(ends("error", deploys())))
            .then(behind(failed))
            .poll(30, again(ends("error", deploys())))
            .then(never(Verdict::Failed, failed, own_failed())),
        scene("it succeeded, which the list may be behind")
            .poll(5, first(ends("success", json!([]))))
            .then(behind(succeeded))
            .poll(34, again(ends("success", json!([]))))
            .then(behind(succeeded))
            .poll(35, again(ends("success", json!([]))))
            .then(never(Verdict::Failed, succeeded, None)),
        search(
            "it has a row, which another pin does not match",
            WHICH,
            Pins { build: "bld-2".parse().ok(), ..of_workflow() },
        )
        .poll(
            0,
            [newest(&row(OWN, "active")), list(&[&row(OWN, "active")]), done("iwf-1"), list(&[&row(OWN, "active")])],
        )
        .then(NOT_STARTED)
        .shows(
            "the start clock runs",
            |phase| matches!(phase, Phase::Searching(search) if search.awaits_start(|_| true)),
        )
        .poll(60, [newest(&row(OWN, "active")), done("iwf-1"), list(&[&row(OWN, "active")])])
        .then(NOT_STARTED),
        search("it has one as yet, and is at work", WHICH, Pins { build: "bld-2".parse().ok(), ..of_workflow() })
            .poll(
                0,
                [
                    newest(&row(OWN, "active")),
                    list(&[&row(OWN, "active")]),
                    workflow("iwf-1", "in-progress", OWN, "queued"),
                ],
            )
            .then(NOT_STARTED)
            .shows(
                "the start clock has stopped",
                |phase| matches!(phase, Phase::Searching(search) if !search.awaits_start(|_| true)),
            ),
        scene("a retry begins the wait for certainty anew")
            .poll(0, first(ends("error", deploys())))
            .then(behind(failed))
            .poll(29, [no_newest(), workflow("iwf-1", "retrying", OWN, "retrying")])
            .then(NOT_STARTED)
            .poll(31, again(ends("error", deploys())))
            .then(behind(failed)),
    ]
}
