//! The messages about a run in each service, and that they all say the same.

use serde_json::Value;

use nuon_gate_sim::Sim;

use crate::notifications::{notifying, received};
use crate::support::{ENDLESS, INSTALL, WORKER, component, one_deploy, serve};

/// The title and the first lines below it, up to the facts.
type Read = Vec<String>;

fn lines(text: &str, count: usize) -> Read {
    text.lines().take(count).map(str::to_owned).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Reads the newest message of each service.
fn read(sim: &Sim, count: usize) -> Vec<(&'static str, Read)> {
    let messages = sim.slack_messages();
    let slack = |by_webhook: bool| {
        let newest = messages.iter().rfind(|message| message.by_webhook == by_webhook).unwrap();
        lines(&newest.text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"), count)
    };
    let card: Value = serde_json::from_str(&received(sim, "/teams").pop().unwrap().body).unwrap();
    let blocks = card["attachments"][0]["content"]["body"].as_array().unwrap();
    let runs =
        |block: &Value| block["inlines"].as_array().unwrap().iter().map(|run| text(&run["text"])).collect::<String>();
    let teams = lines(&blocks.iter().map(runs).collect::<Vec<_>>().join("\n"), count);
    let embed = &sim.discord_messages().pop().unwrap().embeds[0];
    let discord = format!("{}\n{}", text(&embed["title"]), text(&embed["description"]));
    vec![
        ("slack", slack(false)),
        ("slack-webhook", slack(true)),
        ("teams", teams),
        ("discord", lines(&discord.replace('\\', ""), count)),
    ]
}

/// Runs a wait, and expects these first lines from every service, and this reason and hint from the webhook.
fn reads(script: &str, flags: &[&str], code: i32, expected: &[&str], webhook: (&str, Option<&str>, Option<&str>)) {
    let sim = serve(script);
    let outcome = notifying(&sim).args(flags).json().exits(code);
    for (sink, lines) in read(&sim, expected.len()) {
        assert_eq!(lines, expected, "{sink}");
    }
    let event: Value = serde_json::from_str(&received(&sim, "/webhook").pop().unwrap().body).unwrap();
    let said = (text(&event["type"]), event["data"]["reason"].as_str(), event["data"]["hint"].as_str());
    assert_eq!(said, webhook);
    let result = outcome.result();
    assert_eq!((result["reason"].as_str(), result["hint"].as_str()), (webhook.1, webhook.2), "as in the result");
}

fn named(script: &str) -> String {
    let id = "id = \"cmpapi00000000000000000000\"\n";
    script.replace(id, &format!("{id}name = \"api\"\n"))
}

#[test]
fn a_failure_is_read_with_its_reason_and_what_to_do() {
    let failing =
        r#"{ status = "executing" }, { status = "error", error = "quota <exceeded>", hint = "ask for more & wait" }"#;
    let expected = ["❌ api in acme failed: quota <exceeded>", "→ ask for more & wait"];
    let webhook = ("nuon.deploy.failed", Some("quota <exceeded>"), Some("ask for more & wait"));
    reads(&named(&one_deploy(failing)), &[], 1, &expected, webhook);
}

#[test]
fn a_limit_that_ran_out_is_no_failure() {
    let script = named(&one_deploy(&ENDLESS.replace(r#"{ status = "queued" }, "#, "")))
        .replace("statuses", "id = \"dplone\"\nstatuses");
    let sim = serve(&script);
    notifying(&sim).args(["--timeout", "1s"]).json().exits(124);
    for (sink, lines) in read(&sim, 2) {
        let beginning = "⏰ api in acme still running: --timeout 1s expired: the last status is `executing` for ";
        assert!(lines[0].starts_with(beginning), "{sink}: {lines:?}");
        let hint = "→ still running: wait again with --deploy dplone, or raise --timeout (NUON_GATE_TIMEOUT)";
        assert_eq!(lines[1], hint, "{sink}");
    }
}

#[test]
fn a_recovery_is_more_than_a_pass() {
    let old =
        |number: u32| format!("[[component.deploy]]\nid = \"dplold{number}\"\nstatuses = [{{ status = \"error\" }}]\n");
    let new =
        "[[component.deploy]]\nafter_polls = 1\nstatuses = [{ status = \"executing\" }, { status = \"active\" }]\n";
    let script = named(&(one_deploy(r#"{ status = "active" }"#) + &old(1) + &old(2) + new));
    let expected = ["✅ api in acme recovered after 2 failures"];
    reads(&script, &["--on-stale", "wait"], 0, &expected, ("nuon.deploy.passed", None, None));
}

#[test]
fn an_approval_says_where_to_answer() {
    let asking = named(&one_deploy(r#"{ status = "executing" }, { status = "pending-approval" }"#));
    let script = asking.replace("statuses", "approval_option = \"prompt\"\nstatuses");
    let sim = serve(&script);
    let outcome = notifying(&sim).args(["--approval-timeout", "1s"]).json().exits(5);
    for (sink, lines) in read(&sim, 3) {
        // The reason follows the headline or, if there is no room, is below it.
        let lead = lines.join("\n").replacen("acme\n", "acme: ", 1);
        let (title, rest) = lead.split_once('\n').unwrap();
        let beginning = "✋ approval needed for api in acme: --approval-timeout 1s expired without an answer: ";
        assert!(title.starts_with(beginning), "{sink}: {lines:?}");
        assert!(rest.starts_with("→ approve or deny the plan, then wait again"), "{sink}: {lines:?}");
    }
    let page = outcome.result()["targets"][0]["approval_url"].as_str().unwrap().to_owned();
    assert!(received(&sim, "/teams").pop().unwrap().body.contains(&page));
    assert!(sim.discord_messages()[0].embeds[0].to_string().contains(&page));
}

#[test]
fn a_human_asked_as_the_wait_ends_is_mentioned_once() {
    let asking = named(&one_deploy(r#"{ status = "executing" }, { status = "pending-approval" }"#));
    let sim = serve(&asking.replace("statuses", "approval_option = \"prompt\"\nstatuses"));
    notifying(&sim).args(["--on-approval", "fail"]).json().exits(5);
    let by_webhook = sim.slack_messages().into_iter().filter(|message| message.by_webhook).count();
    assert_eq!((by_webhook, received(&sim, "/teams").len()), (1, 1));
    let events = received(&sim, "/webhook");
    let types: Vec<String> = events
        .iter()
        .map(|seen| text(&serde_json::from_str::<Value>(&seen.body).unwrap()["type"]).to_owned())
        .collect();
    assert_eq!(
        types.iter().filter(|kind| kind.contains("approval")).collect::<Vec<_>>(),
        ["nuon.deploy.approval_needed"]
    );
}

#[test]
fn of_several_each_that_failed_has_its_line() {
    let failing = |reason: &str| format!(r#"{{ status = "executing" }}, {{ status = "error", error = "{reason}" }}"#);
    let hinted = failing("no image").replace("error = \"no", "hint = \"push it\", error = \"no");
    let worker = component(WORKER, &hinted).replace("[[component.deploy]]", "name = \"worker\"\n[[component.deploy]]");
    let sim = serve(&(named(&one_deploy(&failing("quota exceeded"))) + &worker));
    notifying(&sim).args(["--component", WORKER]).json().exits(1);
    for (sink, lines) in read(&sim, 5) {
        assert_eq!(lines[0], "❌ 2 components in acme failed", "{sink}");
        // The hint for either failure follows it, and a common hint appears once.
        assert_eq!(lines[1], "→ check the deploy's log in Nuon, fix what failed, then deploy again", "{sink}");
        let own = ["❌ api in acme: failed: quota exceeded", "❌ worker in acme: failed: no image → push it"];
        let plain = |line: &str| line.replace(['[', ']'], "").split("(http").next().unwrap_or_default().to_owned();
        let all: Vec<String> = lines
            .iter()
            .map(|line| match line.split_once(')') {
                Some((head, rest)) if head.contains("](http") => plain(head) + rest,
                _ => line.clone(),
            })
            .collect();
        assert!(own.iter().all(|line| all.iter().any(|own| own == line)), "{sink}: {all:#?}");
    }
}

#[test]
fn a_plan_that_was_denied_is_not_to_be_approved_any_more() {
    // The deploy itself does not change: only its workflow says that it is over.
    let deploy = "id = \"dplone\"\nworkflow = \"inwone\"\nstatuses";
    let asking = one_deploy(r#"{ status = "executing" }, { status = "pending-approval" }"#).replace("statuses", deploy);
    let state = |state: &str, step: &str| {
        format!("[[workflow.states]]\n{state}\nsteps = [{{ name = \"plan\", deploy = \"dplone\", {step} }}]\n")
    };
    let workflow = format!("[[workflow]]\nid = \"inwone\"\ninstall = \"{INSTALL}\"\napproval_option = \"prompt\"\n");
    let asks =
        state("status = \"in-progress\"\npolls = 6", r#"status = "approval-awaiting", approval = "terraform_plan""#);
    let denied = state("status = \"cancelled\"\nfinished = true", r#"status = "approval-denied", finished = true"#);
    let script = named(&asking) + &workflow + &asks + &denied;
    let sim = serve(&script);
    let outcome = notifying(&sim).json().exits(4);
    let cards = received(&sim, "/teams");
    assert_eq!(cards.len(), 2, "the approval, and the end");
    assert!(cards[0].body.contains("Approve in Nuon") && !cards[1].body.contains("Approve in Nuon"));
    let target = &outcome.result()["targets"][0];
    assert_eq!(target["approval_url"], Value::Null);
    assert_eq!(target["hint"], "have the plan changed or approved, then deploy again");
}
