//! Finds the branch and its app: by their names or ids, or as those of a run's workflow.

use std::collections::VecDeque;

use crate::api::{ApiError, Fact, Request};
use crate::model::{App, Branch};
use crate::paging::Paged;
use crate::resolve::{Ambiguous, Named, UnknownName, unknown};
use crate::{AppId, BranchId, BranchPlace, BranchRef, RemoteText, RunId, WorkflowId};

/// What is asked for.
#[derive(Debug, Clone)]
pub(super) enum Sought {
    /// What was typed.
    Named(BranchRef),
    /// The run of this workflow, which is that of a branch.
    OfWorkflow(WorkflowId, BranchId),
}

/// The search for a branch.
#[derive(Debug)]
pub(super) struct Lookup {
    sought: Sought,
    apps: Paged<AppId, App>,
    /// The apps whose branches are still to be searched; the first is the one that is.
    open: Option<VecDeque<App>>,
    branches: Paged<BranchId, Branch>,
}

/// What a search needs, or its outcome.
pub(super) enum LookupNext {
    Read(Request),
    Found(BranchPlace, Option<RunId>),
    Unknown(UnknownName),
    Ambiguous(Ambiguous),
}

impl Lookup {
    pub(super) fn new(sought: Sought) -> Self {
        Self { sought, apps: Paged::default(), open: None, branches: Paged::default() }
    }

    /// Returns the next request, or the outcome.
    pub(super) fn next(&mut self) -> LookupNext {
        if let Some(page) = self.apps.page() {
            return LookupNext::Read(Request::Apps(page));
        }
        if self.open.is_none() {
            match self.named_apps() {
                Ok(apps) => self.open = Some(apps),
                Err(end) => return end,
            }
        }
        loop {
            let Some(app) = self.open.as_ref().and_then(VecDeque::front).cloned() else { return self.nowhere() };
            let Some(id) = app.id.clone() else { return self.nowhere() };
            if let Some(page) = self.branches.page() {
                return LookupNext::Read(Request::Branches(id, page));
            }
            if let Some(end) = self.branch_of(&app, &id) {
                return end;
            }
            self.open.iter_mut().for_each(|open| drop(open.pop_front()));
            self.branches = Paged::default();
        }
    }

    fn named_apps(&self) -> Result<VecDeque<App>, LookupNext> {
        let all = self.apps.rows();
        let Sought::Named(typed) = &self.sought else { return Ok(all.iter().cloned().collect()) };
        let fits = |app: &&App| is_it(typed.app(), app.id.as_ref().map(AppId::as_str), app.name.as_ref());
        let mut fitting = all.iter().filter(fits);
        match (fitting.next(), fitting.next()) {
            (Some(only), None) => Ok([only.clone()].into()),
            (Some(one), Some(other)) => {
                Err(ambiguous(Named::App, typed.app(), [one, other].map(|app| app.id.as_ref().map(AppId::as_str))))
            }
            (None, _) => {
                let names: Vec<RemoteText> = all.iter().filter_map(|app| app.name.clone()).collect();
                Err(LookupNext::Unknown(unknown(Named::App, typed.app(), None, &names)))
            }
        }
    }

    /// Finds the branch among those of an app; `None` if it may be another app's.
    fn branch_of(&self, app: &App, id: &AppId) -> Option<LookupNext> {
        let place = |branch: &Branch| Some(BranchPlace { app: id.clone(), branch: branch.id.clone()? });
        let all = self.branches.rows();
        let typed = match &self.sought {
            Sought::OfWorkflow(workflow, owner) => {
                let own = all.iter().find(|branch| branch.id.as_ref() == Some(owner))?;
                return Some(LookupNext::Found(place(own)?, workflow.as_str().parse().ok()));
            }
            Sought::Named(typed) => typed,
        };
        for (name, run) in typed.readings() {
            let fits = |own: &&Branch| is_it(name, own.id.as_ref().map(BranchId::as_str), own.name.as_ref());
            let mut fitting = all.iter().filter(fits);
            match (fitting.next(), fitting.next()) {
                (Some(only), None) => return Some(LookupNext::Found(place(only)?, run)),
                (Some(one), Some(other)) => {
                    let ids = [one, other].map(|branch| branch.id.as_ref().map(BranchId::as_str));
                    return Some(ambiguous(Named::Branch, name, ids));
                }
                (None, _) => {}
            }
        }
        let names: Vec<RemoteText> = all.iter().filter_map(|branch| branch.name.clone()).collect();
        let given = typed.readings().last().map_or("", |(name, _)| name);
        let label = app.name.clone().unwrap_or_else(|| RemoteText::new(id.as_str()));
        Some(LookupNext::Unknown(unknown(Named::Branch, given, Some(label), &names)))
    }

    /// Reports that the branch of a workflow belongs to no app.
    fn nowhere(&self) -> LookupNext {
        let given = match &self.sought {
            Sought::OfWorkflow(_, owner) => owner.as_str(),
            Sought::Named(typed) => typed.app(),
        };
        LookupNext::Unknown(unknown(Named::Branch, given, None, &[]))
    }

    /// Handles a fact.
    ///
    /// # Errors
    ///
    /// If it does not answer the request.
    pub(super) fn accept(&mut self, request: &Request, fact: Fact) -> Result<(), ApiError> {
        match (request, fact) {
            (Request::Apps(page), Fact::Apps(found)) => self.apps.accept(*page, found, "apps", |app| app.id.as_ref()),
            (Request::Branches(_, page), Fact::Branches(found)) => {
                self.branches.accept(*page, found, "branches", |branch| branch.id.as_ref())
            }
            _ => Err(ApiError::unexpected()),
        }
    }
}

/// Names are compared as the server sent them, letter by letter.
fn is_it(typed: &str, id: Option<&str>, name: Option<&RemoteText>) -> bool {
    id == Some(typed) || name.is_some_and(|name| name.is(typed))
}

fn ambiguous(kind: Named, given: &str, ids: [Option<&str>; 2]) -> LookupNext {
    let [first, second] = ids.map(|id| id.unwrap_or_default().to_owned());
    LookupNext::Ambiguous(Ambiguous { kind, given: given.to_owned(), first, second })
}
