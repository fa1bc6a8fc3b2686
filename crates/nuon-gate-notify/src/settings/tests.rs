use nuon_gate_core::redact;

use super::*;

fn parse(variables: &[(&str, &str)]) -> Result<Parsed, InvalidSetting> {
    Sinks::from_variables(&|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
}

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[test]
fn no_settings_are_no_sinks() {
    let empty = VARIABLES.map(|(name, _)| (name, " \n"));
    let parsed = parse(&empty).unwrap();
    assert!(parsed.sinks.is_empty() && parsed.notices.is_empty() && parsed.sinks.skipped.is_empty());
}

#[test]
fn every_sink_has_its_variables() {
    let parsed = parse(&[
        (SLACK_WEBHOOK_URL, "https://hooks.slack.com/services/T0/B0/Xf3mQ9rL0aZt7VbW2kHs8NyE"),
        (SLACK_TOKEN, "xoxb-token-of-settings"),
        (SLACK_CHANNEL, "#deploys"),
        (WEBHOOK_URL, "\u{feff}https://a.example/hooks/production\n\nhttps://b.example/k3v9x2m7q4w8z1p5t6r0/in\n"),
        (WEBHOOK_SECRET, KEY),
        (WEBHOOK_HEADERS, "Authorization: Bearer header-secret\nX-Environment: production\nX-Version: 2016-06-01"),
        (TEAMS_WEBHOOK_URL, "https://x.logic.azure.com/invoke?api-version=2016-06-01&sig=t3amsS1gn4tur3"),
        (DISCORD_WEBHOOK_URL, "https://discord.com/api/webhooks/1/aB3dE5gH7jK9mN1pQ3sT5vW7yZ9"),
    ])
    .unwrap();
    assert_eq!(parsed.sinks.labels(), ["slack", "slack-webhook", "webhook", "webhook-2", "teams", "discord"]);
    assert!(parsed.notices.is_empty(), "{:?}", parsed.notices);
    assert_eq!(parsed.sinks.slack_bot().unwrap().channel.as_deref(), Some("deploys"));
    let protected = redact::protected(0);
    for secret in [
        "https://hooks.slack.com/services/T0/B0/Xf3mQ9rL0aZt7VbW2kHs8NyE",
        "Xf3mQ9rL0aZt7VbW2kHs8NyE",
        "xoxb-token-of-settings",
        "https://a.example/hooks/production",
        "k3v9x2m7q4w8z1p5t6r0",
        KEY,
        &KEY["whsec_".len()..],
        "Bearer header-secret",
        "header-secret",
        "t3amsS1gn4tur3",
        "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9",
    ] {
        assert!(protected.iter().any(|known| known == secret), "{secret} is missing in {protected:?}");
        assert!(!format!("{:?}", parsed.sinks).contains(secret), "{secret} is shown");
    }
    for word in ["production", "2016-06-01", "https://slack.com/api/", "deploys", "/hooks/production"] {
        assert!(!protected.iter().any(|known| known == word), "{word} is no secret");
    }
}

#[test]
fn a_missing_secret_skips_the_sink_with_one_notice() {
    let cases = [
        (&[(SLACK_CHANNEL, "deploys"), (SLACK_API_URL, "https://a.example/api")][..], "slack"),
        (&[(WEBHOOK_SECRET, KEY), (WEBHOOK_FORMAT, "cloudevents")], "webhook"),
        (&[(WEBHOOK_GITHUB_SIGNATURE, "yes")], "webhook"),
    ];
    for (variables, label) in cases {
        let parsed = parse(variables).unwrap();
        assert!(parsed.sinks.is_empty());
        assert_eq!(parsed.notices.len(), 1, "{:?}", parsed.notices);
        assert_eq!(parsed.sinks.skipped[0].label, label);
    }
    let unsigned = parse(&[(WEBHOOK_URL, "https://a.example/x")]).unwrap();
    assert_eq!(unsigned.notices, ["webhooks are sent unsigned: NUON_GATE_WEBHOOK_SECRET is not set"]);
}

#[test]
fn flags_about_slack_without_a_sink_skip_it_with_one_notice() {
    let hook = (SLACK_WEBHOOK_URL, "https://hooks.slack.com/services/T0/B0/flagsNoSecret");
    let cases = [
        (&[][..], (true, true), Some("--slack-thread")),
        (&[], (false, true), Some("--slack-mention-on-failure")),
        (&[(SLACK_CHANNEL, "deploys")], (true, true), Some(SLACK_CHANNEL)),
        (&[(SLACK_TOKEN, "xoxb-flags"), (SLACK_CHANNEL, "deploys")], (true, true), None),
        (&[hook], (false, true), None),
        (&[hook], (true, true), Some("--slack-thread")),
        (&[], (false, false), None),
    ];
    for (variables, (has_thread, has_mentions), named) in cases {
        let mut parsed = parse(variables).unwrap();
        parsed.note_slack_flags(has_thread, has_mentions);
        let why = named.map(|flag| format!("no notification to slack: {SLACK_TOKEN} is not set, though {flag} is"));
        assert_eq!(parsed.notices, why.into_iter().collect::<Vec<_>>(), "{variables:?}");
        assert_eq!(parsed.sinks.skipped.len(), parsed.notices.len());
    }
}

#[test]
fn a_token_of_slacks_is_read_as_the_apis_is() {
    for text in ["\u{feff}xoxb-read-as-is", "Bearer xoxb-read-as-is", " bearer  xoxb-read-as-is\r\n"] {
        let parsed = parse(&[(SLACK_TOKEN, text)]).unwrap();
        assert_eq!(parsed.sinks.slack_bot().unwrap().token.expose(), "xoxb-read-as-is", "{text:?}");
    }
    for (text, why) in [("xoxb-1 abc", "a blank at character 7"), ("xoxb-é", "not ASCII at character 6")] {
        let error = parse(&[(SLACK_TOKEN, text)]).unwrap_err();
        assert!(error.why.contains(why), "{error}");
    }
}

#[test]
fn malformed_values_are_named_and_never_quoted() {
    let short = "whsec_c2VjcmV0c2VjcmV0";
    let url = (WEBHOOK_URL, "https://a.example/x");
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[(SLACK_WEBHOOK_URL, "secret")], SLACK_WEBHOOK_URL),
        (&[(SLACK_WEBHOOK_URL, "http://secret.example/x")], SLACK_WEBHOOK_URL),
        (&[(DISCORD_WEBHOOK_URL, "https://discord.com/api/x\nsecret")], DISCORD_WEBHOOK_URL),
        (&[(TEAMS_WEBHOOK_URL, "ftp://secret.example")], TEAMS_WEBHOOK_URL),
        (&[(SLACK_TOKEN, "https://hooks.slack.com/secret")], SLACK_TOKEN),
        (&[(SLACK_TOKEN, "xapp-secret")], SLACK_TOKEN),
        (&[(SLACK_TOKEN, "xoxb-secret\nmore")], SLACK_TOKEN),
        (&[(SLACK_TOKEN, "secret")], SLACK_TOKEN),
        (&[(SLACK_TOKEN, "\"xoxb-secret\"")], SLACK_TOKEN),
        (&[(SLACK_WEBHOOK_URL, "https://hooks.slack.com/")], SLACK_WEBHOOK_URL),
        (&[(SLACK_WEBHOOK_URL, "https://hooks.slack.com/services/T0/secret")], SLACK_WEBHOOK_URL),
        (&[(DISCORD_WEBHOOK_URL, "https://discord.com/api/webhooks/1")], DISCORD_WEBHOOK_URL),
        (&[(DISCORD_WEBHOOK_URL, "https://discord.com/api/v10/webhooks/1/")], DISCORD_WEBHOOK_URL),
        (&[(TEAMS_WEBHOOK_URL, "https://x.logic.azure.com")], TEAMS_WEBHOOK_URL),
        (&[(WEBHOOK_URL, "https://a.example/secret,https://b.example/y")], WEBHOOK_URL),
        (&[(WEBHOOK_URL, "https://a.example/secret https://b.example/y")], WEBHOOK_URL),
        (&[(SLACK_TOKEN, "xoxb-1"), (SLACK_CHANNEL, "a secret channel")], SLACK_CHANNEL),
        (&[(SLACK_API_URL, "http://secret.example/")], SLACK_API_URL),
        (&[url, (WEBHOOK_SECRET, short)], WEBHOOK_SECRET),
        (&[url, (WEBHOOK_SECRET, "secret")], WEBHOOK_SECRET),
        (&[url, (WEBHOOK_SECRET, &format!("{KEY} {KEY} {KEY}"))], WEBHOOK_SECRET),
        (&[url, (WEBHOOK_HEADERS, "secret")], WEBHOOK_HEADERS),
        (&[url, (WEBHOOK_HEADERS, "webhook-id: secret")], WEBHOOK_HEADERS),
        (&[url, (WEBHOOK_HEADERS, "Content-Type: secret/plain")], WEBHOOK_HEADERS),
        (&[url, (WEBHOOK_FORMAT, "secret")], WEBHOOK_FORMAT),
        (&[url, (WEBHOOK_FORMAT, "template")], WEBHOOK_FORMAT),
        (&[url, (WEBHOOK_FORMAT, "cdevents"), (WEBHOOK_TEMPLATE, "secret.j2")], WEBHOOK_FORMAT),
        (&[url, (WEBHOOK_TEMPLATE, "/nonexistent/secret.j2")], WEBHOOK_TEMPLATE),
        (&[url, (WEBHOOK_GITHUB_SIGNATURE, "secret")], WEBHOOK_GITHUB_SIGNATURE),
    ];
    for (variables, name) in cases {
        let error = parse(variables).unwrap_err();
        assert_eq!(error.variable, *name, "{variables:?}");
        let shown = format!("{error} {error:?}").replace(&*error.hint, "");
        assert!(!shown.contains("secret"), "{shown}");
        assert!(!error.hint.is_empty());
    }
}
