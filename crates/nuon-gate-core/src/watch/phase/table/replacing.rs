//! A deploy that was replaced, and its replacement.

use serde_json::{Value, json};

use super::said::{
    STARTED_AT, Said, created, detail, list, newest, nothing, of, plans_only, row, said, typed, with, without, workflow,
};
use super::scene::{
    IN_PROGRESS, Scene, Then, failed, fails_as, failure, id, latest, named, needs, own, passes, play, rejected,
};
use super::{NO_DEPLOYS, OTHER, OWN, RETRIES, WHICH};
use crate::cause::Cause;
use crate::model::{Status, WorkflowEnd};
use crate::pins::Pins;
use crate::watch::phase::Basis;
use crate::watch::settings::OnSuperseded;
use crate::{DeployId, Hold, Kind, MatchedBy, Verdict};

pub(super) fn scenes() -> Vec<Scene> {
    [replaced(), tried_again(), kinds(), successors(), without_a_successor()].into_iter().flatten().collect()
}

#[test]
fn a_deploy_is_replaced() {
    play(scenes());
}

/// The workflow has succeeded with the replacement.
fn new_done() -> Said {
    workflow("iwf-1", "success", "dpl-new", "success")
}

fn new_passes() -> Then {
    passes("dpl-new", Basis::Steps("iwf-1".parse().unwrap()))
}

/// The replacement of a deploy is followed.
fn replaced() -> Vec<Scene> {
    let (retried, queued) = (row(OWN, "retried"), created(row("dpl-new", "queued"), -30));
    let (discarded, active) = (row(OWN, "discarded"), created(row("dpl-new", "active"), -30));
    let again = created(row("dpl-new", "retried"), -30);
    let at = |word: &str, second: u32| {
        with(row(OWN, word), &json!({ "updated_at": format!("2027-01-15T08:00:{second:02}Z") }))
    };
    let proven = || [detail(&active), newest(&active), new_done()];
    let rows = || list(&[&queued, &retried]);
    let at_work = || workflow("iwf-1", "in-progress", OWN, "retried");
    let later = without(created(row("dpl-3", "queued"), -20), "workflow_id");
    let superseded = || {
        let cause = Cause::Superseded { from: id("dpl-new"), to: id("dpl-3") };
        Then::Ends(Verdict::Superseded, cause)
    };
    vec![
        own("retried: the row itself goes on", RETRIES)
            .poll(0, [detail(&at("retried", 5)), list(&[&at("retried", 5)]), at_work()])
            .then(Then::Holds(Hold::NotReplaced))
            .poll(2, [list(&[&at("planning", 7)])])
            .then(IN_PROGRESS),
        own("retried: an older state of the row itself does not go on", RETRIES)
            .poll(0, [detail(&at("retried", 5)), list(&[&at("planning", 3)]), at_work()])
            .then(Then::Holds(Hold::NotReplaced)),
        own("retried: the newer row of the same workflow", RETRIES)
            .poll(0, [detail(&retried), rows()])
            .then(IN_PROGRESS)
            .poll(2, proven())
            .then(new_passes())
            .reports(["found dpl-web by deploy", "dpl-web was replaced", "found dpl-new by deploy for dpl-web"]),
        own("discarded, too", RETRIES)
            .poll(0, [detail(&discarded), list(&[&active, &discarded]), detail(&active), newest(&active), new_done()])
            .then(new_passes()),
        own("it is not there yet", RETRIES)
            .poll(0, [detail(&retried), list(&[&retried]), at_work()])
            .then(Then::Holds(Hold::NotReplaced))
            .poll(2, [rows()])
            .then(IN_PROGRESS)
            .poll(4, proven())
            .then(new_passes()),
        own("replaced again, in the next poll", RETRIES)
            .poll(0, [detail(&retried), list(&[&again, &retried]), detail(&again)])
            .then(Then::Holds(Hold::NotReplaced))
            .poll(2, [list(&[&created(row("dpl-3", "queued"), -20)])])
            .then(IN_PROGRESS)
            .reports([
                "found dpl-web by deploy",
                "dpl-web was replaced",
                "found dpl-new by deploy for dpl-web",
                "dpl-new was replaced",
                "found dpl-3 by deploy for dpl-new",
            ]),
        own("the list shows a newer deploy as well", WHICH)
            .with(|settings| settings.on_superseded = Some(OnSuperseded::Fail))
            .poll(
                0,
                [
                    detail(&retried),
                    list(&[&later, &active, &retried]),
                    detail(&active),
                    newest(&active),
                    detail(&later),
                    new_done(),
                ],
            )
            .then(superseded()),
        latest("retried, and not pinned", RETRIES)
            .poll(0, [newest(&retried), detail(&retried), rows()])
            .then(IN_PROGRESS)
            .reports(["found dpl-web by latest", "dpl-web was replaced", "found dpl-new by latest for dpl-web"]),
    ]
}

/// The row stays in `error`, and only its step shows that there is another.
fn tried_again() -> Vec<Scene> {
    let (failed, queued) = (row(OWN, "error"), created(row("dpl-new", "queued"), -30));
    let other = of(queued.clone(), "iwf-2");
    let (asking, active) = (row(OWN, "pending-approval"), created(row("dpl-new", "active"), -30));
    let timeless = |row: &Value| without(row.clone(), "created_at");
    let at_work = || workflow("iwf-1", "in-progress", OWN, "retried");
    let parked = || workflow("iwf-1", "failed-pending-retry", OWN, "error");
    let read = |step, rows: &[&Value]| {
        [detail(&failed), newest(rows[0]), workflow("iwf-1", "in-progress", OWN, step), list(rows)]
    };
    let theirs = workflow("iwf-2", "in-progress", "dpl-new", "in-progress");
    let steps = |apply: &str| {
        let step = |name: &str, word: &str| json!({ "name": name, "status": { "status": word }, "step_target_type": "install_deploys", "step_target_id": OWN });
        let own = [step("plan", "approved"), step("apply", apply)];
        said("workflow iwf-1", &json!({ "status": { "status": "in-progress" }, "steps": own }))
    };
    let (holds, both) = (|| Then::Holds(Hold::Retry), [&queued, &failed]);
    vec![
        own("retried by its step: the newer row of the same workflow", RETRIES)
            .poll(0, read("retried", &both))
            .then(IN_PROGRESS)
            .reports(["found dpl-web by deploy", "dpl-web was replaced", "found dpl-new by deploy for dpl-web"]),
        own("only a newer row of the same workflow", RETRIES)
            .poll(0, [detail(&failed), newest(&failed), at_work(), list(&[&other, &failed]), theirs])
            .then(holds()),
        own("the list that may show one could not be read", RETRIES)
            .poll(
                0,
                [detail(&failed), newest(&queued), workflow("iwf-1", "error", OWN, "retried"), nothing("list of 100")],
            )
            .then(Then::NoAnswer),
        own("the newest is another try, and the workflow does not say so yet", RETRIES)
            .poll(0, [detail(&failed), newest(&queued), parked()])
            .then(Then::Holds(Hold::NewerTry))
            .poll(2, [detail(&failed), newest(&queued), at_work(), list(&both)])
            .then(IN_PROGRESS),
        own("it was cancelled, which no try follows", RETRIES)
            .poll(
                0,
                [detail(&row(OWN, "cancelled")), newest(&queued), workflow("iwf-1", "cancelled", OWN, "cancelled")],
            )
            .then(Then::Ends(Verdict::Cancelled, failure(Status::Cancelled))),
        own("nor does it for half a minute: no pin has asked for that one", RETRIES)
            .poll(0, [detail(&failed), newest(&queued), parked()])
            .then(Then::Holds(Hold::NewerTry))
            .poll(30, [detail(&failed), newest(&queued), parked()])
            .then(Then::Holds(Hold::NewerTry))
            .poll(32, [detail(&failed), newest(&queued), parked()])
            .then(fails_as(Status::Error)),
        own("there is none yet", RETRIES).poll(0, read("retried", &[&failed])).then(holds()),
        own("retried by its step, and the row stays pending", RETRIES)
            .poll(0, [detail(&asking), at_work(), list(&[&queued, &asking])])
            .then(IN_PROGRESS)
            .reports(["found dpl-web by deploy", "dpl-web was replaced", "found dpl-new by deploy for dpl-web"]),
        latest("retried by its step, and the row stays pending: the newer one is judged", RETRIES)
            .poll(
                0,
                [
                    newest(&asking),
                    at_work(),
                    detail(&asking),
                    list(&[&active, &asking]),
                    detail(&active),
                    newest(&active),
                    new_done(),
                ],
            )
            .then(new_passes()),
        own("planned anew on a person's wish, and the row says that nothing was built", RETRIES)
            .poll(
                0,
                [
                    detail(&row(OWN, "noop")),
                    newest(&row(OWN, "noop")),
                    workflow("iwf-1", "in-progress", OWN, "approval-retry"),
                    list(&[&queued, &row(OWN, "noop")]),
                ],
            )
            .then(IN_PROGRESS),
        own("retried by its step, the row stays pending, and no row has a time", RETRIES)
            .poll(0, [detail(&timeless(&asking)), at_work(), list(&[&timeless(&queued), &timeless(&asking)])])
            .then(IN_PROGRESS)
            .reports(["found dpl-web by deploy", "dpl-web was replaced", "found dpl-new by deploy for dpl-web"]),
        own("a row below it in a list replaces nothing, where no row has a time", RETRIES)
            .poll(0, [detail(&timeless(&asking)), at_work(), list(&[&timeless(&asking), &timeless(&queued)])])
            .then(IN_PROGRESS)
            .reports(["found dpl-web by deploy"]),
        own("its step failed, and the row stays pending: it is not known to be replaced", RETRIES)
            .poll(0, [detail(&asking), workflow("iwf-1", "in-progress", OWN, "error")])
            .then(IN_PROGRESS),
        own("the step that failed was retried alone", RETRIES)
            .poll(0, [detail(&failed), newest(&failed), steps("retried"), list(&both)])
            .then(IN_PROGRESS)
            .reports(["found dpl-web by deploy", "dpl-web was replaced", "found dpl-new by deploy for dpl-web"]),
        own("the step that failed was not retried: the newer row takes no place yet", RETRIES)
            .poll(0, [detail(&failed), newest(&failed), steps("error")])
            .then(holds()),
        own("no step failed: the newer row takes no place yet", RETRIES)
            .poll(0, [detail(&failed), newest(&failed), steps("success")])
            .then(holds()),
        own("its step is at work", RETRIES)
            .poll(0, [detail(&failed), newest(&queued), workflow("iwf-1", "in-progress", OWN, "in-progress")])
            .then(holds()),
    ]
}

/// A replacement can be of another kind, or contradict a pin.
fn kinds() -> Vec<Scene> {
    let (retried, active) = (row(OWN, "retried"), created(row("dpl-new", "active"), -30));
    let queued = created(row("dpl-new", "queued"), -30);
    let build = |row: &Value, build: &str| with(row.clone(), &json!({ "build_id": build }));
    let pinned = |name| named(name, WHICH, Pins { build: "bld-2".parse().ok(), ..Pins::default() });
    let (own_build, other_build, new_build) =
        (build(&retried, "bld-2"), build(&retried, "bld-3"), build(&active, "bld-3"));
    vec![
        own("a teardown in place of an apply", WHICH)
            .poll(0, [detail(&retried), list(&[&typed(queued.clone(), "teardown")])])
            .then(needs("deploy dpl-new"))
            .poll(3, [detail(&typed(queued.clone(), "teardown"))])
            .then(failed(Cause::Crossed(id("dpl-new")))),
        own("what took its place is not of the kind that is expected", WHICH)
            .with(|settings| settings.expect = Some(Kind::Teardown))
            .poll(0, [detail(&typed(retried.clone(), "teardown")), list(&[&queued])])
            .then(needs("deploy dpl-new"))
            .poll(3, [detail(&queued)])
            .then(failed(Cause::Unexpected { deploy: id("dpl-new"), kind: Kind::Apply, expected: Kind::Teardown })),
        pinned("what took its place has to match the pins")
            .poll(0, [detail(&own_build), list(&[&new_build]), workflow("iwf-1", "in-progress", OWN, "retried")])
            .then(Then::Holds(Hold::NotReplaced)),
        pinned("what took its place has to say its build before it passes")
            .poll(0, [detail(&own_build), list(&[&active, &own_build]), detail(&active), newest(&active), new_done()])
            .then(Then::Holds(Hold::Unmatched)),
        pinned("what took its place has to match the pins, by its detail too")
            .poll(0, [detail(&own_build), list(&[&active]), detail(&new_build), newest(&new_build), new_done()])
            .then(Then::Holds(Hold::Unmatched)),
        pinned("what does not say what is pinned is not followed until it does")
            .poll(0, [detail(&retried)])
            .then(Then::Holds(Hold::NotReplaced))
            .poll(2, [detail(&own_build), list(&[&queued])])
            .then(IN_PROGRESS),
        pinned("what turns out to contradict a pin is not followed")
            .poll(0, [detail(&retried)])
            .then(Then::Holds(Hold::NotReplaced))
            .poll(2, [detail(&other_build)])
            .then(rejected(Cause::PinMismatch { deploy: id(OWN), pin: MatchedBy::Build })),
        pinned("what contradicts a pin is not followed")
            .poll(0, [detail(&other_build)])
            .then(rejected(Cause::PinMismatch { deploy: id(OWN), pin: MatchedBy::Build })),
    ]
}

/// Which rows can be a replacement.
fn successors() -> Vec<Scene> {
    let retried = row(OWN, "retried");
    let nameless = without(retried.clone(), "workflow_id");
    let queued = without(row(OWN, "queued"), "workflow_id");
    let only_plans = of(created(row(OTHER, "active"), -30), "iwf-2");
    let next = |second| created(row("dpl-new", "queued"), second);
    let at_work = || workflow("iwf-1", "in-progress", OWN, "retried");
    let waits = || Then::Holds(Hold::NotReplaced);
    let no_time = |row| without(row, "created_at");
    let not = |name, row: Value| own(name, WHICH).poll(0, [detail(&retried), list(&[&row]), at_work()]).then(waits());
    let found =
        |name, row: Value| own(name, WHICH).poll(0, [detail(&retried), list(&[&row, &retried])]).then(IN_PROGRESS);
    vec![
        not("an older row of the workflow took no place", next(-90)),
        not("an older row of another workflow took no place", of(next(-90), "iwf-2")),
        not("a row that names no workflow took no place", without(next(-30), "workflow_id")),
        not("a recover row took no place", typed(next(-30), "recover")),
        not("a row of an unknown type took no place", typed(next(-30), "rollback")),
        not("the row itself took no place", retried.clone()),
        found("a row of the workflow, of the same time", next(-60)),
        found("a row of the workflow, without a time", no_time(next(-30))),
        not("a row without a time took no place, if nothing shows that it is newer", no_time(next(-30))),
        own("a row without a time took no place, if it comes after what was replaced", WHICH)
            .poll(0, [detail(&retried), list(&[&retried, &no_time(next(-30))]), at_work()])
            .then(waits()),
        own("what only makes a plan took no place, even if it names its workflow no more", NO_DEPLOYS)
            .wide_poll(0, [detail(&queued), newest(&only_plans), plans_only("iwf-2"), list(&[&only_plans, &queued])])
            .then(IN_PROGRESS)
            .poll(2, [detail(&nameless), list(&[&without(only_plans.clone(), "workflow_id")])])
            .then(waits()),
        own("it names no workflow: nothing takes its place until a list says which it is", WHICH)
            .poll(0, [detail(&nameless), list(&[&next(-30), &nameless]), at_work()])
            .then(waits())
            .poll(2, [detail(&nameless), list(&[&next(-30), &retried])])
            .then(IN_PROGRESS),
    ]
}

/// The workflow ends without a replacement.
fn without_a_successor() -> Vec<Scene> {
    let retried = row(OWN, "retried");
    let rows = || list(&[&retried]);
    let gone: Option<DeployId> = Some(id(OWN));
    let never = |verdict, end| Then::Ends(verdict, Cause::NeverDeployed { end, step: None, replaced: gone.clone() });
    let waits = || Then::Holds(Hold::NotReplaced);
    let shown = || newest(&retried);
    let ahead = || workflow("iwf-1", "success", "dpl-new", "success");
    let step = json!({
        "name": "apply", "status": { "status": "success" }, "finished": true,
        "step_target_type": "install_deploys", "step_target_id": "dpl-new",
    });
    let retried_at = |second: i64| {
        with(retried.clone(), &json!({ "status_v2": { "status": "retried", "created_at_ts": STARTED_AT + second } }))
    };
    let parked = || workflow("iwf-1", "failed-pending-retry", OWN, "retried");
    let repeated = || {
        let step = |word: &str, deploy: &str| {
            let (kind, status) = ("install_deploys", json!({ "status": word }));
            json!({ "name": "plan", "group_idx": 1, "status": status, "step_target_type": kind, "step_target_id": deploy })
        };
        let status = json!({ "status": "failed-pending-retry", "created_at_ts": STARTED_AT - 60 });
        said("workflow iwf-1", &json!({ "status": status, "steps": [step("discarded", OWN), step("pending", "")] }))
    };
    let ended_at = |second: i64| {
        let status = json!({ "status": "success", "created_at_ts": STARTED_AT + second });
        said("workflow iwf-1", &json!({ "status": status, "finished": true, "steps": [step.clone()] }))
    };
    let ended = |word: &str| workflow("iwf-1", word, OWN, "retried");
    let over = |second: i64| {
        let status = json!({ "status": "success", "created_at_ts": STARTED_AT + second });
        said("workflow iwf-1", &json!({ "status": status, "finished": true }))
    };
    vec![
        own("it ends: the list is read once more, and for as long as the successor may lag, then it failed", RETRIES)
            .poll(0, [detail(&retried), rows(), ended("success"), rows(), shown()])
            .then(waits())
            .poll(29, [rows(), ended("success"), rows(), shown()])
            .then(waits())
            .poll(30, [rows(), ended("success"), rows(), shown()])
            .then(never(Verdict::Failed, WorkflowEnd::Succeeded)),
        own("it is cancelled", RETRIES)
            .poll(0, [detail(&retried), rows(), ended("cancelled"), rows(), shown()])
            .then(waits())
            .poll(30, [rows(), ended("cancelled"), rows(), shown()])
            .then(never(Verdict::Cancelled, WorkflowEnd::Cancelled)),
        own("it ended long ago, and after what was replaced", RETRIES)
            .poll(
                0,
                [detail(&retried_at(-90)), list(&[&retried_at(-90)]), over(-60), list(&[&retried_at(-90)]), shown()],
            )
            .then(never(Verdict::Failed, WorkflowEnd::Succeeded)),
        own("it ended before what was replaced, however long ago", RETRIES)
            .poll(
                0,
                [detail(&retried_at(-60)), list(&[&retried_at(-60)]), over(-90), list(&[&retried_at(-60)]), shown()],
            )
            .then(waits()),
        own("the successor came between the two reads", RETRIES)
            .poll(0, [detail(&retried), rows(), ended("success"), list(&[&created(row("dpl-new", "queued"), -30)])])
            .then(IN_PROGRESS),
        own("the newest is the successor, which the list lacks", RETRIES)
            .poll(0, [detail(&retried), rows(), ahead(), rows(), newest(&created(row("dpl-new", "queued"), -30))])
            .then(IN_PROGRESS)
            .reports(["found dpl-web by deploy", "dpl-web was replaced", "found dpl-new by deploy for dpl-web"]),
        own("the newest is another workflow's, as the list lacks it", RETRIES)
            .poll(
                0,
                [
                    detail(&retried),
                    rows(),
                    ahead(),
                    rows(),
                    newest(&of(created(row("dpl-new", "queued"), -30), "iwf-2")),
                ],
            )
            .then(waits()),
        own("a list that lacks what was replaced shows nothing", RETRIES)
            .poll(0, [detail(&retried), list(&[]), ahead(), list(&[]), shown()])
            .then(waits())
            .poll(60, [list(&[]), ahead(), list(&[]), shown()])
            .then(waits())
            .poll(62, [rows(), ahead(), rows(), shown()])
            .then(never(Verdict::Failed, WorkflowEnd::Succeeded)),
        own("it names another deploy, which the list may be behind", RETRIES)
            .poll(0, [detail(&retried), rows(), ahead(), rows(), shown()])
            .then(waits())
            .poll(29, [rows(), ahead(), rows(), shown()])
            .then(waits())
            .poll(30, [rows(), ahead(), rows(), shown()])
            .then(never(Verdict::Failed, WorkflowEnd::Succeeded)),
        own("that counts from when it has ended", RETRIES)
            .poll(0, [detail(&retried), rows(), workflow("iwf-1", "in-progress", "dpl-new", "in-progress")])
            .then(waits())
            .poll(60, [rows(), ahead(), rows(), shown()])
            .then(waits())
            .poll(90, [rows(), ahead(), rows(), shown()])
            .then(never(Verdict::Failed, WorkflowEnd::Succeeded)),
        own("there is no other poll, and it ended long ago", RETRIES)
            .once()
            .poll(0, [detail(&retried), rows(), ended_at(-60), rows(), shown()])
            .then(never(Verdict::Failed, WorkflowEnd::Succeeded)),
        own("a workflow that had parked before a person retried it may go on", RETRIES)
            .poll(0, [detail(&retried_at(-5)), list(&[&retried_at(-5)]), parked(), list(&[&retried_at(-5)]), shown()])
            .then(waits())
            .poll(2, [rows()])
            .then(needs("workflow iwf-1"))
            .poll(30, [rows(), parked(), rows(), shown()])
            .then(never(Verdict::Failed, WorkflowEnd::Parked)),
        own("a workflow that has parked goes on, if a later step repeats the deploy's", RETRIES)
            .poll(
                0,
                [detail(&retried_at(-90)), list(&[&retried_at(-90)]), repeated(), list(&[&retried_at(-90)]), shown()],
            )
            .then(waits())
            .poll(30, [rows(), repeated(), rows(), shown()])
            .then(never(Verdict::Failed, WorkflowEnd::Parked)),
        own("a workflow that has parked long ago, and after the retry, does not go on", RETRIES)
            .poll(
                0,
                [detail(&retried_at(-90)), list(&[&retried_at(-90)]), parked(), list(&[&retried_at(-90)]), shown()],
            )
            .then(never(Verdict::Failed, WorkflowEnd::Parked)),
        own("there is no other poll, and it has just ended", RETRIES)
            .once()
            .poll(0, [detail(&retried), rows(), ended_at(-2), rows(), shown()])
            .then(waits()),
    ]
}
