//! Delivers a request to a service: bounded, never redirected, and with errors that do not hold the address.

mod fault;
mod http;
mod retry;

pub(crate) use self::fault::{Fault, Nature, harmless};
pub use self::http::InvalidSetup;
pub(crate) use self::http::{Answer, Http, Request, fault};
pub use self::retry::Pace;
pub(crate) use self::retry::{Ending, Patience, Repeat};
