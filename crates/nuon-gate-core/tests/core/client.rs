//! The client's HTTP: what it sends, and how it classifies every kind of answer.

use std::time::Duration;

use crate::sockets::{End, TOKEN, USER_AGENT, answer, by_path, client_of, connection, ids, raw, setup};
use httpmock::prelude::*;
use nuon_gate_core::Line;
use nuon_gate_core::api::{ApiError, ApiStats, Client, Depth, ErrorClass, Fact, LARGEST_BODY, Request};
use serde_json::json;

const LATEST: &str = "/v1/installs/inl1/components/cmp1/deploys/latest";
pub(crate) const PATIENT: Duration = Duration::from_secs(20);

pub(crate) async fn latest(client: &Client) -> Result<Option<String>, ApiError> {
    match client.request(&latest_in("inl1")).await?.fact {
        Fact::Latest(deploy) => Ok(deploy.map(|deploy| deploy.id.as_ref().unwrap().to_string())),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn latest_in(install: &str) -> Request {
    let (install, component) = ids(install, "cmp1");
    Request::LatestDeploy(install, component, Depth::Usual)
}

pub(crate) fn deploy(id: &str) -> Request {
    Request::Deploy("inl1".parse().unwrap(), None, id.parse().unwrap())
}

/// Returns the client's error for these bytes.
async fn latest_of(bytes: impl Into<Vec<u8>>, end: End) -> ApiError {
    let (url, _) = raw(bytes, end).await;
    latest(&client_of(&url, PATIENT)).await.unwrap_err()
}

/// Returns the client's counts. Whether there is a server time depends on the server.
pub(crate) fn stats_of(client: &Client) -> ApiStats {
    ApiStats { server_time: None, ..client.stats() }
}

fn stats(requests: u64, errors: u64) -> ApiStats {
    ApiStats { version: None, server_time: None, requests, errors }
}

#[tokio::test]
async fn a_request_carries_what_it_should_and_nothing_else() {
    let server = MockServer::start_async().await;
    let mock = server
        .mock_async(|when, then| {
            when.method(GET)
                .path(LATEST)
                .header("authorization", format!("Bearer {TOKEN}"))
                .header("x-nuon-org-id", "org1")
                .header("accept", "application/json")
                .header("user-agent", USER_AGENT)
                .header("accept-encoding", "identity")
                .header_missing("referer")
                .header_missing("cookie")
                .query_param_missing("token")
                .query_param_missing("org_id");
            then.status(200).json_body(json!({ "id": "dpl1", "status": "active" }));
        })
        .await;
    assert_eq!(latest(&client_of(&server.base_url(), PATIENT)).await, Ok(Some("dpl1".to_owned())));
    mock.assert_async().await;
}

#[tokio::test]
async fn a_request_without_an_account_carries_no_credentials() {
    let (url, heads) = raw(answer("200 OK\r\nX-Nuon-API-Version: v1", "{}"), End::Close).await;
    let client = Client::anonymous(&connection(&url).url, &setup()).unwrap();
    let answer = client.request(&Request::Dashboard("org1".parse().unwrap())).await.unwrap();
    assert!(matches!(answer.fact, Fact::Dashboard(None)), "{answer:?}");
    assert_eq!(client.stats().version.as_ref().map(Line::plain), Some("v1"));
    let head = heads.lock().unwrap()[0].to_lowercase();
    assert!(head.contains("accept: application/json") && head.contains("user-agent: "), "{head}");
    assert!(!head.contains("authorization") && !head.contains("x-nuon-org-id"), "{head}");
}

#[tokio::test]
async fn an_empty_object_is_not_yet() {
    let (url, _) = raw(answer("200 OK", r#"{"install_id": "", "plan_only": false}"#), End::Close).await;
    let client = client_of(&url, PATIENT);
    assert_eq!(latest(&client).await, Ok(None));
    assert_eq!(stats_of(&client), stats(1, 0));
}

#[tokio::test]
async fn a_deploy_must_be_the_one_that_was_asked_for() {
    for body in [r#"{"id": "dpl2", "status": "active"}"#, r#"{"id": ""}"#] {
        let (url, _) = raw(answer("200 OK", body), End::Close).await;
        let client = client_of(&url, PATIENT);
        let error = client.request(&deploy("dpl1")).await.map(drop).unwrap_err();
        assert_eq!(error, ApiError::Undecodable("the answer is about another deploy".to_owned()));
        assert_eq!(stats_of(&client), stats(1, 1));
    }
}

#[tokio::test]
async fn error_bodies_of_every_kind() {
    let cases = [
        ("500 X", r#"{"error": "timeout", "user_error": true}"#, "HTTP 500: timeout"),
        ("500 X", r#"{"Err": {}, "Description": "injected"}"#, "HTTP 500: injected"),
        ("401 X", r#"{"error": "", "description": "set the header"}"#, "HTTP 401: set the header"),
        ("502 X", "<html><h1>Bad Gateway</h1></html>", "HTTP 502"),
        ("502 X", "<title>502 Bad Gateway</title>", "HTTP 502"),
        (
            "503 X\r\nServer: squid",
            "<title>Maintenance until 14:00</title>",
            "HTTP 503: an HTML page titled \u{201c}Maintenance until 14:00\u{201d}, server: squid",
        ),
        ("503 X", "", "HTTP 503"),
        ("503 X\r\nRetry-After: 0", "", "HTTP 503"),
        ("429 X\r\nRetry-After: 3600", "", "HTTP 429, and asks to wait 1h"),
        (
            "429 X\r\nContent-Type: text/plain\r\nRetry-After: 90",
            "slow down\nplease",
            "HTTP 429: slow down please, and asks to wait 1m 30s",
        ),
        ("400 X", "[1]", "HTTP 400: what answers at 127.0.0.1 is not Nuon's API"),
        (
            "418 X",
            r#"{"error": "tea\u001b[2J\r\n::error::pot"}"#,
            "HTTP 418: what answers at 127.0.0.1 is not Nuon's API: tea ::error::pot",
        ),
    ];
    for (head, body, shown) in cases {
        let error = latest_of(answer(head, body), End::Close).await;
        let port = error
            .to_string()
            .split_once("127.0.0.1:")
            .map(|(_, rest)| format!(":{}", &rest[..rest.find(' ').unwrap()]));
        assert_eq!(error.to_string().replace(port.as_deref().unwrap_or("no port"), ""), shown);
    }
    let endless = latest_of(&b"HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\n"[..], End::Endless).await;
    assert_eq!(endless.status(), Some(500), "an error's body is bounded as well");
    let cut = latest_of(&b"HTTP/1.1 403 X\r\nContent-Length: 90\r\n\r\n{\"error\""[..], End::Close).await;
    assert_eq!(cut.status(), Some(403), "the status stands, whatever becomes of the body");
}

#[tokio::test]
async fn a_redirect_is_named_and_never_followed() {
    let (elsewhere, visits) = raw(answer("200 OK", r#"{"id": "dpl1", "status": "active"}"#), End::Close).await;
    let host = elsewhere.strip_prefix("http://").unwrap().split(':').next().unwrap();
    for status in [301, 302, 303, 307, 308] {
        let error = latest_of(answer(&format!("{status} X\r\nLocation: {elsewhere}/login"), ""), End::Close).await;
        assert_eq!(error, ApiError::Redirect { status, to: host.to_owned(), retry_after: None });
        assert_eq!(error.class(), ErrorClass::Transient);
    }
    assert!(visits.lock().unwrap().is_empty(), "the token stays with the configured host");
    for (location, to) in
        [("https://login.example/?x=1", "login.example"), ("/elsewhere", "127.0.0.1"), ("::", "127.0.0.1")]
    {
        let error = latest_of(answer(&format!("302 X\r\nLocation: {location}"), ""), End::Close).await;
        assert_eq!(error, ApiError::Redirect { status: 302, to: to.to_owned(), retry_after: None });
    }
    let nowhere = latest_of(answer("304 X", ""), End::Close).await;
    assert_eq!(nowhere, ApiError::Redirect { status: 304, to: "nowhere".to_owned(), retry_after: None });
}

#[tokio::test]
async fn retry_after_is_read() {
    let date = "Date: Mon, 03 Aug 2026 14:00:00 GMT\r\nRetry-After: Mon, 03 Aug 2026 14:01:30 GMT";
    let cases = [
        ("429 X\r\nRetry-After: 7", Some(7)),
        ("503 X\r\nretry-after:  120 ", Some(120)),
        (&format!("503 X\r\n{date}"), Some(90)),
        ("302 X\r\nLocation: /\r\nRetry-After: 5", Some(5)),
        ("503 X\r\nRetry-After: soon", None),
        ("503 X", None),
    ];
    for (head, seconds) in cases {
        let error = latest_of(answer(head, ""), End::Close).await;
        assert_eq!(error.retry_after(), seconds.map(Duration::from_secs), "{head}");
    }
}

#[tokio::test]
async fn a_compressed_answer_is_undecodable() {
    for encoding in ["gzip", "GZIP", "br", "deflate", "zstd"] {
        let head = format!("200 OK\r\nContent-Encoding: {encoding}");
        let error = latest_of(answer(&head, r#"{"id": "dpl1", "status": "active"}"#), End::Close).await;
        assert!(matches!(&error, ApiError::Undecodable(what) if what.contains(encoding)), "{error:?}");
    }
    let (url, _) = raw(answer("200 OK\r\nContent-Encoding: identity", r#"{"id": "dpl1"}"#), End::Close).await;
    assert_eq!(latest(&client_of(&url, PATIENT)).await, Ok(Some("dpl1".to_owned())));
}

#[tokio::test]
async fn an_undecodable_answer_is_an_error() {
    for body in ["", "null", "[]", "\"active\"", r#"{"id": "dpl1", "status":"#] {
        let (url, _) = raw(answer("200 OK", body), End::Close).await;
        let client = client_of(&url, PATIENT);
        let error = latest(&client).await.unwrap_err();
        assert!(matches!(error, ApiError::Undecodable(_)), "{body}: {error:?}");
        assert_eq!(stats_of(&client), stats(1, 1), "{body}");
    }
    let error = latest_of(answer("204 No Content", ""), End::Close).await;
    assert!(matches!(error, ApiError::Undecodable(_)), "{error:?}");
}

#[tokio::test]
async fn an_answer_of_another_service_is_recognised() {
    let portal = "<!DOCTYPE html><title>Sign in to\u{1b}[31m Wi-Fi</title>";
    let cases = [
        ("200 OK", portal, " (an HTML page titled \u{201c}Sign in to Wi-Fi\u{201d})"),
        ("200 OK\r\nServer: nginx/1.27", "<p>", " (an HTML page, server: nginx/1.27)"),
        ("200 OK", "\u{feff}<p>", " (an HTML page)"),
        ("200 OK", "{ }", ""),
        ("511 X", portal, " (an HTML page titled \u{201c}Sign in to Wi-Fi\u{201d})"),
        ("403 X\r\nServer: cloudflare", "<p>", " (an HTML page, server: cloudflare)"),
        ("404 X", "no route", ""),
        ("401 X", "{}", ""),
    ];
    for (head, body, signs) in cases {
        let (url, _) = raw(answer(head, body), End::Close).await;
        let error = latest(&client_of(&url, PATIENT)).await.unwrap_err();
        let words = format!("what answers at {} is not Nuon's API{signs}", url.trim_start_matches("http://"));
        assert!(error.to_string().ends_with(&words), "{error}");
        assert!(error.is_strangers() && !error.to_string().contains(TOKEN), "{error:?}");
    }
    let repeated = latest_of(answer("200 OK", &format!("<title>{TOKEN}</title>")), End::Close).await;
    assert!(!repeated.to_string().contains(TOKEN), "{repeated}");
    let (url, _) = raw(answer("200 OK\r\nX-Nuon-API-Version: v1", "{}"), End::Close).await;
    assert_eq!(latest(&client_of(&url, PATIENT)).await, Ok(None), "the API's own says that there is none yet");
}

#[tokio::test]
async fn a_byte_order_mark_is_skipped() {
    let (url, _) = raw(answer("200 OK", "\u{feff} {\"id\": \"dpl1\"}"), End::Close).await;
    assert_eq!(latest(&client_of(&url, PATIENT)).await, Ok(Some("dpl1".to_owned())));
    let error = latest_of(answer("500 X", "\u{feff}{\"error\": \"timeout\"}"), End::Close).await;
    assert_eq!(error.to_string(), "HTTP 500: timeout");
}

#[tokio::test]
async fn a_body_has_a_size_limit() {
    let too_large = ApiError::Undecodable("it is larger than 16 MiB".to_owned());
    let endless = latest_of(&b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"[..], End::Endless).await;
    assert_eq!(endless, too_large);
    let announced = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{{", LARGEST_BODY + 1);
    assert_eq!(latest_of(announced, End::Hang).await, too_large, "and is not read if it says so itself");

    let chunked = |size: usize| {
        let body = format!("{{}}{}", " ".repeat(size - 2));
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{size:x}\r\n{body}\r\n0\r\n\r\n")
    };
    assert_eq!(latest_of(chunked(LARGEST_BODY + 1), End::Hang).await, too_large, "one byte is too much");

    let mut whole = r#"{"id": "dpl1"}"#.to_owned();
    whole.push_str(&" ".repeat(LARGEST_BODY - whole.len()));
    let (url, _) = raw(answer("200 OK", &whole), End::Close).await;
    assert_eq!(latest(&client_of(&url, PATIENT)).await, Ok(Some("dpl1".to_owned())));
}

#[tokio::test]
async fn a_head_has_a_size_limit() {
    let many: String = (0..101).map(|number| format!("X-{number}: x\r\n")).collect();
    let long = format!("X-Nuon-API-Version: {}\r\n", "9".repeat(1 << 20));
    for headers in [many, long.clone(), long + &"y".repeat(1 << 20)] {
        let error = latest_of(format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: 2\r\n\r\n{{}}"), End::Hang).await;
        assert!(matches!(error, ApiError::Broken(_)), "{headers:.40}: {error:?}");
    }
}

#[tokio::test]
async fn large_bodies_take_turns_and_small_ones_do_not() {
    let body = |id: &str, size: usize| {
        let deploy = json!({ "id": id, "install_id": "inl1", "component_id": "cmp1" });
        format!("{deploy}{}", " ".repeat(size)).into_bytes()
    };
    let whole = |body: Vec<u8>| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        [head.into_bytes(), body].concat()
    };
    let (small, large, mut stuck) =
        (whole(body("small", 1)), whole(body("large", 2 << 20)), whole(body("stuck", 2 << 20)));
    stuck.pop();
    let (url, _) =
        by_path(vec![("/small", small, End::Close), ("/large", large, End::Close), ("/stuck", stuck, End::Hang)]).await;
    let client = client_of(&url, PATIENT);
    let ask = |id: &'static str, limit| {
        let client = client.within(limit);
        async move { client.request(&deploy(id)).await.map(drop) }
    };
    let first = tokio::spawn(ask("stuck", PATIENT));
    assert_eq!(ask("large", PATIENT).await, Ok(()), "one that is stuck keeps back no other");
    let second = tokio::spawn(ask("stuck", PATIENT));
    let limit = Duration::from_millis(200);
    let mut answers = Vec::new();
    // Until the second one has got as far.
    while answers.len() < 50 && !answers.contains(&Err(ApiError::Timeout(limit))) {
        answers.push(ask("large", limit).await);
    }
    assert_eq!(answers.pop(), Some(Err(ApiError::Timeout(limit))), "two are");
    assert_eq!(ask("small", PATIENT).await, Ok(()));
    first.abort();
    assert_eq!(ask("large", PATIENT).await, Ok(()), "and give their turn back");
    second.abort();
}

#[tokio::test]
async fn a_broken_connection_is_broken() {
    let cut = &b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"id\": \"dpl1\", \"status\": \"active\"}"[..];
    let chunk = &b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"[..];
    let cases = [
        (cut, End::Close),
        (cut, End::Reset),
        (chunk, End::Close),
        (chunk, End::Reset),
        (b"", End::Close),
        (b"HTTP/1", End::Close),
    ];
    for (bytes, end) in cases {
        let error = latest_of(bytes, end).await;
        assert!(matches!(error, ApiError::Broken(_)), "{}: {error:?}", String::from_utf8_lossy(bytes));
        assert_eq!(error.class(), ErrorClass::Transient);
        assert!(!error.to_string().contains("127.0.0.1"), "{error}");
    }
    let short = latest_of(&b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"id\": \"dpl1\"}"[..], End::Close).await;
    assert!(matches!(short, ApiError::Undecodable(_)), "{short:?}");
    let noise = latest_of(&b"SSH-2.0-OpenSSH_9.9\r\n"[..], End::Close).await;
    assert!(matches!(noise, ApiError::Broken(_)), "{noise:?}");
}

#[tokio::test]
async fn silence_ends_at_the_time_limit() {
    let limit = Duration::from_millis(300);
    for bytes in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{\"id\":"] {
        let (url, _) = raw(bytes, End::Hang).await;
        for client in [client_of(&url, limit), client_of(&url, PATIENT).within(limit)] {
            let began = tokio::time::Instant::now();
            assert_eq!(latest(&client).await, Err(ApiError::Timeout(limit)), "{bytes}");
            assert!(began.elapsed() >= limit && began.elapsed() < PATIENT / 2);
        }
    }
    assert_eq!(ApiError::Timeout(limit).class(), ErrorClass::Transient);
}

#[tokio::test]
async fn a_refused_connection_names_the_host_but_no_path() {
    let unused = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let client = client_of(&format!("http://{unused}"), PATIENT);
    let error = latest(&client).await.unwrap_err();
    assert!(matches!(&error, ApiError::Connect { host, .. } if *host == unused.to_string()), "{error:?}");
    assert!(error.to_string().contains("refused") && !error.to_string().contains("inl1"), "{error}");
    assert_eq!(stats_of(&client), stats(1, 1));
}

#[tokio::test]
async fn the_servers_version_is_kept_as_a_harmless_line() {
    let (url, _) = raw(answer("404 X\r\nX-Nuon-API-Version: 0.19.1125", r#"{"error": "none"}"#), End::Close).await;
    let client = client_of(&url, PATIENT);
    assert_eq!(client.stats().version, None);
    latest(&client).await.unwrap();
    assert_eq!(client.stats().version.as_ref().map(Line::plain), Some("0.19.1125"));

    let head = format!("500 X\r\nX-Nuon-API-Version: a\tb {}", "x".repeat(500));
    let (url, _) = raw(answer(&head, ""), End::Close).await;
    let client = client_of(&url, PATIENT);
    latest(&client).await.unwrap_err();
    let version = client.stats().version.unwrap();
    let version = version.plain();
    assert!(version.starts_with("a b xxx") && version.chars().count() == 100, "{version}");
}

#[tokio::test]
async fn no_error_shows_the_token() {
    let shown = format!("{:?}", client_of("http://127.0.0.1:1", PATIENT));
    assert!(!shown.contains(TOKEN), "{shown}");
    let shown = format!("{:?}", connection("http://127.0.0.1:1"));
    assert!(!shown.contains(TOKEN), "{shown}");
}

#[test]
fn loopback_is_reached_without_a_proxy() {
    // The environment belongs to the process, so the test that needs a server on loopback runs in another process.
    let proxy = "http://127.0.0.1:9";
    let variables = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "client::a_request_carries_what_it_should_and_nothing_else"])
        .envs(variables.map(|variable| (variable, proxy)))
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
}
