//! Timeouts, liveness and pacing.

use serde_json::json;

use super::*;

const LATEST: &str = "/v1/installs/inl1/components/cmp1/deploys/latest";

/// Polls of a row and a workflow, this many milliseconds apart.
fn polls(status: &str, flow: &Value, count: u64, apart: u64) -> Tape {
    (0..count).fold(Tape::default(), |tape, index| tape.poll(index * apart, &row(status, 60), flow))
}

#[test]
fn clocks() {
    let going = flow("in-progress", &[step("in-progress", "dpl1")]);
    let tape = |status: &str| polls(status, &going, 1, 1);
    let later = tape("queued").poll(50_000, &row("executing", 90), &going);
    let lagging = later.clone().poll(55_000, &row("queued", 60), &going).poll(60_000, &row("executing", 90), &going);
    let elsewhere = "/v1/installs/inl1/components/cmp2/deploys/latest";
    let asked = tape("queued").detail(50_000, &row("executing", 90));
    let asked_by_another = asked.clone().ask(49_000, elsewhere, ok(&row("executing", 90)));
    let listed = |path: &str| tape("queued").ask(50_000, path, ok(&json!([row("executing", 90)])));
    let by_list = listed("/v1/installs/inl1/components/deploys?limit=100");
    let by_list = by_list.ask(49_000, elsewhere, ok(&row("queued", 60)));
    let shown_later = asked_by_another.clone().latest(70_000, &row("executing", 90));
    let later_error = tape("executing").poll(3_000, &row("error", 90), &going);
    let unnamed = with(&with(&row("error", 60), "install_id", json!("")), "component_id", Value::Null);
    let unnamed = Tape::default().latest(0, &unnamed);
    let timeless = with(&with(&row("error", 60), "updated_at", Value::Null), "status_v2", json!({"status": "error"}));
    let timeless = tape("executing").detail(3_000, &timeless);
    let set_back = tape("queued").poll(50_000, &row("executing", 30), &going);
    let wait_newer = || question(|own| own.on_stale = "wait".to_owned());
    let stall = || question(|own| own.stall_timeout_ms = Some(60_000));
    let other = question(|own| own.build = some("bld2"));
    let wait = question(|own| own.wait_on = vec!["error".to_owned()]);
    let none = || end_of("timed_out", None, 300_000);
    let pinned = || question(|own| own.workflow = some("inw1"));
    let both = || question(|own| (own.workflow, own.build) = (some("inw1"), some("bld2")));
    let over = with(&flow("success", &[step("success", "dpl1")]), "finished", json!(true));
    let state = |state: &str| Tape::default().flow(0, &flow(state, &[]));
    check(vec![
        ("total", plain(), tape("executing"), end("timed_out", 600_000), ""),
        ("early", plain(), tape("executing"), end("timed_out", 500_000), "no timeout can have expired"),
        ("start", plain(), Tape::default(), none(), ""),
        ("start, workflow waits", pinned(), state("pending"), none(), ""),
        ("start, workflow runs", pinned(), state("in-progress"), none(), "no timeout can have expired"),
        (
            "start, workflow ended with another build",
            both(),
            state("in-progress").poll(1_000, &row("active", 60), &over),
            none(),
            "",
        ),
        (
            "start, workflow runs with another build",
            both(),
            state("in-progress").poll(1_000, &row("active", 60), &flow("in-progress", &[step("success", "dpl1")])),
            none(),
            "no timeout can have expired",
        ),
        (
            "start, but it was there",
            plain(),
            tape("executing"),
            end("timed_out", 300_000),
            "no timeout can have expired",
        ),
        ("stall", stall(), later.clone(), end("timed_out", 110_000), ""),
        ("stall, after lagging", stall(), lagging, end("timed_out", 110_000), ""),
        ("no stall, by its detail", stall(), asked, end("timed_out", 70_000), "no timeout can have expired"),
        ("no stall, by the install's list", stall(), by_list, end("timed_out", 70_000), "no timeout can have expired"),
        ("stall, by what another may have asked", stall(), asked_by_another, end("timed_out", 70_000), ""),
        ("stall, as if no other had asked", stall(), shown_later, end("timed_out", 110_000), ""),
        ("no stall", stall(), later.clone(), end("timed_out", 90_000), "no timeout can have expired"),
        ("error was held", plain(), tape("error"), end("timed_out", 600_000), "was in `error`"),
        (
            "error before the start, a newer one is waited for",
            wait_newer(),
            tape("error"),
            end("timed_out", 600_000),
            "",
        ),
        (
            "error after the start, a newer one is waited for",
            wait_newer(),
            later_error,
            end("timed_out", 600_000),
            "was in `error`",
        ),
        ("an error of nobody knows whose", plain(), unnamed, end("timed_out", 600_000), ""),
        ("an error without a time", plain(), timeless, end("timed_out", 600_000), ""),
        ("stall, and the clock was set back", stall(), set_back.clone(), end("timed_out", 64_000), ""),
        ("no stall: the clock was not set back", stall(), later, end("timed_out", 64_000), "no timeout can"),
        ("another's error", other, tape("error"), end("timed_out", 600_000), ""),
        ("error is waited on", wait, tape("error"), end("timed_out", 600_000), ""),
        ("within a request", plain(), tape("executing"), end("timed_out", 631_000), ""),
        ("too late", plain(), tape("executing"), end("timed_out", 631_001), "later than"),
    ]);
}

#[test]
fn an_end_that_is_plain() {
    let over = with(&flow("error", &[step("error", "dpl1")]), "finished", json!(true));
    let settle = question(|own| own.settle_ms = 60_000);
    let failing = |count: u64| polls("error", &over, count, 3_000);
    let proven = |count: u64| polls("active", &proof(), count, 3_000);
    let broken = proven(2).latest(6_000, &row("active", 60)).ask(6_100, "/v1/workflows/inw1", refusal(500));
    let broken = broken.poll(9_000, &row("active", 60), &proof());
    let list = "/v1/installs/inl1/components/cmp1/deploys";
    let unlisted = proven(4).ask(9_300, list, refusal(500));
    let lagging =
        proven(3).latest(9_000, &row("executing", 30)).detail(9_100, &row("active", 60)).flow(9_200, &proof());
    let (active, count) = (row("active", 60), 0..4_u64);
    let unsought = |tape: Tape, at: u64| tape.detail(at, &active).flow(at + 100, &proof());
    let unsought = count.clone().fold(Tape::default(), |tape, index| unsought(tape, index * 3_000));
    let (nothing, other) = (json!({}), with(&row("active", 30), "id", json!("dpl0")));
    let hidden = |tape: Tape, index: u64| {
        let at = index * 3_000;
        tape.latest(at, &nothing).detail(at + 100, &active).flow(at + 200, &proof()).ask(
            at + 300,
            list,
            ok(&json!([other])),
        )
    };
    let hidden = count.clone().fold(Tape::default(), hidden);
    let mut again = step("retrying", "inc1");
    again["step_target_type"] = json!("install_components");
    let retried = with(&flow("error", &[step("success", "dpl1"), again]), "finished", json!(true));
    let undetailed = |tape: Tape, at: u64| tape.latest(at, &active).flow(at + 100, &proof());
    let undetailed = count.fold(Tape::default(), |tape, index| undetailed(tape, index * 3_000));
    let nobodys =
        |kind: &str| with(&with(&step("pending", ""), "step_target_type", json!(kind)), "group_idx", json!(5));
    let health = [step("success", "dpl1"), nobodys("install_deploys"), nobodys("install_components")];
    let more = flow("in-progress", &[step("success", "dpl1"), step("in-progress", "dpl1"), step("pending", "dpl2")]);
    let fewer = flow("in-progress", &[step("in-progress", "dpl1")]);
    let first = |flow: &Value| Tape::default().poll(0, &row("executing", 30), flow);
    let then = |tape: Tape| (1..=4).fold(tape, |tape, index| tape.poll(index * 3_000, &row("active", 60), &proof()));
    let (after, before) = (then(first(&more)), then(first(&fewer)));
    let beside = |flow: &Value| {
        (0..4).fold(Tape::default(), |tape, index| {
            tape.poll(index * 3_000, &row("active", 60), &proof()).flow(index * 3_000 + 300, flow)
        })
    };
    let log = |tape: Tape, index: u64| tape.ask(index * 1_000, "/v1/log-streams/log1/logs?order=asc", ok(&json!([])));
    let beside_a_log = (0..9).fold(proven(4), log);
    let doubtful = flow("in-progress", &health);
    let next = with(&with(&row("error", 90), "id", json!("dpl2")), "created_at", json!("2026-08-03T14:01:30Z"));
    let beside_a_try = Tape([Tape::default().latest(0, &next).0, proven(4).0].concat());
    let anothers = with(&flow("cancelled", &[]), "owner_id", json!("inl2"));
    let ownerless = with(&proof(), "owner_id", Value::Null);
    check(vec![
        ("three polls", plain(), proven(3), end("passed", 6_250), ""),
        ("four polls", plain(), proven(4), end("passed", 9_250), "a pass was plain in 4 polls"),
        ("four polls beside a log", plain(), beside_a_log, end("passed", 9_250), "a pass was plain in 4 polls"),
        ("one was not good", plain(), broken, end("passed", 9_250), ""),
        ("a list was not good", plain(), unlisted, end("passed", 9_350), ""),
        ("one lagged", plain(), lagging, end("passed", 9_250), ""),
        ("the owner is not known", plain(), polls("active", &ownerless, 4, 3_000), end("passed", 9_250), ""),
        ("newer ones were not read", plain(), unsought, end("passed", 9_150), ""),
        ("the list does not show it", plain(), hidden, end("passed", 9_350), ""),
        ("its health is tried again", plain(), polls("error", &retried, 41, 3_000), end("failed", 120_250), ""),
        ("no detail", plain(), undetailed, end("passed", 9_150), ""),
        ("settling", settle, proven(21), end("passed", 60_250), ""),
        ("an answer with more steps came before", plain(), after, end("passed", 12_250), ""),
        (
            "an answer with fewer steps came before",
            plain(),
            before,
            end("passed", 12_250),
            "a pass was plain in 4 polls",
        ),
        ("another target's answer has more steps", plain(), beside(&more), end("passed", 12_250), ""),
        (
            "another target's answer is the same",
            plain(),
            beside(&proof()),
            end("passed", 12_250),
            "a pass was plain in 4",
        ),
        ("a doubtful step works on it", plain(), polls("active", &doubtful, 4, 3_000), end("timed_out", 600_000), ""),
        (
            "cancelled, by another install's answer",
            plain(),
            polls("cancelled", &anothers, 4, 3_000),
            end("cancelled", 9_250),
            "",
        ),
        ("another try seems to be newer", plain(), beside_a_try, end("passed", 9_250), ""),
        ("timed out", plain(), proven(2), end("timed_out", 600_000), "a pass was plain in 2 polls"),
        ("cancelled, contradictory", plain(), polls("cancelled", &over, 4, 3_000), end("cancelled", 9_250), ""),
        (
            "cancelled, four polls",
            plain(),
            polls("cancelled", &flow("cancelled", &[]), 4, 3_000),
            end("cancelled", 9_250),
            "its end was plain in 4 polls",
        ),
        ("a failure, three polls", plain(), failing(3), end("failed", 6_250), ""),
        ("a failure, forty polls", plain(), failing(41), end("failed", 120_250), "its end was plain in 41 polls"),
    ]);
}

#[test]
fn pacing() {
    let going = flow("in-progress", &[step("in-progress", "dpl1")]);
    let stopped = || end("cancelled", 30_000);
    let polls = |count: u64, apart: u64| {
        polls("executing", &going, count, apart).poll(20_000, &row("cancelled", 90), &flow("cancelled", &[]))
    };
    let bad =
        (0..5).fold(polls(1, 1), |tape, index| tape.ask(5_000 + index * 500, "/v1/workflows/inw1", Answer::Reset));
    let long = polls(4, 1_000).ask(0, "/v1/workflows/inw1/steps/iws1/await", refusal(408));
    let twice = (0..4)
        .fold(polls(1, 1), |tape, index| tape.flow(4_000 + index * 2_000, &going).flow(4_100 + index * 2_000, &going));
    check(vec![
        ("at the interval", plain(), polls(4, 2_000), stopped(), ""),
        ("twice in each poll", plain(), twice, stopped(), ""),
        ("too often", plain(), polls(5, 1_000), stopped(), "asked too often"),
        ("after what is no answer", plain(), bad, stopped(), ""),
        ("after a long poll", plain(), long, stopped(), ""),
    ]);
}

#[test]
fn pauses() {
    let waiting = |headers: &[(&str, &str)]| {
        let mut wait = refusal(429);
        if let Answer::Http(answer) = &mut wait {
            answer.headers.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        }
        wait
    };
    let wait = waiting(&[("retry-after", "10")]);
    let date = ("date", "Mon, 03 Aug 2026 14:00:00 GMT");
    let by_date = waiting(&[date, ("retry-after", "Mon, 03 Aug 2026 14:00:10 GMT")]);
    let proven = |tape: Tape, index: u64| tape.poll(15_000 + index * 3_000, &row("active", 60), &proof());
    let paused = (0..4).fold(Tape::default().ask(0, LATEST, by_date), proven);
    let after = |at: u64| Tape::default().ask(0, LATEST, wait.clone()).poll(at, &row("active", 60), &proof());
    let logged = Tape::default().ask(0, "/v1/log-streams/log1/logs?order=asc", wait.clone());
    let logged = logged.poll(5_000, &row("active", 60), &proof());
    check(vec![
        ("kept", plain(), after(10_050), end("passed", 10_300), ""),
        ("a log's, which the polls need not keep", plain(), logged, end("passed", 5_300), ""),
        ("it ends, and then its end is plain", plain(), paused, end("passed", 24_250), "a pass was plain in 4 polls"),
        ("broken", plain(), after(5_000), end("passed", 5_250), "while `Retry-After` held"),
    ]);
}

/// What is newer than a baseline is not known before that was read.
#[test]
fn an_end_beside_a_baseline() {
    let pinned = || question(|own| (own.deploy, own.after) = (some("dpl1"), some("dpl0")));
    let over = flow("error", &[step("error", "dpl1")]);
    let polls =
        |tape: Tape| (0..4).fold(tape, |tape, index| tape.poll(1_000 + index * 3_000, &row("error", 60), &over));
    let baseline = with(&with(&row("active", 30), "id", json!("dpl0")), "created_at", json!("2026-08-02T14:00:00Z"));
    let read = polls(Tape::default().detail(0, &baseline));
    check(vec![
        ("read", pinned(), read, end("timed_out", 600_000), "was in `error`"),
        ("not read", pinned(), polls(Tape::default()), end("timed_out", 600_000), ""),
    ]);
}
