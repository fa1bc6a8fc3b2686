//! Credentials: a given token, or one that the API exchanges for an identity (`docs/nuon-api.md`, "Authentication").

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use nuon_gate_http::{Http, Method, Request, TimeLimit, Url, header, host_of};
use secrecy::zeroize::Zeroize as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer};

use super::exchange::exchange;
use super::{ApiError, Client, Connection, Expected, InvalidConnection, IssuerUrl, Right, SignInError, Wire, decode};
use crate::input::read_file;
use crate::{ApiToken, IdentityToken, OrgId};

/// The largest file with an identity token, in bytes: far more than any needs.
pub const LARGEST_IDENTITY: u64 = 64 * 1024;

/// The credentials for the API.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// A token of the API's.
    Token(ApiToken),
    /// An identity, which the API exchanges for a short-lived token.
    Identity(IdentitySource),
}

/// Where the identity token comes from.
#[derive(Debug, Clone)]
pub enum IdentitySource {
    /// The token itself.
    Token(IdentityToken),
    /// A file, which is read again for each exchange but the first, because its writer renews it.
    File {
        /// Its path.
        path: PathBuf,
        /// Its content now.
        token: IdentityToken,
    },
    /// An issuer, such as GitHub, which issues a new token each time.
    Issuer {
        /// Its address.
        url: IssuerUrl,
        /// The token with which an identity is requested.
        token: IdentityToken,
        /// The identity's audience.
        audience: String,
    },
}

/// The credentials, shared by all clones of a client.
#[derive(Debug)]
pub(super) struct Session {
    identity: Option<Identity>,
    /// Held while signing in, so that only one of several requests signs in, and the others wait for its token.
    current: tokio::sync::Mutex<Option<Arc<Pass>>>,
}

/// The source of the identity token, ready for requests.
#[derive(Debug)]
enum Identity {
    Token(IdentityToken),
    /// The file's content is used once.
    File {
        path: PathBuf,
        held: Mutex<Option<IdentityToken>>,
    },
    Issuer {
        http: Http,
        url: Url,
        token: IdentityToken,
    },
}

/// A token, and whether the API has ever accepted it.
#[derive(Debug)]
pub(super) struct Pass {
    pub(super) token: ApiToken,
    accepted: AtomicBool,
}

impl Pass {
    fn new(token: ApiToken) -> Arc<Self> {
        Arc::new(Self { token, accepted: AtomicBool::new(false) })
    }

    /// Records that the API has accepted it.
    pub(super) fn accept(&self) {
        self.accepted.store(true, Ordering::Relaxed);
    }
}

impl Session {
    pub(super) fn new(connection: &Connection) -> Result<Self, InvalidConnection> {
        let (identity, current) = match &connection.credentials {
            Credentials::Token(token) => (None, Some(Pass::new(token.clone()))),
            Credentials::Identity(IdentitySource::Token(token)) => (Some(Identity::Token(token.clone())), None),
            Credentials::Identity(IdentitySource::File { path, token }) => {
                (Some(Identity::File { path: path.clone(), held: Mutex::new(Some(token.clone())) }), None)
            }
            Credentials::Identity(IdentitySource::Issuer { url, token, audience }) => {
                // Connections of its own: nothing that is meant for one host can reach the other.
                let (url, token) = (url.with_audience(audience), token.clone());
                let http = Http::new(&url, &connection.setup)?;
                (Some(Identity::Issuer { http, url, token }), None)
            }
        };
        Ok(Self { identity, current: tokio::sync::Mutex::new(current) })
    }
}

impl Client {
    /// Returns the current token, and signs in if there is none yet.
    pub(super) async fn pass(&self, right: &Right, limit: TimeLimit) -> Result<Arc<Pass>, ApiError> {
        let mut current = limit.wait(right.session.current.lock()).await?;
        if let Some(pass) = &*current {
            return Ok(Arc::clone(pass));
        }
        let pass = self.sign_in(right, limit).await?;
        *current = Some(Arc::clone(&pass));
        Ok(pass)
    }

    /// Returns a token to replace one that the API has refused, if there can be one.
    ///
    /// A token that was never accepted is not replaced, because the next one would be no better. So a series of
    /// refusals leads to one new sign-in, however long it is. The old token is kept until there is a new one: a server
    /// with problems also refuses, and an identity that was given once may expire before its token does.
    pub(super) async fn another_pass(
        &self,
        right: &Right,
        refused: &Arc<Pass>,
        limit: TimeLimit,
    ) -> Result<Option<Arc<Pass>>, ApiError> {
        if right.session.identity.is_none() {
            return Ok(None);
        }
        let mut current = limit.wait(right.session.current.lock()).await?;
        if let Some(newer) = current.as_ref().filter(|pass| !Arc::ptr_eq(pass, refused)) {
            return Ok(Some(Arc::clone(newer)));
        }
        if !refused.accepted.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let pass = self.sign_in(right, limit).await?;
        *current = Some(Arc::clone(&pass));
        Ok(Some(pass))
    }

    async fn sign_in(&self, right: &Right, limit: TimeLimit) -> Result<Arc<Pass>, ApiError> {
        tracing::debug!("signing in");
        let identity = match &right.session.identity {
            Some(Identity::Token(token)) => token.clone(),
            Some(Identity::File { path, held }) => {
                let held = held.lock().unwrap_or_else(PoisonError::into_inner).take();
                match held {
                    Some(token) => token,
                    None => read_again(path.clone(), limit).await?,
                }
            }
            Some(Identity::Issuer { http, url, token }) => {
                let issued = ask_issuer(http, url, token, limit).await;
                issued.map_err(|cause| SignInError::Issuer { host: host_of(url), cause: Box::new(cause) })?
            }
            // A client without an identity has a token, and never comes here.
            None => return Err(SignInError::NotAuthenticated.into()),
        };
        let token = self.exchange_identity(right, &identity, limit).await?;
        Ok(Pass::new(token))
    }

    /// Requests a token from the API. Only the identity authenticates this request.
    async fn exchange_identity(
        &self,
        right: &Right,
        identity: &IdentityToken,
        limit: TimeLimit,
    ) -> Result<ApiToken, ApiError> {
        let refused = |cause: ApiError| match cause.is_absence() {
            true => ApiError::from(SignInError::Unsupported(Box::new(cause))),
            false => SignInError::Exchange(Box::new(cause)).into(),
        };
        let body = serde_json::json!({"org_id": right.org.as_str(), "token": identity.expose()}).to_string();
        let mut request = Request::new(Method::POST, self.url.join(&["v1", "oidc", "token"]));
        request.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        *request.body_mut() = Some(body.into());
        let mut answer = self
            .count(request, Expected::Body, limit)
            .await
            .map_err(|error| refused(self.failed(error, Expected::Body)))?;
        let issued = decode::<Issued>(&answer.body).map_err(|error| refused(self.failed(error, Expected::Body)));
        answer.body.zeroize();
        issued?.token(&right.org).map_err(ApiError::from)
    }
}

/// The API's answer to an identity. Its expiry is ignored: clocks differ, and the API answers 401 once the token has
/// expired.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Issued {
    authenticated: bool,
    #[serde(deserialize_with = "secret")]
    token: SecretString,
    org_id: String,
}

impl Wire for Issued {}

impl Issued {
    fn token(self, org: &OrgId) -> Result<ApiToken, SignInError> {
        if !self.authenticated {
            return Err(SignInError::NotAuthenticated);
        }
        if self.org_id != org.as_str() {
            return Err(SignInError::OtherOrganisation);
        }
        ApiToken::new(self.token.expose_secret()).map_err(SignInError::Token)
    }
}

/// An issuer's answer.
#[derive(Deserialize, Default)]
#[serde(default)]
struct IssuedIdentity {
    #[serde(deserialize_with = "secret")]
    value: SecretString,
}

impl Wire for IssuedIdentity {}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    Ok(SecretString::from(Option::<String>::deserialize(deserializer)?.unwrap_or_default()))
}

async fn ask_issuer(
    http: &Http,
    url: &Url,
    token: &IdentityToken,
    limit: TimeLimit,
) -> Result<IdentityToken, ApiError> {
    let mut request = Request::new(Method::GET, url.clone());
    request.headers_mut().insert(header::AUTHORIZATION, token.header());
    let (_, answer) = exchange(http, request, Expected::Identity, limit).await;
    let mut body = answer?;
    let issued = decode::<IssuedIdentity>(&body);
    body.zeroize();
    IdentityToken::new(issued?.value.expose_secret()).map_err(|error| ApiError::Undecodable(error.to_string()))
}

/// Reads a file with an identity token again, which may take as long as any request.
async fn read_again(path: PathBuf, limit: TimeLimit) -> Result<IdentityToken, ApiError> {
    let read = limit.wait(tokio::task::spawn_blocking(move || read_identity(&path))).await?;
    Ok(read.unwrap_or_else(|_| Err("it could not be read".to_owned())).map_err(SignInError::File)?)
}

fn read_identity(path: &Path) -> Result<IdentityToken, String> {
    // The path is not shown: a user may have given the token itself by mistake.
    let mut text = read_file(path, LARGEST_IDENTITY).map_err(|error| error.to_string())?;
    let identity = IdentityToken::new(&text).map_err(|error| error.to_string());
    text.zeroize();
    identity
}
