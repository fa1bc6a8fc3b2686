//! Paging of lists.

use serde_json::Value;

use crate::message::{Reply, Seen};
use crate::script::Generation;
use crate::state::State;

/// The default page size.
const USUAL: usize = 10;
/// The largest page size.
const LONGEST: usize = 100;

/// The requested part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    offset: usize,
    limit: usize,
}

impl Page {
    /// Parses a request; `None` if a server of this generation answers it with the whole list.
    fn of(request: &Seen, generation: Generation) -> Option<Self> {
        let wanted = || request.header("x-nuon-pagination-enabled").is_some_and(|value| !value.is_empty());
        let paged = match generation {
            Generation::Old => false,
            Generation::Mid1 => wanted(),
            Generation::Mid | Generation::New => true,
        };
        // An invalid number is ignored.
        let number = |name: &str| request.query(name).and_then(|value| value.parse::<usize>().ok());
        let limit = number("limit").map_or(USUAL, |limit| limit.min(LONGEST));
        let page = number("page").filter(|page| *page > 0).map(|page| (page - 1).saturating_mul(limit));
        let offset = page.or_else(|| number("offset")).unwrap_or(0);
        paged.then_some(Self { offset, limit })
    }

    /// Answers with the requested part of a list.
    pub(super) fn reply<T>(page: Option<Self>, rows: Vec<T>, show: impl FnMut(T) -> Value) -> Reply {
        let Some(Self { offset, limit }) = page else {
            return Reply::ok(&rows.into_iter().map(show).collect());
        };
        let next = rows.len() > offset.saturating_add(limit);
        Reply::ok(&rows.into_iter().skip(offset).take(limit).map(show).collect())
            .with("X-Nuon-Page-Next", &next)
            .with("X-Nuon-Page-Offset", &offset)
            .with("X-Nuon-Page-Limit", &limit)
    }
}

impl State {
    /// Returns which part of a list is requested.
    pub(super) fn page(&self, request: &Seen) -> Option<Page> {
        Page::of(request, self.script.generation)
    }
}
