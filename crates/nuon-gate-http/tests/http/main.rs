//! The way over HTTP, as those who use it see it.

#![cfg(test)]

mod any_retry_after;
mod tunnels;
