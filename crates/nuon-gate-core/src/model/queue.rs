//! A workflow's place in its queue.

use std::fmt;

use serde::Deserialize;

use super::bounded::{first, text};
use super::open::lenient;
use crate::text::some_of;
use crate::{Line, RemoteText};

/// How many of those ahead are named, and how long a name may be.
const MOST_NAMED: usize = 20;
const LONGEST_NAME: usize = 60;

/// A workflow's place in the queue, in the server's form.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct QueuePosition {
    /// Its place, starting at 1; 0 or absent if it is in no queue.
    #[serde(deserialize_with = "lenient")]
    pub position: Option<u64>,
    /// What is ahead of it, as far as the server says.
    #[serde(deserialize_with = "first")]
    pub signals_ahead: Option<Vec<SignalAhead>>,
}

/// An entry that is ahead in the queue.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct SignalAhead {
    /// The type of the workflow.
    #[serde(deserialize_with = "text")]
    pub workflow_type: Option<RemoteText>,
}

/// The place of a workflow that waits for others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuePlace {
    /// Its place, starting at 1, which is next.
    pub position: u64,
    /// What is ahead of it, as far as the server says.
    pub ahead: Vec<Line>,
}

impl QueuePosition {
    /// Returns the place, if the workflow is in a queue.
    pub fn place(&self) -> Option<QueuePlace> {
        let position = self.position.filter(|position| *position > 0)?;
        let ahead = self.signals_ahead.iter().flatten().filter_map(|own| own.workflow_type.as_ref());
        let ahead = ahead.filter(|kind| !kind.is_blank()).take(MOST_NAMED).map(|kind| kind.line(LONGEST_NAME));
        Some(QueuePlace { position, ahead: ahead.collect() })
    }
}

impl fmt::Display for QueuePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = (self.position - 1).max(self.ahead.len() as u64);
        if count == 0 {
            return f.write_str("next in the queue");
        }
        write!(f, "waiting behind {count}")?;
        match self.ahead.is_empty() {
            true => Ok(()),
            false => write!(f, ": {}", some_of(count, &self.ahead)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_words() {
        let cases = [
            ("{}", None),
            (r#"{"position":0}"#, None),
            (r#"{"position":"2"}"#, None),
            (r#"{"position":1}"#, Some("next in the queue")),
            (r#"{"position":3}"#, Some("waiting behind 2")),
            (
                r#"{"position":3,"signals_ahead":[{"workflow_type":"provision"},{"workflow_type":"deploy_components"}]}"#,
                Some("waiting behind 2: provision, deploy_components"),
            ),
            (
                r#"{"position":30,"signals_ahead":[{"workflow_type":"provision"}]}"#,
                Some("waiting behind 29: provision, …"),
            ),
            (
                r#"{"position":2,"signals_ahead":[{"workflow_type":"a\n::error::b"}]}"#,
                Some("waiting behind 1: a ::error::b"),
            ),
            (r#"{"position":2,"signals_ahead":7}"#, Some("waiting behind 1")),
        ];
        for (body, said) in cases {
            let place = serde_json::from_str::<QueuePosition>(body).unwrap().place();
            assert_eq!(place.map(|place| place.to_string()).as_deref(), said, "{body}");
        }
    }
}
