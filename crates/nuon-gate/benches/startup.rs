//! Measures the time and the memory of a wait for a deploy that has already ended, compared with `curl … | jq -e …`
//! against the same server: what people do without a gate. Both are interleaved in one run, so that other load on the
//! machine affects both. Run with `cargo bench -p nuon-gate --bench startup`; it prints measurements and asserts
//! nothing.

#[cfg(not(unix))]
fn main() {
    // Only Unix reports what a child has used.
}

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    unix::main()
}

#[cfg(unix)]
mod unix {
    use std::io::{self, BufRead as _, BufReader};
    use std::process::{Child, Command, ExitCode, Stdio};
    use std::time::{Duration, Instant};

    use nix::sys::resource::{UsageWho, getrusage};

    const RUNS: usize = 41;
    /// The goals: the time compared with that of `curl | jq`, and memory and size in MiB.
    const MOST_TIME: f64 = 0.25;
    const MOST_MEMORY: f64 = 8.0;
    const MOST_SIZE: f64 = 6.0;

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

    /// A process that ends with this one.
    struct Server(Child);

    impl Drop for Server {
        fn drop(&mut self) {
            // If it cannot be ended, it has already ended.
            let _ = self.0.kill().and_then(|()| self.0.wait());
        }
    }

    /// Serves the script in a process of its own. A child's peak includes its parent's memory at its start, so this
    /// process has to stay small.
    fn serve() -> io::Result<(Server, String)> {
        let script = std::env::temp_dir().join(format!("nuon-gate-bench-{}.toml", std::process::id()));
        std::fs::write(&script, SCRIPT)?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_nuon-gate"));
        command.args(["sim", "--script"]).arg(&script).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = Server(command.spawn()?);
        let mut url = String::new();
        if let Some(stdout) = server.0.stdout.take() {
            BufReader::new(stdout).read_line(&mut url)?;
        }
        std::fs::remove_file(script)?;
        Ok((server, url.trim().to_owned()))
    }

    /// The largest memory of any child that has ended so far.
    fn children_peak_mib() -> f64 {
        getrusage(UsageWho::RUSAGE_CHILDREN).map_or(0.0, |usage| usage.max_rss() as f64 / 1024.0)
    }

    #[expect(clippy::print_stdout, clippy::print_stderr, reason = "the figures are what it is for")]
    pub(super) fn main() -> ExitCode {
        // `cargo test --benches` runs this as well, but needs no measurements.
        if !std::env::args().any(|argument| argument == "--bench") {
            return ExitCode::SUCCESS;
        }
        let (_server, api) = match serve() {
            Ok(served) => served,
            Err(error) => {
                eprintln!("the simulator does not start: {error}");
                return ExitCode::FAILURE;
            }
        };
        let gate = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_nuon-gate"));
            command.env_clear().arg("wait").envs([
                ("NUON_API_URL", api.as_str()),
                ("NUON_API_TOKEN", "simulated-token"),
                ("NUON_ORG_ID", "orgsimulated00000000000000"),
                ("NUON_INSTALL_ID", "inlacmeproduction000000000"),
                ("NUON_COMPONENT_ID", "cmpapi00000000000000000000"),
            ]);
            command
        };
        let url = format!(
            "{api}/v1/installs/inlacmeproduction000000000/components/cmpapi00000000000000000000/deploys/latest"
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

        // It must be the first child, since the peak is that of all children so far.
        timed(&mut gate());
        let memory = children_peak_mib();
        let have = |tool: &str| Command::new(tool).arg("--version").stdout(Stdio::null()).status().is_ok();
        if !have("curl") || !have("jq") {
            eprintln!("curl and jq are what this is compared with, and one of them is not here");
            return ExitCode::FAILURE;
        }
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            ours.push(timed(&mut gate()));
            theirs.push(timed(&mut curl_and_jq()));
        }
        let (ours, theirs) = (median(ours), median(theirs));
        let size = std::fs::metadata(env!("CARGO_BIN_EXE_nuon-gate")).map_or(0.0, |file| file.len() as f64 / 1048576.0);
        println!("nuon-gate wait   median of {RUNS}: {ours:.2} ms");
        println!("curl | jq -e     median of {RUNS}: {theirs:.2} ms");
        println!("ratio            {:.2} (at most {MOST_TIME})", ours / theirs);
        println!("peak memory      {memory:.1} MiB (at most {MOST_MEMORY})");
        println!("binary           {size:.2} MiB (at most {MOST_SIZE})");
        ExitCode::SUCCESS
    }
}
