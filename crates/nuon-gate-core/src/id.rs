//! Identifiers, each kind a type of its own.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};

use crate::redact::redacted;
use crate::text::is_hidden;

/// Why a text cannot be an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidId {
    /// Nothing, or white space only.
    #[error("an id cannot be empty")]
    Empty,
    /// More than 255 characters, the longest that the server accepts for any of its names.
    #[error("an id has at most 255 characters, this has {0}")]
    TooLong(usize),
    /// `.` and `..` have a meaning of their own in a URL path.
    #[error("`{0}` cannot be an id")]
    Dots(String),
    /// A slash, or an invisible character.
    #[error("an id cannot hold {}", visible(*.0))]
    Character(char),
}

/// An invisible character is shown by its number. Not all are escaped by `Debug`: some count as letters.
fn visible(c: char) -> String {
    if is_hidden(c) { format!("'{}'", c.escape_unicode()) } else { format!("{c:?}") }
}

fn check(text: &str) -> Result<String, InvalidId> {
    let text = text.trim();
    let length = text.chars().count();
    if text.is_empty() {
        return Err(InvalidId::Empty);
    }
    if length > 255 {
        return Err(InvalidId::TooLong(length));
    }
    if text == "." || text == ".." {
        return Err(InvalidId::Dots(text.to_owned()));
    }
    // CI runners execute `##[…]` anywhere in a line, and ids are shown unescaped.
    if text.contains("##") {
        return Err(InvalidId::Character('#'));
    }
    match text.chars().find(|c| matches!(c, '/' | '\\') || is_hidden(*c)) {
        Some(c) => Err(InvalidId::Character(c)),
        None => Ok(text.to_owned()),
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// Never empty, at most 255 characters, without slashes and invisible characters. It is percent-encoded in URL
        /// paths. Shapes other than Nuon's 26 characters are accepted, as only the server can check them.
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// Returns the identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                check(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                // A server may use a secret as a name.
                f.write_str(&redacted(&self.0))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                // As it was sent: with blanks around it, it is another id than without.
                let text = String::deserialize(deserializer)?;
                let own: Self = text.parse().map_err(de::Error::custom)?;
                match text.chars().find(|c| c.is_whitespace()) {
                    Some(blank) if own.0 != text => Err(de::Error::custom(InvalidId::Character(blank))),
                    _ => Ok(own),
                }
            }
        }
    )*};
}

ids! {
    /// An organisation (`org…`).
    OrgId;
    /// An install (`inl…`), or its name.
    InstallId;
    /// A component (`cmp…`), or its name.
    ComponentId;
    /// A component as part of an install (`inc…`).
    InstallComponentId;
    /// A deploy (`dpl…`).
    DeployId;
    /// A component's build (`bld…`).
    BuildId;
    /// A workflow (`inw…`).
    WorkflowId;
    /// An app (`app…`).
    AppId;
    /// A branch of an app.
    BranchId;
    /// A run of a branch.
    RunId;
    /// A group of installs in a run.
    GroupRunId;
    /// A workflow's step (`iws…`).
    StepId;
    /// An approval that a step asks for (`waa…`).
    ApprovalId;
    /// What a workflow's step works on: a deploy, an install component (`inc…`), …
    StepTargetId;
    /// A log stream (`log…`).
    LogStreamId;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_cannot_change_a_path() {
        let cases = [
            ("", Err(InvalidId::Empty)),
            (" \t", Err(InvalidId::Empty)),
            ("..", Err(InvalidId::Dots("..".into()))),
            ("a/b", Err(InvalidId::Character('/'))),
            ("a\\b", Err(InvalidId::Character('\\'))),
            ("a\nb", Err(InvalidId::Character('\n'))),
            ("a\u{202e}b", Err(InvalidId::Character('\u{202e}'))),
            (" dpl1 ", Ok("dpl1")),
            ("Ünser Install", Ok("Ünser Install")),
            ("a?b#c%2f", Ok("a?b#c%2f")),
        ];
        for (text, expected) in cases {
            let id = text.parse::<DeployId>();
            assert_eq!(id.as_ref().map(DeployId::as_str), expected.as_ref().map(|s| *s), "{text:?}");
        }
        assert_eq!("x".repeat(256).parse::<DeployId>(), Err(InvalidId::TooLong(256)));
    }
}
