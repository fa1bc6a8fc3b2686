//! Signing in with an identity instead of a stored token.

use nuon_gate_sim::{Seen, Sim};

use crate::support::{API, Folder, Gate, INSTALL, ORG, Outcome, PASSING, TOKEN, one_deploy, serve};

const IDENTITY: &str = "planted-identity-3c9e";
const REQUEST_TOKEN: &str = "planted-request-token-a1f4";
/// The beginning of the simulator's own tokens.
const ISSUED: &str = "simulated-short-lived-token";

/// A deploy that passes after a few polls, of an organisation in which this identity can sign in.
fn script(oidc: &str) -> String {
    script_of(PASSING, oidc)
}

fn script_of(statuses: &str, oidc: &str) -> String {
    let who = format!("identity = \"{IDENTITY}\"\nrequest_token = \"{REQUEST_TOKEN}\"\n");
    format!("{}[oidc]\n{who}{oidc}\n", one_deploy(statuses))
}

/// `wait` without an API token.
fn wait(sim: &Sim) -> Gate<'_> {
    Gate::wait(sim).without("NUON_API_TOKEN")
}

/// The same as a job of GitHub's that may request an identity.
fn job<'sim>(sim: &'sim Sim, issuer: &Sim) -> Gate<'sim> {
    let url = format!("{}/github/oidc?x=1", issuer.url());
    wait(sim).env("ACTIONS_ID_TOKEN_REQUEST_URL", url).env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", REQUEST_TOKEN)
}

fn is_exchange(seen: &Seen) -> bool {
    seen.target == "/v1/oidc/token"
}

fn exchanges(sim: &Sim) -> usize {
    sim.requests().into_iter().filter(is_exchange).count()
}

fn is_issuing(seen: &Seen) -> bool {
    seen.target.starts_with("/github/oidc")
}

/// Secrets appear only in the commands that tell GitHub's runner to hide them.
#[track_caller]
fn has_no_secret(outcome: &Outcome, more: &str) {
    for text in [&outcome.stdout, &outcome.stderr, more] {
        for line in text.lines().filter(|line| !line.starts_with("::add-mask::")) {
            for secret in [IDENTITY, REQUEST_TOKEN, ISSUED, "earer "] {
                assert!(!line.contains(secret), "{secret} is shown:\n{text}");
            }
        }
    }
}

#[test]
fn an_identity_of_each_source_signs_in() {
    let folder = Folder::new();
    let file = folder.write("identity", format!("{IDENTITY}\n"));
    for source in ["variable", "file", "issuer"] {
        let sim = serve(&script(""));
        let gate = match source {
            "variable" => wait(&sim).env("NUON_OIDC_TOKEN", IDENTITY),
            "file" => wait(&sim).env("NUON_OIDC_TOKEN_FILE", &file),
            _ => job(&sim, &sim),
        };
        let outcome = gate.json().exits(0);
        let requests = sim.requests();
        let first = requests.iter().find(|seen| !is_issuing(seen)).unwrap();
        assert_eq!((first.method.as_str(), first.target.as_str()), ("POST", "/v1/oidc/token"), "{source}");
        let body: serde_json::Value = serde_json::from_str(&first.body).unwrap();
        assert_eq!(body, serde_json::json!({"org_id": ORG, "token": IDENTITY}));
        assert_eq!(exchanges(&sim), 1);
        // Only requests to the API are counted.
        let asked = requests.iter().filter(|seen| !is_issuing(seen)).count();
        assert_eq!(outcome.result()["api"]["requests"], asked, "{source}");
        assert_eq!(outcome.errors(), 0);
    }
}

#[test]
fn who_has_a_token_does_not_sign_in() {
    let sim = serve(&script(""));
    let both = || job(&sim, &sim).env("NUON_OIDC_TOKEN", IDENTITY);
    both().env("NUON_API_TOKEN", TOKEN).run().exits(0);
    let folder = Folder::new();
    both().args(["--token-file"]).args([folder.write("token", TOKEN)]).run().exits(0);
    let gate = both();
    gate.home().write(".nuon", format!("api_token: {TOKEN}\n"));
    gate.run().exits(0);
    assert!(!sim.requests().iter().any(|seen| is_exchange(seen) || is_issuing(seen)));
    // An empty token counts as unset, like an input of an action that was left out.
    both().env("NUON_API_TOKEN", "").env("NUON_GATE_TOKEN_FILE", " ").run().exits(0);
    assert_eq!(exchanges(&sim), 1);
}

#[test]
fn what_is_nearer_counts_before_what_the_runner_offers() {
    let folder = Folder::new();
    let sim = serve(&script(""));
    let file = folder.write("identity", "another");
    let gate = job(&sim, &sim).env("NUON_OIDC_TOKEN_FILE", &file);
    gate.run().exits(3);
    let gate = job(&sim, &sim).env("NUON_OIDC_TOKEN_FILE", &file).env("NUON_OIDC_TOKEN", IDENTITY);
    gate.run().exits(0);
    assert!(!sim.requests().iter().any(is_issuing));
}

#[test]
fn each_host_gets_its_own_credentials_and_no_others() {
    let (sim, issuer) = (serve(&script("")), serve(&script("")));
    job(&sim, &issuer).run().exits(0);
    let names = |seen: &Seen| -> Vec<String> {
        let mut names: Vec<String> = seen.headers.iter().map(|(name, _)| name.clone()).collect();
        names.sort();
        names
    };
    let asked = issuer.requests();
    assert_eq!(asked.len(), 1);
    assert_eq!(names(&asked[0]), ["accept", "accept-encoding", "authorization", "host", "user-agent"]);
    assert_eq!(asked[0].authorization, Some(format!("bearer {REQUEST_TOKEN}")));
    let audience = sim.url().replace(':', "%3A").replace('/', "%2F");
    assert_eq!(asked[0].target, format!("/github/oidc?x=1&audience={audience}"));
    let requests = sim.requests();
    assert_eq!(
        names(&requests[0]),
        ["accept", "accept-encoding", "content-length", "content-type", "host", "user-agent"]
    );
    for seen in &requests[1..] {
        assert_eq!(seen.authorization, Some(format!("Bearer {ISSUED}-1")));
        assert_eq!(seen.org.as_deref(), Some(ORG));
        assert!(!seen.target.contains(IDENTITY) && seen.body.is_empty());
    }
}

#[test]
fn a_token_that_ends_in_the_middle_of_a_wait_is_exchanged_again() {
    let statuses = r#"{ status = "executing", polls = 9 }, { status = "active" }"#;
    let folder = Folder::new();
    let file = folder.write("identity", IDENTITY);
    for lifetime in [1, 2, 3] {
        let sim = serve(&script_of(statuses, &format!("lifetime_polls = {lifetime}")));
        let gate = wait(&sim).env("NUON_OIDC_TOKEN_FILE", &file).args(["--long-poll", "off"]);
        let outcome = gate.json().exits(0);
        // After the verdict, which the workflow proves, several requests are sent at once.
        let mut requests = sim.requests();
        let proof = requests.iter().rposition(|seen| seen.target.contains("/v1/workflows/")).unwrap();
        requests.truncate(proof + 1);
        let exchanges = requests.iter().filter(|seen| is_exchange(seen)).count();
        assert!(exchanges > 9 / lifetime, "{exchanges} exchanges");
        assert!(outcome.errors() >= exchanges as u64 - 1, "{}", outcome.errors());
        // Each refusal led to one exchange, and the request was repeated at once, without an extra poll.
        for (index, seen) in requests.iter().enumerate().skip(1).filter(|(_, seen)| is_exchange(seen)) {
            assert_eq!(requests[index - 1].target, requests[index + 1].target);
            assert_ne!(requests[index - 1].authorization, requests[index + 1].authorization);
            assert_eq!(seen.authorization, None);
        }
        assert!(!outcome.stderr.contains("asking again"), "{}", outcome.stderr);
    }
}

#[test]
fn a_token_that_is_never_accepted_is_not_exchanged_again() {
    let sim = serve(&script("lifetime_polls = 0"));
    job(&sim, &sim).run().exits(3);
    assert_eq!(exchanges(&sim), 1);
}

#[test]
fn a_row_of_refusals_leads_to_one_exchange() {
    let always = "[[fault]]\non = \"deploy\"\nanswer = \"status\"\ncode = 401\n";
    let sim = serve(&(script("") + always));
    let outcome = job(&sim, &sim).json().exits(3);
    // Every poll uses the token it has. Only the first refusal may mean that the token has expired.
    assert_eq!(exchanges(&sim), 2, "{}", outcome.stderr);
}

#[test]
fn an_expired_identity_does_not_end_a_valid_token() {
    let folder = Folder::new();
    let path = folder.write("identity", IDENTITY);
    let hiccup = "[[fault]]\non = \"deploy\"\nnth = [2, 4]\nanswer = \"status\"\ncode = 401\n";
    let refused = "[[fault]]\non = \"exchange\"\nnth = [2, 3]\nanswer = \"status\"\ncode = 403\n";
    let sim = serve(&(script("") + hiccup + refused));
    wait(&sim).env("NUON_OIDC_TOKEN_FILE", path).run().exits(0);
    assert_eq!(exchanges(&sim), 3);
}

#[test]
fn a_refused_identity_is_rejected_with_what_to_set_up() {
    for (refusal, reason) in [
        ("refuse = 400", "HTTP 400"),
        ("refuse = 401", "HTTP 401"),
        ("refuse = 403", "HTTP 403"),
        ("refuse = 200", "does not authenticate"),
        ("refuse = 422", "HTTP 422"),
    ] {
        let sim = serve(&script(refusal));
        let outcome = job(&sim, &sim).args(["-vvv"]).json().exits(3);
        assert!(outcome.reason().contains("signing in failed"), "{}", outcome.reason());
        assert!(outcome.reason().contains(reason), "{}", outcome.reason());
        has_no_secret(&outcome, "");
        let outcome = outcome.says("trust policy").says("permissions: id-token: write").says("NUON_OIDC_AUDIENCE");
        outcome.says("NUON_API_TOKEN");
        assert_eq!(sim.requests().len(), 2, "{refusal}");
    }
}

#[test]
fn a_server_that_cannot_sign_in_says_so() {
    for sim in [serve(&one_deploy(PASSING)), serve(&script("refuse = 404"))] {
        let outcome = wait(&sim).env("NUON_OIDC_TOKEN", IDENTITY).json().exits(3);
        assert!(outcome.reason().contains("this server does not support signing in"), "{}", outcome.reason());
        outcome.says("set NUON_API_TOKEN");
        assert_eq!(sim.requests().len(), 1);
    }
}

#[test]
fn an_issuer_that_refuses_is_named_with_the_permission() {
    let sim = serve(&script(""));
    let outcome = job(&sim, &sim).env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "another").json().exits(3);
    assert!(outcome.reason().contains("no identity token from 127.0.0.1:"), "{}", outcome.reason());
    outcome.says("permissions: id-token: write");
    assert_eq!(exchanges(&sim), 0);
}

#[test]
fn the_audience_has_to_be_that_of_the_policy() {
    let sim = serve(&script("audience = \"nuon\""));
    job(&sim, &sim).run().exits(3).says("NUON_OIDC_AUDIENCE");
    job(&sim, &sim).env("NUON_OIDC_AUDIENCE", "nuon").run().exits(0);
}

#[test]
fn errors_while_signing_in_are_retried() {
    for on in ["exchange", "issuer"] {
        for answer in ["status", "reset", "undecodable", "html", "null", "redirect", "truncated", "compressed"] {
            let fault = format!("[[fault]]\non = \"{on}\"\nnth = [1, 2]\nanswer = \"{answer}\"\n");
            let sim = serve(&(script("") + &fault));
            let outcome = job(&sim, &sim).json().exits(0);
            assert_eq!(outcome.errors(), if on == "exchange" { 2 } else { 0 }, "{on} {answer}");
        }
        // In the middle of a wait as well.
        let fault = format!("[[fault]]\non = \"{on}\"\nnth = [2, 3]\nanswer = \"status\"\ncode = 502\n");
        let sim = serve(&(script("lifetime_polls = 2") + &fault));
        job(&sim, &sim).args(["--long-poll", "off"]).run().exits(0).says("HTTP 502");
    }
}

#[test]
fn an_outage_while_signing_in_ends_by_its_timeout() {
    for on in ["exchange", "issuer"] {
        for answer in ["status", "hang", "redirect"] {
            let sim = serve(&(script("") + &format!("[[fault]]\non = \"{on}\"\nanswer = \"{answer}\"\n")));
            let gate = job(&sim, &sim).args(["--api-outage", "100ms", "--request-timeout", "200ms", "-vvv"]);
            let outcome = gate.json().exits(7);
            has_no_secret(&outcome, "");
            if answer == "redirect" {
                assert!(outcome.reason().contains("elsewhere.example"), "{}", outcome.reason());
            }
        }
    }
}

#[test]
fn no_secret_is_shown_and_the_runner_is_asked_to_hide_each() {
    let folder = Folder::new();
    for github in ["true", "false"] {
        for (script, code) in [
            (script("lifetime_polls = 2"), 0),
            (script_of(r#"{ status = "error" }"#, ""), 1),
            (script("refuse = 400"), 3),
        ] {
            let sim = serve(&script);
            let path = folder.file("result.json");
            let gate = job(&sim, &sim).args(["-vvv", "--report", &format!("json={}", path.display())]);
            let gate = gate.env("GITHUB_ACTIONS", github).env("RUST_LOG", "trace");
            let outcome = gate.json().exits(code);
            has_no_secret(&outcome, &std::fs::read_to_string(path).unwrap());
            let masks = |secret: &str| outcome.stderr.lines().any(|line| line == format!("::add-mask::{secret}"));
            assert_eq!(masks(IDENTITY), github == "true", "{}", outcome.stderr);
            // Before anything else is written.
            if github == "true" && code != 3 {
                let position = |text: &str| outcome.stderr.find(text).unwrap();
                assert!(position(&format!("::add-mask::{ISSUED}-1")) < position("found deploy"), "{}", outcome.stderr);
            }
            let issued = if code == 3 { 0 } else { exchanges(&sim) };
            for serial in 1..=issued {
                assert_eq!(masks(&format!("{ISSUED}-{serial}")), github == "true", "{}", outcome.stderr);
            }
        }
    }
}

#[test]
fn a_mark_and_a_single_poll_sign_in_as_well() {
    let sim = serve(&script(""));
    let at = |command: &str| {
        let gate = Gate::at(&sim.url(), command).without("NUON_API_TOKEN").env("NUON_OIDC_TOKEN", IDENTITY);
        gate.env("GITHUB_ACTIONS", "true").args(["--install", INSTALL, "--component", API])
    };
    let outcome = at("mark").run().exits(0).says(&format!("::add-mask::{ISSUED}-1"));
    has_no_secret(&outcome, "");
    at("status").run().exits(10);
    let sim = serve(&script("refuse = 403"));
    let gate = Gate::at(&sim.url(), "mark").without("NUON_API_TOKEN").env("NUON_OIDC_TOKEN", IDENTITY);
    gate.args(["--install", INSTALL, "--component", API]).run().exits(3).says("trust policy");
}

#[test]
fn a_source_that_cannot_be_used_is_named() {
    let sim = serve(&script(""));
    let github = |gate: Gate<'static>| gate.env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", REQUEST_TOKEN);
    let bare = || {
        let gate = Gate::at("http://127.0.0.1:9", "wait").without("NUON_API_TOKEN");
        gate.args(["--install", INSTALL, "--component", API])
    };
    bare().run().refused().says("no API token").says("NUON_OIDC_TOKEN_FILE").says("NUON_API_TOKEN");
    bare().env("GITHUB_ACTIONS", "true").run().refused().says("permissions: id-token: write").says("NUON_API_TOKEN");
    let plain = github(bare()).env("ACTIONS_ID_TOKEN_REQUEST_URL", "http://issuer.example/token");
    plain.run().refused().says("ACTIONS_ID_TOKEN_REQUEST_URL").says("plain http");
    let outcome = bare().env("NUON_OIDC_TOKEN_FILE", IDENTITY).run().refused().says("NUON_OIDC_TOKEN_FILE");
    has_no_secret(&outcome, "");
    let folder = Folder::new();
    let unusable: [(&[u8], &str); 4] = [
        (b"\n", "the token is empty"),
        (b"eyJ.a\nb", "a line break at character 6"),
        (b"\x89PNG", "line 1 is not text"),
        (&[b'a'; 70_000], "larger than 64 KiB"),
    ];
    for (content, words) in unusable {
        let file = folder.write("identity", content);
        wait(&sim).env("NUON_OIDC_TOKEN_FILE", file).run().refused().says(words).says("NUON_OIDC_TOKEN_FILE");
    }
    wait(&sim).env("NUON_OIDC_TOKEN_FILE", folder.path()).run().refused().says("it is a folder");
}

#[test]
fn a_file_is_read_again_at_each_exchange() {
    let folder = Folder::new();
    let path = folder.write("identity", "another");
    let sim = serve(&(script("lifetime_polls = 2") + "[[fault]]\non = \"exchange\"\nnth = [1]\nanswer = \"hang\"\n"));
    let gate = wait(&sim).env("NUON_OIDC_TOKEN_FILE", &path).args(["--request-timeout", "2s", "-v"]);
    let mut running = gate.start();
    // By then it has been read, and the exchange is never answered.
    running.wait_for("/v1/oidc/token");
    std::fs::write(&path, IDENTITY).unwrap();
    running.end().exits(0);
}
