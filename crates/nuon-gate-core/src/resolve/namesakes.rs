//! Whether the name of an install is that of one install alone.

use super::{Ambiguous, Named};
use crate::api::{ApiError, Page, Request};
use crate::model::Install;
use crate::paging::Paged;
use crate::{InstallId, RemoteText};

/// An install that was given by its name, and the list of those with such a name.
///
/// Names are unique only within an app, and the server answers a name with one of the installs that have it
/// (`docs/nuon-api.md`, "Names of installs"). That answer alone counts only if the server has no such list.
#[derive(Debug)]
pub(super) struct Namesakes {
    given: InstallId,
    id: InstallId,
    name: Option<RemoteText>,
    listed: Paged<InstallId, Install>,
}

impl Namesakes {
    /// Begins with the server's answer to the name.
    pub(super) fn new(given: InstallId, id: InstallId, name: Option<RemoteText>) -> Self {
        Self { given, id, name, listed: Paged::default() }
    }

    /// Returns what is to be read; `None` if that was all.
    pub(super) fn request(&self) -> Option<Request> {
        self.listed.page().map(|page| Request::NamedInstalls(self.given.clone(), page))
    }

    /// Adds a page of the list.
    pub(super) fn accept(&mut self, page: u32, found: Page<Install>) -> Result<(), ApiError> {
        self.listed.accept(page, found, "installs", |install| install.id.as_ref())
    }

    /// Returns the error if another install has the name. Servers compare a part of it, in any case.
    pub(super) fn ambiguous(&self) -> Option<Ambiguous> {
        let is_named = |install: &&Install| install.name.as_ref().is_some_and(|name| name.is(self.given.as_str()));
        let mut others = self.listed.rows().iter().filter(is_named).filter_map(|install| install.id.as_ref());
        let other = others.find(|id| **id != self.id)?;
        Some(Ambiguous {
            kind: Named::Install,
            given: self.given.to_string(),
            first: self.id.to_string(),
            second: other.to_string(),
        })
    }

    /// Returns the name.
    pub(super) fn given(&self) -> &InstallId {
        &self.given
    }

    /// Returns what was given, and the install that it means.
    pub(super) fn install(self) -> (InstallId, InstallId, Option<RemoteText>) {
        (self.given, self.id, self.name)
    }
}
