//! Shards and `merge`: every shard is a wait of its own, and `merge` comes to the verdict of a single wait for all
//! targets.

use std::fs;
use std::path::{Path, PathBuf};

use nuon_gate_sim::Sim;
use serde_json::{Value, json};

use crate::support::{
    API, ENDLESS, Folder, Gate, INSTALL, Outcome, PASSING, WORKER, access, component, in_parallel, serve,
};

const IMAGE: &str = "cmpimage000000000000000000";
const FAILING: &str = r#"{ status = "executing" }, { status = "error", error = "quota exceeded" }"#;
const CANCELLED: &str = r#"{ status = "cancelled" }"#;

/// A run over three components: the first is in shard 2/2 and 3/3, the second in 1/2 and 2/3.
struct Fleet {
    sim: Sim,
    folder: Folder,
}

impl Fleet {
    fn new(statuses: [&str; 3]) -> Self {
        let [api, worker, image] = statuses;
        let script = access() + &component(API, api) + &component(WORKER, worker) + &component(IMAGE, image);
        Self { sim: serve(&script), folder: Folder::new() }
    }

    fn wait(&self) -> Gate<'_> {
        Gate::wait(&self.sim).args(["--component", WORKER, "--component", IMAGE])
    }

    /// Waits for a shard. Returns its result's file.
    fn shard(&self, shard: &str, flags: &[&str]) -> (Outcome, PathBuf) {
        let file = self.folder.file(&format!("shard-{}.json", shard.replace('/', "-")));
        let report = format!("json={}", file.display());
        (self.wait().args(["--shard", shard, "--report", &report]).args(flags).run(), file)
    }

    /// Waits for all shards. Returns their results' files.
    fn shards(&self, count: u32, flags: &[&str]) -> Vec<PathBuf> {
        (1..=count).map(|index| self.shard(&format!("{index}/{count}"), flags).1).collect()
    }

    /// A file with a changed copy of a result.
    fn changed(&self, file: &Path, change: impl FnOnce(&mut Value)) -> PathBuf {
        let mut result: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        change(&mut result);
        self.folder.write("changed.json", result.to_string())
    }
}

fn merge(files: &[PathBuf]) -> Gate<'static> {
    Gate::bare("merge").args(files)
}

fn verdicts(result: &Value) -> Vec<(String, String)> {
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let targets = result["targets"].as_array().unwrap().iter();
    let mut all: Vec<_> = targets.map(|target| (word(&target["component"]["id"]), word(&target["verdict"]))).collect();
    all.sort();
    all
}

#[test]
fn shards_come_to_what_one_wait_does() {
    let cases: [([&str; 3], &[&str], i32); 8] = [
        ([PASSING, PASSING, PASSING], &[], 0),
        ([PASSING, FAILING, PASSING], &[], 1),
        ([CANCELLED, PASSING, PASSING], &[], 4),
        ([CANCELLED, FAILING, PASSING], &[], 1),
        ([PASSING, PASSING, ENDLESS], &[], 124),
        ([FAILING, PASSING, FAILING], &["--require", "any"], 0),
        // No shard of three has as many targets.
        ([PASSING, FAILING, PASSING], &["--require", "2"], 0),
        ([PASSING, FAILING, CANCELLED], &["--require", "2"], 1),
    ];
    in_parallel(&cases, |(statuses, require, code)| {
        let fleet = Fleet::new(*statuses);
        // The gate is not to wait for a deploy that never ends.
        let late: &[&str] = if statuses.contains(&ENDLESS) { &["--timeout", "2s"] } else { &[] };
        let flags: Vec<&str> = require.iter().chain(late).copied().collect();
        let whole = fleet.wait().args(&flags).json().exits(*code).result();
        for count in [1, 2, 3] {
            let merged = merge(&fleet.shards(count, &flags)).args(*require).json().exits(*code).result();
            assert_eq!((&merged["verdict"], &merged["exit_code"]), (&whole["verdict"], &whole["exit_code"]), "{count}");
            assert_eq!((&merged["shard"], merged["targets"].as_array().unwrap().len()), (&Value::Null, 3));
            // If enough passed, it does not matter which of the others had ended by then.
            if require.is_empty() {
                assert_eq!(verdicts(&merged), verdicts(&whole), "{count}");
            }
        }
    });
}

#[test]
fn a_shard_says_what_it_is() {
    let fleet = Fleet::new([PASSING, PASSING, PASSING]);
    let (outcome, file) = fleet.shard("2/2", &["--run-name", "mine"]);
    let outcome = outcome.exits(0);
    let result: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let shard = &result["shard"];
    assert_eq!((&shard["index"], &shard["count"], &shard["all_targets"]), (&json!(2), &json!(2), &json!(3)));
    assert_eq!((&shard["run_name"], shard["run_id"].as_str().unwrap().len()), (&json!("mine"), 32));
    assert!(verdicts(&result).contains(&(API.to_owned(), "passed".to_owned())), "{result:#}");
    assert!(!verdicts(&result).iter().any(|(id, _)| id == WORKER), "{result:#}");
    assert!(outcome.stdout.starts_with("passed after "), "{}", outcome.stdout);
    // Only that shard's targets were requested.
    let of_worker = fleet.sim.requests().iter().filter(|seen| seen.target.contains(WORKER)).count();
    assert_eq!(of_worker, 0);
}

#[test]
fn an_empty_shard_is_no_failure_and_says_so() {
    let fleet = Fleet::new([PASSING, PASSING, PASSING]);
    let shard = (1..=40).map(|index| format!("{index}/40")).find(|shard| {
        let status = fleet.wait().args(["--shard", shard]).run();
        status.stdout.contains("there are no targets")
    });
    let shard = shard.unwrap();
    let asked = fleet.sim.requests().len();
    let (outcome, file) = fleet.shard(&shard, &[]);
    let outcome =
        outcome.exits(0).says(&format!("none of the 3 targets is in shard {shard}, so nothing was waited for"));
    assert_eq!(outcome.stderr.matches("none of the 3").count(), 1, "{}", outcome.stderr);
    let line = outcome.stdout.trim_end();
    assert!(
        line.starts_with("passed after ") && line.ends_with(&format!(": there are no targets in shard {shard}")),
        "{line}"
    );
    let result: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(
        (&result["verdict"], &result["exit_code"], &result["targets"]),
        (&json!("passed"), &json!(0), &json!([]))
    );
    assert_eq!(result["shard"]["all_targets"], 3);
    assert_eq!(fleet.sim.requests().len(), asked, "there is nothing to ask");
    // An empty list of targets is an error, as it is for a whole run.
    Gate::at(&fleet.sim.url(), "wait").args(["--shard", "1/2"]).run().refused();
}

#[test]
fn what_is_no_shard_is_refused_with_what_to_write() {
    let fleet = Fleet::new([PASSING; 3]);
    for (shard, shown) in [
        ("1", "I/N, such as 1/4"),
        ("/4", "I/N, such as 1/4"),
        ("x/4", "I/N, such as 1/4"),
        ("0/4", "write $((index + 1))/4"),
        ("5/4", "there is no shard 5 of 4"),
        ("1/0", "one from 1 to 10000"),
    ] {
        fleet
            .wait()
            .args(["--shard", shard])
            .run()
            .refused()
            .says(shown)
            .says("--shard (its variable is NUON_GATE_SHARD");
        fleet.wait().env("NUON_GATE_SHARD", shard).run().refused().says(shown).says("comes from NUON_GATE_SHARD");
    }
    // Every shard would trigger the deploys again.
    let outcome = fleet.wait().args(["--shard", "1/2", "--", "false"]).run().refused();
    outcome.says("every shard would run it").says("`mark` before it");
    // More are required than all shards have.
    fleet.wait().args(["--shard", "1/2", "--require", "4"]).run().refused().says("there are only 3");
    fleet.wait().args(["--shard", "1/2", "--require", "3"]).run().exits(0);
}

#[test]
fn a_shard_that_lacks_is_never_a_pass() {
    let fleet = Fleet::new([PASSING; 3]);
    let files = fleet.shards(3, &[]);
    for require in [&[][..], &["--require", "any"]] {
        let outcome = merge(&files[1..]).args(require).json().exits(7);
        assert_eq!(outcome.reason(), "there is no result of shard 1/3");
        assert_eq!(outcome.result()["verdict"], "inconclusive");
        assert!(outcome.result()["hint"].as_str().unwrap().contains("--report json=PATH"));
    }
    // The exit code can be mapped, the verdict cannot.
    let mapped = merge(&files[1..]).args(["--map-exit", "inconclusive=0"]).json().exits(0);
    assert_eq!(mapped.result()["verdict"], "inconclusive");
    // A job whose wait could not begin.
    let (outcome, rejected) = fleet.shard("1/3", &["--install", "nobody"]);
    outcome.exits(3);
    let outcome = merge(&[rejected, files[1].clone(), files[2].clone()]).json().exits(3);
    assert!(outcome.reason().starts_with("shard 1/3: ") && outcome.reason().contains("nobody"), "{}", outcome.reason());
}

#[test]
fn what_is_no_part_of_this_run_is_refused() {
    let fleet = Fleet::new([PASSING; 3]);
    let files = fleet.shards(2, &[]);
    let [one, two] = [&files[0], &files[1]];
    let refuse = |files: &[&PathBuf], shown: &str| {
        let files: Vec<PathBuf> = files.iter().map(|path| (*path).clone()).collect();
        merge(&files).args(["--map-exit", "failed=0"]).run().refused().says(shown);
    };
    merge(&files).run().exits(0);
    Gate::bare("merge").run().refused().says("RESULT");
    refuse(&[one, &fleet.folder.file("absent.json")], "there is no such file");
    refuse(&[one, &fleet.folder.path().to_owned()], "it is a folder");
    refuse(&[one, one], "shard 1/2 is given more than once");
    let whole = fs::read_to_string(two).unwrap();
    for (content, shown) in [
        ("", "it is empty"),
        (&whole[..whole.len() / 2], "it breaks off"),
        ("{\"schema\": 2}", "schema version is 2"),
        ("[]", "JSON of another form"),
        ("passed", "it is not JSON"),
    ] {
        refuse(&[one, &fleet.folder.write("broken.json", content)], shown);
    }
    // A result of a run without shards.
    let undivided = fleet.folder.file("undivided.json");
    fleet.wait().args(["--report", &format!("json={}", undivided.display())]).run().exits(0);
    refuse(&[&undivided], "a wait without --shard");
    // Other targets, other pins, or another number of shards.
    let other = fleet.folder.file("other.json");
    let report = format!("json={}", other.display());
    Gate::wait(&fleet.sim).args(["--component", WORKER, "--shard", "2/2", "--report", &report]).run().exits(0);
    refuse(&[one, &other], "it belongs to another run");
    fleet.wait().args(["--since", "9h", "--shard", "2/2", "--report", &report]).run().exits(0);
    refuse(&[one, &other], "it belongs to another run");
    fleet.wait().args(["--shard", "2/3", "--report", &report]).run().exits(0);
    refuse(&[one, &other], "it is shard 2/3, and others are of 2");
    // Forged: beyond the last shard, without a target, with another shard's target, or with a false name.
    let changed = |change: fn(&mut Value)| fleet.changed(two, change);
    refuse(&[one, &changed(|result| result["shard"]["index"] = json!(3))], "there is no shard 3 of 2");
    refuse(&[one, &changed(|result| result["targets"] = json!([]))], "and the run has 3");
    refuse(
        &[one, &changed(|result| result["targets"][0]["component"]["id"] = json!(WORKER))],
        "does not belong to shard 2/2",
    );
    refuse(&[one, &changed(|result| result["targets"][0]["deploy"] = Value::Null)], "without a deploy that passed");
    merge(&files).args(["--require", "4"]).run().refused().says("there are only 3");
}

#[test]
fn a_run_of_another_day_is_refused() {
    let fleet = Fleet::new([PASSING; 3]);
    let files: Vec<PathBuf> = (1..=2)
        .map(|index| {
            let file = fleet.folder.file(&format!("{index}.json"));
            let report = format!("json={}", file.display());
            let gate = fleet.wait().env("GITHUB_RUN_ID", "7").env("GITHUB_RUN_ATTEMPT", index.to_string());
            gate.args(["--shard", &format!("{index}/2"), "--report", &report]).run().exits(0);
            file
        })
        .collect();
    // A job that was run again still belongs to the run.
    merge(&files).env("GITHUB_RUN_ID", "7").env("GITHUB_RUN_ATTEMPT", "3").run().exits(0);
    merge(&files).run().exits(0);
    let refused = merge(&files).env("GITHUB_RUN_ID", "8").run().refused();
    refused.says("`github-7` instead of `github-8`").says("NUON_GATE_RUN_NAME");
    merge(&files).args(["--run-name", "github-7"]).env("GITHUB_RUN_ID", "8").run().exits(0);
}

/// Only the targets' own verdicts count.
#[test]
fn what_a_file_says_of_itself_is_not_believed() {
    let fleet = Fleet::new([FAILING, PASSING, PASSING]);
    let files = fleet.shards(2, &[]);
    let forged = fleet.changed(&files[1], |result| {
        (result["verdict"], result["exit_code"], result["reason"]) = (json!("passed"), json!(0), Value::Null);
    });
    let outcome = merge(&[files[0].clone(), forged]).json().exits(1);
    assert!(outcome.reason().contains("quota exceeded"), "{}", outcome.reason());
    // All shards together can meet a requirement that one alone cannot.
    merge(&files).args(["--require", "any"]).run().exits(0);
}

#[test]
fn what_is_hostile_in_a_file_stays_text() {
    let fleet = Fleet::new([FAILING, PASSING, PASSING]);
    let files = fleet.shards(2, &[]);
    let said = "a\n::error::b\u{1b}[31m##[c]<!channel>\u{202e}";
    let hostile = fleet.changed(&files[1], |result| {
        for place in ["/reason", "/targets/0/reason", "/targets/0/component/name", "/targets/0/install/name"] {
            *result.pointer_mut(place).unwrap() = json!(said);
        }
        (result["warnings"], result["targets"][0]["warnings"]) = (json!([said]), json!([said]));
    });
    let (output, summary) = (fleet.folder.write("output", ""), fleet.folder.write("summary", ""));
    let gate = merge(&[files[0].clone(), hostile]).env("GITHUB_ACTIONS", "true");
    let outcome = gate.env("GITHUB_OUTPUT", &output).env("GITHUB_STEP_SUMMARY", &summary).run();
    for text in
        [outcome.stdout, outcome.stderr, fs::read_to_string(&output).unwrap(), fs::read_to_string(&summary).unwrap()]
    {
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}') && !text.contains("##["), "{text}");
        assert!(!text.lines().any(|line| line.trim_start().starts_with("::error::")), "{text}");
    }
}

#[test]
fn the_whole_is_reported_once() {
    let fleet = Fleet::new([FAILING, PASSING, PASSING]);
    let files = fleet.shards(2, &[]);
    let (output, summary) = (fleet.folder.write("output", ""), fleet.folder.write("summary", ""));
    let reports = ["json", "junit", "markdown"].map(|kind| format!("{kind}={}", fleet.folder.file(kind).display()));
    let gate = merge(&files).env("GITHUB_ACTIONS", "true").env("GITHUB_OUTPUT", &output);
    let gate = gate.env("GITHUB_STEP_SUMMARY", &summary).args(reports.iter().flat_map(|report| ["--report", report]));
    let gate = gate.env("NUON_GATE_WEBHOOK_URL", fleet.sim.webhook_url());
    let gate = gate.env("NUON_GATE_SLACK_WEBHOOK_URL", fleet.sim.slack_webhook_url());
    let outcome = gate.args(["--output", "ndjson", "--slack-mention-on-failure", "<!here>"]).run().exits(1);
    let events = outcome.events();
    assert_eq!(events.iter().map(|event| event["event"].as_str().unwrap()).collect::<Vec<_>>(), ["started", "result"]);
    let result = outcome.result();
    assert_eq!(serde_json::from_str::<Value>(&fs::read_to_string(fleet.folder.file("json")).unwrap()).unwrap(), result);
    let sent: Vec<&Value> = result["notifications"].as_array().unwrap().iter().map(|shown| &shown["result"]).collect();
    assert_eq!(sent, ["sent", "sent"]);
    let summary = fs::read_to_string(summary).unwrap();
    assert!(
        summary.starts_with("## ❌ nuon-gate: failed after ") && summary.contains("2 of 3 targets passed"),
        "{summary}"
    );
    assert_eq!(outcome.stderr.lines().filter(|line| line.starts_with("::error")).count(), 1, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("target ") && outcome.stderr.contains("  deploy    dpl1api"), "{}", outcome.stderr);
    let outputs = fs::read_to_string(output).unwrap();
    assert!(
        outputs.contains("verdict<<") && outputs.contains("\nfailed\n") && outputs.contains("\ndpl1api"),
        "{outputs}"
    );
    let messages = fleet.sim.slack_messages();
    assert_eq!(messages.len(), 1, "{messages:#?}");
    assert!(messages[0].text.contains("quota exceeded") && messages[0].text.contains("<!here>"), "{messages:#?}");
    let junit = fs::read_to_string(fleet.folder.file("junit")).unwrap();
    assert!(junit.contains("tests=\"3\"") && junit.contains("failures=\"1\""), "{junit}");
    // The time and the requests of all shards.
    let requests = |file: &PathBuf| {
        let result: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        result["api"]["requests"].as_u64().unwrap()
    };
    assert_eq!(result["api"]["requests"].as_u64().unwrap(), files.iter().map(requests).sum::<u64>());
}

#[test]
fn a_required_notification_that_fails_is_exit_8() {
    let script = access()
        + &component(API, PASSING)
        + &component(WORKER, PASSING)
        + "[[fault]]\non = \"webhook\"\nanswer = \"status\"\ncode = 400\n";
    let fleet = Fleet { sim: serve(&script), folder: Folder::new() };
    let file = |index: u32| fleet.folder.file(&format!("{index}.json"));
    for (index, code) in [(1, 0), (2, 8)] {
        let report = format!("json={}", file(index).display());
        let gate = Gate::wait(&fleet.sim).args(["--component", WORKER, "--shard", &format!("{index}/2")]);
        let gate = gate.args(["--report", &report, "--notify-required"]);
        let gate = if index == 2 { gate.env("NUON_GATE_WEBHOOK_URL", fleet.sim.webhook_url()) } else { gate };
        gate.run().exits(code);
    }
    let outcome = merge(&[file(1), file(2)]).json().exits(8);
    assert_eq!(outcome.result()["verdict"], "notify_failed");
    let mapped = merge(&[file(1), file(2)]).args(["--map-exit", "notify_failed=0"]).json().exits(0);
    assert_eq!(mapped.result()["verdict"], "notify_failed");
    // The same applies to notifications about the whole run.
    let files = fleet.shards_of_two();
    let gate = merge(&files).env("NUON_GATE_WEBHOOK_URL", fleet.sim.webhook_url());
    gate.args(["--notify-required"]).run().exits(8);
    let gate = merge(&files).env("NUON_GATE_WEBHOOK_URL", fleet.sim.webhook_url());
    gate.run().exits(0).says("webhook");
}

impl Fleet {
    /// Waits for the first two components alone, in two shards.
    fn shards_of_two(&self) -> Vec<PathBuf> {
        let shard = |index: u32| {
            let file = self.folder.file(&format!("two-{index}.json"));
            let report = format!("json={}", file.display());
            let gate = Gate::wait(&self.sim).args(["--component", WORKER, "--shard", &format!("{index}/2")]);
            gate.args(["--report", &report]).run().exits(0);
            file
        };
        vec![shard(1), shard(2)]
    }
}

#[test]
fn an_unread_stdout_changes_no_exit_code() {
    let fleet = Fleet::new([FAILING, PASSING, PASSING]);
    let files = fleet.shards(2, &[]);
    merge(&files).with_closed_stdout().run().exits(1);
    merge(&files).with_closed_stdout().args(["--require", "any"]).run().exits(0);
    let unwritable = merge(&files).args(["--report", "json=/nowhere/result.json"]).run().refused();
    unwritable.says("cannot write the report");
}

#[test]
fn a_poll_can_be_divided_too() {
    let fleet = Fleet::new([PASSING, PASSING, PASSING]);
    let status = Gate::status(&fleet.sim).args(["--component", WORKER, "--component", IMAGE, "--shard", "2/2"]);
    let outcome = status.json();
    assert_eq!((outcome.code, &outcome.result()["shard"]["index"]), (10, &json!(2)));
    assert!(outcome.result()["targets"].as_array().unwrap().iter().all(|target| target["install"]["id"] == INSTALL));
}
