//! Workflow commands, as GitHub's runner reads them.

use super::issues::{Issue, Severity};

/// The runner cuts a message at this length (`ExecutionContext.cs` in actions/runner).
const LONGEST: usize = 4096;

/// Returns the command that annotates the job.
pub(super) fn issue(issue: &Issue) -> String {
    let name = match issue.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    format!("::{name} title={}::{}", property(issue.title.plain()), bounded(&issue.text()))
}

/// Returns the command that masks a secret in all later output.
pub(super) fn mask(secret: &str) -> String {
    format!("::add-mask::{}", data(secret))
}

/// Returns the commands that open and close a folded section.
pub(super) fn group(title: &'static str) -> (String, String) {
    (format!("::group::{}", data(title)), "::endgroup::".to_owned())
}

/// Escapes as much of a text as the runner shows, and marks a cut.
fn bounded(text: &str) -> String {
    let whole = data(text);
    if length(&whole) <= LONGEST {
        return whole;
    }
    let mut cut = String::new();
    let mut room = LONGEST - 1;
    for c in text.chars() {
        let escaped = data(&c.to_string());
        let Some(left) = room.checked_sub(length(&escaped)) else { break };
        cut.push_str(&escaped);
        room = left;
    }
    cut + "…"
}

/// Returns the length as the runner counts it, in UTF-16 units.
fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Escapes the text of a command (`Runner.Common/ActionCommand.cs` in actions/runner).
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a command, which a colon or a comma would end.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use nuon_gate_core::Line;

    use super::*;

    #[test]
    fn nothing_in_a_command_can_end_it() {
        let hostile = Issue::error(&Line::new("a: b, c\n::x"), vec![Line::new("100%"), Line::new("::error::x")]);
        assert_eq!(issue(&hostile), "::error title=a%3A b%2C c %3A%3Ax::100%25%0A::error::x");
        assert_eq!(issue(&Issue::warning(&Line::new("x"))), "::warning title=nuon-gate::x");
        assert_eq!(group("a\n::b").0, "::group::a%0A::b");
    }

    #[test]
    fn a_message_is_no_longer_than_what_is_shown() {
        let of = |lines: Vec<Line>| issue(&Issue::error(&Line::new("t"), lines));
        let long = ["%", "x", "🚀"].map(|text| vec![Line::new(text.repeat(5000))]);
        for lines in long.into_iter().chain([vec![Line::default(); 5000]]) {
            let command = of(lines);
            let message = command.strip_prefix("::error title=t::").unwrap();
            assert!((4090..=4096).contains(&length(message)) && message.ends_with('…'), "{}", length(message));
        }
        assert!(!of(vec![Line::new("x".repeat(4096))]).ends_with('…'));
    }
}
