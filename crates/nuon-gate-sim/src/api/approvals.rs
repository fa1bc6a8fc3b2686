//! What a human is asked to approve.

use std::time::Duration;

use crate::bodies;
use crate::ids::{id, id_of_deploys};
use crate::message::Reply;
use crate::script::Plan;
use crate::state::State;

impl State {
    /// Answers with the contents of an approval, which are always compressed.
    pub(crate) fn approval_contents(&mut self, workflow: &str, approval: &str, now: Duration) -> Reply {
        match self.plan_of(workflow, approval, now) {
            Some((plan, kind)) => {
                let contents = bodies::contents(plan, kind);
                let compressed = bodies::compressed(contents.as_bytes());
                Reply::raw(200, "application/json; charset=utf-8", &compressed).with("Content-Encoding", &"gzip")
            }
            None => bodies::not_found("approval contents"),
        }
    }

    /// Returns the plan that an approval is about, and the approval's type.
    fn plan_of(&mut self, workflow: &str, approval: &str, now: Duration) -> Option<(&Plan, &str)> {
        if self.scripted(workflow).is_some() {
            let step = self.scripted_steps(workflow, now)?.iter().find(|step| id("waa", &step.name) == approval)?;
            return Some((step.plan.as_ref()?, step.approval.as_deref().unwrap_or("helm_approval")));
        }
        let places = self.places_of_workflow(workflow);
        let mut deploys = places.into_iter().map(|place| self.deploy_at(place));
        let own = |deploy: &str| id_of_deploys("waa", deploy) == approval;
        let deploy = deploys.find(|deploy| deploy.id.as_deref().is_some_and(own))?;
        Some((deploy.plan.as_ref()?, &deploy.approval))
    }
}
