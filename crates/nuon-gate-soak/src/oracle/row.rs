//! A deploy as one answer showed it, and which of two answers about it is newer by the server's own times.

use std::cmp::Ordering;

use serde_json::Value;

use super::table::{Word, plain};
use super::text::{instant, status_word, text, truth};

/// What a deploy does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It applies: `apply`, `sync-image`, `install`, `release`, or no type at all.
    Apply,
    /// It tears down.
    Teardown,
    /// It is not a deploy that can be waited for.
    Nothing,
}

/// A deploy as one answer showed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) install: String,
    pub(super) component: String,
    pub(super) install_component: String,
    pub(super) kind: String,
    pub(super) status: String,
    pub(super) build: String,
    pub(super) commit: String,
    pub(super) workflow: String,
    pub(super) plan_only: bool,
    pub(super) created: Option<i64>,
    pub(super) updated: Option<i64>,
    /// When the status was set, in seconds.
    pub(super) stated: Option<i64>,
    /// The statuses before it and when they were set, oldest first.
    pub(super) history: Vec<(String, Option<i64>)>,
}

impl Row {
    /// Reads a deploy, if the body has an id.
    pub(super) fn of(value: &Value) -> Option<Self> {
        let id = text(value, "id");
        if id.is_empty() {
            return None;
        }
        let (new, build) = (value.get("status_v2"), value.get("component_build"));
        let first = |one: String, two: &dyn Fn() -> String| if one.is_empty() { two() } else { one };
        let sha = build.and_then(|own| own.get("vcs_connection_commit")).map(|own| text(own, "sha"));
        Some(Self {
            id,
            install: text(value, "install_id"),
            component: text(value, "component_id"),
            install_component: text(value, "install_component_id"),
            kind: text(value, "install_deploy_type"),
            status: first(status_word(value, "status_v2"), &|| text(value, "status")),
            build: first(text(value, "build_id"), &|| build.map(|own| text(own, "id")).unwrap_or_default()),
            commit: sha.unwrap_or_default(),
            workflow: first(text(value, "workflow_id"), &|| text(value, "install_workflow_id")),
            plan_only: truth(value, "plan_only"),
            created: instant(value, "created_at"),
            updated: instant(value, "updated_at"),
            stated: new.and_then(stated),
            history: new.map(history).unwrap_or_default(),
        })
    }

    /// Compares two answers about one row by the times in them (contract: newest by the server's account). One that has the
    /// other in its history, with its time and all before it, is newer.
    ///
    /// `None` means that nothing follows. Either the times contradict each other, as after a clock was set back: a
    /// later state has an earlier time. Or both states are of the same second. `Equal` means that the answers have no
    /// times.
    pub(super) fn account(&self, other: &Self) -> Option<Ordering> {
        match (self.continues(other), other.continues(self)) {
            (true, false) => return Some(Ordering::Greater),
            (false, true) => return Some(Ordering::Less),
            _ => (),
        }
        let by_row = self.updated.zip(other.updated).map(|(own, its)| own.cmp(&its));
        let by_status = self.stated.zip(other.stated).map(|(own, its)| own.cmp(&its));
        let both = match (by_row, by_status) {
            (Some(one), Some(two)) if one == Ordering::Equal || one == two => two,
            (Some(one), Some(Ordering::Equal) | None) => one,
            (Some(_), Some(_)) => return None,
            (None, Some(two)) => two,
            (None, None) => Ordering::Equal,
        };
        let grown = self.grown_from(other).cmp(&other.grown_from(self));
        if grown == both.reverse() && grown != Ordering::Equal {
            return None;
        }
        let timed = by_row.or(by_status).is_some();
        let account = both.then(grown);
        (account != Ordering::Equal || !timed).then_some(account)
    }

    /// Returns whether nothing shows when it was written.
    pub(super) fn is_timeless(&self) -> bool {
        self.updated.is_none() && self.stated.is_none()
    }

    /// Returns whether the history begins with the other's history, followed by the other's status, with all times.
    pub(super) fn continues(&self, other: &Self) -> bool {
        let length = other.history.len();
        let is_next = |(status, stated): &(String, Option<i64>)| *status == other.status && *stated == other.stated;
        other.stated.is_some()
            && self.history.get(length).is_some_and(is_next)
            && self.history.starts_with(&other.history)
    }

    /// Returns whether it has no times and goes on, while the other has times and has ended: a replica that lags shows that.
    pub(super) fn leaves_an_end(&self, other: &Self) -> bool {
        let goes_on = |row: &Self| plain(&row.status, kind_of(&row.kind)) == Word::Pending;
        self.is_timeless() && goes_on(self) && !other.is_timeless() && !goes_on(other)
    }

    /// Returns whether two answers show the same state, one perhaps with less of it.
    pub(super) fn is_same_state(&self, other: &Self) -> bool {
        self == other || self.updated.is_some() && self.updated == other.updated && self.status == other.status
    }

    /// Returns whether the history begins with the other's history, followed by the other's status.
    fn grown_from(&self, other: &Self) -> bool {
        let next = self.history.get(other.history.len());
        let agree = |((own, _), (its, _)): (&(String, _), &(String, _))| own == its;
        next.is_some_and(|(word, _)| *word == other.status) && self.history.iter().zip(&other.history).all(agree)
    }
}

/// Reads the statuses of a history.
fn history(status: &Value) -> Vec<(String, Option<i64>)> {
    let entries = status.get("history").and_then(Value::as_array);
    let entry = |entry: &Value| (text(entry, "status"), stated(entry));
    entries.map(|all| all.iter().map(entry).collect()).unwrap_or_default()
}

/// Reads when a status was set.
fn stated(status: &Value) -> Option<i64> {
    status.get("created_at_ts").and_then(Value::as_i64).filter(|at| *at > 0)
}

/// Returns what a deploy type does (contract: which deploy).
pub(super) fn kind_of(name: &str) -> Kind {
    match name {
        "" | "apply" | "sync-image" | "install" | "release" => Kind::Apply,
        "teardown" => Kind::Teardown,
        _ => Kind::Nothing,
    }
}
