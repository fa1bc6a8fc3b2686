//! What the earlier deploys of each target show: from the list of an install's deploys for several of its targets, else
//! from the component's own.

use std::collections::HashMap;

use super::reading::Task;
use crate::api::Request;
use crate::cause::Warning;
use crate::history::History;
use crate::model::Deploy;
use crate::report::{Report, TargetReport};
use crate::watch::{LIST_SERVES, is_cut_off, rows_of};
use crate::{InstallId, Line, Verdict};

/// Lists what to read for the targets at these positions, in their order.
pub(super) fn tasks(report: &Report, unread: &[usize]) -> Vec<Task> {
    let install = |index: usize| &report.targets[index].target.install;
    let mut of_install: HashMap<&InstallId, Vec<usize>> = HashMap::new();
    unread.iter().for_each(|index| of_install.entry(install(*index)).or_default().push(*index));
    let mut tasks = Vec::new();
    for index in unread {
        // The first of them reads for all of them.
        let Some(all) = of_install.remove(install(*index)) else { continue };
        match all.len() >= LIST_SERVES {
            true => tasks.push(Task::InstallHistories(all, Request::InstallDeploys(install(*index).clone()))),
            false => tasks.extend(each(report, all)),
        }
    }
    tasks
}

/// Returns what to read for each of the targets at these positions.
pub(super) fn each(report: &Report, indices: Vec<usize>) -> Vec<Task> {
    let request = |index: usize| {
        let target = &report.targets[index].target;
        Request::Earlier(target.install.clone(), target.component.clone())
    };
    indices.into_iter().map(|index| Task::History(index, request(index))).collect()
}

/// Takes the histories from an install's list, and returns what to read for the targets of which it does not show
/// enough.
pub(super) fn take(report: &mut Report, indices: Vec<usize>, rows: &[Deploy]) -> Vec<Task> {
    let mut unshown = Vec::new();
    for index in indices {
        let target = &mut report.targets[index];
        match shown(target, rows) {
            Some(history) => target.history = Some(history),
            None => unshown.push(index),
        }
    }
    each(report, unshown)
}

/// Returns what the list shows of a target, if it has all rows of its component, or goes back to what was live before.
fn shown(target: &TargetReport, rows: &[Deploy]) -> Option<History> {
    let deploy = target.deploy.as_deref()?;
    // Old servers do not say whose the rows are.
    rows_of(&target.target, rows).find(|row| row.id == deploy.id)?;
    let history = History::new(rows_of(&target.target, rows), deploy);
    (!is_cut_off(rows) || history.last_good.is_some()).then_some(history)
}

/// Records that the histories of the targets at these positions could not be read.
pub(super) fn miss(report: &mut Report, indices: &[usize], why: &Line) {
    for index in indices {
        let target = &mut report.targets[*index];
        // Not needed after a pass.
        if target.verdict != Verdict::Passed {
            target.warnings.push(Warning::NoHistory(why.clone()));
        }
    }
}
