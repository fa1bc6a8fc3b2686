//! As much of HTTP/1.1 as the simulator needs, on bare sockets: it has to break the protocol at any place, which a
//! framework would prevent.

use std::io;
use std::ops::Range;
use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::lock;
use crate::script::{Answer, Body, Fault};
use crate::sinks::Sink;
use crate::state::State;

/// A request is small; a longer head is no request of ours.
const LONGEST_HEAD: usize = 64 * 1024;
/// So much of a body is kept.
const LONGEST_BODY: usize = 1024 * 1024;
/// More than any client may read.
const HUGE: usize = 17 * 1024 * 1024;

/// A request as it came.
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
    /// The first MiB of the body, of a `POST` or of a request to a service that is told of deploys.
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
    let mut bytes = Vec::new();
    let mut rest = segment.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = match tail {
            [high, low, ..] if *first == b'%' => {
                std::str::from_utf8(&[*high, *low]).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok())
            }
            _ => None,
        };
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// An answer without fault.
#[derive(Debug)]
pub(crate) struct Reply {
    status: u16,
    content_type: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Reply {
    pub(crate) fn ok(body: &Value) -> Self {
        Self::json(200, body)
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::called_json(status, &body.to_string())
    }

    /// An answer that is said to be JSON, whatever it is.
    pub(crate) fn called_json(status: u16, text: &str) -> Self {
        Self { body: text.as_bytes().to_vec(), ..Self::of(status, "application/json; charset=utf-8") }
    }

    /// An answer in plain text.
    pub(crate) fn text(status: u16, text: &str) -> Self {
        Self { body: text.as_bytes().to_vec(), ..Self::of(status, "text/plain; charset=utf-8") }
    }

    /// An answer that is its status.
    pub(crate) fn empty(status: u16) -> Self {
        Self::text(status, "")
    }

    /// Adds a header.
    pub(crate) fn with(mut self, name: &'static str, value: &impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    fn html(status: u16) -> Self {
        let body = format!("<html>\n<head><title>{status}</title></head>\n<body>load balancer</body>\n</html>\n");
        Self { body: body.into_bytes(), ..Self::of(status, "text/html") }
    }

    fn of(status: u16, content_type: &'static str) -> Self {
        Self { status, content_type, headers: Vec::new(), body: Vec::new() }
    }

    fn head(&self, length: usize) -> Vec<u8> {
        let Self { status, content_type, headers, .. } = self;
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        #[expect(clippy::disallowed_methods, reason = "the simulated server has a clock of its own")]
        let now = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&Timestamp::now()).unwrap_or_default();
        // An answer that cannot have a body must not tell its length.
        let body = match status {
            204 => String::new(),
            _ => format!("Content-Type: {content_type}\r\nContent-Length: {length}\r\n"),
        };
        let head = format!(
            "HTTP/1.1 {status} Simulated\r\nDate: {now}\r\nX-Nuon-API-Version: simulated\r\n{headers}{body}\r\n"
        );
        head.into_bytes()
    }
}

/// Serves connections for ever.
pub(crate) async fn serve(listener: &TcpListener, state: &std::sync::Arc<Mutex<State>>) {
    loop {
        // An `accept` that fails (a client that went away) is no reason to stop serving the others.
        if let Ok((stream, _)) = listener.accept().await {
            let state = std::sync::Arc::clone(state);
            tokio::spawn(async move {
                // The client went away, or was sent away by a fault.
                let _ = connection(stream, &state).await;
            });
        }
    }
}

async fn connection(mut stream: TcpStream, state: &Mutex<State>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut buffer).await? {
        let (reply, fault) = lock(state).answer(request);
        match fault {
            None => write(&mut stream, &reply).await?,
            Some(fault) => {
                if !strike(&mut stream, &fault).await? {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

async fn write(stream: &mut TcpStream, reply: &Reply) -> io::Result<()> {
    let mut bytes = reply.head(reply.body.len());
    bytes.extend_from_slice(&reply.body);
    stream.write_all(&bytes).await
}

/// Does what the fault says instead of answering; tells whether the connection can be used on.
async fn strike(stream: &mut TcpStream, fault: &Fault) -> io::Result<bool> {
    let sentence = json!({"id": "dplnobody0000000000000000", "status": "active", "status_description": "never whole"});
    let whole = Reply::ok(&sentence);
    let half = whole.body.len() / 2;
    let plain = |content_type, body: &[u8]| Reply { body: body.to_vec(), ..Reply::of(200, content_type) };
    let reply = match fault.answer {
        Answer::Status => error_reply(fault),
        Answer::Redirect => {
            let location = ("Location", "https://elsewhere.example/v1".to_owned());
            Reply {
                headers: vec![location],
                ..Reply::html(if (300..400).contains(&fault.code) { fault.code } else { 302 })
            }
        }
        Answer::Truncated => plain("application/json", &whole.body[..half]),
        Answer::Undecodable => plain("application/json", b"{\"id\": dpl, chunked garbage"),
        Answer::Html => plain("text/html", b"<html><body>signed out</body></html>"),
        Answer::Null => plain("application/json", b"null"),
        Answer::Array => plain("application/json", b"[]"),
        Answer::Nothing => plain("application/json", b""),
        Answer::Compressed => Reply { headers: vec![("Content-Encoding", "gzip".to_owned())], ..whole },
        Answer::Huge => plain("application/json", &vec![b' '; HUGE]),
        Answer::Reset => {
            stream.set_zero_linger()?;
            return Ok(false);
        }
        Answer::ResetInHead => return reset_after(stream, &whole.head(half)[..half]).await,
        Answer::ResetInBody => {
            return reset_after(stream, &[whole.head(whole.body.len()), whole.body[..half].to_vec()].concat()).await;
        }
        Answer::LengthTooLong => {
            stream.write_all(&[whole.head(2 * whole.body.len()), whole.body].concat()).await?;
            return Ok(false);
        }
        Answer::LengthTooShort => {
            stream.write_all(&[whole.head(half), whole.body].concat()).await?;
            return Ok(true);
        }
        Answer::Unchunked => {
            let head = "HTTP/1.1 200 Simulated\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
            stream.write_all(&[head.as_bytes(), &whole.body].concat()).await?;
            return Ok(false);
        }
        Answer::Hang => std::future::pending().await,
        Answer::Drip => {
            stream.write_all(&whole.head(whole.body.len())).await?;
            for byte in &whole.body {
                stream.write_all(&[*byte]).await?;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            return Ok(false);
        }
        // What lags is an answer, and has been given.
        Answer::Lagging | Answer::ClockBehind => whole,
    };
    write(stream, &with_retry_after(reply, fault)).await?;
    Ok(true)
}

/// Resets the connection once these bytes have been sent.
async fn reset_after(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<bool> {
    stream.write_all(bytes).await?;
    stream.flush().await?;
    // The reset would overtake what has been written, so it is given a moment to arrive.
    tokio::time::sleep(Duration::from_millis(20)).await;
    stream.set_zero_linger()?;
    Ok(false)
}

fn error_reply(fault: &Fault) -> Reply {
    let text = "error injected by the script";
    match fault.body {
        Body::Json => Reply::json(fault.code, &json!({"error": text, "description": text})),
        Body::Capitalised => Reply::json(fault.code, &json!({"Err": {}, "Description": text})),
        Body::Html => Reply::html(fault.code),
        Body::Empty => Reply::of(fault.code, "text/plain"),
    }
}

fn with_retry_after(mut reply: Reply, fault: &Fault) -> Reply {
    reply.headers.extend(fault.retry_after.clone().map(|value| ("Retry-After", value)));
    reply
}

/// Reads a request, with its body if somebody may want to see it; `None` at the end of the connection.
async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<Seen>> {
    loop {
        if let Some((mut request, body)) = parse(buffer)? {
            while buffer.len() < body.end {
                if stream.read_buf(buffer).await? == 0 {
                    return Ok(None);
                }
            }
            if request.method == "POST" || Sink::of(&request.segments()).is_some() {
                let kept = body.start..body.end.min(body.start + LONGEST_BODY);
                request.body = String::from_utf8_lossy(&buffer[kept]).into_owned();
            }
            buffer.drain(..body.end);
            return Ok(Some(request));
        }
        if buffer.len() > LONGEST_HEAD || stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

/// Parses a whole head; returns the request and where its body is.
fn parse(buffer: &[u8]) -> io::Result<Option<(Seen, Range<usize>)>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
    let httparse::Status::Complete(head) = request.parse(buffer).map_err(invalid)? else { return Ok(None) };
    let text = |header: &httparse::Header<'_>| {
        (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).into_owned())
    };
    let mut seen = Seen {
        method: request.method.unwrap_or_default().to_owned(),
        target: request.path.unwrap_or_default().to_owned(),
        headers: request.headers.iter().map(text).collect(),
        authorization: None,
        org: None,
        body: String::new(),
    };
    seen.authorization = seen.header("authorization").map(str::to_owned);
    seen.org = seen.header("x-nuon-org-id").map(str::to_owned);
    let length = seen.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    Ok(Some((seen, head..head.saturating_add(length))))
}
