//! Tests of the worlds.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fault::{FAULTS, Rule};
use super::story::{Age, so_far};
use super::ways::WAYS;
use super::*;

/// Requests a path of a target.
fn ask(world: &mut World, at: u64, path: &str) -> (u64, Answer) {
    world.answer(at, "GET", path)
}

fn good(world: &mut World, at: u64, path: &str) -> (u16, Value, BTreeMap<String, String>) {
    match ask(world, at, path).1 {
        Answer::Http(answer) => {
            let body = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
            (answer.status, body, answer.headers.into_iter().collect())
        }
        other => panic!("{other:?} for {path}"),
    }
}

/// Generates a world without faults.
fn calm(seed: u64) -> World {
    calm_at(seed, Pace::Usual)
}

fn calm_at(seed: u64, pace: Pace) -> World {
    let mut world = World::generate_at(seed, pace);
    world.faults.rules.clear();
    world.faults.row_lag = 0;
    world.faults.flow_lag = 0;
    world.faults.usual = 40;
    world
}

fn latest_path(world: &World, row: usize) -> String {
    let component = &world.story.components[world.story.rows[row].component];
    let install = world.story.installs[component.install].id;
    format!("/v1/installs/{install}/components/{}/deploys/latest", component.id)
}

/// All paths that a gate could read in a world.
fn paths(world: &World) -> Vec<String> {
    let story = &world.story;
    let mut all = vec!["/v1/general/cli-config".to_owned(), "/v1/installs?limit=100".to_owned()];
    all.extend(["/v1/workflows?limit=3", "/v1/workflows/pending-approvals", "/v1/installs/health"].map(str::to_owned));
    for component in &story.components {
        let base = format!("/v1/installs/{}", story.installs[component.install].id);
        all.push(base.clone());
        all.push(format!("{base}/components"));
        all.push(format!("{base}/components/{}", component.id));
        all.push(format!("{base}/resources?install_component_id={}", component.part));
        all.push(format!("{base}/components/deploys?limit=100"));
        all.push(format!("{base}/components/{}/deploys/latest", component.id));
        all.push(format!("{base}/components/{}/deploys?limit=5&page=1", component.id));
    }
    for row in &story.rows {
        let component = &story.components[row.component];
        let flow = story.flows[row.flow].id;
        all.push(format!("/v1/installs/{}/deploys/{}", story.installs[component.install].id, row.id));
        all.push(format!("/v1/log-streams/{}/logs?order=asc", row.id.kin("log")));
        all.push(format!("/v1/log-streams/{}/logs/tail", row.id.kin("log")));
        all.push(format!("/v1/workflows/{flow}"));
        all.push(format!("/v1/workflows/{flow}/steps"));
        all.push(format!("/v1/workflows/{flow}/queue-position"));
        for step in &story.flows[row.flow].steps {
            all.push(format!("/v1/workflows/{flow}/steps/{}/await", step.id));
        }
    }
    all
}

#[test]
fn the_same_number_makes_the_same_world() {
    for seed in 0..300 {
        let (mut one, mut two) = (World::generate(seed), World::generate(seed));
        assert_eq!(one.question(), two.question());
        assert_eq!(one.describe(), two.describe());
        for (number, path) in paths(&one).iter().enumerate() {
            let at = number as u64 * 1_700;
            assert_eq!(ask(&mut one, at, path), ask(&mut two, at, path), "{path}");
        }
    }
}

#[test]
fn everything_occurs() {
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    for seed in 0..2_000 {
        for kind in World::generate(seed).kinds() {
            *seen.entry(kind).or_default() += 1;
        }
    }
    let others = [
        "apply",
        "teardown",
        "recover",
        "unknown-type",
        "drift-scan",
        "drift-scans",
        "second-deploy",
        "several-components",
        "same-second-changes",
        "skipped-failure",
        "never-deployed",
        "nothing-new",
        "clock-put-back",
        "clock-skewed",
        "deploys-lag",
        "workflows-lag",
        "signal",
        "two-installs",
        "several-targets",
        "never-status-v2",
        "health-written-to-a-newer-row",
        "require-healthy",
        "bake",
        "health-off",
        "health-lags",
        "pushed-check",
        "odd-health-word",
        "healthy-throughout",
        "rolls-out",
        "breaks",
        "repaired",
        "bad-throughout",
        "goes-silent",
        "never-observed",
        "not-assessed",
        "flaps",
        "rolls-for-ever",
        "odd-row-word",
        "odd-workflow-word",
        "odd-step-word",
        "odd-approval-option",
        "odd-row-type",
        "odd-execution-type",
        "workflow-alone",
        "wrong-pin",
        "pin-deploy",
        "pin-workflow",
        "pin-build",
        "pin-commit",
        "pin-after",
        "pin-since",
    ];
    let ways = WAYS.iter().map(|(_, name, _)| *name);
    for name in ways.chain(FAULTS.iter().map(|(_, name)| *name)).chain(others) {
        assert!(seen.get(name).is_some_and(|count| *count >= 5), "{name}: {:?}", seen.get(name));
    }
    println!("{seen:#?}");
}

#[test]
fn every_fault_does_something() {
    let mut other: BTreeMap<&str, u32> = BTreeMap::new();
    for seed in 0..120 {
        for (fault, name) in FAULTS {
            let mut world = calm(seed);
            let Some(row) = world.story.rows.iter().rposition(|row| row.created < 0) else { continue };
            let flow = world.story.flows[world.story.rows[row].flow].id;
            for path in [latest_path(&world, row), format!("/v1/workflows/{flow}")] {
                let plain = ask(&mut world.clone(), 1_000, &path);
                let rule = Rule { fault: *fault, topic: None, from: 0, to: i64::MAX, percent: 100, left: u32::MAX };
                world.faults.rules = vec![rule];
                let spoilt = ask(&mut world, 1_000, &path);
                *other.entry(name).or_default() += u32::from(plain != spoilt);
            }
        }
    }
    for (_, name) in FAULTS {
        assert!(other.get(name).is_some_and(|count| *count > 20), "{name}: {:?}", other.get(name));
    }
}

#[test]
fn a_calm_server_answers_in_its_own_shape() {
    for seed in 0..300 {
        let mut world = calm(seed);
        for (number, path) in paths(&world.clone()).iter().enumerate() {
            let (status, body, headers) = good(&mut world, number as u64 * 900, path);
            assert!(headers.contains_key("date") && headers.contains_key("x-nuon-api-version"), "{path}");
            match status {
                200 => assert!(body.is_object() || body.is_array(), "{path}: {body}"),
                408 => assert!(path.ends_with("/await")),
                404 if path.ends_with("/tail") => assert!(body.is_null()),
                403 if path.contains("/resources") => {
                    assert!(world.story.conditions.iter().any(|own| own.is_off(i64::MAX)));
                }
                404 | 500 => assert!(body["error"].is_string() && body["description"].is_string(), "{path}: {body}"),
                other => panic!("{other} for {path}"),
            }
            let paged = headers.contains_key("x-nuon-page-next");
            assert!(!paged || world.story.habits.pages || path.ends_with("/steps"), "{path}");
        }
    }
}

#[test]
fn latest_details_and_lists_say_what_they_say() {
    for seed in 0..400 {
        let mut world = calm(seed);
        let Some(row) = world.story.rows.iter().rposition(|row| row.linked < 0) else { continue };
        let (story, path) = (world.story.clone(), latest_path(&world, row));
        let (status, latest, _) = good(&mut world, 0, &path);
        let old = story.age == Age::Old;
        if status == 200 && latest["id"].is_string() && !story.habits.latest_says_both {
            assert_eq!(latest["install_id"], "");
            assert!(latest.get("component_id").is_none() && latest.get("runner_jobs").is_none());
            assert!(latest["install_component_id"].as_str().is_some_and(|id| id.starts_with("inc")));
        }
        let component = &story.components[story.rows[row].component];
        let install = story.installs[component.install].id;
        let id = story.rows[row].id;
        let (status, detail, _) = good(&mut world, 0, &format!("/v1/installs/{install}/deploys/{id}"));
        assert_eq!((status, detail["id"].as_str()), (200, Some(id.as_str())));
        assert_eq!(detail["install_id"], install.as_str());
        assert_eq!(detail["component_id"], component.id.as_str());
        assert_eq!(detail.get("runner_job").is_some(), old);
        assert_eq!(detail.get("workflow_id").is_some(), story.age >= Age::Mid);
        assert_eq!(detail.get("install_workflow_id").is_some(), !old);
        // An answer is made some milliseconds later.
        let newest = [0, 50].map(|at| so_far(&story.rows[row].changes, at).last().unwrap().word);
        assert!(newest.contains(&detail["status"].as_str().unwrap_or_default()));
        if let Some(status) = detail.get("status_v2") {
            assert_eq!(status.get("status"), detail.get("status"));
            assert!(status["created_at_ts"].is_i64());
        }
    }
}

#[test]
fn a_lagging_answer_shows_an_earlier_state() {
    const LAG: i64 = 15_000;
    let mut behind = 0;
    for seed in 0..400 {
        let mut world = calm(seed);
        world.faults.row_lag = LAG;
        for row in world.story.rows.clone() {
            let install = world.story.installs[world.story.install_of(&row)].id;
            for at in [0, 30_000, 120_000] {
                let path = format!("/v1/installs/{install}/deploys/{}", row.id);
                let (status, detail, _) = good(&mut world, at, &path);
                let now = at.cast_signed();
                // An answer is made some milliseconds later.
                let moments = (now - LAG..now + 50).step_by(10);
                let word = |then| so_far(&row.changes, then).last().map_or("queued", |change| change.word);
                let words = moments.map(|then| (row.created <= then).then(|| word(then)));
                let shown = detail["status"].as_str().filter(|_| status == 200);
                assert!(words.clone().any(|word| word == shown), "seed {seed}: {shown:?} at {at}");
                behind += u32::from(words.last() != Some(shown));
            }
        }
    }
    assert!(behind > 20, "{behind}");
}

#[test]
fn what_there_is_not_depends_on_the_age() {
    for seed in 0..400 {
        let mut world = calm(seed);
        let Some(empty) = (0..world.story.components.len())
            .find(|it| world.story.rows.iter().all(|row| row.component != *it || row.created > 500))
        else {
            continue;
        };
        let component = &world.story.components[empty];
        let install = world.story.installs[component.install].id;
        let path = format!("/v1/installs/{install}/components/{}/deploys/latest", component.id);
        let (status, body, _) = good(&mut world, 0, &path);
        match world.story.age {
            Age::Old | Age::Mid => assert_eq!(status, 404),
            Age::Mid1 => assert_eq!(body, serde_json::json!({"install_id": "", "plan_only": false})),
            Age::New => assert!(status == 404 || body["install_id"] == ""),
        }
        let (status, _, _) = good(&mut world, 0, &format!("/v1/installs/{install}/components/cmpno/deploys/latest"));
        assert_eq!(status, 404);
    }
}

#[test]
fn changes_and_steps_are_in_order() {
    for seed in 0..2_000 {
        let story = World::generate(seed).story;
        for row in &story.rows {
            assert!(row.changes.is_sorted_by_key(|change| change.at), "seed {seed}: {row:?}");
            assert!(row.changes[0].at >= row.created, "seed {seed}: {row:?}");
        }
        for flow in &story.flows {
            assert!(flow.changes.is_sorted_by_key(|change| change.at), "seed {seed}: {flow:?}");
            for step in &flow.steps {
                assert!(step.changes.is_sorted_by_key(|change| change.at), "seed {seed}: {step:?}");
                assert!(step.began.is_none_or(|began| began >= flow.created), "seed {seed}: {step:?}");
            }
        }
    }
}

#[test]
fn health_steps_get_their_id_when_they_run() {
    let mut found = 0;
    for seed in 0..1_500 {
        let mut world = calm(seed);
        let story = world.story.clone();
        for flow in &story.flows {
            let part = |step: &&story::Step| {
                matches!(step.aim, story::Aim::Part(_)) && step.began.is_some_and(|it| it > 9_000)
            };
            let Some(step) = flow.steps.iter().find(part).filter(|_| flow.created < 0) else { continue };
            let began = step.began.unwrap().unsigned_abs();
            for (at, known) in [(began - 4_000, false), (began + 4_000, true)] {
                let (_, body, _) = good(&mut world, at, &format!("/v1/workflows/{}", flow.id));
                let steps = body["steps"].as_array().unwrap();
                let Some(shown) = steps.iter().find(|shown| shown["id"] == step.id.as_str()) else { continue };
                assert_eq!(shown["step_target_type"], "install_components");
                assert_eq!(shown["step_target_id"].as_str().is_some_and(|id| id.starts_with("inc")), known);
                found += 1;
            }
        }
    }
    assert!(found > 20, "{found}");
}

#[test]
fn health_is_told_where_it_is_asked_for() {
    let (mut asked, mut told) = (0, 0);
    for seed in 0..1_500 {
        let mut world = calm(seed);
        let component = world.story.components[0].clone();
        let base = format!("/v1/installs/{}", world.story.installs[component.install].id);
        let (_, body, _) = good(&mut world, 9_000, &format!("{base}/components/{}", component.id));
        let query = format!("install_component_id={}&limit=100", component.part);
        let (status, rows, _) = good(&mut world, 9_000, &format!("{base}/resources?{query}"));
        let is_asked = world.question().healthy_for_ms.is_some();
        asked += u32::from(is_asked);
        if !is_asked || world.story.age != Age::New {
            assert_eq!((body.get("health_status_v2"), status), (None, 404), "seed {seed}");
            continue;
        }
        told += u32::from(body["health_status_v2"]["created_at_ts"].is_i64());
        assert!(matches!(status, 200 | 403), "seed {seed}: {status}");
        for row in rows.as_array().into_iter().flatten() {
            assert_eq!(row["install_component_id"], component.part.as_str(), "seed {seed}");
            assert!(row["health"].is_string() && row["observed_at"].is_string(), "seed {seed}: {row}");
        }
    }
    assert!(asked > 100 && told > 80, "{asked} {told}");
}

#[test]
fn a_workflow_that_runs_can_be_cancelled() {
    let mut cancelled = 0;
    for seed in 0..600 {
        let mut world = calm(seed);
        let Some(flow) = world.story.flows.last().filter(|flow| flow.created < 10_000).map(|flow| flow.id) else {
            continue;
        };
        let Answer::Http(answer) = world.answer(12_000, "POST", &format!("/v1/workflows/{flow}/cancel")).1 else {
            panic!()
        };
        if answer.status == 202 {
            cancelled += 1;
            let (_, body, _) = good(&mut world, 20_000, &format!("/v1/workflows/{flow}"));
            assert_eq!(body["status"]["status"], "cancelled");
            for path in paths(&world.clone()) {
                good(&mut world, 30_000, &path);
            }
        } else {
            assert!(matches!(answer.status, 400 | 404 | 500), "{}", answer.status);
        }
    }
    assert!(cancelled > 50, "{cancelled}");
}

#[test]
fn a_quick_world_is_the_same_but_faster() {
    for seed in 0..200 {
        let (mut whole, mut small) = (calm(seed), calm_at(seed, Pace::Quick { started_at_us: 0, times: 100 }));
        let bake = whole.question().healthy_for_ms.unwrap_or_default();
        assert_eq!(small.question().timeout_ms, whole.question().timeout_ms.min(300_000 + bake) / 100);
        assert_eq!(small.question().min_interval_ms, whole.question().min_interval_ms / 100);
        assert_eq!(small.question().targets, whole.question().targets);
        let Some(row) = whole.story.rows.last().map(|row| row.id) else { continue };
        let number = whole.story.rows.len() - 1;
        let component = &whole.story.components[whole.story.rows[number].component];
        let path = format!("/v1/installs/{}/deploys/{row}", whole.story.installs[component.install].id);
        for at in [0_u64, 400, 3_000] {
            // The latency is drawn anew. Half of it is too short for changes to matter.
            let far = whole.story.rows[number]
                .changes
                .iter()
                .all(|change| change.at.abs_diff((at * 100).cast_signed()) > 2_000);
            let appears = whole.story.rows[number].created.abs_diff((at * 100).cast_signed()) > 2_000;
            if far && appears {
                let (one, two) = (good(&mut whole, at * 100, &path), good(&mut small, at, &path));
                assert_eq!((one.0, &one.1["status"]), (two.0, &two.1["status"]), "seed {seed} at {at}");
            }
        }
    }
}

#[test]
fn times_are_those_of_the_server() {
    let mut world = calm(1);
    world.story.clock.ahead = 5_000;
    world.story.clock.back = None;
    let (_, _, headers) = good(&mut world, 10_000, "/version");
    assert_eq!(headers["date"], "Fri, 15 Jan 2027 08:00:15 GMT");
    assert_eq!(world.story.clock.rfc3339(-5_000), "2027-01-15T08:00:00.000273Z");
    for at in (-9_000_000_000_000_i64..9_000_000_000_000).step_by(7_654_321_987) {
        let stamp = jiff::Timestamp::from_microsecond(world.story.clock.micros(at)).unwrap();
        assert_eq!(world.story.clock.rfc3339(at), format!("{stamp:.6}"));
    }
    assert_eq!(world.started_at_unix_s(), 1_800_000_000);
    let mut quick = calm_at(1, Pace::Quick { started_at_us: 500_000, times: 100 });
    quick.story.clock.ahead = 5_000;
    assert_eq!(quick.story.clock.rfc3339(1_000), "1970-01-01T00:00:00.560002Z");
}
