//! Starts the program: turns a question into a command line.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use crate::program;
use crate::transcript::Question;

/// Builds the command that asks the API at `url` a question, with the token in a file or in the environment.
pub(super) fn command(
    (gate, folder): (&Path, &Path),
    url: &str,
    question: &Question,
    token: &str,
    in_file: bool,
) -> io::Result<Command> {
    let mut command = program::command(gate, folder, url)?;
    command.arg("wait").args(arguments(question)).args(["--output", output(question)]);
    if in_file {
        fs::write(folder.join("token"), format!("{token}\n"))?;
        command.args(["--token-file", "token"]);
    } else {
        command.env("NUON_API_TOKEN", token);
    }
    Ok(command)
}

/// The result alone, if it says when the one target ended; events, if there are several targets.
pub(super) fn output(question: &Question) -> &'static str {
    if question.targets.len() == 1 { "json" } else { "ndjson" }
}

/// Returns a question as flags.
pub(super) fn arguments(question: &Question) -> Vec<String> {
    let mut all = Vec::new();
    let mut flag = |name: &str, value: &str| all.extend([name.to_owned(), value.to_owned()]);
    for (install, component) in &question.targets {
        flag("--target", &format!("{install}/{component}"));
    }
    let optional = [
        ("--deploy", &question.deploy),
        ("--workflow", &question.workflow),
        ("--build", &question.build),
        ("--commit", &question.commit),
        ("--after", &question.after),
        ("--since", &question.since),
        ("--expect", &question.expect),
        ("--on-superseded", &question.on_superseded),
    ];
    for (name, value) in optional {
        value.iter().for_each(|value| flag(name, value));
    }
    flag("--on-approval", &question.on_approval);
    flag("--on-stale", &question.on_stale);
    let lists = [("--pass-on", &question.pass_on), ("--fail-on", &question.fail_on), ("--wait-on", &question.wait_on)];
    for (name, words) in lists {
        words.iter().for_each(|word| flag(name, word));
    }
    // Requests of one poll that wait for the rate limit would seem to be two polls.
    flag("--max-rps", "1000");
    let clocks = [
        ("--timeout", Some(question.timeout_ms)),
        ("--start-timeout", question.start_timeout_ms),
        ("--stall-timeout", question.stall_timeout_ms),
        ("--approval-timeout", question.approval_timeout_ms),
        ("--api-outage", question.outage_ms),
        ("--settle", Some(question.settle_ms).filter(|settle| *settle > 0)),
        ("--min-interval", Some(question.min_interval_ms)),
        ("--max-interval", Some(question.max_interval_ms)),
        ("--request-timeout", Some(question.request_timeout_ms)),
    ];
    for (name, ms) in clocks {
        flag(name, &ms.map_or_else(|| "off".to_owned(), |ms| format!("{ms}ms")));
    }
    if let Some(bake) = question.healthy_for_ms {
        flag("--bake", &format!("{bake}ms"));
        all.push("--require-healthy".to_owned());
    }
    all
}
