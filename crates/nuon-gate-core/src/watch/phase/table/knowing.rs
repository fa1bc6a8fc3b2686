//! What a phase reports to the timeouts and to the handling of errors.

use std::time::Duration;

use serde_json::json;

use super::said::{
    Said, created, detail, done, list, lost, missing, newest, no_newest, nothing, of, row, said, workflow,
};
use super::scene::{IN_PROGRESS, NOT_STARTED, Scene, Then, latest, named, own, play, search, target};
use super::{APPROVALS, JUDGING, OTHER, OWN, WHICH};
use crate::ApprovalPlace;
use crate::api::{Depth, Request};
use crate::pins::Pins;
use crate::watch::phase::Phase;
use crate::watch::settings::OnStale;
use crate::{Hold, Moment};

pub(super) fn scenes() -> Vec<Scene> {
    [a_search(), a_deploy(), a_human(), a_successor()].into_iter().flatten().collect()
}

#[test]
fn events_of_a_phase() {
    play(scenes());
}

fn workflow_request(id: &str) -> Request {
    Request::Workflow(Some(target().install), id.parse().unwrap())
}

fn deploy_request(id: &str) -> Request {
    Request::Deploy(target().install, Some(target().component), id.parse().unwrap())
}

fn latest_request() -> Request {
    Request::LatestDeploy(target().install, target().component, Depth::Usual)
}

fn ask_component() -> Request {
    Request::InstallComponent(target().install, target().component)
}

fn awaits_start(phase: &Phase) -> bool {
    matches!(phase, Phase::Searching(search) if search.awaits_start(|_| false))
}

/// Once any poller has seen this workflow.
fn awaits_start_after(phase: &Phase, workflow: &str) -> bool {
    matches!(phase, Phase::Searching(search) if search.awaits_start(|id| id.as_str() == workflow))
}

fn unmatched(phase: &Phase) -> Option<&str> {
    match phase {
        Phase::Searching(search) => search.unmatched().map(|own| own.newest.as_str()),
        _ => None,
    }
}

fn has_changed(phase: &Phase) -> bool {
    matches!(phase, Phase::Following(follow) if follow.has_changed())
}

fn a_search() -> Vec<Scene> {
    let of_workflow = || Pins { workflow: "iwf-1".parse().ok(), ..Pins::default() };
    let other = of(row(OTHER, "active"), "iwf-2");
    let install = || said("install", &json!({}));
    vec![
        search("the start clock runs until anybody sees the pinned workflow", JUDGING, of_workflow())
            .poll(0, [newest(&other), list(&[&other]), nothing("workflow iwf-1")])
            .then(Then::NoAnswer)
            .shows("the start clock runs", awaits_start)
            .shows("it runs on when another workflow is seen", |phase| awaits_start_after(phase, "iwf-2"))
            .shows("it stops when that one is seen", |phase| !awaits_start_after(phase, "iwf-1"))
            .shows("the component exists", |phase| phase.has_answered(&ask_component()))
            .shows("the newest does not match", |phase| unmatched(phase) == Some(OTHER))
            .shows("it has not started", |phase| phase.hold() == Hold::NotStarted),
        latest("what had ended before is the newest that does not match", WHICH)
            .with(|settings| settings.on_stale = OnStale::Wait)
            .poll(0, [newest(&row(OWN, "active")), detail(&row(OWN, "active")), done("iwf-1")])
            .then(NOT_STARTED)
            .shows("the newest does not match", |phase| unmatched(phase) == Some(OWN))
            .shows("the start clock runs", awaits_start),
        latest("an install that has answered says nothing of its component", WHICH)
            .poll(0, [no_newest(), install(), nothing("component")])
            .then(Then::NoAnswer)
            .shows("the component may not exist", |phase| !phase.has_answered(&ask_component()))
            .shows("nothing is there", |phase| unmatched(phase).is_none()),
        latest("a component that has answered exists", WHICH)
            .poll(0, [no_newest(), install(), said("component", &json!({})), missing("latest of a hundred")])
            .then(NOT_STARTED)
            .shows("it exists", |phase| phase.has_answered(&ask_component()))
            .shows("so does its install", |phase| phase.has_answered(&Request::Install(target().install)))
            .shows("the newest is another matter", |phase| !phase.has_answered(&latest_request()))
            .shows("the start clock runs", awaits_start),
    ]
}

fn a_deploy() -> Vec<Scene> {
    let queued = row(OWN, "queued");
    vec![
        own("a deploy that has not answered may not exist", WHICH)
            .poll(0, [nothing("deploy dpl-web")])
            .then(Then::NoAnswer)
            .shows("it has not answered", |phase| !phase.has_answered(&deploy_request(OWN)))
            .shows("nor is it the target's", |phase| !phase.is_identified(&deploy_request(OWN)))
            .shows("it is under way", |phase| phase.hold() == Hold::InProgress),
        own("a deploy that has answered exists", WHICH)
            .poll(0, [detail(&queued)])
            .then(IN_PROGRESS)
            .shows("it has answered", |phase| phase.has_answered(&deploy_request(OWN)))
            .shows("another has not", |phase| !phase.has_answered(&deploy_request(OTHER)))
            .shows("it is the target's", |phase| phase.is_identified(&deploy_request(OWN)))
            .shows("its workflow has not answered", |phase| !phase.has_answered(&workflow_request("iwf-1")))
            .shows("the component exists", |phase| phase.is_identified(&latest_request()))
            .shows("it has changed", has_changed)
            .shows(
                "it is the one that is followed",
                |phase| matches!(phase, Phase::Following(follow) if follow.id().as_str() == OWN),
            ),
        own("a deploy that says the same has not changed", JUDGING)
            .poll(0, [detail(&queued)])
            .then(IN_PROGRESS)
            .poll(2, [detail(&queued)])
            .then(IN_PROGRESS)
            .shows("it has not changed", |phase| !has_changed(phase)),
        latest("a row is not yet known to be the target's", WHICH)
            .poll(0, [newest(&queued)])
            .then(IN_PROGRESS)
            .shows("it has changed", has_changed)
            .shows("it is there", |phase| phase.has_answered(&deploy_request(OWN)))
            .shows("its detail has not said whose it is", |phase| !phase.is_identified(&deploy_request(OWN)))
            .shows("the start clock has stopped", |phase| !awaits_start(phase)),
        own("a workflow that has answered is never given up", JUDGING)
            .wide_poll(0, [detail(&queued), newest(&queued), workflow("iwf-1", "in-progress", OWN, "pending")])
            .then(IN_PROGRESS)
            .shows("it has answered", |phase| phase.has_answered(&workflow_request("iwf-1")))
            .shows("another has not", |phase| !phase.has_answered(&workflow_request("iwf-2"))),
        own("a workflow that is done without has not answered", JUDGING)
            .wide_poll(0, [detail(&queued), newest(&queued), lost("iwf-1")])
            .then(IN_PROGRESS)
            .shows("it has not", |phase| !phase.has_answered(&workflow_request("iwf-1"))),
    ]
}

fn asks() -> Said {
    workflow("iwf-1", "approval-awaiting", OWN, "approval-awaiting")
}

fn approval_since(phase: &Phase) -> Option<(Moment, &ApprovalPlace)> {
    match phase {
        Phase::Following(follow) => follow.approval_since(),
        _ => None,
    }
}

fn a_human() -> Vec<Scene> {
    let asking = row(OWN, "pending-approval");
    let place = || ApprovalPlace { workflow: "iwf-1".parse().unwrap(), step: "iws-1".parse().ok(), approval: None };
    let held = || Then::Holds(Hold::Approval(place()));
    let answers = || [detail(&asking), asks()];
    vec![
        own("the approval clock does not run after one poll", APPROVALS)
            .poll(3, answers())
            .then(held())
            .shows("nobody is asked for certain", |phase| approval_since(phase).is_none()),
        own("the approval clock runs from the first of two polls", APPROVALS)
            .poll(3, answers())
            .then(held())
            .poll(5, answers())
            .then(held())
            .shows("since then", |phase| {
                approval_since(phase).is_some_and(|(since, _)| since == Moment::after_start(Duration::from_secs(3)))
            }),
        own("the approval clock runs on through an older answer", APPROVALS)
            .poll(3, answers())
            .then(held())
            .poll(5, [detail(&of(row(OWN, "queued"), "iwf-9")), newest(&of(row(OWN, "queued"), "iwf-9"))])
            .then(Then::Holds(Hold::Outdated))
            .poll(7, answers())
            .then(held())
            .shows("since then", |phase| {
                approval_since(phase).is_some_and(|(since, _)| since == Moment::after_start(Duration::from_secs(3)))
            }),
        own("the approval clock runs after one poll that has seen it twice", APPROVALS)
            .once()
            .poll(0, [detail(&asking), asks(), asks()])
            .then(held())
            .shows("it is certain", |phase| approval_since(phase).is_some()),
        own("another reason asks nobody", APPROVALS)
            .poll(0, answers())
            .then(held())
            .poll(2, [detail(&asking), workflow("iwf-1", "in-progress", OWN, "approved")])
            .then(IN_PROGRESS)
            .poll(4, [detail(&asking), workflow("iwf-1", "in-progress", OWN, "approved")])
            .then(IN_PROGRESS)
            .shows("nobody is asked", |phase| approval_since(phase).is_none()),
    ]
}

fn a_successor() -> Vec<Scene> {
    let retried = row(OWN, "retried");
    let waits = || Then::Holds(Hold::NotReplaced);
    let at_work = || workflow("iwf-1", "in-progress", OWN, "retried");
    vec![
        own("while nothing has taken its place", JUDGING)
            .poll(0, [detail(&retried), list(&[&retried]), at_work()])
            .then(waits())
            .shows("nothing has", |phase| phase.hold() == Hold::NotReplaced)
            .shows("the workflow has answered", |phase| phase.has_answered(&workflow_request("iwf-1")))
            .shows("the start clock has stopped", |phase| !awaits_start(phase)),
        named("while what took its place is followed", JUDGING, Pins::default())
            .poll(0, [detail(&retried), list(&[&created(row("dpl-new", "queued"), -30)])])
            .then(IN_PROGRESS)
            .poll(2, [detail(&created(row("dpl-new", "queued"), -30))])
            .then(IN_PROGRESS)
            .shows("it is the target's", |phase| phase.is_identified(&deploy_request("dpl-new"))),
        own("while it is held, the reason is reported", JUDGING)
            .poll(
                0,
                [
                    detail(&row(OWN, "error")),
                    newest(&row(OWN, "error")),
                    workflow("iwf-1", "in-progress", OWN, "retrying"),
                ],
            )
            .then(Then::Holds(Hold::Retry))
            .shows("it can be retried", |phase| phase.hold() == Hold::Retry),
    ]
}
