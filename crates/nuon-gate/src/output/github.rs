//! Workflow commands, as GitHub's runner reads them.

/// Returns the command that shows a warning beside the job.
pub(super) fn warning(title: &str, text: &str) -> String {
    format!("::warning title={}::{}", property(title), data(text))
}

/// Returns the command that has the runner hide a secret in everything that is shown from then on.
pub(super) fn mask(secret: &str) -> String {
    format!("::add-mask::{}", data(secret))
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
    use super::*;

    #[test]
    fn nothing_in_a_command_can_end_it() {
        assert_eq!(warning("a: b, c", "100%\r\n::error::x"), "::warning title=a%3A b%2C c::100%25%0D%0A::error::x");
    }
}
