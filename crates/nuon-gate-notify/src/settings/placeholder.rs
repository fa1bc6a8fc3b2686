//! References to variables that a CI system should have filled in, and did not.

/// Returns whether a text is nothing but a reference to a variable, in the form of some CI system or shell: `$(X)`, `$X`,
/// `${X}` or `${{ … }}`. A system that does not know the variable leaves the reference as it is.
///
/// ```
/// use nuon_gate_notify::is_placeholder;
///
/// assert!(is_placeholder("$(DEPLOY_ID)") && is_placeholder("${{ secrets.TOKEN }}"));
/// assert!(!is_placeholder("dpl1") && !is_placeholder("5$") && !is_placeholder("a $(b)"));
/// ```
pub fn is_placeholder(text: &str) -> bool {
    let Some(rest) = text.trim().strip_prefix('$') else { return false };
    let enclosed = |open: &str, close: &str| {
        let within = rest.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
        within.is_some_and(|within| !within.is_empty() && !within.contains(close))
    };
    enclosed("(", ")") || enclosed("{{", "}}") || enclosed("{", "}") || is_name(rest)
}

/// Returns whether a text can be a variable's name in a shell.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_alone_are_placeholders() {
        let cases = [
            ("$(X)", true),
            ("$(Build.SourceVersion)", true),
            ("$X", true),
            ("$deploy_id", true),
            ("${X}", true),
            ("${X:-}", true),
            ("${{ inputs.deploy }}", true),
            ("${{inputs.deploy}}", true),
            (" $X\n", true),
            ("", false),
            ("$", false),
            ("$1", false),
            ("$()", false),
            ("${}", false),
            ("X", false),
            ("a$X", false),
            ("$X/$Y", false),
            ("$(X)$(Y)", false),
            ("$(X) and more", false),
            ("$hunter-2", false),
        ];
        for (text, expected) in cases {
            assert_eq!(is_placeholder(text), expected, "{text:?}");
        }
    }
}
