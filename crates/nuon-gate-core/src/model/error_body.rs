//! The server's error object.

use serde::Deserialize;

use super::open::lenient;
use crate::RemoteText;

/// An error's body. Keys are in lower case from the API and capitalised from parts of it; any may be absent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ErrorBody {
    /// What went wrong.
    #[serde(alias = "Err", alias = "Error", deserialize_with = "lenient")]
    pub error: Option<RemoteText>,
    /// Whether the server blames the user. It does so for its own timeouts too, so nothing may depend on it.
    #[serde(alias = "UserError", deserialize_with = "lenient")]
    pub user_error: Option<bool>,
    /// The same, or advice.
    #[serde(alias = "Description", deserialize_with = "lenient")]
    pub description: Option<RemoteText>,
}

impl ErrorBody {
    /// Reads a body of any kind. Anything but such an object (HTML, nothing) counts as empty.
    pub fn read(body: &[u8]) -> Self {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        match body.trim_ascii_start().first() {
            Some(b'{') => serde_json::from_slice(body).unwrap_or_default(),
            _ => Self::default(),
        }
    }

    /// Returns whether the server itself sent such a body. Ingresses, firewalls and proxies answer with HTML, or with
    /// objects of their own. A proxy may also remove the server's version header (`versioned`), and then only a
    /// complete body counts.
    pub(crate) fn is_nuons(&self, versioned: bool) -> bool {
        let has_two = self.error.is_some() && (self.user_error.is_some() || self.description.is_some());
        if versioned { self.message().is_some() } else { has_two }
    }

    /// Returns the more specific text.
    pub fn message(&self) -> Option<&RemoteText> {
        [&self.error, &self.description].into_iter().flatten().find(|text| !text.is_blank())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Line;

    #[test]
    fn every_form_is_read() {
        let cases: [(&str, Option<&str>); 8] = [
            (
                r#"{"error":"token was not found","user_error":true,"description":"set the header"}"#,
                Some("token was not found"),
            ),
            (r#"{"Err":{},"Description":"error injected"}"#, Some("error injected")),
            (r#"{"error":"timeout","code":"X"}"#, Some("timeout")),
            (r#"{"error":"","description":"not found"}"#, Some("not found")),
            (r#"{"error":7}"#, None),
            ("<html>502</html>", None),
            ("", None),
            ("[]", None),
        ];
        for (body, message) in cases {
            let read = ErrorBody::read(body.as_bytes());
            assert_eq!(read.message().map(|text| text.line(100)), message.map(Line::new), "{body}");
        }
    }
}
