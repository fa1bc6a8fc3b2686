//! A server that sends exactly the bytes of a case, endlessly if the case says so. The simulator and the generated
//! worlds cannot do that: they imitate a working server.

use std::io::{self, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use nuon_gate_soak::request_line;

/// A question, recognised by its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    Latest,
    Deploys,
    Deploy,
    Workflow,
    Components,
    Install,
    Logs,
    Other,
}

impl Question {
    fn of(path: &str) -> Self {
        let path = path.split('?').next().unwrap_or_default();
        match path.trim_start_matches('/').split('/').collect::<Vec<_>>()[..] {
            [_, "installs", _, "components", _, "deploys", "latest"] => Self::Latest,
            [_, "installs", _, "components", _, "deploys"] => Self::Deploys,
            [_, "installs", _, "deploys", _] => Self::Deploy,
            [_, "installs", _, "components"] => Self::Components,
            [_, "installs", _] => Self::Install,
            [_, "workflows", _] => Self::Workflow,
            [_, "log-streams", _, "logs"] => Self::Logs,
            _ => Self::Other,
        }
    }
}

/// A placeholder in an answer for the end of the id (or the component's id) at the end of the path.
pub(crate) const OWN: &str = "@@@@@@@@@@@@@@@@@@@@@@@";

/// An answer: bytes, and bytes that are repeated until the client closes the connection.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    first: Arc<[u8]>,
    /// Where [`OWN`] stands in them.
    own: Arc<[usize]>,
    again: Arc<[u8]>,
}

impl Answer {
    /// A complete answer.
    pub(crate) fn json(body: &str) -> Self {
        Self::with_head("200 OK", "", body)
    }

    /// A complete answer with a status and headers, each ended by a line break.
    pub(crate) fn with_head(status: &str, headers: &str, body: &str) -> Self {
        Self::bytes(format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len()))
    }

    /// Nuon's own answer for something that does not exist.
    fn not_found() -> Self {
        Self::with_head(
            "404 Not Found",
            "X-Nuon-API-Version: 0\r\n",
            r#"{"error":"record not found","user_error":true}"#,
        )
    }

    /// An answer in chunks of 64 KiB.
    pub(crate) fn chunked(body: &str) -> Self {
        let mut first = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for chunk in body.as_bytes().chunks(1 << 16) {
            first.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            first.extend_from_slice(chunk);
            first.extend_from_slice(b"\r\n");
        }
        first.extend_from_slice(b"0\r\n\r\n");
        Self::bytes(first)
    }

    /// Bytes as they are.
    pub(crate) fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        let first: Vec<u8> = bytes.into();
        let starts = first.iter().enumerate().filter(|(_, byte)| **byte == b'@').map(|(at, _)| at);
        let own = starts.filter(|at| first[*at..].starts_with(OWN.as_bytes())).collect();
        Self { first: first.into(), own, again: Arc::default() }
    }

    /// Sends it, with this end of the id.
    fn send(&self, stream: &mut TcpStream, id: &[u8]) -> io::Result<()> {
        let mut sent = 0;
        for at in self.own.iter().filter(|_| id.len() == OWN.len()) {
            stream.write_all(&self.first[sent..*at])?;
            stream.write_all(id)?;
            sent = at + OWN.len();
        }
        stream.write_all(&self.first[sent..])?;
        while !self.again.is_empty() {
            stream.write_all(&self.again)?;
        }
        Ok(())
    }

    /// Repeats these bytes after it for ever.
    pub(crate) fn then_endless(self, again: &str) -> Self {
        Self { again: again.as_bytes().into(), ..self }
    }
}

/// The answer to each question.
pub(crate) type Answers = Vec<(Question, Answer)>;

/// The server. It runs as long as the program.
pub(crate) struct Api {
    pub(crate) url: String,
    answers: Arc<Mutex<Arc<Answers>>>,
}

impl Api {
    /// Starts it on its own port.
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let answers: Arc<Mutex<Arc<Answers>>> = Arc::default();
        let served = Arc::clone(&answers);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answers = Arc::clone(&served.lock().unwrap_or_else(PoisonError::into_inner));
                // The client may close the connection at any time.
                thread::spawn(move || connection(stream, &answers));
            }
        });
        Ok(Self { url, answers })
    }

    /// Sets the answers from now on.
    pub(crate) fn answer(&self, answers: Answers) {
        *self.answers.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(answers);
    }
}

/// Returns the end of the id that a path names.
fn id_in(path: &str) -> &[u8] {
    let path = path.split('?').next().unwrap_or_default();
    let id = path.trim_end_matches("/latest").trim_end_matches("/deploys").rsplit('/').next().unwrap_or_default();
    id.as_bytes().last_chunk::<{ OWN.len() }>().map_or(b"", |end| end)
}

fn connection(mut stream: TcpStream, answers: &Answers) -> io::Result<()> {
    stream.set_nodelay(true)?;
    while let Some((_, path)) = request_line(&mut stream)? {
        let question = Question::of(&path);
        let own = answers.iter().find(|(own, _)| *own == question);
        match own {
            Some((_, answer)) => answer.send(&mut stream, id_in(&path))?,
            None => Answer::not_found().send(&mut stream, b"")?,
        }
    }
    Ok(())
}
