//! The search for the deploy that is waited for.

use std::time::Duration;

use serde_json::{Value, json};

use super::said::{
    Said, created, detail, done, list, missing, newest, no_newest, of, plans_only, row, said, status, typed, with,
    without, workflow,
};
use super::scene::{
    IN_PROGRESS, NOT_STARTED, Scene, Then, failed, fails_as, id, latest, needs, passes, passes_by, play, rejected,
    search,
};
use super::{JUDGING, LATEST, NO_DEPLOYS, OTHER, OWN, STUCK, WHICH};
use crate::hold::Behind;
use crate::model::{Status, WorkflowEnd};
use crate::watch::phase::Basis;
use crate::watch::settings::OnStale;
use crate::{Baseline, Cause, Hold, Kind, Pins, Refusal, RemoteText, Since, Verdict};

pub(super) fn scenes() -> Vec<Scene> {
    [none_yet(), hidden(), no_deploys(), only_plans(), stale(), baselines(), by_workflow(), without_a_row()]
        .into_iter()
        .flatten()
        .collect()
}

#[test]
fn the_search() {
    play(scenes());
}

fn by_build() -> Pins {
    Pins { build: "bld-2".parse().ok(), ..Pins::default() }
}

fn of_workflow() -> Pins {
    Pins { workflow: "iwf-1".parse().ok(), ..Pins::default() }
}

fn install() -> Said {
    said("install", &json!({ "name": "acme" }))
}

fn component() -> Said {
    said("component", &json!({}))
}

/// What is asked beside the latest endpoint when it gives nothing.
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
            .tells(["install acme"]),
        latest("an empty object is none, too", LATEST)
            .poll(0, [said("latest", &json!({})), install(), component(), hundred()])
            .then(NOT_STARTED),
        latest("an error under a success is no answer", LATEST)
            .poll(0, [said("latest", &json!({ "error": "oops" }))])
            .then(Then::NoAnswer),
        latest("an outage is no answer", JUDGING).poll(0, [status("latest", 500)]).then(Then::NoAnswer),
        latest("another component's row is no answer", WHICH)
            .poll(0, [said("latest", &with(row(OWN, "active"), &json!({ "component_id": "cmp-db" })))])
            .then(Then::NoAnswer),
        latest("another install's row is no answer", WHICH).poll(0, [said("latest", &foreign)]).then(Then::NoAnswer),
        latest("a hundred rows show what ten hide", LATEST)
            .poll(0, [no_newest(), install(), component(), said("latest of a hundred", &queued)])
            .then(IN_PROGRESS)
            .tells(["install acme", "found dpl-web by latest"]),
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
            .tells(["install acme", "found dpl-web by latest"]),
        latest("a deploy that is not of the kind that is expected", WHICH)
            .with(|settings| settings.expect = Some(Kind::Teardown))
            .poll(0, [newest(&queued)])
            .then(failed(unexpected))
            .tells([]),
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
            .tells(["found dpl-web by build", "dpl-db supersedes dpl-web: ignore"]),
        search("the list is read again only beside, as long as the newest is the same", WHICH, since)
            .poll(0, [newest(&older), list(&[&older])])
            .then(NOT_STARTED)
            .poll(2, [newest(&older)])
            .then(NOT_STARTED)
            .wide_poll(4, [newest(&older), list(&[&older])])
            .then(NOT_STARTED)
            .poll(6, [newest(&newer), list(&[&newer, &older])])
            .then(NOT_STARTED)
            .tells([]),
        search("a row without a build is not the one with that build", WHICH, by_build())
            .poll(0, [newest(&row(OWN, "active")), list(&[&row(OWN, "active")])])
            .then(NOT_STARTED),
        search("no list is no row", LATEST, by_build())
            .poll(0, [newest(&newer), missing("list of 100")])
            .then(NOT_STARTED),
        search("an outage of the list is no answer", JUDGING, by_build())
            .poll(0, [newest(&newer), status("list of 100", 500)])
            .then(Then::NoAnswer),
        search("a list with another component's row is no answer", WHICH, by_build())
            .poll(0, [newest(&newer), list(&[&with(older.clone(), &json!({ "component_id": "cmp-db" }))])])
            .then(Then::NoAnswer),
    ]
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
            .poll(
                0,
                [
                    newest(&recover),
                    list(&[&recover, &older]),
                    detail(&older),
                    newest(&recover),
                    list(&[&recover, &older]),
                    done("iwf-1"),
                ],
            )
            .then(passes_by("iwf-1"))
            .tells(["found dpl-web by latest", "dpl-web had ended"]),
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
            .poll(
                2,
                [
                    newest(&only_plans),
                    list(&[&only_plans, &older]),
                    detail(&older),
                    newest(&only_plans),
                    list(&[&only_plans, &older]),
                    done("iwf-1"),
                ],
            )
            .then(passes_by("iwf-1"))
            .tells([
                "found dpl-db by latest",
                "dpl-db had ended",
                "lost",
                "found dpl-web by latest",
                "dpl-web had ended",
            ]),
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
            .tells(["found dpl-db by latest", "lost", "found dpl-web by latest"]),
    ]
}

/// Nothing is pinned, and the newest had ended before.
fn stale() -> Vec<Scene> {
    let active = with(row(OWN, "active"), &json!({ "updated_at": "2027-01-15T07:59:00Z" }));
    let (active, newer) = (active, created(of(row(OTHER, "queued"), "iwf-2"), 3));
    let executing = row(OWN, "executing");
    let proven = || [newest(&active), detail(&active), done("iwf-1")];
    let ago = Some(Duration::from_secs(60));
    vec![
        latest("accept: it is judged, with a warning", WHICH)
            .poll(0, proven())
            .then(passes_by("iwf-1"))
            .tells(["found dpl-web by latest", "dpl-web had ended, 60s ago"]),
        latest("accept: without a warning, if one look is all that is asked for", WHICH)
            .once()
            .poll(0, proven())
            .then(passes_by("iwf-1"))
            .tells(["found dpl-web by latest"]),
        latest("accept: a failure, too", WHICH)
            .poll(0, [newest(&row(OWN, "noop")), detail(&row(OWN, "noop")), workflow("iwf-1", "error", OWN, "error")])
            .then(fails_as(Status::Noop)),
        latest("wait: a newer one is waited for", WHICH)
            .with(|settings| settings.on_stale = OnStale::Wait)
            .poll(0, proven())
            .then(NOT_STARTED)
            .poll(2, [newest(&active)])
            .then(NOT_STARTED)
            .poll(4, [newest(&newer)])
            .then(IN_PROGRESS)
            .tells(["found dpl-web by latest", "lost", "found dpl-db by after"]),
        latest("wait: what has not ended is followed", WHICH)
            .with(|settings| settings.on_stale = OnStale::Wait)
            .poll(0, [newest(&executing)])
            .then(IN_PROGRESS)
            .poll(2, [detail(&active), newest(&active), done("iwf-1")])
            .then(passes_by("iwf-1")),
        latest("fail: nothing is waited for", WHICH)
            .with(|settings| settings.on_stale = OnStale::Fail)
            .poll(0, proven())
            .then(Then::Refused(Refusal::Stale { deploy: id(OWN), ago })),
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
        latest("fail: what has to settle need not, as it is past", WHICH)
            .with(|settings| (settings.on_stale, settings.settle) = (OnStale::Fail, Duration::from_secs(30)))
            .poll(0, proven())
            .then(Then::Refused(Refusal::Stale { deploy: id(OWN), ago })),
        search("what is pinned is never stale", WHICH, of_workflow())
            .with(|settings| settings.on_stale = OnStale::Fail)
            .poll(0, proven())
            .then(passes_by("iwf-1"))
            .tells(["found dpl-web by workflow"]),
    ]
}

/// What stood before is read first.
fn baselines() -> Vec<Scene> {
    let (before, newer) = (row(OTHER, "active"), created(row(OWN, "active"), 3));
    let after = || Pins { after: Some(Baseline::Deploy(id(OTHER))), ..Pins::default() };
    let same_time = row(OWN, "active");
    let proven = || [newest(&newer), detail(&newer), done("iwf-1")];
    let none =
        Pins { after: Some(Baseline::NoneAt(jiff::Timestamp::from_second(1_800_000_003).unwrap())), ..Pins::default() };
    vec![
        search("when the baseline was created is asked first, and once", WHICH, after())
            .poll(0, [detail(&before), newest(&before), list(&[&before])])
            .then(NOT_STARTED)
            .poll(2, proven())
            .then(passes_by("iwf-1"))
            .tells(["found dpl-web by after"]),
        search("a baseline without a time is no answer", WHICH, after())
            .poll(0, [detail(&without(before.clone(), "created_at"))])
            .then(Then::NoAnswer)
            .poll(2, [])
            .then(needs("deploy dpl-db")),
        search("what was created at the same time is not newer", WHICH, after())
            .poll(0, [detail(&before), newest(&same_time), list(&[&same_time, &before])])
            .then(NOT_STARTED),
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
            .tells(["found dpl-web by workflow"]),
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
    let behind = |end| Then::Holds(Hold::Behind(Behind::NoRow(Verdict::Failed, end)));
    let (failed, succeeded) = (WorkflowEnd::Failed, WorkflowEnd::Succeeded);
    let own_failed = || step("step 1 of 1, apply, failed");
    let scene = |name| search(name, STUCK, of_workflow());
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
        scene("a retry begins the doubt anew")
            .poll(0, first(ends("error", deploys())))
            .then(behind(failed))
            .poll(29, [no_newest(), workflow("iwf-1", "retrying", OWN, "retrying")])
            .then(NOT_STARTED)
            .poll(31, again(ends("error", deploys())))
            .then(behind(failed)),
    ]
}
