//! The CI system that runs the program, detected from the environment.

use std::path::{Path, PathBuf};

use crate::environment::Environment;

/// A CI system whose log commands or files the program supports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CiSystem {
    /// GitHub Actions, and those that behave like it (Gitea, Forgejo).
    GitHub(GitHubFiles),
    /// GitLab.
    GitLab,
    /// Buildkite.
    Buildkite {
        /// The path of its agent, if there is one.
        agent: Option<PathBuf>,
    },
    /// Azure Pipelines.
    Azure {
        /// A folder for files that should last until the job ends.
        temp: Option<PathBuf>,
    },
}

/// The files that GitHub's runner reads when the step has ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct GitHubFiles {
    /// `GITHUB_OUTPUT`.
    pub(crate) output: Option<PathBuf>,
    /// `GITHUB_STEP_SUMMARY`.
    pub(crate) summary: Option<PathBuf>,
    /// `RUNNER_TEMP`, where files can be left until the job ends.
    pub(crate) temp: Option<PathBuf>,
}

impl CiSystem {
    /// Finds the system by the variable that each sets for its steps.
    pub(crate) fn detect(environment: &Environment) -> Option<Self> {
        let is_on = |name: &str| environment.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let path = |name: &str| environment.get(name).map(PathBuf::from);
        if is_on("GITHUB_ACTIONS") {
            return Some(Self::GitHub(GitHubFiles {
                output: path("GITHUB_OUTPUT"),
                summary: path("GITHUB_STEP_SUMMARY"),
                temp: path("RUNNER_TEMP"),
            }));
        }
        if is_on("GITLAB_CI") {
            return Some(Self::GitLab);
        }
        if is_on("BUILDKITE") {
            return Some(Self::Buildkite { agent: environment.get("PATH").and_then(agent) });
        }
        is_on("TF_BUILD").then(|| Self::Azure { temp: path("AGENT_TEMPDIRECTORY") })
    }
}

/// Tells whether the program is a step of some CI system, by the variable that nearly all set, or else by those of AWS
/// CodeBuild, TeamCity and older versions of Jenkins.
pub(crate) fn is_step(environment: &Environment) -> bool {
    let is_no = |value: &str| matches!(value.to_ascii_lowercase().as_str(), "false" | "0" | "no");
    match environment.get("CI") {
        Some(value) => !is_no(value),
        None => {
            ["CODEBUILD_BUILD_ID", "TEAMCITY_VERSION", "JENKINS_URL"].iter().any(|own| environment.get(own).is_some())
        }
    }
}

/// Finds Buildkite's agent in `PATH`. Relative entries are ignored: what they lead to could be anyone's.
fn agent(search: &str) -> Option<PathBuf> {
    let name = format!("buildkite-agent{}", std::env::consts::EXE_SUFFIX);
    let candidates = std::env::split_paths(search).filter(|folder| folder.is_absolute());
    candidates.map(|folder| folder.join(&name)).find(|path| Path::is_file(path))
}
