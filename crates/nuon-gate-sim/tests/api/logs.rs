//! Logs and their pages.

use std::time::Duration;

use nuon_gate_sim::Sim;
use serde_json::Value;

use crate::client::{Answer, ask, get, serve};

const DETAIL: &str = "/v1/installs/inlone/deploys/dpl1";

/// A deploy with these lines in its log.
fn logged(generation: &str, more: &str) -> String {
    format!(
        "generation = \"{generation}\"\n[[component]]\ninstall = \"inlone\"\nid = \"cmpapi\"\n\
         [[component.deploy]]\nid = \"dpl1\"\nstatuses = [{{ status = \"error\" }}]\n{more}\n"
    )
}

fn page(sim: &Sim, order: &str, cursor: &str) -> Answer {
    let stream = get(sim, DETAIL).json()["log_stream"]["id"].as_str().unwrap().to_owned();
    ask(sim, "GET", &format!("/v1/log-streams/{stream}/logs{order}"), &format!("X-Nuon-API-Offset: {cursor}\r\n"))
}

/// Reads a log page by page. Returns the lengths of the pages, and their texts.
fn read(sim: &Sim, order: &str) -> (Vec<usize>, Vec<String>) {
    let (mut cursor, mut lengths, mut texts) = (String::new(), Vec::new(), Vec::new());
    for _ in 0..9 {
        let answer = page(sim, order, &cursor);
        let scripted = answer.each("body");
        lengths.push(scripted.len());
        texts.extend(scripted);
        cursor = answer.header("X-Nuon-API-Next").unwrap().to_owned();
        if cursor.is_empty() {
            return (lengths, texts);
        }
    }
    panic!("the pages have no end: {lengths:?}");
}

#[test]
fn pages_follow_each_other_in_both_orders() {
    // How many lines follow the first one, and the lengths of the pages.
    let cases: [(usize, &[usize]); 4] = [(0, &[1]), (98, &[99]), (99, &[100, 0]), (249, &[100, 100, 50])];
    for generation in ["old", "mid1", "mid", "new"] {
        for (fillers, lengths) in cases {
            let first = "logs = [{ severity = \"error\", text = \"no space\" }]\n";
            let sim = serve(&logged(generation, &format!("{first}filler_logs = {fillers}")));
            let mut expected: Vec<String> = (1..=fillers).map(|number| format!("line {number}")).collect();
            expected.insert(0, "no space".to_owned());
            for order in ["", "?order=asc", "?order=desc"] {
                assert_eq!(read(&sim, order), (lengths.to_vec(), expected.clone()), "{generation} {order} {fillers}");
                if order == "?order=asc" {
                    expected.reverse();
                }
            }
        }
    }
}

#[test]
fn a_record_says_how_bad_it_is_and_whose() {
    let severities = ["debug", "info", "warn", "error", "fatal"];
    let lines =
        severities.map(|severity| format!("{{ severity = \"{severity}\", text = \"{severity}!\" }}")).join(", ");
    let sim = serve(&logged("new", &format!("logs = [{lines}, {{ text = \"usual\" }}]")));
    let detail = get(&sim, DETAIL).json();
    let answer = page(&sim, "", "");
    assert_eq!(answer.each("severity_text"), ["Debug", "Info", "Warn", "Error", "Fatal", "Info"]);
    assert_eq!((answer.header("count"), answer.header("Range-Units")), (Some("6"), Some("items")));
    let numbers: Vec<_> =
        answer.json().as_array().unwrap().iter().map(|record| record["severity_number"].clone()).collect();
    assert_eq!(numbers, [5, 9, 13, 17, 21, 9]);
    let owners = |record: &Value| (record["runner_job_id"].clone(), record["log_stream_id"].clone());
    let expected = (detail["runner_jobs"][0]["id"].clone(), detail["log_stream"]["id"].clone());
    assert!(answer.json().as_array().unwrap().iter().all(|record| owners(record) == expected));
    let times = answer.each("timestamp");
    assert!(times.is_sorted_by(|earlier, later| earlier < later), "{times:?}");
    assert!(times.iter().all(|time| time.len() == "2026-08-03T14:05:17.418273104Z".len()), "{times:?}");
}

#[test]
fn lines_come_when_they_are_logged() {
    let sim =
        serve(&logged("new", "logs = [{ text = \"now\" }, { text = \"later\", after = \"300ms\" }]\nfiller_logs = 1"));
    assert_eq!(page(&sim, "", "").each("body"), ["now"]);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(page(&sim, "", "").each("body"), ["now", "later", "line 1"]);
    assert_eq!(page(&sim, "", "").json(), page(&sim, "", "").json());
}

#[test]
fn what_is_no_stream_or_no_cursor_is_refused() {
    let sim = serve(&logged("new", ""));
    assert_eq!(get(&sim, "/v1/log-streams/dpl1/logs").status, 404);
    assert_eq!(page(&sim, "", "yesterday").status, 400);
    assert_eq!(page(&sim, "", "").text, "[]");
}
