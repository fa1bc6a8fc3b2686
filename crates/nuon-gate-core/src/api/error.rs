//! Errors of the API and their classes: retried or final (`docs/nuon-api.md`, "Errors and what answers them").

use std::time::Duration;

use nuon_gate_http::{Failure, ProxyFailure, ProxyTrouble};

use crate::timeline::human;
use crate::{InvalidToken, Line};

/// Why there is no good answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// No connection: the name does not resolve, nobody listens, or the handshake broke off.
    #[error("could not connect to {host}: {detail}")]
    Connect {
        /// The API's host.
        host: String,
        /// The system's error text.
        detail: String,
    },
    /// The server's certificate is not trusted.
    #[error("the certificate of {host} is not trusted: {detail}")]
    Certificate {
        /// The API's host.
        host: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The proxy does not let the request through.
    #[error(transparent)]
    Proxy(ProxyFailure),
    /// No complete answer in time.
    #[error("no answer {}", within(*.0))]
    Timeout(Duration),
    /// The connection ended in the middle of an answer.
    #[error("the connection broke off: {0}")]
    Broken(String),
    /// A redirect, which is never followed: the token is for the configured host alone.
    #[error("HTTP {status}: redirected to {to}, which is not followed")]
    Redirect {
        /// The status code.
        status: u16,
        /// The host it points to.
        to: String,
        /// The pause that the server asks for.
        retry_after: Option<Duration>,
    },
    /// A status code other than success.
    #[error("HTTP {status}{}{}", said(.message.as_ref()), asked(*.retry_after))]
    Status {
        /// The status code.
        status: u16,
        /// The server's message.
        message: Option<Line>,
        /// The pause that the server asks for.
        retry_after: Option<Duration>,
        /// Whether the server itself sent it, rather than an ingress, a firewall or a proxy in front of it.
        from_nuon: bool,
    },
    /// The server has no such endpoint, and says so in its framework's form: it is older than that, or the address has a path
    /// too much. Says nothing about what was requested.
    #[error("HTTP 404: the server has no such endpoint")]
    NoEndpoint,
    /// What was requested exists, but belongs to someone else.
    #[error("{what} belongs to {owner}, not to {expected}")]
    Elsewhere {
        /// What was requested.
        what: String,
        /// Its owner.
        owner: String,
        /// The expected owner.
        expected: String,
    },
    /// A success whose body cannot be read, or is about something else.
    #[error("undecodable answer: {0}")]
    Undecodable(String),
    /// A success from something else: a login page, a captive portal, another service.
    #[error("{}", .0.plain())]
    Stranger(Line),
    /// Signing in failed, so the request was not sent.
    #[error(transparent)]
    SignIn(#[from] SignInError),
}

/// Nobody sets such a short limit: the last request before a deadline only has the time that is left.
fn within(limit: Duration) -> String {
    match limit < Duration::from_millis(10) {
        true => "before the time was up".to_owned(),
        false => format!("within {}", human(limit)),
    }
}

/// Why an identity was not exchanged for a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignInError {
    /// The file with the identity token cannot be used.
    #[error("no identity token can be read from the file: {0}")]
    File(String),
    /// The issuer of identity tokens does not give one.
    #[error("no identity token from {host}: {cause}")]
    Issuer {
        /// The issuer's host.
        host: String,
        /// What came instead.
        cause: Box<ApiError>,
    },
    /// The API refuses a token for the identity.
    #[error("signing in failed: {0}")]
    Exchange(Box<ApiError>),
    /// The API does not support signing in.
    #[error("this server does not support signing in with an identity: {0}")]
    Unsupported(Box<ApiError>),
    /// The API says that the identity is not authenticated.
    #[error("signing in failed: the API does not authenticate this identity")]
    NotAuthenticated,
    /// The API gives a token for another organisation.
    #[error("signing in failed: the token is for another organisation")]
    OtherOrganisation,
    /// The API's answer is not a valid token.
    #[error("signing in failed: {0}")]
    Token(InvalidToken),
}

impl SignInError {
    /// Returns how to handle it. However it is phrased, a refused identity is handled like a refused token.
    fn class(&self) -> ErrorClass {
        match self {
            // The issuer is not the API, and refuses in its own form.
            Self::Issuer { cause, .. } if cause.refuses() => ErrorClass::Denied,
            Self::Issuer { cause, .. } | Self::Exchange(cause) => match cause.class() {
                class @ (ErrorClass::Transient | ErrorClass::Untrusted | ErrorClass::Foreign) => class,
                ErrorClass::Denied | ErrorClass::Missing | ErrorClass::Refused | ErrorClass::Elsewhere => {
                    ErrorClass::Denied
                }
            },
            Self::File(_)
            | Self::Unsupported(_)
            | Self::NotAuthenticated
            | Self::OtherOrganisation
            | Self::Token(_) => ErrorClass::Denied,
        }
    }
}

/// How to handle an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// Transient: poll again until the outage timeout expires.
    Transient,
    /// 401 and 403, and a refused identity: final at first, transient for a while after a success, since a server with
    /// problems answers like this as well.
    Denied,
    /// 404.
    Missing,
    /// Any other 4xx of the server's: a retry would not help.
    Refused,
    /// A 401, 403 or 404 that the server itself did not send. The address may be wrong, until the server itself has
    /// answered; after that, it is transient.
    Foreign,
    /// It belongs to someone else.
    Elsewhere,
    /// A certificate that is not trusted: final at first, transient after a success.
    Untrusted,
}

/// Turns an HTTP failure into an error of the API. Texts of the system become lines.
impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        let line = |text: String| Line::new(text).cut(200).plain().to_owned();
        match failure {
            Failure::Connect { host, detail } => Self::Connect { host, detail: line(detail) },
            Failure::Certificate { host, detail } => Self::Certificate { host, detail: line(detail) },
            Failure::Proxy(failure) => Self::Proxy(failure),
            Failure::Timeout(limit) => Self::Timeout(limit),
            Failure::Broken(detail) => Self::Broken(line(detail)),
        }
    }
}

fn said(message: Option<&Line>) -> String {
    message.map(|text| format!(": {}", text.plain())).unwrap_or_default()
}

fn asked(pause: Option<Duration>) -> String {
    pause
        .filter(|pause| !pause.is_zero())
        .map(|pause| format!(", and asks to wait {}", human(pause)))
        .unwrap_or_default()
}

impl ApiError {
    /// The error for an answer that is not about what was requested.
    pub fn unexpected() -> Self {
        Self::Undecodable("the answer is about something else".to_owned())
    }

    /// Returns how to handle this error.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::SignIn(error) => error.class(),
            Self::Certificate { .. } | Self::Proxy(ProxyFailure { trouble: ProxyTrouble::Untrusted(_), .. }) => {
                ErrorClass::Untrusted
            }
            Self::Elsewhere { .. } => ErrorClass::Elsewhere,
            Self::Status { status: 401 | 403 | 404, from_nuon: false, .. } | Self::NoEndpoint => ErrorClass::Foreign,
            Self::Status { status: 401 | 403, .. } => ErrorClass::Denied,
            Self::Status { status: 404, .. } => ErrorClass::Missing,
            Self::Status { status: 408 | 409 | 425 | 429, .. } => ErrorClass::Transient,
            Self::Status { status: 400..=499, from_nuon: true, .. } => ErrorClass::Refused,
            Self::Status { .. }
            | Self::Connect { .. }
            | Self::Proxy(_)
            | Self::Timeout(_)
            | Self::Broken(_)
            | Self::Redirect { .. }
            | Self::Stranger(_)
            | Self::Undecodable(_) => ErrorClass::Transient,
        }
    }

    /// Returns whether the server says that there is no such thing, or not even an endpoint for it.
    pub fn is_absence(&self) -> bool {
        *self == Self::NoEndpoint || self.class() == ErrorClass::Missing
    }

    /// Returns whether someone else seems to answer at the API's address: another service, a login page, a firewall.
    pub fn is_strangers(&self) -> bool {
        match self {
            // A proxy, or a server with problems, also sends these.
            Self::Status { status: 408 | 409 | 425 | 429, .. } => false,
            Self::Status { status: 400..=499, from_nuon: false, .. } | Self::Status { status: 511, .. } => true,
            error => error.class() == ErrorClass::Foreign || matches!(error, Self::Stranger(_)),
        }
    }

    /// Returns whether a server, whichever it is, refuses the request.
    fn refuses(&self) -> bool {
        matches!(self, Self::Status { status: 400..=499, .. }) && !matches!(self.status(), Some(408 | 409 | 425 | 429))
    }

    /// Returns whether the API itself sent this, according to its header.
    pub(crate) fn is_from_nuon(&self) -> bool {
        matches!(self, Self::Status { from_nuon: true, .. } | Self::Elsewhere { .. })
    }

    /// Returns the pause that the server asks for.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Redirect { retry_after, .. } | Self::Status { retry_after, .. } => *retry_after,
            Self::SignIn(SignInError::Exchange(cause) | SignInError::Issuer { cause, .. }) => cause.retry_after(),
            _ => None,
        }
    }

    /// Returns the status code, if there was an answer to the request itself.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Redirect { status, .. } | Self::Status { status, .. } => Some(*status),
            Self::NoEndpoint => Some(404),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_nobody_has_set_is_not_named() {
        let cases = [(0, "before the time was up"), (9, "before the time was up"), (700, "within 700ms")];
        for (millis, words) in cases {
            assert_eq!(ApiError::Timeout(Duration::from_millis(millis)).to_string(), format!("no answer {words}"));
        }
    }

    #[test]
    fn every_status_code_has_its_class() {
        for (status, from_nuon) in (100..=599).flat_map(|status| [(status, true), (status, false)]) {
            let class = ApiError::Status { status, message: None, retry_after: None, from_nuon }.class();
            let expected = match status {
                401 | 403 | 404 if !from_nuon => ErrorClass::Foreign,
                401 | 403 => ErrorClass::Denied,
                404 => ErrorClass::Missing,
                408 | 409 | 425 | 429 => ErrorClass::Transient,
                400..=499 if from_nuon => ErrorClass::Refused,
                _ => ErrorClass::Transient,
            };
            assert_eq!(class, expected, "{status}");
            let is_foreign = !from_nuon && (400..500).contains(&status) && !matches!(status, 408 | 409 | 425 | 429);
            let error = ApiError::Status { status, message: None, retry_after: None, from_nuon };
            assert_eq!(error.is_strangers(), is_foreign || status == 511, "{status}");
        }
    }
}
