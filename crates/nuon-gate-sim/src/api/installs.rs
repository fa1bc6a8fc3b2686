//! Installs and their components.

use std::collections::BTreeMap;
use std::time::Duration;

use super::page::Page;
use crate::bodies;
use crate::ids::{install_name, name};
use crate::message::{Reply, Seen};
use crate::script::{Component, Generation};
use crate::state::State;

impl State {
    /// Answers with the installs, or with those whose names contain the query's text, by name.
    pub(crate) fn list_installs(&self, request: &Seen) -> Reply {
        // Servers before 2026 ignore unknown parameters.
        let wanted = request.query("labels").filter(|_| self.script.generation == Generation::New);
        let part = request.query("q").unwrap_or_default().to_lowercase();
        let mut installs = self.installs();
        installs.retain(|component| install_name(component).to_lowercase().contains(&part));
        installs.retain(|component| wanted.as_deref().is_none_or(|wanted| has_labels(component, wanted)));
        installs.sort_by(|one, other| install_name(one).cmp(install_name(other)));
        Page::reply(self.page(request), installs, |component| bodies::install(&component, &self.script))
    }

    /// Returns a component of every install, with what any of the install's components says about the install.
    pub(super) fn installs(&self) -> Vec<Component> {
        let mut installs: BTreeMap<&str, Component> = BTreeMap::new();
        for component in &self.script.components {
            let known = installs.entry(&component.install).or_insert_with(|| component.clone());
            known.install_name = known.install_name.take().or_else(|| component.install_name.clone());
            known.app = known.app.take().or_else(|| component.app.clone());
            known.install_labels.extend(component.install_labels.clone());
        }
        installs.into_values().collect()
    }

    /// Answers with an install.
    pub(crate) fn install(&self, install: &str) -> Reply {
        let named =
            |component: &Component| component.install == install || component.install_name.as_deref() == Some(install);
        match self.installs().into_iter().find(named) {
            Some(component) => Reply::ok(&bodies::install(&component, &self.script)),
            None => bodies::not_found("install"),
        }
    }

    /// Returns the name of an install.
    pub(super) fn name_of_install<'a>(&'a self, install: &'a str) -> &'a str {
        let of_install = self.script.components.iter().filter(|component| component.install == install);
        of_install.flat_map(|component| component.install_name.as_deref()).next().unwrap_or(install)
    }

    /// Answers with the components of an install, or with those whose names contain the query's text.
    pub(crate) fn list_components(&self, install: &str, request: &Seen) -> Reply {
        let wanted = request.query("q").unwrap_or_default().to_lowercase();
        let components = self.script.components.iter().filter(|component| component.install == install);
        let mut components = components.peekable();
        if components.peek().is_none() {
            return bodies::not_found("install");
        }
        let components = components.filter(|component| name(component).to_lowercase().contains(&wanted));
        Page::reply(self.page(request), components.collect(), bodies::install_component)
    }

    /// Answers with a component in an install.
    pub(crate) fn component(&mut self, install: &str, id: &str, now: Duration) -> Reply {
        let Some(at) = self.position(install, id) else { return bodies::not_found("install component") };
        let health = self.observe(at, now, 0).map(|seen| bodies::health_status(&seen));
        let mut body = bodies::install_component(&self.script.components[at]);
        if let Some(health) = health {
            body["health_status"] = health["status"].clone();
            body["health_status_v2"] = health;
        }
        Reply::ok(&body)
    }

    pub(super) fn position(&self, install: &str, id: &str) -> Option<usize> {
        self.script.components.iter().position(|component| component.install == install && component.id == id)
    }
}

/// Returns whether an install has every label of a list like `env:prod,tier=1,canary`. A bare key matches any value.
fn has_labels(component: &Component, wanted: &str) -> bool {
    let wanted = wanted.split(',').map(str::trim).filter(|label| !label.is_empty());
    wanted.map(|label| label.split_once([':', '=']).map_or((label, None), |(key, value)| (key, Some(value)))).all(
        |(key, value)| {
            let own = component.install_labels.get(key);
            own.is_some_and(|own| value.is_none_or(|value| own == value))
        },
    )
}
