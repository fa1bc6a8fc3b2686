//! Runs of a branch, in virtual time: what keeps a successful run from passing, and what happens if a later run takes
//! over.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use nuon_gate_core::api::Request;
use nuon_gate_core::pins::Pins;
use nuon_gate_core::watch::{Clocks, OnApproval, OnStale, Refusal, Scope, Watch, WatchSettings};
use nuon_gate_core::{BranchRef, Verdict};
use serde_json::{Value, json};

use crate::virtual_time::{
    Body, Driver, Run, STARTED_AT, Scripted, broken, created, no_endpoint, none, row, s, settings, soon, with,
};

/// The app `shop` with the branch `main`. Its runs release to `one` in the group `canary` and `two` in the group
/// `customers`.
pub(super) struct Shop {
    /// The newest first.
    pub(super) runs: Vec<Value>,
    pub(super) groups: BTreeMap<&'static str, Vec<Value>>,
    pub(super) workflows: BTreeMap<&'static str, Value>,
    pub(super) deploys: BTreeMap<&'static str, Value>,
    /// What is answered instead to some requests.
    pub(super) instead: fn(&Request) -> Option<Scripted>,
}

pub(super) fn release(id: &str, status: &str, second: i64) -> Value {
    let own = json!({"id": id, "status": status, "workflow_id": format!("inw{id}")});
    let word = if status == "running" { "in-progress" } else { status };
    let workflow = json!({
        "id": format!("inw{id}"), "owner_id": "abrmain", "owner_type": "app_branches", "finished": status != "running",
        "status": {"status": word}, "app_branch_runs": [created(own, second)],
    });
    created(workflow, second)
}

pub(super) fn group(run: &str, name: &str, status: &str, installs: &[Value]) -> Value {
    json!({
        "id": format!("igr{run}{name}"), "app_branch_run_id": run, "install_group_name": name,
        "status": {"status": status}, "total_installs": installs.len(), "installs": installs,
    })
}

pub(super) fn member(name: &str, status: &str, workflow: &str) -> Value {
    json!({"install_id": format!("inl{name}"), "status": status, "workflow_id": workflow})
}

/// The workflow of an install, with one step that works on this deploy.
pub(super) fn workflow(id: &str, install: &str, status: &str, deploy: &str) -> Value {
    let step = json!({
        "id": format!("iws{id}"), "name": "deploy api", "status": {"status": status}, "step_target_type": "install_deploys",
        "step_target_id": deploy, "finished": status != "in-progress",
    });
    json!({
        "id": id, "owner_id": format!("inl{install}"), "owner_name": install, "finished": status != "in-progress",
        "status": {"status": status}, "steps": [step],
    })
}

pub(super) fn deploy(id: &str, install: &str, status: &str, workflow: &str, second: i64) -> Value {
    let own = json!({
        "install_id": format!("inl{install}"), "component_id": "cmpapi", "component_name": "api", "workflow_id": workflow,
    });
    created(with(row(id, status), own), second)
}

impl Shop {
    /// Everything has succeeded.
    fn done() -> Self {
        let groups = vec![
            group("run1", "canary", "success", &[member("one", "success", "inwone")]),
            group("run1", "customers", "success", &[member("two", "success", "inwtwo")]),
        ];
        Self {
            runs: vec![release("run1", "success", 0)],
            groups: [("run1", groups)].into(),
            workflows: [
                ("inwone", workflow("inwone", "one", "success", "dplone")),
                ("inwtwo", workflow("inwtwo", "two", "success", "dpltwo")),
            ]
            .into(),
            deploys: [
                ("dplone", deploy("dplone", "one", "active", "inwone", 0)),
                ("dpltwo", deploy("dpltwo", "two", "active", "inwtwo", 0)),
            ]
            .into(),
            instead: |_| None,
        }
    }

    pub(super) fn customers(&mut self) -> &mut Value {
        &mut self.groups.get_mut("run1").unwrap()[1]
    }

    fn answer(mut self, request: &Request) -> Scripted {
        if let Some(instead) = (self.instead)(request) {
            return instead;
        }
        let page = |page: &u32, rows: Vec<Value>| if *page == 1 { json!(rows) } else { json!([]) };
        let of_install = |deploys: BTreeMap<&str, Value>, install: &str| {
            let mut own: Vec<_> = deploys.into_values().filter(|row| row["install_id"] == *install).collect();
            own.sort_by_key(|row| std::cmp::Reverse(row["created_at"].as_str().map(str::to_owned)));
            own
        };
        let found = match request {
            Request::Apps(number) => Some(page(number, vec![json!({"id": "appshop", "name": "shop"})])),
            Request::Branches(_, number) => Some(page(number, vec![json!({"id": "abrmain", "name": "main"})])),
            Request::Runs(_, _, number) => Some(page(number, self.runs)),
            Request::Run(_, id) => self.runs.into_iter().find(|run| run["app_branch_runs"][0]["id"] == id.as_str()),
            Request::GroupRuns(_, run, number) => self.groups.remove(run.as_str()).map(|rows| page(number, rows)),
            Request::Workflow(_, id) => self.workflows.remove(id.as_str()),
            Request::Deploy(_, _, id) => self.deploys.remove(id.as_str()),
            Request::LatestDeploy(install, ..) => of_install(self.deploys, install.as_str()).into_iter().next(),
            Request::InstallDeploys(install) => Some(json!(of_install(self.deploys, install.as_str()))),
            _ => None,
        };
        soon(found.map_or_else(none, Body::Exactly))
    }
}

/// Waits for the newest run, or for this one.
pub(super) fn wait_for(named: &str, settings: WatchSettings, change: impl Fn(&mut Shop, Duration)) -> Run {
    wait_with(&Driver::default(), named, settings, change)
}

fn wait_with(driver: &Driver, named: &str, settings: WatchSettings, change: impl Fn(&mut Shop, Duration)) -> Run {
    let scope = Scope::Branch(named.parse::<BranchRef>().unwrap());
    let watch = Watch::new(settings, scope, Pins::default(), Timestamp::from_second(STARTED_AT).unwrap()).unwrap();
    driver.run(watch, |now, request| {
        let mut shop = Shop::done();
        change(&mut shop, now);
        shop.answer(request)
    })
}

pub(super) fn reason(run: &Run) -> String {
    run.run_reason().map(|line| line.plain().to_owned()).unwrap_or_default()
}

/// A step of the run's own workflow.
fn step_of_group(status: &str) -> Value {
    json!({"name": "deploy install group: customers", "status": {"status": status}, "finished": status != "pending"})
}

/// The end of a run whose human has not answered yet, as it seems.
#[test]
fn a_success_that_asks_a_human_is_none() {
    let asks = |shop: &mut Shop| shop.runs[0]["app_branch_runs"][0]["awaiting_approval"] = json!(true);
    let run = wait_for("shop/main", settings(), |shop, _| asks(shop));
    assert_eq!(run.report.verdict, Verdict::ApprovalNeeded, "{}", reason(&run));
    assert!(run.report.elapsed >= s(30), "{:?}", run.report.elapsed);
    let answered = wait_for("shop/main", settings(), |shop, now| {
        if now < s(20) {
            asks(shop);
        }
    });
    assert_eq!(answered.report.verdict, Verdict::Passed);
}

/// An older server lists runs only.
#[test]
fn a_run_that_has_no_endpoint_of_its_own_is_found_in_the_list() {
    for named in ["shop/main", "shop/main/run1"] {
        let run = wait_for(named, settings(), |shop, _| {
            shop.instead = |request| matches!(request, Request::Run(..)).then(|| soon(no_endpoint()));
        });
        assert_eq!(run.report.verdict, Verdict::Passed, "{named}: {}", reason(&run));
    }
}

#[test]
fn a_successful_run_needs_a_proof_for_every_install() {
    type Change = fn(&mut Shop);
    let says = |what: &str| format!("the run says that it succeeded, but {what}");
    let cases: Vec<(Change, String)> = vec![
        (|shop| shop.customers()["status"] = json!({"status": "skipped"}), says("group customers says `skipped`")),
        (|shop| shop.customers()["status"] = json!({"status": "error"}), says("group customers says `error`")),
        (
            |shop| *shop.customers() = group("run1", "customers", "not-attempted", &[]),
            says("group customers says `not-attempted`"),
        ),
        (
            |shop| *shop.customers() = json!({"id": "igr", "install_group_name": "customers"}),
            says("group customers does not say how it ended"),
        ),
        (
            |shop| drop(shop.customers().as_object_mut().unwrap().remove("status")),
            says("group customers does not say how it ended"),
        ),
        (
            |shop| shop.customers()["installs"][0]["status"] = json!("pending"),
            says("its group says that it has not ended at install two"),
        ),
        (
            |shop| {
                let own = &mut shop.customers()["installs"][0];
                (own["status"], own["waiting_on_run_id"]) = (json!(null), json!("run7"));
            },
            says("its group says that it has not ended at install two"),
        ),
        (
            |shop| shop.customers()["failed_installs"] = json!(1),
            says("group customers says that 1 of its installs failed"),
        ),
        (
            |shop| shop.customers()["total_installs"] = json!(3),
            says("group customers has 3 installs, of which only 1 are named"),
        ),
        (
            |shop| {
                *shop.customers() = json!({
                    "id": "igr", "install_group_name": "customers", "status": {"status": "success"}, "completed_installs": 2,
                });
            },
            says("group customers has 2 installs, of which only 0 are named"),
        ),
        (
            |shop| drop(shop.customers()["installs"][0].as_object_mut().unwrap().remove("workflow_id")),
            says("nothing was deployed to install inltwo"),
        ),
        (
            |shop| shop.workflows.get_mut("inwtwo").unwrap()["steps"] = json!([]),
            "two/api: no step of its workflow has worked on it, although the deploy says `active`".to_owned(),
        ),
        (
            |shop| shop.customers()["installs"][0]["status"] = json!("failed"),
            says("its group says that it failed at install two"),
        ),
        (
            |shop| shop.customers()["installs"][0]["status"] = json!({"status": "failed"}),
            says("its group says that it failed at install two"),
        ),
        (
            |shop| shop.customers()["installs"][0]["status"] = json!("failed-pending-retry"),
            says("its group says that it has not ended at install two"),
        ),
        (
            |shop| shop.customers()["installs"][0]["status"] = json!("a word that nobody knows"),
            says("its group says that it has not ended at install two"),
        ),
        (
            |shop| shop.customers()["installs"][0]["status"] = json!("expired"),
            says("its group says that it failed at install two"),
        ),
        (
            |shop| shop.customers()["completed_installs"] = json!(0),
            says("group customers counts 0 of its 1 installs as done"),
        ),
        (
            |shop| shop.runs[0]["steps"] = json!([step_of_group("success"), step_of_group("error")]),
            "the workflow says that it succeeded, but step 2 of 2, deploy install group: customers, failed".to_owned(),
        ),
        (
            |shop| shop.runs[0]["steps"] = json!([step_of_group("pending")]),
            "the workflow says that it succeeded, but step 1 of 1, deploy install group: customers, is `pending`"
                .to_owned(),
        ),
        (
            |shop| shop.runs[0]["status"]["status"] = json!("error"),
            "run run1 did not succeed (it is `error`)".to_owned(),
        ),
    ];
    for (change, expected) in cases {
        let run = wait_for("shop/main", settings(), |shop, _| change(shop));
        assert_eq!((run.report.verdict, reason(&run)), (Verdict::Failed, expected.clone()));
        // One of the two may only lag behind.
        assert!(run.report.elapsed >= s(30), "{expected}: {:?}", run.report.elapsed);
        let mended = wait_for("shop/main", settings(), |shop, now| {
            if now < s(20) {
                change(shop);
            }
        });
        assert_eq!(mended.report.verdict, Verdict::Passed, "{expected}");
    }
    assert_eq!(wait_for("shop/main", settings(), |_, _| {}).report.verdict, Verdict::Passed);
    // If the time is over before that, the contradiction is what was waited for.
    let clocks = Clocks { total: s(20), ..settings().clocks };
    let late = wait_for("shop/main", WatchSettings { clocks, ..settings() }, |shop, _| {
        shop.customers()["status"] = json!({"status": "skipped"});
    });
    let expected = "run run1 is `success`, but group customers says `skipped`";
    assert!(late.report.verdict == Verdict::TimedOut && reason(&late).contains(expected), "{}", reason(&late));
}

#[test]
fn an_install_without_a_deploy_is_named() {
    let action = |shop: &mut Shop| {
        shop.deploys.remove("dpltwo");
        let steps = &mut shop.workflows.get_mut("inwtwo").unwrap()["steps"];
        *steps =
            json!([{"id": "iws1", "name": "post-deploy action", "status": {"status": "success"}, "finished": true}]);
    };
    let run = wait_for("shop/main", settings(), |shop, _| action(shop));
    assert_eq!((run.report.verdict, run.report.targets.len()), (Verdict::Passed, 1));
    let expected = "the run succeeded without deploying anything to 1 install (two)";
    assert!(run.warnings().contains(&expected.to_owned()), "{:?}", run.warnings());

    let everywhere = wait_for("shop/main", settings(), |_, _| {});
    assert!(everywhere.warnings().iter().all(|warning| !warning.contains("without")), "{:?}", everywhere.warnings());
}

#[test]
fn an_install_that_was_named_once_is_not_lost() {
    for leaves in [
        |shop: &mut Shop| *shop.customers() = group("run1", "customers", "success", &[]),
        |shop: &mut Shop| {
            shop.groups.get_mut("run1").unwrap().truncate(1);
        },
    ] {
        let run = wait_for("shop/main", settings(), |shop, now| {
            if now < s(10) {
                shop.runs = vec![release("run1", "running", 0)];
                shop.workflows
                    .insert("inwtwo", with(workflow("inwtwo", "two", "in-progress", ""), json!({"steps": []})));
            } else {
                leaves(shop);
            }
        });
        let expected = "the run says that it succeeded, but install two is no longer in any of its groups";
        assert_eq!((run.report.verdict, reason(&run).as_str()), (Verdict::Failed, expected));
    }
}

#[test]
fn a_run_with_a_wrong_workflow_is_rejected_at_once() {
    type Change = fn(&mut Shop);
    let cases: [(Change, &str); 5] = [
        (|shop| drop(shop.workflows.remove("inwtwo")), "there is no workflow `inwtwo`: HTTP 404: said 404"),
        (
            |shop| shop.workflows.get_mut("inwtwo").unwrap()["owner_id"] = json!("inlone"),
            "workflow inwtwo belongs to install inlone, not to inltwo",
        ),
        (
            |shop| shop.customers()["installs"][0]["workflow_id"] = json!("inwone"),
            "workflow inwone belongs to install inlone, not to inltwo",
        ),
        (
            |shop| shop.workflows.get_mut("inwtwo").unwrap()["plan_only"] = json!(true),
            "workflow inwtwo only makes plans, so there is nothing to wait for",
        ),
        (|shop| shop.groups.clear(), "there is no list of the install groups of run `run1`: HTTP 404: said 404"),
    ];
    for (change, expected) in cases {
        let run = wait_for("shop/main", settings(), |shop, _| change(shop));
        assert_eq!((run.report.verdict, reason(&run).as_str()), (Verdict::Rejected, expected));
        assert!(run.report.elapsed < s(30), "{expected}: {:?}", run.report.elapsed);
    }
}

#[test]
fn the_newest_run_is_the_newest_by_its_time() {
    for reversed in [false, true] {
        let run = wait_for("shop/main", settings(), |shop, _| {
            // Its groups cannot be read, which does not mean that it failed.
            shop.runs.insert(0, release("run2", "failed", 60));
            if reversed {
                shop.runs.reverse();
            }
        });
        assert_eq!((run.report.verdict, reason(&run).as_str()), (Verdict::Failed, "run run2 failed"));
    }
}

#[test]
fn a_run_has_the_age_of_its_creation() {
    let refused = Some(Refusal::StaleRun("run1".parse().unwrap()));
    let said = Driver { says_time: true, ..Driver::default() };
    let unsaid = Driver::default();
    // When the list first answers, when it first shows the run, and when the run was created.
    let cases = [
        ("there at once", &said, 0, 0, -60, refused.clone()),
        ("shown late", &said, 0, 5, -60, refused.clone()),
        ("created since", &said, 0, 5, 3, None),
        ("created while nothing was said", &said, 5, 5, 3, None),
        ("shown late, by a server that does not say the time", &unsaid, 0, 5, -60, None),
        ("there at once, by a server that does not say the time", &unsaid, 0, 0, -60, refused),
    ];
    for (name, driver, answers, shows, second, refusal) in cases {
        let settings = WatchSettings { on_stale: OnStale::Fail, ..settings() };
        let run = wait_with(driver, "shop/main", settings, |shop, now| {
            if now < s(answers) {
                shop.instead = |_| Some(soon(broken()));
            }
            shop.runs = if now < s(shows) { Vec::new() } else { vec![release("run1", "success", second)] };
        });
        let verdict = if refusal.is_some() { Verdict::Pending } else { Verdict::Passed };
        assert_eq!((&run.refusal, run.report.verdict), (&refusal, verdict), "{name}");
    }
}

#[test]
fn a_run_is_left_when_a_flag_has_ended_the_deploy_that_asks() {
    use OnApproval::{Fail, Pass, Wait};
    let asking = |shop: &mut Shop, _: Duration| {
        shop.runs = vec![release("run1", "running", 0)];
        let mut asks = workflow("inwtwo", "two", "approval-awaiting", "dpltwo");
        for value in [&mut asks, &mut shop.groups.get_mut("run1").unwrap()[1]] {
            value["status"]["status"] = json!("in-progress");
            value["finished"] = json!(false);
        }
        asks["steps"][0]["approval"] = json!({"id": "iwa1"});
        asks["steps"][0]["finished"] = json!(false);
        shop.workflows.insert("inwtwo", asks);
        shop.deploys.insert("dpltwo", deploy("dpltwo", "two", "pending-approval", "inwtwo", 0));
    };
    let ended = |on_approval| {
        let run = wait_for("shop/main", WatchSettings { on_approval, ..settings() }, asking);
        (run.report.verdict, run.report.elapsed < s(30))
    };
    assert_eq!(ended(Fail), (Verdict::ApprovalNeeded, true));
    assert_eq!(ended(Pass), (Verdict::Passed, true));
    assert_eq!(ended(Wait), (Verdict::TimedOut, false));
}

/// The first group is done, and the second is not there yet.
#[test]
fn a_human_is_asked_whoever_says_so() {
    let step = || json!([{"id": "iws9", "name": "approve customers", "status": {"status": "approval-awaiting"}}]);
    let says: [fn(&mut Shop, Value); 3] = [
        |shop, _| shop.runs[0]["app_branch_runs"][0]["awaiting_approval"] = json!(true),
        |shop, step| shop.runs[0]["steps"] = step,
        |shop, _| {
            let waiting = group("run1", "customers", "approval-awaiting", &[]);
            shop.groups.insert("run1", vec![shop.groups["run1"][0].clone(), waiting]);
        },
    ];
    for (at, say) in says.into_iter().enumerate() {
        let asking = |shop: &mut Shop, _: Duration| {
            shop.runs = vec![release("run1", "running", 0)];
            shop.groups.get_mut("run1").unwrap().truncate(1);
            say(shop, step());
        };
        let run = wait_for("shop/main", WatchSettings { on_approval: OnApproval::Fail, ..settings() }, asking);
        assert_eq!((run.report.verdict, run.report.elapsed < s(30)), (Verdict::ApprovalNeeded, true), "{at}");
    }
    // Whoever starts the run has decided that nobody is asked.
    let approves_all = |shop: &mut Shop, now: Duration| {
        let running = release("run1", "running", 0);
        let is_over = now > s(60);
        let own = json!({"steps": step(), "approval_option": "approve-all"});
        shop.runs = vec![if is_over { release("run1", "success", 0) } else { with(running, own) }];
    };
    let run = wait_for("shop/main", WatchSettings { on_approval: OnApproval::Fail, ..settings() }, approves_all);
    assert_eq!(run.report.verdict, Verdict::Passed, "{:?}", run.run_reason());
}
