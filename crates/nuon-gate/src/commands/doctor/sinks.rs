//! Checks the sinks without posting anything: `notify test` does that.

use nuon_gate_core::Verdict;
use nuon_gate_http::Setup;
use nuon_gate_notify::{Options, Parsed, Sinks, SlackCheck, SlackRefusal, slack_check};

use super::LONGEST_READ;
use super::check::{Check, Checks};
use crate::environment::Environment;
use crate::notify::{invalid_setup, sinks};
use crate::reader::{Limit, Reader};

/// The checks, in their order.
pub(super) const NAMES: [&str; 3] = ["notifications", "slack-token", "slack-message"];

pub(super) async fn examine(reader: &Reader, checks: &mut Checks, setup: Setup, environment: &Environment) {
    let parsed = reader.within(Limit::fixed(LONGEST_READ), sinks(reader, environment)).await;
    let Parsed { sinks, notices } = match parsed {
        Ok(parsed) => parsed,
        Err(trouble) => return checks.push(Check::misconfigured("notifications", trouble)),
    };
    checks.push(listed(&sinks, &notices));
    let options = Options::new(setup);
    match slack_check(&sinks, &options).await {
        Ok(None) => {
            for name in &NAMES[1..] {
                checks.push(Check::skipped(name, "there is no bot of Slack's"));
            }
        }
        Ok(Some(slack)) => report(checks, slack),
        Err(error) => checks.push(Check::misconfigured("slack-token", invalid_setup(&error))),
    }
}

fn listed(sinks: &Sinks, notices: &[String]) -> Check {
    let labels = sinks.labels().join(", ");
    match (labels.is_empty(), notices.is_empty()) {
        (true, true) => Check::skipped("notifications", "no notifications are configured"),
        (false, true) => {
            Check::ok("notifications", format!("{labels} would be notified; `nuon-gate notify test` tries it"))
        }
        (_, false) => Check::warning("notifications", notices.join("; "), "set what is missing, or leave out the rest"),
    }
}

fn report(checks: &mut Checks, slack: SlackCheck) {
    checks.push(match slack.identity {
        Err(SlackRefusal { words, hint }) => {
            let hint = hint.unwrap_or_else(|| "check NUON_GATE_SLACK_TOKEN".to_owned());
            Check::failed("slack-token", Verdict::NotifyFailed.exit_code(), words, hint)
        }
        Ok(identity) if identity.can_post() == Some(false) => Check::failed(
            "slack-token",
            Verdict::NotifyFailed.exit_code(),
            format!("{} in {} may not post", identity.user, identity.team),
            "give the app the scope chat:write, and install it again",
        ),
        Ok(identity) => Check::ok("slack-token", format!("it signs in as {} in {}", identity.user, identity.team)),
    });
    checks.push(match slack.blocks {
        Ok(()) => Check::ok("slack-message", "Slack can show a sample message"),
        Err(SlackRefusal { words, hint }) => {
            let hint = hint.unwrap_or_else(|| "the messages would be sent as plain text".to_owned());
            Check::warning("slack-message", words, hint)
        }
    });
}
