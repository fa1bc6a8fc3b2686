//! Discovering targets by their names, in virtual time.

use std::time::Duration;

use super::discovery::verdicts;
use crate::virtual_time::{Body, Driver, STARTED_AT, Scripted, at_least, deploy, row, run, s, settings, soon, status};
use jiff::Timestamp;
use nuon_gate_core::api::Request;
use nuon_gate_core::pins::Pins;
use nuon_gate_core::resolve::Wanted;
use nuon_gate_core::watch::{EventKind, InvalidSettings, Refusal, Scope, Watch, WatchSettings};
use nuon_gate_core::{Clock, Signal, Verdict};
use serde_json::json;

fn over(settings: WatchSettings, scope: Scope) -> Watch {
    Watch::new(settings, scope, Pins::default(), Timestamp::from_second(STARTED_AT).unwrap()).unwrap()
}

fn wanted(components: &[&str]) -> Scope {
    let wanted = |component: &&str| Wanted::Component("acme".parse().unwrap(), component.parse().unwrap());
    Scope::Wanted(components.iter().map(wanted).collect())
}

/// The install `acme` with the components `zero` and `one`, whose newest deploys are active.
fn acme(request: &Request) -> Scripted {
    let component =
        |number: u32, name: &str| json!({"component_id": format!("cmp{number}"), "component": {"name": name}});
    soon(match request {
        Request::Install(typed) if typed.as_str() == "acme" => Body::Exactly(json!({"id": "inl1", "name": "acme"})),
        Request::InstallComponents(..) => Body::Exactly(json!([component(0, "zero"), component(1, "one")])),
        Request::LatestDeploy(_, component, _) => deploy(&row(&component.as_str().replace("cmp", "dpl"), "active")),
        Request::Deploy(_, _, id) => deploy(&row(id.as_str(), "active")),
        Request::NamedInstalls(..) => Body::Exactly(json!([{"id": "inl1", "name": "acme"}])),
        _ => status(404),
    })
}

#[test]
fn names_become_targets() {
    let run = run(over(settings(), wanted(&["zero", "one"])), |_, request| acme(request));
    assert_eq!((run.report.verdict, verdicts(&run)), (Verdict::Passed, vec![Verdict::Passed; 2]));
    // A server that does not page answers the second page of the list of installs with the first.
    assert_eq!(run.what()[..4], ["install", "installs", "installs", "components"]);
    let started = run.count(|kind| matches!(kind, EventKind::Started { targets } if targets.len() == 2));
    assert_eq!(started, 1);
    assert_eq!(run.report.targets[1].target.to_string(), "acme/one");
}

#[test]
fn errors_while_names_are_resolved_are_retried() {
    let run = run(
        over(settings(), wanted(&["zero"])),
        |now, request| {
            if now < s(60) { soon(status(503)) } else { acme(request) }
        },
    );
    assert_eq!(run.report.verdict, Verdict::Passed);
    assert!(run.count(|kind| matches!(kind, EventKind::Retrying { target: None, .. })) > 5);
}

#[test]
fn an_install_that_the_list_has_is_asked_for_again() {
    let listed_as = |name: &'static str| {
        run(over(settings(), wanted(&["zero"])), move |now, request| match request {
            Request::Install(_) if now < s(5) => soon(status(404)),
            Request::Installs(_) => soon(Body::Exactly(json!([{"id": "inl1", "name": name}]))),
            _ => acme(request),
        })
    };
    assert_eq!(listed_as("acme").report.verdict, Verdict::Passed);
    assert_eq!(listed_as("acme-2").report.verdict, Verdict::Rejected);
}

/// A server without the list is believed, with a warning. One that fails is asked again.
#[test]
fn an_install_is_waited_for_without_a_list_of_those_with_its_name() {
    let listing = |failing: Duration, code| {
        run(over(settings(), wanted(&["zero"])), move |now, request| match request {
            Request::NamedInstalls(..) if now < failing => soon(status(code)),
            _ => acme(request),
        })
    };
    for code in [400, 404] {
        let ended = listing(Duration::MAX, code);
        assert_eq!(ended.report.verdict, Verdict::Passed, "{code}");
        assert_eq!(ended.what().into_iter().filter(|what| *what == "installs").count(), 1, "{code}");
        assert!(ended.count(|kind| matches!(kind, EventKind::Warned { .. })) > 0, "{code}");
    }
    assert_eq!(listing(Duration::MAX, 503).report.verdict, Verdict::Inconclusive);
    assert_eq!(listing(Duration::MAX, 403).report.verdict, Verdict::Rejected);
    for code in [503, 403] {
        assert_eq!(listing(s(5), code).report.verdict, Verdict::Passed, "{code}");
    }
}

#[test]
fn what_ends_the_search_for_targets_is_reported_of_each() {
    let silent = run(over(settings(), wanted(&["zero", "one"])), |_, _| soon(status(503)));
    assert_eq!((silent.report.verdict, verdicts(&silent)), (Verdict::Inconclusive, vec![Verdict::Inconclusive; 2]));
    assert_eq!(silent.report.targets[0].clock(), Some(Clock::Outage));
    let denied = run(over(settings(), wanted(&["zero"])), |_, _| soon(status(401)));
    assert_eq!((verdicts(&denied), denied.asked.len()), (vec![Verdict::Rejected], 1));
    let unknown = run(over(settings(), wanted(&["zero", "two"])), |_, request| acme(request));
    assert_eq!(verdicts(&unknown), [Verdict::Pending, Verdict::Rejected]);
    assert!(unknown.run_reason().unwrap().plain().contains("no component `two` in install `acme`"));
    let signalled =
        Driver::signalled(s(5), Signal::Terminate).run(over(settings(), wanted(&["zero"])), |_, _| soon(status(503)));
    assert_eq!(signalled.report.verdict, Verdict::Interrupted(Signal::Terminate));
    assert!(signalled.report.elapsed <= s(6));
}

#[test]
fn every_component_of_an_install_is_a_target_and_none_is_an_error() {
    let all = || Scope::Wanted(vec![Wanted::Install("acme".parse().unwrap())]);
    let run_all = |settings| run(over(settings, all()), |_, request| acme(request));
    assert_eq!(verdicts(&run_all(settings())), [Verdict::Passed; 2]);
    let too_many = run_all(WatchSettings { require: at_least(3), ..settings() });
    let expected = InvalidSettings::TooManyRequired { needed: 3, targets: 2 };
    assert_eq!(too_many.refusal, Some(Refusal::Invalid(expected)));
    let nothing = run(over(settings(), all()), |_, request| match request {
        Request::InstallComponents(..) => soon(Body::Exactly(json!([]))),
        _ => acme(request),
    });
    assert_eq!(nothing.refusal.unwrap().to_string(), "install `acme` has no components");
}
