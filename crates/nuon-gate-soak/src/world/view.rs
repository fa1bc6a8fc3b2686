//! How one answer shows an object.

use super::story::{Change, Story, so_far};
use super::text::Json;

/// What one answer shows, and what it omits.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) story: &'a Story,
    /// The time as of which it shows deploys.
    pub(super) rows_at: i64,
    /// The time as of which it shows workflows.
    pub(super) flows_at: i64,
    /// The time as of which it shows component health.
    pub(super) health_at: i64,
    pub(super) times: bool,
    pub(super) history: bool,
    pub(super) status_v2: bool,
    pub(super) workflow: bool,
    pub(super) steps: bool,
    /// Everything has the ids of another install and component.
    pub(super) foreign: bool,
}

impl<'a> View<'a> {
    /// A complete and true view at a time.
    pub(super) fn new(story: &'a Story, at: i64) -> Self {
        Self {
            story,
            rows_at: at,
            flows_at: at,
            health_at: at,
            times: true,
            history: true,
            status_v2: !story.habits.no_status_v2,
            workflow: true,
            steps: true,
            foreign: false,
        }
    }

    /// A time member.
    pub(super) fn time(&self, json: &mut Json<'_>, key: &str, at: i64) {
        if self.times {
            json.plain(key, |out| self.story.clock.write_rfc3339(out, at));
        }
    }

    /// Who created it, and when.
    pub(super) fn made(&self, json: &mut Json<'_>, created: i64, updated: i64) {
        self.time(json, "created_at", created);
        json.text("created_by_id", self.story.account.as_str());
        self.time(json, "updated_at", updated);
    }

    /// A status with its history.
    pub(super) fn status(&self, json: &mut Json<'_>, key: &str, changes: &[Change], at: i64, metadata: &str) {
        let seen = so_far(changes, at);
        let Some((now, before)) = seen.split_last() else { return };
        let wiped = seen.iter().rposition(|change| change.wipes).unwrap_or(0);
        json.object(key, |json| {
            self.one_status(json, now);
            if now.parked {
                json.raw("metadata", r#"{"awaiting_retry":true}"#);
            } else if !metadata.is_empty() {
                json.raw("metadata", metadata);
            }
            let before = before.get(wiped..).unwrap_or_default();
            if self.history && !before.is_empty() {
                json.list("history", |json| {
                    for change in before {
                        json.item(|json| self.one_status(json, change));
                    }
                });
            }
        });
    }

    fn one_status(&self, json: &mut Json<'_>, change: &Change) {
        if self.times {
            json.raw("created_at_ts", self.story.clock.seconds(change.at));
        }
        json.text("created_by_id", self.story.account.as_str());
        json.some_text("status", change.word);
        json.some_text("status_human_description", change.text);
    }
}
