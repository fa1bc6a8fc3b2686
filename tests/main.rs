//! The program from end to end: the real binary against the simulated API, over real HTTP, with one module for each
//! feature.
//!
//! Time is real, so no test depends on speed: scripts count answers, not milliseconds, and tests wait for events, not
//! for times.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod arguments;
mod asking;
mod branch_runs;
mod cancel;
mod changed;
mod checks;
#[cfg(unix)]
mod command;
#[cfg(unix)]
mod completions;
mod connection;
mod demo;
mod doctor;
mod echoes;
mod evidence;
mod examples;
mod exit_codes;
mod faults;
mod follow_logs;
mod github;
mod github_sinks;
mod health;
mod hostile;
mod identity;
mod inputs;
mod judging;
mod labels;
mod manual;
mod marks;
mod messages;
mod names;
mod notifications;
mod other_ci;
mod output;
#[cfg(unix)]
mod pages;
#[cfg(unix)]
mod pipes;
mod plans;
mod queues;
#[cfg(unix)]
mod readers;
#[cfg(unix)]
mod recipes;
mod regressions;
mod schemas;
mod secrets;
#[cfg(unix)]
mod shards;
mod sign_in;
mod signals;
mod support;
mod targets;
#[cfg(target_os = "linux")]
mod terminal;
mod tls;
mod traps;
mod usage;
mod variables;
