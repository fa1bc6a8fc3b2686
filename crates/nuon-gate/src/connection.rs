//! The connection to the API, from flags, the environment and the Nuon CLI's file.

use std::path::PathBuf;
use std::time::Duration;

use nuon_gate_core::api::{ApiError, ApiUrl, Client, Connection, Credentials, InvalidApiUrl, InvalidConnection};
use nuon_gate_core::{InvalidId, OrgId};
use nuon_gate_http::{Certificates, Proxies, Setup};

use crate::arguments::ConnectionArguments;
use crate::credentials;
use crate::environment::Environment;
use crate::input::Input;
use crate::lists::filled_in;
use crate::nuon_config::NuonConfig;
use crate::output::Console;
use crate::reader::Reader;
use crate::trouble::Trouble;
use crate::words::if_unanswered;

pub(crate) const NO_TRUST_STORE: &str = "the system may have no trust store: install its CA certificates, or name a file \
    with --ca-file (NUON_GATE_CA_FILE)";

const API_URL: &str = "https://api.nuon.co";

/// The parts of a connection, each of which can be wrong on its own.
pub(crate) struct ConnectionParts {
    /// The Nuon CLI's file, if there is one.
    pub(crate) file: Option<PathBuf>,
    pub(crate) url: Result<ApiUrl, Trouble>,
    pub(crate) org: Result<OrgId, Trouble>,
    pub(crate) credentials: Result<Credentials, Trouble>,
    pub(crate) certificates: Result<Certificates, Trouble>,
    pub(crate) proxies: Result<Proxies, Trouble>,
}

impl ConnectionParts {
    /// Determines each part. If the file cannot be read, nothing is known: it could have said anything.
    pub(crate) async fn read(
        reader: &Reader,
        arguments: ConnectionArguments,
        environment: &Environment,
    ) -> Result<Self, Trouble> {
        let home = environment.home();
        let file = NuonConfig::read(reader, arguments.config.as_deref(), home.as_deref()).await?;
        let url = arguments.api_url.or(file.api_url).unwrap_or_else(|| API_URL.to_owned());
        let url = ApiUrl::new(&url, arguments.allow_http).map_err(|error| invalid_url(&error));
        // The audience matters only if the address is valid.
        let audience = url.as_ref().ok().map_or_else(|| API_URL.to_owned(), ToString::to_string);
        let credentials = credentials::find(reader, arguments.token_file, file.api_token, audience, environment).await;
        Ok(Self {
            url,
            org: org(arguments.org_id.or(file.org_id)),
            credentials,
            certificates: certificates(reader, arguments.ca_file).await,
            proxies: proxies(environment),
            file: file.path,
        })
    }

    /// Returns the connection, or the first error.
    pub(crate) fn whole(self) -> Result<Connection, Trouble> {
        let setup = self.setup();
        let Self { url, org, credentials, .. } = self;
        Ok(Connection { url: url?, org: org?, setup: setup?, credentials: credentials? })
    }

    /// Returns how to connect, whatever the endpoint.
    pub(crate) fn setup(&self) -> Result<Setup, Trouble> {
        let (certificates, proxies) = (self.certificates.clone()?, self.proxies.clone()?);
        Ok(Setup { user_agent: user_agent(), certificates, proxies })
    }
}

/// Returns the User-Agent. The server writes to its database for agents that resemble its own CLI (`docs/nuon-api.md`,
/// "Authentication").
pub(crate) fn user_agent() -> String {
    format!("nuon-gate/{} (+{})", env!("CARGO_PKG_VERSION"), env!("CARGO_PKG_REPOSITORY"))
}

/// Returns the set-up for all requests, whatever the endpoint.
pub(crate) async fn setup(
    reader: &Reader,
    ca_file: Option<PathBuf>,
    environment: &Environment,
) -> Result<Setup, Trouble> {
    let (certificates, proxies) = (certificates(reader, ca_file).await?, proxies(environment)?);
    Ok(Setup { user_agent: user_agent(), certificates, proxies })
}

/// Reads the certificates to trust. Unreadable ones are left out with a warning, as long as at least one is readable.
async fn certificates(reader: &Reader, file: Option<PathBuf>) -> Result<Certificates, Trouble> {
    let Some(path) = file else { return Ok(Certificates::default()) };
    let pem = reader.read(Input::Certificates, &path).await?;
    let name = path.display();
    let wrong = |error| Input::Certificates.wrong(&path, error);
    let certificates = Certificates::from_pem(&pem).map_err(wrong)?;
    for number in certificates.left_out() {
        Console::new().warning(&format!("certificate {number} in {name} cannot be read, and is left out"));
    }
    Ok(certificates)
}

fn proxies(environment: &Environment) -> Result<Proxies, Trouble> {
    let proxies = Proxies::from_variables(|name| environment.get(name).map(str::to_owned));
    proxies.map_err(|error| Trouble::new(&error).hint(error.hint()))
}

fn org(text: Option<String>) -> Result<OrgId, Trouble> {
    let text = text.ok_or_else(|| {
        Trouble::new("no organisation")
            .hint("give its id with --org-id (NUON_GATE_ORG_ID, NUON_ORG_ID), or log in with the Nuon CLI")
    })?;
    let id = filled_in(&text).and_then(|text| text.parse().map_err(|error: InvalidId| error.to_string()));
    id.map_err(|error| {
        Trouble::new(format!("invalid organisation: {error}")).hint("correct --org-id (NUON_GATE_ORG_ID, NUON_ORG_ID)")
    })
}

fn invalid_url(error: &InvalidApiUrl) -> Trouble {
    let hint = match error {
        InvalidApiUrl::PlainHttp(_) => {
            "use https in --api-url (NUON_GATE_API_URL, NUON_API_URL), or pass --allow-http (NUON_GATE_ALLOW_HTTP) if you know the network \
             in between"
        }
        InvalidApiUrl::Credentials => {
            "leave them out of --api-url (NUON_GATE_API_URL, NUON_API_URL); the token goes into NUON_API_TOKEN"
        }
        _ => "correct --api-url (NUON_GATE_API_URL, NUON_API_URL): it is like https://api.nuon.co",
    };
    Trouble::new(format!("invalid API address: {error}")).hint(hint)
}

/// Creates the API's client, with the time limit of its requests.
pub(crate) fn client(connection: &Connection, request_timeout: Duration) -> Result<Client, Trouble> {
    let client = Client::new(connection).map_err(|error| invalid_connection(&error))?;
    Ok(client.within(request_timeout))
}

/// The error if no client can be created.
pub(crate) fn invalid_connection(error: &InvalidConnection) -> Trouble {
    let hint = match error {
        InvalidConnection::Org(_) => "correct --org-id (NUON_GATE_ORG_ID, NUON_ORG_ID)",
        _ => NO_TRUST_STORE,
    };
    Trouble::new(error).hint(hint)
}

/// The error if the server's certificate is not trusted.
pub(crate) fn untrusted(error: &ApiError) -> Trouble {
    Trouble::new(error).hint(if_unanswered(error))
}
