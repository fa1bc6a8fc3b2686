//! A client with just enough HTTP for the simulator.

use std::io::{Read, Write};
use std::net::TcpStream;

use nuon_gate_sim::{Script, Sim};
use serde_json::Value;

/// A parsed answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) text: String,
}

impl Answer {
    /// Returns a header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let headers = self.head.lines().filter_map(|line| line.split_once(':'));
        let mut values = headers.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim());
        values.next()
    }

    /// Returns the body.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// Returns this member of every object in a list.
    pub(crate) fn each(&self, member: &str) -> Vec<String> {
        let rows = self.json();
        rows.as_array().unwrap().iter().map(|row| row[member].as_str().unwrap().to_owned()).collect()
    }
}

/// Serves a script.
pub(crate) fn serve(script: &str) -> Sim {
    let script: Script = script.parse().unwrap_or_else(|error| panic!("{error}\n{script}"));
    Sim::start(script, ([127, 0, 0, 1], 0).into()).unwrap()
}

/// Sends a GET with valid credentials.
pub(crate) fn get(sim: &Sim, target: &str) -> Answer {
    ask(sim, "GET", target, "")
}

/// Posts an empty object with valid credentials.
pub(crate) fn post(sim: &Sim, target: &str) -> Answer {
    ask(sim, "POST", target, "Content-Length: 2\r\n")
}

/// Sends a request with valid credentials and these header lines.
pub(crate) fn ask(sim: &Sim, method: &str, target: &str, headers: &str) -> Answer {
    let body = if method == "POST" { "{}" } else { "" };
    let headers =
        format!("Authorization: Bearer simulated-token\r\nX-Nuon-Org-ID: orgsimulated00000000000000\r\n{headers}");
    read(&exchange(&(sim.url() + target), method, &headers, body))
}

/// Sends JSON with these header lines to an address, without an API token.
pub(crate) fn send(url: &str, method: &str, headers: &str, body: &str) -> Answer {
    read(&try_to_send(url, method, headers, body))
}

/// Does so, and returns the raw answer.
pub(crate) fn try_to_send(url: &str, method: &str, headers: &str, body: &str) -> String {
    let headers = format!("Content-Type: application/json\r\nContent-Length: {}\r\n{headers}", body.len());
    exchange(url, method, &headers, body)
}

/// Sends a request with these header lines and this body, without credentials.
pub(crate) fn ask_with(sim: &Sim, method: &str, target: &str, headers: &str, body: &str) -> Answer {
    send(&(sim.url() + target), method, headers, body)
}

fn exchange(url: &str, method: &str, headers: &str, body: &str) -> String {
    let (address, target) = url.trim_start_matches("http://").split_once('/').unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("{method} /{target} HTTP/1.1\r\nHost: simulated\r\n{headers}\r\n{body}");
    // A reset connection, early or late, has no answer.
    let _ = stream.write_all(request.as_bytes()).and_then(|()| stream.shutdown(std::net::Shutdown::Write));
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

fn read(answer: &str) -> Answer {
    let (head, text) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), text: text.to_owned() }
}
