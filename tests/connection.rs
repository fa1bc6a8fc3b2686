//! What is sent over the network.

use nuon_gate_sim::Seen;

use crate::doctor::answering;
use crate::support::{API, Folder, Gate, INSTALL, ORG, PASSING, TOKEN, serve_deploy};

const ENDED: &str = r#"{ status = "active" }"#;

#[test]
fn a_deploy_that_has_ended_costs_five_requests() {
    let sim = serve_deploy(ENDED);
    let outcome = Gate::wait(&sim).json().exits(0);
    let mut paths: Vec<String> = sim.requests().into_iter().map(|seen| seen.target).collect();
    let latest = format!("/v1/installs/{INSTALL}/components/{API}/deploys/latest");
    let workflow = format!("/v1/workflows/{}", outcome.target()["deploy"]["workflow_id"].as_str().unwrap());
    let deploy = format!("/v1/installs/{INSTALL}/deploys/{}", outcome.target()["deploy"]["id"].as_str().unwrap());
    // The newest deploy, its detail, its workflow, the dashboard link, and the earlier deploys.
    let (dashboard, earlier) = ("/v1/general/cli-config", latest.replace("/latest", "?limit=20"));
    // The last two are read at the same time.
    paths[3..].sort_unstable();
    assert_eq!(paths, [latest.as_str(), deploy.as_str(), workflow.as_str(), dashboard, earlier.as_str()]);
    assert_eq!(outcome.result()["api"]["requests"], 5);
    assert_eq!(outcome.result()["api"]["version"], "simulated");
}

#[test]
fn every_request_says_who_asks_and_no_more() {
    let sim = serve_deploy(PASSING);
    Gate::wait(&sim).run().exits(0);
    let requests = sim.requests();
    assert!(requests.len() > 4);
    for seen in requests {
        let mut names: Vec<&str> = seen.headers.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "accept-encoding", "authorization", "host", "user-agent", "x-nuon-org-id"]);
        assert_eq!(seen.method, "GET");
        assert_eq!(seen.authorization, Some(format!("Bearer {TOKEN}")));
        assert_eq!(seen.org.as_deref(), Some(ORG));
        assert_eq!(seen.header("accept"), Some("application/json"));
        assert_eq!(seen.header("accept-encoding"), Some("identity"));
        has_our_own_name(&seen);
    }
}

/// The server writes to its database for agents that resemble its own CLI or a person's.
fn has_our_own_name(seen: &Seen) {
    let agent = seen.header("user-agent").unwrap();
    assert!(agent.starts_with(&format!("nuon-gate/{} (+https://", env!("CARGO_PKG_VERSION"))), "{agent}");
    for others in ["nuon/", "nuon-cli", "curl", "wget", "postman", "go-http-client"] {
        assert!(!agent.to_lowercase().contains(others), "{agent}");
    }
}

#[test]
fn what_a_user_types_stays_in_its_place_in_the_path() {
    let sim = serve_deploy(ENDED);
    let strange = "a?b#c%2f d&e=\u{fc}";
    let gate = Gate::at(&sim.url(), "wait").args(["--install", strange, "--component", "%2e%2e"]);
    gate.args(["--start-timeout", "50ms"]).run().exits(3);
    assert_eq!(sim.requests()[0].target, "/v1/installs/a%3Fb%23c%252f%20d&e=%C3%BC");
}

#[test]
fn an_address_can_have_a_path_of_its_own() {
    let sim = serve_deploy(ENDED);
    let gate = Gate::wait(&sim).env("NUON_API_URL", format!("{}/nuon/", sim.url()));
    // The simulator knows nothing below that path.
    gate.args(["--start-timeout", "50ms"]).run().exits(3);
    assert!(sim.requests()[0].target.starts_with("/nuon/v1/installs/"));
}

#[test]
fn the_version_at_the_end_of_an_address_is_taken_off() {
    let sim = serve_deploy(ENDED);
    for end in ["/v1", "/v1/", "/V1"] {
        Gate::wait(&sim).env("NUON_API_URL", sim.url() + end).run().exits(0);
    }
}

#[test]
fn this_machine_is_never_reached_through_a_proxy() {
    let sim = serve_deploy(PASSING);
    let dead = "http://127.0.0.1:9";
    let proxies = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let gate = proxies.iter().fold(Gate::wait(&sim), |gate, variable| gate.env(variable, dead));
    assert_eq!(gate.json().exits(0).errors(), 0);
}

#[test]
fn https_goes_through_the_proxy_that_is_set_and_plain_http_through_none() {
    let proxy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let gate = |url: &str| {
        let gate = Gate::at(url, "wait").args(["--install", INSTALL, "--component", API, "--timeout", "700ms"]);
        gate.args(["--allow-http"]).env("HTTPS_PROXY", &address).env("HTTP_PROXY", &address)
    };
    let asked = std::thread::spawn(move || {
        use std::io::{BufRead as _, BufReader};
        let (stream, _) = proxy.accept().unwrap();
        BufReader::new(stream).lines().next().unwrap().unwrap()
    });
    // Unencrypted requests carry the token, and a proxy would read it.
    gate("http://api.invalid").run().exits(124);
    gate("https://api.invalid").run().exits(124);
    assert_eq!(asked.join().unwrap(), "CONNECT api.invalid:443 HTTP/1.1");
}

/// `wait` for an API behind a proxy.
fn through(variable: &str, proxy: &str) -> Gate<'static> {
    let gate = Gate::at("https://api.invalid", "wait").args(["--install", INSTALL, "--component", API]);
    gate.args(["--api-outage", "100ms"]).env(variable, proxy)
}

#[test]
fn a_proxy_that_gives_no_way_through_is_named_with_what_to_do() {
    let cases = [
        ("407 Proxy Authentication Required", "HTTP 407", "put the right user name and password into HTTPS_PROXY"),
        ("403 Forbidden", "HTTP 403", "the proxy does not allow api.invalid"),
        ("502 Bad Gateway", "HTTP 502", "check HTTPS_PROXY and the proxy"),
    ];
    for (head, status, hint) in cases {
        let proxy = answering(head, "").trim_start_matches("http://").to_owned();
        let outcome = through("HTTPS_PROXY", &format!("http://me:planted-pass-word@{proxy}")).json().exits(7);
        let words = format!("the proxy {proxy} (from HTTPS_PROXY) refused the tunnel: {status}");
        assert!(outcome.reason().contains(&words), "{}", outcome.reason());
        assert!(outcome.stderr.contains(hint), "{}", outcome.stderr);
    }
    let proxy = answering("200 OK", "").trim_start_matches("http://").to_owned();
    let outcome = through("HTTPS_PROXY", &proxy).json().exits(7);
    let words = format!("the proxy {proxy} (from HTTPS_PROXY) opened a tunnel that leads nowhere: ");
    assert!(outcome.reason().contains(&words), "{}", outcome.reason());
    outcome.says("check HTTPS_PROXY and the proxy, or reach api.invalid directly with NO_PROXY");
    let cases = [
        (through("all_proxy", "127.0.0.1:9"), "the proxy 127.0.0.1:9 (from all_proxy) cannot be reached: Connection"),
        (through("https_proxy", "http://p.invalid:3128").env("HTTPS_PROXY", ""), "p.invalid:3128 (from https_proxy)"),
        (through("HTTPS_PROXY", "127.0.0.1:9").env("NO_PROXY", "x, *.INVALID"), "could not connect to api.invalid"),
    ];
    for (gate, words) in cases {
        let outcome = gate.json().exits(7);
        assert!(outcome.reason().contains(words), "{}", outcome.reason());
    }
}

#[test]
fn a_proxy_that_cannot_be_used_is_2_and_only_its_variable_is_named() {
    let values = [
        "socks5://me:planted-pass-word@p:1",
        "ftp://planted-pass-word",
        "http://me:Pa@planted-pass-word#x@p",
        "::",
        "p:0",
    ];
    let sim = serve_deploy(ENDED);
    for value in values {
        for gate in [through("ALL_PROXY", value), Gate::wait(&sim).env("ALL_PROXY", value)] {
            let outcome = gate.run().refused();
            let outcome =
                outcome.says("ALL_PROXY does not name a proxy that can be used").says("hint: correct ALL_PROXY");
            assert!(!outcome.stderr.contains("pass-word") && !outcome.stderr.contains("Pa@"), "{}", outcome.stderr);
        }
    }
}

#[test]
fn sinks_are_reached_in_the_same_way() {
    let sim = serve_deploy(ENDED);
    let proxy = answering("403 Forbidden", "").trim_start_matches("http://").to_owned();
    let shown = |gate: Gate<'static>| gate.env("NUON_GATE_WEBHOOK_URL", "https://hooks.invalid/planted-hook-5b9e");
    let gate = shown(Gate::at(&sim.url(), "wait").args(["--install", INSTALL, "--component", API]));
    let outcome = gate.args(["--notify-timeout", "300ms"]).env("HTTPS_PROXY", &proxy).run().exits(0);
    outcome.says("webhook was not notified: ");
    let outcome =
        shown(Gate::bare("notify")).args(["test", "--notify-timeout", "30s"]).env("HTTPS_PROXY", "x://y").run();
    outcome.refused().says("HTTPS_PROXY does not name a proxy");
}

#[test]
fn answers_of_others_than_the_api_are_distinguished() {
    let portal = "<!doctype html><title>Sign in to Wi-Fi</title>";
    let cases = [
        ("200 OK", portal, 7, "an HTML page titled \u{201c}Sign in to Wi-Fi\u{201d}"),
        ("200 OK", "{}", 7, "is not Nuon's API"),
        ("511 Network Authentication Required", portal, 7, "Sign in to Wi-Fi"),
        ("302 Found\r\nLocation: https://login.example/x", "", 7, "login.example"),
        (
            "403 Forbidden\r\nServer: shield",
            "<title>Request blocked</title>",
            3,
            "Request blocked\u{201d}, server: shield",
        ),
        ("404 Not Found", "{}", 3, "is not Nuon's API"),
    ];
    for (head, body, code, words) in cases {
        let gate = Gate::at(&answering(head, body), "wait").args(["--install", INSTALL, "--component", API]);
        let outcome = gate.args(["--api-outage", "300ms"]).json().exits(code);
        assert!(outcome.reason().contains(words), "{}", outcome.reason());
        let hint = outcome.stderr.lines().rfind(|line| line.contains("--api-url")).unwrap_or_default();
        assert!(hint.contains("proxy (HTTPS_PROXY, NO_PROXY)"), "{head}: {}", outcome.stderr);
    }
}

#[test]
fn a_token_from_a_file_is_taken_without_its_line_break() {
    let sim = serve_deploy(ENDED);
    let folder = Folder::new();
    let path = folder.write("token", format!("{TOKEN}\r\n"));
    Gate::wait(&sim).env("NUON_API_TOKEN", "another").args(["--token-file"]).args([path]).run().exits(0);
}
