//! The token, and what the server should not have sent, are in no output at any verbosity.

use crate::support::{Folder, Gate, Outcome, PASSING, TOKEN, one_deploy, serve};

const FAILING: &str = r#"{ status = "executing" }, { status = "error", error = "quota" }"#;
/// What the simulator plants into its answers: a credential, and an output of the deploy.
const PLANTED: [&str; 2] = ["simulated-write-token", "nobody's business"];

fn has_no_secret(outcome: &Outcome, what: &str) {
    for text in [&outcome.stdout, &outcome.stderr] {
        for secret in PLANTED.into_iter().chain([TOKEN, "another-token-9b1c", "Bearer"]) {
            assert!(!text.contains(secret), "{what}: {secret} is shown:\n{text}");
        }
    }
}

#[test]
fn no_run_shows_a_secret() {
    let on = |fault: &str| format!("{}[[fault]]\non = \"deploy\"\n{fault}\n", one_deploy(PASSING));
    let runs = [
        ("passing", one_deploy(PASSING), 0),
        ("failing", one_deploy(FAILING), 1),
        ("old", format!("generation = \"old\"\n{}", one_deploy(FAILING)), 1),
        ("redirected", on("answer = \"redirect\""), 7),
        ("undecodable", on("answer = \"undecodable\""), 7),
        ("truncated", on("answer = \"truncated\""), 7),
        ("reset", on("answer = \"reset\""), 7),
        ("refused", on("answer = \"status\"\ncode = 403"), 3),
    ];
    for (what, script, code) in runs {
        for format in ["text", "json", "ndjson"] {
            let sim = serve(&script);
            let folder = Folder::new();
            let path = folder.file("result.json");
            let gate = Gate::wait(&sim).args(["-vvv", "--output", format]);
            let gate = gate.args(["--report", &format!("json={}", path.display())]).env("RUST_LOG", "trace");
            let gate = if code == 7 { gate.args(["--api-outage", "100ms"]) } else { gate };
            let mut outcome = gate.run().exits(code);
            outcome.stdout.push_str(&std::fs::read_to_string(path).unwrap());
            has_no_secret(&outcome, what);
        }
    }
}

#[test]
fn a_refused_token_is_not_shown() {
    let sim = serve(&one_deploy(PASSING));
    let outcome = Gate::wait(&sim).args(["-vvv"]).env("NUON_API_TOKEN", "another-token-9b1c").json().exits(3);
    has_no_secret(&outcome, "401");
}

#[test]
fn a_token_does_not_follow_a_redirect() {
    let sim = serve(&(one_deploy(PASSING) + "[[fault]]\nanswer = \"redirect\"\ncode = 307\n"));
    let outcome = Gate::wait(&sim).args(["--api-outage", "50ms", "-vvv"]).json().exits(7);
    has_no_secret(&outcome, "redirect");
    assert!(outcome.reason().contains("elsewhere.example"), "{}", outcome.reason());
}

#[test]
fn neither_help_nor_usage_errors_show_a_token() {
    for arguments in [&["--help"][..], &["--nonsense"], &["--timeout", "x"], &["--install", "a", "--component", ".."]] {
        let outcome = Gate::at("http://127.0.0.1:9", "wait").args(arguments).run();
        has_no_secret(&outcome, "usage");
    }
}
