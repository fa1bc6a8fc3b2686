//! What every sink is sent for every kind of end, compared with files. After a change that is meant, write them anew with
//! `BLESS=1 cargo test -p nuon-gate-notify --test rendering`, and read the difference.

#![cfg(test)]

mod support;

use std::fmt::Write as _;
use std::path::Path;

use nuon_gate_core::Line;
use nuon_gate_core::result::{RunResult, VerdictName};
use nuon_gate_notify::render;
use serde_json::Value;
use support::{pending, result, sinks};

fn messages(result: &RunResult) -> String {
    let everyone = sinks(&[
        ("NUON_GATE_SLACK_TOKEN", "xoxb-secret-token"),
        ("NUON_GATE_SLACK_CHANNEL", "deploys"),
        ("NUON_GATE_SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T0/B0/secret-path"),
        ("NUON_GATE_WEBHOOK_URL", "https://a.example/hooks/secret-path"),
        ("NUON_GATE_WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("NUON_GATE_WEBHOOK_HEADERS", "Authorization: Bearer secret-header"),
        ("NUON_GATE_TEAMS_WEBHOOK_URL", "https://x.logic.azure.com/invoke?sig=secret-path"),
        ("NUON_GATE_DISCORD_WEBHOOK_URL", "https://discord.com/api/webhooks/1/secret-path"),
    ]);
    let mut text = String::new();
    for rendered in render(&everyone, result, &["<!here>".parse().unwrap()]) {
        let (head, body) = rendered.text.split_once("\n\n").unwrap_or(("", &rendered.text));
        let body: Value = serde_json::from_str(body).unwrap();
        let head = if head.is_empty() { String::new() } else { format!("{head}\n\n") };
        // What the webhook says twice is in the result already.
        writeln!(text, "== {} ==\n{head}{body:#}\n", rendered.sink).unwrap();
    }
    assert!(!text.contains("secret"), "{text}");
    text
}

#[expect(clippy::disallowed_methods, reason = "whether to write the files is for whoever runs the tests to say")]
fn compare(name: &str, result: &RunResult) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(format!("{name}.txt"));
    let text = messages(result);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    for (number, (line, expected)) in text.lines().zip(kept.lines()).enumerate() {
        assert_eq!(line, expected, "{name}.txt, line {}", number + 1);
    }
    assert_eq!(text.lines().count(), kept.lines().count(), "{name}.txt");
}

#[test]
fn every_end_has_its_message() {
    compare("passed", &result(VerdictName::Passed));
    compare("failed", &result(VerdictName::Failed));
    compare("approval_needed", &result(VerdictName::ApprovalNeeded));
    compare("timed_out", &result(VerdictName::TimedOut));
    compare("interrupted", &result(VerdictName::Interrupted));
    compare("inconclusive", &result(VerdictName::Inconclusive));
}

#[test]
fn a_recovery_says_from_what() {
    let mut recovered = result(VerdictName::Passed);
    recovered.targets[0].recovered_after = Some(3);
    compare("recovered", &recovered);
}

#[test]
fn a_wait_says_what_it_waits_for() {
    compare("going_on", &pending("executing"));
    let mut asking = pending("pending-approval");
    asking.targets[0].approval_url = Some(Line::new("https://app.nuon.co/org1/installs/inl1/workflows/inw1"));
    compare("asking", &asking);
    let mut nothing = pending("executing");
    nothing.targets[0].deploy = None;
    compare("nothing_yet", &nothing);
}

#[test]
fn of_forty_targets_the_bad_ones_come_first() {
    let mut forty = result(VerdictName::Failed);
    forty.targets = (0..40)
        .map(|number| {
            let verdict = if number % 13 == 5 { VerdictName::Failed } else { VerdictName::Passed };
            let mut target = result(verdict).targets.remove(0);
            target.install.id = Line::new(format!("inl{number}"));
            target.install.name = Some(Line::new(format!("acme-{number}")));
            target
        })
        .collect();
    compare("forty", &forty);
}
