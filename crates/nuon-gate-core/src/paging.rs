//! Lists that come in pages (`docs/nuon-api.md`, "Paging").

use std::collections::HashSet;
use std::hash::Hash;

use crate::api::{ApiError, MOST_ROWS, Page};

/// Lists longer than this many pages of a hundred are not read.
const MOST_PAGES: u32 = 100;
/// Of a list that is read for names alone, which decide nothing, this many pages are enough.
const MOST_PAGES_OF_NAMES: u32 = 5;

/// The part of a list that has been read, each row once.
#[derive(Debug)]
pub(crate) struct Paged<K, T> {
    rows: Vec<T>,
    ids: HashSet<K>,
    /// The next page; `None` after the last.
    page: Option<u32>,
    /// The server has said that the next page has more.
    is_promised: bool,
}

impl<K, T> Default for Paged<K, T> {
    fn default() -> Self {
        Self { rows: Vec::new(), ids: HashSet::new(), page: Some(1), is_promised: false }
    }
}

impl<K: Hash + Eq + Clone, T> Paged<K, T> {
    /// Returns the next page; `None` if all have been read.
    pub(crate) fn page(&self) -> Option<u32> {
        self.page
    }

    /// The same of a list that is read for names alone: a long one is not read to its end.
    pub(crate) fn page_of_names(&self) -> Option<u32> {
        self.page.filter(|page| *page <= MOST_PAGES_OF_NAMES)
    }

    pub(crate) fn rows(&self) -> &[T] {
        &self.rows
    }

    /// Replaces a row with a better one.
    pub(crate) fn replace(&mut self, at: usize, row: T) {
        if let Some(own) = self.rows.get_mut(at) {
            *own = row;
        }
    }

    /// Adds a page, if it is the next one; `id` identifies a row. If the server does not say whether there are more
    /// pages, pages are read until one is empty or repeated. If the server announced more, but the list ends, it is
    /// only a part of the list.
    ///
    /// # Errors
    ///
    /// If a row of `what` is listed has no id, if announced rows are missing, or if there are too many.
    pub(crate) fn accept(
        &mut self,
        page: u32,
        found: Page<T>,
        what: &str,
        id: impl Fn(&T) -> Option<&K>,
    ) -> Result<(), ApiError> {
        if found.rows.iter().any(|row| id(row).is_none()) {
            return Err(ApiError::Undecodable(format!("one of the {what} has no id")));
        }
        if self.page != Some(page) {
            return Ok(());
        }
        let has_new = found.rows.iter().filter_map(&id).any(|id| !self.ids.contains(id));
        if !has_new && (self.is_promised || found.more == Some(true)) {
            return Err(ApiError::Undecodable(format!("there are more {what}, which are not listed")));
        }
        let more = has_new && found.more.unwrap_or(true);
        if more && page == MOST_PAGES {
            return Err(ApiError::Undecodable(format!("there are more than {} {what}", MOST_PAGES * 100)));
        }
        // Some servers announce more after a full page without checking.
        self.is_promised = found.more == Some(true) && found.rows.len() < MOST_ROWS as usize;
        for row in found.rows {
            if id(&row).is_some_and(|id| self.ids.insert(id.clone())) {
                self.rows.push(row);
            }
        }
        self.page = more.then_some(page + 1);
        Ok(())
    }
}
