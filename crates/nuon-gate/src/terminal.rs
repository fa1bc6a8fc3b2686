//! The capabilities of the user's terminal, from the environment.

use crate::ci::{CiSystem, is_step};
use crate::environment::Environment;

/// The capabilities of a terminal, besides moving its cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terminal {
    /// It supports links (OSC 8).
    pub(crate) links: bool,
    /// It rewraps lines when it becomes narrower. Others cut them off.
    pub(crate) reflows: bool,
}

/// Terminals that support links, by the name they set.
const LINKING_PROGRAMS: [&str; 8] = ["iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "Tabby", "rio", "zed"];
const LINKING_TERMS: [&str; 6] = ["xterm-kitty", "xterm-ghostty", "alacritty", "foot", "foot-extra", "contour"];
/// Variables that only such terminals set.
const LINKING_VARIABLES: [&str; 4] = ["WT_SESSION", "KITTY_WINDOW_ID", "KONSOLE_VERSION", "DOMTERM"];
/// GNOME's library supports links since this version.
const FIRST_LINKING_VTE: u32 = 5001;

impl Terminal {
    /// Returns the terminal's capabilities; `None` if no person watches, as in a CI system, or if the cursor cannot be
    /// moved.
    pub(crate) fn detect(environment: &Environment, ci: Option<&CiSystem>) -> Option<Self> {
        let get = |name: &str| environment.get(name);
        let term = get("TERM");
        // Windows has no such variable.
        let is_dumb = term.map_or(cfg!(unix), |term| term == "dumb");
        if ci.is_some() || is_step(environment) || is_dumb {
            return None;
        }
        let term = term.unwrap_or_default();
        let clips = get("XTERM_VERSION").is_some() || get("STY").is_some() || matches!(term, "linux" | "screen");
        Some(Self { links: makes_links(&get, term), reflows: !clips })
    }
}

fn makes_links<'a>(get: &impl Fn(&str) -> Option<&'a str>, term: &str) -> bool {
    if let Some(forced) = get("FORCE_HYPERLINK") {
        return forced != "0";
    }
    // A multiplexer may not pass links on.
    if get("TMUX").is_some() || get("STY").is_some() || term.starts_with("screen") || term.starts_with("tmux") {
        return false;
    }
    let vte: Option<u32> = get("VTE_VERSION").and_then(|version| version.parse().ok());
    vte.is_some_and(|version| version >= FIRST_LINKING_VTE)
        || LINKING_VARIABLES.iter().any(|name| get(name).is_some())
        || get("TERM_PROGRAM").is_some_and(|program| LINKING_PROGRAMS.contains(&program))
        || LINKING_TERMS.contains(&term)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detected(variables: &[(&str, &str)]) -> Option<(bool, bool)> {
        let environment = Environment::of(variables);
        let terminal = Terminal::detect(&environment, CiSystem::detect(&environment).as_ref());
        terminal.map(|Terminal { links, reflows }| (links, reflows))
    }

    #[test]
    fn there_is_no_picture_in_a_ci_system() {
        let term = ("TERM", "xterm-256color");
        for name in ["GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "TF_BUILD", "CI"] {
            assert_eq!(detected(&[term, (name, "true")]), None, "{name}");
        }
        for (name, value) in [("CI", "1"), ("JENKINS_URL", "https://ci.example/"), ("TEAMCITY_VERSION", "2026.1")] {
            assert_eq!(detected(&[term, (name, value)]), None, "{name}");
        }
        assert_eq!(detected(&[term, ("CODEBUILD_BUILD_ID", "gate:1")]), None);
        assert_eq!(detected(&[term, ("JENKINS_URL", "https://ci.example/"), ("CI", "false")]), Some((false, true)));
        assert_eq!(detected(&[("TERM", "dumb")]), None);
        assert_eq!(detected(&[]).is_none(), cfg!(unix));
        assert_eq!(detected(&[term, ("CI", "false")]), Some((false, true)));
        assert_eq!(detected(&[term]), Some((false, true)));
    }

    #[test]
    fn links_are_for_terminals_that_are_known_to_make_them() {
        let term = ("TERM", "xterm-256color");
        let cases: &[(&[(&str, &str)], bool)] = &[
            (&[term, ("VTE_VERSION", "7402")], true),
            (&[term, ("VTE_VERSION", "5000")], false),
            (&[term, ("VTE_VERSION", "new")], false),
            (&[term, ("TERM_PROGRAM", "iTerm.app")], true),
            (&[term, ("TERM_PROGRAM", "Apple_Terminal")], false),
            (&[term, ("WT_SESSION", "0b0e")], true),
            (&[("TERM", "xterm-kitty")], true),
            (&[("TERM", "xterm-kitty"), ("TMUX", "/tmp/tmux")], false),
            (&[("TERM", "xterm-kitty"), ("FORCE_HYPERLINK", "0")], false),
            (&[term, ("FORCE_HYPERLINK", "1")], true),
        ];
        for (variables, links) in cases {
            assert_eq!(detected(variables).unwrap().0, *links, "{variables:?}");
        }
    }

    #[test]
    fn some_terminals_cut_off_what_does_not_fit() {
        for clipping in [("XTERM_VERSION", "XTerm(390)"), ("STY", "1234.pts-0")] {
            assert_eq!(detected(&[("TERM", "xterm"), clipping]), Some((false, false)));
        }
        assert_eq!(detected(&[("TERM", "linux")]), Some((false, false)));
    }
}
