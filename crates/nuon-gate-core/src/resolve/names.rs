//! Names: what they can refer to, and the errors for unknown and ambiguous ones.

use std::fmt;

use crate::RemoteText;
use crate::labels::Labels;

/// More suggestions than this are not useful.
const MOST_NAMES: usize = 10;

/// No install has the labels that were given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no install has the labels {labels}{}", self.unlabelled_words())]
pub struct Unfit {
    /// The labels.
    pub labels: Labels,
    /// The number of installs whose labels are not known.
    pub unlabelled: usize,
}

impl Unfit {
    fn unlabelled_words(&self) -> String {
        match self.unlabelled {
            0 => String::new(),
            count => format!("; of {count} the server does not say which labels they have"),
        }
    }
}

/// Every component of an install is wanted, and it has none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("install `{}` has no components", .install.line(255).plain())]
pub struct NoComponents {
    /// The install's name, or what was given if it has none.
    pub install: RemoteText,
}

/// What a name can refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// An install.
    Install,
    /// A component.
    Component,
    /// An app.
    App,
    /// A branch of an app.
    Branch,
    /// A run of a branch.
    Run,
}

impl Named {
    fn as_str(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Component => "component",
            Self::App => "app",
            Self::Branch => "branch",
            Self::Run => "run",
        }
    }
}

/// An unknown name or id, with suggestions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    /// What it should refer to.
    pub kind: Named,
    /// What was given.
    pub given: String,
    /// Where it is missing: the install of a component, the app of a branch, the branch of a run.
    pub within: Option<RemoteText>,
    /// Similar names, or else all names.
    pub suggestions: Vec<RemoteText>,
    /// Whether the suggestions are similar.
    pub are_alike: bool,
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, given, within, .. } = self;
        let nearest = self.suggestions.first().filter(|_| self.are_alike);
        let odd = nearest.map(|nearest| unlike(&RemoteText::new(given), nearest)).unwrap_or_default();
        write!(f, "no {} `{given}`{odd}", kind.as_str())?;
        let place = match kind {
            Named::Install | Named::App => return self.suggest(f, " in this organisation"),
            Named::Component => "install",
            Named::Branch => "app",
            Named::Run => "branch",
        };
        let place = within.as_ref().map(|name| format!(" in {place} `{}`", name.line(255).plain())).unwrap_or_default();
        self.suggest(f, &place)
    }
}

impl UnknownName {
    fn suggest(&self, f: &mut fmt::Formatter<'_>, place: &str) -> fmt::Result {
        let Self { suggestions, are_alike, .. } = self;
        f.write_str(place)?;
        let given = RemoteText::new(&self.given);
        let odd = |name: &RemoteText| if *are_alike { unlike(name, &given) } else { String::new() };
        let shown = |name: &RemoteText| format!("`{}`{}", name.line(255).plain(), odd(name));
        let names: Vec<String> = suggestions.iter().map(shown).collect();
        match (names.is_empty(), are_alike) {
            (true, _) => Ok(()),
            (false, true) => write!(f, "; did you mean {}?", names.join(", ")),
            (false, false) => write!(f, "; there is {}", names.join(", ")),
        }
    }
}

/// Names the characters of a name that another one lacks, and that a reader may not see or take for others. Accents on Latin letters
/// are seen.
fn unlike(name: &RemoteText, other: &RemoteText) -> String {
    const MOST: usize = 3;
    let is_clear = |c: &char| c.is_ascii_graphic() || ('\u{c0}'..='\u{24f}').contains(c);
    let mut odd: Vec<char> = Vec::new();
    for c in name.characters().filter(|c| !is_clear(c)) {
        if odd.len() < MOST && !odd.contains(&c) && !other.characters().any(|own| own == c) {
            odd.push(c);
        }
    }
    let codes: Vec<String> = odd.into_iter().map(|c| format!("U+{:04X}", u32::from(c))).collect();
    if codes.is_empty() { String::new() } else { format!(" (with {})", codes.join(", ")) }
}

/// Two things have the same name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("two {}{} are named `{given}`: {first} and {second}", .kind.as_str(), if *.kind == Named::Branch { "es" } else { "s" })]
pub struct Ambiguous {
    /// What the name refers to.
    pub kind: Named,
    /// The name.
    pub given: String,
    /// The id of one of them.
    pub first: String,
    /// The id of the other.
    pub second: String,
}

/// Suggests the most similar names, or else lists what exists.
pub(crate) fn unknown(kind: Named, given: &str, within: Option<RemoteText>, names: &[RemoteText]) -> UnknownName {
    let typed = given.to_lowercase();
    let alike = |name: &RemoteText| {
        let name = name.line(255).plain().to_lowercase();
        let likeness = strsim::normalized_damerau_levenshtein(&typed, &name);
        (likeness >= 0.6 || name.contains(&typed) || typed.contains(&name)).then_some(likeness)
    };
    let mut meant: Vec<_> = names.iter().filter_map(|name| Some((alike(name)?, name))).collect();
    meant.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let meant: Vec<RemoteText> = meant.into_iter().take(3).map(|(_, name)| name.clone()).collect();
    let are_alike = !meant.is_empty();
    let all = if names.len() <= MOST_NAMES { names.to_vec() } else { Vec::new() };
    let suggestions = if are_alike { meant } else { all };
    UnknownName { kind, given: given.to_owned(), within, suggestions, are_alike }
}
