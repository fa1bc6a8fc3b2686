//! Recognises answers of something other than the API (`docs/nuon-api.md`, "Errors and what answers them").

use nuon_gate_http::header::HeaderMap;
use nuon_gate_http::{Url, host_of, word};

use super::without_mark;
use crate::{Line, RemoteText};

/// Longer parts of a title or a name are not useful.
const LONGEST: usize = 80;

/// Says that something other than Nuon's API answers, and what it seems to be.
pub(super) fn description(url: &Url, headers: &HeaderMap, body: &[u8]) -> Line {
    let signs = signs(headers, body);
    let signs = if signs.is_empty() { String::new() } else { format!(" ({signs})") };
    Line::new(format!("what answers at {} is not Nuon's API{signs}", host_of(url)))
}

/// Returns what an error without a message of Nuon's says: a page whose title is more than the status, or a line of plain text.
pub(super) fn words(status: u16, headers: &HeaderMap, body: &[u8]) -> Option<Line> {
    let is_plain = word(headers, "content-type").is_some_and(|kind| kind.starts_with("text/plain"));
    let says_more = || is_html(body) && title(body).is_some_and(|title| !title.starts_with(&status.to_string()));
    let line = match is_plain {
        true => RemoteText::new(String::from_utf8_lossy(body)).line(200),
        false if says_more() => Line::new(signs(headers, body)),
        false => return None,
    };
    (!line.is_empty()).then_some(line)
}

/// Returns what shows who answers: the page's title, and the server's name.
fn signs(headers: &HeaderMap, body: &[u8]) -> String {
    let short = |text: &str| RemoteText::new(text).line(LONGEST).plain().to_owned();
    let page = is_html(body).then(|| match title(body) {
        Some(title) => format!("an HTML page titled \u{201c}{}\u{201d}", short(&title)),
        None => "an HTML page".to_owned(),
    });
    let server = word(headers, "server").map(|server| format!("server: {}", short(server)));
    page.into_iter().chain(server).collect::<Vec<_>>().join(", ")
}

/// Returns whether a success is from something else: a page for people, or an empty object, without a version. The
/// API's own answers have a version header, and a proxy that removes it does not also remove all fields.
pub(super) fn is_strangers(headers: &HeaderMap, body: &[u8]) -> bool {
    let is_empty = || {
        let inside = body.trim_ascii().strip_prefix(b"{").and_then(|body| body.strip_suffix(b"}"));
        inside.is_some_and(|inside| inside.trim_ascii().is_empty())
    };
    !is_versioned(headers) && (is_html(body) || is_empty())
}

/// Returns whether an answer has the API's header.
pub(super) fn is_versioned(headers: &HeaderMap) -> bool {
    headers.contains_key("x-nuon-api-version")
}

/// Returns whether a body is a page for people.
fn is_html(body: &[u8]) -> bool {
    without_mark(body).trim_ascii_start().first() == Some(&b'<')
}

/// Finds the title of a page near its beginning.
fn title(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(&body[..body.len().min(16 * 1024)]).into_owned();
    // Of the same length, so that positions in one are valid in the other.
    let lower = text.to_ascii_lowercase();
    let opened = lower.find("<title")?;
    let begin = opened + lower[opened..].find('>')? + 1;
    let end = begin + lower[begin..].find('<')?;
    let title = text[begin..end].split_whitespace().collect::<Vec<_>>().join(" ");
    (!title.is_empty()).then_some(title)
}

#[cfg(test)]
mod tests {
    use nuon_gate_http::header::{HeaderValue, SERVER};

    use super::*;

    #[test]
    fn whoever_answers_is_known_by_title_and_server() {
        let url = Url::parse("https://api.example:8443/v1").unwrap();
        let cases: [(&str, Option<&'static str>, &str); 7] = [
            (
                "<html><TITLE lang=en>\n Request\n blocked </title>",
                None,
                " (an HTML page titled \u{201c}Request blocked\u{201d})",
            ),
            (" <html>", Some("cloudflare"), " (an HTML page, server: cloudflare)"),
            ("<title></title>", None, " (an HTML page)"),
            ("<title>cut", None, " (an HTML page)"),
            ("<title>\u{1b}[31m::error::x\u{202e}</title>", None, " (an HTML page titled \u{201c}::error::x\u{201d})"),
            ("{}", Some("nginx"), " (server: nginx)"),
            ("", None, ""),
        ];
        for (body, server, signs) in cases {
            let server = server.map(|server| (SERVER, HeaderValue::from_static(server)));
            let line = description(&url, &server.into_iter().collect(), body.as_bytes());
            assert_eq!(line.plain(), format!("what answers at api.example:8443 is not Nuon's API{signs}"));
        }
    }
}
