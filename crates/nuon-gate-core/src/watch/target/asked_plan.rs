//! The plan that a human is asked to approve. No verdict depends on it, so it is requested once.

use std::sync::Arc;

use crate::ApprovalPlace;
use crate::api::Request;
use crate::model::Plan;

/// What is known about the plan to approve.
#[derive(Debug, Default)]
pub(super) struct AskedPlan {
    /// The approval whose plan was requested last.
    place: Option<ApprovalPlace>,
    plan: Option<Arc<Plan>>,
}

impl AskedPlan {
    /// Returns the request for the plan of an approval, the first time.
    pub(super) fn request(&mut self, place: &ApprovalPlace) -> Option<Request> {
        if self.was_asked(place) {
            return None;
        }
        *self = Self { place: Some(place.clone()), plan: None };
        Request::plan(place)
    }

    /// Returns whether the plan of an approval has been requested.
    pub(super) fn was_asked(&self, place: &ApprovalPlace) -> bool {
        self.place.as_ref() == Some(place)
    }

    /// Records it.
    pub(super) fn accept(&mut self, plan: Arc<Plan>) {
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
    fn each_plan_is_requested_once() {
        let (place, other) = (place("iws1", Some("waa1")), place("iws2", Some("waa2")));
        let mut asked = AskedPlan::default();
        assert_eq!([0; 3].map(|_| asked.request(&place).is_some()), [true, false, false]);
        assert!(asked.was_asked(&place) && !asked.was_asked(&other));
        assert!(asked.request(&other).is_some(), "it is another plan");
        asked.accept(Arc::default());
        assert!(asked.request(&other).is_none() && asked.plan().is_some(), "it is known");
        assert!(asked.request(&place).is_some() && asked.plan().is_none());
    }

    #[test]
    fn what_has_no_id_cannot_be_asked_for() {
        assert!(AskedPlan::default().request(&place("iws1", None)).is_none());
        assert!(AskedPlan::default().request(&place("", Some("waa1"))).is_none());
    }
}
