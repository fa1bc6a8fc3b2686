//! Routes requests, and answers those about deploys.

use std::cmp::Reverse;

use super::fault::Topic;
use super::reply::{Ask, Reply};
use super::row::Shape;
use super::story::{Age, Row};
use super::text;
use super::view::View;

/// Returns what a request is about.
pub(super) fn topic(ask: &Ask<'_>) -> Topic {
    match ask.path() {
        ["v1", "installs", _, "components", _, "deploys", "latest"] => Topic::Latest,
        ["v1", "installs", _, "components", _, "deploys"] | ["v1", "installs", _, "components", "deploys"] => {
            Topic::List
        }
        ["v1", "installs", _, "components", _, "deploys", _] | ["v1", "installs", _, "deploys", _] => Topic::Deploy,
        ["v1", "workflows", ..] => Topic::Workflow,
        ["v1", "installs", _, "components", _] | ["v1", "installs", _, "resources"] => Topic::Health,
        _ => Topic::Other,
    }
}

impl View<'_> {
    /// Answers a GET request.
    pub(super) fn route(&self, ask: &Ask<'_>) -> Reply {
        match ask.path() {
            ["v1", "installs", install, "components", "deploys"] => self.all_deploys(ask, install),
            ["v1", "installs", install, "components", component, "deploys", "latest"] => {
                self.latest(ask, install, component)
            }
            ["v1", "installs", install, "components", component, "deploys"] => self.deploys(ask, install, component),
            ["v1", "installs", install, "components", component, "deploys", deploy] => {
                self.one(ask, install, Some(component), deploy)
            }
            ["v1", "installs", install, "deploys", "latest"] => self.only(install),
            ["v1", "installs", install, "deploys", deploy] => self.one(ask, install, None, deploy),
            ["v1", "installs", ..] => self.installs(ask),
            ["v1", "workflows", ..] => self.workflows(ask),
            ["v1", "log-streams", log, rest @ ..] => self.logs(ask, log, rest),
            _ => self.general(ask),
        }
    }

    /// Returns the deploys of an install, or of a component of it, newest first by the server's times.
    fn newest(&self, install: usize, component: Option<usize>) -> Vec<&Row> {
        let story = self.story;
        let fits = |row: &&Row| match component {
            Some(component) => row.component == component,
            None => story.install_of(row) == install,
        };
        let mut rows: Vec<&Row> = story.rows.iter().filter(|row| row.created <= self.rows_at).filter(fits).collect();
        rows.sort_by_key(|row| Reverse(story.clock.micros(row.created)));
        rows
    }

    fn latest(&self, ask: &Ask<'_>, install: &str, component: &str) -> Reply {
        let story = self.story;
        let found = story.install_id(install).and_then(|it| Some((it, story.component(it, component)?)));
        let Some((install, component)) = found else { return Reply::none("install component latest deploy") };
        if let Some(other) = ask.another {
            return self.another(other, Shape::Latest);
        }
        let plan_only = |row: &Row| story.flows[row.flow].plan_only;
        let hidden = |row: &Row| row.kind == "recover" && !story.habits.latest_shows_recover;
        let rows = self.newest(install, Some(component));
        let (offset, limit) = ask.page();
        let row = match story.age {
            Age::Old => rows.first().copied(),
            Age::Mid1 => {
                let (offset, limit) = if story.habits.pages { (offset, limit) } else { (0, 1000) };
                let mut page = rows.into_iter().skip(offset).take(limit).peekable();
                if page.peek().is_some_and(|row| row.linked > self.rows_at) {
                    return Reply::error(500, "internal server error", "");
                }
                page.find(|row| !plan_only(row))
            }
            Age::Mid | Age::New if limit == 0 => return nothing(),
            Age::Mid | Age::New => {
                rows.into_iter().filter(|row| row.linked <= self.rows_at && !plan_only(row) && !hidden(row)).nth(offset)
            }
        };
        match row {
            Some(row) => Reply::good(text::object(|json| self.deploy(json, row, Shape::Latest))),
            None if story.habits.none_is_empty => nothing(),
            None if story.age == Age::Old => {
                Reply::error(404, "no deploy exists for install", "no deploy exists for install")
            }
            None => Reply::none("install component latest deploy: unable to get install deploys"),
        }
    }

    /// Another deploy than the requested one.
    fn another(&self, other: usize, shape: Shape) -> Reply {
        let there: Vec<&Row> = self.story.rows.iter().filter(|row| row.created <= self.rows_at).collect();
        match there.get(other % there.len().max(1)) {
            Some(row) => Reply::good(text::object(|json| self.deploy(json, row, shape))),
            None => nothing(),
        }
    }

    fn deploys(&self, ask: &Ask<'_>, install: &str, component: &str) -> Reply {
        let story = self.story;
        let found = story.install_id(install).and_then(|it| Some((it, story.component(it, component)?)));
        let Some((install, mut component)) = found else { return Reply::none("install component") };
        if let Some(other) = ask.another {
            component = other % story.components.len();
        }
        let rows = self.newest(install, Some(component));
        self.page(ask, &rows)
    }

    fn all_deploys(&self, ask: &Ask<'_>, install: &str) -> Reply {
        let Some(install) = self.story.install_id(install) else { return Reply::none("install") };
        let rows = self.newest(install, None);
        self.page(ask, &rows)
    }

    fn page(&self, ask: &Ask<'_>, rows: &[&Row]) -> Reply {
        let (offset, limit) = if self.story.habits.pages { ask.page() } else { (0, 1000) };
        let body = text::list(|json| {
            for row in rows.iter().skip(offset).take(limit) {
                json.item(|json| self.deploy(json, row, Shape::Listed));
            }
        });
        let page = self.story.habits.pages.then_some((offset, limit, rows.len() > offset.saturating_add(limit)));
        Reply { page, ..Reply::good(body) }
    }

    fn one(&self, ask: &Ask<'_>, install: &str, component: Option<&str>, deploy: &str) -> Reply {
        let story = self.story;
        if let Some(other) = ask.another {
            return self.another(other, Shape::Detail);
        }
        let found = story.row(deploy, self.rows_at).map(|row| &story.rows[row]);
        let fits = |row: &&Row| {
            let own = &story.components[row.component];
            story.installs[own.install].id.is(install) && component.is_none_or(|component| own.id.is(component))
        };
        match found.filter(fits) {
            Some(row) => Reply::good(text::object(|json| self.deploy(json, row, Shape::Detail))),
            None => Reply::none("install deploy"),
        }
    }

    /// The newest deploy of a whole install. The endpoint only works while there is one component.
    fn only(&self, install: &str) -> Reply {
        let Some(install) = self.story.install_id(install) else { return Reply::none("install") };
        match *self.newest(install, None) {
            [row] => Reply::good(text::object(|json| self.deploy(json, row, Shape::Latest))),
            _ => Reply::none("install latest deploy"),
        }
    }
}

/// What some servers answer if there is no deploy.
fn nothing() -> Reply {
    Reply::good(r#"{"install_id":"","plan_only":false}"#.to_owned())
}
