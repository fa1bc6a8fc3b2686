//! What a deploy does, and which rows deploy nothing (`docs/nuon-api.md`, "Rows that deploy nothing").

/// The two kinds of deploys that can be waited for, which are judged differently. See [`Deploy::kind`](crate::model::Deploy::kind).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Brings something to the install: apply and sync-image; install and release on old servers.
    Apply,
    /// Removes the component.
    Teardown,
}

impl Kind {
    /// Returns the words for it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Apply => "an apply",
            Self::Teardown => "a teardown",
        }
    }
}
