//! The requests, one function each.

use super::{ApiError, Client, ErrorClass, Expected, Wire, word};
use crate::model::{CliConfig, Deploy, Install, InstallComponent, LogRecord, Workflow};
use crate::{ComponentId, Dashboard, DeployId, InstallId, LogStreamId, WorkflowId};

/// How many rows the server looks at for the newest deploy. Servers of mid-2025 take plan-only rows out of a page of ten
/// after they have read it, so frequent drift scans hide the real deploys (facts, section 0, trap 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// As many as it likes.
    Usual,
    /// A hundred, the most it allows.
    Page,
}

/// The most rows that a server gives.
const PAGE: (&str, &str) = ("limit", "100");

/// A part of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// Its rows.
    pub rows: Vec<T>,
    /// Whether there are more.
    pub more: bool,
}

/// A part of a log, newest first.
#[derive(Debug, Clone)]
pub struct LogPage {
    /// Its lines.
    pub records: Vec<LogRecord>,
    /// Where the next part begins, in nanoseconds since 1970, if there is one.
    pub next: Option<u64>,
}

impl Client {
    /// Returns a component's newest deploy in an install; `None` if there is none yet, which servers say with a 404
    /// or with an object without an id.
    ///
    /// # Errors
    ///
    /// If there is no good answer.
    pub async fn latest_deploy(
        &self,
        install: &InstallId,
        component: &ComponentId,
        depth: Depth,
    ) -> Result<Option<Deploy>, ApiError> {
        let path = ["v1", "installs", install.as_str(), "components", component.as_str(), "deploys", "latest"];
        let mut url = self.url.join(&path);
        if depth == Depth::Page {
            url.query_pairs_mut().extend_pairs([PAGE]);
        }
        match self.get::<Deploy>(url, Expected::BodyOrNone).await {
            Ok(deploy) => Ok(Some(deploy).filter(|deploy| deploy.id.is_some())),
            Err(error) if error.class() == ErrorClass::Missing => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns a component's newest deploys in an install, newest first: so many at most, of a hundred.
    ///
    /// # Errors
    ///
    /// If there is no good answer.
    pub async fn deploys(
        &self,
        install: &InstallId,
        component: &ComponentId,
        most: u32,
    ) -> Result<Vec<Deploy>, ApiError> {
        let path = ["v1", "installs", install.as_str(), "components", component.as_str(), "deploys"];
        let mut url = self.url.join(&path);
        url.query_pairs_mut().append_pair("limit", &most.to_string());
        self.get(url, Expected::Body).await
    }

    /// Returns a workflow with its steps.
    ///
    /// # Errors
    ///
    /// If there is no good answer; [`ErrorClass::Missing`] if there is no such workflow, or the server is too old to
    /// have any.
    pub async fn workflow(&self, workflow: &WorkflowId) -> Result<Workflow, ApiError> {
        self.get(self.url.join(&["v1", "workflows", workflow.as_str()]), Expected::Body).await
    }

    /// Returns a deploy with its details.
    ///
    /// # Errors
    ///
    /// If there is no good answer; [`ErrorClass::Missing`] if there is no such deploy.
    pub async fn deploy(&self, install: &InstallId, deploy: &DeployId) -> Result<Deploy, ApiError> {
        let url = self.url.join(&["v1", "installs", install.as_str(), "deploys", deploy.as_str()]);
        let found: Deploy = self.get(url, Expected::Body).await?;
        if found.id.as_ref() == Some(deploy) {
            return Ok(found);
        }
        Err(self.failed(ApiError::Undecodable("the answer is about another deploy".to_owned())))
    }

    /// Returns an install, by id or by name.
    ///
    /// # Errors
    ///
    /// If there is no good answer; [`ErrorClass::Missing`] if there is no such install.
    pub async fn install(&self, install: &InstallId) -> Result<Install, ApiError> {
        self.get(self.url.join(&["v1", "installs", install.as_str()]), Expected::Body).await
    }

    /// Returns a component as part of an install.
    ///
    /// # Errors
    ///
    /// If there is no good answer; [`ErrorClass::Missing`] if the install has no such component.
    pub async fn install_component(
        &self,
        install: &InstallId,
        component: &ComponentId,
    ) -> Result<InstallComponent, ApiError> {
        let path = ["v1", "installs", install.as_str(), "components", component.as_str()];
        self.get(self.url.join(&path), Expected::Body).await
    }

    /// Returns the installs of the organisation, a hundred at a time, from `page` 1 on.
    ///
    /// # Errors
    ///
    /// If there is no good answer.
    pub async fn installs(&self, page: u32) -> Result<Page<Install>, ApiError> {
        self.list(&["v1", "installs"], page).await
    }

    /// Returns the components of an install, a hundred at a time, from `page` 1 on.
    ///
    /// # Errors
    ///
    /// If there is no good answer; [`ErrorClass::Missing`] if there is no such install.
    pub async fn install_components(&self, install: &InstallId, page: u32) -> Result<Page<InstallComponent>, ApiError> {
        self.list(&["v1", "installs", install.as_str(), "components"], page).await
    }

    /// Returns where the organisation's dashboard is, if the server says so. It says it to anyone.
    ///
    /// # Errors
    ///
    /// If there is no good answer.
    pub async fn dashboard(&self) -> Result<Option<Dashboard>, ApiError> {
        let config: CliConfig = self.get(self.url.join(&["v1", "general", "cli-config"]), Expected::Body).await?;
        Ok(self.right.as_ref().and_then(|right| Dashboard::new(&config, &right.org)))
    }

    /// Returns a part of a log, newest first: the newest, or the one `before` a point in time that an earlier part gave.
    ///
    /// # Errors
    ///
    /// If there is no good answer.
    pub async fn logs(&self, stream: &LogStreamId, before: Option<u64>) -> Result<LogPage, ApiError> {
        let mut url = self.url.join(&["v1", "log-streams", stream.as_str(), "logs"]);
        url.query_pairs_mut().append_pair("order", "desc");
        let mut request = self.http.client.get(url);
        if let Some(before) = before {
            request = request.header("X-Nuon-API-Offset", before);
        }
        let (records, headers) = self.read(request, Expected::Body).await?;
        Ok(LogPage { records, next: word(&headers, "x-nuon-api-next").and_then(|next| next.trim().parse().ok()) })
    }

    /// Asks to cancel a workflow. What the server says on success differs between versions and means nothing (facts,
    /// section 6), so it is not read.
    ///
    /// # Errors
    ///
    /// If the server does not accept it.
    pub async fn cancel(&self, workflow: &WorkflowId) -> Result<(), ApiError> {
        let url = self.url.join(&["v1", "workflows", workflow.as_str(), "cancel"]);
        self.send(self.http.client.post(url), Expected::Success).await.map(drop)
    }

    async fn list<T: Wire>(&self, path: &[&str], page: u32) -> Result<Page<T>, ApiError> {
        let mut url = self.url.join(path);
        url.query_pairs_mut().extend_pairs([PAGE]);
        if page > 1 {
            url.query_pairs_mut().append_pair("page", &page.to_string());
        }
        let (rows, headers) = self.read(self.http.client.get(url), Expected::Body).await?;
        // A server that does not page gives everything, and no such header.
        Ok(Page { rows, more: word(&headers, "x-nuon-page-next") == Some("true") })
    }
}
