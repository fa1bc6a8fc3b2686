//! The watch, in virtual time.

mod asking;
mod basics;
mod branch;
mod branch_polls;
mod branch_takeovers;
mod clocks;
mod discovery;
mod discovery_retries;
mod earlier;
mod ends;
mod errors;
mod health;
mod lag;
mod leaving;
pub(crate) mod lists;
mod logs;
mod long_polls;
mod names;
mod pins;
mod plans;
mod reconsidered;
mod replaced;
mod shards;
mod stopped;
mod targets;
mod unnamed;
mod workflow;
