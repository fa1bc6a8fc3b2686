//! Lists and their pages.

use crate::client::{Answer, ask, get, serve};

const COMPONENTS: &str = "/v1/installs/inlone/components";

/// An install with this many components, `component-1` and so on, without deploys.
fn many(generation: &str, count: usize) -> String {
    let component = |at| {
        format!(
            "[[component]]\ninstall = \"inlone\"\ninstall_name = \"acme\"\nid = \"cmp{at}\"\nname = \"Component-{at}\"\n"
        )
    };
    let components: String = (1..=count).map(component).collect();
    format!("generation = \"{generation}\"\n{components}")
}

fn paging(answer: &Answer) -> [Option<&str>; 3] {
    ["X-Nuon-Page-Next", "X-Nuon-Page-Offset", "X-Nuon-Page-Limit"].map(|name| answer.header(name))
}

#[test]
fn pages_are_cut_as_asked() {
    // The query, the first row, the number of rows, and the headers.
    let cases = [
        ("", 1, 10, ["true", "0", "10"]),
        ("?limit=3", 1, 3, ["true", "0", "3"]),
        ("?limit=100", 1, 100, ["true", "0", "100"]),
        ("?limit=1000", 1, 100, ["true", "0", "100"]),
        ("?limit=120&offset=20", 21, 100, ["false", "20", "100"]),
        ("?offset=109", 110, 10, ["true", "109", "10"]),
        ("?offset=110", 111, 10, ["false", "110", "10"]),
        ("?offset=111", 112, 9, ["false", "111", "10"]),
        ("?offset=500", 0, 0, ["false", "500", "10"]),
        ("?page=1", 1, 10, ["true", "0", "10"]),
        ("?page=3&limit=50&offset=7", 101, 20, ["false", "100", "50"]),
        ("?page=0&offset=7", 8, 10, ["true", "7", "10"]),
        ("?limit=many&offset=-1&page=first", 1, 10, ["true", "0", "10"]),
        ("?page=18446744073709551615", 0, 0, ["false", "18446744073709551615", "10"]),
    ];
    for generation in ["mid", "new", "today"] {
        let sim = serve(&many(generation, 120));
        for (query, first, count, headers) in cases {
            let answer = get(&sim, &format!("{COMPONENTS}{query}"));
            let ids = answer.each("component_id");
            assert_eq!(paging(&answer), headers.map(Some), "{generation} {query}");
            assert_eq!(ids.len(), count, "{generation} {query}");
            assert_eq!(ids.first().cloned(), (first > 0).then(|| format!("cmp{first}")), "{generation} {query}");
        }
    }
}

#[test]
fn servers_of_2025_page_for_those_who_ask() {
    let cases = [
        ("mid1", "", 120),
        ("mid1", "X-Nuon-Pagination-Enabled:\r\n", 120),
        ("mid1", "X-Nuon-Pagination-Enabled: true\r\n", 10),
        ("old", "X-Nuon-Pagination-Enabled: true\r\n", 120),
        ("mid", "", 10),
    ];
    for (generation, header, count) in cases {
        let sim = serve(&many(generation, 120));
        let answer = ask(&sim, "GET", COMPONENTS, header);
        assert_eq!(answer.each("component_id").len(), count, "{generation} {header}");
        assert_eq!(answer.header("X-Nuon-Page-Next"), (count == 10).then_some("true"), "{generation} {header}");
    }
}

#[test]
fn every_install_is_listed_once_and_found_by_its_name() {
    let component =
        |install: &str, more: &str| format!("[[component]]\ninstall = \"{install}\"\nid = \"cmpapi\"\n{more}");
    let zebra = "install_name = \"zebra\"\n";
    let script = component("inlone", "")
        + &component("inlone", zebra)
        + &component("inltwo", "install_name = \"acme\"\n")
        + &component("inlone", "");
    let sim = serve(&script);
    let answer = get(&sim, "/v1/installs?limit=100");
    assert_eq!(answer.each("name"), ["acme", "zebra"]);
    assert_eq!(answer.each("id"), ["inltwo", "inlone"]);
    assert_eq!(answer.each("app_id").len(), 2);
    assert_eq!(paging(&answer), ["false", "0", "100"].map(Some));
    for (part, names) in [("ZEB", vec!["zebra"]), ("e", vec!["acme", "zebra"]), ("other", vec![])] {
        assert_eq!(get(&sim, &format!("/v1/installs?q={part}")).each("name"), names, "{part}");
    }
    for (asked, found) in [("zebra", "inlone"), ("inlone", "inlone"), ("acme", "inltwo")] {
        assert_eq!(get(&sim, &format!("/v1/installs/{asked}")).json()["id"], found);
    }
    for target in [
        "installs/none",
        "installs/none/components",
        "installs/zebra/components",
        "installs/zebra/components/cmpapi/deploys",
    ] {
        assert_eq!(get(&sim, &format!("/v1/{target}")).status, 404, "{target}");
    }
}

#[test]
fn components_are_filtered_by_a_part_of_their_name() {
    let sim = serve(&many("new", 12));
    let names = |query: &str| -> Vec<String> {
        let rows = get(&sim, &format!("{COMPONENTS}?q={query}")).json();
        rows.as_array().unwrap().iter().map(|row| row["component"]["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("nent-1"), ["Component-1", "Component-10", "Component-11", "Component-12"]);
    assert_eq!(names("COMPONENT%2D12"), ["Component-12"]);
    assert_eq!(names("other"), [""; 0]);
    let listed = get(&sim, &format!("{COMPONENTS}?q=-12")).json();
    assert_eq!(listed[0], get(&sim, &format!("{COMPONENTS}/cmp12")).json());
}

#[test]
fn deploys_come_in_pages_newest_first() {
    let deploys: String = (1..=12)
        .map(|at| format!("[[component.deploy]]\nid = \"dpl{at}\"\nstatuses = [{{ status = \"active\" }}]\n"))
        .collect();
    let sim = serve(&(many("new", 1) + &deploys));
    let answer = get(&sim, &format!("{COMPONENTS}/cmp1/deploys?page=2&limit=5"));
    assert_eq!(answer.each("id"), ["dpl7", "dpl6", "dpl5", "dpl4", "dpl3"]);
    assert_eq!(paging(&answer), ["true", "5", "5"].map(Some));
    let before = many("new", 1) + "earlier = [\"1m\", \"2m 50s\"]\n" + &deploys;
    let sim = serve(&before);
    let answer = get(&sim, &format!("{COMPONENTS}/cmp1/deploys?page=3&limit=5")).json();
    let took = |row: &serde_json::Value| {
        let created: jiff::Timestamp = row["created_at"].as_str().unwrap().parse().unwrap();
        row["status_v2"]["created_at_ts"].as_i64().unwrap() - created.as_second()
    };
    let rows: Vec<_> = answer.as_array().unwrap().iter().collect();
    assert_eq!((rows.len(), rows[1]["id"].as_str()), (4, Some("dpl1")));
    assert_eq!((took(rows[2]), took(rows[3])), (170, 60), "{rows:?}");
    assert!(rows[3]["created_at"].as_str() < rows[2]["created_at"].as_str());
    assert_eq!(
        get(&sim, &format!("{COMPONENTS}/cmp1/deploys/latest")).json()["id"],
        "dpl12",
        "they are never the latest"
    );
    let whole = get(&sim, &format!("{COMPONENTS}/deploys?limit=100")).each("id");
    assert_eq!(whole, get(&sim, &format!("{COMPONENTS}/cmp1/deploys?limit=100")).each("id"));
    let coming = many("new", 1)
        + "earlier = [\"1m\"]\n[[component.deploy]]\nafter = \"1h\"\nstatuses = [{ status = \"active\" }]\n";
    let none = get(&serve(&coming), &format!("{COMPONENTS}/deploys")).text;
    assert_eq!(none, "[]", "nor the newest of an install's list");
    let unknown = get(&sim, &format!("{COMPONENTS}/cmp2/deploys"));
    assert_eq!((unknown.status, unknown.text.as_str()), (200, "[]"));
}
