//! The HTTP floor, as its callers see it.

#![cfg(test)]

mod any_retry_after;
mod tunnels;
