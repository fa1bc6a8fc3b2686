//! Lists, and the pages in which they come.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::bodies::{self, Detail};
use crate::http::{Reply, Seen};
use crate::ids::{install_name, name};
use crate::script::{Component, Generation};
use crate::state::State;

/// How long a page is if nothing is said.
const USUAL: usize = 10;
/// How long it can be.
const LONGEST: usize = 100;

/// Which part of a list was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Page {
    offset: usize,
    limit: usize,
}

impl Page {
    /// Reads what a request asks for; `None` if a server of this generation answers it with the whole list.
    fn of(request: &Seen, generation: Generation) -> Option<Self> {
        let wished = || request.header("x-nuon-pagination-enabled").is_some_and(|value| !value.is_empty());
        let paged = match generation {
            Generation::Old => false,
            Generation::Mid1 => wished(),
            Generation::Mid | Generation::New => true,
        };
        // A number that is none is as good as left out.
        let number = |name: &str| request.query(name).and_then(|value| value.parse::<usize>().ok());
        let limit = number("limit").map_or(USUAL, |limit| limit.min(LONGEST));
        let page = number("page").filter(|page| *page > 0).map(|page| (page - 1).saturating_mul(limit));
        let offset = page.or_else(|| number("offset")).unwrap_or(0);
        paged.then_some(Self { offset, limit })
    }

    /// Answers with as much of a list as was asked for.
    fn reply<T>(page: Option<Self>, rows: Vec<T>, show: impl FnMut(T) -> Value) -> Reply {
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
    /// Answers with the installs, by name.
    pub(crate) fn list_installs(&self, request: &Seen) -> Reply {
        let mut installs = self.installs();
        installs.sort_by_key(|component| install_name(component));
        Page::reply(self.page(request), installs, |component| bodies::install(component, &self.script))
    }

    /// Returns a component of every install, one that knows the install's name if there is any.
    pub(crate) fn installs(&self) -> Vec<&Component> {
        let mut installs: BTreeMap<&str, &Component> = BTreeMap::new();
        for component in &self.script.components {
            let known = installs.entry(&component.install).or_insert(component);
            if known.install_name.is_none() {
                *known = component;
            }
        }
        installs.into_values().collect()
    }

    /// Answers with the components of an install, or with those that have the query's text in their name.
    pub(crate) fn list_components(&self, install: &str, request: &Seen) -> Reply {
        let wished = request.query("q").unwrap_or_default().to_lowercase();
        let components = self.script.components.iter().filter(|component| component.install == install);
        let mut components = components.peekable();
        if components.peek().is_none() {
            return bodies::not_found("install");
        }
        let components = components.filter(|component| name(component).to_lowercase().contains(&wished));
        Page::reply(self.page(request), components.collect(), bodies::install_component)
    }

    /// Answers with the deploys of a component, newest first.
    pub(crate) fn list_deploys(&mut self, install: &str, id: &str, now: Duration, request: &Seen) -> Reply {
        if !self.script.components.iter().any(|component| component.install == install) {
            return bodies::not_found("install");
        }
        let page = self.page(request);
        let Some(at) = self.position(install, id) else { return Page::reply(page, Vec::new(), |row| row) };
        let rows = self.visible(at, now).into_iter().rev().collect();
        self.progress[at].looks += 1;
        // A list is no look at any of its rows.
        Page::reply(page, rows, |position| self.show((at, position), now, Detail::Short, 0))
    }

    fn page(&self, request: &Seen) -> Option<Page> {
        Page::of(request, self.script.generation)
    }
}
