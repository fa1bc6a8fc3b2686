use proptest::prelude::*;

use super::*;

fn proxies(variables: &[(&str, &str)]) -> Result<Proxies, InvalidProxy> {
    let value = |name: &str| variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
    Proxies::from_variables(value)
}

/// How an address is reached, with the credentials for the proxy.
fn route(variables: &[(&str, &str)], url: &str) -> String {
    let proxies = proxies(variables).unwrap();
    match proxies.route(&url.parse().unwrap()) {
        Route::Direct(why) => format!("{why:?}"),
        Route::Through(proxy) => {
            let scheme = proxy.url.scheme();
            let proof = proxy.authorization.as_ref().map(|value| format!(" {}", value.to_str().unwrap()));
            format!("{scheme} {proxy} {}{}", proxy.variable, proof.unwrap_or_default())
        }
    }
}

#[test]
fn the_first_variable_that_is_set_counts() {
    let all = [
        ("HTTPS_PROXY", "http://one:1"),
        ("https_proxy", "http://two:2"),
        ("ALL_PROXY", "http://three:3"),
        ("all_proxy", "http://four:4"),
    ];
    let expected =
        ["http one:1 HTTPS_PROXY", "http two:2 https_proxy", "http three:3 ALL_PROXY", "http four:4 all_proxy"];
    for (place, expected) in expected.into_iter().enumerate() {
        assert_eq!(route(&all[place..], "https://api.example"), expected);
        let mut emptied = all;
        emptied[..place].iter_mut().for_each(|(_, value)| *value = " ");
        assert_eq!(route(&emptied, "https://api.example"), expected, "empty is unset");
    }
    assert_eq!(route(&[("HTTP_PROXY", "http://p:1"), ("http_proxy", "ftp://")], "https://api.example"), "NoneSet");
    assert_eq!(route(&[("HTTPS_PROXY", "p:1"), ("ALL_PROXY", "ftp://x")], "https://a.example"), "http p:1 HTTPS_PROXY");
}

#[test]
fn only_encrypted_requests_to_other_machines_go_through_it() {
    let set = ("HTTPS_PROXY", "http://p:1");
    let cases = [
        ("https://api.example", "http p:1 HTTPS_PROXY"),
        ("https://[2001:db8::7]", "http p:1 HTTPS_PROXY"),
        ("http://api.example", "Plain"),
        ("https://localhost", "Loopback"),
        ("https://x.localhost:1", "Loopback"),
        ("https://127.9.9.9", "Loopback"),
        ("https://[::1]:1", "Loopback"),
        ("https://[::ffff:127.0.0.1]", "Loopback"),
        ("https://localhost.example", "http p:1 HTTPS_PROXY"),
    ];
    for (url, expected) in cases {
        assert_eq!(route(&[set], url), expected, "{url}");
    }
    let cases: [(&[(&str, &str)], &str); 4] = [
        (&[set, ("NO_PROXY", "example"), ("no_proxy", "x")], "Excluded(\"NO_PROXY\")"),
        (&[set, ("NO_PROXY", " "), ("no_proxy", "api.example:443")], "Excluded(\"no_proxy\")"),
        (&[set, ("NO_PROXY", "api.example:8443"), ("no_proxy", "*")], "http p:1 HTTPS_PROXY"),
        (&[("NO_PROXY", "*")], "NoneSet"),
    ];
    for (variables, expected) in cases {
        assert_eq!(route(variables, "https://api.example"), expected, "{variables:?}");
    }
}

#[test]
fn a_proxy_is_a_host_and_a_port() {
    let cases = [
        ("http://proxy.corp:3128", "http proxy.corp:3128"),
        ("proxy.corp:3128", "http proxy.corp:3128"),
        ("proxy.corp", "http proxy.corp:80"),
        (" HTTP://Proxy.Corp:3128/ ", "http proxy.corp:3128"),
        ("https://proxy.corp", "https proxy.corp:443"),
        ("https://proxy.corp:80/", "https proxy.corp:80"),
        ("192.0.2.7:3128", "http 192.0.2.7:3128"),
        ("[2001:db8::7]:3128", "http [2001:db8::7]:3128"),
        ("http://[2001:db8::7]", "http [2001:db8::7]:80"),
    ];
    for (value, expected) in cases {
        assert_eq!(route(&[("HTTPS_PROXY", value)], "https://a.example"), format!("{expected} HTTPS_PROXY"), "{value}");
    }
}

#[test]
fn credentials_are_sent_as_they_are_meant() {
    let cases = [
        ("http://user:p%40ss@host:1", "user:p@ss"),
        ("user:pass@host:1", "user:pass"),
        ("http://user@host:1", "user:"),
        ("http://:pass@host:1", ":pass"),
        ("http://u:a:b%3Ac@host:1", "u:a:b:c"),
        ("http://user:Pa@Hunter2@host:1", "user:Pa@Hunter2"),
        ("http://u:50%25@host:1", "u:50%"),
        ("http://u:%2541@host:1", "u:%41"),
        ("http://u:p%C3%A9@host:1", "u:p\u{e9}"),
        ("http://u:p\u{e9}@host:1", "u:p\u{e9}"),
        ("http://u:%0d%0ax@host:1", "u:\r\nx"),
    ];
    for (value, meant) in cases {
        let expected = format!("http host:1 HTTPS_PROXY Basic {}", STANDARD.encode(meant));
        assert_eq!(route(&[("HTTPS_PROXY", value)], "https://a.example"), expected, "{value}");
    }
}

#[test]
fn what_cannot_be_used_is_refused_without_its_value() {
    let scheme = "its scheme is neither http nor https";
    let form = "it is not a host and a port";
    let signs = "its user name or password holds signs that have to be percent-encoded";
    let cases = [
        ("socks5://secret:1080", scheme),
        ("ftp://secret", scheme),
        ("://secret", scheme),
        ("file:///secret", scheme),
        ("http://", form),
        ("http://:3128", form),
        ("http://user:secret@", form),
        ("//secret:3128", form),
        ("::", form),
        ("2001:db8::7", form),
        ("[::1", form),
        ("[secret]:1", form),
        ("secret:0", form),
        ("secret:65536", form),
        ("secret:", form),
        ("secret:+80", form),
        ("secret:80x", form),
        ("http:secret", form),
        ("http://secret/path", form),
        ("http://secret?x", form),
        ("http://secret#x", form),
        ("http://se cret:1", form),
        ("$SECRET", form),
        ("${SECRET}:3128", form),
        ("http://$(SECRET)", form),
        ("http://user:word@$SECRET:3128", form),
        ("http://se%2fcret:1", form),
        ("http://user:secret\\x", form),
        ("http://user:Pa@Hunter2#x@secret", signs),
        ("http://user:Pa/Hunter2@secret", signs),
        ("http://user:Pa?Hunter2@secret", signs),
        ("user:Pa\\Hunter2@secret", signs),
        ("http://user:%zzHunter2@secret", signs),
        ("http://user:50%@secret", signs),
        ("http://us er:Hunter2@secret", signs),
    ];
    for (value, why) in cases {
        let error = proxies(&[("https_proxy", value)]).unwrap_err();
        assert_eq!(error, InvalidProxy { variable: "https_proxy", why }, "{value}");
        assert!(error.to_string().starts_with("https_proxy does not name a proxy"), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// The credentials begin and end so, with anything in between. Whatever they are, no part of them is shown.
    #[test]
    fn no_part_of_a_credential_is_shown(
        scheme in prop_oneof![Just(""), Just("http://"), Just("https://"), Just("HTTP://"), Just("socks5://"), Just("//")],
        between in prop_oneof!["[@:/?#%\\[\\]\\\\. a-z0-9]{0,8}", "\\PC{0,6}"],
        place in prop_oneof![Just("host:1"), Just("host"), Just("host:x"), Just("[::1]:1"), Just(""), Just("host/x")],
    ) {
        let value = format!("{scheme}qqUSERqq:qqPASSqq{between}qqWORDqq@{place}");
        let shown = match proxies(&[("HTTPS_PROXY", &value)]) {
            Err(error) => format!("{error} {error:?} {}", error.hint()),
            Ok(proxies) => {
                let url = "https://a.example".parse().unwrap();
                let Route::Through(proxy) = proxies.route(&url) else { panic!("{proxies:?}") };
                format!("{proxies:?} {proxy} {:?} {:?}", proxy.socket(), proxy.for_library())
            }
        };
        let shown = shown.to_lowercase();
        prop_assert!(!shown.contains("qq"), "{shown}");
        prop_assert!(!shown.contains(&STANDARD.encode("qqUSER")[..8].to_lowercase()), "{shown}");
    }
}
