//! The watch, in virtual time.

mod basics;
mod clocks;
mod discovery;
mod ends;
mod errors;
mod lag;
mod long_polls;
mod names;
mod pins;
mod replaced;
mod targets;
mod workflow;
