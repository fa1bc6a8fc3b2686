//! Where on GitHub results are written, from the variables of its runner.

use std::sync::Arc;

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
        self.add_github(&DEPLOYMENT, Shows::Deployment(environment.to_owned()), variable)
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
        self.add_github(&STATUS, Shows::CommitStatus(context.to_owned()), variable)
    }

    fn add_github(
        &mut self,
        asked: &Asked,
        shows: Shows,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(), InvalidSetting> {
        let set = |name: &'static str, hint: &'static str| {
            let value = variable(name)
                .map(|value| value.trim().to_owned())
                .filter(|value| !value.is_empty() && !is_placeholder(value));
            value.ok_or_else(|| unusable(name, &format!("it is not set, though {} is", asked.flag), hint))
        };
        let token = set(TOKEN, asked.give_token)?;
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(unusable(TOKEN, "it holds characters that no token has", "give ${{ github.token }}"));
        }
        let by_github = asked.leave_out;
        let full = set(REPOSITORY, by_github)?;
        let Some((owner, repository)) = full.split_once('/').filter(|(owner, name)| is_name(owner) && is_name(name))
        else {
            return Err(unusable(REPOSITORY, "it is not OWNER/NAME", by_github));
        };
        let api = set(API_URL, by_github).unwrap_or_else(|_| "https://api.github.com".to_owned());
        let api = SinkUrl::public(&api).map_err(|why| unusable(API_URL, why, by_github))?;
        self.sinks.push(Sink::Github(Arc::new(Github {
            api,
            token: Secret::new(&token),
            owner: owner.to_owned(),
            repository: repository.to_owned(),
            commit: set(COMMIT, by_github)?,
            shows,
        })));
        Ok(())
    }
}

/// What was asked for, in what is said where it cannot be done.
struct Asked {
    flag: &'static str,
    give_token: &'static str,
    leave_out: &'static str,
}

const DEPLOYMENT: Asked = Asked {
    flag: "--github-deployment",
    give_token: "give the step `env: GITHUB_TOKEN: ${{ github.token }}`, and the job `deployments: write`",
    leave_out: "GitHub sets it; elsewhere, leave out --github-deployment",
};

const STATUS: Asked = Asked {
    flag: "--github-status",
    give_token: "give the step `env: GITHUB_TOKEN: ${{ github.token }}`, and the job `statuses: write`",
    leave_out: "GitHub sets it; elsewhere, leave out --github-status",
};

/// Tells whether a text can be a part of a repository's name. `..` would lead elsewhere.
fn is_name(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !text.is_empty() && text != "." && text != ".." && text.bytes().all(is_part)
}

fn unusable(variable: &'static str, why: &str, hint: &'static str) -> InvalidSetting {
    InvalidSetting { variable, why: why.to_owned(), hint }
}
