//! The simulator's answers, over real sockets to the simplest possible client.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod approvals;
mod branches;
mod cancel;
mod client;
mod details;
mod docs;
mod faults;
mod generations;
mod health;
mod ids;
mod lists;
mod logs;
mod long_poll;
mod observed;
mod oidc;
mod rows;
mod sinks;
mod triggers;
