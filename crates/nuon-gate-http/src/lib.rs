#![doc = include_str!("../README.md")]

mod address;
mod certificates;
mod client;
mod connecting;
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
pub use self::failure::{Failure, OF_AUTHORITY, ProxyFailure, ProxyTrouble, certificate_hint};
pub use self::proxies::{Direct, InvalidProxy, PROXY_VARIABLES, Proxies, Proxy, Route, is_of_proxies};
pub use self::retry_after::{retry_after, timestamp};
pub use self::secret_url::SecretUrl;
