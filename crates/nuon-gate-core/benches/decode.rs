//! Decodes a large deploy into the model and, for comparison, into `serde_json::Value`: the model must not pay for the
//! parts it does not use.
//!
//! `cargo bench -p nuon-gate-core --bench decode`

use std::hint::black_box;
use std::time::{Duration, Instant};

use nuon_gate_core::api::decode;
use nuon_gate_core::model::Deploy;
use peak_alloc::PeakAlloc;
use serde_json::{Value, json};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const SIZE: usize = 4 * 1024 * 1024;
const RUNS: usize = 41;
/// The goals: shares of the time and of the memory that a `Value` takes.
const MOST_TIME: f64 = 0.6;
const MOST_MEMORY: f64 = 0.1;

#[expect(clippy::print_stdout, reason = "a benchmark reports on stdout")]
fn main() {
    // `cargo test --benches` builds and starts benchmarks as well, but needs no measurements.
    if std::env::args().any(|argument| argument == "--test") || !std::env::args().any(|argument| argument == "--bench")
    {
        return;
    }
    let body = serde_json::to_vec(&deploy()).unwrap_or_default();
    println!("body: {:.2} MiB", body.len() as f64 / (1 << 20) as f64);

    let (mut model, mut value) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        model.push(measure(|| decode::<Deploy>(&body)));
        value.push(measure(|| serde_json::from_slice::<Value>(&body)));
    }
    let (model, value) = (Measured::median(model), Measured::median(value));
    println!("model: {:>8.3?}, {:>8} KiB", model.time, model.memory / 1024);
    println!("Value: {:>8.3?}, {:>8} KiB", value.time, value.memory / 1024);
    let time = model.time.as_secs_f64() / value.time.as_secs_f64();
    let memory = model.memory as f64 / value.memory as f64;
    println!("model / Value: time {time:.3} (at most {MOST_TIME}), memory {memory:.4} (at most {MOST_MEMORY})");
}

/// The cost of one run.
struct Measured {
    time: Duration,
    memory: usize,
}

impl Measured {
    fn median(mut all: Vec<Self>) -> Self {
        let middle = all.len() / 2;
        all.sort_by_key(|measured| measured.memory);
        let memory = all[middle].memory;
        all.sort_by_key(|measured| measured.time);
        Self { time: all[middle].time, memory }
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn measure<T, E: std::fmt::Debug>(decode: impl FnOnce() -> Result<T, E>) -> Measured {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let start = Instant::now();
    let decoded = black_box(decode());
    let time = start.elapsed();
    let memory = MEMORY.peak_usage() - before;
    assert!(decoded.is_ok(), "{:?}", decoded.err());
    Measured { time, memory }
}

/// A deploy as a large Terraform component may leave behind: half of it in parts that the model skips, half within
/// jobs, of which it reads other fields.
fn deploy() -> Value {
    let job = |number: usize| {
        json!({
            "id": format!("job{number}"),
            "type": "terraform-deploy",
            "status": "finished",
            "operation": "apply-plan",
            "queue_timeout": 86_400_000_000_000_i64,
            "created_at": "2026-08-03T14:04:13.418273Z",
            "outputs": outputs(SIZE / 16),
            "outputs_json": noise(SIZE / 32),
            "executions": [{ "status": "finished", "result": { "success": true, "contents": noise(SIZE / 64) } }],
        })
    };
    json!({
        "id": "dplbench",
        "install_deploy_type": "apply",
        "workflow_id": "inwbench",
        "status": "active",
        "status_v2": {
            "status": "active",
            "created_at_ts": 1_785_765_913,
            "history": [{ "status": "queued", "created_at_ts": 1_785_765_731 }],
        },
        "component_build": { "vcs_connection_commit": { "sha": "9f02" }, "contents": noise(SIZE / 16) },
        "outputs": outputs(SIZE / 4),
        "contents": noise(SIZE / 8),
        "oci_artifact": { "annotations": outputs(SIZE / 16), "digest": "sha256:00" },
        "runner_jobs": (0..4).map(job).collect::<Vec<_>>(),
    })
}

/// Many small keys, with some longer texts with escapes, of about `size` bytes.
fn outputs(size: usize) -> Value {
    let entry = |number: usize| {
        let value = match number % 16 {
            0 => {
                json!({ "arn": format!("arn:aws:rds:eu-central-1:0:db:{number}"), "ports": [5432, number], "public": false })
            }
            1 => json!("line \"one\"\n\tline two\n".repeat(8)),
            2 => json!(number as f64 * 1.5),
            _ => json!(format!("value-{number}")),
        };
        (format!("module.service_{number}.output"), value)
    };
    Value::Object((0..size / 51).map(entry).collect())
}

/// Text like base64: one long string.
fn noise(size: usize) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut state = 7_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(alphabet[(state >> 26) as usize])
    };
    (0..size).map(next).collect()
}
