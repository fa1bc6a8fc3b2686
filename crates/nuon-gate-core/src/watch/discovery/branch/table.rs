//! The decisions about a branch's run, as a table.

use super::decide::{InstallSight, InstallState, RunDecision, RunRules, RunSight};
use crate::cause::{Cause, GroupTrouble, InstallTrouble};
use crate::model::{RunStatus, WorkflowEnd};
use crate::watch::discovery::workflow::Left;
use crate::watch::discovery::{DiscoveryEnd, Failure};
use crate::watch::settings::{OnApproval, OnSuperseded};
use crate::{Line, RemoteText, Require, RunId, Verdict};

fn run() -> RunId {
    "abr1".parse().unwrap()
}

fn later() -> RunId {
    "abr2".parse().unwrap()
}

/// How the run itself has ended.
fn own_failure() -> Failure {
    let cause = Cause::Run { run: run(), word: RemoteText::new("failed"), error: None, step: None, groups: None };
    (Verdict::Failed, cause)
}

/// How the workflow of an install has ended.
fn install_failure() -> Failure {
    (Verdict::Cancelled, Cause::StepFailed(RemoteText::new("step 1 of 1, apply, was cancelled")))
}

/// The workflow of an install deploys nothing.
fn plan_only() -> Failure {
    (Verdict::Rejected, Cause::PlanOnlyWorkflow("inw2".parse().unwrap()))
}

fn group(trouble: GroupTrouble) -> Cause {
    Cause::GroupOfRun { group: Line::new("canary"), trouble }
}

fn install(trouble: InstallTrouble) -> Failure {
    (Verdict::Failed, Cause::InstallOfRun { install: Line::new("acme"), trouble })
}

fn asks() -> Cause {
    Cause::RunApproval { run: run(), workflow: "inw1".parse().unwrap(), step: None }
}

/// One case: what was read, and what the user has said.
#[derive(Clone)]
struct Scene {
    sight: RunSight,
    rules: RunRules,
}

/// A run that has succeeded with one install.
fn passed() -> Scene {
    let own = InstallSight {
        install: Line::new("acme"),
        superseded_by: None,
        is_awaited: false,
        said: None,
        state: InstallState::Done,
    };
    let sight = RunSight {
        run: run(),
        status: RunStatus::Success,
        is_plan_only: false,
        end: Some(WorkflowEnd::Succeeded),
        failure: own_failure(),
        asks: None,
        contradictions: Vec::new(),
        is_asking: None,
        installs: vec![own],
        has_deployed: true,
    };
    Scene {
        sight,
        rules: RunRules {
            on_superseded: OnSuperseded::Ignore,
            on_approval: OnApproval::Wait,
            require: Require::All,
            expect: None,
        },
    }
}

impl Scene {
    fn with(mut self, change: impl FnOnce(&mut RunSight)) -> Self {
        change(&mut self.sight);
        self
    }

    fn says(self, word: &str, end: Option<WorkflowEnd>) -> Self {
        self.with(|sight| (sight.status, sight.end) = (RunStatus::from(word), end))
    }

    fn install(self, change: impl FnOnce(&mut InstallSight)) -> Self {
        self.with(|sight| change(&mut sight.installs[0]))
    }

    /// Another install is there before the one that succeeded.
    fn and(self, state: InstallState) -> Self {
        self.with(|sight| {
            let own = sight.installs[0].clone();
            sight.installs.insert(0, InstallSight { state, ..own });
        })
    }

    fn superseded(self, policy: OnSuperseded) -> Self {
        let rules = RunRules { on_superseded: policy, ..self.rules };
        Self { rules, ..self }.install(|own| own.superseded_by = Some(later()))
    }

    fn asking(self, policy: OnApproval) -> Self {
        let rules = RunRules { on_approval: policy, ..self.rules };
        Self { rules, ..self }.says("running", None).with(|sight| sight.asks = Some(asks()))
    }
}

#[derive(Debug, PartialEq)]
enum Follows {
    Wait,
    Passes,
    Contradiction(Failure),
    Ends(Failure),
}
use Follows::{Contradiction, Ends, Passes, Wait};

fn follows(scene: &Scene) -> Follows {
    match scene.sight.decide(scene.rules) {
        RunDecision::Wait => Wait,
        RunDecision::Contradiction(failure) => Contradiction(failure),
        RunDecision::End(DiscoveryEnd::Complete) => Passes,
        RunDecision::End(DiscoveryEnd::Otherwise(verdict, cause)) => Ends((verdict, cause)),
    }
}

#[track_caller]
fn check(rows: Vec<(&str, Scene, Follows)>) {
    for (name, scene, expected) in rows {
        assert_eq!(follows(&scene), expected, "{name}");
    }
}

#[test]
fn what_a_run_says_of_itself() {
    use WorkflowEnd::{Cancelled, Failed, Parked, Succeeded};
    let mut rows = vec![
        ("success", passed(), Passes),
        ("success, its workflow goes on", passed().says("success", None), Wait),
        ("success, its workflow failed", passed().says("success", Some(Failed)), Contradiction(own_failure())),
        (
            "plans only",
            passed().with(|sight| sight.is_plan_only = true),
            Ends((Verdict::Rejected, Cause::PlanOnlyRun(run()))),
        ),
        ("not attempted", passed().says("not-attempted", Some(Succeeded)), Ends(own_failure())),
    ];
    for end in [None, Some(Succeeded), Some(Failed)] {
        for word in ["failed", "cancelled"] {
            rows.push((word, passed().says(word, end), Ends(own_failure())));
        }
    }
    // No other status is a success, whatever else says so.
    for word in ["pending", "running", "", "Success", "succeeded", "weird"] {
        for (end, expected) in [(None, Wait), (Some(Succeeded), Wait)] {
            rows.push((word, passed().says(word, end), expected));
        }
        for end in [Failed, Parked, Cancelled] {
            rows.push((word, passed().says(word, Some(end)), Ends(own_failure())));
        }
    }
    check(rows);
}

#[test]
fn what_contradicts_a_success() {
    let nothing = (Verdict::Failed, Cause::NothingReleased(run()));
    let missing = || group(GroupTrouble::Incomplete { total: 2, named: 1 });
    let failed = || group(GroupTrouble::Says(RemoteText::new("skipped")));
    check(vec![
        (
            "no install",
            passed().with(|sight| sight.installs.clear()).with(|sight| sight.has_deployed = false),
            Contradiction(nothing.clone()),
        ),
        ("no deploy", passed().with(|sight| sight.has_deployed = false), Contradiction(nothing)),
        ("an install goes on", passed().and(InstallState::Open), Wait),
        (
            "nothing was deployed to an install",
            passed().and(InstallState::Nothing),
            Contradiction(install(InstallTrouble::NeverDeployed)),
        ),
        ("an install makes plans only", passed().and(InstallState::Failed(plan_only())), Ends(plan_only())),
        (
            "an install makes plans only, and the run goes on",
            passed().and(InstallState::Failed(plan_only())).says("running", None),
            Ends(plan_only()),
        ),
        ("an install failed", passed().and(InstallState::Failed(install_failure())), Contradiction(install_failure())),
        (
            "an install is said to have failed",
            passed().install(|own| own.said = Some(InstallTrouble::SaidFailed)),
            Contradiction(install(InstallTrouble::SaidFailed)),
        ),
        (
            "an install is said to go on",
            passed().install(|own| own.said = Some(InstallTrouble::SaidUnfinished)),
            Contradiction(install(InstallTrouble::SaidUnfinished)),
        ),
        (
            "a group is cut short",
            passed().with(|sight| sight.contradictions.push(missing())),
            Contradiction((Verdict::Failed, missing())),
        ),
        (
            "a human is asked, although it succeeded",
            passed().with(|sight| sight.is_asking = Some(Cause::NothingReleased(run()))),
            Contradiction((Verdict::ApprovalNeeded, Cause::NothingReleased(run()))),
        ),
        (
            "a group says no success",
            passed().with(|sight| sight.contradictions.push(failed())),
            Contradiction((Verdict::Failed, failed())),
        ),
    ]);
}

#[test]
fn what_a_later_run_takes() {
    let cause = Cause::InstallSuperseded { install: Line::new("acme"), by: later() };
    let superseded = || Ends((Verdict::Superseded, cause.clone()));
    let never = install(InstallTrouble::NeverDeployed);
    use OnSuperseded::{Fail, Follow, Ignore};
    check(vec![
        ("fail", passed().superseded(Fail), superseded()),
        ("fail, while it runs", passed().says("running", None).superseded(Fail), superseded()),
        ("ignore what was deployed", passed().superseded(Ignore), Passes),
        ("ignore what was not", passed().superseded(Ignore).install(|own| own.state = InstallState::Nothing), Passes),
        (
            "ignore all there is",
            passed()
                .superseded(Ignore)
                .install(|own| own.state = InstallState::Nothing)
                .with(|sight| sight.has_deployed = false),
            Contradiction((Verdict::Failed, Cause::NothingReleased(run()))),
        ),
        (
            "ignore no failure",
            passed().superseded(Ignore).install(|own| own.state = InstallState::Failed(install_failure())),
            Contradiction(install_failure()),
        ),
        ("follow where it goes on", passed().superseded(Follow).install(|own| own.state = InstallState::Open), Wait),
        (
            "follow where it has not come to",
            passed().superseded(Follow).install(|own| (own.state, own.is_awaited) = (InstallState::Nothing, true)),
            Wait,
        ),
        (
            "follow where it did not come to",
            passed().superseded(Follow).install(|own| own.state = InstallState::Nothing),
            Contradiction(never),
        ),
        ("follow where it is done", passed().superseded(Follow), Passes),
    ]);
}

#[test]
fn what_a_human_is_asked() {
    use OnApproval::{Fail, Pass, Wait as Waits};
    let needed = || Ends((Verdict::ApprovalNeeded, asks()));
    check(vec![
        ("wait", passed().asking(Waits), Wait),
        ("fail", passed().asking(Fail), needed()),
        ("pass", passed().asking(Pass), Passes),
        ("pass without anything", passed().asking(Pass).with(|sight| sight.has_deployed = false), needed()),
        ("asked before it ended", passed().asking(Fail).says("success", Some(WorkflowEnd::Succeeded)), Passes),
        ("an install is still to deploy more", passed().asking(Pass).and(InstallState::Open), Wait),
        (
            "an install failed without a deploy",
            passed().asking(Pass).and(InstallState::Failed(install_failure())),
            Ends(install_failure()),
        ),
        ("asked before it failed", passed().asking(Pass).says("failed", None), Ends(own_failure())),
    ]);
}

/// The run asks nobody; a flag has ended a deploy of an install.
#[test]
fn what_is_left_before_it_ended() {
    let going = |state| passed().says("running", None).and(state);
    let (lost, left) = (|| going(InstallState::Left(Left::Lost)), || going(InstallState::Left(Left::Passed)));
    check(vec![
        ("goes on", going(InstallState::Open), Wait),
        ("nothing ended early", going(InstallState::Done), Wait),
        ("lost", lost(), Passes),
        ("lost, another install goes on", lost().and(InstallState::Open), Wait),
        ("lost, another install has not begun", lost().and(InstallState::Nothing), Passes),
        ("lost, another install failed", lost().and(InstallState::Failed(install_failure())), Ends(install_failure())),
        ("passed", left(), Passes),
        ("passed, another install goes on", left().and(InstallState::Open), Wait),
        ("passed, another install has not begun", left().and(InstallState::Nothing), Wait),
        ("passed, but the run failed", left().says("failed", None), Ends(own_failure())),
        ("passed, and the run says so early", left().says("success", Some(WorkflowEnd::Succeeded)), Wait),
    ]);
}
