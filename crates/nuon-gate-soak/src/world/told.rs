//! Answers requests about component health.

use super::observed::worst;
use super::reply::{Ask, Reply};
use super::story::{Age, so_far};
use super::story::{Report, Thing};
use super::text::{self, Json};
use super::view::View;

impl View<'_> {
    /// Returns the component that an answer is about: another one, if the fault asks for that.
    pub(super) fn in_place_of(&self, ask: &Ask<'_>, number: usize) -> usize {
        let is_asked = !self.story.conditions.is_empty();
        ask.another.filter(|_| is_asked).map_or(number, |other| other % self.story.components.len())
    }

    /// Writes whose component it is.
    pub(super) fn owner(&self, json: &mut Json<'_>, number: usize) {
        let component = &self.story.components[number];
        let (install, id) = (self.story.installs[component.install].id, component.id);
        let is_foreign = self.foreign && !self.story.conditions.is_empty();
        json.text("install_id", if is_foreign { install.nth("inl", 700) } else { install }.as_str());
        json.text("component_id", if is_foreign { id.nth("cmp", 701) } else { id }.as_str());
    }

    /// Writes the server's word for the health of a component.
    pub(super) fn word(&self, json: &mut Json<'_>, number: usize) {
        let Some(condition) = self.story.conditions.get(number) else { return };
        let is_forgotten = condition.forgets && condition.is_off(self.health_at);
        if self.story.age == Age::New && self.status_v2 && !is_forgotten {
            self.status(json, "health_status_v2", &condition.words, self.health_at, "");
        }
    }

    /// Answers with what was last observed of one component of an install, or of all.
    pub(super) fn resources(&self, ask: &Ask<'_>, install: &str) -> Reply {
        let story = self.story;
        let Some(install) = story.install_id(install) else { return Reply::none("install") };
        if story.conditions.iter().any(|own| own.is_off(self.health_at)) {
            let error =
                format!("unable to get install resources: component health is not enabled for org {}", story.org);
            return Reply::error(403, &error, "The component health feature is not enabled for this organization.");
        }
        let wished = ask.param("install_component_id");
        let is_wished = |it: &usize| {
            let own = &story.components[*it];
            own.install == install && wished.is_none_or(|id| own.part.is(id))
        };
        let found: Vec<usize> =
            (0..story.components.len()).filter(is_wished).map(|own| self.in_place_of(ask, own)).collect();
        Reply::good(text::list(|json| found.iter().for_each(|own| self.observed(json, *own))))
    }

    fn observed(&self, json: &mut Json<'_>, number: usize) {
        let condition = &self.story.conditions[number];
        let newest = |reports: &'_ [Report]| reports.iter().rposition(|report| report.shown <= self.health_at);
        for reports in [&condition.reports, &condition.pushed] {
            let Some(report) = newest(reports).map(|place| &reports[place]) else { continue };
            for own in &report.things {
                json.item(|json| self.thing(json, number, report.at, own));
            }
        }
    }

    fn thing(&self, json: &mut Json<'_>, number: usize, at: i64, own: &Thing) {
        let story = self.story;
        let component = &story.components[number];
        let part = if self.foreign { component.part.nth("inc", 702) } else { component.part };
        json.text("org_id", story.org.as_str());
        self.owner(json, number);
        json.text("install_component_id", part.as_str());
        json.text("source", "component");
        json.text("provider", own.provider);
        json.text("kind", own.kind);
        json.text("name", own.name);
        json.text("health", own.health);
        json.text("message", own.message);
        if self.times {
            let mut runner = story.clock.clone();
            (runner.ahead, runner.back) = (story.conditions[number].ahead, None);
            json.text("observed_at", &runner.rfc3339(at));
        }
        json.some_true("removed_from_config", own.removed);
    }

    /// Describes the health of the components, for a person.
    pub(super) fn condition(&self, number: usize) -> String {
        let Some(condition) = self.story.conditions.get(number) else { return String::new() };
        let words = so_far(&condition.words, i64::MAX).iter().map(|change| format!("{}@{}", change.word, change.at));
        let mut before = "";
        let changes = condition.reports.iter().filter_map(|report| {
            let now = worst(&report.things);
            let is_new = std::mem::replace(&mut before, now) != now;
            is_new.then(|| format!("{now}@{}", report.at))
        });
        let changes: Vec<String> = changes.collect();
        let words: Vec<String> = words.collect();
        format!(
            " Health of {} ({}): words {}; observed {}; off from {:?}, runner ahead {}.",
            self.story.components[number].id,
            self.story.components[number].part,
            words.join(" "),
            changes.join(" "),
            condition.off_from,
            condition.ahead,
        )
    }
}
