//! Links into the dashboard. They are built here, as the API's own are wrong on some servers (facts: dashboard URLs).

use reqwest::Url;

use crate::model::{CliConfig, Deploy};
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
        let segments = [
            org.as_str(),
            "installs",
            target.install.as_str(),
            "components",
            component.as_str(),
            "deploys",
            deploy.id.as_ref()?.as_str(),
        ];
        let mut url = self.0.clone();
        url.path_segments_mut().ok()?.pop_if_empty().extend(segments);
        Some(url.into())
    }
}
