//! The checks of `doctor` that ask Slack.

use nuon_gate_core::Verdict;
use nuon_gate_http::header::HeaderName;
use serde::Deserialize;
use serde_json::json;

use super::blocks::Payload;
use super::bot::ask;
use super::trouble;
use crate::deliver::{Answer, Fault, Http, harmless};
use crate::message::{Context, Message};
use crate::settings::SlackBot;
use crate::{InvalidSetup, Occasion, Options, Sinks, sample};

/// Slack's answers about the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackCheck {
    /// The token's owner, or why it has none.
    pub identity: Result<SlackIdentity, SlackRefusal>,
    /// Whether Slack accepts a sample message, or else what is wrong with it.
    pub blocks: Result<(), SlackRefusal>,
}

/// Why Slack did not answer the question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackRefusal {
    /// What went wrong.
    pub words: String,
    /// What can be done about it, if the problem is between here and Slack.
    pub hint: Option<String>,
}

/// The owner of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackIdentity {
    /// The workspace.
    pub team: String,
    /// The bot's user.
    pub user: String,
    /// The app's scopes.
    pub scopes: Vec<String>,
}

impl SlackIdentity {
    /// Returns whether the app may post messages; `None` if Slack did not say what it may do.
    pub fn can_post(&self) -> Option<bool> {
        (!self.scopes.is_empty()).then(|| self.scopes.iter().any(|scope| scope == "chat:write"))
    }
}

/// Asks Slack whose token it is (`auth.test`) and whether a sample message is valid (`blocks.validate`). Nothing is
/// posted. Returns `None` without a bot.
///
/// # Errors
///
/// If no request can be made at all.
pub async fn slack_check(sinks: &Sinks, options: &Options) -> Result<Option<SlackCheck>, InvalidSetup> {
    let Some(slack) = sinks.slack_bot() else { return Ok(None) };
    let http = options.http(std::iter::once(&slack.api))?;
    let words = |fault: Fault| SlackRefusal { words: fault.words, hint: fault.hint };
    Ok(Some(SlackCheck {
        identity: identity(slack, &http).await.map_err(words),
        blocks: blocks(slack, &http).await.map_err(words),
    }))
}

async fn identity(slack: &SlackBot, http: &Http) -> Result<SlackIdentity, Fault> {
    #[derive(Deserialize)]
    struct Said {
        team: Option<String>,
        user: Option<String>,
    }
    let answer = ask(slack, http, "auth.test", "{}".to_owned()).await?;
    let Said { team, user } = read(&answer)?;
    let scopes = answer.header(&HeaderName::from_static("x-oauth-scopes")).unwrap_or_default();
    Ok(SlackIdentity {
        team: harmless(&team.unwrap_or_default()),
        user: harmless(&user.unwrap_or_default()),
        scopes: scopes.split(',').map(harmless).filter(|scope| !scope.is_empty()).collect(),
    })
}

async fn blocks(slack: &SlackBot, http: &Http) -> Result<(), Fault> {
    let message = Message::new(Occasion::Ended, &sample::result(Verdict::Failed), &Context::default());
    let blocks = serde_json::to_string(&Payload::whole(&message).blocks).unwrap_or_default();
    let answer = ask(slack, http, "blocks.validate", json!({"blocks": blocks}).to_string()).await?;
    read::<serde::de::IgnoredAny>(&answer).map(drop)
}

fn read<T: serde::de::DeserializeOwned>(answer: &Answer) -> Result<T, Fault> {
    #[derive(Deserialize)]
    struct Said {
        ok: bool,
        error: Option<String>,
        errors: Option<Vec<Finding>>,
    }
    #[derive(Deserialize)]
    struct Finding {
        pointer: Option<String>,
        message: Option<String>,
    }
    let unreadable = || trouble::fault("unreadable_answer", answer.status, None);
    let said: Said = serde_json::from_slice(&answer.body).map_err(|_| unreadable())?;
    if said.ok {
        return serde_json::from_slice(&answer.body).map_err(|_| unreadable());
    }
    let mut fault = trouble::fault(said.error.as_deref().unwrap_or("unknown_error"), answer.status, None);
    if let Some(Finding { pointer, message }) = said.errors.and_then(|findings| findings.into_iter().next()) {
        let place = [pointer, message].into_iter().flatten().map(|text| harmless(&text)).collect::<Vec<_>>();
        fault.words = format!("{} ({})", fault.words, place.join(" "));
    }
    Err(fault)
}
