//! How failing proxies are reported. The HTTP library says little about them, and only in texts, which these tests pin.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use nuon_gate_http::{Failure, Http, Method, Proxies, ProxyFailure, ProxyTrouble, Request, Setup, TimeLimit, Url};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// Gives the same answer to every request, and records the requests.
async fn proxy(answer: &'static str) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, heads) = (listener.local_addr().unwrap().to_string(), Arc::<Mutex<Vec<String>>>::default());
    let seen = Arc::clone(&heads);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let Ok(byte) = stream.read_u8().await else { break };
                head.push(byte);
            }
            seen.lock().unwrap().push(String::from_utf8(head).unwrap());
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (address, heads)
}

/// Returns the failure of a request through a proxy.
async fn through(proxy: &str) -> Failure {
    within(proxy, Duration::from_secs(20)).await
}

async fn within(proxy: &str, limit: Duration) -> Failure {
    let proxies = Proxies::from_variables(|name| (name == "ALL_PROXY").then(|| proxy.to_owned())).unwrap();
    let setup = Setup { user_agent: "gate/1".to_owned(), proxies, ..Setup::default() };
    let url = Url::parse("https://api.invalid/v1/secret-path").unwrap();
    let http = Http::new(&url, &setup).unwrap();
    http.send(Request::new(Method::GET, url), TimeLimit::new(limit)).await.map(drop).unwrap_err()
}

fn failure(proxy: &str, trouble: ProxyTrouble) -> Failure {
    let (proxy, target) = (proxy.to_owned(), "api.invalid".to_owned());
    ProxyFailure { proxy, variable: "ALL_PROXY", target, trouble }.into()
}

#[tokio::test]
async fn a_refusal_is_reported_with_its_status() {
    let answers = [
        ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", Some(407)),
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nforbidden", Some(403)),
        ("HTTP/1.0 502 Bad Gateway\r\n\r\n", Some(502)),
        ("HTTP/1.1 302 Found\r\nLocation: https://login.example\r\n\r\n", Some(302)),
        ("HTTP/1.1 204 No Content\r\n\r\n", None),
        ("HTTP/1.1 999 X\r\n\r\n", None),
        ("SSH-2.0-OpenSSH_9.9\r\n", None),
    ];
    for (answer, status) in answers {
        let (address, heads) = proxy(answer).await;
        let error = through(&format!("http://user:p%40ss@{address}")).await;
        assert_eq!(error, failure(&address, ProxyTrouble::Refused(status)), "{answer}");
        for head in heads.lock().unwrap().iter() {
            assert!(head.starts_with("CONNECT api.invalid:443 HTTP/1.1\r\n"), "{head}");
            // user:p@ss
            assert!(head.to_lowercase().contains("\r\nproxy-authorization: basic dxnlcjpwqhnz\r\n"), "{head}");
            assert!(head.to_lowercase().contains("\r\nuser-agent: gate/1\r\n"), "{head}");
        }
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("p@ss") && !shown.contains("dXNlcjp") && !shown.contains("secret-path"), "{shown}");
    }
}

#[tokio::test]
async fn a_proxy_that_says_nothing_is_named_before_its_tunnel_stands() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    for scheme in ["http", "https"] {
        let limit = Duration::from_millis(200);
        assert_eq!(within(&format!("{scheme}://{address}"), limit).await, failure(&address, ProxyTrouble::Slow));
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named() {
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = through(&unused.to_string()).await;
    let words = format!("the proxy {unused} (from ALL_PROXY) cannot be reached: Connection refused");
    assert!(error.to_string().starts_with(&words), "{error}");
    let error = through("http://user:secret@proxy.invalid:3128").await;
    let words = "the proxy proxy.invalid:3128 (from ALL_PROXY) cannot be reached: failed to lookup address information";
    assert!(error.to_string().starts_with(words), "{error}");
}

#[tokio::test]
async fn a_proxy_that_hangs_up_is_named() {
    let (address, _) = proxy("").await;
    assert_eq!(through(&address).await, failure(&address, ProxyTrouble::Silent("it hung up".to_owned())));
}

#[tokio::test]
async fn a_tunnel_that_leads_nowhere_is_the_proxys() {
    for answer in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nno TLS"] {
        let (address, _) = proxy(answer).await;
        let Failure::Proxy(failure) = through(&address).await else { panic!("{answer}") };
        assert_eq!((failure.proxy.as_str(), failure.variable), (address.as_str(), "ALL_PROXY"));
        let ProxyTrouble::DeadEnd(said) = &failure.trouble else { panic!("{failure:?}") };
        assert!(said.contains("eof") || said.contains("reset"), "{said}");
        let hint = "check ALL_PROXY and the proxy, or reach api.invalid directly with NO_PROXY";
        assert_eq!(failure.hint(), hint);
    }
}

#[test]
fn every_trouble_has_words_and_a_hint() {
    let untrusted = |words: &'static str, hint: &'static str| {
        let (_, detail) = words.split_once(": ").unwrap();
        (ProxyTrouble::Untrusted(detail.to_owned()), words, hint)
    };
    let cases = [
        (ProxyTrouble::Refused(Some(407)), "refused the tunnel: HTTP 407", "password into ALL_PROXY"),
        (ProxyTrouble::Refused(Some(403)), "refused the tunnel: HTTP 403", "does not allow api.invalid"),
        (ProxyTrouble::Refused(Some(502)), "refused the tunnel: HTTP 502", "check ALL_PROXY"),
        (ProxyTrouble::Refused(None), "refused the tunnel", "NO_PROXY"),
        (ProxyTrouble::DeadEnd("it hung up".to_owned()), "opened a tunnel that leads nowhere: it hung up", "NO_PROXY"),
        untrusted("presents a certificate that is not trusted: its issuer is unknown", "if it has a private issuer"),
        untrusted("presents a certificate that is not trusted: it has expired", "certificate renewed"),
        untrusted("presents a certificate that is not trusted: it is not valid yet", "machine's clock"),
        untrusted("presents a certificate that is not trusted: it has been revoked", "certificate replaced"),
        untrusted(
            "presents a certificate that is not trusted: it is for another host",
            "host that the certificate names",
        ),
        (ProxyTrouble::Slow, "gave no connection in time", "check ALL_PROXY"),
    ];
    for (trouble, words, hint) in cases {
        let Failure::Proxy(failure) = failure("proxy.corp:3128", trouble) else { unreachable!() };
        assert_eq!(failure.to_string(), format!("the proxy proxy.corp:3128 (from ALL_PROXY) {words}"));
        assert!(failure.hint().contains(hint), "{}", failure.hint());
        // Further trust helps only with an unknown issuer.
        assert_eq!(failure.hint().contains("--ca-file"), words.ends_with("issuer is unknown"), "{words}");
    }
}
