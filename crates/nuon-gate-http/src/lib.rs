//! HTTP for the API client and for the notifiers: connections, proxies, certificates, bounded bodies, and failures in the
//! same words for both.
//!
//! It refuses
//!
//! - to read the environment: [`Proxies`] are decided once, by whoever has read it, and the HTTP library only carries that
//!   out;
//! - to send plain `http`, or anything to this machine, through a proxy;
//! - to follow a redirect, to send a request again, and to unpack a body: `identity` is asked for;
//! - to show a credential: what a [`Proxy`] wants to know, a [`SecretUrl`] beyond its host, the value of a variable that
//!   names no proxy.
//!
//! ```
//! use nuon_gate_http::{Proxies, Route, Url};
//!
//! let variable = |name: &str| match name {
//!     "HTTPS_PROXY" => Some("http://gate:secret@proxy.corp:3128".to_owned()),
//!     "NO_PROXY" => Some("internal.example, 10.0.0.0/8".to_owned()),
//!     _ => None,
//! };
//! let proxies = Proxies::from_variables(variable)?;
//! let reached = |url: &str| match proxies.route(&Url::parse(url).unwrap()) {
//!     Route::Through(proxy) => proxy.to_string(),
//!     Route::Direct(_) => "directly".to_owned(),
//! };
//! assert_eq!(reached("https://api.nuon.co"), "proxy.corp:3128");
//! assert_eq!(reached("https://api.internal.example"), "directly");
//! assert_eq!(reached("https://10.1.2.3"), "directly");
//!
//! let error = Proxies::from_variables(|_| Some("socks5://gate:secret@proxy.corp".to_owned())).unwrap_err();
//! let words = "HTTPS_PROXY does not name a proxy that can be used: its scheme is neither http nor https";
//! assert_eq!(error.to_string(), words);
//! # Ok::<(), nuon_gate_http::InvalidProxy>(())
//! ```

mod address;
mod certificates;
mod client;
mod failure;
mod no_proxy;
mod proxies;
mod retry_after;
mod secret_url;
mod tunnel;

pub use reqwest::{Method, Request, Response, Url, header};

pub use self::address::{InvalidAddress, checked, host_of, is_loopback, is_plain, socket_of};
pub use self::certificates::{Certificates, InvalidCertificates};
pub use self::client::{Http, InvalidSetup, Setup, TimeLimit, Unread, compression, read_some, word};
pub use self::failure::{Failure, ProxyFailure, ProxyTrouble};
pub use self::proxies::{Direct, InvalidProxy, PROXY_VARIABLES, Proxies, Proxy, Route, is_of_proxies};
pub use self::retry_after::{retry_after, timestamp};
pub use self::secret_url::SecretUrl;
