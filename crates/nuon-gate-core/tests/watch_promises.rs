//! Holds [`Watch`](nuon_gate_core::Watch) to the four promises in the documentation of its module. A million scenes, in
//! release: `cargo run --release -p nuon-gate-core --example million`.

#![cfg(test)]

mod promises;
mod virtual_time;

use promises::{all_are_kept, scenes};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 8_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_promises_hold(scene in scenes()) {
        all_are_kept(&scene)?;
    }
}
