//! The heartbeat: the state of the run after a minute without an event.

use nuon_gate_core::model::Status;
use nuon_gate_core::watch::{EventKind, Pending};
use nuon_gate_core::{Line, Verdict};
use std::collections::{HashMap, HashSet};

use super::describe::waiting;
use super::outcome::words;

/// Up to this many targets get a line each.
const MANY: usize = 5;
/// How many of the targets that need attention are named.
const MOST_NAMED: usize = 10;

/// The state of the targets, from the events so far.
#[derive(Debug, Default)]
pub(super) struct Standings {
    count: usize,
    ended: HashMap<usize, Verdict>,
    /// The targets whose plan a human is asked to approve.
    asked: HashSet<usize>,
}

impl Standings {
    pub(super) fn note(&mut self, kind: &EventKind) {
        match kind {
            EventKind::Started { targets } => self.count = targets.len(),
            EventKind::Joined { .. } => self.count += 1,
            EventKind::ApprovalNeeded { target: Some(target), .. } => {
                self.asked.insert(*target);
            }
            // A deploy that takes the place of another has asked for nothing yet.
            EventKind::Found { target, .. } | EventKind::Changed { target, .. } => {
                self.asked.remove(target);
            }
            EventKind::Ended { target: Some(target), verdict, .. } => {
                self.asked.remove(target);
                self.ended.insert(*target, *verdict);
            }
            _ => {}
        }
    }

    /// Describes the state: each pending target, or with many targets their numbers and those that need attention.
    pub(super) fn heartbeat(&self, pending: &[Pending]) -> Vec<(Option<usize>, Line)> {
        let line = |pending: &Pending| (Some(pending.target), waiting(pending));
        if pending.is_empty() {
            return vec![(None, Line::new("still waiting for the workflow or run"))];
        }
        if pending.len() <= MANY {
            return pending.iter().map(line).collect();
        }
        let needs_attention =
            |pending: &&Pending| self.asked.contains(&pending.target) || pending.status == Some(Status::Error);
        let named: Vec<&Pending> = pending.iter().filter(needs_attention).collect();
        let more = named.len().saturating_sub(MOST_NAMED);
        let more = (more > 0).then(|| (None, Line::new(format!("… and {more} more that need attention"))));
        let lines = named.into_iter().take(MOST_NAMED).map(line);
        [(None, self.totals(pending.len()))].into_iter().chain(lines).chain(more).collect()
    }

    /// Counts the targets that passed, those still going, and the others by verdict, the worst first.
    pub(super) fn totals(&self, pending: usize) -> Line {
        let count = |verdict| self.ended.values().filter(|own| **own == verdict).count();
        let mut others: Vec<Verdict> =
            self.ended.values().copied().filter(|verdict| *verdict != Verdict::Passed).collect();
        others.sort_unstable();
        others.dedup();
        let others = others.into_iter().map(|verdict| format!(", {} {}", count(verdict), words(verdict)));
        let passed = count(Verdict::Passed);
        Line::new(format!("{passed} of {} passed, {pending} going{}", self.count, others.collect::<String>()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use nuon_gate_core::ApprovalPlace;
    use nuon_gate_core::watch::Pace;
    use nuon_gate_core::{Hold, MatchedBy, RemoteText, Target, Verdict};

    use super::*;

    fn standings(count: usize) -> Standings {
        let target = |number| Target::new(format!("inl{number}").parse().unwrap(), "cmp1".parse().unwrap());
        let mut standings = Standings::default();
        standings.note(&EventKind::Started { targets: (0..count).map(target).collect() });
        standings
    }

    fn end(standings: &mut Standings, targets: std::ops::Range<usize>, verdict: Verdict) {
        for target in targets {
            let end = EventKind::Ended { target: Some(target), deploy: None, approval: None, verdict, cause: None };
            standings.note(&end);
        }
    }

    fn said(standings: &Standings, pending: &[Pending]) -> Vec<(Option<usize>, String)> {
        standings.heartbeat(pending).into_iter().map(|(target, line)| (target, line.plain().to_owned())).collect()
    }

    fn executing(target: usize) -> Pending {
        let (status, spent) = (Some(Status::Executing), Duration::from_secs(125));
        Pending { target, status, spent, pace: None, hold: Hold::InProgress }
    }

    #[test]
    fn a_few_are_reported_one_by_one() {
        let none = Pending { status: None, spent: Duration::from_secs(61), ..executing(4) };
        let pace = Pace { elapsed: Duration::from_secs(130), typical: Duration::from_secs(170) };
        let hold = Hold::NotHealthy(RemoteText::new("Deployment api: 1 of 3"));
        let held = Pending { hold, status: Some(Status::Active), ..executing(6) };
        let pending = [executing(3), none, Pending { pace: Some(pace), ..executing(5) }, held];
        let expected = [
            (Some(3), "still executing, for 2m 5s"),
            (Some(4), "still no deploy, after 1m 1s"),
            (Some(5), "still executing, for 2m 5s (2m 10s in all, usually 2m 50s)"),
            (Some(6), "still active, for 2m 5s, waiting for health: Deployment api: 1 of 3"),
        ];
        assert_eq!(said(&standings(40), &pending), expected.map(|(target, line)| (target, line.to_owned())));
        assert_eq!(said(&standings(0), &[]), [(None, "still waiting for the workflow or run".to_owned())]);
    }

    #[test]
    fn many_are_counted_and_those_that_need_attention_are_named() {
        let mut standings = standings(25);
        end(&mut standings, 0..15, Verdict::Passed);
        end(&mut standings, 15..17, Verdict::Cancelled);
        end(&mut standings, 17..19, Verdict::Failed);
        let mut pending: Vec<Pending> = (19..25).map(executing).collect();
        let totals = "15 of 25 passed, 6 going, 2 failed, 2 cancelled".to_owned();
        assert_eq!(said(&standings, &pending), [(None, totals.clone())]);

        let place = ApprovalPlace { workflow: "inw1".parse().unwrap(), step: None, approval: None };
        standings.note(&EventKind::ApprovalNeeded { target: Some(20), place, step: None, url: None, plan: None });
        pending[1].status = Some(Status::PendingApproval);
        pending[4].status = Some(Status::Error);
        let asked = (Some(20), "still pending-approval, for 2m 5s".to_owned());
        let in_error = (Some(23), "still error, for 2m 5s".to_owned());
        assert_eq!(said(&standings, &pending), [(None, totals.clone()), asked, in_error.clone()]);

        // The deploy that asked was replaced, and the new one asks for nothing yet.
        standings.note(&EventKind::Found {
            target: 20,
            deploy: "dpl2".parse().unwrap(),
            status: Status::Queued,
            spent: Duration::ZERO,
            build: None,
            commit: None,
            matched_by: MatchedBy::Latest,
            replaces: Some("dpl1".parse().unwrap()),
        });
        assert_eq!(said(&standings, &pending), [(None, totals), in_error]);
    }

    #[test]
    fn no_heartbeat_is_endless() {
        let standings = standings(300);
        let pending: Vec<Pending> =
            (0..300).map(|target| Pending { status: Some(Status::Error), ..executing(target) }).collect();
        let said = said(&standings, &pending);
        assert_eq!(said.len(), 12);
        assert_eq!(said[11], (None, "… and 290 more that need attention".to_owned()));
    }
}
