//! A hundred random scenes of the soak, so that it stays true. More: `cargo run --release -p nuon-gate-sim --bin soak`.

#[path = "../crates/nuon-gate-sim/src/bin/soak/harness/mod.rs"]
mod harness;

use self::harness::{Wish, soak};

#[test]
fn nothing_goes_wrong_in_a_hundred_scenes() {
    let gate = env!("CARGO_BIN_EXE_nuon-gate").into();
    let tally = soak(&Wish { count: 100, seed: 1, seconds: 60, jobs: 4, gate, show: false });
    assert!(tally.is_clean(), "{tally}");
    assert!(tally.runs() == 100, "{tally}");
}
