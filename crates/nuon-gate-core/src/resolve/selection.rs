//! Selects installs by their labels.

use std::collections::VecDeque;

use crate::api::{ApiError, Page, Request};
use crate::labels::Labels;
use crate::model::Install;
use crate::paging::Paged;
use crate::{InstallId, RemoteText};

/// The installs that have certain labels, as far as they are known.
///
/// Some servers ignore the filter and list every install, so the answer is checked (`docs/nuon-api.md`, "Labels of
/// installs"). An install whose labels are not in the list is read individually.
#[derive(Debug)]
pub(super) struct Selection {
    labels: Labels,
    listed: Paged<InstallId, Install>,
    /// The positions of those to be read individually.
    unclear: VecDeque<usize>,
}

/// What a selection needs, or its outcome.
pub(super) enum Selected {
    Ask(Request),
    /// These installs match. For `unlabelled` others, the labels are not known.
    Installs {
        fitting: Vec<(InstallId, Option<RemoteText>)>,
        unlabelled: Vec<RemoteText>,
    },
}

impl Selection {
    pub(super) fn new(labels: Labels) -> Self {
        Self { labels, listed: Paged::default(), unclear: VecDeque::new() }
    }

    pub(super) fn state(&self) -> Selected {
        if let Some(page) = self.listed.page() {
            return Selected::Ask(Request::LabelledInstalls(self.labels.clone(), page));
        }
        if let Some(install) = self.asked() {
            return Selected::Ask(Request::Install(install.clone()));
        }
        let (mut fitting, mut unlabelled) = (Vec::new(), Vec::new());
        for install in self.listed.rows() {
            let Some(id) = &install.id else { continue };
            match self.labels.fit(install) {
                Some(true) => fitting.push((id.clone(), install.name.clone())),
                Some(false) => {}
                None => unlabelled.push(install.name.clone().unwrap_or_else(|| RemoteText::new(id.as_str()))),
            }
        }
        Selected::Installs { fitting, unlabelled }
    }

    fn asked(&self) -> Option<&InstallId> {
        self.unclear.front().and_then(|at| self.listed.rows()[*at].id.as_ref())
    }

    /// Adds a page of the list.
    pub(super) fn accept_listed(&mut self, page: u32, found: Page<Install>) -> Result<(), ApiError> {
        self.listed.accept(page, found, "installs", |install| install.id.as_ref())?;
        if self.listed.page().is_none() {
            let installs = self.listed.rows().iter().enumerate();
            self.unclear =
                installs.filter(|(_, install)| self.labels.fit(install).is_none()).map(|(at, _)| at).collect();
        }
        Ok(())
    }

    /// Adds an install that was read individually, if it was requested.
    pub(super) fn accept_read(&mut self, asked: &InstallId, install: &Install) {
        if self.asked() == Some(asked)
            && let Some(at) = self.unclear.pop_front()
        {
            self.listed.replace(at, install.clone());
        }
    }
}
