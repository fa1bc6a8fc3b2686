//! The CI run that the gate belongs to.

use nuon_gate_http::Url;
use serde::Serialize;

/// The web page of a CI run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CiRun {
    /// Its address: `https` or `http`, without credentials.
    pub url: String,
}

/// Finds the CI run in the variables that GitHub, GitLab, Buildkite, CircleCI, Jenkins or Azure set.
///
/// ```
/// use nuon_gate_notify::ci_run;
///
/// let run = ci_run(&|name| (name == "CIRCLE_BUILD_URL").then(|| "https://circleci.com/gh/acme/api/7".to_owned()));
/// assert_eq!(run.unwrap().url, "https://circleci.com/gh/acme/api/7");
/// ```
pub fn ci_run(variable: &dyn Fn(&str) -> Option<String>) -> Option<CiRun> {
    let set = |name: &str| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    let url = github(&set)
        .or_else(|| set("CI_JOB_URL"))
        .or_else(|| set("CI_PIPELINE_URL"))
        .or_else(|| buildkite(&set))
        .or_else(|| set("CIRCLE_BUILD_URL"))
        // The page of Blue Ocean or of whatever Jenkins shows people; the build's own page is always there.
        .or_else(|| set("RUN_DISPLAY_URL"))
        .or_else(|| set("BUILD_URL"))
        .or_else(|| azure(&set))?;
    WebPage::new(&url).map(|WebPage(url)| CiRun { url })
}

type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

fn github(set: Lookup<'_>) -> Option<String> {
    let (server, repository, run) = (set("GITHUB_SERVER_URL")?, set("GITHUB_REPOSITORY")?, set("GITHUB_RUN_ID")?);
    let attempt = set("GITHUB_RUN_ATTEMPT").map(|attempt| format!("/attempts/{attempt}")).unwrap_or_default();
    Some(format!("{}/{repository}/actions/runs/{run}{attempt}", server.trim_end_matches('/')))
}

fn buildkite(set: Lookup<'_>) -> Option<String> {
    let build = set("BUILDKITE_BUILD_URL")?;
    Some(match set("BUILDKITE_JOB_ID") {
        Some(job) => format!("{build}#{job}"),
        None => build,
    })
}

fn azure(set: Lookup<'_>) -> Option<String> {
    let (collection, project, build) =
        (set("SYSTEM_COLLECTIONURI")?, set("SYSTEM_TEAMPROJECT")?, set("BUILD_BUILDID")?);
    let mut url = Url::parse(&collection).ok()?;
    url.path_segments_mut().ok()?.pop_if_empty().extend([project.as_str(), "_build", "results"]);
    url.query_pairs_mut().append_pair("buildId", &build);
    Some(url.into())
}

/// A web address that may be shown to anyone, normalised so that no character in it ends a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct WebPage(String);

impl WebPage {
    /// Some services refuse longer links.
    const LONGEST: usize = 1000;

    /// Accepts a text if it is such an address.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let url = Url::parse(text.trim()).ok()?;
        let is_web = matches!(url.scheme(), "https" | "http");
        let is_plain = is_web && url.username().is_empty() && url.password().is_none();
        // The parser leaves a few characters that end a link in some chat syntax.
        let url: String = String::from(url)
            .chars()
            .map(|c| match c {
                '(' => "%28".to_owned(),
                ')' => "%29".to_owned(),
                '|' => "%7C".to_owned(),
                '*' => "%2A".to_owned(),
                '`' => "%60".to_owned(),
                c => c.to_string(),
            })
            .collect();
        (is_plain && url.len() <= Self::LONGEST).then_some(Self(url))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Variables<'a> = &'a [(&'a str, &'a str)];

    #[test]
    fn every_service_has_its_variables() {
        let cases: [(Variables, Option<&str>); 12] = [
            (&[], None),
            (
                &[
                    ("GITHUB_SERVER_URL", "https://github.com"),
                    ("GITHUB_REPOSITORY", "acme/api"),
                    ("GITHUB_RUN_ID", "7"),
                    ("GITHUB_RUN_ATTEMPT", "2"),
                ],
                Some("https://github.com/acme/api/actions/runs/7/attempts/2"),
            ),
            (
                &[("GITHUB_SERVER_URL", "https://ghe.example/"), ("GITHUB_REPOSITORY", "a/b"), ("GITHUB_RUN_ID", "7")],
                Some("https://ghe.example/a/b/actions/runs/7"),
            ),
            (&[("GITHUB_SERVER_URL", "https://github.com"), ("GITHUB_REPOSITORY", "a/b"), ("GITHUB_RUN_ID", "")], None),
            (
                &[("CI_JOB_URL", "https://gitlab.com/a/-/jobs/1"), ("CI_PIPELINE_URL", "https://gitlab.com/a/-/p/1")],
                Some("https://gitlab.com/a/-/jobs/1"),
            ),
            (&[("CI_PIPELINE_URL", "https://gitlab.com/a/-/p/1")], Some("https://gitlab.com/a/-/p/1")),
            (
                &[("BUILDKITE_BUILD_URL", "https://buildkite.com/a/b/builds/1"), ("BUILDKITE_JOB_ID", "0191-ab")],
                Some("https://buildkite.com/a/b/builds/1#0191-ab"),
            ),
            (&[("CIRCLE_BUILD_URL", "https://circleci.com/gh/a/b/1")], Some("https://circleci.com/gh/a/b/1")),
            (
                &[("BUILD_URL", "http://ci.example/job/a/1/"), ("RUN_DISPLAY_URL", "http://ci.example/blue/1")],
                Some("http://ci.example/blue/1"),
            ),
            (
                &[
                    ("SYSTEM_COLLECTIONURI", "https://dev.azure.com/acme/"),
                    ("SYSTEM_TEAMPROJECT", "My Project"),
                    ("BUILD_BUILDID", "12"),
                ],
                Some("https://dev.azure.com/acme/My%20Project/_build/results?buildId=12"),
            ),
            (&[("BUILD_URL", "javascript:alert(1)")], None),
            (&[("BUILD_URL", "https://user:secret@ci.example/1")], None),
        ];
        for (variables, url) in cases {
            let set = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            assert_eq!(ci_run(&set).map(|run| run.url).as_deref(), url, "{variables:?}");
        }
    }

    #[test]
    fn pages_end_no_link_early() {
        let page = |text: &str| WebPage::new(text).map(|page| page.0);
        assert_eq!(page("https://a.example/x)(y|z>").as_deref(), Some("https://a.example/x%29%28y%7Cz%3E"));
        assert_eq!(page("https://a.example/?q=<@U1>*`").as_deref(), Some("https://a.example/?q=%3C@U1%3E%2A%60"));
        assert_eq!(page(&format!("https://a.example/{}", "x".repeat(1000))), None);
    }
}
