//! When the newest deploy was created and ended, by the server's times, relative to the start of the wait.

use std::time::Duration;

use serde_json::{Value, json};

use super::said::{
    STARTED_AT, Said, component, created, detail, done, install, list, missing, newest, no_newest, nothing, of, row,
    said, with, workflow,
};
use super::scene::{IN_PROGRESS, NOT_STARTED, Scene, Then, failed, fails_as, id, latest, passes_by, play};
use super::{OTHER, OWN, OWN_COMPONENT, REPLICAS, VERIFIED};
use crate::cause::Cause;
use crate::hold::Behind;
use crate::model::{Status, WorkflowEnd};
use crate::watch::Refusal;
use crate::watch::settings::OnStale;
use crate::{Hold, RemoteText};

pub(super) fn scenes() -> Vec<Scene> {
    [lagging(), accounted(), born(), ahead()].into_iter().flatten().collect()
}

#[test]
fn the_servers_times_decide_what_had_ended_before() {
    play(scenes());
}

/// The row, with its status set at this second after the start of the watch.
fn since(row: &Value, second: i64) -> Value {
    with(row.clone(), &json!({ "status_v2": { "status": row["status"], "created_at_ts": STARTED_AT + second } }))
}

/// A workflow in this state, with steps of the deploy or its component, each with its status and since when.
fn steps(word: &str, since: i64, steps: &[(&str, &str, i64)]) -> Said {
    let step = |(kind, word, second): &(&str, &str, i64)| {
        let target = if *kind == "install_deploys" { OWN } else { OWN_COMPONENT };
        json!({
            "name": "step", "step_target_type": kind, "step_target_id": target, "finished": *word == "error",
            "status": { "status": word, "created_at_ts": STARTED_AT + second },
        })
    };
    let finished = matches!(word, "success" | "error");
    let steps: Vec<Value> = steps.iter().map(step).collect();
    let status = json!({ "status": word, "created_at_ts": STARTED_AT + since });
    said("workflow iwf-1", &json!({ "status": status, "finished": finished, "steps": steps }))
}

fn applied(second: i64) -> Said {
    steps("success", second, &[("install_deploys", "success", second)])
}

fn applying() -> Said {
    steps("in-progress", -70, &[("install_deploys", "in-progress", -70)])
}

fn waits(state: &str) -> Then {
    Then::Holds(Hold::Step(RemoteText::new(format!("step 1 of 1, step, is `{state}`"))))
}

fn refused(ago: Option<u64>) -> Then {
    Then::Refused(Refusal::Stale { deploy: id(OWN), ago: ago.map(Duration::from_secs) })
}

/// The server's times count, and not what a lagging replica shows at first.
fn lagging() -> Vec<Scene> {
    let wait = |name| latest(name, REPLICAS).with(|settings| settings.on_stale = OnStale::Wait);
    let fail = |name| latest(name, REPLICAS).with(|settings| settings.on_stale = OnStale::Fail);
    let (active, executing) = (since(&row(OWN, "active"), -60), since(&row(OWN, "executing"), -70));
    let component = json!({ "install_component_id": OWN_COMPONENT });
    let (active_of, erred) = (with(active.clone(), &component), since(&row(OWN, "error"), -60));
    let verifying = |word, second| {
        let steps_of = [("install_deploys", "success", -61), ("install_components", word, second)];
        steps(if word == "success" { "success" } else { "in-progress" }, second, &steps_of)
    };
    let verified = since(&row(OWN, "active"), 8);
    let retrying = || steps("in-progress", -60, &[("install_deploys", "in-progress", -60)]);
    let retried = since(&row(OWN, "retried"), -70);
    let unreplaced = |second| {
        let (rows, ended) = (|| list(&[&retried]), steps("error", second, &[]));
        [newest(&retried), detail(&retried), rows(), ended, rows(), newest(&retried)]
    };
    let never_replaced = || Cause::NeverDeployed { end: WorkflowEnd::Failed, step: None, replaced: Some(id(OWN)) };
    let error = |since, step| steps("error", since, &[("install_deploys", "error", step)]);
    vec![
        wait("wait: a workflow that lags shows what had ended at work")
            .poll(0, [newest(&active), detail(&active), applying()])
            .then(waits("in-progress"))
            .poll(2, [detail(&active), newest(&active), applied(-60)])
            .then(NOT_STARTED),
        fail("fail: a workflow that lags shows what had ended at work")
            .poll(0, [newest(&active), detail(&active), applying()])
            .then(waits("in-progress"))
            .poll(2, [detail(&active), newest(&active), applied(-60)])
            .then(refused(Some(60))),
        wait("wait: a row that lags shows what had ended under way")
            .poll(0, [newest(&executing)])
            .then(IN_PROGRESS)
            .poll(2, [detail(&active), newest(&active), applied(-60)])
            .then(NOT_STARTED),
        fail("fail: a row that lags shows what had ended under way")
            .poll(0, [newest(&executing)])
            .then(IN_PROGRESS)
            .poll(2, [detail(&active), newest(&active), applied(-60)])
            .then(refused(Some(60))),
        fail("fail: a row that stays pending, whose workflow had ended")
            .wide_poll(0, [newest(&executing), error(-60, -60), detail(&executing), detail(&executing)])
            .then(refused(Some(70))),
        wait("wait: a row that stays pending, whose workflow had ended")
            .wide_poll(0, [newest(&executing), error(-60, -60), detail(&executing), detail(&executing)])
            .then(NOT_STARTED),
        fail("fail: a row that stays pending, whose workflow has ended meanwhile")
            .poll(0, [newest(&executing)])
            .then(IN_PROGRESS)
            .wide_poll(9, [detail(&executing), newest(&executing), error(6, 6), detail(&executing)])
            .then(failed(Cause::Orphaned {
                end: WorkflowEnd::Failed,
                step: Some(RemoteText::new("step 1 of 1, step, failed")),
                status: Some(Status::Executing),
                text: None,
                denial: None,
                hint: None,
            })),
        wait("wait: what was replaced by nothing, and whose workflow had ended")
            .poll(0, unreplaced(-60))
            .then(NOT_STARTED)
            .poll(2, [newest(&created(row(OTHER, "queued"), 1))])
            .then(IN_PROGRESS)
            .reports(["found dpl-web by latest", "dpl-web was replaced", "lost", "found dpl-db by after"]),
        fail("fail: what was replaced by nothing, and whose workflow had ended")
            .poll(0, unreplaced(-60))
            .then(refused(Some(70))),
        latest("accept: what was replaced by nothing, and whose workflow had ended", REPLICAS)
            .poll(0, unreplaced(-60))
            .then(failed(never_replaced()))
            .reports(["found dpl-web by latest", "dpl-web was replaced", "dpl-web had ended, 70s ago"]),
        fail("fail: what was replaced by nothing, and whose workflow has ended meanwhile")
            .poll(0, unreplaced(8))
            .then(Then::Holds(Hold::NotReplaced))
            .poll_of(40, unreplaced(8).into_iter().skip(2).collect())
            .then(failed(never_replaced())),
        fail("fail: what was under way for longer than a replica lags, and was then replaced by nothing")
            .poll(0, [newest(&executing)])
            .then(IN_PROGRESS)
            .poll_of(40, unreplaced(-60).into_iter().skip(1).collect())
            .then(failed(never_replaced())),
        fail("fail: but a row that is under way for longer than a replica lags had not ended, and the writer's clock is behind")
            .poll(0, [newest(&executing)])
            .then(IN_PROGRESS)
            .poll(30, [detail(&executing)])
            .then(IN_PROGRESS)
            .poll(32, [detail(&active), newest(&active), applied(-60)])
            .then(passes_by("iwf-1")),
        fail("fail: so does what took its place, as it seems")
            .poll(0, [newest(&since(&created(row(OTHER, "executing"), -90), -80))])
            .then(IN_PROGRESS)
            .poll(
                2,
                [
                    detail(&since(&created(row(OTHER, "retried"), -90), -70)),
                    list(&[&active]),
                    detail(&active),
                    newest(&active),
                    applied(-60),
                ],
            )
            .then(refused(Some(60))),
        latest("fail: what was verified while it was waited for had not ended", VERIFIED)
            .with(|settings| settings.on_stale = OnStale::Fail)
            .poll(0, [newest(&active_of), detail(&active_of), verifying("in-progress", -60)])
            .then(Then::Holds(Hold::Step(RemoteText::new("step 2 of 2, step, is `in-progress`"))))
            .poll(9, [detail(&active_of), newest(&active_of), verifying("success", 8)])
            .then(passes_by("iwf-1")),
        fail("fail: what could be retried until its workflow ended had not ended")
            .poll(0, [newest(&erred), detail(&erred), retrying()])
            .then(Then::Holds(Hold::Retry))
            .poll(9, [detail(&erred), newest(&erred), steps("error", 8, &[("install_deploys", "success", -60)])])
            .then(fails_as(Status::Error)),
        fail("fail: what failed for good had ended, whenever its workflow did")
            .poll(0, [newest(&erred), detail(&erred), retrying()])
            .then(Then::Holds(Hold::Retry))
            .poll(9, [detail(&erred), newest(&erred), error(8, -60)])
            .then(refused(Some(60))),
        wait("wait: what had ended beside a workflow that contradicted it had, whatever is written to it later")
            .poll(0, [newest(&erred), detail(&erred), applied(-50)])
            .then(Then::Holds(Hold::Behind(Behind::Failure)))
            .poll(9, [detail(&verified), newest(&verified), applied(-50)])
            .then(NOT_STARTED),
        wait("wait: what failed in a workflow that was being retried had not ended")
            .poll(0, [newest(&erred), detail(&erred), steps("retrying", -60, &[("install_deploys", "error", -60)])])
            .then(Then::Holds(Hold::Behind(Behind::Failure)))
            .poll(9, [detail(&verified), newest(&verified), applied(8)])
            .then(passes_by("iwf-1")),
        fail("fail: what was verified before it said when had not ended, if the server gives no times")
            .poll(0, [newest(&row(OWN, "active")), detail(&row(OWN, "active")), applying()])
            .then(waits("in-progress"))
            .poll(2, [detail(&row(OWN, "active")), newest(&row(OWN, "active")), applied(-60)])
            .then(passes_by("iwf-1")),
        fail("fail: what was seen under way had not ended, if the server gives no times")
            .poll(0, [newest(&row(OWN, "executing"))])
            .then(IN_PROGRESS)
            .poll(2, [detail(&row(OWN, "active")), newest(&row(OWN, "active")), applied(-60)])
            .then(passes_by("iwf-1")),
    ]
}

/// The times that the server gives, to the second.
fn accounted() -> Vec<Scene> {
    let fail = |name| latest(name, REPLICAS).with(|settings| settings.on_stale = OnStale::Fail);
    let (executing, component) = (row(OWN, "executing"), json!({ "install_component_id": OWN_COMPONENT }));
    let ended = |second| since(&row(OWN, "active"), second);
    let (active, error) = (ended(-60), with(since(&row(OWN, "error"), -60), &component));
    let seen_open = |name, second| {
        fail(name)
            .poll(0, [newest(&executing)])
            .then(IN_PROGRESS)
            .poll(2, [detail(&ended(second)), newest(&ended(second)), applied(second)])
    };
    // Created in the second in which the wait began, without a time of its end.
    let begun = created(row(OWN, "active"), 1);
    // The first good answer comes nine seconds after the start.
    let late = |name| fail(name).poll(0, [nothing("latest")]).then(Then::NoAnswer);
    vec![
        fail("fail: in the second of the start, as the first answer shows")
            .poll(0, [newest(&ended(1)), detail(&ended(1)), applied(1)])
            .then(refused(None)),
        seen_open("fail: at the very start, but it was seen under way", 0).then(passes_by("iwf-1")),
        seen_open("fail: a little ahead of the clock, but it was seen under way", 6).then(passes_by("iwf-1")),
        seen_open("fail: before the start, whatever was seen", -1).then(refused(Some(1))),
        seen_open("fail: without the server's time only what was seen says so", -60)
            .without_server_time()
            .then(passes_by("iwf-1")),
        late("fail: in the second of the first answer")
            .poll(9, [newest(&ended(10)), detail(&ended(10)), applied(10)])
            .then(passes_by("iwf-1")),
        late("fail: the last of its steps counts, in whatever order")
            .poll(
                9,
                [
                    newest(&active),
                    detail(&active),
                    steps("success", 8, &[("install_deploys", "success", 8), ("install_deploys", "success", -61)]),
                ],
            )
            .then(passes_by("iwf-1")),
        late("fail: when the workflow of a pass ended does not matter")
            .poll(9, [newest(&active), detail(&active), steps("success", 8, &[("install_deploys", "success", -60)])])
            .then(refused(Some(60))),
        late("fail: nor does when a workflow that goes on began to")
            .poll(
                9,
                [
                    newest(&error),
                    detail(&error),
                    steps(
                        "in-progress",
                        8,
                        &[("install_deploys", "success", -61), ("install_components", "error", -60)],
                    ),
                ],
            )
            .then(refused(Some(60))),
        late("fail: nor does when a step was given up that never began")
            .poll(
                9,
                [
                    newest(&error),
                    detail(&error),
                    steps("error", 8, &[("install_deploys", "error", -60), ("install_deploys", "not-attempted", 8)]),
                ],
            )
            .then(refused(Some(60))),
        fail("fail: what was in another state had not ended, if the server does not say when it did")
            .poll(0, [newest(&row(OWN, "error")), detail(&row(OWN, "error")), applied(-60)])
            .then(Then::Holds(Hold::Behind(Behind::Failure)))
            .poll(2, [detail(&row(OWN, "active")), newest(&row(OWN, "active")), applied(-60)])
            .then(passes_by("iwf-1")),
        fail("fail: what was in this state had, although no step of its workflow worked on it yet")
            .poll(
                0,
                [
                    newest(&row(OWN, "active")),
                    detail(&row(OWN, "active")),
                    workflow("iwf-1", "in-progress", OTHER, "in-progress"),
                ],
            )
            .then(Then::Holds(Hold::NotBegun))
            .poll(2, [detail(&row(OWN, "active")), newest(&row(OWN, "active")), applied(-60)])
            .then(refused(None)),
        fail("fail: what superseded one under way had not ended, if the server does not say when it did")
            .poll(0, [newest(&of(created(row(OTHER, "executing"), -90), "iwf-2"))])
            .then(IN_PROGRESS)
            .wide_poll(
                2,
                [
                    detail(&of(created(row(OTHER, "executing"), -90), "iwf-2")),
                    newest(&begun),
                    done("iwf-1"),
                    detail(&begun),
                    done("iwf-1"),
                ],
            )
            .then(passes_by("iwf-1")),
        fail("fail: nor had what took its place only later")
            .poll(
                0,
                [
                    newest(&created(row(OTHER, "retried"), -90)),
                    detail(&created(row(OTHER, "retried"), -90)),
                    list(&[&created(row(OTHER, "retried"), -90)]),
                    workflow("iwf-1", "in-progress", OTHER, "retried"),
                ],
            )
            .then(Then::Holds(Hold::NotReplaced))
            .poll(2, [list(&[&begun]), detail(&begun), newest(&begun), done("iwf-1")])
            .then(passes_by("iwf-1")),
        fail("fail: nor had what took the place of one under way")
            .poll(0, [newest(&created(row(OTHER, "executing"), -90))])
            .then(IN_PROGRESS)
            .poll(
                2,
                [
                    detail(&created(row(OTHER, "retried"), -90)),
                    list(&[&begun]),
                    detail(&begun),
                    newest(&begun),
                    done("iwf-1"),
                ],
            )
            .then(passes_by("iwf-1")),
    ]
}

/// When it was created, where the server does not say when it ended.
fn born() -> Vec<Scene> {
    let fail = |name| latest(name, REPLICAS).with(|settings| settings.on_stale = OnStale::Fail);
    let wait = |name| latest(name, REPLICAS).with(|settings| settings.on_stale = OnStale::Wait);
    let (old, new) = (row(OWN, "active"), |second| created(row(OWN, "active"), second));
    let none_yet = |scene: Scene| {
        scene.poll(0, [no_newest(), install(), component(), missing("latest of a hundred")]).then(NOT_STARTED)
    };
    let proven = |row: &Value| [newest(row), detail(row), done("iwf-1")];
    // Nothing is known about the one before: its workflow contradicts it, or does not answer.
    let before = |status: &str| of(created(row(OTHER, status), -90), "iwf-2");
    let contradicted = || {
        let (row, flow) = (before("error"), workflow("iwf-2", "success", OTHER, "success"));
        [newest(&row), detail(&row), flow]
    };
    let unanswered = || [newest(&before("active")), detail(&before("active")), nothing("workflow iwf-2")];
    let then_newer = |row: &str, second: i64| {
        let (before, newer) = (before(row), new(second));
        [detail(&before), newest(&newer), done("iwf-1"), detail(&newer), done("iwf-1")]
    };
    vec![
        none_yet(fail("fail: a list that lags has not shown what was created before"))
            .poll(2, proven(&old))
            .then(refused(None)),
        none_yet(wait("wait: a list that lags has not shown what was created before"))
            .poll(2, proven(&old))
            .then(NOT_STARTED),
        none_yet(fail("fail: what was created in the second of the start, and not shown at first, had not ended"))
            .poll(2, proven(&new(1)))
            .then(passes_by("iwf-1")),
        none_yet(fail("fail: without the server's time only what was shown says so"))
            .without_server_time()
            .poll(2, proven(&old))
            .then(passes_by("iwf-1")),
        fail("fail: what was created since had not ended, although nothing was shown before")
            .poll(0, [nothing("latest")])
            .then(Then::NoAnswer)
            .poll(9, proven(&new(5)))
            .then(passes_by("iwf-1")),
        fail("fail: what came in the place of one that was contradicted had not ended")
            .poll(0, contradicted())
            .then(Then::Holds(Hold::Behind(Behind::Failure)))
            .wide_poll(2, then_newer("error", 1))
            .then(passes_by("iwf-1")),
        wait("wait: what came in the place of one whose workflow did not answer had not ended")
            .poll(0, unanswered())
            .then(Then::NoAnswer)
            .poll(2, then_newer("active", 1))
            .then(passes_by("iwf-1")),
        fail("fail: what was created before, and is shown late in the place of another, had ended")
            .poll(0, unanswered())
            .then(Then::NoAnswer)
            .poll(2, then_newer("active", -60))
            .then(refused(None)),
    ]
}

/// The server's clock has been set back, so its earlier times are ahead of it.
fn ahead() -> Vec<Scene> {
    let fail = |name| latest(name, REPLICAS).with(|settings| settings.on_stale = OnStale::Fail);
    let (executing, active) = (since(&row(OWN, "executing"), 30), since(&row(OWN, "active"), 40));
    vec![
        fail("fail: what lies ahead had ended, however late its workflow says so")
            .poll(0, [newest(&active), detail(&active), applying()])
            .then(waits("in-progress"))
            .poll(50, [detail(&active), newest(&active), applied(40)])
            .then(refused(None)),
        fail("fail: what lies ahead had ended, although a replica that lags showed it under way")
            .poll(0, [newest(&executing)])
            .then(IN_PROGRESS)
            .poll(20, [detail(&active), newest(&active), applied(40)])
            .then(refused(None)),
        fail("fail: what lies ahead had ended, although its workflow seemed at work for as long as a replica lags")
            .poll(29, [newest(&active), detail(&active), applying()])
            .then(waits("in-progress"))
            .poll(50, [detail(&active), newest(&active), applied(40)])
            .then(refused(None)),
        fail("fail: what lies ahead had not ended, if its workflow was at work for longer")
            .poll(30, [newest(&active), detail(&active), applying()])
            .then(waits("in-progress"))
            .poll(50, [detail(&active), newest(&active), applied(40)])
            .then(passes_by("iwf-1")),
        fail("fail: what was under way for longer than a replica lags had not ended")
            .poll(29, [newest(&executing)])
            .then(IN_PROGRESS)
            .poll(30, [detail(&executing)])
            .then(IN_PROGRESS)
            .poll(31, [detail(&active), newest(&active), applied(40)])
            .then(passes_by("iwf-1")),
    ]
}
