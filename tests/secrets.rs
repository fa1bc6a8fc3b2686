//! The program never writes or sends the secrets that a run holds.
//!
//! Every end-to-end test checks that no stream and no file shows one (`support::secrets`). Here a run holds all of them
//! at once.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};

use nuon_gate_sim::Sim;

use crate::support::{API, ENDLESS, Folder, Gate, INSTALL, PASSING, TOKEN, one_deploy, serve};
use crate::tls::{encrypted, fixture};

const FAILING: &str = r#"{ status = "executing" }, { status = "error", error = "quota" }"#;
const SLACK_TOKEN: &str = "xoxb-planted-2d4c";
/// In base64, as it is sent: `user:planted-proxy-71ab`.
const PROXY: (&str, &str) = ("user:planted-proxy-71ab", "dXNlcjpwbGFudGVkLXByb3h5LTcxYWI=");

/// The secrets of a run besides its token. The sinks are at `sinks`.
fn with_every_secret<'sim>(gate: Gate<'sim>, sinks: &str, proxy: SocketAddr) -> Gate<'sim> {
    let hook = |name: &str| format!("{sinks}/planted-{name}-hook/5b9e");
    gate.env("NUON_GATE_SLACK_TOKEN", SLACK_TOKEN)
        .env("NUON_GATE_SLACK_CHANNEL", "deploys")
        .env("NUON_GATE_SLACK_API_URL", format!("{sinks}/slack/"))
        .env("NUON_GATE_SLACK_WEBHOOK_URL", hook("slack"))
        .env("NUON_GATE_WEBHOOK_URL", hook("plain"))
        .env("NUON_GATE_WEBHOOK_SECRET", "whsec_cGxhbnRlZC13ZWJob29rLXNlY3JldC0yNGNo")
        .env("NUON_GATE_WEBHOOK_HEADERS", "X-Key: planted-header-0c3d")
        .env("NUON_GATE_TEAMS_WEBHOOK_URL", hook("teams"))
        .env("NUON_GATE_DISCORD_WEBHOOK_URL", hook("discord"))
        .env("NUON_GATE_GITHUB_DEPLOYMENT", "production")
        .env("GITHUB_TOKEN", "ghs_planted-94f0")
        .env("GITHUB_REPOSITORY", "acme/api")
        .env("GITHUB_SHA", "4be1c7d0aa11bb22cc33dd44ee55ff6677889900")
        .env("GITHUB_API_URL", sinks)
        .env("HTTPS_PROXY", format!("http://{}@{proxy}", PROXY.0))
        .env("NUON_GATE_NOTIFY_TIMEOUT", "300ms")
        .env("RUST_LOG", "trace")
}

/// Runs the gate in every format, with reports in every form, and as a step of a CI system.
fn runs(what: &str, code: i32, gate: impl Fn() -> Gate<'static>) {
    for (format, ci) in [("text", "GITHUB_ACTIONS"), ("json", "TF_BUILD"), ("ndjson", "BUILDKITE")] {
        let folder = Folder::new();
        let report = |form: &str| format!("{form}={}", folder.file(form).display());
        let [json, junit, markdown] = ["json", "junit", "markdown"].map(report);
        let gate = gate().env(ci, "true").env("RUNNER_TEMP", folder.path());
        let gate =
            ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"].iter().fold(gate, |gate, file| gate.env(file, folder.file(file)));
        let gate =
            gate.args(["-vvv", "--output", format, "--report", &json, "--report", &junit, "--report", &markdown]);
        let outcome = gate.run();
        assert_eq!(outcome.code, code, "{what}:\n{}", outcome.stderr);
        for text in [&outcome.stdout, &outcome.stderr] {
            assert!(!text.contains(PROXY.1) && !text.contains("Bearer "), "{what}:\n{text}");
        }
    }
}

/// A proxy that requires another password and repeats what it was sent, or that leads to `target`.
fn proxy(target: Option<SocketAddr>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            std::thread::spawn(move || drop(pass_on(client, target)));
        }
    });
    address
}

fn pass_on(mut client: std::net::TcpStream, target: Option<SocketAddr>) -> std::io::Result<()> {
    let mut asked = Vec::new();
    while !asked.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        asked.extend(byte);
    }
    let asked = String::from_utf8_lossy(&asked).into_owned();
    assert!(asked.contains(PROXY.1), "the password is not sent: {asked}");
    let Some(target) = target else {
        let repeated = asked.replace("\r\n", " ");
        return write!(
            client,
            "HTTP/1.1 407 {repeated}\r\nX-Asked: {repeated}\r\ncontent-length: {}\r\n\r\n{repeated}",
            repeated.len()
        );
    };
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    let server = std::net::TcpStream::connect(target)?;
    let (mut up, mut down) = ((client.try_clone()?, server.try_clone()?), (server, client));
    std::thread::spawn(move || std::io::copy(&mut up.0, &mut up.1));
    std::io::copy(&mut down.0, &mut down.1).map(drop)
}

/// An address where nothing listens.
fn nobody() -> SocketAddr {
    ([127, 0, 0, 1], 9).into()
}

/// A simulator that lives as long as the tests do.
fn kept(script: &str) -> &'static Sim {
    Box::leak(Box::new(serve(script)))
}

#[test]
fn no_run_shows_a_secret() {
    let on = |fault: &str| format!("{}[[fault]]\non = \"deploy\"\n{fault}\n", one_deploy(PASSING));
    let scenes = [
        ("passing", one_deploy(PASSING), 0),
        ("failing", one_deploy(FAILING), 1),
        ("old", format!("generation = \"old\"\n{}", one_deploy(FAILING)), 1),
        ("redirected", on("answer = \"redirect\""), 7),
        ("undecodable", on("answer = \"undecodable\""), 7),
        ("truncated", on("answer = \"truncated\""), 7),
        ("reset", on("answer = \"reset\""), 7),
        ("refused", on("answer = \"status\"\ncode = 403"), 3),
        ("endless", one_deploy(ENDLESS), 124),
    ];
    for (what, script, code) in scenes {
        let sim = kept(&script);
        // This simulator does not know the sinks and answers 404.
        runs(what, code, || {
            let gate = with_every_secret(Gate::wait(sim), &sim.url(), nobody());
            gate.args(["--api-outage", "100ms", "--timeout", if code == 124 { "100ms" } else { "15s" }])
        });
        // Each credential goes only to its own service. The token and its companions go to the API.
        for seen in sim.requests() {
            let is_sink = !seen.target.starts_with("/v1/");
            let everything = format!("{} {:?}", seen.body, seen.headers);
            assert!(!(is_sink && everything.contains(TOKEN)), "{what}: {seen:?}");
            assert!(!everything.contains("planted-proxy") && !everything.contains(PROXY.1), "{what}: {seen:?}");
            assert_eq!(everything.contains(SLACK_TOKEN), seen.target.starts_with("/slack/"), "{what}: {seen:?}");
            assert!(!seen.body.contains("planted"), "{what}: {seen:?}");
        }
    }
}

#[test]
fn nor_does_a_way_to_the_api_that_is_broken() {
    let sim = kept(&one_deploy(PASSING));
    let tls = encrypted(sim);
    let own = format!("https://{tls}");
    let elsewhere = "https://api.invalid:8443";
    let scenes = [
        ("an issuer that is not trusted", own.as_str(), nobody(), false, 2),
        ("no TLS at all", &sim.url().replace("http://", "https://"), nobody(), false, 7),
        ("nobody at the proxy", elsewhere, nobody(), false, 7),
        ("a proxy that refuses", elsewhere, proxy(None), false, 7),
        ("an issuer that is not trusted, by a proxy", elsewhere, proxy(Some(tls)), false, 2),
        ("another host's certificate, by a proxy", elsewhere, proxy(Some(tls)), true, 2),
    ];
    for (what, url, proxy, trusted, code) in scenes {
        runs(what, code, || {
            let gate = Gate::at(url, "wait").args(["--install", INSTALL, "--component", API]);
            // A certificate ends the run at once, however long that takes on a busy machine.
            let outage = if code == 2 { "15s" } else { "100ms" };
            let gate = with_every_secret(gate, "http://127.0.0.1:9", proxy).args(["--api-outage", outage]);
            if trusted { gate.args(["--ca-file".into(), fixture("ca.pem")]) } else { gate }
        });
    }
    assert!(sim.requests().is_empty(), "nothing was asked where the certificate was not trusted");
}

#[test]
fn a_secret_is_recognised_in_a_lines_form() {
    let deploy = r#"{ status = "executing" }, { status = "error", error = "denied for pa##ss  word12!" }"#;
    let sim = serve(&one_deploy(deploy));
    let gate = Gate::wait(&sim).env("NUON_GATE_WEBHOOK_URL", sim.webhook_url());
    gate.env("NUON_GATE_WEBHOOK_HEADERS", "X-Key: pa##ss  word12").json().exits(1);
    let webhook: Vec<_> = sim.requests().into_iter().filter(|seen| seen.target == "/webhook").collect();
    assert!(
        webhook[0].body.contains("denied for [redacted]!") && !webhook[0].body.contains("word12"),
        "{}",
        webhook[0].body
    );
}

#[test]
fn a_refused_token_is_not_shown() {
    let sim = serve(&one_deploy(PASSING));
    Gate::wait(&sim).env("NUON_API_TOKEN", "another-token-9b1c").json().exits(3);
}

#[test]
fn a_token_does_not_follow_a_redirect() {
    let sim = serve(&(one_deploy(PASSING) + "[[fault]]\nanswer = \"redirect\"\ncode = 307\n"));
    let outcome = Gate::wait(&sim).args(["--api-outage", "50ms"]).json().exits(7);
    assert!(outcome.reason().contains("elsewhere.example"), "{}", outcome.reason());
}

#[test]
fn neither_help_nor_usage_errors_show_a_token() {
    for arguments in [&["--help"][..], &["--nonsense"], &["--timeout", "x"], &["--install", "a", "--component", ".."]] {
        with_every_secret(Gate::at("http://127.0.0.1:9", "wait"), "http://127.0.0.1:9", nobody()).args(arguments).run();
    }
}
