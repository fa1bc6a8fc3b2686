//! What is wrong with a run.

use serde_json::Value;

use super::run::Outcome;
use super::scene::Scene;
use super::signal::AFTERWARDS;

/// Something that is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wrong {
    Verdict,
    Late,
    Panic,
    Leak,
    Schema,
}

impl Wrong {
    pub(crate) const ALL: [Self; 5] = [Self::Verdict, Self::Late, Self::Panic, Self::Leak, Self::Schema];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Verdict => "wrong verdicts",
            Self::Late => "waits past the deadline",
            Self::Panic => "panics",
            Self::Leak => "leaked secrets",
            Self::Schema => "wrong results",
        }
    }
}

/// A credential that the simulator sends, and nobody may show.
const WRITE_TOKEN: &str = "simulated-write-token";
const FIELDS: [&str; 12] = [
    "schema",
    "verdict",
    "exit_code",
    "reason",
    "started_at",
    "finished_at",
    "elapsed_ms",
    "targets",
    "api",
    "ci_url",
    "notifications",
    "warnings",
];
const TARGET_FIELDS: [&str; 16] = [
    "install",
    "component",
    "verdict",
    "reason",
    "clock",
    "deploy",
    "matched_by",
    "superseded_by",
    "replaced",
    "typical_ms",
    "recovered_after",
    "last_good",
    "timeline",
    "url",
    "approval_url",
    "log_tail",
];
const DEPLOY_FIELDS: [&str; 10] = [
    "id",
    "type",
    "status",
    "status_description",
    "build_id",
    "commit",
    "workflow_id",
    "created_by",
    "created_at",
    "ended_at",
];
const VERDICTS: [(i32, &str); 11] = [
    (0, "passed"),
    (1, "failed"),
    (3, "rejected"),
    (4, "cancelled"),
    (5, "approval_needed"),
    (6, "superseded"),
    (7, "inconclusive"),
    (10, "pending"),
    (124, "timed_out"),
    (130, "interrupted"),
    (143, "interrupted"),
];

/// Returns everything that is wrong with a run.
pub(crate) fn check(scene: &Scene, outcome: &Outcome) -> Vec<(Wrong, String)> {
    let mut wrong = Vec::new();
    let took = u64::try_from(outcome.ended.took.as_millis()).unwrap_or(u64::MAX);
    if outcome.ended.was_killed || took > scene.expected.longest() {
        wrong.push((Wrong::Late, format!("{took} ms, at most {} ms are allowed", scene.expected.longest())));
        return wrong;
    }
    if outcome.ended.code == Some(101) || outcome.written.contains("panicked") {
        wrong.push((Wrong::Panic, format!("exit {:?}", outcome.ended.code)));
    }
    if outcome.written.contains(&scene.token) || outcome.written.contains(WRITE_TOKEN) {
        wrong.push((Wrong::Leak, "a secret is in what was written".to_owned()));
    }
    let signal = scene.signal.map(|plan| plan.signal.code).zip(outcome.signals.first);
    let after =
        signal.map(|(_, at)| u64::try_from(outcome.ended.took.saturating_sub(at).as_millis()).unwrap_or(u64::MAX));
    if let Some(after) = after.filter(|after| *after > AFTERWARDS) {
        wrong.push((Wrong::Late, format!("{after} ms after a signal")));
    }
    let mut right = scene.expected.codes(took);
    // What ended as it came has the code of its own.
    right.extend(signal.map(|(code, _)| code));
    let code = outcome.ended.code.and_then(|code| u8::try_from(code).ok());
    if code.is_none_or(|code| !right.contains(&code)) {
        wrong.push((
            Wrong::Verdict,
            format!("exit {:?} after {took} ms, right is one of {right:?}", outcome.ended.code),
        ));
    }
    if outcome.signals.second && outcome.stdout.is_empty() {
        // Who leaves at once has no time for a result.
        return wrong;
    }
    match serde_json::from_str(&outcome.stdout) {
        Ok(result) => wrong.extend(check_result(scene, outcome, &result)),
        Err(error) => wrong.push((Wrong::Schema, format!("the result cannot be read: {error}"))),
    }
    wrong
}

fn check_result(scene: &Scene, outcome: &Outcome, result: &Value) -> Vec<(Wrong, String)> {
    let mut wrong = Vec::new();
    let mut fields = |value: &Value, names: &[&str]| {
        for name in names.iter().filter(|name| value.get(**name).is_none()) {
            wrong.push((Wrong::Schema, format!("the result has no `{name}`")));
        }
    };
    fields(result, &FIELDS);
    let targets: Vec<&Value> = result["targets"].as_array().into_iter().flatten().collect();
    for target in &targets {
        fields(target, &TARGET_FIELDS);
        if !target["deploy"].is_null() {
            fields(&target["deploy"], &DEPLOY_FIELDS);
        }
    }
    // A signal that comes while the result is being written changes the code alone.
    let signal = scene.signal.filter(|_| outcome.signals.first.is_some()).map(|plan| i32::from(plan.signal.code));
    let is_late = signal.is_some() && outcome.ended.code == signal;
    let is_named = |(code, name): &(i32, &str)| {
        let is_told = result["verdict"] == *name && result["exit_code"] == *code;
        is_told && (is_late || outcome.ended.code == Some(*code))
    };
    if !VERDICTS.iter().any(is_named) {
        wrong.push((
            Wrong::Schema,
            format!("the result says `{}`, the code is {:?}", result["verdict"], outcome.ended.code),
        ));
    }
    if result["reason"].is_null() != (result["verdict"] == "passed") {
        wrong.push((Wrong::Schema, "a pass has no reason, everything else has one".to_owned()));
    }
    for target in targets.iter().filter(|target| target["verdict"] == "passed") {
        let id = target["deploy"]["id"].as_str().unwrap_or_default();
        if !scene.expected.may_pass.iter().any(|own| own == id) {
            wrong.push((Wrong::Verdict, format!("deploy {id} is not the one that may pass")));
        }
    }
    wrong
}
