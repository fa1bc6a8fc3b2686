//! The shard and the name of the run.

use nuon_gate_core::{Line, Sharding};

use crate::arguments::ShardArguments;
use crate::environment::Environment;

/// The variables in which CI systems name a run: the same for all of its jobs and for reruns.
const RUNS: [(&str, &str); 6] = [
    ("github", "GITHUB_RUN_ID"),
    ("gitlab", "CI_PIPELINE_ID"),
    ("buildkite", "BUILDKITE_BUILD_ID"),
    ("circleci", "CIRCLE_WORKFLOW_ID"),
    ("azure", "BUILD_BUILDID"),
    ("jenkins", "BUILD_TAG"),
];

/// Returns the name of the run: the user's, or else the CI system's.
pub(crate) fn run_name(given: Option<String>, environment: &Environment) -> Option<String> {
    let named = |(system, variable): (&str, &str)| Some(format!("{system}-{}", environment.get(variable)?));
    // In the form of the results with which it is compared.
    given.or_else(|| RUNS.into_iter().find_map(named)).map(|name| Line::new(name).plain().to_owned())
}

impl ShardArguments {
    /// Returns the shard, if there is one.
    pub(crate) fn sharding(self, environment: &Environment) -> Option<Sharding> {
        let Self { shard, run_name: name } = self;
        shard.map(|shard| Sharding { shard, run: run_name(name, environment) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_called_as_its_system_calls_it() {
        let name = |given: Option<&str>, variables: &[(&str, &str)]| {
            run_name(given.map(str::to_owned), &Environment::of(variables))
        };
        let github = ("GITHUB_RUN_ID", "7");
        assert_eq!(name(None, &[github]).as_deref(), Some("github-7"));
        // A rerun job still belongs to the run of the other jobs.
        assert_eq!(name(None, &[github, ("GITHUB_RUN_ATTEMPT", "2")]).as_deref(), Some("github-7"));
        assert_eq!(name(Some("mine"), &[github]).as_deref(), Some("mine"));
        assert_eq!(name(Some("a\nb\u{202e}"), &[]).as_deref(), Some("a b"));
        assert_eq!(name(None, &[("CI_PIPELINE_ID", "7")]).as_deref(), Some("gitlab-7"));
        assert_eq!(name(None, &[("GITHUB_RUN_ID", "")]), None);
    }
}
