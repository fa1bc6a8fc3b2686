//! A hundred runs of the soak, so that it stays true. More: `cargo run --release -p nuon-gate-soak --bin soak`.
//!
//! It is a program of its own, as the oracle tells one poll from the next by pauses of milliseconds: tests beside it would
//! tear a poll apart.

use nuon_gate_soak::sockets::{Options, soak};

#[test]
fn nothing_goes_wrong_in_a_hundred_worlds() {
    let gate = env!("CARGO_BIN_EXE_nuon-gate").into();
    // Most of them sleep most of the time.
    let tally = soak(&Options { count: 100, seed: 1, seconds: 120, jobs: 8, gate, show: false });
    assert!(tally.findings().is_empty(), "{tally}");
    assert!(tally.runs() == 100, "{tally}");
}
