//! Which targets are meant: what a resolver asks, and what it comes to.

#![cfg(test)]

use nuon_gate_core::model::{Install, InstallComponent};
use nuon_gate_core::watch::{Answer, Request};
use nuon_gate_core::{InstallId, Page, RemoteText, Resolution, Resolver, Wanted};

const ACME: &str = "inlacme00000000000000000000";
const API: &str = "cmpapi00000000000000000000";

fn wanted(install: &str, component: &str) -> Wanted {
    Wanted::Component(install.parse().unwrap(), component.parse().unwrap())
}

fn component(id: &str, name: &str) -> InstallComponent {
    serde_json::from_str(&format!(r#"{{"component_id": "{id}", "component": {{"name": "{name}"}}}}"#)).unwrap()
}

fn install(id: &str, name: &str) -> Install {
    Install { id: id.parse().ok(), name: Some(RemoteText::new(name)) }
}

/// Resolves against an organisation with the install `acme`, which has `api` and, on its second page, `worker`.
fn resolve(wanted: Vec<Wanted>) -> (Resolution, Vec<Request>) {
    resolve_with(Resolver::new(wanted))
}

fn resolve_with(mut resolver: Resolver) -> (Resolution, Vec<Request>) {
    let mut asked = Vec::new();
    loop {
        let request = match resolver.resolve() {
            Resolution::Ask(request) => request,
            end => return (end, asked),
        };
        asked.push(request.clone());
        assert!(asked.len() < 20, "{asked:?}");
        let answer = match &request {
            Request::Install(typed) if [ACME, "acme"].contains(&typed.as_str()) => {
                Answer::Install(install(ACME, "acme"))
            }
            Request::InstallComponents(_, page) => {
                let row = if *page == 1 { component(API, "api") } else { component("cmpw", "worker") };
                Answer::InstallComponents(Page { rows: vec![row], more: *page == 1 })
            }
            Request::Installs(_) => Answer::Installs(Page { rows: vec![install(ACME, "acme")], more: false }),
            _ => {
                assert!(resolver.learn_error(&request, true));
                continue;
            }
        };
        resolver.learn(&request, answer).unwrap();
    }
}

fn targets(wanted: Vec<Wanted>) -> Vec<String> {
    match resolve(wanted).0 {
        Resolution::Targets(targets) => {
            targets.iter().map(|target| format!("{}/{} {target}", target.install, target.component)).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn ids_need_no_question_and_names_become_ids() {
    assert_eq!(resolve(vec![wanted(ACME, API)]).1, []);
    assert_eq!(targets(vec![wanted("acme", "api")]), [format!("{ACME}/{API} acme/api")]);
    assert_eq!(targets(vec![wanted(ACME, "worker")]), [format!("{ACME}/cmpw acme/worker")]);
    assert_eq!(targets(vec![wanted("acme", API)]), [format!("{ACME}/{API} acme/{API}")]);
}

#[test]
fn an_install_is_asked_about_once() {
    let (_, asked) = resolve(vec![wanted("acme", "api"), wanted("acme", "worker"), wanted("acme", API)]);
    let (name, id): (InstallId, InstallId) = ("acme".parse().unwrap(), ACME.parse().unwrap());
    let components = |page| Request::InstallComponents(id.clone(), page);
    assert_eq!(asked, [Request::Install(name.clone()), components(1), components(2)]);
    let (_, asked) = resolve(vec![wanted("acme", "api"), wanted(ACME, "worker")]);
    let both = [Request::Install(name), components(1), components(2), Request::Install(id.clone())];
    assert_eq!(asked, both, "a name and an id of one install");
}

#[test]
fn an_install_can_mean_all_its_components() {
    let all = targets(vec![Wanted::Install("acme".parse().unwrap())]);
    assert_eq!(all, [format!("{ACME}/{API} acme/api"), format!("{ACME}/cmpw acme/worker")]);
}

#[test]
fn what_there_is_not_is_said_with_what_was_perhaps_meant() {
    let cases = [
        ("acme", "ap", "no component `ap` in install `acme`; did you mean `api`?"),
        ("acme", "wroker", "no component `wroker` in install `acme`; did you mean `worker`?"),
        ("acme", "zebra", "no component `zebra` in install `acme`; there is `api`, `worker`"),
        ("acne", "api", "no install `acne` in this organisation; did you mean `acme`?"),
    ];
    for (install, component, expected) in cases {
        match resolve(vec![wanted(ACME, API), wanted(install, component)]).0 {
            Resolution::Unknown(unknown) => assert_eq!((unknown.reason.plain(), unknown.wanted), (expected, 1)),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn who_is_thorough_believes_no_id() {
    let (absent, none) = ("inlabsent00000000000000000", "cmpnone0000000000000000000");
    let cases = [
        (ACME, API, None),
        (absent, API, Some("no install `inlabsent00000000000000000` in this organisation; there is `acme`")),
        (ACME, none, Some("no component `cmpnone0000000000000000000` in install `acme`; there is `api`, `worker`")),
    ];
    for (install, component, expected) in cases {
        match (resolve_with(Resolver::new(vec![wanted(install, component)]).thorough()).0, expected) {
            (Resolution::Targets(targets), None) => assert_eq!(targets[0].to_string(), "acme/api"),
            (Resolution::Unknown(unknown), Some(reason)) => assert_eq!(unknown.reason, reason),
            (other, _) => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_answer_about_another_install_is_none() {
    let mut resolver = Resolver::new(vec![wanted("acme", "api")]);
    let request = Request::Install("acme".parse().unwrap());
    assert!(resolver.learn(&request, Answer::Install(install(ACME, "acme-staging"))).is_err());
    assert!(resolver.learn(&request, Answer::Install(Install::default())).is_err());
}
