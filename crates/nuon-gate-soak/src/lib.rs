//! Generated worlds of a Nuon server, and an oracle that judges what a gate made of them.
//!
//! Neither knows the gate: a [`world`] answers HTTP requests as a server of some version would, at a time that it is given,
//! and the [`oracle`] reads the transcript of what was asked and answered and says which verdicts it allows. They share
//! nothing but the [`transcript`], so that a wrong belief of one is not also that of the other.
//!
//! Whoever asks keeps the time: the core's tests a virtual one, [`sockets`] the real one, with the real program.
//!
//! It refuses to depend on the gate's crates or on the simulator.

pub mod oracle;
pub mod program;
mod server;
pub mod sockets;
pub mod transcript;
pub mod world;
