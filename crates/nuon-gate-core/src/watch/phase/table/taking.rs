//! A cancelled deploy of a branch's run: a later run may have cancelled it to take the install.

use super::closing::total_limit;
use super::said::{detail, newest, row, workflow};
use super::scene::{Scene, Then, fails_as, failure, named, own, play};
use super::superseding::newer;
use super::{OTHER, OWN, WHICH};
use crate::cause::Cause;
use crate::model::Status;
use crate::pins::{Pins, RunPin};
use crate::watch::settings::OnSuperseded;
use crate::{Hold, Line, Verdict};

#[test]
fn a_later_run() {
    play(scenes());
}

/// The deploy belongs to a branch's run, and this is the policy for a later run.
fn of_run(name: &'static str, pin: RunPin, way: Option<OnSuperseded>) -> Scene {
    named(name, WHICH, Pins { branch_run: Some(pin), ..Pins::default() }).with(|settings| settings.on_superseded = way)
}

/// For each poll: its time, what the run's last poll at that time has shown, and the decision.
pub(super) fn scenes() -> Vec<Scene> {
    use OnSuperseded::{Fail, Follow, Ignore};
    let stopped = |id: &str, deploy: &str| workflow(id, "cancelled", deploy, "cancelled");
    let cancelled = || [detail(&row(OWN, "cancelled")), newest(&row(OWN, "cancelled")), stopped("iwf-1", OWN)];
    let ends = || Then::Ends(Verdict::Cancelled, failure(Status::Cancelled));
    let holds = |run: Option<&str>| Then::Holds(Hold::Taken(run.map(|run| run.parse().unwrap())));
    let superseded = || {
        let cause = Cause::InstallSuperseded { install: Line::new("acme"), by: "run-2".parse().unwrap() };
        Then::Ends(Verdict::Superseded, cause)
    };
    let poll = |scene: Scene, (at, run_poll, then): (u64, Option<bool>, Then)| {
        let scene = run_poll.into_iter().fold(scene, Scene::run_polled);
        scene.poll(at, cancelled()).then(then)
    };
    let polls = |scene: Scene, each: Vec<(u64, Option<bool>, Then)>| each.into_iter().fold(scene, poll);
    let named = |name, way| of_run(name, RunPin::Named, Some(way));
    let alone = |name| own(name, WHICH).with(|settings| settings.on_superseded = Some(Follow));
    let (taken, free) = (Some(true), Some(false));
    let anew = || holds(Some("run-2"));
    vec![
        polls(named("follow: the run is asked what cancelled its deploy", Follow), vec![(0, None, holds(None))]),
        polls(
            named("follow: no run has taken the install for as long as the run may be behind", Follow),
            vec![(0, free, holds(None)), (29, free, holds(None)), (30, free, ends())],
        ),
        polls(
            named("follow: a run has taken the install, whose deploy is awaited", Follow),
            vec![(0, free, holds(None)), (4, taken, anew()), (90, taken, anew())],
        ),
        polls(
            named("follow: a run has taken the install, and has not after all", Follow),
            vec![(0, taken, anew()), (31, free, ends())],
        ),
        polls(named("fail: a run has taken the install", Fail), vec![(0, taken, superseded())]),
        polls(named("fail: no run has taken the install", Fail), vec![(0, free, holds(None)), (30, free, ends())]),
        polls(named("ignore: it was cancelled", Ignore), vec![(0, taken, ends())]),
        polls(of_run("a named run is not left for another", RunPin::Named, None), vec![(0, taken, ends())]),
        polls(of_run("the newest run is left for a newer one", RunPin::Newest, None), vec![(0, taken, anew())]),
        polls(alone("no run has to do with it"), vec![(0, taken, ends())]),
        polls(named("follow: one poll", Follow).once(), vec![(0, taken, anew())]),
        polls(named("follow: one poll, and no run has taken the install", Follow).once(), vec![(0, free, ends())]),
        polls(named("follow: there is no time left", Follow), vec![(0, taken, anew())])
            .stops(total_limit())
            .then(ends()),
        named("follow: the newer deploy is of the run's install, so that a later run may take that as well", Follow)
            .run_polled(true)
            .wide_poll(
                0,
                [
                    detail(&row(OWN, "executing")),
                    newest(&newer("cancelled")),
                    stopped("iwf-2", OTHER),
                    detail(&newer("cancelled")),
                    stopped("iwf-2", OTHER),
                ],
            )
            .then(holds(Some("run-2")))
            .reports([
                "found dpl-web by deploy",
                "dpl-db supersedes dpl-web: follow",
                "follows dpl-db",
                "found dpl-db by branch_run",
            ]),
        named("follow: it failed", Follow)
            .run_polled(true)
            .poll(0, [detail(&row(OWN, "error")), newest(&row(OWN, "error")), workflow("iwf-1", "error", OWN, "error")])
            .then(fails_as(Status::Error)),
    ]
}
