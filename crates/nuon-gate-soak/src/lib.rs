#![doc = include_str!("../README.md")]
//!
//! A [`world`] answers requests, and the [`oracle`] judges the [`transcript`]. The caller keeps the time: the core's
//! tests use virtual time, [`sockets`] uses real time and the real program.

mod hostile;
pub mod oracle;
pub mod program;
mod server;
pub mod sockets;
pub mod transcript;
pub mod world;

pub use self::hostile::HOSTILE;
pub use self::server::request_line;
