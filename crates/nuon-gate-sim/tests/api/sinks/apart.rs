//! The services are separate from the API: in their requests, their faults, and their time.

use nuon_gate_sim::Sim;
use serde_json::{Value, json};

use super::{CHANNEL, TOKEN, call, post};
use crate::client::{Answer, ask, get, send, serve, try_to_send};

const SCRIPT: &str = r#"
    [[component]]
    install = "inlone"
    id = "cmpapi"
    [[component.deploy]]
    id = "dpl1"
    workflow = "inw1"
    after = "300ms"
    statuses = [{ status = "executing" }]
"#;

/// Every service, with a body that it accepts.
fn all(sim: &Sim) -> Vec<(&'static str, String, Value)> {
    let content = json!({"type": "AdaptiveCard", "body": []});
    let attachment = json!({"contentType": "application/vnd.microsoft.card.adaptive", "content": content});
    vec![
        ("slack", sim.slack_api_url() + "chat.postMessage", json!({"channel": "deploys", "text": "x"})),
        ("slack-webhook", sim.slack_webhook_url(), json!({"text": "x"})),
        ("webhook", sim.webhook_url(), json!({})),
        ("teams", sim.teams_webhook_url(), json!({"type": "message", "attachments": [attachment]})),
        ("discord", sim.discord_webhook_url(), json!({"content": "x"})),
    ]
}

fn deliver(url: &str, body: &Value) -> Answer {
    send(url, "POST", TOKEN, &body.to_string())
}

/// Returns how many messages can be read.
fn messages(sim: &Sim) -> usize {
    sim.slack_messages().len() + sim.discord_messages().len()
}

#[test]
fn the_second_of_each_kind_is_struck_and_no_other() {
    for (struck, ..) in all(&serve("")) {
        let sim = serve(&format!(
            "[[fault]]\non = \"{struck}\"\nnth = [2]\nanswer = \"status\"\ncode = 418\nretry_after = \"7\""
        ));
        for nth in 1..=3 {
            for (name, url, body) in all(&sim) {
                let answer = deliver(&url, &body);
                let expected = name == struck && nth == 2;
                assert_eq!(answer.status == 418, expected, "{struck} {name} {nth}");
                assert_eq!(answer.header("Retry-After"), expected.then_some("7"));
            }
        }
    }
}

#[test]
fn what_strikes_the_api_strikes_nobody_else() {
    let fault = "[[fault]]\nnth = [2]\nanswer = \"status\"\ncode = 418\n";
    let sim = serve(&(SCRIPT.to_owned() + fault));
    let install = || get(&sim, "/v1/installs/inlone").status;
    assert_eq!(install(), 200);
    for (name, url, body) in all(&sim) {
        assert!((200..300).contains(&deliver(&url, &body).status), "{name}");
    }
    assert_eq!([install(), install()], [418, 200], "nor do they count");
    for (name, url, body) in all(&sim) {
        let of_component = format!("{SCRIPT}[[fault]]\non = \"{name}\"\ncomponent = \"cmpapi\"\nanswer = \"reset\"\n");
        assert!((200..300).contains(&deliver(&url.replace(&sim.url(), &serve(&of_component).url()), &body).status));
    }
}

#[test]
fn a_fault_prevents_a_message_unless_it_comes_after_it() {
    for answer in ["reset", "reset-in-body", "undecodable", "html", "status"] {
        for (knob, expected) in [("", 0), ("after_effect = true", 1)] {
            for (name, ..) in all(&serve("")) {
                if matches!(name, "webhook" | "teams") {
                    continue;
                }
                let sim = serve(&format!("[[fault]]\non = \"{name}\"\nanswer = \"{answer}\"\n{knob}\n"));
                let (_, url, body) = all(&sim).into_iter().find(|(own, ..)| *own == name).unwrap();
                let came = try_to_send(&url, "POST", TOKEN, &body.to_string());
                assert_eq!(came.is_empty(), answer == "reset", "{came}");
                assert_eq!(messages(&sim), expected, "{name} {answer} {knob}");
            }
        }
    }
    let api = format!("{SCRIPT}[[fault]]\non = \"cancel\"\nnth = [1]\nanswer = \"status\"\nafter_effect = true\n");
    let sim = serve(&api.replace("after = \"300ms\"", ""));
    let cancel = || ask(&sim, "POST", "/v1/workflows/inw1/cancel", "Content-Length: 2\r\n").status;
    assert_eq!([cancel(), cancel()], [503, 500], "it was cancelled, and cannot be again");
}

#[test]
fn requests_of_sinks_start_no_script_and_are_no_polls() {
    let sim = serve(SCRIPT);
    let latest = || get(&sim, "/v1/installs/inlone/components/cmpapi/deploys/latest").status;
    for (_, url, body) in all(&sim) {
        deliver(&url, &body);
    }
    std::thread::sleep(std::time::Duration::from_millis(400));
    assert_eq!(latest(), 404, "300 ms count from the first request to the API");
    std::thread::sleep(std::time::Duration::from_millis(400));
    assert_eq!(latest(), 200);

    let sim = serve(&SCRIPT.replace("after = \"300ms\"", "after_polls = 1"));
    for (_, url, body) in all(&sim) {
        deliver(&url, &body);
    }
    let latest = || get(&sim, "/v1/installs/inlone/components/cmpapi/deploys/latest").status;
    assert_eq!([latest(), latest()], [404, 200]);
}

#[test]
fn bodies_are_kept_where_somebody_may_want_to_see_them() {
    let sim = serve(SCRIPT);
    for (_, url, body) in all(&sim) {
        deliver(&url, &body);
        assert_eq!(sim.requests().pop().unwrap().body, body.to_string());
    }
    let id = post(&(sim.discord_webhook_url() + "?wait=true"), &json!({"content": "x"})).json()["id"].clone();
    let message = format!("{}/messages/{}", sim.discord_webhook_url(), id.as_str().unwrap());
    send(&message, "PATCH", "", r#"{"content":"y"}"#);
    assert_eq!(sim.requests().pop().unwrap().body, r#"{"content":"y"}"#);
    ask(&sim, "POST", "/v1/workflows/inw1/cancel", "Content-Length: 2\r\n");
    assert_eq!(sim.requests().pop().unwrap().body, "{}");
    send(&(sim.url() + "/v1/installs"), "GET", "", "secret");
    assert_eq!(sim.requests().pop().unwrap().body, "");
}

#[test]
fn a_body_is_kept_up_to_a_mebibyte() {
    let sim = serve("");
    let most = 1024 * 1024;
    for length in [most, most + 1, 3 * most] {
        assert_eq!(send(&sim.webhook_url(), "POST", "", &"x".repeat(length)).status, 200);
        assert_eq!(sim.requests().pop().unwrap().body.len(), most);
    }
    // A later message is not affected.
    assert_eq!(call(&sim, "chat.postMessage", &json!({"channel": CHANNEL, "text": "x"})).json()["ok"], true);
}

#[test]
fn there_are_no_other_services() {
    let sim = serve("");
    for target in ["/slack", "/slack/api", "/slack/hooks", "/teams", "/discord", "/discord/api/webhooks/1", "/webhooks"]
    {
        assert_eq!(post(&(sim.url() + target), &json!({})).status, 404, "{target}");
    }
}
