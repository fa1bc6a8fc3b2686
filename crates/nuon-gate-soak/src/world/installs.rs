//! Answers requests about installs, and those that need no login.

use super::reply::{Ask, Reply};
use super::row::Shape;
use super::story::{Age, Component, Install, so_far};
use super::text::{self, Json};
use super::view::View;

const LONG_AGO: i64 = -90 * 86_400_000;

impl View<'_> {
    /// Answers requests about installs and their components.
    pub(super) fn installs(&self, ask: &Ask<'_>) -> Reply {
        let story = self.story;
        match ask.path() {
            ["v1", "installs"] => self.all_installs(ask),
            ["v1", "installs", "health"] if story.age == Age::New => self.health_of_all(),
            ["v1", "installs", install] => {
                let found = ask.another.map(|other| other % story.installs.len()).or_else(|| story.install(install));
                match found {
                    Some(found) => Reply::good(text::object(|json| self.install(json, &story.installs[found]))),
                    None => Reply::none("install"),
                }
            }
            ["v1", "installs", install, "components"] => self.components(ask, install),
            ["v1", "installs", install, "components", component] => {
                let found = story.install_id(install).and_then(|it| story.component(it, component));
                match found.map(|found| self.in_place_of(ask, found)) {
                    Some(found) => Reply::good(text::object(|json| self.component(json, found, true))),
                    None => Reply::none("install component"),
                }
            }
            ["v1", "installs", install, "resources"] if story.age == Age::New && !story.conditions.is_empty() => {
                self.resources(ask, install)
            }
            _ => Reply::no_route(),
        }
    }

    fn install(&self, json: &mut Json<'_>, install: &Install) {
        json.text("id", if self.foreign { install.id.nth("inl", 700) } else { install.id }.as_str());
        self.made(json, LONG_AGO, LONG_AGO);
        json.text("name", install.name);
        json.text("app_id", self.story.app.as_str());
        json.text("org_id", self.story.org.as_str());
        json.text("runner_id", install.id.kin("run").as_str());
        json.text("composite_component_status", "active");
        json.text("runner_status", "active");
        json.raw("links", "{}");
        if self.story.age == Age::New {
            json.raw("labels", r#"{"stage":"test"}"#);
        }
        json.raw("install_components", "[]");
    }

    fn all_installs(&self, ask: &Ask<'_>) -> Reply {
        let asked = ask.param("q").unwrap_or_default();
        let labels = ask.param("labels").filter(|_| self.story.age == Age::New);
        let labelled =
            labels.is_none_or(|labels| matches!(labels, "stage" | "stage:test" | "stage=test" | "stage%3Atest"));
        let (offset, limit) = if self.story.habits.pages { ask.page() } else { (0, 1000) };
        let found = || self.story.installs.iter().filter(|install| labelled && install.name.contains(asked));
        let body = text::list(|json| {
            for install in found().skip(offset).take(limit) {
                json.item(|json| self.install(json, install));
            }
        });
        let more = found().count() > offset.saturating_add(limit);
        Reply { page: self.story.habits.pages.then_some((offset, limit, more)), ..Reply::good(body) }
    }

    fn health_of_all(&self) -> Reply {
        let total = self.story.installs.len();
        Reply::good(text::object(|json| {
            json.raw("total", total);
            json.raw("healthy", total);
            json.raw("all_healthy", true);
            json.list("installs", |json| {
                for install in &self.story.installs {
                    json.item(|json| {
                        json.text("install_id", install.id.as_str());
                        json.text("install_name", install.name);
                        json.text("health", "healthy");
                    });
                }
            });
        }))
    }

    fn components(&self, ask: &Ask<'_>, install: &str) -> Reply {
        let story = self.story;
        let Some(install) = story.install_id(install) else { return Reply::none("install") };
        let asked = ask.param("q").unwrap_or_default();
        let fits = |component: &Component| component.install == install && component.name.contains(asked);
        let (offset, limit) = if story.habits.pages { ask.page() } else { (0, 1000) };
        let found = || (0..story.components.len()).filter(|it| fits(&story.components[*it]));
        let body = text::list(|json| {
            for component in found().skip(offset).take(limit) {
                json.item(|json| self.component(json, component, false));
            }
        });
        let more = found().count() > offset.saturating_add(limit);
        Reply { page: story.habits.pages.then_some((offset, limit, more)), ..Reply::good(body) }
    }

    /// Writes a component of an install. Requested by itself, it includes its newest deploy, even a plan-only one.
    fn component(&self, json: &mut Json<'_>, number: usize, alone: bool) {
        let story = self.story;
        let component = &story.components[number];
        let there = |row: &&super::story::Row| row.component == number && row.created <= self.rows_at;
        let newest = story.rows.iter().filter(there).max_by_key(|row| story.clock.micros(row.created));
        let word = newest.and_then(|row| so_far(&row.changes, self.rows_at).last()).map_or("", |change| change.word);
        json.text("id", component.part.as_str());
        self.made(json, LONG_AGO, LONG_AGO);
        self.owner(json, number);
        json.object("component", |json| {
            json.text("id", component.id.as_str());
            json.text("name", component.name);
            json.text("app_id", story.app.as_str());
        });
        json.some_text("status", word);
        if alone {
            self.word(json, number);
            json.list("install_deploys", |json| {
                if let Some(row) = newest {
                    json.item(|json| self.deploy(json, row, Shape::Listed));
                }
            });
        }
    }

    /// Answers requests that concern neither an install nor a workflow.
    pub(super) fn general(&self, ask: &Ask<'_>) -> Reply {
        match ask.path() {
            ["v1", "general", "cli-config"] => Reply::good(text::object(|json| {
                json.text("auth_domain", "auth.nuon.test");
                json.text("auth_client_id", "client");
                json.text("auth_audience", "api.nuon.test");
                json.text("dashboard_url", "https://app.nuon.test");
            })),
            ["version"] => Reply::good(text::object(|json| json.text("version", self.story.version))),
            ["livez" | "readyz"] => Reply::good("{}".to_owned()),
            ["v1", "apps", app, "installs"] if self.story.app.is(app) => self.all_installs(ask),
            _ => Reply::no_route(),
        }
    }
}
