//! How long and how much memory a wait for a deploy that has already ended takes, against `curl … | jq -e …` asking the
//! same server: what people do without a gate. Interleaved in one run, so that whatever else the machine does strikes
//! both. Run with `cargo bench -p nuon-gate --bench startup`; it prints figures and asserts nothing.

use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nuon_gate_sim::{Script, Sim};

const RUNS: usize = 41;

const SCRIPT: &str = r#"
    [[component]]
    install = "inlacmeproduction000000000"
    id = "cmpapi00000000000000000000"
    [[component.deploy]]
    statuses = [{ status = "active", description = "finished" }]
"#;

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn timed(command: &mut Command) -> Duration {
    let start = Instant::now();
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    let elapsed = start.elapsed();
    assert!(status.is_ok_and(|status| status.success()), "{command:?} did not succeed");
    elapsed
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1000.0
}

/// The largest memory of any child so far. A child counts its parent's memory up to its own start, so this is an upper
/// bound, and never below this process's own.
fn children_peak_mib() -> f64 {
    getrusage(UsageWho::RUSAGE_CHILDREN).map_or(0.0, |usage| usage.max_rss() as f64 / 1024.0)
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "the figures are what it is for")]
fn main() -> ExitCode {
    // `cargo test --benches` runs this as well, and is not interested in figures.
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let have = |tool: &str| Command::new(tool).arg("--version").stdout(Stdio::null()).status().is_ok();
    if !have("curl") || !have("jq") {
        eprintln!("curl and jq are what this is compared with, and one of them is not here");
        return ExitCode::FAILURE;
    }
    let Ok(sim) = SCRIPT
        .parse::<Script>()
        .map_err(|error| eprintln!("{error}"))
        .and_then(|script| Sim::start(script, ([127, 0, 0, 1], 0).into()).map_err(|error| eprintln!("{error}")))
    else {
        return ExitCode::FAILURE;
    };
    let gate = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nuon-gate"));
        command.env_clear().arg("wait").envs([
            ("NUON_API_URL", sim.url().as_str()),
            ("NUON_API_TOKEN", "simulated-token"),
            ("NUON_ORG_ID", "orgsimulated00000000000000"),
            ("NUON_INSTALL_ID", "inlacmeproduction000000000"),
            ("NUON_COMPONENT_ID", "cmpapi00000000000000000000"),
        ]);
        command
    };
    let url = format!(
        "{}/v1/installs/inlacmeproduction000000000/components/cmpapi00000000000000000000/deploys/latest",
        sim.url()
    );
    let pipeline = format!(
        "curl -s -H 'Authorization: Bearer simulated-token' -H 'X-Nuon-Org-ID: orgsimulated00000000000000' {url} \
         | jq -e '.status == \"active\"'"
    );
    let curl_and_jq = || {
        let mut command = Command::new("sh");
        command.args(["-c", &pipeline]);
        command
    };

    timed(&mut gate());
    let memory = children_peak_mib();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        ours.push(timed(&mut gate()));
        theirs.push(timed(&mut curl_and_jq()));
    }
    let (ours, theirs) = (median(ours), median(theirs));
    let size = std::fs::metadata(env!("CARGO_BIN_EXE_nuon-gate")).map_or(0.0, |file| file.len() as f64 / 1048576.0);
    println!("nuon-gate wait   median of {RUNS}: {ours:.2} ms");
    println!("curl | jq -e     median of {RUNS}: {theirs:.2} ms");
    println!("ratio            {:.2}", ours / theirs);
    println!("peak memory      {memory:.1} MiB (upper bound)");
    println!("binary           {size:.2} MiB");
    ExitCode::SUCCESS
}
