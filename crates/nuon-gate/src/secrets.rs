//! Registers the secrets of the environment for redaction, before anything is printed, and those of files before an error
//! about the settings is.
//!
//! A malformed or misplaced secret never becomes a typed token or address, and the error about it could quote it.

use std::ffi::OsString;
use std::path::PathBuf;

use nuon_gate_core::redact::protect;
use nuon_gate_http::PROXY_VARIABLES;
use percent_encoding::percent_decode_str;

use crate::environment::{API_TOKEN, Environment, GITHUB_REQUEST_TOKEN, OIDC_TOKEN, OIDC_TOKEN_FILE};
use crate::input::Input;
use crate::nuon_config::{NuonConfig, expanded};

/// Variables whose values are secrets, besides those of the sinks: several on lines of their own, or with blanks in between.
const SECRETS: [&str; 4] = [API_TOKEN, OIDC_TOKEN, GITHUB_REQUEST_TOKEN, "GITHUB_TOKEN"];

/// Variables that name a proxy for plain `http`. They are not used, but what they hold is a secret all the same.
const UNUSED_PROXIES: [&str; 2] = ["HTTP_PROXY", "http_proxy"];

/// Redacts every secret of the environment from all output from now on.
pub(crate) fn protect_all(environment: &Environment) {
    let values = SECRETS
        .iter()
        .chain(&nuon_gate_notify::SECRETS)
        .filter_map(|name| environment.get(name))
        .flat_map(str::split_whitespace);
    // An unfilled placeholder is only a name, and is reported.
    values.filter(|value| !value.starts_with('$')).for_each(protect);
    let proxies = PROXY_VARIABLES.iter().chain(&UNUSED_PROXIES);
    for user in proxies.filter_map(|name| user_of(environment.get(name)?)) {
        for user in [user, &decoded(user)] {
            protect(user);
            if let Some((_, password)) = user.split_once(':') {
                protect(password);
            }
        }
    }
}

/// Redacts the secrets of all files that could have been read for one, as far as they can be.
pub(crate) fn protect_files(arguments: &[OsString], environment: &Environment) {
    let home = environment.home();
    let read = |input: Input, flag: &'static str, variables: &[&str]| -> Vec<String> {
        let set = variables.iter().filter_map(|name| environment.get(name)).map(PathBuf::from);
        let usual = (input == Input::NuonConfig).then(|| PathBuf::from("~/.nuon"));
        let paths = typed(arguments, flag).chain(set).chain(usual).map(|path| expanded(&path, home.as_deref()));
        // What a pipe holds can be read once, and by the one who waits for it.
        paths.filter(|path| path.is_file()).filter_map(|path| input.read(&path).ok()).collect()
    };
    let tokens = read(Input::Token, "--token-file", &["NUON_GATE_TOKEN_FILE", OIDC_TOKEN_FILE]);
    tokens.iter().flat_map(|text| text.split_whitespace()).for_each(protect);
    for text in read(Input::NuonConfig, "--config", &["NUON_GATE_CONFIG", "NUON_CONFIG_FILE"]) {
        // Whoever reads it redacts its token.
        let _ = NuonConfig::parse(&text);
    }
}

/// Returns the values of a flag, in arguments that may not be a command line.
fn typed(arguments: &[OsString], flag: &'static str) -> impl Iterator<Item = PathBuf> {
    let own = arguments.iter().take_while(|word| *word != "--");
    let next =
        own.clone().zip(own.clone().skip(1)).filter(move |(word, _)| *word == flag).map(|(_, value)| value.into());
    let joined = own.filter_map(move |word| word.to_str()?.strip_prefix(flag)?.strip_prefix('=').map(PathBuf::from));
    next.chain(joined)
}

/// Returns the credentials in a proxy's address: `name:password`, or a token.
fn user_of(address: &str) -> Option<&str> {
    let after_scheme = address.split_once("://").map_or(address, |(_, rest)| rest);
    after_scheme.rsplit_once('@').map(|(user, _)| user)
}

/// Undoes percent-encoding, as is done before a user's name and password are sent in base64.
fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
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
        for secret in [
            "user:pa@ssword-of-proxy",
            "pa%40ssword-of-proxy",
            "pa@ssword-of-proxy",
            "token-of-protect-all",
            "whsec_protect2",
        ] {
            assert!(known.contains(&secret.to_owned()), "{secret}");
        }
        for text in ["proxy.protected", "OF_NOBODY"] {
            assert!(!known.iter().any(|secret| secret.contains(text)), "{text}");
        }
    }
}
