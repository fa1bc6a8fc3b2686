//! Whether a pass was proven (contract: a pass is proven, never assumed).

use super::answer::good;
use super::ask::Ask;
use super::case::{Case, Seen, word_of};
use super::flow::{Flow, Step};
use super::health;
use super::leeway::spare;
use super::pins::{on_superseded, pinned};
use super::row::{Kind, Row};
use super::table::{Word, plain};

/// How soon an answer has to arrive to show the state at the start. After a longer time, the state may have changed.
const AT_START_MS: u64 = 1_000;

/// Reports what a pass lacks.
pub(super) fn check(case: &Case) -> Vec<String> {
    let Some(deploy) = case.outcome.deploy.as_deref() else { return vec!["passed without a deploy".to_owned()] };
    let checks = [identity(case, deploy), kind(case, deploy), pins(case, deploy), row(case, deploy)];
    let mut found: Vec<String> = checks.into_iter().flatten().collect();
    if found.is_empty() {
        let later = [
            proof(case, deploy),
            settled(case, deploy),
            newer(case, deploy),
            stale(case, deploy),
            outrun(case, deploy),
            health::lack(case, deploy),
        ];
        found.extend(later.into_iter().flatten());
    }
    found.into_iter().map(|text| format!("{deploy} passed, but {text}")).collect()
}

/// Checks that the deploy belongs to the target, by its own detail or its row.
fn identity(case: &Case, deploy: &str) -> Option<String> {
    // A single odd answer does not count, unless it is the deploy's detail and comes last.
    let strange = case.strangers.iter().filter(|seen| seen.what.id == deploy && !seen.listed && !seen.latest);
    let strange = strange.map(|seen| seen.done).max();
    let proven = case.of(deploy).filter(|seen| seen.named).map(|seen| seen.done).max();
    if proven.is_some() && strange > proven {
        return Some("the last answer says that it is another install's or component's".to_owned());
    }
    proven.is_none().then(|| "no good answer says that it is this install's and component's".to_owned())
}

/// Checks that it is a deploy, and of the expected kind.
fn kind(case: &Case, deploy: &str) -> Option<String> {
    if case.kind(deploy) == Kind::Nothing {
        let name = case.said(deploy, |row| &row.kind);
        return Some(format!("it is no deploy that can be waited for: type `{name}`, or plan-only"));
    }
    case.unexpected(deploy).then(|| "it is not of the kind that --expect asks for".to_owned())
}

/// Checks that it is the deploy that was asked for.
fn pins(case: &Case, deploy: &str) -> Option<String> {
    case.unasked(deploy).map(|pin| format!("it is not what was pinned: {pin} does not fit"))
}

/// Checks that it is not an old deploy of what was pinned, behind a newer one of something else.
fn outrun(case: &Case, deploy: &str) -> Option<String> {
    let newer = case.outruns(deploy, true)?;
    Some(format!("it had ended before the wait began, and {newer}, which does not match, is newer"))
}

/// Checks that its newest row can be a pass.
fn row(case: &Case, deploy: &str) -> Option<String> {
    let current = case.current(deploy);
    let shown: Vec<&str> = current.iter().map(|seen| seen.what.status.as_str()).collect();
    let by_approval = case.question.on_approval == "pass" && shown.contains(&"pending-approval");
    let passes = current.iter().any(|seen| word_of(case, &seen.what) == Word::Passes);
    (!passes && !by_approval).then(|| format!("its newest status is {}", shown.join(" or ")))
}

/// Returns whether its answers have shown for minutes what passes.
fn lasts(case: &Case, deploy: &str) -> bool {
    let by_approval = |row: &Row| case.question.on_approval == "pass" && row.status == "pending-approval";
    case.lasting(deploy).iter().any(|seen| word_of(case, &seen.what) == Word::Passes || by_approval(&seen.what))
}

/// Checks the workflow's part, for at least one possible order of the last poll's answers.
fn proof(case: &Case, deploy: &str) -> Option<String> {
    let workflow = case.workflow(deploy);
    if workflow.is_empty() {
        return None;
    }
    let flows = case.last_flows(workflow);
    if flows.is_empty() {
        let (count, last) = case.missing(workflow);
        let row = case.of(deploy).next_back();
        let is_near =
            last.zip(row).is_some_and(|((sent, done), row)| case.unbroken(done.min(row.done), sent.max(row.sent)));
        return match count {
            3.. if is_near => None,
            3.. => Some("its workflow was not asked for in the last poll".to_owned()),
            _ => Some(format!("its workflow never answered, and only {count} answers of Nuon's say 404")),
        };
    }
    let Some(last) = case.of(deploy).next_back() else { return Some("it was never seen".to_owned()) };
    let rows: Vec<&Seen<Row>> = case.newest(deploy).into_iter().filter(|seen| case.same_poll(seen, last)).collect();
    let pairs = rows.iter().flat_map(|row| flows.iter().map(move |flow| (*row, *flow)));
    let mut lacks: Vec<String> = pairs.map(|(row, flow)| lack(case, row, flow)).collect();
    lacks.sort_by_key(String::len);
    match lacks.first() {
        Some(none) if none.is_empty() => None,
        // If times go back, it is not known which poll was the last.
        _ if lasts(case, deploy) => None,
        Some(lack) => Some(lack.clone()),
        None => Some("no answer of the last poll shows its newest status".to_owned()),
    }
}

/// Returns what a row and a workflow lack to be a proof; empty if they are one.
fn lack(case: &Case, row: &Seen<Row>, flow: &Seen<Flow>) -> String {
    let (deploy, own) = (row.what.id.as_str(), &flow.what);
    let is_same = |seen: &&Seen<Row>| seen.what.status == row.what.status && case.same_poll(seen, row);
    let was_shown = |seen: &Seen<Row>| seen.sent <= flow.sent;
    let text = if !case.of(deploy).filter(is_same).any(was_shown) {
        "its workflow was not read in the poll that showed the passing status"
    } else if !own.owner.is_empty() && own.owner != case.install {
        "its workflow is owned by another install"
    } else if word_of(case, &row.what) != Word::Passes {
        return unasked_human(case, row, own);
    } else if plain(&row.what.status, case.kind(deploy)) != Word::Passes {
        ""
    } else if !own.begun(deploy) {
        "no step that targets it has begun"
    } else if !own.works_on(deploy, case.install_component(deploy), true).all(Step::good) {
        "a step that works on it is unfinished or failed"
    } else if own.awaits_repetition(deploy, case.install_component(deploy)) {
        "the last step of a kind that works on it was repeated, and its repetition is missing"
    } else {
        ""
    };
    text.to_owned()
}

/// Returns why `--on-approval pass` does not apply: no human is asked, or only one poll showed it.
fn unasked_human(case: &Case, row: &Seen<Row>, flow: &Flow) -> String {
    let deploy = row.what.id.as_str();
    let times = case.flow_of(&flow.id).filter(|seen| seen.what.asks_human(deploy)).count();
    if !flow.asks_human(deploy) {
        "its newest status does not pass, and no human is asked".to_owned()
    } else if times < 2 {
        "that a human is asked was seen only once".to_owned()
    } else {
        String::new()
    }
}

/// Checks `--settle`: another poll has to follow after that time.
fn settled(case: &Case, deploy: &str) -> Option<String> {
    let settle = case.question.settle_ms;
    // A plan that waits for a human is read twice anyway.
    let by_approval = case.newest(deploy).iter().any(|seen| word_of(case, &seen.what) != Word::Passes);
    if settle == 0 || by_approval || case.outcome.at_ms + spare(case.question) >= case.question.timeout_ms {
        return None;
    }
    let passing = || case.of(deploy).filter(|seen| word_of(case, &seen.what) != Word::Fails);
    let first = passing().find(|seen| word_of(case, &seen.what) == Word::Passes)?;
    let last = passing().next_back()?;
    let kept = last.done >= first.sent + settle;
    (!kept).then(|| format!("it was not polled again {settle} ms after its status passed"))
}

/// Checks that newer deploys were read, if a flag asks for it, and that none was ignored.
fn newer(case: &Case, deploy: &str) -> Option<String> {
    let way = on_superseded(case.question);
    // A baseline of `--on-stale wait` can be read as a pin, as `--after` is one, with a pin's default.
    let like_pinned = case.question.on_superseded.is_none() && case.question.on_stale == "wait";
    if way == "ignore" || like_pinned {
        return None;
    }
    if let Some(other) = case.certain_superseder(deploy) {
        return Some(format!("{other} is newer, and --on-superseded is {way}"));
    }
    case.question.on_superseded.as_ref()?;
    let last = case.of(deploy).next_back()?;
    let sought = case.reads.iter().filter(|own| good(own) && lists(case, &own.path));
    let found = sought.into_iter().any(|own| case.unbroken(own.done_ms.min(last.done), own.sent_ms.max(last.sent)));
    (!found).then(|| "whether a newer deploy supersedes it was not read".to_owned())
}

/// Returns whether a path lists the component's deploys or shows its newest.
fn lists(case: &Case, path: &str) -> bool {
    match Ask::of(path) {
        Ask::Latest(i, c) | Ask::List(i, c) => i == case.install && c == case.component,
        Ask::InstallList(i) => i == case.install,
        _ => false,
    }
}

/// Checks that no deploy that had ended before the start was accepted if `--on-stale` forbids it.
fn stale(case: &Case, deploy: &str) -> Option<String> {
    if pinned(case.question) || case.question.on_stale == "accept" {
        return None;
    }
    let first = case.rows.first().filter(|seen| seen.what.id == deploy && seen.listed)?;
    let before = case.reads.iter().filter(|own| own.done_ms < first.done && Ask::of(&own.path).decides());
    let at_once = before.into_iter().all(|own| good(own));
    let workflow = case.workflow(deploy);
    let ended = workflow.is_empty()
        || case.flow_of(workflow).next().is_some_and(|flow| case.same_poll(first, flow))
            && case.flow_of(workflow).filter(|flow| case.same_poll(first, flow)).all(|flow| flow.what.succeeded());
    let moved_on = case.of(deploy).any(|seen| seen.overtakes(first) && seen.what.status != first.what.status);
    let old = !moved_on
        && first.done < AT_START_MS
        && at_once
        && ended
        && plain(&first.what.status, case.kind(deploy)) == Word::Passes;
    old.then(|| format!("it had ended before the gate started, and --on-stale is {}", case.question.on_stale))
}
