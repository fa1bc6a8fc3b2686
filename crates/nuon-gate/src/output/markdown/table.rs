//! The table of targets, and its cells.

use std::time::Duration;

use nuon_gate_core::result::v1::{DeployResult, TargetResult};
use nuon_gate_core::timeline::human;
use nuon_gate_core::{Line, Verdict};

use super::CELL;
use crate::output::escape::{link, text};
use crate::output::outcome::{component, install, words};

/// How many characters of a commit are shown.
const COMMIT: usize = 12;

/// A column of a table: its title, and its cells.
pub(super) type Column = (&'static str, fn(&TargetResult) -> String);

pub(super) const SINGLE: [Column; 8] = [
    ("Component", |target| text(&component(target))),
    ("Install", |target| text(&install(target))),
    ("Verdict", verdict),
    ("Deploy", deploy),
    ("Commit", |target| {
        target.deploy.as_ref().and_then(|deploy| deploy.commit.as_ref()).map(commit).unwrap_or_default()
    }),
    ("By", |target| target.deploy.as_ref().map(author).unwrap_or_default()),
    ("Time", time),
    ("Last good", last_good),
];

pub(super) const SEVERAL: [Column; 7] = [
    ("Group", |target| target.group.as_ref().map(|group| text(&group.cut(CELL))).unwrap_or_default()),
    ("Component", |target| text(&component(target))),
    ("Install", |target| text(&install(target))),
    ("Verdict", verdict),
    ("Deploy", deploy),
    ("Time", time),
    ("Reason", |target| target.reason.as_ref().map(|reason| text(&reason.cut(CELL))).unwrap_or_default()),
];

/// Writes a table without its empty columns.
pub(super) fn table(targets: &[&TargetResult], columns: &[Column]) -> String {
    let (mut titles, mut rows) = (String::new(), vec![String::new(); targets.len()]);
    let mut rule = String::new();
    for (title, cell) in columns {
        let cells: Vec<String> = targets.iter().map(|target| cell(target)).collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            titles.push_str(&format!("| {title} "));
            rule.push_str("|---");
            rows.iter_mut().zip(&cells).for_each(|(row, cell)| row.push_str(&format!("| {cell} ")));
        }
    }
    [titles, rule].into_iter().chain(rows).map(|line| line + "|\n").collect()
}

fn verdict(target: &TargetResult) -> String {
    format!("{} {}", target.verdict.sign(), words(target.verdict))
}

pub(super) fn deploy(target: &TargetResult) -> String {
    let Some(deploy) = &target.deploy else { return String::new() };
    let id = deploy.id.as_ref().map_or_else(|| Line::new("deploy"), |id| id.cut(CELL));
    let kind = deploy.deploy_type.as_ref().filter(|kind| **kind != "apply");
    let kind = kind.map(|kind| format!(" ({})", text(&kind.cut(CELL)))).unwrap_or_default();
    link(&id, target.url.as_ref()) + &kind
}

pub(super) fn commit(commit: &Line) -> String {
    text(&Line::new(commit.plain().chars().take(COMMIT).collect::<String>()))
}

pub(super) fn author(deploy: &DeployResult) -> String {
    deploy.created_by.as_ref().map(|author| text(&author.cut(CELL))).unwrap_or_default()
}

fn time(target: &TargetResult) -> String {
    let usual = target.typical_ms.map(|millis| format!("usually {}", human(Duration::from_millis(millis))));
    target.took().map(human).into_iter().chain(usual).collect::<Vec<_>>().join(", ")
}

pub(super) fn last_good(target: &TargetResult) -> String {
    let Some(good) = target.last_good.as_ref().filter(|_| target.verdict != Verdict::Passed) else {
        return String::new();
    };
    let what = good.commit.as_ref().map_or_else(|| text(&good.deploy_id.cut(CELL)), commit);
    let since = good.at.as_ref().map(|at| format!(", since {}", text(&at.cut(CELL))));
    what + &since.unwrap_or_default()
}
