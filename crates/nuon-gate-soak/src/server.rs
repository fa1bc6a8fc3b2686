//! A world behind a real socket.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::transcript::{Answer, Exchange, HttpAnswer};
use crate::world::World;

/// The largest request, in bytes.
const LARGEST_HEAD: usize = 64 << 10;

/// A server that answers as its world does, by the time since the world's start, and records the requests.
///
/// It speaks as much HTTP/1.1 as its one client needs: requests without a body, one after the other on a connection.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) url: String,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    world: Mutex<World>,
    began: Instant,
    exchanges: Mutex<Vec<Exchange>>,
    requests: AtomicUsize,
    is_over: AtomicBool,
}

impl Server {
    /// Starts it on its own port; `began` is the start of the world.
    pub(crate) fn start(world: World, began: Instant) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Shared {
            world: Mutex::new(world),
            began,
            exchanges: Mutex::default(),
            requests: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
        });
        let own = Arc::clone(&shared);
        let accepting = thread::spawn(move || accept(&listener, &own));
        Ok(Self { url, shared, accepting })
    }

    /// Returns the number of requests so far.
    pub(crate) fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// Stops, and returns the requests and answers, in the order of the answers. The client must have ended: this waits
    /// for its connections.
    pub(crate) fn stop(self) -> io::Result<Vec<Exchange>> {
        self.shared.is_over.store(true, Ordering::Relaxed);
        // The accepting thread only checks for the stop at a new connection.
        TcpStream::connect(self.url.trim_start_matches("http://"))?;
        self.accepting.join().map_err(|_| io::Error::other("the server panicked"))?;
        let mut exchanges = std::mem::take(&mut *lock(&self.shared.exchanges));
        exchanges.sort_by_key(|own| own.done_ms);
        Ok(exchanges)
    }
}

/// A thread that panicked has only lost its own answer.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn accept(listener: &TcpListener, shared: &Shared) {
    thread::scope(|scope| {
        for stream in listener.incoming().flatten() {
            if shared.is_over.load(Ordering::Relaxed) {
                break;
            }
            // The client may close the connection at any time.
            scope.spawn(move || connection(stream, shared));
        }
    });
}

fn connection(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    while let Some((method, path)) = request_line(&mut stream)? {
        shared.requests.fetch_add(1, Ordering::Relaxed);
        let sent_ms = shared.now_ms();
        let (takes_ms, answer) = lock(&shared.world).answer(sent_ms, &method, &path);
        let is_there = waits(&stream, Duration::from_millis(takes_ms))?;
        let answer = if is_there { answer } else { Answer::Silence };
        // Taken before the answer is written, so that nothing the client does with it can seem to precede it.
        let done_ms = shared.now_ms();
        let bytes = if let Answer::Http(answer) = &answer { bytes(answer) } else { Vec::new() };
        lock(&shared.exchanges).push(Exchange { sent_ms, done_ms, method, path, answer });
        if bytes.is_empty() {
            return Ok(());
        }
        stream.write_all(&bytes)?;
    }
    Ok(())
}

impl Shared {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Reads a request's method and path; `None` if the client has closed the connection.
///
/// # Errors
///
/// If the connection fails.
pub fn request_line(stream: &mut TcpStream) -> io::Result<Option<(String, String)>> {
    stream.set_read_timeout(None)?;
    let (mut head, mut part) = (Vec::new(), [0; 4096]);
    while !head.ends_with(b"\r\n\r\n") {
        let length = stream.read(&mut part)?;
        if length == 0 || head.len() > LARGEST_HEAD {
            return Ok(None);
        }
        head.extend_from_slice(&part[..length]);
    }
    let text = String::from_utf8_lossy(&head);
    let mut words = text.split(' ').map(str::to_owned);
    Ok(words.next().zip(words.next()))
}

/// Waits for this time. Returns whether the client is still connected.
fn waits(stream: &TcpStream, time: Duration) -> io::Result<bool> {
    if time.is_zero() {
        return Ok(true);
    }
    stream.set_read_timeout(Some(time))?;
    match stream.peek(&mut [0]) {
        Ok(length) => Ok(length > 0),
        Err(error) => Ok(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)),
    }
}

/// Serialises an answer.
fn bytes(answer: &HttpAnswer) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} Said\r\n", answer.status);
    for (name, value) in &answer.headers {
        head += &format!("{name}: {value}\r\n");
    }
    if answer.status != 204 {
        head += &format!("content-length: {}\r\n", answer.body.len());
    }
    let mut bytes = (head + "\r\n").into_bytes();
    bytes.extend_from_slice(&answer.body);
    bytes
}
