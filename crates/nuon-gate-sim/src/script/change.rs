//! Changes to an answer.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::message::Reply;

/// How an answer differs from what the server would say.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Change {
    /// Only the object with this id, or that row of a list.
    pub row: Option<String>,
    /// Fields that get another value; objects in it are merged.
    pub set: Map<String, Value>,
    /// Fields that are left out, as paths with dots; a path goes through each item of an array.
    pub unset: Vec<String>,
    /// Whether the rows are missing from a list.
    pub hide: bool,
    /// Headers that are left out.
    pub unset_headers: Vec<String>,
}

impl Change {
    /// Changes an answer. A body that is not JSON stays as it is.
    pub(crate) fn apply(&self, reply: Reply) -> Reply {
        let mut reply = self.unset_headers.iter().fold(reply, |reply, name| reply.without(name));
        if let Ok(mut body) = serde_json::from_slice::<Value>(&reply.body) {
            match &mut body {
                Value::Array(rows) => {
                    rows.retain(|row| !self.hide || !self.is_about(row));
                    rows.iter_mut().for_each(|row| self.edit(row));
                }
                one => self.edit(one),
            }
            reply.body = body.to_string().into_bytes();
        }
        reply
    }

    fn is_about(&self, object: &Value) -> bool {
        self.row.as_deref().is_none_or(|id| object["id"] == id)
    }

    fn edit(&self, object: &mut Value) {
        if !self.is_about(object) {
            return;
        }
        if let Value::Object(fields) = object {
            merge(fields, &self.set);
        }
        for path in &self.unset {
            unset(object, path);
        }
    }
}

fn merge(fields: &mut Map<String, Value>, changes: &Map<String, Value>) {
    for (name, change) in changes {
        match (fields.get_mut(name), change) {
            (Some(Value::Object(inner)), Value::Object(changes)) => merge(inner, changes),
            _ => {
                fields.insert(name.clone(), change.clone());
            }
        }
    }
}

fn unset(value: &mut Value, path: &str) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| unset(item, path)),
        Value::Object(fields) => match path.split_once('.') {
            Some((first, rest)) => fields.get_mut(first).into_iter().for_each(|inner| unset(inner, rest)),
            None => drop(fields.remove(path)),
        },
        _ => {}
    }
}
