//! The names of installs and components. No verdict depends on them: an object whose name cannot be read is shown by
//! its id.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

use crate::api::{ApiError, Client, Fact, Page, Reply, Request, UnderWay, repeat};
use crate::model::{Install, InstallComponent};
use crate::paging::Paged;
use crate::rate::RequestRate;
use crate::report::Report;
use crate::result::v1::{Named, RunResult};
use crate::target::shown_name;
use crate::{ComponentId, InstallId, Line, RemoteText, Target};

/// For how long errors are repeated.
const LONGEST: Duration = Duration::from_secs(10);
/// More installs than this are read from the list of all installs.
const ONE_BY_ONE: usize = 5;

/// The known names.
#[derive(Debug, Clone, Default)]
pub struct Names {
    installs: HashMap<InstallId, RemoteText>,
    components: HashMap<ComponentId, RemoteText>,
}

/// Reads the names of targets that have none, beside a wait of at most `max_rps` requests a second, installs and components
/// concurrently. Errors that may pass are repeated for ten seconds in all. Nothing more is requested once the API asks for fewer
/// requests.
pub async fn read_names(client: &Client, targets: &[Target], max_rps: u32, under_way: &UnderWay) -> Names {
    let (rate, until) = (RequestRate::beside(max_rps), Instant::now() + LONGEST);
    let once = async |request: &Request| {
        rate.turn().await;
        if rate.is_stopped() {
            let retry_after = Some(LONGEST);
            return Err(ApiError::Status { status: 429, message: None, retry_after, from_nuon: true });
        }
        let reply = under_way.during(client.request(request)).await;
        rate.note(&reply);
        reply
    };
    let politely = async |request: Request| repeat(|| once(&request), until, u32::MAX).await;
    read_names_with(politely, targets).await
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
    let unnamed = targets.iter().filter(|target| target.install_name().is_none());
    let installs: BTreeSet<&InstallId> = unnamed.map(|target| &target.install).collect();
    let row = |install: Install| (install.id, install.name);
    if installs.len() > ONE_BY_ONE {
        let page = |fact| match fact {
            Fact::Installs(page) => Some(page),
            _ => None,
        };
        return read_list(send, Request::Installs, page, row, &installs).await;
    }
    let mut names = HashMap::new();
    for id in installs {
        if let Ok(Fact::Install(install)) = send(Request::Install(id.clone())).await.map(|answer| answer.fact) {
            names.extend(install.id.zip(install.name));
        }
    }
    names
}

async fn read_components<F>(send: &impl Fn(Request) -> F, targets: &[Target]) -> HashMap<ComponentId, RemoteText>
where
    F: Future<Output = Reply>,
{
    let row = |row: InstallComponent| {
        let name = row.name().cloned();
        (row.component_id, name)
    };
    let mut names = HashMap::new();
    for (install, components) in unnamed_components(targets) {
        let only = components.first().filter(|_| components.len() == 1);
        if let Some(only) = only {
            let request = Request::InstallComponent(install.clone(), (*only).clone());
            if let Ok(Fact::InstallComponent(own)) = send(request).await.map(|answer| answer.fact) {
                let (id, name) = row(own);
                names.extend(id.zip(name));
            }
            continue;
        }
        let request = |page| Request::InstallComponents(install.clone(), page);
        let page = |fact| match fact {
            Fact::InstallComponents(page) => Some(page),
            _ => None,
        };
        names.extend(read_list(send, request, page, row, &components).await);
    }
    names
}

/// Reads the names in a list, until those that are wanted are known, or the list ends or cannot be read.
async fn read_list<F, K, T>(
    send: &impl Fn(Request) -> F,
    request: impl Fn(u32) -> Request,
    page: impl Fn(Fact) -> Option<Page<T>>,
    row: impl Fn(T) -> (Option<K>, Option<RemoteText>),
    wanted: &BTreeSet<&K>,
) -> HashMap<K, RemoteText>
where
    F: Future<Output = Reply>,
    K: Hash + Ord + Clone,
{
    let mut listed = Paged::default();
    let mut names = HashMap::new();
    while let Some(number) = listed.page_of_names()
        && !wanted.iter().all(|id| names.contains_key(*id))
        && let Ok(answer) = send(request(number)).await
        && let Some(Page { rows, more }) = page(answer.fact)
    {
        let rows: Vec<_> = rows.into_iter().map(&row).collect();
        names.extend(rows.iter().cloned().filter_map(|(id, name)| id.zip(name)));
        // A row without an id names nothing; the others count.
        let rows = rows.into_iter().filter_map(|(id, _)| id).collect();
        if listed.accept(number, Page { rows, more }, "names", |id| Some(id)).is_err() {
            break;
        }
    }
    names
}

/// Returns the components without names, by an install that has them. A component has the same name in every install.
fn unnamed_components(targets: &[Target]) -> BTreeMap<&InstallId, BTreeSet<&ComponentId>> {
    let mut asked = BTreeSet::new();
    let mut wanted: BTreeMap<&InstallId, BTreeSet<&ComponentId>> = BTreeMap::new();
    for target in targets.iter().filter(|target| target.component_name().is_none()) {
        if asked.insert(&target.component) {
            wanted.entry(&target.install).or_default().insert(&target.component);
        }
    }
    wanted
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
            Request::InstallComponents(install, page) if install.as_str() == "inl-large" && *page < 8 => {
                let rows = vec![component(&format!("cmp{page}"), &format!("name {page}")), InstallComponent::default()];
                Ok(Fact::InstallComponents(Page { rows, more: Some(true) }))
            }
            Request::InstallComponents(install, 1) if install.as_str() == "inl1" => {
                let rows = vec![component("cmp1", "api"), component("cmp2", "worker")];
                Ok(Fact::InstallComponents(Page { rows, more: None }))
            }
            Request::InstallComponents(..) => Err(ApiError::unexpected()),
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

    #[tokio::test]
    async fn a_list_of_components_is_read_until_all_are_named_or_it_is_too_long() {
        let cases = [
            (["cmp1", "cmp3"], ["name 1", "name 3"], 3),
            (["cmp1", "cmp7"], ["name 1", "cmp7"], 5),
            // An answer that is none ends the list.
            (["cmp1", "cmp9"], ["api", "cmp9"], 2),
        ];
        for (components, expected, pages) in cases {
            let install = if pages == 2 { "inl1" } else { "inl-large" };
            let (names, asked) = named(components.map(|id| target(install, id)).to_vec()).await;
            assert_eq!(names, expected.map(|name| format!("name of {install}/{name}")));
            assert_eq!(asked, pages + 1, "and the install");
        }
    }
}
