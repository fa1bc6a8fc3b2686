//! Spoils answers with a fault.

use fastrand::Rng;

use crate::transcript::HttpAnswer;

use super::clock::Clock;
use super::fault::Fault;
use super::reply::Reply;

/// An answer with its headers.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) reply: Reply,
    pub(super) kind: &'static str,
    /// Whether it has Nuon's own header.
    pub(super) version: bool,
    pub(super) date: bool,
    pub(super) more: Vec<(&'static str, String)>,
    /// A body that is not text.
    pub(super) bytes: Option<Vec<u8>>,
}

impl Sent {
    /// An answer without a fault.
    pub(super) fn new(reply: Reply) -> Self {
        Self {
            reply,
            kind: "application/json; charset=utf-8",
            version: true,
            date: true,
            more: Vec::new(),
            bytes: None,
        }
    }

    /// Adds the headers.
    pub(super) fn answer(self, version: &str, date: impl FnOnce() -> String) -> HttpAnswer {
        let mut headers = Vec::with_capacity(8);
        let mut put = |name: &str, value: String| headers.push((name.to_owned(), value));
        put("content-type", self.kind.to_owned());
        if self.date {
            put("date", date());
        }
        if self.version {
            put("x-nuon-api-version", version.to_owned());
        }
        if let Some((offset, limit, more)) = self.reply.page {
            put("x-nuon-page-next", more.to_string());
            put("x-nuon-page-offset", offset.to_string());
            put("x-nuon-page-limit", limit.to_string());
        }
        for (name, value) in self.more {
            put(name, value);
        }
        let body = self.bytes.unwrap_or_else(|| self.reply.body.into_bytes());
        HttpAnswer::new(self.reply.status, headers, body)
    }
}

fn wrong(status: u16, error: &str, text: &str) -> Sent {
    Sent::new(Reply::error(status, error, text))
}

fn good(body: &str) -> Sent {
    Sent::new(Reply::good(body.to_owned()))
}

/// Answers that refuse any request.
fn refused(rng: &mut Rng, fault: Fault, clock: &Clock, at: i64) -> Option<Sent> {
    Some(match fault {
        Fault::Client => {
            let status =
                if rng.bool() { rng.u16(400..452) } else { [400, 408, 409, 410, 422, 425, 429][rng.usize(..7)] };
            wrong(status, "unable to serve this request", "request is not valid")
        }
        Fault::Unauthorized => {
            wrong(401, "token was not found", "Please make sure you set the -H Authorization:Bearer token header")
        }
        Fault::Forbidden => wrong(403, "org was not found", "Please make sure you have access to this org"),
        Fault::NotThere => Sent::new(Reply::none("record")),
        Fault::Server => {
            let status = [500, 500, 500, 501, 502, 503, 504, 505, 507, 511, 520, 599][rng.usize(..12)];
            wrong(status, "unable to get install deploys: connection slots are reserved", "")
        }
        Fault::Chaos if rng.bool() => status(good(r#"{"Err":{},"Description":"error injected for testing"}"#), 500),
        Fault::Chaos => status(good(r#"{"error":"request timed out on purpose","code":"CHAOS_TIMEOUT"}"#), 408),
        Fault::Ingress => {
            let code =
                [200, 400, 401, 403, 403, 404, 404, 408, 413, 429, 500, 502, 502, 503, 503, 504][rng.usize(..16)];
            let html = "<html><head><title>load balancer</title></head><body><h1>not now</h1></body></html>\n";
            Sent { kind: "text/html", version: false, date: rng.bool(), ..status(good(html), code) }
        }
        Fault::IngressJson => {
            let code = [401, 403, 404, 404, 429, 500, 503][rng.usize(..7)];
            Sent { version: false, ..status(good(r#"{"message":"no Route matched with those values"}"#), code) }
        }
        Fault::RetryAfter => {
            let code = [429, 429, 503][rng.usize(..3)];
            let seconds = [0, 1, 2, 5, 10, 30, 120, 3600][rng.usize(..8)];
            let after = match rng.u8(..4) {
                0 => clock.http_date(at + seconds * 1000),
                _ => (seconds / clock.divide).to_string(),
            };
            let sent = wrong(code, "too many requests", "slow down");
            Sent { version: rng.bool(), more: vec![("retry-after", after)], ..sent }
        }
        Fault::Redirect => {
            let code = [301, 302, 303, 307, 308][rng.usize(..5)];
            let to = ["https://login.nuon.test/", "/v1/elsewhere", ""][rng.usize(..3)];
            Sent { version: false, more: vec![("location", to.to_owned())], ..status(good(""), code) }
        }
        _ => return None,
    })
}

/// Applies a fault to a good answer.
pub(super) fn spoil(rng: &mut Rng, fault: Fault, mut reply: Reply, clock: &Clock, at: i64) -> Sent {
    if let Some(refused) = refused(rng, fault, clock, at) {
        return refused;
    }
    match fault {
        Fault::EmptyObject => good("{}"),
        Fault::EmptyArray => good("[]"),
        Fault::Scalar => good(["null", "null", "true", "\"ok\"", "0"][rng.usize(..5)]),
        Fault::Nothing => status(good(""), [200, 200, 202, 204][rng.usize(..4)]),
        Fault::Truncated => {
            // Our own bodies are ASCII, so they can be cut anywhere.
            let length = reply.body.len();
            reply.body.truncate(rng.usize(..length.max(1)));
            Sent::new(reply)
        }
        Fault::ErrorIn200 => status(wrong(500, "unable to get install deploys: timeout", "timeout"), 200),
        Fault::Compressed => {
            let bytes = Some(vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xab, 0xae]);
            Sent { bytes, more: vec![("content-encoding", "gzip".to_owned())], ..Sent::new(reply) }
        }
        Fault::NoVersion => Sent { version: false, ..Sent::new(reply) },
        Fault::NoDate => Sent { date: false, ..Sent::new(reply) },
        // The other faults are already in the body.
        _ => Sent::new(reply),
    }
}

fn status(mut sent: Sent, status: u16) -> Sent {
    sent.reply.status = status;
    sent
}
