//! Whatever a server says, every message keeps to every limit and contains no mention, link or markup from outside.

#![cfg(test)]

mod support;

use nuon_gate_core::result::v1::{BranchRunResult, GroupResult, LogLine, RunResult, StayResult, WaitingResult};
use nuon_gate_core::{Line, Signal, Verdict};
use nuon_gate_notify::{Mention, Sinks, render};
use nuon_gate_soak::HOSTILE;
use proptest::prelude::*;
use serde_json::Value;
use support::{all_sinks, result, sinks};

/// The labels of our links into the dashboard.
const LABELS: [&str; 3] = ["|Open in Nuon", "|Open the run in Nuon", "|Approve the run in Nuon"];
const PAGE: &str = "https://app.nuon.co/org1/installs/inl1/components/cmp1/deploys/dpl1";

/// A webhook in its other forms.
fn webhooks() -> [Sinks; 2] {
    let url = ("NUON_GATE_WEBHOOK_URL", "https://a.example/hooks/secret-path");
    ["cloudevents", "cdevents"].map(|format| sinks(&[url, ("NUON_GATE_WEBHOOK_FORMAT", format)]))
}

/// Texts with the syntax of some service.
fn hostile(longest: usize) -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(HOSTILE);
    prop_oneof![
        4 => prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat()),
        1 => any::<String>(),
        1 => "[a-z<>&`日🇩]{1,3}".prop_map(move |unit| unit.repeat(longest / unit.len())),
    ]
}

/// Parses a text as it is in the file of a result.
fn read(text: &str) -> Line {
    serde_json::from_value(text.into()).unwrap()
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop::sample::select(vec![
        Verdict::Passed,
        Verdict::Failed,
        Verdict::Cancelled,
        Verdict::TimedOut,
        Verdict::Pending,
        Verdict::ApprovalNeeded,
        Verdict::Interrupted(Signal::Terminate),
        Verdict::Inconclusive,
    ])
}

prop_compose! {
    fn run(targets: impl Strategy<Value = usize>, longest: usize)(
        verdict in verdict(),
        texts in prop::collection::vec(hostile(longest), 6),
        targets in targets,
        lines in 0_usize..30,
    ) -> RunResult {
        let text = |number: usize| read(&texts[number % texts.len()]);
        let mut run = result(verdict);
        run.reason = Some(text(0));
        run.warnings = vec![text(1)];
        (run.started_at, run.finished_at) = (text(2), text(3));
        let target = &mut run.targets[0];
        (target.install.id, target.component.id) = (text(4), text(5));
        target.install.name = Some(text(1));
        target.component.name = Some(text(2));
        target.reason = Some(text(0));
        target.superseded_by = Some(text(3));
        target.url = Some(Line::new(format!("{PAGE}?{}", texts[4])));
        target.log_tail = (0..lines).map(|n| LogLine { at: None, severity: text(n), text: text(n + 1) }).collect();
        target.timeline = (0..lines).map(|n| StayResult { status: text(n + 2), at: text(n), duration_ms: None }).collect();
        let deploy = target.deploy.as_mut().unwrap();
        deploy.status = text(5);
        deploy.status_description = Some(text(4));
        deploy.commit = Some(text(3));
        deploy.build_id = Some(text(2));
        deploy.created_by = Some(text(1));
        deploy.deploy_type = Some(text(0));
        deploy.workflow_id = Some(text(3));
        if let Some(good) = &mut target.last_good {
            (good.deploy_id, good.commit) = (text(4), Some(text(5)));
        }
        run.targets = vec![run.targets[0].clone(); targets];
        let group = |n: usize| GroupResult { name: text(n), status: text(n + 1), total: n, done: n, failed: n };
        let waiting = |n: usize| WaitingResult {
            group: text(n),
            install: text(n + 1),
            behind_run_id: text(n + 2),
            why: Some(text(n + 3)),
        };
        run.branch_run = (lines % 2 == 0).then(|| BranchRunResult {
            id: text(0),
            status: text(1),
            commit: Some(text(2)),
            awaiting_approval: lines % 4 == 0,
            url: Some(Line::new(format!("{PAGE}?{}", texts[3]))),
            groups: (0..lines).map(group).collect(),
            waiting: (0..lines / 3).map(waiting).collect(),
        });
        run
    }
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

fn text_of<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

/// Checks what Slack counts and parses (docs.slack.dev/reference/block-kit/blocks).
fn check_slack(payload: &Value) {
    let fallback = text_of(payload, "text");
    assert!((1..=4000).contains(&units(fallback)));
    assert_eq!((&payload["parse"], &payload["unfurl_links"]), (&"none".into(), &false.into()));
    only_our_links(fallback);
    let blocks = payload["blocks"].as_array().unwrap();
    assert!(blocks.len() <= 50);
    for block in blocks {
        match text_of(block, "type") {
            "header" => check_text(&block["text"], "plain_text", 150),
            "section" => check_text(&block["text"], text_of(&block["text"], "type"), 3000),
            "context" => {
                let elements = block["elements"].as_array().unwrap();
                assert!((1..=10).contains(&elements.len()));
                elements.iter().for_each(|element| check_text(element, text_of(element, "type"), 2000));
            }
            "rich_text" => check_rich(block),
            kind => panic!("an unexpected {kind}"),
        }
    }
}

fn check_text(object: &Value, kind: &str, max: usize) {
    let text = text_of(object, "text");
    assert_eq!(text_of(object, "type"), kind);
    assert!((1..=max).contains(&units(text)) && !text.trim().is_empty(), "{text:?}");
    if kind == "mrkdwn" {
        assert_eq!(object["verbatim"], true);
        only_our_links(text);
    }
}

/// Checks elements that Slack does not parse: only a link's address is active.
fn check_rich(block: &Value) {
    for part in block["elements"].as_array().unwrap() {
        for element in part["elements"].as_array().unwrap() {
            assert!((1..=3000).contains(&units(text_of(element, "text"))));
            match text_of(element, "type") {
                "text" => {}
                "link" => assert!(text_of(element, "url").starts_with("https://app.nuon.co/")),
                kind => panic!("an unexpected {kind}"),
            }
        }
    }
}

/// In a text that Slack parses, everything in angle brackets is one of our links or a mention from the settings.
fn only_our_links(text: &str) {
    for rest in text.split('<').skip(1) {
        let inner = rest.split('>').next().unwrap();
        let ours = inner == "!here"
            || inner.starts_with(PAGE) && LABELS.iter().any(|label| inner.ends_with(label))
            || inner == "https://github.com/acme/api/actions/runs/7|Open CI run"
            || inner.starts_with("https://app.nuon.co/") && inner.ends_with("|Approve in Nuon")
            || inner.starts_with("!date^1785") && inner.ends_with(" UTC");
        assert!(ours, "{inner:?} in {text:?}");
    }
    assert_eq!(text.matches('<').count(), text.matches('>').count(), "{text:?}");
    let entities = text.split('&').skip(1);
    entities.for_each(|rest| assert!(["amp;", "lt;", "gt;"].iter().any(|entity| rest.starts_with(entity)), "{text:?}"));
}

fn check_discord(payload: &Value) {
    assert_eq!(payload["allowed_mentions"], serde_json::json!({"parse": []}));
    assert_eq!(payload.get("content"), None);
    let embeds = payload["embeds"].as_array().unwrap();
    assert_eq!(embeds.len(), 1);
    let embed = &embeds[0];
    let (title, description) = (text_of(embed, "title"), text_of(embed, "description"));
    assert!((1..=256).contains(&units(title)) && (1..=4096).contains(&units(description)));
    assert!(units(title) + units(description) <= 6000);
    only_escaped(title);
    // There may be a code block at the end.
    let (text, code) = description.split_once("\n```\n").unzip();
    assert!(code.is_none_or(|code| !code.strip_suffix("\n```").unwrap().contains('`')), "{description:?}");
    only_escaped(&without_own_links(text.unwrap_or(description)));
}

/// Removes the links and the times from Discord's Markdown, all of which are ours.
fn without_own_links(text: &str) -> String {
    let (mut rest, mut plain) = (text, String::new());
    while let Some(at) = rest.find(['\\', '[', '<']) {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(time) = rest.strip_prefix("<t:") {
            let (seconds, more) = time.split_once(":R>").unwrap();
            assert!(seconds.parse::<u64>().is_ok(), "{seconds:?}");
            rest = more;
        } else if let Some(link) = rest.strip_prefix('[') {
            // The name of a target is escaped as well.
            let (label, more) = link.split_once("](https://").unwrap();
            only_escaped(label);
            let (url, more) = more.split_once(')').unwrap();
            let ours = [PAGE, "https://app.nuon.co/", "https://github.com/acme/api/actions/runs/7"];
            assert!(ours.iter().any(|own| format!("https://{url}").starts_with(own)), "{url:?}");
            rest = more;
        } else {
            let escaped = rest.chars().nth(1).unwrap();
            plain.extend(['\\', escaped]);
            rest = &rest[1 + escaped.len_utf8()..];
        }
    }
    plain + rest
}

/// Every character that could be markup has a backslash of ours before it.
fn only_escaped(text: &str) {
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        if c == '\\' {
            assert!(characters.next().is_some_and(|next| next.is_ascii_punctuation()), "{text:?}");
        } else {
            assert!(!c.is_ascii_punctuation(), "{c:?} in {text:?}");
        }
    }
}

fn check_teams(payload: &Value, bytes: usize) {
    assert!(bytes <= 21_000, "{bytes}");
    let card = &payload["attachments"][0]["content"];
    for block in card["body"].as_array().unwrap() {
        // No other element shows its text unparsed.
        assert_eq!(text_of(block, "type"), "RichTextBlock");
        for run in block["inlines"].as_array().unwrap() {
            assert_eq!(text_of(run, "type"), "TextRun");
            let link = run.get("selectAction");
            assert!(link.is_none_or(|link| text_of(link, "url").starts_with("https://app.nuon.co/")), "{run}");
        }
    }
    for action in card["actions"].as_array().unwrap() {
        assert_eq!(text_of(action, "type"), "Action.OpenUrl");
        assert!(text_of(action, "url").starts_with("https://"));
    }
    assert_eq!(card["msteams"].get("entities"), None);
}

/// GitHub accepts 140 characters, and shows them unparsed.
fn check_github(payload: &Value) {
    assert!((1..=140).contains(&units(text_of(payload, "description"))));
    // The link of a commit status is in another member.
    let page = if payload.get("context").is_some() { "target_url" } else { "log_url" };
    assert!(text_of(payload, page).starts_with("https://"));
}

/// In every text, no control character but our own line breaks ends a line, and nothing turns or hides a word.
fn check_texts(payload: &Value) {
    match payload {
        Value::String(text) => assert_eq!(text.chars().find(|c| *c != '\n' && is_hidden(*c)), None, "{text:?}"),
        Value::Array(values) => values.iter().for_each(check_texts),
        Value::Object(fields) => fields.values().for_each(check_texts),
        _ => {}
    }
}

fn is_hidden(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns || matches!(c, '\u{200b}'..='\u{200d}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

fn check(run: &RunResult) {
    check_for(&all_sinks(), run);
}

fn check_for(sinks: &Sinks, run: &RunResult) {
    let mentions: [Mention; 1] = ["<!here>".parse().unwrap()];
    for rendered in render(sinks, run, &mentions) {
        let (_, body) = rendered.text.split_once("\n\n").unwrap_or(("", &rendered.text));
        let payload: Value = serde_json::from_str(body).unwrap();
        check_texts(&payload);
        match rendered.sink.as_str() {
            "slack" | "slack-webhook" | "slack (reply)" => check_slack(&payload),
            "discord" => check_discord(&payload),
            "teams" => check_teams(&payload, body.len()),
            "github-deployment" | "github-status" => check_github(&payload),
            "webhook" => assert!(body.len() <= 64_000, "{}", body.len()),
            sink => panic!("what is {sink}?"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_acts_and_no_limit_is_passed(run in run(Just(1), 20_000)) {
        check(&run);
        webhooks().iter().for_each(|sinks| check_for(sinks, &run));
    }

    #[test]
    fn nor_with_several_targets(run in run(0_usize..60, 1_000)) {
        check(&run);
    }
}

#[test]
fn the_worst_of_all_is_harmless_too() {
    for unit in ["<!channel>", "`", "日", "\\\"", "&", "e\u{301}\u{302}", "\0", "\n"] {
        let mut run = result(Verdict::Failed);
        let text = read(&unit.repeat(100_000 / unit.len()));
        run.reason = Some(text.clone());
        run.targets[0].reason = Some(text.clone());
        run.targets[0].log_tail[0].text = text;
        check(&run);

        let target = &mut run.targets[0];
        let text = read(&unit.repeat(500));
        target.reason = Some(text.clone());
        target.install.name = Some(text.clone());
        target.component.name = Some(text);
        target.log_tail.clear();
        run.targets = vec![run.targets[0].clone(); 200];
        check(&run);
    }
}
