//! A server that misbehaves byte by byte, which a well-behaved mock cannot.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use nuon_gate_core::api::{ApiUrl, Client, Connection, Credentials};
use nuon_gate_core::{ApiToken, ComponentId, InstallId};
use nuon_gate_http::Setup;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(crate) const TOKEN: &str = "token-of-the-pipeline";
pub(crate) const USER_AGENT: &str = "nuon-gate/0.0.0 (+https://gate.example)";

pub(crate) fn connection(url: &str) -> Connection {
    Connection {
        url: ApiUrl::new(url, false).unwrap(),
        org: "org1".parse().unwrap(),
        credentials: Credentials::Token(ApiToken::new(TOKEN).unwrap()),
        setup: setup(),
    }
}

pub(crate) fn setup() -> Setup {
    Setup { user_agent: USER_AGENT.to_owned(), ..Setup::default() }
}

pub(crate) fn client_of(url: &str, request_timeout: Duration) -> Client {
    Client::new(&connection(url)).unwrap().within(request_timeout)
}

pub(crate) fn ids(install: &str, component: &str) -> (InstallId, ComponentId) {
    (install.parse().unwrap(), component.parse().unwrap())
}

/// How an answer ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    Close,
    Reset,
    Hang,
    /// Chunks of an endless JSON text.
    Endless,
}

/// Serves the same bytes to every request. Returns the server's address and the heads of the requests.
pub(crate) async fn raw(answer: impl Into<Vec<u8>>, end: End) -> (String, Arc<Mutex<Vec<String>>>) {
    by_path(vec![("", answer.into(), end)]).await
}

/// Serves bytes by the end of the requested path.
pub(crate) async fn by_path(answers: Answers) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let heads: Arc<Mutex<Vec<String>>> = Arc::default();
    let (answers, seen) = (Arc::new(answers), Arc::clone(&heads));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&answers), Arc::clone(&seen)));
        }
    });
    (url, heads)
}

type Answers = Vec<(&'static str, Vec<u8>, End)>;

async fn serve(mut stream: TcpStream, answers: Arc<Answers>, heads: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split([' ', '?']).nth(1).unwrap_or_default().to_owned();
    heads.lock().unwrap().push(head);
    let Some((_, answer, end)) = answers.iter().find(|(own, ..)| path.ends_with(own)) else { return };
    // The client may close the connection at any time.
    let _ = stream.write_all(answer).await;
    match end {
        End::Close => {}
        End::Reset => {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let _ = stream.set_zero_linger();
        }
        End::Hang => std::future::pending().await,
        End::Endless => {
            let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat();
            while stream.write_all(&chunk).await.is_ok() {}
        }
    }
}

/// Writes a complete answer.
pub(crate) fn answer(head: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).into_bytes()
}
