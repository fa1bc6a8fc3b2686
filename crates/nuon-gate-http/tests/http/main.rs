//! The way over HTTP, as those who use it see it.

#![cfg(test)]

mod any_wish;
mod tunnels;
