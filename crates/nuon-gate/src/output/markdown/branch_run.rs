//! The run of a branch in the report: its groups of installs, and which installs wait for what.

use nuon_gate_core::Line;
use nuon_gate_core::result::v1::{BranchRunResult, GroupResult};

use super::{CELL, MOST_WARNINGS};
use crate::output::escape::{link, text};

/// Describes the run, with at most this many groups.
pub(super) fn section(run: &BranchRunResult, most_groups: usize) -> String {
    let commit = run.commit.as_ref().map(|commit| format!(" (commit {})", super::table::commit(commit)));
    let title = link(&Line::new(format!("run {}", run.id.cut(CELL).plain())), run.url.as_ref());
    let mut section = format!("**Run:** {title}{}: {}\n", commit.unwrap_or_default(), text(&run.status.cut(CELL)));
    if run.awaiting_approval {
        let page = link(&Line::new("a human has to approve before it goes on"), run.url.as_ref());
        section.push_str(&format!("\n**Approval:** {page}\n"));
    }
    let listed = &run.groups[..run.groups.len().min(most_groups)];
    if !listed.is_empty() {
        section.push_str("\n| Group | Status | Installs done | Failed |\n|---|---|---|---|\n");
        section.extend(listed.iter().map(row));
    }
    if run.groups.len() > listed.len() {
        section.push_str(&format!("\n… and {} more groups.\n", run.groups.len() - listed.len()));
    }
    let waiting = run.waiting.iter().take(MOST_WARNINGS.min(most_groups));
    let waiting: String = waiting.map(|own| format!("- **Waiting:** {}\n", text(&own.standing().cut(CELL)))).collect();
    if !waiting.is_empty() {
        section.push_str(&format!("\n{waiting}"));
    }
    section
}

fn row(group: &GroupResult) -> String {
    let (name, status) = (text(&group.name.cut(CELL)), text(&group.status.cut(CELL)));
    let failed = if group.failed > 0 { group.failed.to_string() } else { String::new() };
    format!("| {name} | {status} | {} of {} | {failed} |\n", group.done, group.total)
}
