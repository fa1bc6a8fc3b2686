//! The bodies of deploys.

use super::story::{Age, Kind, Row, so_far};
use super::text::Json;
use super::view::View;

/// The endpoint that shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// The newest one: no install, no component, no jobs.
    Latest,
    /// A member of a list.
    Listed,
    /// By its id.
    Detail,
}

impl View<'_> {
    /// Writes a deploy.
    pub(super) fn deploy(&self, json: &mut Json<'_>, row: &Row, shape: Shape) {
        let story = self.story;
        let component = &story.components[row.component];
        let seen = so_far(&row.changes, self.rows_at);
        let updated = seen.last().map_or(row.created, |change| change.at);
        let both = shape != Shape::Latest || story.habits.latest_says_both;
        json.text("id", row.id.as_str());
        self.made(json, row.created, updated);
        json.text("build_id", story.builds[row.build].id.as_str());
        if story.age != Age::Old {
            self.build(json, row);
        }
        json.raw("component_config_version", 7);
        if both {
            let id = if self.foreign { component.id.nth("cmp", 701) } else { component.id };
            json.text("component_id", id.as_str());
            json.text("component_name", component.name);
        }
        json.text("install_component_id", component.part.as_str());
        json.some_text("install_deploy_type", row.kind);
        let install = story.installs[component.install].id;
        let install = if self.foreign { install.nth("inl", 700) } else { install };
        json.text("install_id", if both { install.as_str() } else { "" });
        self.flow_of(json, row);
        if story.age == Age::Old {
            json.text("release_id", "");
        } else {
            json.raw("outputs", "{}");
            json.raw("plan_only", false);
        }
        let (word, text) = seen.last().map_or(("queued", ""), |change| (change.word, change.text));
        json.some_text("status", word);
        json.some_text("status_description", text);
        if self.status_v2 && story.age != Age::Old {
            self.status(json, "status_v2", &row.changes, self.rows_at, "");
        }
        if shape == Shape::Detail {
            self.detail(json, row, word);
        }
    }

    fn flow_of(&self, json: &mut Json<'_>, row: &Row) {
        if self.story.age == Age::Old || !self.workflow || row.linked > self.rows_at {
            return;
        }
        let id = self.story.flows[row.flow].id;
        json.text("install_workflow_id", id.as_str());
        if self.story.age != Age::Mid1 {
            json.text("workflow_id", id.as_str());
        }
    }

    fn build(&self, json: &mut Json<'_>, row: &Row) {
        let build = &self.story.builds[row.build];
        json.object("component_build", |json| {
            json.text("id", build.id.as_str());
            self.made(json, build.at, build.at + 120_000);
            json.text("component_id", build.component.as_str());
            json.text("component_name", build.name);
            json.text("status", "active");
            json.text("git_ref", "main");
            json.object("vcs_connection_commit", |json| {
                json.text("id", build.id.kin("vcc").as_str());
                json.text("sha", &build.sha);
                json.text("author_name", "Robin Vale");
                json.text("message", "change what is deployed");
            });
        });
    }

    fn detail(&self, json: &mut Json<'_>, row: &Row, word: &str) {
        let log = row.id.kin("log");
        json.object("log_stream", |json| {
            json.text("id", log.as_str());
            self.made(json, row.created, row.created + 1000);
            json.text("owner_id", row.id.as_str());
            json.text("owner_type", "install_deploys");
        });
        let failed = word == "error" && !row.reason.is_empty();
        if self.story.age == Age::Old {
            json.object("runner_job", |json| self.job(json, row, failed));
            return;
        }
        json.list("runner_jobs", |json| {
            if so_far(&row.changes, self.rows_at).len() > 2 {
                json.item(|json| self.job(json, row, failed));
            }
        });
        if self.story.age != Age::New {
            return;
        }
        if failed && row.id.as_str().ends_with(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c']) {
            json.object("composite_error", |json| {
                json.text("type", "apply_failed");
                json.raw("version", 1);
                json.text("severity", "error");
                json.text("message", row.reason);
            });
        }
        let seen = so_far(&row.changes, self.rows_at);
        for (key, word) in [("planned_at", "pending-approval"), ("applied_at", "active")] {
            if let Some(change) = seen.iter().find(|change| change.word == word) {
                self.time(json, key, change.at);
            }
        }
        json.list("policy_reports", |json| {
            if row.policy && word == "pending-approval" {
                json.item(|json| {
                    json.raw("deny_count", 1);
                    json.object("status", |json| json.text("status", "error"));
                    json.raw("violations", r#"[{"severity":"deny","message":"no public buckets"}]"#);
                });
            }
        });
        json.raw("queue_signals", "[]");
        json.raw("action_workflow_runs", "[]");
    }

    fn job(&self, json: &mut Json<'_>, row: &Row, failed: bool) {
        let kind = match self.story.components[row.component].kind {
            Kind::Image => "oci-sync",
            Kind::Helm => "helm-chart-deploy",
            Kind::Terraform => "terraform-deploy",
            Kind::Manifest => "kubernetes-manifest-deploy",
        };
        let started = row.changes.first().map_or(row.created, |change| change.at);
        json.text("id", row.id.kin("job").as_str());
        self.made(json, started, started + 1000);
        json.text("log_stream_id", row.id.kin("log").as_str());
        json.raw("execution_timeout", 900_000_000_000_i64);
        json.raw("overall_timeout", 87_330_000_000_000_i64);
        json.text("status", if failed { "failed" } else { "in-progress" });
        json.text("status_description", if failed { row.reason } else { "" });
        json.text("type", kind);
        json.text("group", "deploy");
        json.text("operation", if self.story.age == Age::New { "apply-plan" } else { "apply" });
    }
}
