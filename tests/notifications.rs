//! What Slack, webhooks, Teams and Discord receive, over real HTTP.

use serde_json::{Value, json};

use nuon_gate_sim::{Seen, Sim};

use crate::github_sinks::service;
use crate::support::{API, ENDLESS, Folder, Gate, INSTALL, PASSING, access, component, one_deploy, serve};

const FAILING: &str =
    r#"{ status = "executing", polls = 2 }, { status = "error", error = "quota <!channel> exceeded" }"#;
const SLACK_TOKEN: &str = "xoxb-simulated-token";
const SECRET: &str = "whsec_c2ltdWxhdGVkLXdlYmhvb2stc2VjcmV0LTI0";

/// A wait with all sinks.
pub(crate) fn notifying(sim: &Sim) -> Gate<'_> {
    notifying_at(Gate::wait(sim), sim)
}

/// The same for another wait.
pub(crate) fn notifying_at<'a>(gate: Gate<'a>, sim: &Sim) -> Gate<'a> {
    gate.env("NUON_GATE_SLACK_TOKEN", SLACK_TOKEN)
        .env("NUON_GATE_SLACK_CHANNEL", "deploys")
        .env("NUON_GATE_SLACK_API_URL", sim.slack_api_url())
        .env("NUON_GATE_SLACK_WEBHOOK_URL", sim.slack_webhook_url())
        .env("NUON_GATE_WEBHOOK_URL", sim.webhook_url())
        .env("NUON_GATE_WEBHOOK_SECRET", SECRET)
        .env("NUON_GATE_TEAMS_WEBHOOK_URL", sim.teams_webhook_url())
        .env("NUON_GATE_DISCORD_WEBHOOK_URL", sim.discord_webhook_url())
}

pub(crate) fn received(sim: &Sim, path: &str) -> Vec<Seen> {
    sim.requests().into_iter().filter(|seen| seen.target.starts_with(path)).collect()
}

fn deliveries(result: &Value) -> Vec<(String, String)> {
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let all = result["notifications"].as_array().unwrap();
    all.iter().map(|shown| (word(&shown["sink"]), word(&shown["result"]))).collect()
}

#[test]
fn every_sink_gets_the_end() {
    let sim = serve(&one_deploy(FAILING));
    let outcome = notifying(&sim).args(["--slack-mention-on-failure", "<!here>"]).json().exits(1);
    let sinks = ["slack", "slack-webhook", "webhook", "teams", "discord"];
    let sent: Vec<(String, String)> = sinks.iter().map(|sink| ((*sink).to_owned(), "sent".to_owned())).collect();
    assert_eq!(deliveries(&outcome.result()), sent);

    // One message, edited in place, with a reply that appears in the channel and mentions people.
    let messages = sim.slack_messages();
    let bots: Vec<_> = messages.iter().filter(|message| !message.by_webhook).collect();
    assert_eq!(bots.len(), 2, "{bots:#?}");
    assert!(bots[0].thread_ts.is_none() && bots[0].edits >= 1 && bots[0].text.contains("quota"), "{bots:#?}");
    assert_eq!((bots[1].thread_ts.as_ref(), bots[1].is_broadcast), (Some(&bots[0].ts), true));
    assert_eq!(bots.iter().map(|bot| bot.text.contains("<!here>")).collect::<Vec<_>>(), [false, true]);
    let beginning = "❌ api00000000000000000000 in acme failed: quota &lt;!channel&gt; exceeded <!here>\n→ ";
    assert!(bots[1].text.starts_with(beginning), "names, although ids were given: {}", bots[1].text);
    // Slack parses these fields as markup. Plain-text elements are shown as they are.
    let markup: String = messages.iter().map(|message| message.text.as_str()).collect();
    assert!(!markup.contains("<!channel>"), "text from the server mentions nobody: {markup}");
    assert!(markup.contains("<!here>"), "{markup}");

    let webhook = &received(&sim, "/webhook")[0];
    let body: Value = serde_json::from_str(&webhook.body).unwrap();
    assert_eq!((&body["type"], &body["data"]["verdict"]), (&json!("nuon.deploy.failed"), &json!("failed")));
    assert!(webhook.header("webhook-signature").is_some_and(|signature| signature.starts_with("v1,")));
    assert_eq!(received(&sim, "/teams").len(), 1);
    assert_eq!(sim.discord_messages().len(), 1);
}

#[test]
fn a_pass_is_reported_and_mentions_nobody() {
    let sim = serve(&one_deploy(PASSING));
    notifying(&sim).args(["--slack-mention-on-failure", "<!here>"]).json().exits(0);
    let everything: String = sim.slack_messages().iter().map(|message| format!("{:?}", message.blocks)).collect();
    assert!(!everything.contains("<!here>"), "{everything}");
}

/// A deploy whose workflow asks for an approval in one step and then in another.
fn asking_twice() -> String {
    let deploy = "dplone";
    let step = |name: &str, status: &str| {
        let (asks, ends) = (status == "approval-awaiting", status == "success");
        let approval = if asks { r#", approval = "terraform_plan""# } else { "" };
        let finished = if ends { ", finished = true" } else { "" };
        format!(r#"{{ name = "{name}", status = "{status}", deploy = "{deploy}"{approval}{finished} }}"#)
    };
    let state = |first: &str, second: &str, more: &str| {
        format!("[[workflow.states]]\n{more}\nsteps = [{}, {}]\n", step("plan", first), step("apply", second))
    };
    let going_on = "status = \"in-progress\"\npolls = 6";
    let states = [
        state("approval-awaiting", "pending", going_on),
        state("success", "approval-awaiting", going_on),
        state("success", "success", "status = \"success\"\nfinished = true"),
    ];
    let statuses = r#"{ status = "pending-approval", polls = 14 }, { status = "active" }"#;
    format!(
        "{}[[component]]\ninstall = \"{INSTALL}\"\ninstall_name = \"acme\"\nid = \"{API}\"\n[[component.deploy]]\nid = \"{deploy}\"\n\
         workflow = \"inwone\"\nstatuses = [{statuses}]\n[[workflow]]\nid = \"inwone\"\ninstall = \"{INSTALL}\"\n\
         approval_option = \"prompt\"\n{}",
        access(),
        states.concat()
    )
}

#[test]
fn every_sink_gets_each_step_that_asks_for_an_approval() {
    let sim = serve(&asking_twice());
    notifying(&sim).args(["--slack-mention-on-failure", "<!here>"]).json().exits(0);
    let to_webhook = received(&sim, "/webhook");
    let events: Vec<Value> = to_webhook.iter().map(|seen| serde_json::from_str(&seen.body).unwrap()).collect();
    let types: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["nuon.deploy.approval", "nuon.deploy.approval", "nuon.deploy.passed"]);
    let ids: std::collections::HashSet<_> = to_webhook.iter().map(|seen| seen.header("webhook-id")).collect();
    assert_eq!(ids.len(), 3);
    let messages = sim.slack_messages();
    let calls = |by_webhook: bool| {
        let asks = messages.iter().filter(|message| message.by_webhook == by_webhook);
        asks.filter(|message| message.text.starts_with("✋ ") && message.text.contains("<!here>")).count()
    };
    assert_eq!((calls(false), calls(true)), (2, 2), "{messages:#?}");
    assert!(messages.iter().filter(|message| message.is_broadcast).all(|reply| reply.text.contains("<!here>")));
    assert_eq!(received(&sim, "/teams").len(), 3);
}

#[test]
fn a_pass_on_a_plan_asks_and_claims_no_deploy() {
    let sim = serve(&asking_twice());
    notifying(&sim).args(["--slack-mention-on-failure", "<!here>", "--on-approval", "pass"]).json().exits(0);
    let messages = sim.slack_messages();
    let of = |by_webhook: bool| messages.iter().filter(move |message| message.by_webhook == by_webhook);
    let planned = "✋ api00000000000000000000 in acme planned, awaiting approval";
    assert!(of(false).next().unwrap().text.starts_with(planned), "{messages:#?}");
    let asks = "✋ approval needed for api00000000000000000000 in acme <!here>";
    assert_eq!(
        of(false).filter(|reply| reply.is_broadcast && reply.text.starts_with(asks)).count(),
        1,
        "{messages:#?}"
    );
    let by_webhook: Vec<_> = of(true).map(|message| message.text.as_str()).collect();
    assert!(by_webhook.len() == 2 && by_webhook[0].starts_with(asks), "{messages:#?}");
    assert!(by_webhook[1].starts_with(planned), "{messages:#?}");
}

#[test]
fn a_cancellation_by_a_person_mentions_nobody() {
    let sim = serve(&one_deploy(r#"{ status = "executing" }, { status = "cancelled" }"#));
    notifying(&sim).args(["--slack-mention-on-failure", "<!here>"]).json().exits(4);
    let messages = sim.slack_messages();
    assert!(messages.iter().all(|message| !message.text.contains("<!here>") && !message.is_broadcast), "{messages:#?}");
}

#[test]
fn only_what_is_listed_is_reported() {
    let sim = serve(&one_deploy(PASSING));
    let outcome = notifying(&sim).args(["--notify-on", "failure,timeout"]).json().exits(0);
    assert!(sim.slack_messages().is_empty() && received(&sim, "/webhook").is_empty());
    assert!(deliveries(&outcome.result()).iter().all(|(_, result)| result == "skipped"), "{:#}", outcome.result());
}

#[test]
fn changes_of_many_targets_are_told_as_well() {
    let statuses = r#"{ status = "planning", for = "2s" }, { status = "executing" }"#;
    let components: String = (0..101).map(|number| component(&format!("cmp{number:023}"), statuses)).collect();
    let sim = serve(&(access() + &components));
    let gate = Gate::at(&sim.url(), "wait").args(["--install", INSTALL, "--all-components", "--timeout", "9s"]);
    gate.env("NUON_GATE_WEBHOOK_URL", sim.webhook_url()).args(["--notify-on", "change"]).json().exits(124);
    let events: Vec<Value> =
        received(&sim, "/webhook").iter().map(|seen| serde_json::from_str(&seen.body).unwrap()).collect();
    let counts: Vec<_> = events.iter().map(|event| event["data"]["targets"].as_array().unwrap().len()).collect();
    assert!(!events.is_empty() && events.len() <= 4, "{counts:?}");
    assert_eq!(events[0]["type"], "nuon.deploy.changed");
}

#[test]
fn a_notification_that_fails_changes_no_verdict_unless_it_is_required() {
    let refused = "[webhook]\nrefuse = 410\n[[fault]]\non = \"teams\"\nanswer = \"reset\"\n";
    let sim = serve(&(one_deploy(PASSING) + refused));
    let flags = ["--notify-timeout", "2s"];
    let outcome = notifying(&sim).args(flags).json().exits(0);
    let deliveries = deliveries(&outcome.result());
    assert!(deliveries.contains(&("webhook".to_owned(), "failed".to_owned())), "{deliveries:?}");
    assert!(deliveries.contains(&("slack".to_owned(), "sent".to_owned())), "{deliveries:?}");
    outcome.says("webhook was not notified");
    let outcome = notifying(&sim).args(flags).args(["--notify-required"]).json().exits(8);
    assert_eq!(outcome.result()["verdict"], "notify_failed");
    // The warning is about the verdict that the notification has made.
    for (mapping, code) in [("notify_failed=0", 0), ("passed=3", 8)] {
        let outcome = notifying(&sim).args(flags).args(["--notify-required", "--map-exit", mapping]).json().exits(code);
        let warnings = outcome.result()["warnings"].to_string();
        assert!(!warnings.contains("the exit code is 3"), "{mapping}: {warnings}");
        assert_eq!(
            warnings.contains("the exit code is 0 instead of 8, because of --map-exit"),
            code == 0,
            "{warnings}"
        );
    }
}

#[test]
fn a_slow_sink_holds_up_nothing_beyond_its_budget() {
    let hang = "[[fault]]\non = \"slack\"\nanswer = \"hang\"\n";
    let sim = serve(&(one_deploy(PASSING) + hang));
    let outcome = notifying(&sim).args(["--notify-timeout", "300ms"]).json().exits(0);
    assert!(deliveries(&outcome.result()).contains(&("slack".to_owned(), "failed".to_owned())));
    assert!(outcome.result()["elapsed_ms"].as_u64().unwrap() < 5_000);
}

#[cfg(unix)]
#[test]
fn a_signal_is_reported_as_what_it_is() {
    let sim = serve(&one_deploy(ENDLESS));
    let mut gate = notifying(&sim).args(["--output", "json"]).start();
    gate.wait_for("executing").send(nix::sys::signal::Signal::SIGTERM);
    gate.end().exits(143);
    let webhook = received(&sim, "/webhook").pop().unwrap();
    let body: Value = serde_json::from_str(&webhook.body).unwrap();
    assert_eq!(body["type"], "nuon.deploy.interrupted");
}

#[cfg(unix)]
#[test]
fn after_a_signal_sinks_have_what_is_left_of_five_seconds() {
    let slow = "[[fault]]\non = \"slack\"\nnth = [1]\nanswer = \"status\"\ncode = 429\nretry_after = \"2\"\n";
    let hang = "[[fault]]\non = \"teams\"\nanswer = \"hang\"\n";
    // While the run is waited for, and while its end is sent.
    for (statuses, path) in [(ENDLESS, "/v1/"), (r#"{ status = "active" }"#, "/webhook")] {
        let sim = serve(&(one_deploy(statuses) + slow + hang));
        let mut gate = notifying(&sim).args(["--output", "json", "--notify-on", "success,failure"]).start();
        if path == "/v1/" {
            gate.wait_for("executing");
        }
        let waited = (0..1500).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(20));
            !received(&sim, path).is_empty()
        });
        assert!(waited);
        let began = tokio::time::Instant::now();
        gate.send(nix::sys::signal::Signal::SIGTERM);
        let outcome = gate.end().exits(143);
        assert!(began.elapsed().as_secs_f32() < 5.0, "{:?}", began.elapsed());
        let result = outcome.result();
        assert!(deliveries(&result).contains(&("slack".to_owned(), "sent".to_owned())), "{path}: {result:#}");
        let teams = result["notifications"].as_array().unwrap().iter().find(|sink| sink["sink"] == "teams").unwrap();
        assert_eq!(teams["reason"], "not done in the time after the signal");
    }
}

/// The message of the start is edited, Slack does not answer, and the job is cancelled.
#[cfg(unix)]
#[test]
fn a_signal_while_a_refusal_is_shown_decides_the_code() {
    let pause = "[[fault]]\non = \"latest\"\nnth = [1]\nanswer = \"status\"\ncode = 429\nretry_after = \"4\"\n";
    let hang = "[[fault]]\non = \"slack\"\nnth = [2]\nanswer = \"hang\"\n";
    let sim = serve(&(one_deploy(r#"{ status = "active" }"#) + pause + hang));
    let gate = Gate::wait(&sim).args(["--on-stale", "fail"]).env("NUON_GATE_SLACK_TOKEN", SLACK_TOKEN);
    let gate = gate.env("NUON_GATE_SLACK_CHANNEL", "deploys").env("NUON_GATE_SLACK_API_URL", sim.slack_api_url());
    let mut running = gate.start();
    let is_edited = || sim.requests().iter().any(|seen| seen.target.ends_with("chat.update"));
    let waited = (0..1500).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        is_edited()
    });
    assert!(waited);
    running.send(nix::sys::signal::Signal::SIGTERM);
    running.end().exits(143).says("interrupted by SIGTERM; the latest deploy, dpl1");
}

#[test]
fn a_missing_secret_skips_and_a_malformed_one_is_refused() {
    let sim = serve(&one_deploy(PASSING));
    let outcome = Gate::wait(&sim).env("NUON_GATE_SLACK_CHANNEL", "deploys").json().exits(0);
    assert_eq!(deliveries(&outcome.result()), [("slack".to_owned(), "skipped".to_owned())]);
    outcome.says("NUON_GATE_SLACK_TOKEN is not set");
    let refused = |name: &str, value: &str| {
        let outcome = Gate::wait(&sim).env(name, value).run().refused().says(name);
        assert!(!outcome.stderr.contains("s3cret"), "{}", outcome.stderr);
    };
    refused("NUON_GATE_SLACK_WEBHOOK_URL", "http://hooks.example/s3cret");
    refused("NUON_GATE_WEBHOOK_URL", "s3cret");
    refused("NUON_GATE_SLACK_TOKEN", "xapp-s3cret");
    let secret = Gate::wait(&sim)
        .env("NUON_GATE_WEBHOOK_URL", sim.webhook_url())
        .env("NUON_GATE_WEBHOOK_SECRET", "whsec_c2hvcnQ=");
    secret.run().refused().says("NUON_GATE_WEBHOOK_SECRET");
    Gate::wait(&sim).args(["--slack-mention-on-failure", "@everyone"]).run().refused();
}

#[test]
fn a_later_job_goes_on_with_the_same_message() {
    let sim = serve(&one_deploy(PASSING));
    let folder = Folder::new();
    let outputs = folder.write("outputs", "");
    let summary = folder.write("summary", "");
    let github = |gate: Gate<'_>| {
        gate.env("GITHUB_ACTIONS", "true")
            .env("GITHUB_OUTPUT", &outputs)
            .env("GITHUB_STEP_SUMMARY", &summary)
            .json()
            .exits(0)
    };
    github(notifying(&sim));
    let written = std::fs::read_to_string(&outputs).unwrap();
    let thread = written.lines().skip_while(|line| !line.starts_with("slack-thread<<")).nth(1).unwrap();
    let before = sim.slack_messages().len();
    notifying(&sim).args(["--slack-thread", thread]).json().exits(0);
    let bots = sim.slack_messages().iter().filter(|message| !message.by_webhook && message.thread_ts.is_none()).count();
    assert_eq!(bots, 1, "{before}: {:#?}", sim.slack_messages());
}

#[test]
fn a_saved_result_can_be_rendered_and_sent_again() {
    let sim = serve(&(access() + &component(API, FAILING)));
    let folder = Folder::new();
    let saved = folder.file("result.json");
    let report = format!("json={}", saved.display());
    Gate::wait(&sim).args(["--report", &report]).run().exits(1);
    let sinks = |action: &[&str]| {
        Gate::bare("notify")
            .args(action)
            .env("NUON_GATE_WEBHOOK_URL", sim.webhook_url())
            .env("NUON_GATE_WEBHOOK_SECRET", SECRET)
            .env("NUON_GATE_SLACK_WEBHOOK_URL", sim.slack_webhook_url())
    };
    let before = sim.requests().len();
    let rendered = sinks(&["render", "--result", saved.to_str().unwrap()]).run().exits(0);
    assert!(
        rendered.stdout.contains("# webhook\n") && rendered.stdout.contains("nuon.deploy.failed"),
        "{}",
        rendered.stdout
    );
    assert_eq!(sim.requests().len(), before, "nothing is sent");
    let tried = sinks(&["test"]).run().exits(0);
    assert_eq!(tried.stdout, "slack-webhook: sent\nwebhook: sent\n");
    sinks(&["render", "--result", "/nonexistent"]).run().refused();
    Gate::bare("notify").args(["test"]).run().refused().says("no notifications are configured");
}

#[test]
fn the_doctor_asks_slack_and_posts_nothing() {
    let doctor = |sim: &Sim, token: &str| {
        let outcome = Gate::at(&sim.url(), "doctor")
            .env("NUON_GATE_SLACK_TOKEN", token)
            .env("NUON_GATE_SLACK_CHANNEL", "deploys")
            .env("NUON_GATE_SLACK_API_URL", sim.slack_api_url())
            .json();
        let checks = outcome.result()["checks"].as_array().unwrap().clone();
        let of = |name: &str| checks.iter().find(|check| check["name"] == name).unwrap()["result"].clone();
        (outcome.code, of("notifications"), of("slack-token"), of("slack-message"))
    };
    let sim = serve(&one_deploy(PASSING));
    assert_eq!(doctor(&sim, SLACK_TOKEN), (0, json!("ok"), json!("ok"), json!("ok")));
    assert!(sim.slack_messages().is_empty());
    assert_eq!(doctor(&sim, "xoxb-wrong").2, "failed");
    assert_eq!(doctor(&sim, "xoxb-wrong").0, 8);
    assert_eq!(doctor(&serve(&(one_deploy(PASSING) + "[slack]\nscopes = \"users:read\"\n")), SLACK_TOKEN).2, "failed");
}

#[test]
fn what_a_service_repeats_of_a_secret_is_shown_nowhere() {
    let token = "xoxb-planted-e41f";
    let (url, _) = service(r#"{"ok": false, "error": "no Bearer xoxb-planted-e41f here"}"#);
    let sim = serve(&one_deploy(PASSING));
    let at = |gate: Gate<'_>| {
        let gate = gate.env("NUON_GATE_SLACK_TOKEN", token).env("NUON_GATE_SLACK_CHANNEL", "deploys");
        let outcome = gate.env("NUON_GATE_SLACK_API_URL", format!("{url}/api/")).run();
        let all = outcome.stdout.clone() + &outcome.stderr;
        assert!(all.contains("no Bearer [redacted] here") && !all.contains(token), "{all}");
        outcome.code
    };
    assert_eq!(at(Gate::wait(&sim).args(["-vvv"])), 0);
    assert_eq!(at(Gate::at(&sim.url(), "doctor")), 8);
    let gate = || Gate::at(&sim.url(), "doctor").args(["--output", "json"]);
    assert_eq!(at(gate()), 8);
}
