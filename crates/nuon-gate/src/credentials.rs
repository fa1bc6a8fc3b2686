//! The credentials for the API: a token, or else an identity to exchange for one.

use std::path::PathBuf;

use nuon_gate_core::api::{Credentials, IdentitySource, IssuerUrl};
use nuon_gate_core::{ApiToken, IdentityToken};
use nuon_gate_notify::is_placeholder;

use crate::environment::{
    API_TOKEN, Environment, GITHUB_ISSUER, GITHUB_REQUEST_TOKEN, OIDC_AUDIENCE, OIDC_TOKEN, OIDC_TOKEN_FILE,
};
use crate::input::Input;
use crate::layers::placeholder;
use crate::reader::Reader;
use crate::trouble::Trouble;

const TOKEN_HINT: &str =
    "set NUON_API_TOKEN, name a file with --token-file (NUON_GATE_TOKEN_FILE), or log in with the Nuon CLI";

/// Finds the token in the given `file`, in the environment, or of the user who is `logged_in`; else an identity, for
/// this `audience` unless the environment names another.
pub(crate) async fn find(
    reader: &Reader,
    file: Option<PathBuf>,
    logged_in: Option<String>,
    audience: String,
    environment: &Environment,
) -> Result<Credentials, Trouble> {
    let text = match file {
        Some(path) => Some(reader.read(Input::Token, &path).await?),
        None => environment.get(API_TOKEN).map(str::to_owned).or(logged_in),
    };
    match text {
        Some(text) if is_placeholder(&text) => {
            Err(Trouble::new("the API token is a placeholder that was not filled in").hint(TOKEN_HINT))
        }
        Some(text) => ApiToken::new(&text)
            .map(Credentials::Token)
            .map_err(|error| Trouble::new(format!("no usable API token: {error}")).hint(TOKEN_HINT)),
        None => {
            let identity = identity(reader, audience, environment).await?;
            identity.map(Credentials::Identity).ok_or_else(|| nothing(environment))
        }
    }
}

/// Finds where the identity comes from, in the order of the Nuon CLI.
async fn identity(
    reader: &Reader,
    audience: String,
    environment: &Environment,
) -> Result<Option<IdentitySource>, Trouble> {
    let variables = [OIDC_TOKEN, OIDC_TOKEN_FILE, OIDC_AUDIENCE];
    let unfilled = |name: &&str| environment.get(name).is_some_and(is_placeholder);
    if let Some(name) = variables.into_iter().find(unfilled) {
        return Err(placeholder(name).hint(format!("correct {name}, or set {API_TOKEN}")));
    }
    let usable = |variable: &str, text: &str| {
        let hint = format!("correct {variable}, or set {API_TOKEN}");
        IdentityToken::new(text).map_err(|error| Trouble::new(format!("unusable {variable}: {error}")).hint(hint))
    };
    if let Some(token) = environment.get(OIDC_TOKEN) {
        return usable(OIDC_TOKEN, token).map(IdentitySource::Token).map(Some);
    }
    if let Some(path) = environment.get(OIDC_TOKEN_FILE).map(PathBuf::from) {
        let text = reader.read(Input::Identity, &path).await?;
        let token = IdentityToken::new(&text).map_err(|error| Input::Identity.wrong(&path, error))?;
        return Ok(Some(IdentitySource::File { path, token }));
    }
    let (Some(url), Some(token)) = (environment.get(GITHUB_ISSUER), environment.get(GITHUB_REQUEST_TOKEN)) else {
        return Ok(None);
    };
    let url = IssuerUrl::new(url).map_err(|error| {
        Trouble::new(format!("invalid {GITHUB_ISSUER}: {error}"))
            .hint(format!("leave {GITHUB_ISSUER} as GitHub sets it, or set {API_TOKEN}"))
    })?;
    let audience = environment.get(OIDC_AUDIENCE).map_or(audience, |audience| audience.trim().to_owned());
    Ok(Some(IdentitySource::Issuer { url, token: usable(GITHUB_REQUEST_TOKEN, token)?, audience }))
}

/// There is neither a token nor an identity.
fn nothing(environment: &Environment) -> Trouble {
    let hint = match environment.is_github() {
        true => format!(
            "to sign in without a secret, give the job `permissions: id-token: write` (GitHub gives none to pull requests \
             from forks); or {TOKEN_HINT}"
        ),
        false => format!(
            "{TOKEN_HINT}; or sign in with an identity, from {OIDC_TOKEN}, {OIDC_TOKEN_FILE}, or GitHub Actions with \
             `permissions: id-token: write`"
        ),
    };
    Trouble::new("no API token, and no identity to sign in with").hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::runtime;

    const TOKEN: (&str, &str) = (API_TOKEN, "t");
    const IDENTITY: (&str, &str) = (OIDC_TOKEN, "id");
    const FILE: (&str, &str) = (OIDC_TOKEN_FILE, concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/identity"));
    const URL: (&str, &str) = (GITHUB_ISSUER, "https://issuer.example/t?v=1");
    const REQUEST: (&str, &str) = (GITHUB_REQUEST_TOKEN, "r");

    type Variables<'a> = &'a [(&'a str, &'a str)];

    fn found(logged_in: bool, variables: Variables<'_>) -> Result<Credentials, Trouble> {
        let audience = "https://api.example".to_owned();
        let (reader, environment) = (Reader::default(), Environment::of(variables));
        let found = find(&reader, None, logged_in.then(|| "t".to_owned()), audience, &environment);
        runtime().unwrap().block_on(found)
    }

    #[test]
    fn the_first_source_that_is_there_counts() {
        let rows: [(bool, Variables<'_>, &str); 11] = [
            (false, &[TOKEN, IDENTITY, FILE, URL, REQUEST], "token"),
            (true, &[IDENTITY, FILE, URL, REQUEST], "token"),
            (false, &[IDENTITY, FILE, URL, REQUEST], "identity"),
            (false, &[FILE, URL, REQUEST], "file"),
            (false, &[URL, REQUEST], "issuer for https://api.example"),
            (false, &[URL, REQUEST, (OIDC_AUDIENCE, " nuon ")], "issuer for nuon"),
            (false, &[IDENTITY, (OIDC_AUDIENCE, "nuon")], "identity"),
            (false, &[URL], "nothing"),
            (false, &[REQUEST], "nothing"),
            (false, &[(OIDC_AUDIENCE, "nuon")], "nothing"),
            (false, &[], "nothing"),
        ];
        for (logged_in, variables, expected) in rows {
            let source = match found(logged_in, variables) {
                Ok(Credentials::Token(_)) => "token".to_owned(),
                Ok(Credentials::Identity(IdentitySource::Token(_))) => "identity".to_owned(),
                Ok(Credentials::Identity(IdentitySource::File { .. })) => "file".to_owned(),
                Ok(Credentials::Identity(IdentitySource::Issuer { audience, .. })) => format!("issuer for {audience}"),
                Err(_) => "nothing".to_owned(),
            };
            assert_eq!(source, expected, "{logged_in} {variables:?}");
        }
    }

    #[test]
    fn a_source_that_is_unusable_is_not_passed_over() {
        let rows: [Variables<'_>; 5] = [
            &[(OIDC_TOKEN, "a b"), FILE, URL, REQUEST],
            &[(OIDC_TOKEN_FILE, "eyJ.not-a-file"), URL, REQUEST],
            &[(GITHUB_ISSUER, "http://issuer.example"), REQUEST],
            &[(GITHUB_ISSUER, "issuer"), REQUEST],
            &[URL, (GITHUB_REQUEST_TOKEN, "a\nb")],
        ];
        for variables in rows {
            let trouble = found(false, variables).unwrap_err().to_string();
            assert!(trouble.contains(variables[0].0) || trouble.contains(GITHUB_REQUEST_TOKEN), "{trouble}");
            assert!(trouble.contains("hint: ") && !trouble.contains("not-a-file"), "{trouble}");
        }
    }

    #[test]
    fn without_credentials_both_ways_are_named() {
        for github in ["true", "false"] {
            let trouble = found(false, &[("GITHUB_ACTIONS", github)]).unwrap_err().to_string();
            for way in ["NUON_API_TOKEN", "--token-file", "permissions: id-token: write"] {
                assert!(trouble.contains(way), "{trouble}");
            }
            assert_eq!(trouble.contains(OIDC_TOKEN_FILE), github == "false", "{trouble}");
        }
    }
}
