//! Judges what a gate may report, from its requests and their answers alone.
//!
//! It knows what the gate promises its users (`contract` in comments: `docs/judging.md`, `docs/triggers-and-pins.md`)
//! and how the server behaves (`facts`: `docs/nuon-api.md`), and nothing about the gate's code. Where a promise can be
//! read in two ways, it allows both. So every finding is a violation, but a run without findings is not proven right.

mod alive;
mod answer;
mod ask;
mod case;
mod clocks;
mod ended;
mod failed;
mod flow;
mod health;
mod leeway;
mod pacing;
mod passed;
mod pins;
mod poll;
mod refused;
mod row;
mod run;
mod table;
mod text;

#[cfg(test)]
mod tests;

use self::answer::{body, rows_of};
use self::ask::Ask;
use self::case::Case;
use self::text::text;
use crate::transcript::{Exchange, Outcome, Question};

/// Returns what the contract does not allow, in plain words. Returns nothing if every outcome is allowed.
///
/// There is one outcome for each target of the question, in its order. For a workflow alone, there is one for each
/// deploy that became a target, and [`judge_run`] judges the run.
pub fn judge(question: &Question, transcript: &[Exchange], outcomes: &[Outcome]) -> Vec<String> {
    let mut found = unasked(question, transcript);
    if !question.targets.is_empty() && question.targets.len() != outcomes.len() {
        found.push(format!("{} targets have {} outcomes", question.targets.len(), outcomes.len()));
    }
    for (index, outcome) in outcomes.iter().enumerate() {
        let target = question.targets.get(index).cloned().unwrap_or_else(|| target_of(transcript, outcome));
        let name = format!("{}/{}", target.0, target.1);
        let case = Case::new(question, transcript, outcome, target);
        found.extend(one(&case).into_iter().map(|text| format!("{name}: {text}")));
    }
    let end = outcomes.iter().map(|own| own.at_ms).max().unwrap_or_default();
    let sharing = outcomes.len() + usize::from(question.targets.is_empty());
    found.extend(pacing::check(question, transcript, sharing, end));
    found
}

/// Returns what the contract does not allow in the run's outcome, given the outcomes of its targets.
///
/// With targets, the run passes only if every target passed. For a workflow alone, it passes only if the workflow ended
/// in success and every deploy of it passed.
pub fn judge_run(question: &Question, transcript: &[Exchange], targets: &[Outcome], run: &Outcome) -> Vec<String> {
    let case = Case::new(question, transcript, run, (String::new(), String::new()));
    run::check(&case, targets).into_iter().map(|text| format!("run: {text}")).collect()
}

/// Returns why the gate should not have refused to wait. One target that allows the refusal is enough.
pub fn judge_refusal(question: &Question, transcript: &[Exchange], at_ms: u64) -> Vec<String> {
    let outcome = Outcome { verdict: "usage".to_owned(), deploy: None, at_ms };
    let nobody = [(String::new(), String::new())];
    let targets = if question.targets.is_empty() { &nobody[..] } else { &question.targets };
    let of = |target: &(String, String)| one(&Case::new(question, transcript, &outcome, target.clone()));
    let each: Vec<Vec<String>> = targets.iter().map(of).collect();
    if each.iter().any(Vec::is_empty) { Vec::new() } else { each.concat() }
}

/// Reports a request about health that nobody asked for. The component itself is also read to know whether it exists.
fn unasked(question: &Question, transcript: &[Exchange]) -> Vec<String> {
    let is_about_health = |own: &&Exchange| matches!(Ask::of(&own.path), Ask::Observed(..));
    let first = transcript.iter().find(is_about_health).filter(|_| question.healthy_for_ms.is_none());
    first.map(|own| format!("{} was asked without --require-healthy", own.path)).into_iter().collect()
}

/// Judges one target.
fn one(case: &Case) -> Vec<String> {
    let mut found = match case.outcome.verdict.as_str() {
        "passed" => passed::check(case),
        "failed" => failed::check(case),
        "rejected" => refused::rejected(case),
        "cancelled" => ended::cancelled(case),
        "approval_needed" => ended::approval_needed(case),
        "superseded" => ended::superseded(case),
        "inconclusive" => refused::inconclusive(case),
        "timed_out" => clocks::timed_out(case),
        "usage" => ended::usage(case),
        "interrupted" => Vec::new(),
        "pending" if case.question.targets.len() != 1 => Vec::new(),
        other => vec![format!("`{other}` is no end of a wait")],
    };
    found.extend(clocks::late(case));
    found.extend(alive::check(case));
    found
}

/// Returns the install and the component of a deploy that only a workflow named: those that most answers about it have.
fn target_of(transcript: &[Exchange], outcome: &Outcome) -> (String, String) {
    let Some(deploy) = outcome.deploy.as_deref() else { return (String::new(), String::new()) };
    let answers = transcript.iter().filter(|own| own.done_ms <= outcome.at_ms);
    let places: Vec<_> = answers.filter_map(|own| place(own, deploy)).collect();
    let most = places.iter().max_by_key(|one| places.iter().filter(|other| other == one).count());
    most.cloned().unwrap_or_default()
}

/// Returns the install and the component that an answer gives for a deploy.
fn place(exchange: &Exchange, deploy: &str) -> Option<(String, String)> {
    let value = body(exchange)?;
    let (install, component) = match Ask::of(&exchange.path) {
        Ask::Latest(i, c) | Ask::List(i, c) | Ask::Detail(i, Some(c), _) => (i, Some(c)),
        Ask::InstallList(i) | Ask::Detail(i, None, _) => (i, None),
        _ => return None,
    };
    let row = rows_of(value).iter().find(|row| text(row, "id") == deploy)?;
    if !["", &install].contains(&&*text(row, "install_id")) {
        return None;
    }
    let own = text(row, "component_id");
    component.or(Some(own).filter(|own| !own.is_empty())).map(|component| (install, component))
}
