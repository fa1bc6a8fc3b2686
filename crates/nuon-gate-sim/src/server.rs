//! As much of HTTP/1.1 as the simulator needs, on bare sockets, because it has to break the protocol anywhere, which a
//! framework would prevent.

use std::io;
use std::ops::Range;
use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::bodies;
use crate::message::{Reply, Seen};
use crate::script::{Answer, Body, Fault};
use crate::sinks::Sink;
use crate::state::{Answered, State, lock};

/// Upper bound for a request's head; ours are far smaller.
const LONGEST_HEAD: usize = 64 * 1024;
/// How much of a body is kept.
const LONGEST_BODY: usize = 1024 * 1024;
/// More than any client should read.
const HUGE: usize = 17 * 1024 * 1024;
/// How often held requests are checked.
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// Serves connections for ever.
pub(crate) async fn serve(listener: &TcpListener, state: &std::sync::Arc<Mutex<State>>) {
    loop {
        // A failed `accept` (the client has gone) must not stop the server.
        if let Ok((stream, _)) = listener.accept().await {
            let state = std::sync::Arc::clone(state);
            tokio::spawn(async move {
                // The client has gone, or a fault closed the connection.
                let _ = connection(stream, &state).await;
            });
        }
    }
}

async fn connection(mut stream: TcpStream, state: &Mutex<State>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut buffer).await? {
        let (answered, fault) = lock(state).answer(request);
        let strikes = fault.as_ref().filter(|fault| fault.change.is_none());
        if let Some(fault) = strikes {
            let date = lock(state).date();
            if !strike(&mut stream, fault, date).await? {
                return Ok(());
            }
            continue;
        }
        let mut reply = hold(answered, state).await;
        if let Some(change) = fault.and_then(|fault| fault.change) {
            reply = change.apply(reply);
        }
        let date = lock(state).date();
        write(&mut stream, &reply, date).await?;
    }
    Ok(())
}

/// Waits until the request can be answered.
async fn hold(mut answered: Answered, state: &Mutex<State>) -> Reply {
    loop {
        match answered {
            Answered::Given(reply) => return reply,
            Answered::Held(held) => {
                tokio::time::sleep(ASK_AGAIN).await;
                answered = lock(state).answer_held(held);
            }
        }
    }
}

async fn write(stream: &mut TcpStream, reply: &Reply, date: Timestamp) -> io::Result<()> {
    let mut bytes = reply.head(reply.body.len(), date);
    bytes.extend_from_slice(&reply.body);
    stream.write_all(&bytes).await
}

/// Applies a fault in place of the answer. Returns whether the connection can still be used.
async fn strike(stream: &mut TcpStream, fault: &Fault, date: Timestamp) -> io::Result<bool> {
    let sentence = json!({"id": "dplnobody0000000000000000", "status": "active", "status_description": "never whole"});
    let whole = Reply::ok(&sentence);
    let half = whole.body.len() / 2;
    let plain = |content_type, body: &[u8]| Reply::raw(200, content_type, body);
    let reply = match fault.answer {
        Answer::Status => error_reply(fault),
        Answer::Redirect => {
            let code = if (300..400).contains(&fault.code) { fault.code } else { 302 };
            Reply::html(code).with("Location", &"https://elsewhere.example/v1")
        }
        Answer::Truncated => plain("application/json", &whole.body[..half]),
        Answer::Undecodable => plain("application/json", b"{\"id\": dpl, chunked garbage"),
        Answer::Html => plain("text/html", b"<html><body>signed out</body></html>"),
        Answer::Null => plain("application/json", b"null"),
        Answer::Array => plain("application/json", b"[]"),
        Answer::EmptyObject => plain("application/json", b"{}"),
        Answer::Another => whole,
        Answer::Nothing => plain("application/json", b""),
        Answer::Compressed => whole.with("Content-Encoding", &"gzip"),
        Answer::Huge => plain("application/json", &vec![b' '; HUGE]),
        Answer::Bomb => {
            let bomb = bodies::compressed(&vec![b' '; HUGE]);
            plain("application/json", &bomb).with("Content-Encoding", &"gzip")
        }
        Answer::Reset => {
            stream.set_zero_linger()?;
            return Ok(false);
        }
        Answer::ResetInHead => return reset_after(stream, &whole.head(half, date)[..half]).await,
        Answer::ResetInBody => {
            return reset_after(stream, &[whole.head(whole.body.len(), date), whole.body[..half].to_vec()].concat())
                .await;
        }
        Answer::LengthTooLong => {
            stream.write_all(&[whole.head(2 * whole.body.len(), date), whole.body].concat()).await?;
            return Ok(false);
        }
        Answer::LengthTooShort => {
            stream.write_all(&[whole.head(half, date), whole.body].concat()).await?;
            return Ok(true);
        }
        Answer::Unchunked => {
            let head = "HTTP/1.1 200 Simulated\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
            stream.write_all(&[head.as_bytes(), &whole.body].concat()).await?;
            return Ok(false);
        }
        Answer::Hang => std::future::pending().await,
        Answer::Drip => {
            stream.write_all(&whole.head(whole.body.len(), date)).await?;
            for byte in &whole.body {
                stream.write_all(&[*byte]).await?;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            return Ok(false);
        }
        // These have been given as a whole.
        Answer::Lagging | Answer::ClockBehind | Answer::Changed => whole,
    };
    write(stream, &with_retry_after(reply, fault), date).await?;
    Ok(true)
}

/// Resets the connection once these bytes have been sent.
async fn reset_after(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<bool> {
    stream.write_all(bytes).await?;
    stream.flush().await?;
    // The reset would overtake what was written, so that gets a moment to arrive.
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
        Body::Empty => Reply::raw(fault.code, "text/plain", b""),
    }
}

fn with_retry_after(reply: Reply, fault: &Fault) -> Reply {
    match &fault.retry_after {
        Some(value) => reply.with("Retry-After", value),
        None => reply,
    }
}

/// Reads a request, with its body if it is kept; `None` at the end of the connection.
async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<Seen>> {
    loop {
        if let Some((mut request, body)) = parse(buffer)? {
            while buffer.len() < body.end {
                if stream.read_buf(buffer).await? == 0 {
                    return Ok(None);
                }
            }
            if matches!(request.method.as_str(), "POST" | "PUT") || Sink::of(&request.segments()).is_some() {
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

/// Parses a complete head. Returns the request and the range of its body.
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
