//! A human is asked to approve the plan, or seems to be.

use serde_json::json;

use super::said::{Said, created, dashboard, detail, newest, nothing, row, said, typed, with, workflow, written};
use super::scene::{IN_PROGRESS, Scene, Then, latest, named, own, passes, play};
use super::{APPROVALS, OTHER, OWN};
use crate::ApprovalPlace;
use crate::cause::Cause;
use crate::model::Status;
use crate::pins::Pins;
use crate::watch::phase::{Basis, Phase};
use crate::watch::settings::OnApproval;
use crate::{Hold, Rules, Verdict};

pub(super) fn scenes() -> Vec<Scene> {
    [approvals(), approvals_at_once()].into_iter().flatten().collect()
}

#[test]
fn a_human_is_asked() {
    play(scenes());
}

fn place() -> ApprovalPlace {
    ApprovalPlace { workflow: "iwf-1".parse().unwrap(), step: "iws-1".parse().ok(), approval: None }
}

fn asks() -> Said {
    workflow("iwf-1", "approval-awaiting", OWN, "approval-awaiting")
}

/// A human is asked, and has answered or not.
fn with_response(answer: Option<&str>) -> Said {
    with_approval("waa-1", answer)
}

fn with_approval(id: &str, answer: Option<&str>) -> Said {
    let response = answer.map(|answer| json!({ "type": answer }));
    let step = json!({
        "id": "iws-1", "name": "apply", "status": { "status": "approval-awaiting" },
        "step_target_type": "install_deploys", "step_target_id": OWN,
        "approval": { "id": id, "response": response },
    });
    said("workflow iwf-1", &json!({ "status": { "status": "in-progress" }, "steps": [step] }))
}

/// A human is asked.
fn approvals() -> Vec<Scene> {
    let asking = row(OWN, "pending-approval");
    let answers = || [detail(&asking), asks()];
    let wide_look = || [detail(&asking), newest(&asking), asks()];
    let answered = || [detail(&asking), workflow("iwf-1", "in-progress", OWN, "approved")];
    let held = || Then::Holds(Hold::Approval(place()));
    let held_for =
        |approval: &str| Then::Holds(Hold::Approval(ApprovalPlace { approval: approval.parse().ok(), ..place() }));
    let fails = || Then::Ends(Verdict::ApprovalNeeded, Cause::ApprovalNeeded(place()));
    let on = |name, on_approval| own(name, APPROVALS).with(|settings| settings.on_approval = on_approval);
    vec![
        on("wait: it is waited for", OnApproval::Wait)
            .poll(0, answers())
            .then(held())
            .poll(2, answers())
            .then(held())
            .poll(4, answers())
            .then(held()),
        on("fail: only the second poll makes it certain", OnApproval::Fail)
            .poll(0, answers())
            .then(held())
            .poll(2, answers())
            .then(fails()),
        on("fail: another approval is another question", OnApproval::Fail)
            .poll(0, [detail(&asking), with_approval("waa-1", None)])
            .then(held_for("waa-1"))
            .poll(2, [detail(&asking), with_approval("waa-2", None)])
            .then(held_for("waa-2"))
            .poll(4, answers())
            .then(fails()),
        on("fail: a plan that approves itself is soon past", OnApproval::Fail)
            .poll(0, answers())
            .then(held())
            .poll(2, answered())
            .then(IN_PROGRESS)
            .poll(4, answers())
            .then(held()),
        on("wait: nobody is asked any more once another poller has read that it goes on", OnApproval::Wait)
            .poll(0, answers())
            .then(held())
            .poll(2, answers())
            .then(held())
            .overhears(&[with(written(row(OWN, "executing"), 30), &json!({ "component_id": "cmp-web" }))])
            .poll(4, [nothing("deploy dpl-web")])
            .then(Then::NoAnswer)
            .shows(
                "the approval clock stops",
                |phase| matches!(phase, Phase::Following(follow) if follow.approval_since().is_none()),
            ),
        on("pass: an answer that later ones leave out still counts", OnApproval::Pass)
            .poll(0, [detail(&asking), newest(&asking), with_response(Some("deny"))])
            .then(IN_PROGRESS)
            .poll(2, [detail(&asking), newest(&asking), with_response(None)])
            .then(IN_PROGRESS)
            .poll(4, [detail(&asking), newest(&asking), with_response(None)])
            .then(IN_PROGRESS),
        on("pass: the newest is read first", OnApproval::Pass)
            .poll(0, wide_look())
            .then(held())
            .poll(2, wide_look())
            .then(passes(OWN, Basis::Approval(place()))),
        on("pass: not while an answer contradicts what is known", OnApproval::Pass)
            .poll(0, wide_look())
            .then(held())
            .poll(2, [detail(&asking), newest(&typed(asking.clone(), "teardown")), asks()])
            .then(Then::Holds(Hold::Contradicted)),
        on("pass: not once its workflow has made a newer deploy", OnApproval::Pass)
            .poll(0, wide_look())
            .then(held())
            .poll(2, [detail(&asking), newest(&created(row(OTHER, "queued"), -30)), asks()])
            .then(Then::Holds(Hold::NewerTry)),
        on("a flag that repeats the table hides no human", OnApproval::Fail)
            .with(|settings| settings.rules = Rules::new(vec![], vec![], vec![Status::PendingApproval]).unwrap())
            .poll(0, answers())
            .then(held())
            .poll(2, answers())
            .then(fails()),
        on("pass: the newest is not read while it goes on", OnApproval::Pass)
            .poll(0, [detail(&row(OWN, "executing"))])
            .then(IN_PROGRESS),
        on("the link to answer it is read for the report", OnApproval::Wait)
            .dashboard()
            .poll(0, answers())
            .then(held())
            .poll(2, [detail(&asking), asks(), dashboard()])
            .then(held())
            .poll(4, answers())
            .then(held()),
        named("pass: the build is not said", APPROVALS, Pins { build: "bld-2".parse().ok(), ..Pins::default() })
            .with(|settings| settings.on_approval = OnApproval::Pass)
            .poll(0, wide_look())
            .then(held())
            .poll(2, wide_look())
            .then(Then::Holds(Hold::Unmatched)),
        latest("pass: not without the detail", APPROVALS)
            .once()
            .with(|settings| settings.on_approval = OnApproval::Pass)
            .poll(0, [newest(&asking), asks(), asks(), detail(&asking)])
            .then(passes(OWN, Basis::Approval(place()))),
    ]
}

/// A human is asked, and there is no other poll: the workflow is read twice.
fn approvals_at_once() -> Vec<Scene> {
    let asking = row(OWN, "pending-approval");
    let once = |name, on_approval| own(name, APPROVALS).once().with(|settings| settings.on_approval = on_approval);
    let answers = || [detail(&asking), asks(), asks()];
    vec![
        once("one poll, wait", OnApproval::Wait).poll(0, answers()).then(Then::Holds(Hold::Approval(place()))),
        once("one poll, fail", OnApproval::Fail)
            .poll(0, answers())
            .then(Then::Ends(Verdict::ApprovalNeeded, Cause::ApprovalNeeded(place()))),
        once("one poll, pass", OnApproval::Pass)
            .poll(0, [detail(&asking), newest(&asking), asks(), asks()])
            .then(passes(OWN, Basis::Approval(place()))),
        once("one poll, answered meanwhile", OnApproval::Fail)
            .poll(0, [detail(&asking), asks(), workflow("iwf-1", "in-progress", OWN, "approved")])
            .then(IN_PROGRESS),
    ]
}
