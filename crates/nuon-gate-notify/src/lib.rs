#![doc = include_str!("../README.md")]
//!
//! # The data flow
//!
//! ```text
//! variables ─→ Sinks ─┐
//! Occasion, RunResult ─→ Notifier ─→ Mailbox ─→ SinkTask ─→ Message ─→ payload ─→ Patience, Http ─→ the service
//!                                     └─ Record ─→ Outcome
//! ```
//!
//! - [`Sinks`] are the destinations, [`Options`] the settings. Both are checked before the wait.
//! - A message is a pure function of what happened. So is each service's payload, whose types hold no more than the
//!   service takes; [`render`] shows them without sending anything.
//! - [`Notifier`] has one task for each sink. It takes snapshots during the wait and the result at its end, and ends
//!   when its budget is spent.
//!
//! A notification that fails is a result of its own ([`Outcome`]), never an error of the run.

mod bounded;
mod ci_run;
mod cut;
mod deliver;
mod discord;
mod excerpt;
mod github;
mod mailbox;
mod mask;
mod mention;
mod message;
mod notifier;
mod occasion;
mod render;
mod sample;
mod secret;
mod settings;
mod sink_task;
mod slack;
mod teams;
mod webhook;

pub use self::ci_run::{CiRun, ci_run};
pub use self::deliver::{InvalidSetup, Pace};
pub use self::mask::is_secret;
pub use self::mention::Mention;
pub use self::notifier::{Hurry, Notifier, Options, Outcome, send_test};
pub use self::occasion::{Occasion, Trigger};
pub use self::render::{Rendered, render};
pub use self::settings::{InvalidSetting, Parsed, SECRETS, Sinks, VARIABLES, is_placeholder};
pub use self::slack::{InvalidSlackThread, SlackCheck, SlackIdentity, SlackRefusal, SlackThread, slack_check};
