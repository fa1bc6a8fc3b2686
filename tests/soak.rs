//! A hundred runs of the soak, as a regular check. More: `cargo run --release -p nuon-gate-soak --bin soak`.
//!
//! It is a test binary of its own, because the oracle separates polls by pauses of milliseconds: tests in parallel
//! would delay requests within a poll.

use nuon_gate_soak::sockets::{Options, soak};

#[test]
fn nothing_goes_wrong_in_a_hundred_worlds() {
    let gate = env!("CARGO_BIN_EXE_nuon-gate").into();
    // They sleep most of the time.
    let tally = soak(&Options { count: 100, seed: 1, seconds: 120, jobs: 8, gate, show: false });
    assert!(tally.findings().is_empty(), "{tally}");
    assert!(tally.runs() == 100, "{tally}");
}
