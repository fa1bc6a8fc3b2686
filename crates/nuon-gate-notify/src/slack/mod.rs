//! Slack: one message, by a bot or by an incoming webhook.

pub(crate) mod blocks;
mod bot;
mod check;
mod trouble;
mod webhook;

pub(crate) use self::bot::Bot;
pub use self::bot::{InvalidSlackThread, SlackThread};
pub use self::check::{SlackCheck, SlackIdentity, SlackRefusal, slack_check};
pub(crate) use self::webhook::post;
