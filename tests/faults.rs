//! The wait survives every fault of the API. If there are only faults, the outage timeout expires.

use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::support::{API, ENDLESS, Gate, Outcome, PASSING, WORKER, access, component, in_parallel, one_deploy, serve};

/// What can come instead of an answer, with words of the expected error message.
const FAULTS: [(&str, &str); 29] = [
    (r#"answer = "status", code = 500"#, "HTTP 500: error injected by the script"),
    (r#"answer = "status", code = 502, body = "html""#, "HTTP 502"),
    (r#"answer = "status", code = 503, body = "capitalised""#, "HTTP 503: error injected by the script"),
    (r#"answer = "status", code = 504, body = "empty""#, "HTTP 504"),
    (r#"answer = "status", code = 599, body = "empty""#, "HTTP 599"),
    (r#"answer = "status", code = 408"#, "HTTP 408"),
    (r#"answer = "status", code = 409"#, "HTTP 409"),
    (r#"answer = "status", code = 425"#, "HTTP 425"),
    (r#"answer = "status", code = 429"#, "HTTP 429"),
    (r#"answer = "status", code = 429, retry_after = "soon""#, "HTTP 429"),
    (r#"answer = "status", code = 429, retry_after = "-5""#, "HTTP 429"),
    (r#"answer = "status", code = 429, retry_after = "Mon, 03 Aug 2020 13:59:00 GMT""#, "HTTP 429"),
    (r#"answer = "redirect""#, "HTTP 302: redirected to elsewhere.example, which is not followed"),
    (r#"answer = "redirect", code = 308"#, "HTTP 308: redirected to elsewhere.example"),
    (r#"answer = "reset""#, "the connection broke off"),
    (r#"answer = "reset-in-head""#, "the connection broke off"),
    (r#"answer = "reset-in-body""#, "the connection broke off"),
    (r#"answer = "length-too-long""#, "the connection broke off"),
    (r#"answer = "length-too-short""#, "undecodable answer: it ends too early"),
    (r#"answer = "unchunked""#, "the connection broke off"),
    (r#"answer = "truncated""#, "undecodable answer: it ends too early"),
    (r#"answer = "undecodable""#, "undecodable answer: it is not JSON"),
    (r#"answer = "html""#, "undecodable answer: it is HTML, not JSON"),
    (r#"answer = "null""#, "undecodable answer: it is not a JSON object"),
    (r#"answer = "array""#, "undecodable answer: it is not a JSON object"),
    (r#"answer = "nothing""#, "undecodable answer: it is empty"),
    (r#"answer = "compressed""#, "undecodable answer: it is compressed (gzip), which was not asked for"),
    (r#"answer = "huge""#, "undecodable answer: it is larger than 16 MiB"),
    (r#"answer = "status", code = 200, body = "empty""#, "undecodable answer: it is empty"),
];
/// Answers that are about something else. From the endpoint for the newest deploy, an empty object means that there is none.
const ODD: [&str; 2] = [r#"answer = "empty-object""#, r#"answer = "another""#];
/// Those that take a request's whole timeout.
const SLOW: [&str; 2] = [r#"answer = "hang""#, r#"answer = "drip""#];
const TIMEOUT: [&str; 2] = ["--request-timeout", "700ms"];

fn with_fault(statuses: &str, on: &str, nth: &str, fault: &str) -> String {
    let fault = fault.replace(", ", "\n");
    // The date's comma does not separate.
    let fault = fault.replace("Mon\n", "Mon, ");
    format!("{}[[fault]]\non = \"{on}\"\nnth = {nth}\n{fault}\n", one_deploy(statuses))
}

/// Has a fault twice in the middle of a wait that would otherwise pass.
fn passes_in_spite_of(on: &str, fault: &str, words: &str) {
    let sim = serve(&with_fault(PASSING, on, "[1, 3]", fault));
    let outcome = Gate::wait(&sim).args(TIMEOUT).args(["--output", "json"]).run();
    assert_eq!(outcome.code, 0, "{fault}:\n{}", outcome.stderr);
    assert_eq!(outcome.target()["deploy"]["status"], "active", "{fault}");
    assert_eq!(outcome.errors(), 2, "{fault}:\n{}", outcome.stderr);
    assert_eq!(outcome.result()["api"]["requests"], json!(sim.requests().len()), "{fault}");
    assert_eq!(outcome.stderr.matches(words).count(), 2, "{fault}: {words}:\n{}", outcome.stderr);
}

#[test]
fn a_fault_is_retried_by_the_next_poll() {
    for (fault, words) in FAULTS {
        passes_in_spite_of("deploy", fault, words);
    }
}

#[test]
fn an_answer_about_something_else_is_a_fault() {
    for fault in ODD {
        passes_in_spite_of("deploy", fault, "no good answer (undecodable answer: ");
        let sim = serve(&with_fault(PASSING, "workflow", "[1, 2]", fault));
        let outcome = Gate::wait(&sim).json();
        assert_eq!((outcome.code, outcome.errors()), (0, 2), "{fault}:\n{}", outcome.stderr);
    }
}

#[test]
fn a_fault_at_the_very_first_poll_is_no_different() {
    for (fault, words) in FAULTS {
        passes_in_spite_of("latest", fault, words);
    }
}

#[test]
fn an_answer_that_does_not_come_is_given_up() {
    std::thread::scope(|scope| {
        for fault in SLOW {
            scope.spawn(move || passes_in_spite_of("deploy", fault, "no answer within 700ms"));
        }
    });
}

#[test]
fn a_fault_that_stays_is_an_outage_and_is_named() {
    for (fault, words) in FAULTS {
        let sim = serve(&with_fault(PASSING, "any", "[]", fault));
        let outcome = Gate::wait(&sim).args(["--api-outage", "150ms"]).json();
        is_outage(&outcome, fault, words);
        assert_eq!(outcome.target()["deploy"], json!(null), "{fault}");
    }
}

#[test]
fn a_fault_that_stays_after_a_good_answer_is_an_outage_and_says_where_the_deploy_was() {
    for (fault, words) in FAULTS {
        let sim = serve(&with_fault(PASSING, "deploy", "[]", fault));
        let outcome = Gate::wait(&sim).args(["--api-outage", "150ms"]).json();
        is_outage(&outcome, fault, words);
        // The page of earlier deploys can show a later status.
        let known = ["queued", "executing"].map(|status| format!("the last status is `{status}`"));
        assert!(known.iter().any(|known| outcome.reason().contains(known)), "{fault}: {}", outcome.reason());
    }
}

fn is_outage(outcome: &Outcome, fault: &str, words: &str) {
    assert_eq!(outcome.code, 7, "{fault}:\n{}", outcome.stderr);
    assert_eq!(outcome.target()["clock"], "outage", "{fault}");
    assert!(outcome.reason().contains(words), "{fault}: {words}: {}", outcome.reason());
}

#[test]
fn an_api_that_only_hangs_is_an_outage() {
    for fault in SLOW {
        let sim = serve(&with_fault(PASSING, "any", "[]", fault));
        let gate = Gate::wait(&sim).args(["--request-timeout", "60ms", "--api-outage", "200ms"]);
        is_outage(&gate.json(), fault, "no answer within");
    }
}

#[test]
fn without_an_outage_timeout_the_total_timeout_ends_it() {
    let sim = serve(&with_fault(PASSING, "any", "[]", r#"answer = "status", code = 503"#));
    let outcome = Gate::wait(&sim).args(["--api-outage", "off", "--timeout", "150ms"]).json().exits(124);
    assert_eq!(outcome.target()["clock"], "total");
    assert!(outcome.reason().contains("HTTP 503"), "{}", outcome.reason());
}

#[test]
fn retry_after_in_seconds_is_obeyed() {
    let fault = r#"answer = "status", code = 429, retry_after = "1""#;
    let sim = serve(&with_fault(PASSING, "deploy", "[1]", fault));
    let outcome = Gate::wait(&sim).json().exits(0);
    let elapsed = outcome.result()["elapsed_ms"].as_u64().unwrap();
    assert!(elapsed >= 1000, "it asked again after {elapsed} ms");
    outcome.says("asking again in 1s");
}

#[test]
fn retry_after_as_a_date_is_obeyed() {
    #[expect(clippy::disallowed_methods, reason = "the date has to lie in the future")]
    let soon = Timestamp::now() + SignedDuration::from_secs(3);
    let date = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&soon).unwrap();
    let fault = format!("answer = \"status\"\ncode = 503\nretry_after = \"{date}\"");
    let script = one_deploy(PASSING) + "[[fault]]\non = \"deploy\"\nnth = [1]\n" + &fault;
    let outcome = Gate::wait(&serve(&script)).json().exits(0);
    let finished: Timestamp = outcome.result()["finished_at"].as_str().unwrap().parse().unwrap();
    let whole_seconds = Timestamp::from_second(soon.as_second()).unwrap();
    assert!(finished >= whole_seconds, "it was to wait until {whole_seconds}, and was over at {finished}");
}

#[test]
fn retry_after_pauses_every_target() {
    let fault = format!(
        "[[fault]]\non = \"deploy\"\ncomponent = \"{API}\"\nnth = [1]\nanswer = \"status\"\ncode = 429\nretry_after = \"1\"\n"
    );
    let endless = component(WORKER, ENDLESS);
    let sim = serve(&(access() + &component(API, PASSING) + &endless + &fault));
    let outcome =
        Gate::wait(&sim).args(["--component", WORKER, "--require", "any", "--output", "ndjson"]).run().exits(0);
    // While the API asks for a pause, nothing can be read about the other component either.
    let events = outcome.events();
    let at = |event: &serde_json::Value| event["at"].as_str().unwrap().parse::<Timestamp>().unwrap();
    let struck = events.iter().position(|event| event["event"] == "retrying").unwrap();
    let next =
        events[struck + 1..].iter().find(|event| event["event"] == "changed" && event["target"]["component"] == API);
    let pause = at(next.unwrap()).duration_since(at(&events[struck]));
    assert!(pause >= SignedDuration::from_millis(990), "{pause}");
}

#[test]
fn retry_after_never_outlasts_the_deadline() {
    for retry_after in ["86400", "99999999999999999999", "Fri, 31 Dec 2100 23:59:59 GMT"] {
        let fault = format!("answer = \"status\"\ncode = 429\nretry_after = \"{retry_after}\"\n");
        let statuses = r#"{ status = "queued" }, { status = "active" }"#;
        let script = one_deploy(statuses) + "[[fault]]\non = \"deploy\"\nnth = [1]\n" + &fault;
        let sim = serve(&script);
        let outcome = Gate::wait(&sim).args(["--timeout", "400ms", "--long-poll", "off"]).json().exits(0);
        assert!(outcome.result()["elapsed_ms"].as_u64().unwrap() >= 400);
        // The latest deploy, the fault, and the last poll at the deadline with its further requests. Then nothing more
        // is sent.
        let asked = sim.requests().into_iter().map(|seen| seen.target);
        // The page of earlier deploys decides nothing.
        let asked: Vec<String> = asked.filter(|target| !target.ends_with("limit=20")).collect();
        assert_eq!(asked.len(), 5, "{retry_after}: {asked:?}");
        assert_eq!(asked[1], asked[2], "{retry_after}: nothing was asked in the pause");
    }
}

/// One poll at the start, the other when the timeout expires.
const TWO_POLLS: [&str; 6] = ["--timeout", "300ms", "--min-interval", "10s", "--max-interval", "10s"];

#[test]
fn the_last_poll_is_at_the_deadline() {
    let sim = serve(&one_deploy(r#"{ status = "queued" }, { status = "active" }"#));
    let gate = Gate::wait(&sim).args(TWO_POLLS);
    assert!(gate.json().exits(0).result()["elapsed_ms"].as_u64().unwrap() >= 300);
}

#[test]
fn the_first_poll_is_at_once_however_short_the_clocks_are() {
    let sim = serve(&one_deploy(r#"{ status = "active" }"#));
    let long = ["--timeout", "15s", "--min-interval", "30s", "--max-interval", "30s"];
    assert!(Gate::wait(&sim).args(long).json().exits(0).result()["elapsed_ms"].as_u64().unwrap() < 10_000);
}

#[test]
fn a_fault_at_the_deadline_is_named() {
    let fault = r#"answer = "status", code = 502, body = "html""#;
    let sim = serve(&with_fault(PASSING, "deploy", "[1]", fault));
    let outcome = Gate::wait(&sim).args(TWO_POLLS).json().exits(124);
    assert!(
        outcome.reason().contains("the last status is `") && outcome.reason().contains("HTTP 502"),
        "{}",
        outcome.reason()
    );
}

#[test]
fn a_last_poll_that_hangs_costs_one_request_timeout() {
    let sim = serve(&with_fault(PASSING, "deploy", "[]", r#"answer = "hang""#));
    let gate = Gate::wait(&sim).args(TWO_POLLS).args(["--request-timeout", "250ms"]);
    let outcome = gate.json().exits(124);
    assert!(outcome.result()["elapsed_ms"].as_u64().unwrap() >= 550);
}

#[test]
fn a_request_that_the_deadline_cuts_short_is_no_error_of_the_api() {
    let sim = serve(&with_fault(PASSING, "deploy", "[1]", r#"answer = "hang""#));
    let intervals = ["--min-interval", "100ms", "--max-interval", "100ms"];
    let gate = Gate::wait(&sim).args(intervals).args(["--timeout", "500ms", "--request-timeout", "20s"]);
    let outcome = gate.json().exits(124);
    assert_eq!(outcome.result()["api"]["errors"], 0, "{}", outcome.stderr);
    assert!(!outcome.reason().contains("error"), "{}", outcome.reason());
}

#[test]
fn trouble_with_the_details_does_not_hide_a_failure() {
    let error = r#"{ status = "error", description = "out of memory" }"#;
    in_parallel(&FAULTS, |(fault, _)| {
        let sim = serve(&with_fault(error, "deploy", "[]", fault));
        // The details are requested for as long as an outage may last, since they name the deploy's target and the
        // reason.
        let outcome = Gate::wait(&sim).args(["--api-outage", "300ms"]).json();
        assert_eq!(outcome.code, 1, "{fault}:\n{}", outcome.stderr);
        assert!(outcome.reason().contains("out of memory"), "{fault}: {}", outcome.reason());
    });
}

#[test]
fn trouble_with_the_links_does_not_hide_a_pass() {
    in_parallel(&FAULTS, |(fault, words)| {
        let sim = serve(&with_fault(PASSING, "cli-config", "[]", fault));
        let outcome = Gate::wait(&sim).json();
        assert_eq!(outcome.code, 0, "{fault}:\n{}", outcome.stderr);
        assert_eq!(outcome.target()["url"], json!(null), "{fault}");
        let warnings = outcome.result()["warnings"].to_string();
        // A slow machine does not read the largest of them within the two seconds for a link.
        assert!(warnings.contains(words) || warnings.contains("not within 2s"), "{fault}: {warnings}");
    });
}
