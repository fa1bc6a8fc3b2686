//! A server can repeat every secret that the run knows, in any encoding and anywhere in an answer. Nothing that the run
//! writes or sends shows it.
//!
//! For every run, `support::secrets` checks that no stream and no file contains a secret, encoded or not.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use crate::support::{API, Folder, Gate, INSTALL, ORG, Outcome, TOKEN, access, component, one_deploy, serve, shown};

const HOOK: &str = "http://127.0.0.1:9/services/T0/B0/Xf3mQ9rL0aZt7VbW2kHs8NyE";
const SLACK_TOKEN: &str = "xoxb-planted/2d4c&9e1f";
const KEY: &str = "whsec_cGxhbnRlZC13ZWJob29rLXNlY3JldC0yNGNo";
const PROXY: &str = "user:planted-proxy/71ab";
const PASSWORD: &str = "planted-proxy/71ab";
const IDENTITY: &str = "eyJ.planted-identity.c2ln";
const EXCHANGED: &str = "planted-exchanged-7c0d";

/// The repeated secrets.
const SECRETS: [&str; 9] =
    [TOKEN, HOOK, "Xf3mQ9rL0aZt7VbW2kHs8NyE", SLACK_TOKEN, KEY, PROXY, PASSWORD, IDENTITY, EXCHANGED];

/// The encodings in which it is repeated.
const ENCODINGS: [fn(&str) -> String; 16] = [
    str::to_owned,
    |secret| secret.bytes().map(|byte| format!("%{byte:02X}")).collect(),
    |secret| secret.replace(':', "%3a").replace('/', "%2f").replace('&', "%26").replace('-', "%2d"),
    |secret| STANDARD.encode(secret),
    |secret| URL_SAFE_NO_PAD.encode(secret),
    |secret| format!("Basic {}", STANDARD.encode(format!("user:{secret}"))),
    |secret| secret.replace('/', "\\/").replace('&', "\\u0026").replace('-', "\\u002D"),
    |secret| secret.to_ascii_uppercase(),
    |secret| secret.chars().flat_map(|c| [c, '\u{200b}']).collect(),
    |secret| secret.bytes().map(|byte| format!("{byte:02x}")).collect(),
    |secret| secret.bytes().map(|byte| format!("={byte:02X}")).collect(),
    |secret| secret.bytes().map(|byte| format!("\\{byte:03o}")).collect(),
    |secret| secret.bytes().map(|byte| format!("&#{byte};")).collect(),
    |secret| secret.replace('/', "&#x2F;").replace('-', "&#x2d;").replace('&', "&#38;"),
    |secret| STANDARD.encode(STANDARD.encode(secret)),
    |secret| secret.chars().map(|c| char::from_u32(u32::from(c) + 0xfee0).unwrap()).collect(),
];

/// Runs a check for each encoding. They run in parallel, because they mostly wait.
fn for_each_encoding(check: impl Fn(usize, fn(&str) -> String) + Sync) {
    std::thread::scope(|scope| {
        for (number, encode) in ENCODINGS.into_iter().enumerate() {
            let check = &check;
            scope.spawn(move || check(number, encode));
        }
    });
}

/// A server that gives the same answer to everything and records the requests.
struct Echo {
    url: String,
    sent: Arc<Mutex<String>>,
}

impl Echo {
    fn new(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sent, answer) = (Arc::<Mutex<String>>::default(), Arc::new(answer));
        let all = Arc::clone(&sent);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (sent, answer) = (Arc::clone(&all), Arc::clone(&answer));
                std::thread::spawn(move || drop(serve_one(client, &sent, &*answer)));
            }
        });
        Self { url, sent }
    }
}

/// Answers one request, records its body, and closes the connection.
fn serve_one(client: TcpStream, sent: &Mutex<String>, answer: &dyn Fn(&str) -> Vec<u8>) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if let Some(given) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = given.trim().parse().unwrap();
        }
        head += &line;
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    *sent.lock().unwrap() += &String::from_utf8_lossy(&body);
    let mut client = client;
    client.write_all(&answer(&head))
}

fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\n{headers}connection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// A run with every secret.
fn with_secrets(gate: Gate<'_>) -> Gate<'_> {
    gate.env("NUON_GATE_SLACK_TOKEN", SLACK_TOKEN)
        .env("NUON_GATE_SLACK_CHANNEL", "deploys")
        .env("NUON_GATE_SLACK_API_URL", "http://127.0.0.1:9/api/")
        .env("NUON_GATE_WEBHOOK_URL", HOOK)
        .env("NUON_GATE_WEBHOOK_SECRET", KEY)
        .env("HTTPS_PROXY", format!("http://{}@127.0.0.1:9", PROXY.replace('/', "%2F")))
        .env("NUON_GATE_NOTIFY_TIMEOUT", "300ms")
        .env("RUST_LOG", "trace")
}

/// Runs the gate with reports in every form, as a step of GitHub Actions. Each encoding uses one of the formats.
fn run(what: &str, encoding: usize, code: i32, gate: Gate<'static>) -> Outcome {
    let folder = Folder::new();
    let report = |form: &str| format!("{form}={}", folder.file(form).display());
    let [json, junit, markdown] = ["json", "junit", "markdown"].map(report);
    let gate = gate.env("GITHUB_ACTIONS", "true").env("RUNNER_TEMP", folder.path());
    let gate =
        ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"].iter().fold(gate, |gate, file| gate.env(file, folder.file(file)));
    let format = ["text", "json", "ndjson"][encoding % 3];
    let gate = gate.args(["-vvv", "--output", format, "--report", &json, "--report", &junit, "--report", &markdown]);
    let outcome = gate.run();
    assert_eq!(outcome.code, code, "{what} in encoding {encoding}:\n{}", outcome.stderr);
    let summary = std::fs::read_to_string(folder.file("GITHUB_STEP_SUMMARY")).unwrap();
    for text in [&outcome.stdout, &outcome.stderr, &summary] {
        let text: Vec<&str> = text.lines().filter(|line| !line.starts_with("::add-mask::")).collect();
        assert_eq!(shown(&SECRETS.map(str::to_owned).into(), &text.join("\n")), None, "{what} {encoding}:\n{text:#?}");
    }
    outcome
}

fn at(url: &str) -> Gate<'static> {
    with_secrets(Gate::at(url, "wait").args(["--install", INSTALL, "--component", API]))
}

#[test]
fn a_server_that_repeats_a_secret_in_an_answer_is_not_quoted() {
    for_each_encoding(|number, encode| {
        let known = SECRETS[..7].iter().map(|secret| encode(secret)).collect::<Vec<_>>().join(" , ");
        let ascii: String = known.chars().filter(char::is_ascii).collect();
        let error = json!({"error": known, "user_error": true, "description": known}).to_string();
        let escaped = error.replace('a', "\\u0061").replace('/', "\\/");
        let version = format!("X-Nuon-API-Version: {ascii}\r\n");
        let quoted = json!(known).to_string();
        let broken =
            [b"{\"user_error\":true,\"error\":\"\xff".as_slice(), quoted.trim_matches('"').as_bytes(), b"\xfe\"}"];
        let broken = broken.concat();
        let location = format!(
            "{version}Location: https://{}.example/{}\r\n",
            encode(TOKEN).replace(' ', ""),
            ascii.replace(' ', "")
        );
        let deploy = json!({
            "id": "dpl1", "install_id": INSTALL, "component_id": API, "install_deploy_type": "apply",
            "status": known, "status_description": known, "created_at": "2026-08-03T14:02:11Z", "build_id": encode(TOKEN),
        });
        let answers = [
            ("an error", 3, answer("403 Forbidden", &version, error.as_bytes())),
            ("an escaped error", 3, answer("403 Forbidden", &version, escaped.as_bytes())),
            ("an error in broken UTF-8", 3, answer("403 Forbidden", &version, &broken)),
            ("an error of its own", 7, answer("500 Oh", &version, error.as_bytes())),
            ("a redirect", 7, answer("302 Found", &location, b"")),
            ("a coding", 7, answer("200 OK", &format!("{version}Content-Encoding: {}\r\n", encode(TOKEN)), b"{}")),
            ("a deploy", 124, answer("200 OK", &version, deploy.to_string().as_bytes())),
        ];
        for (what, code, whole) in answers {
            if what == "a coding" && !encode(TOKEN).is_ascii() {
                continue;
            }
            let echo = Echo::new(move |_| whole.clone());
            let limits = match code {
                124 => ["--api-outage", "15s", "--timeout", "200ms"],
                _ => ["--api-outage", "100ms", "--timeout", "15s"],
            };
            let outcome = run(what, number, code, at(&echo.url).args(limits));
            assert!(!outcome.stderr.contains("redirected to planted,"), "{number}: half of it is quoted");
            assert!(what == "a redirect" || outcome.stderr.contains("[redac"), "{what} {number}: {outcome:?}");
        }
    });
}

#[test]
fn a_deploy_that_prints_a_secret_is_not_quoted_to_anyone() {
    for_each_encoding(|number, encode| {
        let known = SECRETS[..7].iter().map(|secret| encode(secret)).collect::<Vec<_>>().join(" , ");
        let quoted = json!(known).to_string();
        let statuses = format!(
            "{{ status = \"executing\", description = {quoted} }}, {{ status = \"error\", error = {quoted}, hint = {quoted} }}"
        );
        let script = access()
            + &component(API, &statuses)
                .replace("[[component.deploy]]\n", &format!("[[component.deploy]]\ncommit = {quoted}\n"));
        let sim: &'static _ = Box::leak(Box::new(serve(&script)));
        let said = json!({"ok": true, "channel": encode(TOKEN), "ts": "1.2"}).to_string();
        let echo = Echo::new(move |_| answer("200 OK", "", said.as_bytes()));
        let gate = with_secrets(Gate::wait(sim)).env("NUON_GATE_SLACK_API_URL", format!("{}/api/", echo.url));
        let hooks = format!("{}/hook\n{HOOK}", echo.url);
        run("a deploy", number, 1, gate.env("NUON_GATE_WEBHOOK_URL", hooks).env("NUON_GATE_NOTIFY_TIMEOUT", "1s"));
        let sent = echo.sent.lock().unwrap().clone();
        assert!(sent.contains("[redacted]"), "{sent}");
        assert_eq!(shown(&SECRETS.map(str::to_owned).into(), &sent), None, "encoding {number}: {sent}");
    });
}

#[test]
fn what_a_runner_writes_its_log_with_is_a_secret_too() {
    const WRITE_TOKEN: &str = "simulated-write-token-never-to-be-shown";
    let logs = format!("logs = [{{ severity = \"error\", text = \"push as {WRITE_TOKEN}\" }}]\n");
    let statuses = format!(
        "{{ status = \"executing\", polls = 3 }}, {{ status = \"error\", description = \"used {WRITE_TOKEN}\" }}"
    );
    let script = one_deploy(&statuses).replace("[[component.deploy]]\n", &format!("[[component.deploy]]\n{logs}"));
    for follow in [&[][..], &["--follow-logs", "all"]] {
        let outcome = Gate::wait(&serve(&script)).args(follow).json().exits(1);
        assert!(outcome.stdout.contains("push as [redacted]"), "{}", outcome.stdout);
        assert!(!(outcome.stdout + &outcome.stderr).contains(WRITE_TOKEN), "{follow:?}");
    }
}

#[test]
fn a_service_that_repeats_a_secret_is_not_quoted() {
    let sim: &'static _ = Box::leak(Box::new(serve(&(access() + &component(API, r#"{ status = "active" }"#)))));
    for_each_encoding(|number, encode| {
        let known = SECRETS[..7].iter().map(|secret| encode(secret)).collect::<Vec<_>>().join(" , ");
        let said = json!({"ok": false, "error": known, "needed": known}).to_string();
        for body in [said, known] {
            let echo = Echo::new(move |_| answer("400 Bad Request", "", body.as_bytes()));
            let gate = with_secrets(Gate::wait(sim)).env("NUON_GATE_SLACK_API_URL", format!("{}/api/", echo.url));
            run("a service", number, 0, gate.env("NUON_GATE_WEBHOOK_URL", format!("{}/hook\n{HOOK}", echo.url)));
        }
    });
}

#[test]
fn what_an_identity_was_exchanged_for_is_not_quoted_either() {
    for_each_encoding(|number, encode| {
        let known = [IDENTITY, EXCHANGED].map(encode).join(" , ");
        let error = json!({"error": known, "user_error": true}).to_string();
        let token = json!({"authenticated": true, "token": EXCHANGED, "org_id": ORG}).to_string();
        let echo = Echo::new(move |head| match head.contains("/oidc/token") {
            true => answer("200 OK", "", token.as_bytes()),
            false => answer("403 Forbidden", "X-Nuon-API-Version: 1\r\n", error.as_bytes()),
        });
        let gate = at(&echo.url).without("NUON_API_TOKEN").env("NUON_OIDC_TOKEN", IDENTITY);
        assert!(run("an identity", number, 3, gate).stderr.contains("[redacted]"));
    });
}

#[test]
fn a_secret_in_the_place_of_something_else_is_not_quoted() {
    let sim = serve(&(access() + &component(API, r#"{ status = "active" }"#)));
    let target = ["--install", INSTALL, "--component", API];
    let places: [&[&str]; 12] = [
        &["--install", TOKEN, "--component", API],
        &["--timeout", TOKEN],
        &["--deploy", TOKEN],
        &["--after", TOKEN],
        &["--targets-file", TOKEN],
        &["--token-file", TOKEN],
        &["--token-file", "/no/such/planted-token-5e7a"],
        &["--ca-file", TOKEN],
        &["--config", TOKEN],
        &["--report", "json=planted-token-5e7a"],
        &["--output", TOKEN],
        &["--", TOKEN],
    ];
    for place in places {
        for format in ["text", "ndjson"] {
            let target = if place[0] == "--install" { &[][..] } else { &target };
            let folder = Folder::new();
            let gate = with_secrets(Gate::at(&sim.url(), "wait")).args(["-vvv", "--timeout", "200ms"]).args(target);
            let gate = gate.env("GITHUB_ACTIONS", "true").env("GITHUB_OUTPUT", folder.file("output"));
            let gate = if place[0] == "--output" { gate } else { gate.args(["--output", format]) };
            let outcome = gate.args(place).run();
            assert_ne!(outcome.code, 0, "{place:?}");
            assert!(!outcome.home.iter().any(|name| name.contains(TOKEN)), "{place:?}: {:?}", outcome.home);
            let outputs = std::fs::read_to_string(folder.file("output")).unwrap_or_default();
            assert!(!outputs.contains(TOKEN), "{place:?}: {outputs}");
        }
    }
}

#[test]
fn a_secret_of_a_file_is_not_quoted_in_the_place_of_something_else() {
    let address = format!("http://{TOKEN}");
    let (flag, report) = (format!("--{TOKEN}"), format!("json=absent/{TOKEN}/r.json"));
    let places: [&[&str]; 7] = [
        &["--timeout", TOKEN],
        &["--commit", TOKEN],
        &[&flag],
        &["--report", TOKEN],
        &["--report", &report],
        &["--api-url", &address],
        &[TOKEN],
    ];
    for place in places {
        for by in ["flag", "joined", "variable", "config", "tilde", "home"] {
            let folder = Folder::new();
            let gate = Gate::at("http://127.0.0.1:9", "wait").without("NUON_API_TOKEN").env("GITHUB_ACTIONS", "true");
            let gate = gate.env("GITHUB_OUTPUT", folder.file("output"));
            let token = folder.write("token", TOKEN).display().to_string();
            let config = folder.write("config", format!("api_token: {TOKEN}\n")).display().to_string();
            let gate = match by {
                "flag" => gate.args(["--token-file", &token]),
                "joined" => gate.args([format!("--token-file={token}")]),
                "variable" => gate.env("NUON_GATE_TOKEN_FILE", &token),
                "config" => gate.env("NUON_CONFIG_FILE", &config),
                "tilde" => {
                    gate.home().write("other", format!("api_token: {TOKEN}\n"));
                    gate.env("NUON_GATE_CONFIG", "~/other")
                }
                _ => {
                    gate.home().write(".nuon", format!("api_token: {TOKEN}\n"));
                    gate
                }
            };
            let outcome = gate.args(["--install", INSTALL, "--component", API]).args(place).run().refused();
            let outputs = std::fs::read_to_string(folder.file("output")).unwrap_or_default();
            let all = format!("{}{}{outputs}", outcome.stdout, outcome.stderr);
            // A runner has to know what to mask.
            let shown = all.lines().find(|line| line.contains(TOKEN) && !line.starts_with("::add-mask::"));
            assert_eq!(shown, None, "{place:?}, {by}");
        }
    }
}

#[test]
fn what_looks_like_a_secret_is_not_quoted() {
    const BOT: &str = "xoxb-2345678901-2345678901234-Xf3mQ9rL0aZt7VbW2kHs8NyE";
    let gate = || Gate::at("http://127.0.0.1:9", "wait").args(["--install", INSTALL, "--component", API]);
    let outcomes = [
        gate().env("NUON_GATE_SLACK_THREAD", BOT).run().refused().says("--slack-thread"),
        gate().args(["--timeout", BOT]).run().refused().says("invalid value '[redacted]' for '--timeout"),
        gate().args([format!("--{BOT}")]).run().refused().says("unexpected argument '[redacted]' found"),
        Gate::bare(BOT).run().refused().says("[redacted]"),
    ];
    for outcome in outcomes {
        assert!(!outcome.stderr.contains("Xf3mQ9rL0a"), "{}", outcome.stderr);
    }
}

#[cfg(unix)]
#[test]
fn a_command_that_is_named_by_a_secret_is_not_quoted() {
    let sim = serve(&(access() + &component(API, r#"{ status = "active" }"#)));
    let (folder, outputs) = (Folder::new(), Folder::new());
    let command = folder.file(TOKEN);
    std::os::unix::fs::symlink("/bin/sh", &command).unwrap();
    let gate = with_secrets(Gate::wait(&sim)).env("GITHUB_ACTIONS", "true");
    let gate = gate.env("GITHUB_OUTPUT", outputs.file("output")).args(["--"]).args([&command]).args(["-c", "exit 3"]);
    gate.run().exits(1).says("[redacted] failed (exit status: 3)");
    let written = std::fs::read_to_string(outputs.file("output")).unwrap();
    assert!(written.contains("[redacted] failed") && !written.contains(TOKEN), "{written}");
}

#[test]
fn words_dates_and_versions_are_neither_hidden_nor_taken_out() {
    let words = "production 2016-06-01 v1.2.3 api-version invoke hooks notifications";
    let statuses = format!(r#"{{ status = "executing" }}, {{ status = "error", error = "{words}" }}"#);
    let sim = serve(&(access() + &component(API, &statuses)));
    let hooks =
        "http://127.0.0.1:9/hooks/production\nhttp://127.0.0.1:9/notifications/invoke?api-version=2016-06-01&v=v1.2.3";
    let gate = Gate::wait(&sim).env("NUON_GATE_WEBHOOK_URL", hooks).env("GITHUB_ACTIONS", "true");
    let gate = gate.env("NUON_GATE_WEBHOOK_HEADERS", "X-Environment: production\nAccept: application/json");
    let outcome = gate.env("NUON_GATE_NOTIFY_TIMEOUT", "100ms").json().exits(1);
    assert!(outcome.reason().contains(words), "{}", outcome.reason());
    let masks: Vec<&str> = outcome.stderr.lines().filter_map(|line| line.strip_prefix("::add-mask::")).collect();
    assert!(masks.contains(&TOKEN) && masks.len() == 3, "{masks:?}");
    let result = outcome.result().to_string();
    assert!(masks.iter().all(|mask| !result.contains(mask)), "{masks:?}");
}
