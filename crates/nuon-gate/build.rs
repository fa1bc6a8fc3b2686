//! Leaves the unwind tables out of a program for Linux that is built for size: they would be a seventh of it. A panic
//! aborts there (see `panic` in the workspace's `Cargo.toml`), and a stripped program has no names for a backtrace, so
//! nothing reads them.
//!
//! `panic = "abort"` alone keeps them, and `-C force-unwind-tables=no` cannot be set for one profile. So they are left
//! out when linking, if the linker can do that.

use std::path::Path;
use std::process::{Command, Stdio};

/// The C runtime of musl refers to its own empty tables.
const SCRIPT: &str =
    "SECTIONS { /DISCARD/ : { *(EXCLUDE_FILE(*crtbegin*.o *crtend*.o) .eh_frame) } } INSERT AFTER .text;\n";

#[expect(clippy::disallowed_methods, reason = "cargo passes everything to a build script by variables")]
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

/// Links an empty program, with the compiler, the linker and the flags of the real one.
fn links(folder: &Path, argument: &str) -> bool {
    let program = folder.join("empty.rs");
    if std::fs::write(&program, "fn main() {}\n").is_err() {
        return false;
    }
    let (flags, linker) = (variable("CARGO_ENCODED_RUSTFLAGS"), variable("RUSTC_LINKER"));
    let mut rustc = Command::new(variable("RUSTC"));
    rustc.arg(program).arg("-o").arg(folder.join("empty")).args(["--target", &variable("TARGET"), "-Cpanic=abort"]);
    rustc.args(flags.split('\x1f').filter(|flag| !flag.is_empty()));
    if !linker.is_empty() {
        rustc.arg(format!("-Clinker={linker}"));
    }
    rustc.arg(format!("-Clink-arg={argument}"));
    rustc.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if variable("CARGO_CFG_TARGET_OS") != "linux" || variable("OPT_LEVEL") != "z" {
        return;
    }
    let folder = variable("OUT_DIR");
    let script = Path::new(&folder).join("no-unwind-tables.ld");
    let argument = format!("-Wl,-T,{}", script.display());
    if std::fs::write(&script, SCRIPT).is_ok() && links(Path::new(&folder), &argument) {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
}
