//! The install's list is requested, because several of its targets are waited for: what a row of that list shows, and
//! what has to be read individually.

use serde_json::{Value, json};

use super::closing::{timed_out, total_limit};
use super::said::{
    STARTED_AT, Said, component, created, detail, done, install as install_exists, list, lost, missing, newest,
    no_newest, nothing, of, plans_only, row, said, typed, with, without, workflow, written,
};
use super::scene::{
    IN_PROGRESS, NOT_STARTED, Scene, Then, failed, fails_as, id, latest, named, needs, of_workflow, passes, passes_by,
    play, search,
};
use super::superseding::its_workflow;
use super::{LISTS, OTHER, OWN};
use crate::cause::Cause;
use crate::cause::DeployFailure;
use crate::model::Status;
use crate::pins::Pins;
use crate::watch::phase::{Basis, Phase};
use crate::watch::settings::OnSuperseded;
use crate::{Hold, RemoteText, Verdict};

pub(super) fn scenes() -> Vec<Scene> {
    [following(), unsaid(), superseding(), searching(), overhearing()].into_iter().flatten().collect()
}

#[test]
fn the_deploys_of_the_install() {
    play(scenes());
}

/// The row, as the list has it, with its install.
fn owned(row: &Value) -> Value {
    with(row.clone(), &json!({ "install_id": "inl-acme", "component_id": "cmp-web" }))
}

/// A row of another component, newer than all others.
fn of_another() -> Value {
    let row = created(row("dpl-cache", "error"), -5);
    with(row, &json!({ "install_id": "inl-acme", "component_id": "cmp-cache" }))
}

fn install(rows: &[&Value]) -> Said {
    let rows: Vec<Value> = [of_another()].into_iter().chain(rows.iter().map(|row| owned(row))).collect();
    said("list of the install", &json!(rows))
}

/// As many rows as a list has at most, all of another component.
fn full() -> Said {
    let rows: Vec<Value> = (0..100).map(|nth| with(of_another(), &json!({ "id": format!("dpl-{nth}") }))).collect();
    said("list of the install", &json!(rows))
}

/// Another target requests the list, between two polls of this one. Its next answers come from a replica that lags.
fn overhearing() -> Vec<Scene> {
    let at = |status: &str, second: u32| {
        owned(&with(row(OWN, status), &json!({ "updated_at": format!("2027-01-15T08:00:{second:02}Z") })))
    };
    let (queued, active, error) = (at("queued", 0), at("active", 1), at("error", 2));
    let older = created(of(row(OTHER, "active"), "iwf-2"), -90);
    let newer = owned(&created(of(row(OTHER, "queued"), "iwf-2"), -5));
    let newer_at = |status: &str, second| owned(&created(of(written(row(OTHER, status), second), "iwf-2"), -5));
    let retried = owned(&row(OWN, "retried"));
    let next_at = |status: &str, second: u32| owned(&created(written(row(OTHER, status), second), -30));
    let third = owned(&of(created(row("dpl-3", "queued"), -10), "iwf-3"));
    let (next, next_error) = (next_at("active", 10), next_at("error", 20));
    let own = |name| named(name, LISTS, Pins { deploy: Some(id(OWN)), ..Pins::default() });
    vec![
        own("a later state, between two polls: an earlier one does not pass")
            .poll(0, [detail(&queued)])
            .then(IN_PROGRESS)
            .overhears(std::slice::from_ref(&error))
            .poll(2, [detail(&active), newest(&active)])
            .then(Then::Holds(Hold::Outdated)),
        own("a later second of the same status, between two polls: an earlier state does not pass")
            .poll(0, [detail(&queued)])
            .then(IN_PROGRESS)
            .overhears(&[at("queued", 2)])
            .poll(2, [detail(&active), newest(&active)])
            .then(Then::Holds(Hold::Outdated)),
        own("a failure that a later list takes back does not count when time is over")
            .poll(0, [detail(&queued)])
            .then(IN_PROGRESS)
            .overhears(std::slice::from_ref(&error))
            .overhears(&[at("queued", 3)])
            .poll(2, [nothing("deploy dpl-web")])
            .then(Then::NoAnswer)
            .stops(total_limit())
            .then(timed_out()),
        own("a failure that only such a list has shown counts when time is over")
            .poll(0, [detail(&queued)])
            .then(IN_PROGRESS)
            .overhears(std::slice::from_ref(&error))
            .poll(2, [nothing("deploy dpl-web")])
            .then(Then::NoAnswer)
            .stops(total_limit())
            .then(fails_as(Status::Error)),
        latest("a newer deploy, between two polls: the older one does not pass", LISTS)
            .poll(0, [newest(&queued)])
            .then(IN_PROGRESS)
            .overhears(&[newer.clone(), queued.clone()])
            .poll(2, [detail(&active), newest(&active)])
            .then(needs("workflow iwf-2")),
        latest("a newer deploy, before one is found: the older one does not pass", LISTS)
            .overhears(&[newer, active.clone()])
            .poll(0, [newest(&active), detail(&active), newest(&active)])
            .then(needs("workflow iwf-2")),
        latest("a newer deploy in two states, between two polls: its earlier one does not pass", LISTS)
            .poll(0, [newest(&queued)])
            .then(IN_PROGRESS)
            .overhears(&[newer_at("error", 20), queued.clone()])
            .poll(
                2,
                [
                    detail(&active),
                    newest(&newer_at("active", 10)),
                    workflow("iwf-2", "success", OTHER, "success"),
                    detail(&newer_at("active", 10)),
                    newest(&newer_at("active", 10)),
                ],
            )
            .then(Then::Holds(Hold::Outdated)),
        own("a later state of what takes its place: an earlier one does not pass")
            .poll(0, [detail(&queued)])
            .then(IN_PROGRESS)
            .overhears(std::slice::from_ref(&next_error))
            .poll(2, [detail(&retried), list(&[&next, &retried]), detail(&next), newest(&next)])
            .then(Then::Holds(Hold::Outdated)),
        own("a later state of what takes its place, before it is listed: an earlier one does not pass")
            .poll(0, [detail(&retried), list(&[&retried]), workflow("iwf-1", "in-progress", OWN, "retried")])
            .then(Then::Holds(Hold::NotReplaced))
            .overhears(&[third, next_error.clone()])
            .poll(2, [list(&[&next, &retried]), detail(&next), newest(&next)])
            .then(Then::Holds(Hold::Outdated)),
        own("two states of what takes its place, before it is listed: the earlier one does not pass")
            .poll(0, [detail(&retried), list(&[&retried]), workflow("iwf-1", "in-progress", OWN, "retried")])
            .then(Then::Holds(Hold::NotReplaced))
            .overhears(&[next_error])
            .overhears(std::slice::from_ref(&next))
            .poll(2, [list(&[&next, &retried]), detail(&next), newest(&next)])
            .then(Then::Holds(Hold::Outdated)),
        latest("two states, before it is found: the earlier one does not pass", LISTS)
            .overhears(&[error.clone(), owned(&older)])
            .overhears(&[active.clone(), owned(&older)])
            .poll(0, [newest(&active), detail(&active)])
            .then(Then::Holds(Hold::Outdated)),
        latest("a later state, before it is found: an earlier one does not pass", LISTS)
            .overhears(&[error, owned(&older)])
            .poll(0, [newest(&active), detail(&active)])
            .then(Then::Holds(Hold::Outdated)),
    ]
}

fn following() -> Vec<Scene> {
    let (queued, executing, active) = (row(OWN, "queued"), row(OWN, "executing"), row(OWN, "active"));
    let error = with(row(OWN, "error"), &json!({ "status_description": "no such image" }));
    let reason = DeployFailure {
        status: Status::Error,
        text: Some(RemoteText::new("no such image")),
        is_generic: false,
        denial: None,
        hint: None,
        by_rule: false,
    };
    let found = |name| latest(name, LISTS).by_install_list().poll(0, [install(&[&queued])]).then(IN_PROGRESS);
    let described = |text: &str, second: i64| {
        let status = json!({ "status": "queued", "created_at_ts": STARTED_AT + second });
        with(queued.clone(), &json!({ "status_description": text, "status_v2": status }))
    };
    let still_waits = |phase: &Phase| {
        let Phase::Following(follow) = phase else { return false };
        let text = follow.known().and_then(|row| row.status_description.as_ref());
        text.is_some_and(|text| text.is("still waits"))
    };
    vec![
        found("nothing but the list is read while the deploy goes on")
            .poll(2, [install(&[&queued])])
            .then(IN_PROGRESS)
            .poll(4, [install(&[&executing])])
            .then(IN_PROGRESS)
            .reports(["found dpl-web by latest"]),
        found("the last row says what is known, of the same second")
            .poll(2, [install(&[&described("waits", 1)])])
            .then(IN_PROGRESS)
            .poll(4, [install(&[&described("still waits", 1)])])
            .then(IN_PROGRESS)
            .shows("the last", still_waits),
        found("or of a later one")
            .poll(2, [install(&[&described("waits", 1)])])
            .then(IN_PROGRESS)
            .poll(4, [install(&[&described("still waits", 3)])])
            .then(IN_PROGRESS)
            .shows("the last", still_waits),
        found("a pass: the row says whose it is, and the workflow is read after it")
            .poll(2, [install(&[&active]), done("iwf-1")])
            .then(passes_by("iwf-1")),
        found("no pass before its workflow has been read").poll(2, [install(&[&active])]).then(needs("workflow iwf-1")),
        found("no pass while a step is at work")
            .poll(2, [install(&[&active]), workflow("iwf-1", "in-progress", OWN, "in-progress")])
            .then(Then::Holds(Hold::Step(RemoteText::new("step 1 of 1, apply, is `in-progress`")))),
        found("a failure: its own detail is read, which has the reason")
            .poll(2, [install(&[&error]), workflow("iwf-1", "error", OWN, "error"), detail(&error)])
            .then(failed(Cause::Deploy(reason))),
        found("a wide poll finds what is newest there")
            .wide_poll(2, [install(&[&queued]), workflow("iwf-1", "in-progress", OWN, "in-progress")])
            .then(IN_PROGRESS),
    ]
}

/// The list lacks the deploy, so it is read individually.
fn unsaid() -> Vec<Scene> {
    let (queued, active) = (row(OWN, "queued"), row(OWN, "active"));
    let mixed_up = with(owned(&active), &json!({ "component_build": { "component_id": "cmp-db" } }));
    let strange = with(mixed_up.clone(), &json!({ "component_id": "cmp-db" }));
    let found = |name| latest(name, LISTS).by_install_list().poll(0, [install(&[&queued])]).then(IN_PROGRESS);
    let raw = |row: Value| said("list of the install", &json!([row]));
    let proven = || [detail(&active), newest(&active), done("iwf-1")];
    let passes_after = |scene: Scene, list: Said| {
        let [detail, newest, workflow] = proven();
        scene.poll(2, [list, detail, newest, workflow]).then(passes_by("iwf-1"))
    };
    let teardown = typed(active.clone(), "teardown");
    let recovers = typed(active.clone(), "recover");
    let other_install = with(owned(&active), &json!({ "install_id": "inl-other" }));
    let old = created(row(OWN, "active"), -60);
    let newer_state = with(row(OWN, "executing"), &json!({ "updated_at": "2027-01-15T08:00:30Z" }));
    let older_state = with(old, &json!({ "updated_at": "2027-01-15T08:00:10Z" }));
    vec![
        passes_after(found("it is not in the list"), install(&[])),
        found("it is not in a full list: it will not be in the next")
            .poll(2, [full(), detail(&queued)])
            .then(IN_PROGRESS)
            .poll(4, [detail(&queued)])
            .then(IN_PROGRESS),
        found("the row does not say of which install it is: its own detail does")
            .poll(2, [raw(without(owned(&active), "install_id")), detail(&active), done("iwf-1")])
            .then(passes_by("iwf-1")),
        latest("a row that does not say of which install it is does while the deploy goes on", LISTS)
            .by_install_list()
            .poll(0, [raw(without(owned(&queued), "install_id"))])
            .then(IN_PROGRESS)
            .poll(2, [raw(without(owned(&queued), "install_id"))])
            .then(IN_PROGRESS),
        passes_after(
            found("the row does not say of which component it is"),
            raw(without(owned(&active), "component_id")),
        ),
        latest("the row leaves its workflow out, which its own detail names", LISTS)
            .by_install_list()
            .poll(0, [raw(owned(&without(active.clone(), "workflow_id"))), detail(&active), done("iwf-1")])
            .then(passes_by("iwf-1")),
        latest("the row's build is another component's, and so is the deploy, by its detail", LISTS)
            .by_install_list()
            .poll(0, [raw(mixed_up.clone()), detail(&strange)])
            .then(Then::NoAnswer),
        latest("the row's build is another component's, and the deploy is not", LISTS)
            .by_install_list()
            .poll(0, [raw(mixed_up.clone()), detail(&mixed_up), done("iwf-1")])
            .then(passes_by("iwf-1")),
        latest("the row leaves its workflow out, which only makes plans", LISTS)
            .by_install_list()
            .poll(0, [raw(owned(&without(active.clone(), "workflow_id"))), detail(&active), plans_only("iwf-1")])
            .then(NOT_STARTED),
        found("the row leaves its type out, which deploys nothing by its own detail")
            .poll(2, [raw(without(owned(&active), "install_deploy_type")), detail(&recovers)])
            .then(NOT_STARTED),
        passes_after(found("the row is of another type than it was"), raw(owned(&teardown))),
        passes_after(found("the list cannot be read"), nothing("list of the install")),
        found("a list of another install is no good answer").poll(2, [raw(other_install)]).then(Then::NoAnswer),
        latest("the list is older than what is known", LISTS)
            .by_install_list()
            .poll(0, [install(&[&newer_state])])
            .then(IN_PROGRESS)
            .poll(2, [install(&[&older_state]), detail(&newer_state)])
            .then(IN_PROGRESS),
        named("a deploy that the user named is read by itself until it has been seen", LISTS, Pins::default())
            .by_install_list()
            .poll(0, [detail(&queued)])
            .then(IN_PROGRESS)
            .poll(2, [install(&[&queued])])
            .then(IN_PROGRESS),
    ]
}

fn superseding() -> Vec<Scene> {
    let (queued, active) = (row(OWN, "queued"), row(OWN, "active"));
    let newer = |status: &str| of(created(row(OTHER, status), -30), "iwf-2");
    let its_workflow = || workflow("iwf-2", "success", OTHER, "success");
    let found = |name| latest(name, LISTS).by_install_list().poll(0, [install(&[&queued])]).then(IN_PROGRESS);
    let older = of(created(row(OTHER, "active"), -90), "iwf-2");
    let shows = |row: &Value| [install(&[&newer("queued"), &active]), lost("iwf-2"), newest(row), lost("iwf-2")];
    let fail = |name, read: [Said; 4], then: Said| {
        let scene = found(name).with(|settings| settings.on_superseded = Some(OnSuperseded::Fail));
        scene.poll_of(2, read.into_iter().chain([then]).collect())
    };
    vec![
        found("a newer deploy in the list is followed")
            .poll(2, [install(&[&newer("active"), &active]), its_workflow(), detail(&newer("active")), its_workflow()])
            .then(passes(OTHER, Basis::Steps("iwf-2".parse().unwrap()))),
        found("with fail it supersedes")
            .with(|settings| settings.on_superseded = Some(OnSuperseded::Fail))
            .poll(2, [install(&[&newer("queued"), &active]), its_workflow(), done("iwf-1")])
            .then(Then::Ends(Verdict::Superseded, Cause::Superseded { from: id(OWN), to: id(OTHER) })),
        fail(
            "its workflow does not exist, but the endpoint that hides plans shows it",
            shows(&newer("queued")),
            done("iwf-1"),
        )
        .then(Then::Ends(Verdict::Superseded, Cause::Superseded { from: id(OWN), to: id(OTHER) })),
        fail("its workflow does not exist, and that endpoint does not show it", shows(&active), done("iwf-1"))
            .then(passes_by("iwf-1")),
        fail("its workflow did not exist, and it is asked about again", shows(&active), nothing("workflow iwf-1"))
            .then(Then::NoAnswer)
            .poll(4, [install(&[&newer("queued"), &active])])
            .then(needs("workflow iwf-2")),
        found("an older one does not, wherever it stands")
            .poll(2, [install(&[&older, &active]), done("iwf-1")])
            .then(passes_by("iwf-1")),
    ]
}

fn searching() -> Vec<Scene> {
    let build = Pins { build: Some("bld-1".parse().unwrap()), ..Pins::default() };
    let other = with(of(row(OTHER, "active"), "iwf-2"), &json!({ "build_id": "bld-2" }));
    let built = with(created(row(OWN, "active"), -90), &json!({ "build_id": "bld-1" }));
    let going = with(built.clone(), &json!({ "status": "executing" }));
    let active = row(OWN, "active");
    let recovers = typed(active.clone(), "recover");
    let older_own = created(active.clone(), -90);
    let older = created(of(row(OTHER, "active"), "iwf-2"), -90);
    let raw = |row: Value| said("list of the install", &json!([row]));
    let by_build = |name| search(name, LISTS, build.clone()).by_install_list();
    vec![
        by_build("a whole list shows that nothing matches")
            .poll(0, [install(&[&other])])
            .then(NOT_STARTED)
            .wide_poll(2, [install(&[&other])])
            .then(NOT_STARTED),
        by_build("a match behind the newest; its own detail says whose it is")
            .poll(0, [install(&[&other, &going])])
            .then(IN_PROGRESS)
            .poll(2, [install(&[&other, &built]), its_workflow(), done("iwf-1")])
            .then(passes_by("iwf-1")),
        by_build("a match behind the newest that had ended before")
            .poll(0, [install(&[&other, &built]), detail(&built), newest(&other), its_workflow(), done("iwf-1")])
            .then(NOT_STARTED),
        latest("the list shows no deploy of the component: its newest is read", LISTS)
            .by_install_list()
            .poll(0, [install(&[]), newest(&row(OWN, "queued"))])
            .then(IN_PROGRESS),
        latest("a full list shows no deploy of the component: the next will not either", LISTS)
            .by_install_list()
            .poll(0, [full(), no_newest(), install_exists(), component()])
            .then(needs("latest of a hundred"))
            .poll(2, [no_newest(), missing("latest of a hundred")])
            .then(NOT_STARTED),
        latest("its newest row does not say what it does: it is read", LISTS)
            .by_install_list()
            .poll(
                0,
                [raw(without(owned(&active), "install_deploy_type")), newest(&recovers), list(&[&recovers, &older])],
            )
            .then(needs("deploy dpl-db")),
        search("its newest row does not name its workflow, and is newer than what is pinned", LISTS, of_workflow())
            .with(|settings| settings.on_superseded = Some(OnSuperseded::Fail))
            .by_install_list()
            .poll(
                0,
                [
                    install(&[&without(other.clone(), "workflow_id"), &older_own]),
                    newest(&older_own),
                    detail(&older_own),
                    newest(&older_own),
                ],
            )
            .then(needs("deploy dpl-db")),
        latest("its newest row has no id: it is read", LISTS)
            .by_install_list()
            .poll(0, [raw(without(owned(&active), "id")), newest(&row(OWN, "queued"))])
            .then(IN_PROGRESS),
        by_build("its newest row does not say of which build it is: it is read")
            .poll(0, [install(&[&active]), newest(&built)])
            .then(needs("deploy dpl-web")),
        latest("the list cannot be read: so is it", LISTS)
            .by_install_list()
            .poll(0, [nothing("list of the install"), newest(&row(OWN, "queued"))])
            .then(IN_PROGRESS),
    ]
}
