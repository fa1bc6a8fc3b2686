//! A check of a component's health that the pipeline has made, as it is reported to the server.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde_json::json;

/// The name of a check.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CheckName(String);

/// Why a text is no name of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it has 1 to 100 letters, digits, dots, dashes and underscores")]
pub struct InvalidCheckName;

impl FromStr for CheckName {
    type Err = InvalidCheckName;

    fn from_str(text: &str) -> Result<Self, InvalidCheckName> {
        const LONGEST: usize = 100;
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let is_name = (1..=LONGEST).contains(&text.len()) && text.chars().all(is_part) && text.contains(|c| c != '.');
        if is_name { Ok(Self(text.to_owned())) } else { Err(InvalidCheckName) }
    }
}

impl CheckName {
    /// Returns it as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CheckStatus {
    /// Healthy.
    Healthy,
    /// Degraded: something is wrong, but the component works.
    Degraded,
    /// Unhealthy: it does not work.
    Unhealthy,
}

impl CheckStatus {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        }
    }
}

impl fmt::Display for CheckStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A check with its result.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PushedCheck {
    /// Its name.
    pub name: CheckName,
    /// Its result.
    pub status: CheckStatus,
    /// Why.
    pub message: Option<String>,
    /// For how long it holds.
    pub stale_after: Option<Duration>,
}

impl PushedCheck {
    /// Writes it as the server's JSON. A duration is written as in Go.
    pub(crate) fn body(&self) -> String {
        let mut body = json!({ "status": self.status.as_str() });
        if let Some(message) = &self.message {
            body["message"] = json!(message);
        }
        if let Some(stale_after) = self.stale_after {
            body["stale_after"] = json!(format!("{}ms", stale_after.as_millis()));
        }
        body.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_change_a_path() {
        let is_one = |text: &str| text.parse::<CheckName>().is_ok();
        assert!(is_one("smoke") && is_one("e2e.api-v2_eu") && is_one(&"x".repeat(100)));
        assert!(["", ".", "..", "a/b", "a b", "é", "a%2fb", "a?b"].iter().all(|text| !is_one(text)));
        assert!(!is_one(&"x".repeat(101)));
    }

    #[test]
    fn what_is_not_said_is_absent() {
        let check = |message: Option<&str>, stale_after| PushedCheck {
            name: "smoke".parse().unwrap(),
            status: CheckStatus::Degraded,
            message: message.map(str::to_owned),
            stale_after,
        };
        assert_eq!(check(None, None).body(), r#"{"status":"degraded"}"#);
        let whole = check(Some("2 of 3 \"ok\""), Some(Duration::from_secs(600))).body();
        let body: serde_json::Value = serde_json::from_str(&whole).unwrap();
        assert_eq!(body, json!({ "status": "degraded", "message": "2 of 3 \"ok\"", "stale_after": "600000ms" }));
    }
}
