//! The `nuon-gate` program. Everything is in the library beside it; its `run` shows the whole way of the data.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(nuon_gate::run(std::env::args_os()))
}
