//! The `nuon-gate` program. Everything is in the library; its `run` shows the whole data flow.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(nuon_gate::run(std::env::args_os()))
}
