//! The one way over HTTP, for the API and for those who are told: which addresses are safe to send a secret to, and what
//! answers say to everyone.

mod address;
mod retry_after;
mod secret_url;

pub use reqwest::{Method, Request, Url, header};

pub use self::address::{InvalidAddress, checked, host_of, is_loopback, is_plain, socket_of};
pub use self::retry_after::{retry_after, timestamp};
pub use self::secret_url::SecretUrl;
