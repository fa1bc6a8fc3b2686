//! What goes over the wire.

use nuon_gate_sim::Seen;

use crate::support::{API, Folder, Gate, INSTALL, ORG, PASSING, TOKEN, serve_deploy};

const ENDED: &str = r#"{ status = "active" }"#;

#[test]
fn a_deploy_that_has_ended_costs_five_requests() {
    let sim = serve_deploy(ENDED);
    let outcome = Gate::wait(&sim).json().exits(0);
    let paths: Vec<String> = sim.requests().into_iter().map(|seen| seen.target).collect();
    let latest = format!("/v1/installs/{INSTALL}/components/{API}/deploys/latest");
    let workflow = format!("/v1/workflows/{}", outcome.target()["deploy"]["workflow_id"].as_str().unwrap());
    let deploy = format!("/v1/installs/{INSTALL}/deploys/{}", outcome.target()["deploy"]["id"].as_str().unwrap());
    // Which is the newest, what it says of itself, what its workflow says, where to look, and what is usual.
    let (dashboard, earlier) = ("/v1/general/cli-config", latest.replace("/latest", "?limit=20"));
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

/// The server writes to its database for agents that look like its own CLI or like somebody at a keyboard.
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

#[test]
fn a_token_from_a_file_is_taken_without_its_line_break() {
    let sim = serve_deploy(ENDED);
    let folder = Folder::new();
    let path = folder.write("token", format!("{TOKEN}\r\n"));
    Gate::wait(&sim).env("NUON_API_TOKEN", "another").args(["--token-file"]).args([path]).run().exits(0);
}
