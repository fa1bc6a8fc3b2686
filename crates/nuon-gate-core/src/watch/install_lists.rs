//! Lists of an install's deploys: one answer serves all of its targets (`docs/nuon-api.md`, "Lists").

use std::collections::HashMap;
use std::time::Duration;

use crate::api::{Answer, ErrorClass, Fact, Reply, Request};
use crate::model::Deploy;
use crate::{InstallId, Moment};

/// From this many targets on, one list of a hundred rows replaces their own requests.
pub(crate) const FEWEST: usize = 3;
/// After this many failures in a row a list is no longer requested.
const MISSES: u32 = 2;
/// For how long, if the server may only have a problem.
const PAUSE: Duration = Duration::from_secs(300);

/// The targets of each install.
#[derive(Debug, Default)]
pub(super) struct InstallLists {
    installs: HashMap<InstallId, Members>,
}

#[derive(Debug, Default)]
struct Members {
    targets: Vec<usize>,
    open: usize,
    misses: u32,
    /// The list is not requested until then.
    paused_until: Option<Moment>,
}

impl InstallLists {
    /// Adds a target.
    pub(super) fn join(&mut self, install: &InstallId, target: usize) {
        let members = self.installs.entry(install.clone()).or_default();
        members.targets.push(target);
        members.open += 1;
    }

    /// Removes a target that has ended.
    pub(super) fn leave(&mut self, install: &InstallId) {
        if let Some(members) = self.installs.get_mut(install) {
            members.open = members.open.saturating_sub(1);
        }
    }

    /// Returns whether to request an install's list.
    pub(super) fn serves(&self, install: &InstallId, now: Moment) -> bool {
        let is_worth_it = |own: &Members| own.open >= FEWEST && own.paused_until.is_none_or(|until| now >= until);
        self.installs.get(install).is_some_and(is_worth_it)
    }

    /// Returns the targets of an install.
    pub(super) fn targets(&self, install: &InstallId) -> &[usize] {
        self.installs.get(install).map_or(&[], |members| &members.targets)
    }

    /// Records the outcome of a request, if it was for a list. Older servers lack it, or their rows do not name the
    /// component.
    pub(super) fn note(&mut self, request: &Request, reply: &Reply, now: Moment) {
        let Request::InstallDeploys(install) = request else { return };
        let Some(members) = self.installs.get_mut(install) else { return };
        let pause = match reply {
            Ok(Answer { fact: Fact::InstallDeploys(rows), .. }) if is_useless(rows) => Some(Duration::MAX),
            Ok(_) => {
                members.misses = 0;
                None
            }
            Err(error) => {
                members.misses += 1;
                let pause = if error.class() == ErrorClass::Transient { PAUSE } else { Duration::MAX };
                Some(pause).filter(|_| members.misses >= MISSES)
            }
        };
        if let Some(pause) = pause {
            members.paused_until = Some(now + pause);
        }
    }
}

fn is_useless(rows: &[Deploy]) -> bool {
    !rows.is_empty() && rows.iter().all(|row| row.component_id.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ApiError;

    const THEN: Moment = Moment::START;

    fn lists(targets: usize) -> (InstallLists, InstallId) {
        let (mut lists, install) = (InstallLists::default(), "inl-1".parse().unwrap());
        (0..targets).for_each(|target| lists.join(&install, target));
        (lists, install)
    }

    fn later(seconds: u64) -> Moment {
        Moment::after_start(Duration::from_secs(seconds))
    }

    #[test]
    fn a_list_serves_three_targets_that_have_not_ended() {
        assert!(!lists(2).0.serves(&lists(2).1, THEN));
        let (mut lists, install) = lists(3);
        assert!(lists.serves(&install, THEN) && !lists.serves(&"inl-2".parse().unwrap(), THEN));
        assert_eq!(lists.targets(&install), [0, 1, 2]);
        lists.leave(&install);
        assert!(!lists.serves(&install, THEN));
    }

    #[test]
    fn two_misses_in_a_row_pause_it() {
        let (mut lists, install) = lists(3);
        let request = Request::InstallDeploys(install.clone());
        let good: Reply = Ok(Answer::from(Fact::InstallDeploys(std::sync::Arc::default())));
        let trouble: Reply = Err(ApiError::Timeout(Duration::from_secs(1)));
        lists.note(&request, &trouble, THEN);
        lists.note(&request, &good, THEN);
        lists.note(&request, &trouble, THEN);
        assert!(lists.serves(&install, THEN), "only in a row");
        lists.note(&request, &trouble, THEN);
        assert!(!lists.serves(&install, later(299)) && lists.serves(&install, later(300)));
    }

    #[test]
    fn a_list_that_does_not_say_of_which_component_its_rows_are_is_not_asked_for_again() {
        let of = |component: Option<&str>| Deploy {
            component_id: component.map(|id| id.parse().unwrap()),
            ..Deploy::default()
        };
        let cases = [(vec![of(None), of(None)], false), (vec![of(None), of(Some("cmp-1"))], true), (vec![], true)];
        for (rows, serves) in cases {
            let (mut lists, install) = lists(3);
            let reply: Reply = Ok(Answer::from(Fact::InstallDeploys(std::sync::Arc::new(rows.clone()))));
            lists.note(&Request::InstallDeploys(install.clone()), &reply, THEN);
            assert_eq!(lists.serves(&install, later(1_000_000)), serves, "{rows:?}");
        }
    }

    #[test]
    fn a_server_without_it_is_not_asked_again() {
        let (mut lists, install) = lists(3);
        let missing: Reply = Err(ApiError::Status { status: 404, message: None, retry_after: None, from_nuon: true });
        (0..2).for_each(|_| lists.note(&Request::InstallDeploys(install.clone()), &missing, THEN));
        assert!(!lists.serves(&install, later(1_000_000)));
    }
}
