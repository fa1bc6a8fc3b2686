//! Reads the sinks from the environment.

mod github;
mod placeholder;
#[cfg(test)]
mod tests;
mod webhook;

use std::borrow::Cow;
use std::sync::Arc;

use nuon_gate_core::bare_token;
use nuon_gate_core::input::{lines, trim};
use nuon_gate_http::Url;

pub use self::placeholder::is_placeholder;
use crate::github::Github;
use crate::secret::{Secret, SinkUrl};
use crate::webhook::WebhookSettings;

const SLACK_WEBHOOK_URL: &str = "NUON_GATE_SLACK_WEBHOOK_URL";
const SLACK_TOKEN: &str = "NUON_GATE_SLACK_TOKEN";
const SLACK_CHANNEL: &str = "NUON_GATE_SLACK_CHANNEL";
const SLACK_API_URL: &str = "NUON_GATE_SLACK_API_URL";
const WEBHOOK_URL: &str = "NUON_GATE_WEBHOOK_URL";
const WEBHOOK_SECRET: &str = "NUON_GATE_WEBHOOK_SECRET";
const WEBHOOK_HEADERS: &str = "NUON_GATE_WEBHOOK_HEADERS";
const WEBHOOK_FORMAT: &str = "NUON_GATE_WEBHOOK_FORMAT";
const WEBHOOK_TEMPLATE: &str = "NUON_GATE_WEBHOOK_TEMPLATE";
const WEBHOOK_GITHUB_SIGNATURE: &str = "NUON_GATE_WEBHOOK_GITHUB_SIGNATURE";
const TEAMS_WEBHOOK_URL: &str = "NUON_GATE_TEAMS_WEBHOOK_URL";
const DISCORD_WEBHOOK_URL: &str = "NUON_GATE_DISCORD_WEBHOOK_URL";

/// Every variable that is read here, with its meaning.
pub const VARIABLES: [(&str, &str); 12] = [
    (SLACK_WEBHOOK_URL, "Slack's incoming webhooks, one a line"),
    (SLACK_TOKEN, "a bot token (`xoxb-…`) with the scope `chat:write`"),
    (SLACK_CHANNEL, "where the bot posts: an id or a name"),
    (SLACK_API_URL, "where Slack is; `https://slack.com/api/` by default"),
    (WEBHOOK_URL, "receivers of webhooks, one a line"),
    (WEBHOOK_SECRET, "`whsec_` and at least 24 bytes in base64; two with a blank in between while rotating"),
    (WEBHOOK_HEADERS, "further headers, one `Name: value` a line"),
    (
        WEBHOOK_FORMAT,
        "`standard`, `cloudevents`, `cdevents` or `template`; by default `standard`, or `template` if there is one",
    ),
    (
        WEBHOOK_TEMPLATE,
        "the file of a Jinja template; its variables are the result's top-level fields, `type` and `id`",
    ),
    (
        WEBHOOK_GITHUB_SIGNATURE,
        "true to send `X-Hub-Signature-256` as well; its key is the first secret as it is written, `whsec_` included",
    ),
    (TEAMS_WEBHOOK_URL, "Workflows addresses of Microsoft Teams, one a line"),
    (DISCORD_WEBHOOK_URL, "Discord's webhooks, one a line"),
];

/// The variables of [`VARIABLES`] that hold secrets.
pub const SECRETS: [&str; 6] =
    [SLACK_WEBHOOK_URL, SLACK_TOKEN, WEBHOOK_URL, WEBHOOK_SECRET, TEAMS_WEBHOOK_URL, DISCORD_WEBHOOK_URL];

/// A setting that cannot be used. It names the variable and never quotes its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} cannot be used: {why}")]
pub struct InvalidSetting {
    /// The variable.
    pub variable: &'static str,
    /// What is wrong with it.
    pub why: String,
    /// What to do about it.
    pub hint: Cow<'static, str>,
}

/// A sink, with its settings.
#[derive(Debug, Clone)]
pub(crate) enum Sink {
    SlackBot(Arc<SlackBot>),
    SlackWebhook(SinkUrl),
    Webhook(SinkUrl, Arc<WebhookSettings>),
    Teams(SinkUrl),
    Discord(SinkUrl),
    Github(Arc<Github>),
}

impl Sink {
    /// Returns its name in the result.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::SlackBot(_) => "slack",
            Self::SlackWebhook(_) => "slack-webhook",
            Self::Webhook(..) => "webhook",
            Self::Teams(_) => "teams",
            Self::Discord(_) => "discord",
            Self::Github(github) => github.shows.label(),
        }
    }

    /// Returns whether a message can be edited.
    pub(crate) fn can_edit(&self) -> bool {
        match self {
            Self::SlackBot(_) | Self::Discord(_) | Self::Github(_) => true,
            Self::SlackWebhook(_) | Self::Webhook(..) | Self::Teams(_) => false,
        }
    }

    pub(crate) fn url(&self) -> &SinkUrl {
        match self {
            Self::SlackBot(bot) => &bot.api,
            Self::Github(github) => &github.api,
            Self::SlackWebhook(url) | Self::Webhook(url, _) | Self::Teams(url) | Self::Discord(url) => url,
        }
    }
}

/// A Slack app that can post and edit.
#[derive(Debug)]
pub(crate) struct SlackBot {
    pub(crate) api: SinkUrl,
    pub(crate) token: Secret,
    /// An id or a name. Without one, an earlier message has to name it.
    pub(crate) channel: Option<String>,
}

/// The sinks that are configured.
#[derive(Debug, Clone, Default)]
pub struct Sinks {
    pub(crate) sinks: Vec<Sink>,
    /// Sinks that are configured but lack their secret.
    pub(crate) skipped: Vec<Skipped>,
}

/// A sink without its secret.
#[derive(Debug, Clone)]
pub(crate) struct Skipped {
    pub(crate) label: &'static str,
    pub(crate) why: String,
}

/// The settings from the environment.
#[derive(Debug)]
pub struct Parsed {
    /// The sinks.
    pub sinks: Sinks,
    /// What the user should know about the settings, one line each.
    pub notices: Vec<String>,
}

impl Parsed {
    /// Notes what flags say about Slack's messages: `--slack-thread`, `--slack-mention-on-failure`. If there is no sink for
    /// it, its secret is missing, like that of other settings.
    pub fn note_slack_flags(&mut self, has_thread: bool, has_mentions: bool) {
        let is_slack = |label: &str| label.starts_with("slack");
        let takes_mentions = self.sinks.sinks.iter().any(|sink| is_slack(sink.label()));
        let flag = match (has_thread, has_mentions) {
            (true, _) if self.sinks.slack_bot().is_none() => "--slack-thread",
            (_, true) if !takes_mentions => "--slack-mention-on-failure",
            _ => return,
        };
        if !self.sinks.skipped.iter().any(|skipped| is_slack(skipped.label)) {
            let skipped = Skipped { label: "slack", why: format!("{SLACK_TOKEN} is not set, though {flag} is") };
            self.notices.push(skipped.notice());
            self.sinks.skipped.push(skipped);
        }
    }
}

impl Skipped {
    fn notice(&self) -> String {
        format!("no notification to {}: {}", self.label, self.why)
    }
}

impl Sinks {
    /// Reads the variables in [`VARIABLES`]; an empty value means unset. A file that one of them names is read.
    ///
    /// # Errors
    ///
    /// If a value is malformed, so that the gate does not wait with settings that cannot work.
    pub fn from_variables(variable: &dyn Fn(&str) -> Option<String>) -> Result<Parsed, InvalidSetting> {
        let mut reader = Reader { variable, sinks: Self::default(), notices: Vec::new() };
        reader.refuse_placeholders()?;
        reader.slack_bot()?;
        reader.addresses("slack-webhook", SLACK_WEBHOOK_URL, Sink::SlackWebhook)?;
        reader.webhooks()?;
        reader.addresses("teams", TEAMS_WEBHOOK_URL, Sink::Teams)?;
        reader.addresses("discord", DISCORD_WEBHOOK_URL, Sink::Discord)?;
        Ok(Parsed { sinks: reader.sinks, notices: reader.notices })
    }

    /// Returns whether there are no sinks.
    pub fn is_empty(&self) -> bool {
        self.sinks.is_empty()
    }

    /// Returns the names of the sinks, each numbered from the second of its kind on.
    pub fn labels(&self) -> Vec<String> {
        let number =
            |place: usize, label: &str| self.sinks.iter().take(place + 1).filter(|sink| sink.label() == label).count();
        let labels = self.sinks.iter().map(Sink::label).enumerate();
        labels
            .map(|(place, label)| match number(place, label) {
                1 => label.to_owned(),
                number => format!("{label}-{number}"),
            })
            .collect()
    }

    pub(crate) fn slack_bot(&self) -> Option<&SlackBot> {
        self.sinks.iter().find_map(|sink| match sink {
            Sink::SlackBot(bot) => Some(&**bot),
            _ => None,
        })
    }
}

struct Reader<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    sinks: Sinks,
    notices: Vec<String>,
}

impl Reader<'_> {
    /// Returns the value of a variable. An unfilled placeholder counts as unset.
    fn set(&self, name: &'static str) -> Option<String> {
        let value = (self.variable)(name).map(|value| trim(&value).to_owned());
        value.filter(|value| !value.is_empty() && !is_placeholder(value))
    }

    fn lines(&self, name: &'static str) -> Vec<String> {
        let text = (self.variable)(name).unwrap_or_default();
        lines(&text).map(trim).filter(|line| !line.is_empty() && !is_placeholder(line)).map(str::to_owned).collect()
    }

    /// Returns whether a variable holds an unfilled placeholder.
    fn is_unfilled(&self, name: &'static str) -> bool {
        (self.variable)(name).is_some_and(|value| lines(&value).any(is_placeholder))
    }

    /// Refuses placeholders where no secret is wanted. An unfilled secret counts as missing, as secrets are in pull
    /// requests from forks.
    fn refuse_placeholders(&self) -> Result<(), InvalidSetting> {
        let others = VARIABLES.into_iter().map(|(name, _)| name).filter(|name| !SECRETS.contains(name));
        match others.into_iter().find(|name| self.is_unfilled(name)) {
            None => Ok(()),
            Some(variable) => Err(InvalidSetting {
                variable,
                why: "it holds a placeholder that was not filled in".to_owned(),
                hint: "set the variable that it refers to, or correct its name".into(),
            }),
        }
    }

    fn addresses(
        &mut self,
        label: &'static str,
        name: &'static str,
        sink: fn(SinkUrl) -> Sink,
    ) -> Result<(), InvalidSetting> {
        for line in self.lines(name) {
            let whole = SinkUrl::new(&line).and_then(|url| is_whole(&url).map(|()| url));
            self.sinks.sinks.push(sink(address(name, whole)?));
        }
        self.skip(label, name, &[]);
        Ok(())
    }

    /// Records that a sink is skipped because its secret is missing, as for pull requests from forks.
    fn skip(&mut self, label: &'static str, secret: &'static str, others: &[&'static str]) {
        let why = if self.is_unfilled(secret) {
            format!("{secret} holds a placeholder that was not filled in")
        } else if let Some(given) = others.iter().find(|name| self.set(name).is_some()) {
            format!("{secret} is not set, though {given} is")
        } else {
            return;
        };
        let skipped = Skipped { label, why };
        self.notices.push(skipped.notice());
        self.sinks.skipped.push(skipped);
    }

    fn slack_bot(&mut self) -> Result<(), InvalidSetting> {
        let api = self.set(SLACK_API_URL).unwrap_or_else(|| "https://slack.com/api/".to_owned());
        let api = address(SLACK_API_URL, SinkUrl::public(&api))?;
        let channel = self.set(SLACK_CHANNEL).map(|channel| slack_channel(&channel)).transpose()?;
        match self.set(SLACK_TOKEN) {
            None => self.skip("slack", SLACK_TOKEN, &[SLACK_CHANNEL, SLACK_API_URL]),
            Some(token) => {
                let token = slack_token(&token)?;
                self.sinks.sinks.push(Sink::SlackBot(Arc::new(SlackBot { api, token, channel })));
            }
        }
        Ok(())
    }
}

fn address(variable: &'static str, read: Result<SinkUrl, &'static str>) -> Result<SinkUrl, InvalidSetting> {
    read.map_err(|why| InvalidSetting {
        variable,
        why: why.to_owned(),
        hint: "give the whole https address as the service shows it; several go one a line".into(),
    })
}

fn slack_token(text: &str) -> Result<Secret, InvalidSetting> {
    let text = bare_token(text).map_err(|error| invalid_token(error.to_string()))?;
    let why = if text.starts_with("http") {
        "it is a URL"
    } else if text.starts_with("xapp-") {
        "it is an app-level token, which cannot post"
    } else if !text.starts_with("xox") {
        "it is no token of Slack's, which begin with xox"
    } else {
        return Ok(Secret::new(text));
    };
    Err(invalid_token(why.to_owned()))
}

fn invalid_token(why: String) -> InvalidSetting {
    let hint = "give the bot token (xoxb-…) of an app with the scope chat:write; webhook URLs go into NUON_GATE_SLACK_WEBHOOK_URL";
    InvalidSetting { variable: SLACK_TOKEN, why, hint: hint.into() }
}

/// Checks that an address of a service is whole: the services' own hosts answer at their root as well, but not to posts.
fn is_whole(url: &SinkUrl) -> Result<(), &'static str> {
    let url = url.url(&[], &[]);
    let segments: Vec<&str> =
        url.iter().filter_map(Url::path_segments).flatten().filter(|part| !part.is_empty()).collect();
    let least = match url.as_ref().and_then(|url| url.host_str()) {
        // services/T…/B…/…, triggers/T…/…/…, workflows/T…/A…/…
        Some("hooks.slack.com") => 4,
        // api/webhooks/ID/TOKEN, with a version or without
        Some("discord.com" | "discordapp.com") if segments.get(1).is_some_and(|part| part.starts_with('v')) => 5,
        Some("discord.com" | "discordapp.com") => 4,
        _ => 1,
    };
    if segments.len() < least { Err("it is not whole: its path ends too early") } else { Ok(()) }
}

fn slack_channel(text: &str) -> Result<String, InvalidSetting> {
    /// Slack's own limit on names.
    const LONGEST: usize = 80;
    let name = text.trim_start_matches('#');
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !name.is_empty() && name.chars().all(is_name) && name.chars().count() <= LONGEST {
        return Ok(name.to_owned());
    }
    Err(InvalidSetting {
        variable: SLACK_CHANNEL,
        why: "it is neither a channel's id nor its name".to_owned(),
        hint: "give one channel, such as C0123456789 or deploys".into(),
    })
}
