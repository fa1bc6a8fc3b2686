//! What is read next in the search, and what it means that nothing matches.

use super::{Latest, Search};
use crate::Hold;
use crate::api::{Depth, Request};
use crate::cause::Cause;
use crate::hold::Behind;
use crate::model::WorkflowEnd;
use crate::pins::Baseline;
use crate::watch::phase::{
    Decision, End, Held, Policy, component_list_request, deploy_request, install_list_request, latest_request,
    workflow_request,
};

impl Search {
    pub(in crate::watch::phase) fn decide(&self, policy: &Policy<'_>) -> Decision {
        match self.missing(policy) {
            Some(request) => Decision::Need(request),
            None => self.not_found(policy),
        }
    }

    /// Returns what has to be read before it is certain that nothing matches.
    fn missing(&self, policy: &Policy<'_>) -> Option<Request> {
        let target = policy.target;
        if let Some(Baseline::Deploy(id)) = &self.search_pins.pins().after {
            return Some(deploy_request(target, id));
        }
        match self.reads.latest {
            Latest::Unread if policy.by_install_list && !self.reads.install_list && !self.is_beyond_install_list => {
                return Some(install_list_request(target));
            }
            Latest::Unread => return Some(latest_request(target, Depth::Usual)),
            Latest::Read if self.reads.likely.is_some() => return Some(component_list_request(target)),
            Latest::None if !self.exists && !self.reads.install => {
                return Some(Request::Install(target.install.clone()));
            }
            Latest::None if !self.exists => {
                return Some(Request::InstallComponent(target.install.clone(), target.component.clone()));
            }
            // That nothing is there a lagging replica may say as well, so it is asked again, but not in every poll.
            Latest::None if !self.reads.deep && (policy.wide || !self.read_deep) => {
                return Some(latest_request(target, Depth::Page));
            }
            // A row that matches may be older than one that does not. The list can lag, so it is read again, but not in
            // every poll.
            Latest::Read
                if !self.reads.component_list
                    && (policy.wide || self.unmatched_at_list.as_ref() != self.newest_unmatched()) =>
            {
                return Some(component_list_request(target));
            }
            Latest::Missed if !self.reads.component_list => return Some(component_list_request(target)),
            Latest::Missed | Latest::None | Latest::Read => {}
        }
        let source = self.search_pins.pins().workflow.as_ref()?;
        match &self.reads.workflow {
            None => Some(workflow_request(target, source)),
            // The deploy may have appeared between the two reads.
            Some(workflow) if workflow.end().is_some() && !self.reads.component_list_last => {
                Some(component_list_request(target))
            }
            Some(_) => None,
        }
    }

    fn not_found(&self, policy: &Policy<'_>) -> Decision {
        let (Some(workflow), Some(id)) = (&self.reads.workflow, &self.search_pins.pins().workflow) else {
            return Decision::Hold(Hold::NotStarted);
        };
        if workflow.is_plan_only() {
            return Decision::End(End::rejected(Cause::PlanOnlyWorkflow(id.clone())));
        }
        let Some(end) = workflow.end().filter(|_| !self.is_workflow_shown) else {
            return Decision::Hold(Hold::NotStarted);
        };
        let has_lasted = Held::has_contradicted_for_long(self.held.as_ref(), Some(workflow), policy);
        // If the workflow has deployed something, the list of rows may just be out of date.
        let may_be_ahead = !workflow.deploys().is_empty() || end == WorkflowEnd::Succeeded;
        if may_be_ahead && !has_lasted {
            return Decision::Hold(Hold::Behind(Behind::NoRow(end)));
        }
        let step = workflow.failed_step();
        Decision::End(End::Otherwise(end.verdict(), Cause::NeverDeployed { end, step, replaced: None }))
    }
}
