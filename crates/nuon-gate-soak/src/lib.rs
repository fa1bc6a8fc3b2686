#![doc = include_str!("../README.md")]
//!
//! A [`world`] answers, the [`oracle`] judges by the [`transcript`]. Whoever asks keeps the time: the core's tests a virtual one,
//! [`sockets`] the real one, with the real program.

mod hostile;
pub mod oracle;
pub mod program;
mod server;
pub mod sockets;
pub mod transcript;
pub mod world;

pub use self::hostile::HOSTILE;
