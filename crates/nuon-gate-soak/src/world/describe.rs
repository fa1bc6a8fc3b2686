//! Describes a world, for a person who investigates a finding.

use std::fmt::Write as _;

use super::World;
use super::fault;
use super::view::View;

impl World {
    /// Describes in one paragraph what happens in this world, and its faults.
    pub fn describe(&self) -> String {
        let story = &self.story;
        let habits = &story.habits;
        let mut out = format!(
            "World {}: a server of age {:?} ({}), {} install(s), {} component(s), {} deploy(s), {} workflow(s); faults: {}",
            self.seed,
            story.age,
            story.version,
            story.installs.len(),
            story.components.len(),
            story.rows.len(),
            story.flows.len(),
            self.faults.mood,
        );
        // Writing to a text cannot fail.
        let _ = write!(
            out,
            "; deploys lag up to {} ms, workflows {} ms; clock ahead by {} ms, put back {:?}; long poll {}, none is {}",
            self.faults.row_lag,
            self.faults.flow_lag,
            story.clock.ahead,
            story.clock.back,
            habits.awaits,
            if habits.none_is_empty { "an empty object" } else { "404" },
        );
        let _ = write!(out, ". In it: {}.", self.kinds().join(", "));
        self.write_rules(&mut out);
        self.write_rows(&mut out);
        let view = View::new(story, 0);
        (0..story.conditions.len()).for_each(|component| out.push_str(&view.condition(component)));
        out
    }

    /// Returns the names of the kinds of events and faults in this world.
    pub fn kinds(&self) -> Vec<&'static str> {
        let faults = self.faults.rules.iter().map(|rule| fault::name(rule.fault));
        let mut all: Vec<&'static str> =
            (self.story.notes.iter().chain(&self.asked.notes).copied()).chain(faults).collect();
        if self.faults.row_lag > 0 {
            all.push("deploys-lag");
        }
        if self.faults.flow_lag > 0 {
            all.push("workflows-lag");
        }
        if !self.signals.is_empty() {
            all.push("signal");
        }
        if self.story.installs.len() > 1 {
            all.push("two-installs");
        }
        if self.question.targets.len() > 1 {
            all.push("several-targets");
        }
        if self.story.habits.no_status_v2 && self.story.age > super::story::Age::Old {
            all.push("never-status-v2");
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    fn write_rules(&self, out: &mut String) {
        for rule in &self.faults.rules {
            let _ = write!(out, " Fault {} on {:?}, {} %", fault::name(rule.fault), rule.topic, rule.percent);
            if rule.from > i64::MIN {
                let _ = write!(out, ", from {} to {} ms", rule.from, rule.to);
            }
            if rule.left < u32::MAX / 2 {
                let _ = write!(out, ", {} times yet", rule.left);
            }
            out.push('.');
        }
    }

    /// Describes every deploy that is not long over: its statuses with their times, and its workflow.
    fn write_rows(&self, out: &mut String) {
        let story = &self.story;
        for row in story.rows.iter().filter(|row| row.changes.last().is_some_and(|change| change.at > -120_000)) {
            let component = &story.components[row.component];
            let flow = &story.flows[row.flow];
            let _ = write!(
                out,
                " Deploy {} ({:?} `{}` of {}, type `{}`, {} at {} ms):",
                row.id,
                component.kind,
                component.name,
                story.installs[component.install].name,
                row.kind,
                flow.id,
                row.created
            );
            for change in &row.changes {
                let _ = write!(out, " {}@{}", change.word, change.at);
            }
            let _ = write!(out, "; its workflow ({}, `{}`):", flow.kind, flow.option);
            for change in &flow.changes {
                let done = if change.finished { "!" } else { "" };
                let _ = write!(out, " {}{done}@{}", change.word, change.at);
            }
            out.push('.');
        }
    }
}
