//! `doctor`: each problem is found by its own check, with a hint, and the first failure decides the exit code.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use nuon_gate_sim::Sim;
use serde_json::{Value, json};

use crate::support::{API, Folder, Gate, INSTALL, Outcome, TOKEN, access, component, one_deploy, serve, serve_deploy};
use crate::tls::{encrypted, fixture};

const NAMES: [&str; 17] = [
    "configuration",
    "url",
    "proxy",
    "dns",
    "connection",
    "tls",
    "version",
    "token",
    "org",
    "target",
    "clock",
    "logs",
    "health",
    "notifications",
    "slack-token",
    "slack-message",
    "cancel",
];
/// A password planted where a user could have one.
const PASSWORD: &str = "planted-password-77c1";
/// Secrets that no output may contain: ours, and those that the simulator plants.
const SECRETS: [&str; 6] =
    [TOKEN, PASSWORD, "another-token-9b1c", "Bearer", "simulated-write-token", "nobody's business"];

/// An install with a component that has a deploy and its log, and more.
fn healthy(more: &str) -> Sim {
    let named =
        component(API, r#"{ status = "active" }"#).replace("name = \"acme\"\n", "name = \"acme\"\nname = \"api\"\n");
    serve(&(access() + &named + "logs = [{ text = \"done\" }]\n" + more))
}

fn doctor(url: &str) -> Gate<'static> {
    Gate::at(url, "doctor")
}

fn of_target(sim: &Sim) -> Gate<'_> {
    Gate::at(&sim.url(), "doctor").args(["--install", "acme", "--component", "api"])
}

fn fault(on: &str, rest: &str) -> String {
    format!("[[fault]]\non = \"{on}\"\nanswer = \"status\"\n{rest}\n")
}

/// The results of the checks.
struct Found {
    checks: Vec<Value>,
}

impl Found {
    /// Reads the report, which has every check once and no secret.
    #[track_caller]
    fn of(gate: Gate<'_>, code: i32) -> Self {
        let outcome = gate.json().exits(code);
        has_no_secret(&outcome);
        let whole = outcome.result();
        assert_eq!((&whole["schema"], &whole["exit_code"]), (&json!(1), &json!(code)));
        let checks = whole["checks"].as_array().unwrap().clone();
        let names: Vec<&str> = checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
        assert_eq!(names, NAMES);
        for check in &checks {
            let hinted = matches!(check["result"].as_str().unwrap(), "warning" | "failed");
            assert_eq!(check["hint"].is_string(), hinted, "{check}");
            assert!(!check["detail"].as_str().unwrap().is_empty(), "{check}");
        }
        Self { checks }
    }

    fn check(&self, name: &str) -> &Value {
        self.checks.iter().find(|check| check["name"] == name).unwrap()
    }

    /// Checks the result of a check, and its text, including its hint.
    #[track_caller]
    fn has(&self, name: &str, result: &str, said: &str) -> &Self {
        let check = self.check(name);
        assert_eq!(check["result"], result, "{check}");
        let words = format!("{} {}", check["detail"].as_str().unwrap(), check["hint"].as_str().unwrap_or_default());
        assert!(words.contains(said), "{name} does not say `{said}`: {words}");
        self
    }

    /// Checks that these are skipped because of that one.
    #[track_caller]
    fn skips(&self, names: &[&str], because: &str) -> &Self {
        for name in names {
            self.has(name, "skipped", &format!("as {because} failed"));
        }
        self
    }
}

#[track_caller]
fn has_no_secret(outcome: &Outcome) {
    for (text, secret) in
        [&outcome.stdout, &outcome.stderr].into_iter().flat_map(|text| SECRETS.map(|word| (text, word)))
    {
        assert!(!text.contains(secret), "{secret} is shown:\n{text}");
    }
}

/// Gives the same answer to every request. Returns its address.
pub(crate) fn answering(head: &str, body: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            // A client that only tests the connection sends nothing.
            if stream.read(&mut request).is_ok_and(|length| length > 0) {
                let _ = stream.write_all(answer.as_bytes());
            }
        }
    });
    url
}

#[test]
fn a_good_setup_passes_every_check() {
    let sim = healthy("");
    let found = Found::of(of_target(&sim), 0);
    for name in ["configuration", "url", "proxy", "dns", "connection", "token", "org"] {
        found.has(name, "ok", "");
    }
    found.has("url", "ok", &sim.url()).has("tls", "skipped", "plain http").has("version", "ok", "simulated");
    found.has("target", "ok", "acme/api").has("clock", "ok", "").has("logs", "ok", "acme/api");
    found.has("cancel", "skipped", "org_admin").has("cancel", "skipped", "--cancel-on");
    Found::of(doctor(&sim.url()).args(["--target", &format!("{INSTALL}/{API}")]), 0).has("target", "ok", "acme/api");
}

#[test]
fn the_connection_is_tested_without_credentials() {
    let sim = healthy("");
    of_target(&sim).run().exits(0);
    let requests = sim.requests();
    assert_eq!((requests[0].target.as_str(), &requests[0].authorization), ("/v1/general/cli-config", &None));
    assert_eq!(requests[0].org, None);
    assert!(requests[1..].iter().all(|seen| seen.authorization.is_some() && seen.method == "GET"));
}

#[test]
fn without_a_target_the_rest_is_examined() {
    let sim = healthy("");
    let found = Found::of(doctor(&sim.url()), 0);
    found.has("org", "ok", "").has("target", "skipped", "--component").has("logs", "skipped", "target");
    found.has("health", "skipped", "target");
}

#[test]
fn an_install_alone_is_looked_for() {
    let sim = healthy("");
    Found::of(doctor(&sim.url()).env("NUON_INSTALL_ID", INSTALL), 0).has("target", "ok", "acme/api");
    Found::of(doctor(&sim.url()).env("NUON_INSTALL_ID", "acne"), 3).has("target", "failed", "did you mean `acme`?");
}

#[test]
fn what_the_api_refuses_is_3() {
    let sim = healthy("");
    let found = Found::of(of_target(&sim).env("NUON_API_TOKEN", "another-token-9b1c"), 3);
    found.has("version", "ok", "").has("token", "failed", "401").has("token", "failed", "NUON_API_TOKEN");
    found.skips(&["org", "target", "logs", "health"], "token").has("clock", "ok", "");
    let found = Found::of(of_target(&sim).env("NUON_ORG_ID", "orgother"), 3);
    found.has("token", "ok", "").has("org", "failed", "403").has("org", "failed", "--org-id");
    found.skips(&["target", "logs", "health"], "org");
    let gate = |install: &str, component: &str| {
        Found::of(doctor(&sim.url()).args(["--install", install, "--component", component]), 3)
    };
    gate("acme", "ap").has("target", "failed", "did you mean `api`?").skips(&["logs", "health"], "target");
    gate("amce", "api").has("target", "failed", "did you mean `acme`?");
    gate(INSTALL, "cmpnone0000000000000000000").has("target", "failed", "there is `api`");
    gate("inlnone0000000000000000000", API).has("target", "failed", "there is `acme`");
    let somebody_else = doctor(&answering("404 Not Found", "<title>Nothing here</title>"));
    let found = Found::of(somebody_else, 3);
    found.has("version", "failed", "titled \u{201c}Nothing here\u{201d}").has("version", "failed", "what answers at");
    found.has("token", "failed", "--api-url");
}

#[test]
fn a_broken_connection_is_reported_as_a_wait_reports_it() {
    for (url, check) in [("http://127.0.0.1:9", "connection"), ("https://api.invalid", "dns")] {
        let found = Found::of(doctor(url), 7);
        let waited = Gate::at(url, "wait").args(["-i", INSTALL, "-c", API, "--api-outage", "100ms"]).json().exits(7);
        let said = |name: &str| found.check(check)[name].as_str().unwrap().to_owned();
        let (reason, hint) = (waited.reason(), waited.result()["hint"].as_str().unwrap().to_owned());
        assert!(reason.contains(&said("detail")), "{reason}: {}", said("detail"));
        assert!(hint.starts_with(&said("hint")), "{hint}: {}", said("hint"));
    }
}

#[test]
fn an_api_that_gives_no_good_answer_is_7() {
    let found = Found::of(doctor("http://127.0.0.1:9"), 7);
    found.has("dns", "ok", "").has("connection", "failed", "could not connect to 127.0.0.1:9").has(
        "connection",
        "failed",
        "--api-url",
    );
    found.skips(&["tls", "version", "token", "org"], "connection");
    let found = Found::of(doctor("https://api.invalid"), 7);
    found.has("dns", "failed", "api.invalid").skips(&["connection", "tls", "version"], "dns");

    let sim = healthy(&fault("any", ""));
    let found = Found::of(of_target(&sim), 7);
    found
        .has("version", "failed", "503")
        .has("token", "failed", "503")
        .skips(&["org", "target", "logs", "health"], "version");
    assert_eq!(sim.requests().len(), 4, "each is asked twice");
    let sim = healthy("[[fault]]\non = \"installs\"\nanswer = \"html\"\n");
    Found::of(of_target(&sim), 7).has("token", "failed", "HTML").skips(&["org", "target", "logs", "health"], "token");
    let sim = healthy("[[fault]]\nanswer = \"redirect\"\n");
    Found::of(of_target(&sim), 7).has("version", "failed", "elsewhere.example");
    let sim = healthy("[[fault]]\nanswer = \"hang\"\n");
    let found = Found::of(of_target(&sim).args(["--request-timeout", "100ms"]), 7);
    found.has("connection", "ok", "").has("version", "failed", "no answer within").skips(&["token", "org"], "version");
    assert_eq!(sim.requests().len(), 1, "what is slow is not waited for twice");
}

#[test]
fn doctor_retries_temporary_errors() {
    let faults: String = ["cli-config", "installs", "latest"].iter().map(|on| fault(on, "nth = [1]")).collect();
    let sim = healthy(&faults);
    Found::of(of_target(&sim), 0).has("version", "ok", "simulated").has("logs", "ok", "");
    let sim = healthy(&fault("installs", "nth = [1]\nretry_after = \"60\""));
    Found::of(of_target(&sim), 7).has("token", "failed", "503");
}

#[test]
fn what_is_not_configured_is_2() {
    let sim = healthy("");
    let found = Found::of(of_target(&sim).without("NUON_API_TOKEN"), 2);
    found.has("version", "ok", "").has("token", "failed", "no API token").has("token", "failed", "NUON_API_TOKEN");
    found.skips(&["org", "target", "logs", "health"], "token");
    let found = Found::of(of_target(&sim).without("NUON_ORG_ID"), 2);
    found
        .has("token", "skipped", "organisation")
        .has("org", "failed", "--org-id")
        .skips(&["target", "logs", "health"], "org");
    let found = Found::of(of_target(&sim).without("NUON_API_TOKEN").without("NUON_ORG_ID"), 2);
    found.has("token", "failed", "").has("org", "failed", "");
    assert!(sim.requests().iter().all(|seen| seen.authorization.is_none()));

    let component_alone = doctor(&sim.url()).args(["--component", "api"]);
    Found::of(component_alone, 2)
        .has("org", "ok", "")
        .has("target", "failed", "--install")
        .skips(&["logs", "health"], "target");
    let found = Found::of(doctor("http://127.0.0.1:9").without("NUON_API_TOKEN"), 7);
    found.has("connection", "failed", "").has("token", "failed", "no API token");
    let found = Found::of(doctor(&format!("https://me:{PASSWORD}@api.example")), 2);
    found.has("url", "failed", "--api-url").skips(&["proxy", "dns", "connection", "tls", "version", "token"], "url");
}

#[test]
fn the_nuon_clis_file_is_named_and_examined() {
    let sim = healthy("");
    let folder = Folder::new();
    let good = folder.write("good", format!("api_token: {TOKEN}\n"));
    let gate = of_target(&sim).without("NUON_API_TOKEN").args(["--config"]).args([&good]);
    Found::of(gate, 0).has("configuration", "ok", &good.display().to_string()).has("token", "ok", "");
    let bad = folder.write("bad", format!("api_token: [{PASSWORD}]\n"));
    let found = Found::of(of_target(&sim).args(["--config"]).args([&bad]), 2);
    found.has("configuration", "failed", "--config").skips(&NAMES[1..12], "configuration");
}

#[test]
fn a_certificate_that_is_not_trusted_is_2() {
    let sim = healthy("");
    let url = format!("https://{}", encrypted(&sim));
    let found = Found::of(doctor(&url), 2);
    found.has("connection", "ok", "").has("tls", "failed", "its issuer is unknown").has("tls", "failed", "--ca-file");
    found.skips(&["version", "token", "org"], "tls");
    let trusting =
        |url: &str, ca| doctor(url).args(["--install", "acme", "--component", "api", "--ca-file"]).args([ca]);
    Found::of(trusting(&url, fixture("ca.pem")), 0).has("tls", "ok", "trusted").has("target", "ok", "acme/api");
    let folder = Folder::new();
    for file in [folder.write("text", "not a certificate"), folder.file("missing")] {
        Found::of(trusting(&url, file), 2).has("connection", "ok", "").has("tls", "failed", "--ca-file");
    }
    let unencrypted = sim.url().replace("http://", "https://");
    Found::of(doctor(&unencrypted), 7).has("connection", "ok", "").has("tls", "failed", "https may not be");
}

#[test]
fn the_proxy_is_named_without_its_password() {
    let through = |url: &str, proxy: &str| doctor(url).env("HTTPS_PROXY", proxy);
    let dead = format!("http://me:{PASSWORD}@127.0.0.1:9");
    let found = Found::of(through("https://api.invalid", &dead), 7);
    found.has("proxy", "ok", "127.0.0.1:9 (HTTPS_PROXY)");
    found.has("connection", "failed", "the proxy 127.0.0.1:9 (from HTTPS_PROXY) cannot be reached: Connection refused");
    found.has("connection", "failed", "reach api.invalid directly with NO_PROXY");
    let refusing = answering("403 Forbidden", "").replace("http://", &format!("http://me:{PASSWORD}@"));
    let found = Found::of(through("https://api.invalid", &refusing), 7);
    found.has("connection", "ok", "the proxy 127.0.0.1").has("tls", "failed", "refused the tunnel: HTTP 403");
    found.has("tls", "failed", "the proxy does not allow api.invalid");

    let excluded = through("https://api.invalid", &dead).env("NO_PROXY", "invalid");
    Found::of(excluded, 7).has("proxy", "ok", "none (NO_PROXY matches api.invalid)").has(
        "dns",
        "failed",
        "api.invalid",
    );
    for unusable in [format!("socks5://me:{PASSWORD}@proxy:1"), format!("http://me:{PASSWORD}#@proxy"), "::".to_owned()]
    {
        let found = Found::of(through("https://api.invalid", &unusable), 2);
        found.has("proxy", "failed", "HTTPS_PROXY does not name a proxy").has("proxy", "failed", "percent-encoded");
        found.skips(&["dns", "connection", "tls", "version", "token", "org"], "proxy");
    }
    let sim = serve_deploy(r#"{ status = "active" }"#);
    Found::of(through(&sim.url(), &dead), 0).has("proxy", "ok", "plain http never");
    let plain = through("http://api.invalid", &dead).args(["--allow-http"]);
    Found::of(plain, 7).has("proxy", "ok", "plain http never").has("dns", "failed", "api.invalid");
    let encrypted = through(&format!("https://{}", encrypted(&sim)), &dead);
    Found::of(encrypted, 2).has("proxy", "ok", "this machine");
}

#[test]
fn a_clock_that_is_wrong_is_warned_of() {
    let dated = |date: &str| answering(&format!("200 OK\r\nX-Nuon-API-Version: v1\r\n{date}"), "{}");
    let found = Found::of(doctor(&dated("Date: Mon, 03 Aug 2020 14:00:00 GMT")).without("NUON_API_TOKEN"), 2);
    found.has("clock", "warning", "ahead of the API's").has("clock", "warning", "--since");
    let found = Found::of(doctor(&dated("Date: Sun, 03 Aug 2098 14:00:00 GMT")).without("NUON_API_TOKEN"), 2);
    found.has("clock", "warning", "behind the API's");
    let found = Found::of(doctor(&dated("X-Other: x")).without("NUON_API_TOKEN"), 2);
    found.has("clock", "skipped", "").has("version", "ok", "v1");
}

#[test]
fn logs_that_cannot_be_read_are_a_warning_and_deploys_a_failure() {
    for code in [403, 404, 500] {
        let sim = healthy(&fault("logs", &format!("code = {code}")));
        let found = Found::of(of_target(&sim), 0);
        found.has("target", "ok", "").has("logs", "warning", &code.to_string()).has(
            "logs",
            "warning",
            "permission to read",
        );
    }
    let sim = healthy(&fault("latest", "code = 403"));
    Found::of(of_target(&sim), 3).has("logs", "failed", "the newest deploy of acme/api cannot be read");
    let none = one_deploy(r#"{ status = "active" }"#).replace("statuses", "after = \"1h\"\nstatuses");
    let sim = serve(&none);
    Found::of(doctor(&sim.url()).args(["--target", &format!("acme/{API}")]), 0).has("logs", "skipped", "no deploy");
}

#[test]
fn whether_health_can_be_required_is_told() {
    let observed = |words: &str| {
        let health = format!("observed = [{{ {words} }}]\n[[component.deploy]]");
        serve(&one_deploy(r#"{ status = "active" }"#).replace("[[component.deploy]]", &health))
    };
    let of = |sim: &Sim| Found::of(doctor(&sim.url()).args(["--target", &format!("acme/{API}")]), 0);
    // Also a component in trouble can be required to be healthy.
    for health in ["healthy", "unhealthy"] {
        of(&observed(&format!("health = \"{health}\""))).has("health", "ok", "--require-healthy");
    }
    of(&healthy("")).has("health", "skipped", "component health is not enabled for org").has(
        "health",
        "skipped",
        "turned on for the organisation",
    );
    for generation in ["mid", "old"] {
        let old = format!("generation = \"{generation}\"\n{}", one_deploy(r#"{ status = "active" }"#));
        of(&serve(&old)).has("health", "skipped", "HTTP 404");
    }
}

#[test]
fn every_format_says_the_same() {
    let sim = healthy(&fault("logs", "code = 403"));
    let gate = || of_target(&sim).env("NUON_ORG_ID", "orgother");
    let checks = Found::of(gate(), 3).checks;
    let lines = gate().args(["--output", "ndjson"]).run().exits(3);
    assert_eq!(lines.events(), checks);
    let text = gate().run().exits(3);
    has_no_secret(&text);
    let (hints, lines): (Vec<&str>, Vec<&str>) = text.stdout.lines().partition(|line| line.starts_with(' '));
    let words = |line: &str| line.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>();
    let expected: Vec<Vec<String>> = checks
        .iter()
        .map(|check| ["result", "name"].map(|key| check[key].as_str().unwrap().to_owned()).into())
        .collect();
    assert_eq!(lines.into_iter().map(words).collect::<Vec<_>>(), expected);
    assert!(hints.len() == 1 && hints[0].trim_start().starts_with("hint: check --org-id"), "{hints:?}");
    assert_eq!(text.stderr, "");
    gate().with_closed_stdout().run().exits(3);
}

#[test]
fn what_the_server_says_is_harmless() {
    let body =
        r#"{"description": "unauthorised", "error": "\u001b[31mno\u001b[0m\n::error::gotcha ##[add-mask]x\u202e"}"#;
    let version = "v1 ##[group]x";
    let url = answering(&format!("401 Unauthorized\r\nX-Nuon-API-Version: {version}"), body);
    let outcome = doctor(&url).run().exits(3);
    assert!(outcome.stdout.contains("gotcha") && outcome.stdout.contains("[group]"), "{}", outcome.stdout);
    for line in outcome.stdout.lines() {
        assert!(!line.contains("##[") && !line.trim_start().starts_with("::"), "{line}");
        assert!(!line.contains(['\u{1b}', '\u{202e}']), "{line:?}");
    }
}
