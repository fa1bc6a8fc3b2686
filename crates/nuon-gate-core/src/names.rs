//! The names of installs and components. No verdict depends on them: an object whose name cannot be read is shown by
//! its id.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::api::{Client, Fact, Reply, Request};
use crate::drive::send;
use crate::model::Install;
use crate::report::Report;
use crate::result::v1::{Named, RunResult};
use crate::target::shown_name;
use crate::{ComponentId, InstallId, Line, RemoteText, Target};

/// More installs than this are read from the list of all installs.
const ONE_BY_ONE: usize = 5;
/// The most pages that are read from that list, of a hundred installs each.
const MOST_PAGES: u32 = 5;

/// The known names.
#[derive(Debug, Clone, Default)]
pub struct Names {
    installs: HashMap<InstallId, RemoteText>,
    components: HashMap<ComponentId, RemoteText>,
}

/// Reads the names of targets that have none. Each object is requested once, installs and components concurrently.
pub async fn read_names(client: &Client, targets: &[Target]) -> Names {
    read_names_with(|request| send(client.clone(), request), targets).await
}

/// Reads the names with any transport.
pub async fn read_names_with<F>(send: impl Fn(Request) -> F, targets: &[Target]) -> Names
where
    F: Future<Output = Reply>,
{
    let (installs, components) = tokio::join!(read_installs(&send, targets), read_components(&send, targets));
    Names { installs, components }
}

async fn read_installs<F>(send: &impl Fn(Request) -> F, targets: &[Target]) -> HashMap<InstallId, RemoteText>
where
    F: Future<Output = Reply>,
{
    let mut names = HashMap::new();
    let add = |names: &mut HashMap<_, _>, install: Install| names.extend(install.id.zip(install.name));
    for request in of_installs(targets) {
        let Ok(answer) = send(request).await else { continue };
        match answer.fact {
            Fact::Install(install) => add(&mut names, install),
            Fact::Installs(page) => {
                page.rows.into_iter().for_each(|install| add(&mut names, install));
                let wanted = |target: &&Target| target.install_name().is_none();
                if targets.iter().filter(wanted).all(|target| names.contains_key(&target.install)) {
                    break;
                }
            }
            _ => {}
        }
    }
    names
}

async fn read_components<F>(send: &impl Fn(Request) -> F, targets: &[Target]) -> HashMap<ComponentId, RemoteText>
where
    F: Future<Output = Reply>,
{
    let mut names = HashMap::new();
    for request in of_components(targets) {
        let Ok(answer) = send(request).await else { continue };
        let rows = match answer.fact {
            Fact::InstallComponents(page) => page.rows,
            Fact::InstallComponent(row) => vec![row],
            _ => continue,
        };
        for row in rows {
            if let (Some(name), Some(id)) = (row.name().cloned(), row.component_id) {
                names.insert(id, name);
            }
        }
    }
    names
}

/// Returns the requests for the installs' names.
fn of_installs(targets: &[Target]) -> Vec<Request> {
    let unnamed = targets.iter().filter(|target| target.install_name().is_none());
    let installs: BTreeSet<&InstallId> = unnamed.map(|target| &target.install).collect();
    if installs.len() > ONE_BY_ONE {
        return (1..=MOST_PAGES).map(Request::Installs).collect();
    }
    installs.into_iter().cloned().map(Request::Install).collect()
}

/// Returns the requests for the components' names. A component has the same name in every install.
fn of_components(targets: &[Target]) -> Vec<Request> {
    let mut asked = BTreeSet::new();
    let mut wanted: BTreeMap<&InstallId, Vec<&ComponentId>> = BTreeMap::new();
    for target in targets.iter().filter(|target| target.component_name().is_none()) {
        if asked.insert(&target.component) {
            wanted.entry(&target.install).or_default().push(&target.component);
        }
    }
    let request = |(install, components): (&InstallId, Vec<&ComponentId>)| match components.as_slice() {
        [only] => Request::InstallComponent(install.clone(), (*only).clone()),
        _ => Request::InstallComponents(install.clone(), 1),
    };
    wanted.into_iter().map(request).collect()
}

impl Names {
    /// Adds names to a target, as far as it has none.
    pub fn complete(&self, target: &mut Target) {
        target.add_names(self.installs.get(&target.install), self.components.get(&target.component));
    }

    /// Adds names to the targets of a report.
    pub fn complete_report(&self, report: &mut Report) {
        report.targets.iter_mut().for_each(|target| self.complete(&mut target.target));
    }

    /// Adds names to the targets of a result.
    pub fn complete_result(&self, result: &mut RunResult) {
        let add = |named: &mut Named, name: Option<&RemoteText>| {
            named.name = named.name.take().or_else(|| name.and_then(shown_name));
        };
        for target in &mut result.targets {
            let install = parse::<InstallId>(&target.install.id).and_then(|id| self.installs.get(&id));
            let component = parse::<ComponentId>(&target.component.id).and_then(|id| self.components.get(&id));
            add(&mut target.install, install);
            add(&mut target.component, component);
        }
    }
}

fn parse<T: std::str::FromStr>(id: &Line) -> Option<T> {
    id.plain().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::future::ready;

    use super::*;
    use crate::api::{ApiError, Page};
    use crate::model::{Component, Install, InstallComponent};

    fn target(install: &str, component: &str) -> Target {
        Target::new(install.parse().unwrap(), component.parse().unwrap())
    }

    fn component(id: &str, name: &str) -> InstallComponent {
        let component = Some(Component { name: Some(RemoteText::new(name)) });
        InstallComponent { component_id: Some(id.parse().unwrap()), component, ..InstallComponent::default() }
    }

    fn answer(request: &Request) -> Result<Fact, ApiError> {
        let install = |id: &InstallId| Install {
            id: Some(id.clone()),
            name: Some(RemoteText::new(format!("name of {id}"))),
            labels: None,
        };
        match request {
            Request::Install(id) if id.as_str() == "inl-lost" => Err(ApiError::unexpected()),
            Request::Install(id) => Ok(Fact::Install(install(id))),
            Request::Installs(page) => {
                let rows = (0..10).map(|n| install(&format!("inl{}", (page - 1) * 10 + n).parse().unwrap()));
                Ok(Fact::Installs(Page { rows: rows.collect(), more: None }))
            }
            Request::InstallComponent(_, id) => Ok(Fact::InstallComponent(component(id.as_str(), "api"))),
            Request::InstallComponents(..) => {
                let rows = vec![component("cmp1", "api"), component("cmp2", "worker")];
                Ok(Fact::InstallComponents(Page { rows, more: None }))
            }
            other => panic!("{other:?}"),
        }
    }

    async fn named(mut targets: Vec<Target>) -> (Vec<String>, usize) {
        let asked = RefCell::new(0);
        let send = |request: Request| {
            *asked.borrow_mut() += 1;
            ready(answer(&request).map(Into::into))
        };
        let names = read_names_with(send, &targets).await;
        targets.iter_mut().for_each(|target| names.complete(target));
        (targets.iter().map(ToString::to_string).collect(), asked.into_inner())
    }

    #[tokio::test]
    async fn each_name_is_read_once_and_what_cannot_be_read_keeps_its_id() {
        let several =
            vec![target("inl1", "cmp1"), target("inl1", "cmp2"), target("inl2", "cmp1"), target("inl-lost", "cmp1")];
        let (names, asked) = named(several).await;
        assert_eq!(names, ["name of inl1/api", "name of inl1/worker", "name of inl2/api", "inl-lost/api"]);
        assert_eq!(asked, 4);
    }

    #[tokio::test]
    async fn names_that_are_known_are_not_asked_for() {
        let known = target("inl1", "cmp1").named(Some(&RemoteText::new("acme")), Some(&RemoteText::new("api")));
        assert_eq!(named(vec![known]).await, (vec!["acme/api".to_owned()], 0));
        let half = target("inl1", "cmp1").named(Some(&RemoteText::new("acme")), None);
        assert_eq!(named(vec![half]).await, (vec!["acme/api".to_owned()], 1));
    }

    #[tokio::test]
    async fn many_installs_are_read_from_the_list() {
        let many = (0..15).map(|number| target(&format!("inl{number}"), "cmp1")).collect();
        let (names, asked) = named(many).await;
        assert_eq!((names[14].as_str(), asked), ("name of inl14/api", 3));
    }
}
