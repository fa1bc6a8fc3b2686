//! The last line of defence: whatever a log or a service repeats, our own secrets are not passed on.

use std::sync::Arc;

use nuon_gate_core::result::RunResult;
use serde_json::Value;

/// What stands in a secret's place.
const REDACTED: &str = "[redacted]";

/// Shorter texts are too common to be looked for.
const SHORTEST: usize = 8;

/// Takes secrets out of texts.
#[derive(Clone)]
pub(crate) struct Redactor(Arc<[String]>);

impl Redactor {
    pub(crate) fn new(secrets: Vec<String>) -> Self {
        Self(secrets.into_iter().filter(|secret| secret.len() >= SHORTEST).collect())
    }

    pub(crate) fn text(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret, REDACTED))
    }

    pub(crate) fn result(&self, result: RunResult) -> RunResult {
        let Ok(mut value) = serde_json::to_value(&result) else { return result };
        if !self.walk(&mut value) {
            return result;
        }
        serde_json::from_value(value).unwrap_or(result)
    }

    /// Returns whether there was anything to take out.
    fn walk(&self, value: &mut Value) -> bool {
        match value {
            Value::String(text) => {
                let found = self.0.iter().any(|secret| text.contains(secret));
                if found {
                    *text = self.text(text);
                }
                found
            }
            Value::Array(entries) => self.walk_all(entries.iter_mut()),
            Value::Object(fields) => self.walk_all(fields.values_mut()),
            _ => false,
        }
    }

    fn walk_all<'a>(&self, values: impl Iterator<Item = &'a mut Value>) -> bool {
        values.filter_map(|value| self.walk(value).then_some(())).count() > 0
    }
}

#[cfg(test)]
mod tests {
    use nuon_gate_core::Line;
    use nuon_gate_core::result::VerdictName;

    use super::*;
    use crate::sample;

    #[test]
    fn secrets_do_not_travel() {
        let redactor =
            Redactor::new(vec!["https://a.example/s3cr3ts3cr3t".into(), "s3cr3ts3cr3t".into(), "api".into()]);
        let mut result = sample::result(VerdictName::Failed);
        assert_eq!(redactor.result(result.clone()), result);
        result.targets[0].log_tail[0].text = Line::new("curl https://a.example/s3cr3ts3cr3t?x s3cr3ts3cr3t");
        let cleaned = redactor.result(result.clone());
        assert_eq!(cleaned.targets[0].log_tail[0].text, "curl [redacted]?x [redacted]");
        assert_eq!(cleaned.reason, result.reason);
    }
}
