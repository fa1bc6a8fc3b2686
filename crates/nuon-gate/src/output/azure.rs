//! Logging commands, as the agent of Azure Pipelines reads them.

use std::path::Path;

use super::facts::Facts;
use super::issues::{Issue, Severity};

/// Returns the command that annotates the job.
pub(super) fn issue(issue: &Issue) -> String {
    let kind = match issue.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    format!("##vso[task.logissue type={kind}]{}", data(&format!("{}: {}", issue.title.plain(), issue.text())))
}

/// Returns the command that masks a secret in all later output.
pub(super) fn mask(secret: &str) -> String {
    format!("##vso[task.setsecret]{}", data(secret))
}

/// Returns the commands that set the facts as the step's output variables, with names that a shell can read.
pub(super) fn variables(facts: &Facts) -> impl Iterator<Item = String> {
    facts.iter().map(|(name, value)| {
        let name = property(&name.replace('-', "_"));
        format!("##vso[task.setvariable variable={name};isOutput=true]{}", data(value))
    })
}

/// Returns the command that adds a file of Markdown to the run's page.
pub(super) fn summary(path: &Path) -> String {
    format!("##vso[task.uploadsummary]{}", data(&path.display().to_string()))
}

/// Returns the lines that open and close a folded section.
pub(super) fn group(title: &'static str) -> (String, String) {
    (format!("##[group]{}", data(title)), "##[endgroup]".to_owned())
}

/// Escapes the text of a command (`taskcommand.ts` in microsoft/azure-pipelines-task-lib).
fn data(text: &str) -> String {
    text.replace('%', "%AZP25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a command, which a semicolon or a bracket would end.
fn property(text: &str) -> String {
    data(text).replace(']', "%5D").replace(';', "%3B")
}

#[cfg(test)]
mod tests {
    use nuon_gate_core::Line;

    use super::*;

    #[test]
    fn nothing_in_a_command_can_end_it() {
        let hostile = Issue::error(&Line::new("a"), vec![Line::new("100%"), Line::new("##vso[task.complete]x;y]z")]);
        let written = "##vso[task.logissue type=error]a: 100%AZP25%0A#vso[task.complete]x;y]z";
        assert_eq!(issue(&hostile), written);
        assert_eq!(issue(&Issue::warning(&Line::new("x"))), "##vso[task.logissue type=warning]nuon-gate: x");
        assert_eq!(property("a;b]c%\n"), "a%3Bb%5Dc%AZP25%0A");
        assert_eq!(mask("a\nb"), "##vso[task.setsecret]a%0Ab");
        assert_eq!(group("a\nb").0, "##[group]a%0Ab");
    }

    #[test]
    fn every_fact_is_a_variable() {
        let variables: Vec<String> = variables(&Facts::not_started(2, "a\nb", "")).collect();
        assert_eq!(variables.len(), 17);
        assert_eq!(variables[1], "##vso[task.setvariable variable=exit_code;isOutput=true]2");
        assert_eq!(variables[7], "##vso[task.setvariable variable=reason;isOutput=true]a%0Ab");
    }
}
