//! Links into the dashboard. They are built here, as the API's own are wrong on some servers (`docs/nuon-api.md`, "Dashboard
//! links").

use nuon_gate_http::Url;

use crate::ApprovalPlace;
use crate::model::{CliConfig, Deploy};
use crate::{BranchPlace, DeployId, InstallId, Line, OrgId, Target, WorkflowId};

/// The address of an organisation's dashboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dashboard {
    url: Url,
    org: OrgId,
}

impl Dashboard {
    /// Takes the address from the server's public configuration, if it is a web address.
    pub(crate) fn new(config: &CliConfig, org: &OrgId) -> Option<Self> {
        let url = Url::parse(config.dashboard_url.as_ref()?.line(2000).plain()).ok()?;
        let usable = matches!(url.scheme(), "https" | "http") && url.username().is_empty();
        usable.then(|| Self { url, org: org.clone() })
    }

    /// Returns the page of a deploy.
    pub fn deploy(&self, target: &Target, deploy: &Deploy) -> Option<Line> {
        let component = deploy.component_id.as_ref().unwrap_or(&target.component);
        self.deploy_page(&Target::new(target.install.clone(), component.clone()), deploy.id.as_ref()?)
    }

    /// Returns the page of a target's deploy, of which only the id is known.
    pub fn deploy_page(&self, target: &Target, deploy: &DeployId) -> Option<Line> {
        self.page(&target.install, &["components", target.component.as_str(), "deploys", deploy.as_str()])
            .map(Line::new)
    }

    /// Returns the page on which an approval can be answered: the workflow's, with the step's panel open.
    pub fn approval(&self, install: &InstallId, place: &ApprovalPlace) -> Option<Line> {
        let mut url = self.page(install, &["workflows", place.workflow.as_str()])?;
        if let Some(step) = &place.step {
            url.query_pairs_mut().append_pair("panel", step.as_str());
        }
        Some(Line::new(url))
    }

    /// Returns the page of a branch's run, which is named by its workflow.
    pub fn run(&self, place: &BranchPlace, workflow: &WorkflowId) -> Option<Line> {
        let mut url = self.url.clone();
        let app = [self.org.as_str(), "apps", place.app.as_str()];
        let run = ["branches", place.branch.as_str(), "runs", workflow.as_str()];
        url.path_segments_mut().ok()?.pop_if_empty().extend(app).extend(run);
        Some(Line::new(url))
    }

    fn page(&self, install: &InstallId, segments: &[&str]) -> Option<Url> {
        let mut url = self.url.clone();
        let install = [self.org.as_str(), "installs", install.as_str()];
        url.path_segments_mut().ok()?.pop_if_empty().extend(install).extend(segments);
        Some(url)
    }
}
