//! Whether the answers support `rejected` and `inconclusive` (contract: transient and final answers).

use super::answer::{Voice, body, good, status, voice};
use super::ask::Ask;
use super::case::Case;
use super::health;
use super::leeway::spare;
use super::row::Kind;
use super::text::text;
use crate::transcript::Exchange;

/// How many refusals in a row are final after a first success.
const REFUSALS: usize = 5;

/// How often a foreign answer is retried before Nuon has answered at all.
const FOREIGN: usize = 3;

/// Reports that nothing was refused, missing, or someone else's.
pub(super) fn rejected(case: &Case) -> Vec<String> {
    let ground =
        refused(case) || forbidden(case) || does_not_exist(case) || is_anothers(case) || cannot_be_waited(case);
    if ground { Vec::new() } else { vec!["rejected, but no answer gives a reason to".to_owned()] }
}

/// Returns whether an answer is final by its status alone: a 4xx that is not transient.
fn refused(case: &Case) -> bool {
    let is_final = |code: u16| (400..500).contains(&code) && !matches!(code, 401 | 403 | 404 | 408 | 409 | 425 | 429);
    case.reads
        .iter()
        .any(|own| is_final(status(own)) && !Ask::of(&own.path).is_beside() && !health::is_about(case, own))
}

/// Returns whether a success is about anything at all.
fn is_thing(own: &Exchange) -> bool {
    let has_id = |body: &serde_json::Value| body.get("id").is_some() || body.get("component_id").is_some();
    body(own).is_some_and(|body| has_id(body) || body.get(0).is_some_and(has_id))
}

/// Returns whether a success, or a row of it, names another install than the one that was asked for.
fn is_of_another(own: &Exchange) -> bool {
    let asked = own.path.strip_prefix("/v1/installs/").and_then(|rest| rest.split('/').next());
    let Some((asked, body)) = asked.zip(body(own)) else { return false };
    let names_another = |row: &serde_json::Value| !["", asked].contains(&&*text(row, "install_id"));
    names_another(body) || body.as_array().is_some_and(|rows| rows.iter().any(names_another))
}

/// Returns whether 401 or 403 was final: at the first call, five times in a row later, or three times from someone
/// else.
fn forbidden(case: &Case) -> bool {
    let (mut heard, mut in_row, mut foreign) = (false, 0, 0);
    // "In a row" may also mean: for the same request, whatever other requests are answered in between.
    let mut of_path: std::collections::HashMap<&str, usize> = std::collections::HashMap::new();
    for own in case.reads.iter().filter(|own| !Ask::of(&own.path).is_beside() && !health::is_about(case, own)) {
        let (code, from) = (status(own), voice(own));
        match code {
            401 | 403 if from != Voice::Foreign => in_row += 1,
            _ if is_thing(own) || code == 404 && from == Voice::Nuon => {
                in_row = 0;
                // A 404, or an answer about something else, need not count as a success.
                heard |= is_thing(own) && !is_of_another(own) && (good(own) || !Ask::of(&own.path).decides());
            }
            _ => (),
        }
        let strange = matches!(code, 401 | 403 | 404) && from != Voice::Nuon;
        foreign += usize::from(strange);
        let same = of_path.entry(own.path.as_str()).or_default();
        match code {
            401 | 403 if from != Voice::Foreign => *same += 1,
            _ if body(own).is_some() => *same = 0,
            _ => (),
        }
        if *same >= REFUSALS {
            return true;
        }
        let first = in_row > 0 && !heard;
        if first || in_row >= REFUSALS || foreign >= FOREIGN && !heard {
            return true;
        }
    }
    false
}

/// Returns whether Nuon says that the install, the component, the deploy or the pinned workflow does not exist.
fn does_not_exist(case: &Case) -> bool {
    let says = |own: &Exchange| status(own) == 404 && voice(own) != Voice::Foreign;
    case.reads.iter().filter(|own| says(own)).any(|own| match Ask::of(&own.path) {
        Ask::Install(_) | Ask::Component(..) => case.concerns(own) && !health::is_about(case, own),
        Ask::Detail(_, _, id) => case.question.after.as_ref() == Some(&id) || case.concerns(own) || asked(case, &id),
        Ask::Flow(id) => case.question.workflow.as_ref() == Some(&id) && case.flow_of(&id).next().is_none(),
        _ => false,
    })
}

/// Returns whether the outcome or the question names a deploy.
fn asked(case: &Case, id: &str) -> bool {
    [&case.outcome.deploy, &case.question.deploy].into_iter().any(|own| own.as_deref() == Some(id))
}

/// Returns whether what was asked for belongs to another install or component.
fn is_anothers(case: &Case) -> bool {
    let pinned = case.question.workflow.as_deref().unwrap_or_default();
    let owner = |own: &str| !own.is_empty() && own != case.install;
    !case.strangers.is_empty() || baseline_is_anothers(case) || case.flow_of(pinned).any(|seen| owner(&seen.what.owner))
}

/// Returns whether the baseline belongs to another component.
fn baseline_is_anothers(case: &Case) -> bool {
    case.reads.iter().any(|own| {
        let baseline = matches!(Ask::of(&own.path), Ask::Detail(_, _, id) if case.question.after.as_ref() == Some(&id));
        let component = body(own).and_then(|body| body["component_id"].as_str().map(str::to_owned));
        baseline && component.is_some_and(|component| component != case.component)
    })
}

/// Returns whether the given id is not that of a deploy, or of a deploy of the wrong kind.
fn cannot_be_waited(case: &Case) -> bool {
    let given = case.question.deploy.iter().chain(&case.outcome.deploy);
    let nothing = |id: &String| case.of(id).next().is_some() && (case.kind(id) == Kind::Nothing || case.unexpected(id));
    let named = case.question.deploy.is_some() || case.question.workflow.is_some();
    let pinned = case.question.workflow.as_deref().unwrap_or_default();
    let missed =
        case.question.deploy.as_deref().is_some_and(|id| case.of(id).next().is_some() && case.misses(id).is_some());
    named && given.into_iter().any(nothing) || missed || case.flow_of(pinned).any(|seen| seen.what.plan_only)
}

/// Returns whether a list of the install's deploys contains another install's, or a workflow has changed its owner.
fn of_others(case: &Case, own: &Exchange) -> bool {
    let Some(body) = body(own) else { return false };
    let differs = |install: String, ours: &str| !install.is_empty() && install != ours;
    match Ask::of(&own.path) {
        Ask::InstallList(_) => {
            body.as_array().into_iter().flatten().any(|row| differs(text(row, "install_id"), &case.install))
        }
        Ask::Flow(id) => {
            let owner = || text(body, "owner_id");
            let before = || case.flow_of(&id).filter(|seen| seen.sent < own.sent_ms && !seen.what.owner.is_empty());
            let is_changed = before().any(|seen| differs(owner(), &seen.what.owner));
            is_changed || !case.install.is_empty() && differs(owner(), &case.install)
        }
        _ => false,
    }
}

/// Returns whether another target may have requested the detail of a deploy that is not its own. With a pinned workflow, or where an
/// answer about that target's newest deploy has shown it, that may be the deploy that this one follows. A workflow may be requested
/// for a target in another install, to which it does not belong.
fn by_another(case: &Case, own: &Exchange) -> bool {
    if matches!(Ask::of(&own.path), Ask::Flow(_)) {
        return case.question.targets.iter().any(|(install, _)| *install != case.install);
    }
    let followed = case.outcome.deploy.as_deref().filter(|_| case.question.workflow.is_none());
    let Ask::Detail(_, _, deploy) = Ask::of(&own.path) else { return false };
    let is_shown_by = |own: &Exchange| body(own).is_some_and(|body| text(body, "id") == deploy);
    let is_of_another = |own: &&Exchange| {
        matches!(Ask::of(&own.path), Ask::Latest(_, component) if component != case.component) && is_shown_by(own)
    };
    let is_own = Some(deploy.as_str()) == followed && !case.reads.iter().any(is_of_another);
    case.question.targets.len() > 1 && !is_own
}

/// Reports that the outage timeout cannot have expired, and the health may be known.
pub(super) fn inconclusive(case: &Case) -> Vec<String> {
    if case.outcome.deploy.as_deref().is_some_and(|deploy| health::inconclusive(case, deploy)) {
        return Vec::new();
    }
    let Some(outage) = case.question.outage_ms else { return vec!["inconclusive, but --api-outage is off".to_owned()] };
    let at = case.outcome.at_ms;
    // An answer about someone else's deploy is not a good one.
    let strange = |own: &&&Exchange| {
        case.strangers.iter().any(|seen| seen.sent == own.sent_ms) || of_others(case, own) || by_another(case, own)
    };
    let concerning = case.reads.iter().filter(|own| good(own) && case.concerns(own));
    let last = concerning.filter(|own| !strange(own)).map(|own| own.sent_ms).max();
    if at + spare(case.question) < outage + last.unwrap_or_default() {
        let text =
            format!("inconclusive, but {} ms is no outage of {outage} ms", at.saturating_sub(last.unwrap_or_default()));
        return vec![text];
    }
    Vec::new()
}
