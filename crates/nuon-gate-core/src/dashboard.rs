//! Links into the dashboard. They are built here, as the API's own are wrong on some servers (facts: dashboard URLs).

use reqwest::Url;

use crate::model::{CliConfig, Deploy};
use crate::report::ApprovalPlace;
use crate::{OrgId, Target};

/// Where the dashboard is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dashboard(Url);

impl Dashboard {
    /// Takes the address from what the server tells its clients, if it is a web address.
    pub fn new(config: &CliConfig) -> Option<Self> {
        let url = Url::parse(&config.dashboard_url.as_ref()?.line(2000)).ok()?;
        (matches!(url.scheme(), "https" | "http") && url.username().is_empty()).then_some(Self(url))
    }

    /// Returns the page of a deploy.
    pub fn deploy(&self, org: &OrgId, target: &Target, deploy: &Deploy) -> Option<String> {
        let component = deploy.component_id.as_ref().unwrap_or(&target.component);
        let id = deploy.id.as_ref()?;
        let install = target.install.as_str();
        self.page(&[org.as_str(), "installs", install, "components", component.as_str(), "deploys", id.as_str()])
            .map(Into::into)
    }

    /// Returns the page on which an approval can be answered: the workflow's, with the step's panel open.
    pub fn approval(&self, org: &OrgId, target: &Target, place: &ApprovalPlace) -> Option<String> {
        let mut url =
            self.page(&[org.as_str(), "installs", target.install.as_str(), "workflows", place.workflow.as_str()])?;
        if let Some(step) = &place.step {
            url.query_pairs_mut().append_pair("panel", step.as_str());
        }
        Some(url.into())
    }

    fn page(&self, segments: &[&str]) -> Option<Url> {
        let mut url = self.0.clone();
        url.path_segments_mut().ok()?.pop_if_empty().extend(segments);
        Some(url)
    }
}
