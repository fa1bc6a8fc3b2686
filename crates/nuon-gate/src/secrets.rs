//! The secrets of the environment, which are known before anything is said.
//!
//! What is malformed, or typed into the wrong place, never becomes a token or an address that could say by its type that it
//! is a secret. A mistake that is reported could quote it.

use nuon_gate_core::redact::protect;

use crate::environment::{API_TOKEN, Environment, GITHUB_REQUEST_TOKEN, OIDC_TOKEN};

/// Variables whose values are secrets: several on lines of their own, or with blanks in between.
const SECRET: [&str; 10] = [
    API_TOKEN,
    OIDC_TOKEN,
    GITHUB_REQUEST_TOKEN,
    "GITHUB_TOKEN",
    "NUON_GATE_SLACK_TOKEN",
    "NUON_GATE_SLACK_WEBHOOK_URL",
    "NUON_GATE_WEBHOOK_URL",
    "NUON_GATE_WEBHOOK_SECRET",
    "NUON_GATE_TEAMS_WEBHOOK_URL",
    "NUON_GATE_DISCORD_WEBHOOK_URL",
];

/// Variables with the address of a proxy, which can hold a user's name and password.
const PROXIES: [&str; 6] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"];

/// Has every secret of the environment taken out of whatever is shown from now on.
pub(crate) fn protect_all(environment: &Environment) {
    let values = SECRET.iter().filter_map(|name| environment.get(name)).flat_map(str::split_whitespace);
    // A placeholder that nobody filled in is a name, and is reported.
    values.filter(|value| !value.starts_with('$')).for_each(protect);
    for user in PROXIES.iter().filter_map(|name| user_of(environment.get(name)?)) {
        protect(user);
        protect(&decoded(user));
        if let Some((_, password)) = user.split_once(':') {
            protect(password);
        }
    }
}

/// Returns what a proxy's address says of the user: `name:password`, or a token.
fn user_of(address: &str) -> Option<&str> {
    let after_scheme = address.split_once("://").map_or(address, |(_, rest)| rest);
    after_scheme.rsplit_once('@').map(|(user, _)| user)
}

/// Undoes percent-encoding, as is done before a user's name and password are sent in base64.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.filter(|_| *first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use nuon_gate_core::redact::protected;

    use super::*;

    #[test]
    fn what_a_proxy_wants_to_know_of_a_user_is_a_secret_and_its_host_is_none() {
        let rows = [
            ("http://user:pass@proxy.example:3128", Some("user:pass")),
            ("user:p@ss@proxy.example", Some("user:p@ss")),
            ("https://proxy.example", None),
        ];
        for (address, user) in rows {
            assert_eq!(user_of(address), user, "{address}");
        }
        assert_eq!([decoded("p%40ss%2fw"), decoded("100%"), decoded("%zz%4")], ["p@ss/w", "100%", "%zz%4"]);
        protect_all(&Environment::of(&[
            ("https_proxy", "http://us%65r:pa%40ssword-of-proxy@proxy.protected.example"),
            (API_TOKEN, "token-of-protect-all\n"),
            ("NUON_GATE_WEBHOOK_SECRET", "whsec_protect1 whsec_protect2"),
            ("NUON_GATE_SLACK_TOKEN", "$(SLACK_TOKEN_OF_NOBODY)"),
        ]));
        let known = protected(0);
        for secret in ["user:pa@ssword-of-proxy", "pa%40ssword-of-proxy", "token-of-protect-all", "whsec_protect2"] {
            assert!(known.contains(&secret.to_owned()), "{secret}");
        }
        for text in ["proxy.protected", "OF_NOBODY"] {
            assert!(!known.iter().any(|secret| secret.contains(text)), "{text}");
        }
    }
}
