//! What GitLab reads: sections of its log, and the dotenv report that gives later jobs variables.

use super::facts::Facts;
use crate::environment::DOTENV;

/// A whole report may have 5,120 bytes, or the job fails (docs.gitlab.com, `artifacts:reports:dotenv`).
const LONGEST: usize = 1500;

/// Returns the lines that open and close a folded section. GitLab recognises them by their escape sequences, which no text
/// from outside can hold.
pub(super) fn section(title: &'static str, name: &str, second: i64) -> (String, String) {
    let open = format!("\u{1b}[0Ksection_start:{second}:{name}[collapsed=true]\r\u{1b}[0K{title}");
    (open, format!("\u{1b}[0Ksection_end:{second}:{name}\r\u{1b}[0K"))
}

/// Writes the facts as variables, one a line.
pub(super) fn dotenv(facts: &Facts) -> String {
    let value = |fact: &str| facts.iter().find(|(name, _)| *name == fact).map_or("", |(_, value)| value);
    DOTENV.iter().map(|(variable, fact)| format!("{variable}={}\n", word(value(fact)))).collect()
}

/// Returns a text as one word of harmless characters. GitLab keeps quotes and escapes as they are, and somebody may source
/// such a file in a shell, where even a blank would start a command.
fn word(text: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-_.:/@%+,=".contains(c);
    text.trim().chars().take(LONGEST).map(|c| if harmless(c) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_words() {
        let facts = Facts::not_started(2, "a \"b\" 'c' `d` $(e) f;g|h&i>j #k \\l\nNUON_GATE_VERDICT=passed ü", "");
        let written = dotenv(&facts);
        assert_eq!(written.lines().count(), 10);
        assert!(
            written.starts_with("NUON_GATE_VERDICT=usage\nNUON_GATE_EXIT_CODE=2\nNUON_GATE_STATUS=\n"),
            "{written}"
        );
        let reason = "NUON_GATE_REASON=a__b___c___d____e__f_g_h_i_j__k__l_NUON_GATE_VERDICT=passed__\n";
        assert!(written.contains(reason), "{written}");
        assert!(dotenv(&Facts::not_started(2, &"ü".repeat(9000), "")).len() < 5120);
    }

    #[test]
    fn sections_are_known_by_their_escape_sequences() {
        let (open, close) = section("Details", "nuon_gate_details", 7);
        assert_eq!(open, "\u{1b}[0Ksection_start:7:nuon_gate_details[collapsed=true]\r\u{1b}[0KDetails");
        assert_eq!(close, "\u{1b}[0Ksection_end:7:nuon_gate_details\r\u{1b}[0K");
    }
}
