//! Where on GitHub results are written, from the variables of its runner.

use std::borrow::Cow;
use std::sync::Arc;

use nuon_gate_core::bare_token;
use nuon_gate_core::input::trim;

use super::{InvalidSetting, Sink, Sinks, is_placeholder};
use crate::github::{Github, Shows};
use crate::secret::{Secret, SinkUrl};

const TOKEN: &str = "GITHUB_TOKEN";
const API_URL: &str = "GITHUB_API_URL";
const REPOSITORY: &str = "GITHUB_REPOSITORY";
const COMMIT: &str = "GITHUB_SHA";

impl Sinks {
    /// Adds a GitHub Deployment to an environment, of the commit that the job runs for.
    ///
    /// # Errors
    ///
    /// If one of GitHub's variables is missing or malformed: `GITHUB_TOKEN`, `GITHUB_REPOSITORY`, `GITHUB_SHA`, and
    /// `GITHUB_API_URL`, whose default is `https://api.github.com`.
    pub fn add_github_deployment(
        &mut self,
        environment: &str,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(), InvalidSetting> {
        self.add_github(Shows::Deployment(environment.to_owned()), variable)
    }

    /// Adds a status, by this name, of the commit that the job runs for.
    ///
    /// # Errors
    ///
    /// As for [`Sinks::add_github_deployment`].
    pub fn add_github_status(
        &mut self,
        context: &str,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(), InvalidSetting> {
        self.add_github(Shows::CommitStatus(context.to_owned()), variable)
    }

    fn add_github(&mut self, shows: Shows, variable: &dyn Fn(&str) -> Option<String>) -> Result<(), InvalidSetting> {
        let flag = format!("--{}", shows.label());
        let by_github = || format!("GitHub sets it; elsewhere, leave out {flag}");
        let set = |name: &'static str, hint: String| {
            let value = variable(name)
                .map(|value| trim(&value).to_owned())
                .filter(|value| !value.is_empty() && !is_placeholder(value));
            value.ok_or_else(|| unusable(name, &format!("it is not set, though {flag} is"), hint))
        };
        let permission = shows.permission();
        let give = format!("give the step `env: GITHUB_TOKEN: ${{{{ github.token }}}}`, and the job `{permission}`");
        let token = set(TOKEN, give)?;
        let token = bare_token(&token)
            .map_err(|error| unusable(TOKEN, &error.to_string(), "give ${{ github.token }} as it is"))?;
        let full = set(REPOSITORY, by_github())?;
        let Some((owner, repository)) = full.split_once('/').filter(|(owner, name)| is_name(owner) && is_name(name))
        else {
            return Err(unusable(REPOSITORY, "it is not OWNER/NAME", by_github()));
        };
        let api = set(API_URL, by_github()).unwrap_or_else(|_| "https://api.github.com".to_owned());
        let api = SinkUrl::public(&api).map_err(|why| unusable(API_URL, why, by_github()))?;
        self.sinks.push(Sink::Github(Arc::new(Github {
            api,
            token: Secret::new(token),
            owner: owner.to_owned(),
            repository: repository.to_owned(),
            commit: set(COMMIT, by_github())?,
            shows,
        })));
        Ok(())
    }
}

/// Returns whether a text can be a part of a repository's name. `..` would lead elsewhere.
fn is_name(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !text.is_empty() && text != "." && text != ".." && text.bytes().all(is_part)
}

fn unusable(variable: &'static str, why: &str, hint: impl Into<Cow<'static, str>>) -> InvalidSetting {
    InvalidSetting { variable, why: why.to_owned(), hint: hint.into() }
}
