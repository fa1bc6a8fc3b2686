//! `notify`: renders the messages of a saved result, or sends a test message.

use std::time::Duration;

use jiff::Timestamp;
use nuon_gate_core::Verdict;
use nuon_gate_core::result::v1::{Delivery, RunResult};
use nuon_gate_notify::{Mention, Options, Parsed, Sinks, render, send_test};

use crate::arguments::{NotifyAction, NotifyCommandArguments};
use crate::connection::setup;
use crate::environment::Environment;
use crate::input::Input;
use crate::lists::flatten;
use crate::notify::{invalid_setup, sinks};
use crate::output::{Console, stdout_line};
use crate::reader::Limit;
use crate::runtime;
use crate::trouble::Trouble;

pub(crate) fn run(arguments: NotifyCommandArguments, environment: &Environment) -> Result<u8, Trouble> {
    let NotifyCommandArguments { action, result, ca_file, notify_timeout, slack_mention_on_failure } = arguments;
    if action == NotifyAction::Render && result.is_none() {
        return Err(Trouble::new("--result <PATH> is missing").hint("name the file that `--report json=PATH` wrote"));
    }
    runtime::run(async |reader| {
        let Parsed { sinks, notices } = reader.within(Limit::of_files(), sinks(reader, environment)).await?;
        let console = Console::new();
        notices.iter().for_each(|notice| console.warning(notice));
        if sinks.is_empty() {
            let hint =
                "set one of the variables, such as NUON_GATE_SLACK_WEBHOOK_URL; docs/notifications.md lists them";
            return Err(Trouble::new("no notifications are configured").hint(hint));
        }
        let mentions = flatten(slack_mention_on_failure);
        if let Some(path) = result.filter(|_| action == NotifyAction::Render) {
            let text = reader.within(Limit::of_files(), reader.read(Input::Result, &path)).await?;
            let saved = serde_json::from_str(&text).map_err(|error| Input::Result.wrong_json(&path, &error))?;
            show(&sinks, &saved, &mentions);
            return Ok(0);
        }
        let setup = reader.within(Limit::of_files(), setup(reader, ca_file, environment)).await?;
        let options = Options { slack_mention_on_failure: mentions, ..Options::new(setup) };
        test(&sinks, options, notify_timeout.0).await
    })
}

fn show(sinks: &Sinks, result: &RunResult, mentions: &[Mention]) {
    for rendered in render(sinks, result, mentions) {
        stdout_line(&format!("# {}\n{}", rendered.sink, rendered.text));
    }
}

async fn test(sinks: &Sinks, options: Options, budget: Duration) -> Result<u8, Trouble> {
    #[expect(clippy::disallowed_methods, reason = "the test message says when it was sent")]
    let now = Timestamp::now();
    let outcome = send_test(sinks, options, now, budget).await.map_err(|error| invalid_setup(&error))?;
    for sent in &outcome.results {
        let (word, why) = match sent.result {
            Delivery::Sent => ("sent", None),
            Delivery::Skipped => ("skipped", sent.reason.as_ref()),
            Delivery::Failed => ("failed", sent.reason.as_ref()),
        };
        let why = why.map(|why| format!(", {}", why.plain())).unwrap_or_default();
        stdout_line(&format!("{}: {word}{why}", sent.sink.plain()));
    }
    Ok(if outcome.any_failed() { Verdict::NotifyFailed.exit_code() } else { 0 })
}
