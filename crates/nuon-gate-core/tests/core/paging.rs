//! Lists of several pages: how a server announces the next page, and where a list ends if it does not.

use jiff::Timestamp;
use nuon_gate_core::InstallId;
use nuon_gate_core::api::{ApiError, Fact, Page, Request, decode, interpret};
use nuon_gate_core::model::InstallComponent;
use nuon_gate_core::resolve::{Resolution, Resolver, Wanted};
use nuon_gate_http::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;

const ACME: &str = "inlacme0000000000000000000";

fn acme() -> InstallId {
    ACME.parse().unwrap()
}

#[test]
fn only_true_and_false_announce_a_next_page() {
    let cases = [
        (Some("true"), Some(true)),
        (Some("false"), Some(false)),
        (Some("True"), None),
        (Some("1"), None),
        (Some(""), None),
        (None, None),
    ];
    for (word, more) in cases {
        let next = HeaderName::from_static("x-nuon-page-next");
        let headers: HeaderMap = word.map(|word| (next, HeaderValue::from_static(word))).into_iter().collect();
        for request in [Request::Installs(1), Request::InstallComponents(acme(), 1)] {
            let answer = interpret(&request, 200, &headers, b"[]", Timestamp::UNIX_EPOCH).unwrap();
            let said = match answer.fact {
                Fact::Installs(page) => page.more,
                Fact::InstallComponents(page) => page.more,
                other => panic!("{other:?}"),
            };
            assert_eq!(said, more, "{word:?}");
        }
    }
}

#[test]
fn objects_and_checks_have_no_next_page_unless_it_is_announced_or_this_one_is_full() {
    let cases = [
        (Some("true"), 1, Some(true)),
        (Some("false"), 100, Some(false)),
        (None, 99, Some(false)),
        (None, 100, None),
        (None, 5_000, None),
    ];
    for (word, count, more) in cases {
        let next = HeaderName::from_static("x-nuon-page-next");
        let headers: HeaderMap = word.map(|word| (next, HeaderValue::from_static(word))).into_iter().collect();
        // Rows of others fill a page as well.
        let mut rows = vec![json!({ "install_component_id": "inc2" }); count];
        rows[0] = json!({ "install_component_id": "inc1" });
        let rows = json!(rows).to_string();
        let request = Request::Resources(acme(), "cmp1".parse().unwrap(), "inc1".parse().unwrap(), 1);
        match interpret(&request, 200, &headers, rows.as_bytes(), Timestamp::UNIX_EPOCH).unwrap().fact {
            Fact::Resources(page) => assert_eq!((page.rows.len(), page.more), (1, more), "{word:?} {count}"),
            other => panic!("{other:?}"),
        }
    }
}

fn install() -> Fact {
    Fact::Install(decode(json!({ "id": ACME, "name": "acme" }).to_string().as_bytes()).unwrap())
}

fn rows(names: &[&str]) -> Vec<InstallComponent> {
    let row = |name: &&str| json!({ "component_id": format!("cmp{name}"), "component": { "name": name } });
    names.iter().map(|name| decode(row(name).to_string().as_bytes()).unwrap()).collect()
}

/// Lists the components of an install page by page. Returns their names, and the number of requested pages.
fn listed(mut page: impl FnMut(u32) -> Page<InstallComponent>) -> Result<(String, u32), ApiError> {
    let mut resolver = Resolver::new(vec![Wanted::Install(acme())]);
    let mut asked = 0;
    loop {
        let request = match resolver.resolve() {
            Resolution::Ask(request) => request,
            Resolution::Targets(targets) => {
                let names = targets.iter().map(|target| target.component.as_str().trim_start_matches("cmp").to_owned());
                return Ok((names.collect::<Vec<_>>().join(" "), asked));
            }
            Resolution::Empty(_) => return Ok((String::new(), asked)),
            other => panic!("{other:?}"),
        };
        let fact = match &request {
            Request::Install(_) => install(),
            Request::InstallComponents(_, number) => {
                asked += 1;
                assert_eq!(*number, asked, "one after the other, and each once");
                Fact::InstallComponents(page(*number))
            }
            other => panic!("{other:?}"),
        };
        resolver.accept(&request, fact)?;
    }
}

/// The server's pages, what it says about a next page, the expected components, and the number of requested pages.
#[test]
fn a_list_goes_on_until_it_says_that_it_ends_or_has_nothing_new() {
    type Pages = &'static [&'static [&'static str]];
    let cases: [(Pages, Option<bool>, &str, u32); 10] = [
        // It says whether there are more.
        (&[&["a", "b"], &["c"]], Some(false), "a b", 1),
        (&[&[]], Some(false), "", 1),
        // It says nothing, so the list ends at an empty page.
        (&[&[]], None, "", 1),
        (&[&["a"], &[]], None, "a", 2),
        (&[&["a", "b"], &["c", "d"], &["e"], &[]], None, "a b c d e", 4),
        // A server without paging repeats the same page.
        (&[&["a", "b"], &["a", "b"], &["x"]], None, "a b", 2),
        (&[&["a", "b"], &["b", "a"], &["x"]], None, "a b", 2),
        (&[&["a", "b"], &["b"], &["x"]], None, "a b", 2),
        // If a row is added meanwhile, another one moves to the next page. Each is listed once.
        (&[&["a", "b"], &["b", "c"], &["d"], &[]], None, "a b c d", 4),
        (&[&["a", "a"], &[]], None, "a", 2),
    ];
    for (pages, more, names, asked) in cases {
        let page = |number: u32| Page { rows: rows(pages[number as usize - 1]), more };
        assert_eq!(listed(page), Ok((names.to_owned(), asked)), "{pages:?}, next: {more:?}");
    }
}

/// A partial list would leave targets out.
#[test]
fn a_list_that_ends_although_more_is_announced_is_no_answer() {
    let broken = Err(ApiError::Undecodable("there are more components, which are not listed".to_owned()));
    type Pages = &'static [(&'static [&'static str], Option<bool>)];
    let cases: [Pages; 5] = [
        &[(&["a", "b"], Some(true)), (&[], Some(false))],
        &[(&["a", "b"], Some(true)), (&[], None)],
        &[(&["a", "b"], Some(true)), (&["b", "a"], Some(true))],
        &[(&["a"], None), (&[], Some(true))],
        &[(&[], Some(true))],
    ];
    for pages in cases {
        let page = |number: u32| {
            let (names, more) = pages[number as usize - 1];
            Page { rows: rows(names), more }
        };
        assert_eq!(listed(page), broken, "{pages:?}");
    }
    // A server may say that there is more after a full page without having checked.
    let full: Vec<String> = (0..100).map(|number| number.to_string()).collect();
    let full: Vec<&str> = full.iter().map(String::as_str).collect();
    let whole = listed(|number| match number {
        1 => Page { rows: rows(&full), more: Some(true) },
        _ => Page { rows: Vec::new(), more: Some(false) },
    });
    assert_eq!(whole, Ok((full.join(" "), 2)));
    let moved =
        |number: u32| Page { rows: rows(&[&["a", "b"], &["b", "c"]][number as usize - 1][..]), more: Some(number < 2) };
    assert_eq!(listed(moved), Ok(("a b c".to_owned(), 2)));
}

#[test]
fn a_list_without_end_is_no_answer() {
    for more in [None, Some(true)] {
        let mut last = 0;
        let endless = listed(|number| {
            last = number;
            Page { rows: rows(&[&number.to_string()]), more }
        });
        let error = ApiError::Undecodable("there are more than 10000 components".to_owned());
        assert_eq!((endless, last), (Err(error), 100));
    }
    // At most a hundred full pages can be a complete list.
    let whole = listed(|number| Page { rows: rows(&[&number.to_string()]), more: Some(number < 100) });
    assert_eq!(whole.map(|(_, asked)| asked), Ok(100));
}

#[test]
fn a_row_without_an_id_is_no_answer() {
    let nameless = || decode(br#"{"component": {"name": "api"}}"#).unwrap();
    let list = listed(|_| Page { rows: vec![nameless()], more: Some(false) });
    assert_eq!(list, Err(ApiError::Undecodable("one of the components has no id".to_owned())));
}

/// An answer that arrives twice, or late, changes nothing.
#[test]
fn a_page_that_was_not_requested_is_ignored() {
    let mut resolver = Resolver::new(vec![Wanted::Install(acme())]);
    resolver.accept(&Request::Install(acme()), install()).unwrap();
    for number in [2, 7] {
        let page = Page { rows: rows(&["x"]), more: Some(false) };
        resolver.accept(&Request::InstallComponents(acme(), number), Fact::InstallComponents(page)).unwrap();
        assert_eq!(resolver.resolve(), Resolution::Ask(Request::InstallComponents(acme(), 1)), "{number}");
    }
}
