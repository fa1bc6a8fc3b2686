//! Which deploys of a workflow become targets, and when.

use std::cmp::Ordering;
use std::sync::Arc;

use super::WorkflowTargets;
use crate::model::{Deploy, Status, StepState, Workflow};
use crate::watch::target::TargetWatch;
use crate::{DeployId, Target};

impl WorkflowTargets {
    /// Returns the deploys that become targets now.
    pub(super) fn joining(&mut self, workflow: &Workflow, targets: &[TargetWatch]) -> Vec<(Target, Arc<Deploy>)> {
        let mut joining: Vec<(Target, Arc<Deploy>)> = Vec::new();
        for id in &self.deploys {
            let Some(Some((owner, seen))) = self.owners.get(id).cloned() else { continue };
            if self.joined.contains(id) || self.is_followed(id, &owner, targets) {
                continue;
            }
            // A deploy that may take the place of another is for that one's target to follow.
            let expected = self.targets.get(&owner).is_some_and(|index| !targets[*index].has_ended());
            let joins = joining.iter().any(|(joining, _)| *joining == owner);
            // A row that was replaced before it was seen is reported with its successor.
            let was_replaced = was_replaced(workflow, id, &seen);
            if !expected && !joins && self.repeats_other(workflow, &owner) {
                self.joined.insert(id.clone());
            } else if !expected && !joins && !was_replaced {
                self.joined.insert(id.clone());
                joining.push((owner, seen));
            } else if was_replaced && !expected {
                self.owners.insert(id.clone(), None);
                self.replaced.insert(owner, (id.clone(), seen));
            }
        }
        if workflow.end().is_some() {
            joining.extend(self.without_successor(&joining, targets));
        }
        joining
    }

    /// Returns whether a deploy of this component is the retry of another shard's, for a target there to follow.
    fn repeats_other(&self, workflow: &Workflow, owner: &Target) -> bool {
        let mut others = self.others().filter_map(|id| Some((id, self.owners.get(id)?.as_ref()?)));
        others.any(|(id, (other, seen))| other == owner && was_replaced(workflow, id, seen))
    }

    /// Returns the replaced deploys of components of which no newer deploy is a target, or becomes one now.
    fn without_successor(
        &mut self,
        joining: &[(Target, Arc<Deploy>)],
        targets: &[TargetWatch],
    ) -> Vec<(Target, Arc<Deploy>)> {
        let place = |deploy: &Deploy| self.deploys.iter().position(|id| deploy.id.as_ref() == Some(id));
        let is_newer = |one: &Deploy, other: &Deploy| {
            let order = one.order(other).unwrap_or_else(|| place(one).cmp(&place(other)));
            order == Ordering::Greater
        };
        let has_successor = |owner: &Target, replaced: &Deploy| {
            let followed = self.targets.get(owner).and_then(|index| targets[*index].deploy());
            // Those of other shards have no target here.
            let joined = self.joined.iter().filter_map(|id| self.owners.get(id)?.as_ref());
            let joined = joined.chain(joining).filter(|(own, _)| own == owner).map(|(_, deploy)| &**deploy);
            followed.into_iter().chain(joined).any(|other| is_newer(other, replaced))
        };
        let without = |owner: &Target, (_, seen): &mut (DeployId, Arc<Deploy>)| !has_successor(owner, seen);
        let mut left: Vec<_> = self.replaced.extract_if(without).collect();
        left.sort_unstable_by(|(_, (one, _)), (_, (other, _))| one.as_str().cmp(other.as_str()));
        let mut without = Vec::with_capacity(left.len());
        for (owner, (id, seen)) in left {
            self.joined.insert(id.clone());
            self.owners.insert(id, Some((owner.clone(), seen.clone())));
            without.push((owner, seen));
        }
        without
    }

    fn is_followed(&self, id: &DeployId, owner: &Target, targets: &[TargetWatch]) -> bool {
        self.targets.get(owner).is_some_and(|index| targets[*index].has_followed(id))
    }

    /// Returns whether each deploy is a target, or was followed by one.
    pub(super) fn are_all_followed(&self, targets: &[TargetWatch]) -> bool {
        self.deploys.iter().all(|id| match self.owners.get(id) {
            Some(Some((owner, _))) => self.joined.contains(id) || self.is_followed(id, owner, targets),
            Some(None) => true,
            None => false,
        })
    }
}

/// Returns whether another deploy takes the place of this one, last seen so: its steps say so, or itself if it has none.
fn was_replaced(workflow: &Workflow, id: &DeployId, seen: &Deploy) -> bool {
    let mut own = workflow.steps_of(id).peekable();
    match own.peek() {
        Some(_) => own.all(|step| workflow.state_of(step) == StepState::Replaced),
        None => matches!(seen.current_status(), Status::Retried | Status::Discarded),
    }
}
