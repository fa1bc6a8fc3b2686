//! What a proxy answers when it refuses a tunnel.

use std::time::Duration;

use reqwest::Url;
use reqwest::header::HeaderValue;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::Proxy;

/// Upper bound for a status line, which is far shorter.
const LARGEST_LINE: u64 = 1024;
/// The proxy has answered once already, so it is quick or silent.
const LONGEST: Duration = Duration::from_secs(5);

/// Asks a proxy for the tunnel again, only for the status code, which the HTTP library does not expose. `None` if
/// there is no answer, if the proxy now accepts, or if the proxy itself speaks TLS.
pub(crate) async fn status(proxy: &Proxy, url: &Url, user_agent: &str, left: Duration) -> Option<u16> {
    if !proxy.is_plain() {
        return None;
    }
    let line = timeout(left.min(LONGEST), ask(proxy, url, user_agent)).await.ok()??;
    let status = String::from_utf8_lossy(&line).strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()?;
    (300..600).contains(&status).then_some(status)
}

async fn ask(proxy: &Proxy, url: &Url, user_agent: &str) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(proxy.socket()).await.ok()?;
    let place = format!("{}:{}", url.host_str()?, url.port_or_known_default()?);
    let mut head = format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\nUser-Agent: {user_agent}\r\n").into_bytes();
    if let Some(authorization) = proxy.authorization().map(HeaderValue::as_bytes) {
        head.extend([b"Proxy-Authorization: ", authorization, b"\r\n"].concat());
    }
    head.extend(b"\r\n");
    stream.write_all(&head).await.ok()?;
    let mut line = Vec::new();
    BufReader::new(stream.take(LARGEST_LINE)).read_until(b'\n', &mut line).await.ok()?;
    Some(line)
}
