//! HTTP/1.1 requests and answers.

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// A request as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The method.
    pub method: String,
    /// The path with its query, still percent-encoded.
    pub target: String,
    /// Every header, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// The `X-Nuon-Org-ID` header.
    pub org: Option<String>,
    /// The first MiB of the body, of a `POST` or a `PUT`, or of a request to a notification endpoint.
    pub body: String,
}

impl Seen {
    /// Returns a header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Returns the segments of the path, decoded.
    pub(crate) fn segments(&self) -> Vec<String> {
        let path = self.target.split('?').next().unwrap_or_default();
        path.trim_start_matches('/').split('/').map(percent_decoded).collect()
    }

    /// Returns a parameter of the query, decoded.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        let (_, query) = self.target.split_once('?')?;
        let mut pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.find(|(own, _)| *own == name).map(|(_, value)| percent_decoded(&value.replace('+', " ")))
    }
}

fn percent_decoded(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

/// An answer without a fault.
#[derive(Debug)]
pub(crate) struct Reply {
    status: u16,
    content_type: &'static str,
    headers: Vec<(&'static str, String)>,
    without: Vec<String>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn ok(body: &Value) -> Self {
        Self::json(200, body)
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::called_json(status, &body.to_string())
    }

    /// An answer with the content type JSON, whatever its body.
    pub(crate) fn called_json(status: u16, text: &str) -> Self {
        Self::raw(status, "application/json; charset=utf-8", text.as_bytes())
    }

    /// An answer in plain text.
    pub(crate) fn text(status: u16, text: &str) -> Self {
        Self::raw(status, "text/plain; charset=utf-8", text.as_bytes())
    }

    /// An answer with a status and no body.
    pub(crate) fn empty(status: u16) -> Self {
        Self::text(status, "")
    }

    /// Adds a header.
    pub(crate) fn with(mut self, name: &'static str, value: &impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    /// Leaves out a header.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.without.push(name.to_owned());
        self
    }

    /// A load balancer's page.
    pub(crate) fn html(status: u16) -> Self {
        let body = format!("<html>\n<head><title>{status}</title></head>\n<body>load balancer</body>\n</html>\n");
        Self::raw(status, "text/html", body.as_bytes())
    }

    /// An answer of these bytes, with any content type.
    pub(crate) fn raw(status: u16, content_type: &'static str, body: &[u8]) -> Self {
        Self { status, content_type, headers: Vec::new(), without: Vec::new(), body: body.to_vec() }
    }

    /// Returns the head of an answer with this content length, at this time.
    pub(crate) fn head(&self, length: usize, now: Timestamp) -> Vec<u8> {
        let date = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&now).unwrap_or_default();
        let own = [("Date", date), ("X-Nuon-API-Version", "simulated".to_owned())];
        let of_body = [("Content-Type", self.content_type.to_owned()), ("Content-Length", length.to_string())];
        // An answer without a body must not have a content length.
        let of_body = of_body.iter().filter(|_| self.status != 204);
        let all = own.iter().chain(&self.headers).chain(of_body);
        let kept = all.filter(|(name, _)| !self.without.iter().any(|own| own.eq_ignore_ascii_case(name)));
        let headers: String = kept.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        format!("HTTP/1.1 {} Simulated\r\n{headers}\r\n", self.status).into_bytes()
    }
}
