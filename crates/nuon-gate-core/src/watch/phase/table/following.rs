//! Following a deploy by its id: what is read about it, what else is read, and when another deploy is followed instead.

use std::time::Duration;

use serde_json::json;

use super::said::{
    STARTED_AT, created, dashboard, detail, done, list, lost, missing, newest, no_newest, nothing, of, plans_only, row,
    said, typed, with, without, workflow, written,
};
use super::scene::{
    IN_PROGRESS, Scene, Then, failed, fails_as, id, latest, named, needs, own, passes, passes_by, play, rejected,
};
use super::{ERRORS, JUDGING, NO_DEPLOYS, OTHER, OWN, REPLICAS, VERIFIED, WHICH, WORKFLOWS};
use crate::cause::Cause;
use crate::hold::Behind;
use crate::model::WorkflowEnd;
use crate::model::{DeployType, Status};
use crate::pins::{Baseline, Pins, Since};
use crate::watch::phase::{Basis, Phase, Proof};
use crate::{Hold, Kind, MatchedBy, RemoteText, Verdict};

pub(super) fn scenes() -> Vec<Scene> {
    [in_order(), no_answers(), cut_short(), bare(), pins(), types(), links()].into_iter().flatten().collect()
}

#[test]
fn a_deploy_is_followed() {
    play(scenes());
}

/// The requests in their order.
fn in_order() -> Vec<Scene> {
    let (active, queued) = (row(OWN, "active"), row(OWN, "queued"));
    let asking = row(OWN, "pending-approval");
    let at_work = || workflow("iwf-1", "in-progress", OWN, "in-progress");
    vec![
        own("first its detail", JUDGING).poll(0, []).then(needs("deploy dpl-web")),
        own("then whether it is the newest", JUDGING).poll(0, [detail(&active)]).then(needs("latest")),
        own("then its workflow", JUDGING).poll(0, [detail(&active), newest(&active)]).then(needs("workflow iwf-1")),
        own("then it passes", JUDGING)
            .poll(0, [detail(&active), newest(&active), done("iwf-1")])
            .then(passes_by("iwf-1"))
            .reports(["found dpl-web by deploy"]),
        own("nothing more while it has not ended", JUDGING).poll(0, [detail(&queued)]).then(IN_PROGRESS),
        own("its workflow and what is newer, at some polls", JUDGING)
            .wide_poll(0, [detail(&queued), newest(&queued), at_work()])
            .then(IN_PROGRESS)
            .poll(2, [detail(&queued)])
            .then(IN_PROGRESS),
        own("its workflow, where a human may be asked", WORKFLOWS)
            .poll(0, [detail(&asking), at_work()])
            .then(IN_PROGRESS),
        own("no newest is hidden, and the list is read", JUDGING)
            .poll(0, [detail(&active), no_newest(), list(&[&active]), done("iwf-1")])
            .then(passes_by("iwf-1")),
        own("the list says anew where it stands", JUDGING)
            .wide_poll(0, [detail(&queued), no_newest(), list(&[&active]), done("iwf-1"), detail(&active)])
            .then(passes_by("iwf-1")),
        own("the newest row says anew where it stands, and its detail does not", JUDGING)
            .wide_poll(0, [detail(&queued), newest(&active), done("iwf-1"), detail(&queued), done("iwf-1")])
            .then(Then::Holds(Hold::Behind(Behind::Orphan(WorkflowEnd::Succeeded)))),
        own("an empty list hides nothing", JUDGING)
            .poll(0, [detail(&active), no_newest(), missing("list of 100"), done("iwf-1")])
            .then(passes_by("iwf-1")),
        own("where links lead is read once there is a deploy", JUDGING)
            .with(|settings| settings.links = true)
            .dashboard()
            .poll(0, [detail(&queued), dashboard()])
            .then(IN_PROGRESS),
        own("but not if nobody wants links before the end", JUDGING)
            .dashboard()
            .poll(0, [detail(&queued)])
            .then(IN_PROGRESS),
        latest("no pass without the detail", JUDGING).poll(0, [newest(&active)]).then(needs("deploy dpl-web")),
        latest("no failure without the detail", JUDGING)
            .poll(0, [newest(&row(OWN, "noop"))])
            .then(needs("deploy dpl-web")),
        latest("a failure whose detail lags, after another hold", JUDGING)
            .poll(0, [newest(&row(OWN, "queued"))])
            .then(IN_PROGRESS)
            .wide_poll(
                2,
                [
                    detail(&written(row(OWN, "executing"), 10)),
                    newest(&written(row(OWN, "error"), 30)),
                    workflow("iwf-1", "in-progress", OWN, "retrying"),
                ],
            )
            .then(Then::Holds(Hold::Retry))
            .poll(
                4,
                [
                    detail(&written(row(OWN, "executing"), 10)),
                    newest(&written(row(OWN, "error"), 30)),
                    workflow("iwf-1", "error", OWN, "error"),
                ],
            )
            .then(fails_as(Status::Error)),
        latest("not replaced without the detail", JUDGING)
            .poll(0, [newest(&row(OWN, "retried"))])
            .then(needs("deploy dpl-web")),
        latest("an unfinished row needs no detail in its first poll, and its detail in the next", JUDGING)
            .poll(0, [newest(&queued)])
            .then(IN_PROGRESS)
            .poll(2, [detail(&queued)])
            .then(IN_PROGRESS),
        latest("what was the newest in the poll before is asked again", JUDGING)
            .poll(0, [newest(&queued)])
            .then(IN_PROGRESS)
            .poll(2, [detail(&active), newest(&active), done("iwf-1")])
            .then(passes_by("iwf-1")),
    ]
}

/// Answers about something else.
fn no_answers() -> Vec<Scene> {
    let active = row(OWN, "active");
    vec![
        own("an answer about another deploy is no answer", ERRORS)
            .poll(0, [said("deploy dpl-web", &row(OTHER, "active"))])
            .then(Then::NoAnswer),
        own("a detail that does not say whose it is is no answer", ERRORS)
            .poll(0, [said("deploy dpl-web", &with(active.clone(), &json!({ "install_id": "" })))])
            .then(Then::NoAnswer),
        own("a workflow of another install is no answer", ERRORS)
            .poll(0, [detail(&active), newest(&active), said("workflow iwf-1", &json!({ "owner_id": "inl-b" }))])
            .then(Then::NoAnswer),
        own("a workflow that does not say whose it is is no answer", ERRORS)
            .poll(0, [detail(&active), newest(&active), said("workflow iwf-1", &json!({ "owner_id": "" }))])
            .then(Then::NoAnswer),
        own("another workflow is no answer", ERRORS)
            .poll(0, [detail(&active), newest(&active), said("workflow iwf-1", &json!({ "id": "iwf-2" }))])
            .then(Then::NoAnswer),
    ]
}

/// An answer about the workflow with fewer steps than an earlier one holds the deploy, and does not end the wait.
fn cut_short() -> Vec<Scene> {
    let (active, executing) = (row(OWN, "active"), row(OWN, "executing"));
    let bare = || said("workflow iwf-1", &json!({ "status": { "status": "success" }, "finished": true, "steps": [] }));
    let odd = || workflow("iwf-1", "success", OWN, "hibernating");
    let step = || RemoteText::new("step 1 of 1, apply, is `hibernating`");
    let broken_by = |step: RemoteText| Then::Holds(Hold::Behind(Behind::StepFailed(Verdict::Failed, step)));
    let failed_by = Cause::Step { step: step(), status: Status::Active };
    let two_steps = json!([
        { "step_target_type": "install_deploys", "step_target_id": OWN, "status": { "status": "success" } },
        { "step_target_type": "install_deploys", "step_target_id": OWN, "status": { "status": "in-progress" } },
    ]);
    let at_work = said("workflow iwf-1", &json!({ "status": { "status": "in-progress" }, "steps": two_steps }));
    let error = row(OWN, "error");
    let tried_again = || {
        let step = |word: &str, retried: bool| {
            json!({
                "step_target_type": "install_deploys", "step_target_id": OWN, "status": { "status": word },
                "retried": retried,
            })
        };
        let steps = [step("error", true), step("pending", false)];
        said("workflow iwf-1", &json!({ "status": { "status": "in-progress" }, "steps": steps }))
    };
    vec![
        own("active: without its steps it does not fail", WORKFLOWS)
            .poll(0, [detail(&active), newest(&active), odd()])
            .then(broken_by(step()))
            .poll(30, [detail(&active), newest(&active), bare()])
            .then(broken_by(RemoteText::new("no step of its workflow has worked on it")))
            .poll(32, [detail(&active), newest(&active), odd()])
            .then(Then::Ends(Verdict::Failed, failed_by)),
        own("error: without the step that tries it again it does not fail", WORKFLOWS)
            .poll(0, [detail(&error), newest(&error), tried_again()])
            .then(Then::Holds(Hold::Retry))
            .poll(2, [detail(&error), newest(&error), workflow("iwf-1", "failed-pending-retry", OWN, "error")])
            .then(Then::Holds(Hold::Outdated)),
        own("executing: without one of its steps it does not fail", WORKFLOWS)
            .wide_poll(0, [detail(&executing), newest(&executing), at_work])
            .then(IN_PROGRESS)
            .wide_poll(2, [detail(&executing), newest(&executing), workflow("iwf-1", "error", OWN, "error")])
            .then(Then::Holds(Hold::Outdated)),
    ]
}

/// An answer about the deploy without a status and a time shows nothing.
fn bare() -> Vec<Scene> {
    let at = |status: &str| with(row(OWN, status), &json!({ "updated_at": "2027-01-15T07:59:30Z" }));
    let bare = json!({ "id": OWN, "workflow_id": "iwf-1", "install_deploy_type": "apply" });
    vec![
        own("an answer without a status is no newer state", REPLICAS)
            .poll(0, [detail(&at("executing"))])
            .then(IN_PROGRESS)
            .poll(2, [detail(&bare), newest(&bare)])
            .then(Then::Holds(Hold::Outdated))
            .poll(4, [detail(&at("active")), newest(&at("active")), done("iwf-1")])
            .then(passes_by("iwf-1")),
    ]
}

/// Pins beside the id: contradicted, or not said.
fn pins() -> Vec<Scene> {
    let active = row(OWN, "active");
    let build = || Pins { build: "bld-2".parse().ok(), ..Pins::default() };
    let nameless = without(active.clone(), "workflow_id");
    let of_workflow = || Pins { workflow: "iwf-2".parse().ok(), ..Pins::default() };
    let since = || Pins { since: Some(Since::Ago(Duration::from_secs(5))), ..Pins::default() };
    let after = || Pins { after: Some(Baseline::Deploy(id(OTHER))), ..Pins::default() };
    let (has_build, other_build) =
        (with(active.clone(), &json!({ "build_id": "bld-2" })), with(active.clone(), &json!({ "build_id": "bld-3" })));
    let named_by = |install: &str, component: &str| {
        let nameless = without(row(OWN, "queued"), "workflow_id");
        with(nameless, &json!({ "install_id": install, "component_id": component }))
    };
    let mismatch = |pin| rejected(Cause::PinMismatch { deploy: id(OWN), pin });
    let unmatched = || Then::Holds(Hold::Unmatched);
    let proven = || [detail(&active), newest(&active), done("iwf-1")];
    let (timeless, before) = (without(active.clone(), "created_at"), of(created(row(OTHER, "active"), -90), "iwf-0"));
    vec![
        named("its build is another", WHICH, build()).poll(0, [detail(&other_build)]).then(mismatch(MatchedBy::Build)),
        named("its build is not said: no pass, and no contradiction", WHICH, build())
            .poll(0, proven())
            .then(unmatched())
            .poll(2, [detail(&has_build), newest(&has_build), done("iwf-1")])
            .then(passes_by("iwf-1")),
        named("its build is the one", WHICH, build())
            .poll(0, [detail(&has_build), newest(&has_build), done("iwf-1")])
            .then(passes_by("iwf-1")),
        named("its build was said once", WHICH, build())
            .poll(0, [detail(&with(row(OWN, "queued"), &json!({ "build_id": "bld-2" })))])
            .then(IN_PROGRESS)
            .poll(2, proven())
            .then(passes_by("iwf-1")),
        named("a failure needs no match", WHICH, build())
            .poll(0, [detail(&row(OWN, "noop")), newest(&row(OWN, "noop")), done("iwf-1")])
            .then(fails_as(Status::Noop)),
        named("its workflow is another", WHICH, of_workflow())
            .poll(0, [detail(&active)])
            .then(mismatch(MatchedBy::Workflow)),
        named("its workflow is not said at first, and is another", WHICH, of_workflow())
            .poll(0, [detail(&nameless), newest(&active)])
            .then(mismatch(MatchedBy::Workflow)),
        named("its workflow is not said: no pass", WHICH, of_workflow())
            .poll(0, [detail(&nameless), newest(&nameless)])
            .then(unmatched()),
        named("it is too old", WHICH, since()).poll(0, [detail(&active)]).then(mismatch(MatchedBy::Since)),
        named("its age is not said: no pass", WHICH, since())
            .poll(0, [detail(&timeless), newest(&timeless), done("iwf-1")])
            .then(unmatched()),
        named("the baseline of a named deploy is read before all else", WHICH, after())
            .poll(0, [detail(&active), detail(&before), newest(&active), done("iwf-1")])
            .then(passes_by("iwf-1")),
        named("the baseline is read while it has not ended", WHICH, after())
            .poll(0, [detail(&row(OWN, "queued")), detail(&before)])
            .then(IN_PROGRESS)
            .poll(2, proven())
            .then(passes_by("iwf-1")),
        named("it is not newer than the baseline", WHICH, after())
            .poll(0, [detail(&active), detail(&created(before.clone(), -30))])
            .then(mismatch(MatchedBy::After)),
        named("a baseline without a time is no answer, where a deploy is named", WHICH, after())
            .poll(0, [detail(&active), detail(&without(before.clone(), "created_at"))])
            .then(Then::NoAnswer)
            .poll(2, [detail(&active)])
            .then(needs("deploy dpl-db")),
        named("it is the baseline itself", WHICH, Pins { after: Some(Baseline::Deploy(id(OWN))), ..Pins::default() })
            .poll(0, [detail(&active)])
            .then(mismatch(MatchedBy::After)),
        own("it is of another kind than is expected", WHICH)
            .with(|settings| settings.expect = Some(Kind::Teardown))
            .poll(0, [detail(&active), done("iwf-1")])
            .then(failed(Cause::Unexpected { deploy: id(OWN), kind: Kind::Apply, expected: Kind::Teardown })),
        own("it is of another kind than is expected, and names no workflow", WHICH)
            .with(|settings| settings.expect = Some(Kind::Teardown))
            .poll(0, [detail(&without(active.clone(), "workflow_id"))])
            .then(failed(Cause::Unexpected { deploy: id(OWN), kind: Kind::Apply, expected: Kind::Teardown })),
        own("it only plans, and is of no kind", NO_DEPLOYS)
            .with(|settings| settings.expect = Some(Kind::Teardown))
            .poll(0, [detail(&active), plans_only("iwf-1")])
            .then(rejected(Cause::Undeployable { deploy: id(OWN), deploy_type: None })),
        latest("its detail says that it is not of the kind that is expected", WHICH)
            .with(|settings| settings.expect = Some(Kind::Apply))
            .poll(0, [newest(&without(row(OWN, "inactive"), "install_deploy_type"))])
            .then(needs("deploy dpl-web"))
            .poll(2, [detail(&typed(row(OWN, "inactive"), "teardown")), done("iwf-1")])
            .then(failed(Cause::Unexpected { deploy: id(OWN), kind: Kind::Teardown, expected: Kind::Apply })),
        latest("a row that names the install and the component needs no detail to be of another kind", WHICH)
            .with(|settings| settings.expect = Some(Kind::Teardown))
            .poll(0, [newest(&named_by("inl-acme", "cmp-web"))])
            .then(failed(Cause::Unexpected { deploy: id(OWN), kind: Kind::Apply, expected: Kind::Teardown })),
        latest("a row that names the install alone does", WHICH)
            .with(|settings| settings.expect = Some(Kind::Teardown))
            .poll(0, [newest(&without(named_by("inl-acme", "cmp-web"), "component_id"))])
            .then(needs("deploy dpl-web")),
        latest("a row that names the component alone does", WHICH)
            .with(|settings| settings.expect = Some(Kind::Teardown))
            .poll(0, [newest(&without(named_by("inl-acme", "cmp-web"), "install_id"))])
            .then(needs("deploy dpl-web")),
        latest("its detail names another workflow than the row that was found", WHICH)
            .poll(0, [newest(&of(active.clone(), "iwf-2")), detail(&active), done("iwf-1")])
            .then(Then::Holds(Hold::Contradicted))
            .poll(2, [detail(&active), newest(&active), done("iwf-1")])
            .then(passes_by("iwf-1")),
    ]
}

/// Rows that deploy nothing never pass.
fn types() -> Vec<Scene> {
    let undeployable = |deploy_type| rejected(Cause::Undeployable { deploy: id(OWN), deploy_type });
    let torn_down = |status: &str| typed(row(OWN, status), "teardown");
    let typed = |deploy_type: &str| typed(row(OWN, "active"), deploy_type);
    let flagged = with(row(OWN, "active"), &json!({ "plan_only": true }));
    let plans = || plans_only("iwf-1");
    let old = typed("release");
    let (untyped, empty) = (without(row(OWN, "active"), "install_deploy_type"), typed(""));
    let proven = |row| [detail(row), newest(row), done("iwf-1")];
    vec![
        own("named, and a recover row", NO_DEPLOYS)
            .poll(0, [detail(&typed("recover"))])
            .then(undeployable(Some(DeployType::Recover))),
        own("named, and a plan-only row", NO_DEPLOYS)
            .poll(0, [detail(&typed("plan-only"))])
            .then(undeployable(Some(DeployType::PlanOnly))),
        own("named, and of an unknown type", NO_DEPLOYS)
            .poll(0, [detail(&typed("rollback"))])
            .then(undeployable(Some(DeployType::Other("rollback".into())))),
        own("named, and says that it only makes a plan", NO_DEPLOYS)
            .poll(0, [detail(&flagged)])
            .then(undeployable(None)),
        own("named, and plan-only by its workflow", NO_DEPLOYS)
            .poll(0, [detail(&row(OWN, "active")), newest(&row(OWN, "active")), plans()])
            .then(undeployable(None)),
        own("a type that its detail has shown, and a later answer leaves out", WHICH)
            .poll(0, [detail(&torn_down("queued"))])
            .then(IN_PROGRESS)
            .wide_poll(
                2,
                [
                    detail(&written(torn_down("executing"), 10)),
                    newest(&written(without(torn_down("inactive"), "install_deploy_type"), 30)),
                    done("iwf-1"),
                ],
            )
            .then(Then::Passes(Proof::new(id(OWN), Kind::Teardown, Basis::Steps("iwf-1".parse().unwrap()), None))),
        own("an old type is an apply", WHICH).poll(0, proven(&old)).then(passes_by("iwf-1")),
        own("no type is an apply", WHICH).poll(0, proven(&untyped)).then(passes_by("iwf-1")),
        own("an empty type is an apply", WHICH).poll(0, proven(&empty)).then(passes_by("iwf-1")),
    ]
}

/// The deploy and its workflow.
fn links() -> Vec<Scene> {
    let (active, queued) = (row(OWN, "active"), row(OWN, "queued"));
    let nameless = without(active.clone(), "workflow_id");
    let old_name = with(nameless.clone(), &json!({ "install_workflow_id": "iwf-1" }));
    let alone = || passes(OWN, Basis::WithoutWorkflow("iwf-1".parse().unwrap()));
    let part = |part: &str, word: &str| with(row(OWN, word), &json!({ "install_component_id": part }));
    let theirs = with(created(row(OTHER, "active"), -30), &json!({ "install_component_id": "inc-db" }));
    let step = |kind: &str, target: &str, word: &str| {
        let status = json!({ "status": word });
        json!({ "name": "apply", "status": status, "step_target_type": kind, "step_target_id": target })
    };
    let verified_beside = |component: &str| {
        let steps = [step("install_deploys", OWN, "success"), step("install_components", component, "error")];
        said("workflow iwf-1", &json!({ "status": { "status": "in-progress" }, "steps": steps }))
    };
    let removal = typed(row(OWN, "inactive"), "teardown");
    let elsewhere = of(active.clone(), "iwf-9");
    let failed_at = |second: i64| {
        let status = json!({ "status": "error", "created_at_ts": STARTED_AT + second });
        with(row(OWN, "error"), &json!({ "status_v2": status, "updated_at": null }))
    };
    let described = with(failed_at(20), &json!({ "status_description": "quota exceeded" }));
    let at_work = || workflow("iwf-1", "in-progress", OWN, "in-progress");
    let is_described = |phase: &Phase| matches!(phase, Phase::Following(follow) if follow.known().is_some_and(|row| row.status_description.is_some()));
    vec![
        own("no workflow is named: the status alone", JUDGING)
            .poll(0, [detail(&nameless), newest(&nameless)])
            .then(passes(OWN, Basis::Status)),
        own("the older name of the workflow's id", JUDGING)
            .poll(0, [detail(&old_name), newest(&old_name), done("iwf-1")])
            .then(passes_by("iwf-1")),
        own("the newest row says what the detail leaves out", JUDGING)
            .poll(0, [detail(&nameless), newest(&active), done("iwf-1")])
            .then(passes_by("iwf-1")),
        own("a row without the reason takes it from no detail", JUDGING)
            .poll(0, [detail(&described), newest(&failed_at(20)), at_work()])
            .then(Then::Holds(Hold::Retry))
            .shows("the reason", is_described),
        own("nor does one of a later second", JUDGING)
            .poll(0, [detail(&described), newest(&failed_at(30)), at_work()])
            .then(Then::Holds(Hold::Retry))
            .shows("the reason", is_described),
        own("the list says what the detail leaves out", JUDGING)
            .poll(0, [detail(&nameless), no_newest(), list(&[&active]), done("iwf-1")])
            .then(passes_by("iwf-1")),
        own("a deploy whose workflow's id disappears keeps it", JUDGING)
            .poll(0, [detail(&queued)])
            .then(IN_PROGRESS)
            .poll(2, [detail(&nameless), newest(&nameless), workflow("iwf-1", "in-progress", OWN, "in-progress")])
            .then(Then::Holds(Hold::Step(RemoteText::new("step 1 of 1, apply, is `in-progress`"))))
            .poll(4, [detail(&nameless), newest(&nameless), done("iwf-1")])
            .then(passes_by("iwf-1")),
        own("an answer with another workflow is an odd one", JUDGING)
            .poll(0, [detail(&queued)])
            .then(IN_PROGRESS)
            .poll(2, [detail(&elsewhere), newest(&elsewhere)])
            .then(Then::Holds(Hold::Outdated))
            .poll(4, [detail(&active), newest(&active), done("iwf-1")])
            .then(passes_by("iwf-1")),
        own("it holds a pass that the newest row alone would give", JUDGING)
            .poll(0, [detail(&queued)])
            .then(IN_PROGRESS)
            .poll(2, [detail(&elsewhere), newest(&active), done("iwf-1")])
            .then(Then::Holds(Hold::Contradicted)),
        own("so is one of another component", VERIFIED)
            .poll(0, [detail(&part("inc-web", "queued"))])
            .then(IN_PROGRESS)
            .poll(2, [detail(&part("inc-db", "active")), newest(&part("inc-db", "active"))])
            .then(Then::Holds(Hold::Outdated)),
        own("a row that leaves its component out is still verified by that one's steps alone", VERIFIED)
            .poll(0, [detail(&part("inc-web", "queued"))])
            .then(IN_PROGRESS)
            .poll(2, [detail(&row(OWN, "active")), newest(&row(OWN, "active")), verified_beside("inc-db")])
            .then(passes_by("iwf-1")),
        latest("nor is another component's deploy the newest", ERRORS)
            .poll(0, [newest(&part("inc-web", "queued"))])
            .then(IN_PROGRESS)
            .poll(2, [detail(&part("inc-web", "active")), newest(&theirs)])
            .then(Then::NoAnswer),
        own("so is one of another kind", JUDGING)
            .poll(0, [detail(&queued)])
            .then(IN_PROGRESS)
            .poll(2, [detail(&removal), newest(&removal)])
            .then(Then::Holds(Hold::Outdated))
            .poll(4, [detail(&active), newest(&active), done("iwf-1")])
            .then(passes_by("iwf-1")),
        own("so is one of a type that deploys nothing", NO_DEPLOYS)
            .poll(0, [detail(&active), newest(&typed(active.clone(), "recover")), done("iwf-1")])
            .then(Then::Holds(Hold::Contradicted))
            .poll(2, [detail(&active), newest(&active), done("iwf-1")])
            .then(passes_by("iwf-1")),
        own("a workflow that does not exist is done without", JUDGING)
            .poll(0, [detail(&active), newest(&active), lost("iwf-1")])
            .then(alone())
            .reports(["found dpl-web by deploy"]),
        own("it does not exist, and is asked about again", JUDGING)
            .wide_poll(0, [detail(&queued), newest(&queued), lost("iwf-1")])
            .then(IN_PROGRESS)
            .poll(2, [detail(&active), newest(&active), lost("iwf-1")])
            .then(alone()),
        own("where it exists after all", JUDGING)
            .wide_poll(0, [detail(&queued), newest(&queued), lost("iwf-1")])
            .then(IN_PROGRESS)
            .poll(2, [detail(&active), newest(&active), done("iwf-1")])
            .then(passes_by("iwf-1")),
        own("an answer that is none does not do without the workflow", JUDGING)
            .poll(0, [detail(&active), newest(&active), nothing("workflow iwf-1")])
            .then(Then::NoAnswer),
        own("nor without the detail", JUDGING).poll(0, [nothing("deploy dpl-web")]).then(Then::NoAnswer),
        latest("nor in a search", JUDGING).poll(0, [nothing("latest")]).then(Then::NoAnswer),
        own("what passes by another's verification is not believed", VERIFIED)
            .poll(0, [detail(&active), newest(&active), workflow("iwf-1", "pending", OWN, "pending")])
            .then(Then::Holds(Hold::Step(RemoteText::new("step 1 of 1, apply, is `pending`")))),
    ]
}
