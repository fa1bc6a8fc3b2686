//! The plan that a human is asked to approve. No verdict depends on it, so it is not asked for often.

use std::sync::Arc;

use crate::ApprovalPlace;
use crate::api::Request;
use crate::model::Plan;

/// So often it is asked for, each time in another poll.
const TRIES: u32 = 2;

/// What is known of the plan that is to be approved.
#[derive(Debug, Default)]
pub(super) struct AskedPlan {
    place: Option<ApprovalPlace>,
    /// In which poll it was last asked for, and how often before and then.
    asked: Option<(u32, u32)>,
    plan: Option<Arc<Plan>>,
}

impl AskedPlan {
    /// Returns the request for it, if this poll is to ask.
    pub(super) fn request(&mut self, place: &ApprovalPlace, poll: u32) -> Option<Request> {
        if self.place.as_ref() != Some(place) {
            *self = Self { place: Some(place.clone()), ..Self::default() };
        }
        let tries = match self.asked {
            Some((last, tries)) if last == poll || tries == TRIES => return None,
            Some((_, tries)) => tries,
            None => 0,
        };
        let request = Request::plan(place).filter(|_| self.plan.is_none())?;
        self.asked = Some((poll, tries + 1));
        Some(request)
    }

    /// Takes it in.
    pub(super) fn came(&mut self, plan: Arc<Plan>) {
        self.plan = Some(plan);
    }

    /// Returns it, if it is known.
    pub(super) fn plan(&self) -> Option<&Arc<Plan>> {
        self.plan.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(step: &str, approval: Option<&str>) -> ApprovalPlace {
        let workflow = "inw1".parse().unwrap();
        ApprovalPlace { workflow, step: step.parse().ok(), approval: approval.and_then(|id| id.parse().ok()) }
    }

    #[test]
    fn it_is_asked_for_once_in_a_poll_and_not_for_ever() {
        let (place, other) = (place("iws1", Some("waa1")), place("iws2", Some("waa2")));
        let mut asked = AskedPlan::default();
        let polls = [1, 1, 2, 2, 3, 4];
        assert_eq!(polls.map(|poll| asked.request(&place, poll).is_some()), [true, false, true, false, false, false]);
        assert!(asked.request(&other, 4).is_some(), "it is another plan");
        asked.came(Arc::default());
        assert!(asked.request(&other, 5).is_none() && asked.plan().is_some(), "it is known");
        assert!(asked.request(&place, 6).is_some() && asked.plan().is_none());
    }

    #[test]
    fn what_has_no_id_cannot_be_asked_for() {
        assert!(AskedPlan::default().request(&place("iws1", None), 1).is_none());
        assert!(AskedPlan::default().request(&place("", Some("waa1")), 1).is_none());
    }
}
