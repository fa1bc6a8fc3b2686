//! The API's answer to the trigger, which names the deploy or its workflow.

use std::path::Path;

use nuon_gate_core::input::json_fault;
use nuon_gate_core::{DeployId, RemoteText, WorkflowId};
use serde::Deserialize;
use serde_json::Value;

use crate::input::Input;
use crate::reader::Reader;
use crate::trouble::Trouble;

/// The header with which servers of 2025 name the workflow.
const WORKFLOW_HEADER: &str = "x-nuon-install-workflow-id";

/// What a trigger's answer names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Triggered {
    pub(crate) deploy: Option<DeployId>,
    pub(crate) workflow: Option<WorkflowId>,
}

/// The fields of the body that are needed.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    id: Option<String>,
    workflow_id: Option<String>,
    install_workflow_id: Option<String>,
    #[serde(alias = "Err")]
    error: Option<Value>,
    #[serde(alias = "Description")]
    description: Option<String>,
}

impl Triggered {
    /// Reads a file, or stdin for `-`.
    pub(crate) async fn read(reader: &Reader, path: &Path) -> Result<Self, Trouble> {
        let text = reader.read(Input::TriggerResponse, path).await?;
        if let Some(status) = refusal(&text) {
            let body = RemoteText::new(split(&text).1).line(200);
            return Err(Trouble::new(format!("the trigger was answered with HTTP {status}: {}", body.plain()))
                .hint("nothing was triggered, so there is nothing to wait for"));
        }
        Self::parse(&text).map_err(|fault| Input::TriggerResponse.wrong(path, fault))
    }

    /// Finds the ids, or says why there is nothing to wait for.
    fn parse(text: &str) -> Result<Self, String> {
        let (headers, body) = split(text);
        let header = headers.lines().filter_map(|line| line.split_once(':'));
        let mut header = header.filter(|(name, _)| name.trim().eq_ignore_ascii_case(WORKFLOW_HEADER)).peekable();
        // Such a header may be all that there is.
        let read = if body.trim().is_empty() && header.peek().is_some() { Body::default() } else { Body::parse(body)? };
        let named = header.map(|(_, value)| value.to_owned()).chain(read.workflow_id).chain(read.install_workflow_id);
        let mut named = named.filter_map(|id| id.parse::<WorkflowId>().ok());
        // A workflow's own answer has an id as well.
        let deploy = read.id.filter(|id| id.starts_with("dpl")).and_then(|id| id.parse().ok());
        let workflow = named.next();
        if let (Some(one), Some(other)) = (&workflow, named.find(|other| workflow.as_ref() != Some(other))) {
            return Err(format!("it names two workflows, {one} and {other}"));
        }
        match (&deploy, &workflow) {
            (None, None) => Err("it names neither a deploy nor a workflow".to_owned()),
            _ => Ok(Self { deploy, workflow }),
        }
    }
}

impl Body {
    /// Reads the one answer that there has to be: what stands after it may be another, to another trigger. Some servers answer
    /// some triggers with just `"ok"`. An error may name what it is about.
    fn parse(body: &str) -> Result<Self, String> {
        let read = match serde_json::from_str(body).map_err(|error| json_fault(&error))? {
            Value::String(_) => Self::default(),
            // Not a list, whose items would count as fields.
            value @ Value::Object(_) => {
                Self::deserialize(value).map_err(|_| "it is JSON of another form".to_owned())?
            }
            _ => return Err("it is JSON of another form".to_owned()),
        };
        let Some(error) = read.error.as_ref().filter(|error| **error != "") else { return Ok(read) };
        let said = [error.as_str(), read.description.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(": ");
        Err(match said.is_empty() {
            true => "it is an error".to_owned(),
            false => format!("it is an error: {}", RemoteText::new(said).line(200).plain()),
        })
    }
}

/// Returns the status of the last block of headers, if it is no success.
fn refusal(text: &str) -> Option<u16> {
    let status = split(text).0.lines().next()?.split_whitespace().nth(1)?.parse().ok()?;
    (!(200..300).contains(&status)).then_some(status)
}

/// Splits the last block of headers from the body. There may be several, for a proxy or a "continue": what those before it say is
/// not about this answer.
fn split(text: &str) -> (&str, &str) {
    let (mut last, mut rest) = text.split_at(0);
    while rest.starts_with("HTTP/") {
        match end_of_block(rest) {
            Some(end) => (last, rest) = rest.split_at(end),
            None => return (rest, ""),
        }
    }
    (last, rest)
}

/// Returns where the first blank line of either form ends. It searches line by line; one search for each form would
/// read the whole text for every block.
fn end_of_block(text: &str) -> Option<usize> {
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        end += line.len();
        if matches!(line, "\n" | "\r\n") {
            return Some(end);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_none_of_them() {
        let cases = [
            ("HTTP/2 403 \r\n\r\n{\"error\": \"no\"}", Some(403)),
            ("HTTP/1.1 500 Internal Server Error\r\n\r\n{\"id\": \"dpl1\"}", Some(500)),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\n\r\n{}", None),
            (&"HTTP/1.1 100 Continue\n\n".repeat(100_000), Some(100)),
            ("{\"id\": \"dpl1\"}", None),
        ];
        for (text, status) in cases {
            assert_eq!(refusal(text), status, "{text:?}");
        }
    }

    #[test]
    fn an_unusable_name_is_reported_by_its_fault() {
        let header = |rest: &str| format!("HTTP/1.1 201 Created\nX-Nuon-Install-Workflow-ID: inw1\n\n{rest}");
        let cases = [
            ("\"ok\"".to_owned(), "it names neither a deploy nor a workflow"),
            ("{\"id\": \"inw1\"}".to_owned(), "it names neither a deploy nor a workflow"),
            (String::new(), "it is empty"),
            ("{\"id\": \"dpl1".to_owned(), "it breaks off at line 1, column 12"),
            ("<html>".to_owned(), "it is not JSON, from line 1, column 1 on"),
            ("{}\n{}".to_owned(), "it is not JSON, from line 2, column 1 on"),
            ("[[]]".to_owned(), "it is JSON of another form"),
            ("{\"id\": 1}".to_owned(), "it is JSON of another form"),
            (
                "{\"error\": \"conflict\", \"description\": \"one runs\"}".to_owned(),
                "it is an error: conflict: one runs",
            ),
            (header("{\"workflow_id\": \"inw2\""), "it breaks off at line 1, column 22"),
            (
                header("{\"workflow_id\": \"inw1\"}{\"workflow_id\": \"inw2\"}"),
                "it is not JSON, from line 1, column 24 on",
            ),
            (header("\"ok\"\n\nHTTP/1.1 500 Internal Server Error\n\n{}"), "it is not JSON, from line 3, column 1 on"),
            (header("{\"Err\": {}, \"Description\": \"chaos\"}"), "it is an error: chaos"),
            (header("{\"error\": 1, \"workflow_id\": \"inw1\"}"), "it is an error"),
            (
                header("").replace("\n\n", "\n\nHTTP/1.1 201 Created\n\n") + "\"ok\"",
                "it names neither a deploy nor a workflow",
            ),
        ];
        for (text, words) in cases {
            assert_eq!(Triggered::parse(&text), Err(words.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn answers_of_every_server_are_read() {
        let cases = [
            (r#"{"id": "dpl1", "workflow_id": "inw1"}"#, Some("dpl1"), Some("inw1")),
            (r#"{"id": "dpl1"}"#, Some("dpl1"), None),
            (r#"{"workflow_id": "inw1", "error": ""}"#, None, Some("inw1")),
            (r#"{"id": "inw1", "install_workflow_id": "inw2"}"#, None, Some("inw2")),
            ("HTTP/1.1 201 Created\r\nX-Nuon-Install-Workflow-ID: inw3\r\n\r\n\"ok\"", None, Some("inw3")),
            (
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nx-nuon-install-workflow-id:inw3\r\n\r\n{\"id\": \"dpl3\"}",
                Some("dpl3"),
                Some("inw3"),
            ),
            ("HTTP/1.1 201 Created\nX-Nuon-Install-Workflow-ID: inw3\n\n", None, Some("inw3")),
            (r#"{"id": "dpl1", "workflow_id": "inw1", "install_workflow_id": "inw1"}"#, Some("dpl1"), Some("inw1")),
        ];
        for (text, deploy, workflow) in cases {
            let expected = Triggered {
                deploy: deploy.map(|id: &str| id.parse().unwrap()),
                workflow: workflow.map(|id: &str| id.parse().unwrap()),
            };
            assert_eq!(Triggered::parse(text), Ok(expected), "{text:?}");
        }
        for text in [
            "HTTP/1.1 201 Created",
            "\"ok\"",
            "",
            "[1]",
            r#"{"error": "bad", "id": "dpl1"}"#,
            r#"{"id": "../x", "workflow_id": "a/b"}"#,
        ] {
            assert!(Triggered::parse(text).is_err(), "{text:?}");
        }
        for text in [
            r#"{"id": "dpl1", "workflow_id": "inw1", "install_workflow_id": "inw2"}"#,
            "HTTP/1.1 201 Created\r\nX-Nuon-Install-Workflow-ID: inw1\r\n\r\n{\"workflow_id\": \"inw2\"}",
            "HTTP/1.1 201 Created\nX-Nuon-Install-Workflow-ID: inw1\nX-Nuon-Install-Workflow-ID: inw2\n\n\"ok\"",
        ] {
            assert_eq!(Triggered::parse(text), Err("it names two workflows, inw1 and inw2".to_owned()), "{text:?}");
        }
    }
}
