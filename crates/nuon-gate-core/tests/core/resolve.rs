//! Resolving targets: the requests, and the outcome.

use nuon_gate_core::api::{ApiError, Fact, Page, Request};
use nuon_gate_core::cause::Warning;
use nuon_gate_core::model::{Install, InstallComponent};
use nuon_gate_core::resolve::{Resolution, Resolver, Wanted};
use nuon_gate_core::{InstallId, Labels, Line, RemoteText};

const ACME: &str = "inlacme0000000000000000000";
const API: &str = "cmpapi00000000000000000000";

fn wanted(install: &str, component: &str) -> Wanted {
    Wanted::Component(install.parse().unwrap(), component.parse().unwrap())
}

fn component(id: &str, name: &str) -> InstallComponent {
    serde_json::from_str(&format!(r#"{{"component_id": "{id}", "component": {{"name": "{name}"}}}}"#)).unwrap()
}

fn status(status: u16) -> ApiError {
    ApiError::Status { status, message: None, retry_after: None, from_nuon: true }
}

fn install(id: &str, name: &str) -> Install {
    Install { id: id.parse().ok(), name: Some(RemoteText::new(name)), labels: None }
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
            Request::Install(typed) if [ACME, "acme"].contains(&typed.as_str()) => Fact::Install(install(ACME, "acme")),
            Request::InstallComponents(_, page) => {
                let row = if *page == 1 { component(API, "api") } else { component("cmpw", "worker") };
                Fact::InstallComponents(Page { rows: vec![row], more: Some(*page == 1) })
            }
            Request::Installs(_) | Request::NamedInstalls(..) => {
                Fact::Installs(Page { rows: vec![install(ACME, "acme")], more: Some(false) })
            }
            _ => {
                assert!(resolver.on_error(&request, &status(404)));
                continue;
            }
        };
        resolver.accept(&request, answer).unwrap();
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
fn ids_need_no_request_and_names_become_ids() {
    assert_eq!(resolve(vec![wanted(ACME, API)]).1, []);
    assert_eq!(targets(vec![wanted("acme", "api")]), [format!("{ACME}/{API} acme/api")]);
    assert_eq!(targets(vec![wanted(ACME, "worker")]), [format!("{ACME}/cmpw acme/worker")]);
    assert_eq!(targets(vec![wanted("acme", API)]), [format!("{ACME}/{API} acme/{API}")]);
}

#[test]
fn an_install_is_requested_once() {
    let (_, asked) = resolve(vec![wanted("acme", "api"), wanted("acme", "worker"), wanted("acme", API)]);
    let (name, id): (InstallId, InstallId) = ("acme".parse().unwrap(), ACME.parse().unwrap());
    let components = |page| Request::InstallComponents(id.clone(), page);
    let alone = Request::NamedInstalls(name.clone(), 1);
    assert_eq!(asked, [Request::Install(name.clone()), alone.clone(), components(1), components(2)]);
    let (_, asked) = resolve(vec![wanted("acme", "api"), wanted(ACME, "worker")]);
    let both = [Request::Install(name), alone, components(1), components(2), Request::Install(id.clone())];
    assert_eq!(asked, both, "a name and an id of one install");
}

#[test]
fn an_install_can_mean_all_its_components() {
    let all = targets(vec![Wanted::Install("acme".parse().unwrap())]);
    assert_eq!(all, [format!("{ACME}/{API} acme/api"), format!("{ACME}/cmpw acme/worker")]);
}

/// What others have does not make up for an install without components, whether it was given by name, id or label.
#[test]
fn an_install_without_components_is_an_error() {
    const BARE: &str = "inlbare0000000000000000011";
    let labels = Labels::new(vec!["env=prod".parse().unwrap()]).unwrap();
    let all = |text: &str| Wanted::Install(text.parse().unwrap());
    for (nameless, wanted, shown) in [
        (false, vec![all("bare")], "bare"),
        (false, vec![all("acme"), all("bare")], "bare"),
        (false, vec![all(BARE), all("acme")], "bare"),
        (true, vec![all(ACME), all(BARE)], BARE),
        (false, vec![Wanted::Labelled(labels, Vec::new())], "bare"),
    ] {
        let bare = || if nameless { Install { name: None, ..install(BARE, "") } } else { install(BARE, "bare") };
        let with_label = |of: Install| Install { labels: Some([("env".into(), "prod".into())].into()), ..of };
        let mut resolver = Resolver::new(wanted.clone());
        let end = loop {
            let request = match resolver.resolve() {
                Resolution::Ask(request) => request,
                end => break end,
            };
            let answer = match &request {
                Request::Install(typed) if typed.as_str().contains("bare") => Fact::Install(bare()),
                Request::Install(_) => Fact::Install(install(ACME, "acme")),
                Request::NamedInstalls(..) => Fact::Installs(Page { rows: vec![], more: Some(false) }),
                Request::LabelledInstalls(..) => {
                    let rows = vec![with_label(install(ACME, "acme")), with_label(bare())];
                    Fact::Installs(Page { rows, more: Some(false) })
                }
                Request::InstallComponents(install, _) => {
                    let rows = if install.as_str() == BARE { vec![] } else { vec![component(API, "api")] };
                    Fact::InstallComponents(Page { rows, more: Some(false) })
                }
                other => panic!("{other:?}"),
            };
            resolver.accept(&request, answer).unwrap();
        };
        let Resolution::Empty(empty) = end else { panic!("{wanted:?}: {end:?}") };
        assert_eq!(empty.to_string(), format!("install `{shown}` has no components"), "{wanted:?}");
    }
}

#[test]
fn an_unknown_name_is_reported_with_similar_ones() {
    let cases = [
        ("acme", "ap", "no component `ap` in install `acme`; did you mean `api`?"),
        ("acme", "wroker", "no component `wroker` in install `acme`; did you mean `worker`?"),
        ("acme", "zebra", "no component `zebra` in install `acme`; there is `api`, `worker`"),
        ("acne", "api", "no install `acne` in this organisation; did you mean `acme`?"),
    ];
    for (install, component, expected) in cases {
        match resolve(vec![wanted(ACME, API), wanted(install, component)]).0 {
            Resolution::Unknown(position, unknown) => {
                assert_eq!((unknown.to_string().as_str(), position), (expected, 1));
            }
            other => panic!("{other:?}"),
        }
    }
}

/// The pages of the list of installs; what is suggested for `acne`, and how many of these pages are read for it.
#[test]
fn an_unknown_install_is_looked_for_in_the_whole_list() {
    type Pages<'a> = &'a [Result<(&'a [&'a str], Option<bool>), ()>];
    let more = |names: &'static [&'static str]| Ok((names, Some(true)));
    let cases: [(Pages<'_>, &str, usize); 8] = [
        (&[more(&["zeta"]), Ok((&["acme"], Some(false)))], "; did you mean `acme`?", 2),
        (&[Ok((&["zeta"], None)), Ok((&["acme"], None)), Ok((&[], None))], "; did you mean `acme`?", 3),
        // What is found so far is suggested if the rest cannot be read, and a list without end is not read to its end.
        (&[more(&["acme"]), Err(())], "; did you mean `acme`?", 2),
        (&[more(&["acme"]), more(&["acme"])], "; did you mean `acme`?", 2),
        (&[Err(())], "", 1),
        (
            &[more(&["a"]), more(&["b"]), more(&["c"]), more(&["d"]), more(&["acme"])],
            "; did you mean `acme`, `a`, `c`?",
            5,
        ),
        // The most similar ones are not kept out by those before them.
        (&[more(&["a", "c", "e", "n"]), Ok((&["acme"], Some(false)))], "; did you mean `acme`, `a`, `c`?", 2),
        // One without an id is none.
        (&[Ok((&["", "zeta"], Some(false)))], "; there is `zeta`", 1),
    ];
    for (pages, suggested, read) in cases {
        let mut resolver = Resolver::new(vec![wanted("acne", "api")]);
        assert!(resolver.on_error(&Request::Install("acne".parse().unwrap()), &status(404)));
        let mut asked = 0;
        let unknown = loop {
            let request = match resolver.resolve() {
                Resolution::Ask(request) => request,
                Resolution::Unknown(0, unknown) => break unknown,
                other => panic!("{other:?}"),
            };
            asked += 1;
            assert_eq!(request, Request::Installs(u32::try_from(asked).unwrap()));
            match pages[asked - 1] {
                Ok((names, more)) => {
                    let row = |name: &&str| install(&format!("inl{name}"), name);
                    let rows = names.iter().map(row).map(|row| match row.name.as_ref().unwrap().is_blank() {
                        true => Install { id: None, ..row },
                        false => row,
                    });
                    resolver.accept(&request, Fact::Installs(Page { rows: rows.collect(), more })).unwrap();
                }
                Err(()) => assert!(resolver.on_error(&request, &status(503))),
            }
        };
        let expected = format!("no install `acne` in this organisation{suggested}");
        assert_eq!((unknown.to_string(), asked), (expected, read), "{pages:?}");
    }
}

#[test]
fn a_thorough_resolver_checks_ids_too() {
    let (absent, none) = ("inlabsent00000000000000000", "cmpnone0000000000000000000");
    let cases = [
        (ACME, API, None),
        (absent, API, Some("no install `inlabsent00000000000000000` in this organisation; there is `acme`")),
        (ACME, none, Some("no component `cmpnone0000000000000000000` in install `acme`; there is `api`, `worker`")),
    ];
    for (install, component, expected) in cases {
        match (resolve_with(Resolver::new(vec![wanted(install, component)]).thorough()).0, expected) {
            (Resolution::Targets(targets), None) => assert_eq!(targets[0].to_string(), "acme/api"),
            (Resolution::Unknown(_, unknown), Some(reason)) => assert_eq!(unknown.to_string(), reason),
            (other, _) => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_answer_about_something_else_does_not_count() {
    let asked = Request::Install("acme".parse().unwrap());
    let facts = [
        Fact::Install(Install::default()),
        Fact::Installs(Page { rows: vec![], more: Some(false) }),
        Fact::InstallComponents(Page { rows: vec![], more: Some(false) }),
        Fact::Latest(None),
    ];
    for fact in facts {
        let mut resolver = Resolver::new(vec![wanted("acme", "api")]);
        assert!(resolver.accept(&asked, fact.clone()).is_err(), "{fact:?}");
        assert_eq!(resolver.resolve(), Resolution::Ask(asked.clone()), "it is asked for again");
    }
}

/// What has to be requested if a component of `acme` is named by this text; nothing if it is an id.
#[test]
fn only_what_has_26_characters_is_an_id() {
    let cases = [
        ("cmpapi00000000000000000000", true),
        ("cmp7k2wq9x4m1n8v3c6b5z0a1s", true),
        ("cmpapi0000000000000000000", false),
        ("cmpapi000000000000000000000", false),
        ("inlapi00000000000000000000", false),
        ("CMPAPI00000000000000000000", false),
        ("cmp-api-0000-0000-0000-000", false),
        ("cmpcomponentofthewholeteam", false),
        ("cmpcomponentofthewholetea1", false),
        ("cmpcomponentofthewholete12", true),
        ("cmp", false),
    ];
    for (text, is_id) in cases {
        let resolution = Resolver::new(vec![wanted(ACME, text)]).resolve();
        assert_eq!(matches!(resolution, Resolution::Targets(_)), is_id, "{text}: {resolution:?}");
    }
}

/// A text like an id with fewer than two digits is first looked up as a name. A list without it proves nothing.
#[test]
fn a_text_like_an_id_that_is_no_name_is_an_id() {
    let id = "cmpcomponentofthewholeteam";
    assert_eq!(targets(vec![wanted("acme", id)]), [format!("{ACME}/{id} acme/{id}")]);
    assert!(matches!(named(vec![], id), Resolution::Targets(targets) if targets[0].component.as_str() == id));
    let rows = vec![component("cmpa", id), component("cmpb", "worker")];
    assert!(matches!(named(rows, id), Resolution::Targets(targets) if targets[0].component.as_str() == "cmpa"));
    assert!(matches!(named(vec![], "cmpcomponentofthewholetea"), Resolution::Unknown(0, _)), "one letter less");
    let thorough = Resolver::new(vec![wanted("acme", id)]).thorough();
    assert!(matches!(resolve_with(thorough).0, Resolution::Unknown(0, _)), "who believes no id");
}

#[test]
fn names_are_compared_exactly() {
    for typed in ["Api", "API", "api\u{301}", "ap\u{456}", "a-pi"] {
        assert!(matches!(resolve(vec![wanted("acme", typed)]).0, Resolution::Unknown(0, _)), "{typed}");
    }
    // The server's names are not trimmed or cleaned either.
    for sent in ["api ", " api", "a\u{200b}pi", "api\u{3164}", "Api"] {
        let rows = vec![component(API, sent)];
        assert!(matches!(named(rows, "api"), Resolution::Unknown(0, _)), "{sent:?}");
    }
}

#[test]
fn two_components_of_one_name_are_ambiguous() {
    let rows = || vec![component("cmpa", "api"), component("cmpb", "worker"), component("cmpc", "api")];
    let Resolution::Ambiguous(ambiguous) = named(rows(), "api") else { panic!() };
    assert_eq!(ambiguous.to_string(), "two components are named `api`: cmpa and cmpc");
    assert!(matches!(named(rows(), "worker"), Resolution::Targets(targets) if targets.len() == 1));
    // An id is not a name, but a component can have another one's id as its name.
    let rows = vec![component("cmpa", "api"), component("api", "worker")];
    assert!(matches!(named(rows, "api"), Resolution::Ambiguous(_)));
}

/// The list of installs with a name like `acme`, page by page; the id of the other one that has this name.
#[test]
fn two_installs_of_one_name_are_ambiguous() {
    type Rows<'a> = &'a [(&'a str, &'a str)];
    type Pages<'a> = &'a [(Rows<'a>, bool)];
    let acme = (ACME, "acme");
    let cases: [(Pages<'_>, Option<&str>); 7] = [
        (&[(&[acme], false)], None),
        (&[(&[], false)], None),
        (&[(&[acme, ("inl2", "acme")], false)], Some("inl2")),
        (&[(&[("inl2", "acme")], false)], Some("inl2")),
        (&[(&[acme], true), (&[("inl2", "acme")], false)], Some("inl2")),
        // Servers compare a part of the name, in any case; the gate compares it exactly.
        (&[(&[acme, ("inl2", "acme-2"), ("inl3", "Acme"), ("inl4", "acme ")], false)], None),
        // An id is no name.
        (&[(&[acme, ("acme", "other")], false)], None),
    ];
    for (pages, other) in cases {
        let mut resolver = Resolver::new(vec![wanted("acme", API)]);
        resolver.accept(&Request::Install("acme".parse().unwrap()), Fact::Install(install(ACME, "acme"))).unwrap();
        for (at, (rows, more)) in pages.iter().enumerate() {
            let asked = Request::NamedInstalls("acme".parse().unwrap(), u32::try_from(at + 1).unwrap());
            assert_eq!(resolver.resolve(), Resolution::Ask(asked.clone()));
            let rows = rows.iter().map(|(id, name)| install(id, name)).collect();
            resolver.accept(&asked, Fact::Installs(Page { rows, more: Some(*more) })).unwrap();
        }
        match (resolver.resolve(), other) {
            (Resolution::Targets(targets), None) => assert_eq!(targets[0].install.as_str(), ACME, "{pages:?}"),
            (Resolution::Ambiguous(ambiguous), Some(other)) => {
                assert_eq!(ambiguous.to_string(), format!("two installs are named `acme`: {ACME} and {other}"));
            }
            (end, _) => panic!("{pages:?}: {end:?}"),
        }
    }
}

/// A server without a list by name can only answer the name. Anything else may be passing trouble.
#[test]
fn a_name_does_without_a_list_that_does_not_exist() {
    let foreign = ApiError::Status { status: 404, message: None, retry_after: None, from_nuon: false };
    let cases = [
        (ApiError::NoEndpoint, true),
        (status(404), true),
        (status(400), true),
        (status(403), false),
        (status(503), false),
        (foreign, false),
    ];
    for (error, does_without) in cases {
        let mut resolver = Resolver::new(vec![wanted("acme", API)]);
        resolver.accept(&Request::Install("acme".parse().unwrap()), Fact::Install(install(ACME, "acme"))).unwrap();
        let Resolution::Ask(request) = resolver.resolve() else { panic!("{error:?}") };
        assert_eq!(resolver.on_error(&request, &error), does_without, "{error:?}");
        let (asks, warned) = match resolver.resolve() {
            Resolution::Ask(again) => (again == request, resolver.take_warnings()),
            _ => (false, resolver.take_warnings()),
        };
        let unsure = does_without.then(|| Warning::PerhapsAmbiguous(Line::new("acme")));
        assert_eq!((asks, warned), (!does_without, unsure.into_iter().collect()), "{error:?}");
    }
}

/// What an id means is not asked of the list.
#[test]
fn an_install_that_was_given_by_its_id_needs_no_list() {
    let mut resolver = Resolver::new(vec![wanted(ACME, "api")]);
    resolver.accept(&Request::Install(ACME.parse().unwrap()), Fact::Install(install(ACME, "acme"))).unwrap();
    assert_eq!(resolver.resolve(), Resolution::Ask(Request::InstallComponents(ACME.parse().unwrap(), 1)));
}

/// Resolves a name in an install of these components.
fn named(rows: Vec<InstallComponent>, typed: &str) -> Resolution {
    let mut resolver = Resolver::new(vec![wanted("acme", typed)]);
    resolver.accept(&Request::Install("acme".parse().unwrap()), Fact::Install(install(ACME, "acme"))).unwrap();
    let alone = Fact::Installs(Page { rows: vec![install(ACME, "acme")], more: Some(false) });
    resolver.accept(&Request::NamedInstalls("acme".parse().unwrap(), 1), alone).unwrap();
    let asked = Request::InstallComponents(ACME.parse().unwrap(), 1);
    assert_eq!(resolver.resolve(), Resolution::Ask(asked.clone()));
    resolver.accept(&asked, Fact::InstallComponents(Page { rows, more: Some(false) })).unwrap();
    resolver.resolve()
}
