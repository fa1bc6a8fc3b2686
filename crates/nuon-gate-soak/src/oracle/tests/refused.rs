//! Rejected and inconclusive.

use serde_json::json;

use super::*;

const LATEST: &str = "/v1/installs/inl1/components/cmp1/deploys/latest";

/// Answers to `latest`, three seconds apart.
fn answers(all: &[Answer]) -> Tape {
    all.iter()
        .enumerate()
        .fold(Tape::default(), |tape, (index, own)| tape.ask(index as u64 * 3_000, LATEST, own.clone()))
}

/// A workflow that answers with this id once, and then refuses.
fn elsewhere(id: &str) -> Tape {
    Tape::default().flow(0, &with(&proof(), "id", json!(id))).ask(3_000, "/v1/workflows/inw1", refusal(403))
}

#[test]
fn refusals() {
    let good = ok(&row("executing", 60));
    let foreign = http(403, &json!("blocked"), false);
    let times = |answer: Answer, count: usize| vec![answer; count];
    let after = |rest: Vec<Answer>| answers(&[vec![good.clone()], rest].concat());
    let ended = |name, tape: Tape, part| {
        let at = tape.0.last().map_or(0, |own| own.done_ms);
        (name, plain(), tape, end("rejected", at), part)
    };
    let no = "no answer gives a reason";
    check(vec![
        ended("401 at first", answers(&[refusal(401)]), ""),
        ended("403 once, later", after(times(refusal(403), 1)), no),
        ended("403 after an answer about another workflow", elsewhere("inw2"), ""),
        ended("403 after the workflow's own answer", elsewhere("inw1"), no),
        ended("403 five times, later", after(times(refusal(403), 5)), ""),
        ended("another's, twice", answers(&times(foreign.clone(), 2)), no),
        ended("another's, three times", answers(&times(foreign.clone(), 3)), ""),
        ended("another's, later", after(times(foreign, 5)), no),
        ended("400", after(times(refusal(400), 1)), ""),
        ended("429", answers(&times(refusal(429), 3)), no),
        ended("500", answers(&times(refusal(500), 3)), no),
        ended("no deploy yet", answers(&times(refusal(404), 3)), no),
    ]);
}

#[test]
fn what_does_not_exist_or_is_anothers() {
    let none = Tape::default;
    let gone = |path: &str| answers(&[refusal(404)]).ask(100, path, refusal(404));
    let pinned = || question(|own| own.workflow = some("inw1"));
    let given = || question(|own| own.deploy = some("dpl1"));
    let once = none().flow(0, &proof()).ask(3_000, "/v1/workflows/inw1", refusal(404));
    let strange = none().detail(0, &with(&row("active", 60), "install_id", json!("inl2")));
    let recovery = none().detail(0, &with(&row("active", 60), "install_deploy_type", json!("recover")));
    let ended = |name, question, tape, part| (name, question, tape, end_of("rejected", None, 9_000), part);
    let no = "no answer gives a reason";
    check(vec![
        ended("install", plain(), gone("/v1/installs/inl1"), ""),
        ended("components", plain(), gone("/v1/installs/inl1/components?limit=100"), ""),
        ended("component", plain(), gone("/v1/installs/inl1/components/cmp1"), ""),
        ended("another install", plain(), gone("/v1/installs/inl2"), no),
        ended("deploy", given(), gone("/v1/installs/inl1/deploys/dpl1"), ""),
        ended("workflow", pinned(), gone("/v1/workflows/inw1"), ""),
        ended("another workflow", pinned(), gone("/v1/workflows/inw2"), no),
        ended("a workflow that answered", pinned(), once, no),
        ended("another's deploy", given(), strange, ""),
        ended("no deploy", given(), recovery.clone(), ""),
        ended("no deploy, but not by its id", plain(), recovery.clone(), no),
        ended("a deploy", given(), none().detail(0, &row("active", 60)), no),
    ]);
}

#[test]
fn outages() {
    let short = || question(|own| own.outage_ms = Some(60_000));
    let off = question(|own| own.outage_ms = None);
    let good = Tape::default().latest(10_000, &row("executing", 60));
    let html = Tape::default().ask(40_000, LATEST, http(200, &json!([]), false));
    let quiet = good.clone().ask(40_000, LATEST, Answer::Silence);
    let list = "/v1/installs/inl1/components/deploys?limit=100";
    let listed = |row: &Value| good.clone().ask(40_000, list, ok(&json!([row])));
    let own = listed(&row("executing", 60));
    let of_others =
        listed(&with(&with(&row("executing", 60), "install_id", json!("inl2")), "component_id", json!("cmp2")));
    let going = flow("in-progress", &[]);
    let of_flow = good.clone().flow(10_050, &going).flow(40_000, &going);
    let of_other_flow = good.clone().flow(10_050, &going).flow(40_000, &with(&going, "owner_id", json!("inl2")));
    let ended = |name, question, tape, at, part| (name, question, tape, end("inconclusive", at), part);
    check(vec![
        ended("nothing at all", short(), html, 60_000, ""),
        ended("nothing since", short(), quiet, 70_100, ""),
        ended("a list of another install's since", short(), of_others, 70_100, ""),
        ended("a workflow of another install's since", short(), of_other_flow, 71_000, ""),
        ended("a workflow since", short(), of_flow, 71_000, "no outage"),
        ended("a list since", short(), own, 70_100, "no outage"),
        ended("a good one since", short(), good.clone(), 62_000, "no outage"),
        ended("too early", short(), Tape::default(), 20_000, "no outage"),
        ended("off", off, good, 400_000, "is off"),
    ]);
}
