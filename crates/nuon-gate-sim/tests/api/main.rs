//! What the simulator answers, asked over real sockets by the simplest client there can be.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod cancel;
mod client;
mod details;
mod faults;
mod generations;
mod ids;
mod lists;
mod logs;
mod oidc;
mod sinks;
