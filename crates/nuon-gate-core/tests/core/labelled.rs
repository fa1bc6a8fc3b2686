//! Which installs have the requested labels, as a table: what the list says, what each install says itself, and which
//! become targets.

use nuon_gate_core::Labels;
use nuon_gate_core::api::{Fact, Page, Request};
use nuon_gate_core::cause::Warning;
use nuon_gate_core::model::Install;
use nuon_gate_core::resolve::{Resolution, Resolver, Wanted};

const API: &str = "cmpapi00000000000000000011";
const FITS: &str = r#""labels":{"env":"prod","tier":"a"}"#;
const UNFIT: &str = r#""labels":{"env":"prod","tier":"b"}"#;
/// An answer without labels.
const SILENT: &str = r#""labels":null"#;

fn labels() -> Labels {
    Labels::new(vec!["env=prod".parse().unwrap(), "tier=a".parse().unwrap()]).unwrap()
}

fn install(name: &str, rest: &str) -> Install {
    serde_json::from_str(&format!(r#"{{"id":"inl{name}00000000000000000011","name":"{name}",{rest}}}"#)).unwrap()
}

/// The installs that became targets, those that were left out, and how many were read individually.
#[derive(Debug, PartialEq)]
struct Outcome {
    targets: Vec<String>,
    unlabelled: Vec<String>,
    read: usize,
}

/// Resolves against a list of these installs, two a page, each of which has these labels if it is read.
fn resolve(list: &[(&str, &str, &str)], says_more: bool) -> Result<Outcome, String> {
    let mut resolver = Resolver::new(vec![Wanted::Labelled(labels(), vec![API.parse().unwrap()])]);
    let mut read = 0;
    for _ in 0..100 {
        let request = match resolver.resolve() {
            Resolution::Ask(request) => request,
            Resolution::Targets(targets) => {
                let warnings = resolver.take_warnings().into_iter();
                let left_out = warnings.flat_map(|warning| match warning {
                    Warning::Unlabelled { named, .. } => named,
                    other => panic!("{other}"),
                });
                let targets = targets.iter().map(|target| target.install_label().to_owned()).collect();
                return Ok(Outcome {
                    targets,
                    unlabelled: left_out.map(|name| name.plain().to_owned()).collect(),
                    read,
                });
            }
            Resolution::Unfit(unfit) => return Err(unfit.to_string()),
            other => panic!("{other:?}"),
        };
        let fact = match &request {
            Request::LabelledInstalls(asked, page) => {
                assert_eq!(*asked, labels());
                let page = *page as usize;
                let rows = list.iter().skip(2 * (page - 1)).take(2).map(|(name, listed, _)| install(name, listed));
                Fact::Installs(Page { rows: rows.collect(), more: says_more.then_some(2 * page < list.len()) })
            }
            Request::Install(id) => {
                read += 1;
                let (name, _, itself) = list.iter().find(|(name, ..)| id.as_str().contains(name)).unwrap();
                Fact::Install(install(name, itself))
            }
            other => panic!("{other:?}"),
        };
        resolver.accept(&request, fact).unwrap();
    }
    panic!("it never ends");
}

#[test]
fn installs_are_selected_by_labels() {
    type Case<'a> = (&'a [(&'a str, &'a str, &'a str)], &'a [&'a str], &'a [&'a str], usize);
    let cases: &[Case<'_>] = &[
        (&[("a", FITS, FITS), ("b", FITS, FITS)], &["a", "b"], &[], 0),
        // The server ignored the filter.
        (
            &[("a", UNFIT, UNFIT), ("b", FITS, FITS), ("c", FITS, FITS), ("d", UNFIT, UNFIT), ("e", FITS, FITS)],
            &["b", "c", "e"],
            &[],
            0,
        ),
        // The list has no labels, the install itself does.
        (&[("a", SILENT, FITS), ("b", FITS, FITS), ("c", SILENT, UNFIT)], &["a", "b"], &[], 2),
        // Neither has labels.
        (&[("a", FITS, FITS), ("b", SILENT, SILENT), ("c", SILENT, SILENT)], &["a"], &["b", "c"], 2),
    ];
    for (list, targets, unlabelled, read) in cases {
        for says_more in [true, false] {
            let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
            let expected = Outcome { targets: owned(targets), unlabelled: owned(unlabelled), read: *read };
            assert_eq!(resolve(list, says_more), Ok(expected), "{list:?}");
        }
    }
}

#[test]
fn labels_that_match_no_install_are_an_error() {
    let none = "no install has the labels env=prod,tier=a";
    assert_eq!(resolve(&[], true), Err(none.to_owned()));
    assert_eq!(resolve(&[("a", UNFIT, UNFIT)], true), Err(none.to_owned()));
    let silent = resolve(&[("a", SILENT, SILENT), ("b", UNFIT, UNFIT)], true);
    assert_eq!(silent, Err(format!("{none}; of 1 the server does not say which labels they have")));
}

#[test]
fn other_targets_do_not_make_up_for_labels_without_a_match() {
    let other = Wanted::Component("inlacme0000000000000000011".parse().unwrap(), API.parse().unwrap());
    let mut resolver = Resolver::new(vec![other, Wanted::Labelled(labels(), Vec::new())]);
    let asked = Request::LabelledInstalls(labels(), 1);
    assert_eq!(resolver.resolve(), Resolution::Ask(asked.clone()));
    resolver.accept(&asked, Fact::Installs(Page { rows: Vec::new(), more: Some(false) })).unwrap();
    assert!(matches!(resolver.resolve(), Resolution::Unfit(_)));
}
