//! Ids and names that a script leaves out.

use std::collections::BTreeSet;

use crate::script::{Component, Script};

/// Creates an id of the usual length from a prefix and any text.
pub(crate) fn id(prefix: &str, text: &str) -> String {
    let tail: String = text.chars().filter(char::is_ascii_alphanumeric).take(23).collect();
    format!("{prefix}{:0<23}", tail.to_ascii_lowercase())
}

/// Creates the id of something that belongs to one deploy, such as its log stream.
pub(crate) fn id_of_deploys(prefix: &str, deploy: &str) -> String {
    id(prefix, deploy.strip_prefix("dpl").unwrap_or(deploy))
}

/// Returns a component's name, which is derived from its id if there is none.
pub(crate) fn name(component: &Component) -> &str {
    component.name.as_deref().unwrap_or(component.id.trim_start_matches("cmp"))
}

/// Returns the name of a component's install.
pub(crate) fn install_name(component: &Component) -> &str {
    component.install_name.as_deref().unwrap_or(&component.install)
}

/// Returns the id of a component in its install.
pub(crate) fn install_component(component: &Component) -> &str {
    component.install_component.as_deref().unwrap_or_default()
}

/// Gives every component an id in its install, and every deploy an id, a build and a workflow.
///
/// The same component in several installs would have the same ids, and long names are cut, so every created id is
/// checked against the others.
pub(crate) fn complete(script: &mut Script) {
    let mut taken = BTreeSet::new();
    for component in &mut script.components {
        let (name, ends) = (name(component).to_owned(), both_ends(name(component)));
        component.install_component.get_or_insert_with(|| free(&mut taken, id("inc", &name)));
        let mut build = id("bld", &name);
        for (position, deploy) in component.deploys.iter_mut().enumerate() {
            deploy.id.get_or_insert_with(|| free(&mut taken, id("dpl", &format!("{}{ends}", position + 1))));
            // A recovery keeps the current build.
            let usual = if deploy.deploy_type.as_deref() == Some("recover") { build } else { id("bld", &name) };
            build = deploy.build.get_or_insert(usual).clone();
            deploy.workflow.get_or_insert_with(|| free(&mut taken, id("inw", &format!("{position}{name}"))));
        }
    }
}

/// Shortens a long name to both its ends: people know its start, and numbered names differ at their end.
fn both_ends(name: &str) -> String {
    let name: Vec<char> = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let split = name.len().min(8);
    let tail = name.len().saturating_sub(12).max(split);
    name[..split].iter().chain(&name[tail..]).collect()
}

fn free(taken: &mut BTreeSet<String>, wanted: String) -> String {
    let others = (2..).map(|number| format!("{}{number:03}", &wanted[..23]));
    let free = std::iter::once(wanted.clone()).chain(others).find(|id| !taken.contains(id)).unwrap_or(wanted);
    taken.insert(free.clone());
    free
}
