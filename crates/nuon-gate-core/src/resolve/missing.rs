//! An install that does not exist, and what there is instead.

use super::{Named, UnknownName, unknown};
use crate::api::{Page, Request};
use crate::model::Install;
use crate::paging::Paged;
use crate::{InstallId, RemoteText};

/// An install that does not exist. The names of the existing ones are still needed for suggestions.
#[derive(Debug)]
pub(super) struct Missing {
    given: InstallId,
    listed: Paged<InstallId, Install>,
}

impl Missing {
    pub(super) fn new(given: InstallId) -> Self {
        Self { given, listed: Paged::default() }
    }

    /// Returns what is to be read for suggestions; `None` if that is enough.
    pub(super) fn request(&self) -> Option<Request> {
        self.listed.page_of_names().map(Request::Installs)
    }

    /// Returns whether it is on this page after all.
    pub(super) fn is_on(&self, page: &Page<Install>) -> bool {
        let given = self.given.as_str();
        page.rows.iter().any(|install| {
            install.id.as_ref() == Some(&self.given) || install.name.as_ref().is_some_and(|name| name.is(given))
        })
    }

    /// Adds a page of the list. Returns whether more can be read: suggestions are no reason to ask again.
    pub(super) fn accept(&mut self, number: u32, mut page: Page<Install>) -> bool {
        page.rows.retain(|install| install.id.is_some());
        let accepted = self.listed.accept(number, page, "installs", |install| install.id.as_ref());
        accepted.is_ok() && self.request().is_some()
    }

    /// Returns the error, with the names so far.
    pub(super) fn unknown(&self) -> UnknownName {
        let names: Vec<RemoteText> = self.listed.rows().iter().filter_map(|install| install.name.clone()).collect();
        unknown(Named::Install, self.given.as_str(), None, &names)
    }
}
