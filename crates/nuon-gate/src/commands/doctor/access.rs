//! Checks access: token, organisation, targets, their logs and their health; and compares the clocks.

use std::time::Duration;

use nuon_gate_core::api::{ApiError, Client, Depth, ErrorClass, Fact, Request};
use nuon_gate_core::resolve::{Resolver, Wanted};
use nuon_gate_core::timeline::human;
use nuon_gate_core::{LogStreamId, Target, Verdict};

use super::check::{Check, Checks, Step};
use super::patience::Patience;
use super::reach::Reached;
use crate::connection::{ConnectionParts, invalid_connection};
use crate::exit;
use crate::targets::{self, Unresolved};
use crate::trouble::Trouble;
use crate::words::{ADDRESS, if_ambiguous, if_empty, if_unanswered, if_unfit, if_unknown, is_of_the_way};

/// The checks of this part, in their order.
pub(super) const NAMES: [&str; 6] = ["token", "org", "target", "clock", "logs", "health"];

/// The tolerated difference of the clocks.
const LARGEST_SKEW: i64 = 30;
/// How many targets are named at most.
const MOST_NAMED: usize = 5;
/// How many targets are tried for a log: access to one means access to all.
const MOST_LOGS: usize = 5;

/// Runs the checks that are possible, if the API can be reached.
pub(super) async fn access(
    checks: &mut Checks,
    parts: ConnectionParts,
    wanted: Result<Option<Vec<Wanted>>, Trouble>,
    reached: Option<Reached>,
    patience: &Patience,
) {
    let client = admit(checks, parts, reached.is_some(), patience).await;
    checks.skip_rest(&["token", "org"]);
    let targets = match (wanted, &client) {
        (Err(trouble), _) => checks.step(Err(Check::misconfigured("target", trouble))),
        (Ok(None), _) => {
            checks.push(Check::skipped("target", "none is given: name one with --install and --component"));
            checks.push(clock(reached.as_ref()));
            checks.push(Check::skipped("logs", "a log belongs to a target, and there is none"));
            return checks.push(Check::skipped("health", "it is that of a target, and there is none"));
        }
        (Ok(Some(wanted)), Some(client)) => checks.step(find(client, wanted, patience).await),
        (Ok(Some(_)), None) => None,
    };
    checks.skip_rest(&["target"]);
    checks.push(clock(reached.as_ref()));
    if let (Some(client), Some(targets)) = (client, targets) {
        checks.push(logs(&client, &targets, patience).await);
        checks.push(health(&client, &targets, patience).await);
    }
}

/// Checks the token and the organisation. Malformed ones are reported even if the API cannot be reached.
async fn admit(checks: &mut Checks, parts: ConnectionParts, reached: bool, patience: &Patience) -> Option<Client> {
    let wrong = (parts.credentials.as_ref().err().cloned(), parts.org.as_ref().err().cloned());
    let client = match wrong {
        (Some(token), org) => {
            checks.push(Check::misconfigured("token", token));
            org.into_iter().for_each(|org| checks.push(Check::misconfigured("org", org)));
            return None;
        }
        (None, Some(org)) => Err(org),
        (None, None) if !reached => return None,
        // All of it but the organisation has been used before.
        (None, None) => parts.whole().and_then(|whole| Client::new(&whole).map_err(|error| invalid_connection(&error))),
    };
    let client = match client {
        Ok(client) => client,
        Err(trouble) => {
            checks.push(Check::skipped("token", "it cannot be checked without an organisation"));
            checks.push(Check::misconfigured("org", trouble));
            return None;
        }
    };
    let error = patience.ask(&client, Request::Installs(1)).await.err();
    for check in admission(error.as_ref()) {
        checks.push(check);
    }
    error.is_none().then_some(client)
}

/// Judges the token and the organisation by an answer about the organisation. The server checks the token first.
fn admission(error: Option<&ApiError>) -> Vec<Check> {
    let accepted = Check::ok("token", "it is accepted");
    let Some(error) = error else { return vec![accepted, Check::ok("org", "its installs can be read")] };
    match (error.class(), error.status()) {
        (ErrorClass::Denied, Some(401)) => {
            let hint = "it is unknown or has expired, or belongs to another API: renew NUON_API_TOKEN or the file of \
                        --token-file (NUON_GATE_TOKEN_FILE), or log in with the Nuon CLI";
            vec![Check::unanswered("token", error, hint)]
        }
        (ErrorClass::Denied, Some(403)) => {
            let hint = "check --org-id (NUON_GATE_ORG_ID, NUON_ORG_ID), and that the token's account is a member";
            vec![accepted, Check::unanswered("org", error, hint)]
        }
        _ => vec![Check::unanswered("token", error, advice(error))],
    }
}

async fn find(client: &Client, wanted: Vec<Wanted>, patience: &Patience) -> Step<Vec<Target>> {
    let ask = async |request| patience.ask(client, request).await;
    let targets = targets::resolve(ask, &mut Resolver::new(wanted).thorough()).await.map_err(|error| match error {
        Unresolved::Unknown(unknown) => {
            Check::failed("target", Verdict::Rejected.exit_code(), unknown.to_string(), if_unknown(&unknown))
        }
        Unresolved::Ambiguous(ambiguous) => {
            Check::misconfigured("target", Trouble::new(&ambiguous).hint(if_ambiguous(&ambiguous)))
        }
        Unresolved::Unfit(unfit) => Check::misconfigured("target", Trouble::new(&unfit).hint(if_unfit())),
        Unresolved::Empty(empty) => Check::misconfigured("target", Trouble::new(&empty).hint(if_empty())),
        Unresolved::Unanswered(error) => Check::unanswered("target", &error, advice(&error)),
    })?;
    let named: Vec<String> = targets.iter().take(MOST_NAMED).map(ToString::to_string).collect();
    let more = match targets.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    Ok((targets, Check::ok("target", named.join(", ") + &more)))
}

/// Compares the clocks. The few seconds that an answer may take do not matter.
fn clock(reached: Option<&Reached>) -> Check {
    let times = reached.and_then(|reached| Some((reached.at, reached.seen.server_time?)));
    let Some((here, there)) = times else {
        return Check::skipped("clock", "the API has not said what time it is");
    };
    let skew = here.duration_since(there);
    let apart = human(Duration::from_secs(skew.as_secs().unsigned_abs()));
    let detail = match skew.as_secs() {
        // The server's time has no fractions, and is a moment old.
        -1..=1 => "it agrees with the API's".to_owned(),
        2.. => format!("it is {apart} ahead of the API's"),
        _ => format!("it is {apart} behind the API's"),
    };
    if skew.as_secs().abs() <= LARGEST_SKEW {
        return Check::ok("clock", detail);
    }
    Check::warning("clock", detail, "set the clock of this machine: a time that it gives to --since is not the API's")
}

/// Reads the newest page of a target's log. A wait works without, but explains failures less.
async fn logs(client: &Client, targets: &[Target], patience: &Patience) -> Check {
    for target in targets.iter().take(MOST_LOGS) {
        let stream = match stream(client, target, patience).await {
            Ok(Some(stream)) => stream,
            Ok(None) => continue,
            Err(error) => {
                let detail = format!("the newest deploy of {target} cannot be read: {error}");
                return Check::failed("logs", exit::code_of(&error), detail, advice(&error));
            }
        };
        return match patience.ask(client, Request::Logs(stream, None)).await {
            Ok(_) => Check::ok("logs", format!("the log of {target} can be read")),
            Err(error) => {
                let hint = "a failure will be reported without its log; the token may lack permission to read logs";
                Check::warning("logs", format!("the log of {target} cannot be read: {error}"), hint)
            }
        };
    }
    Check::skipped("logs", "no deploy with a log yet")
}

/// Finds the log of a target's newest deploy.
async fn stream(client: &Client, target: &Target, patience: &Patience) -> Result<Option<LogStreamId>, ApiError> {
    let (install, component) = (target.install.clone(), target.component.clone());
    let request = Request::LatestDeploy(install.clone(), component.clone(), Depth::Page);
    let Fact::Latest(Some(newest)) = patience.ask(client, request).await?.fact else { return Ok(None) };
    if let (None, Some(id)) = (newest.log_stream_id(), newest.id.clone()) {
        // The short form of a deploy does not name it.
        let request = Request::Deploy(install, Some(component), id);
        let Fact::Deploy(whole) = patience.ask(client, request).await?.fact else { return Ok(None) };
        return Ok(whole.log_stream_id().cloned());
    }
    Ok(newest.log_stream_id().cloned())
}

/// Reads the health of the first target's component, by which one sees whether the organisation has component health.
async fn health(client: &Client, targets: &[Target], patience: &Patience) -> Check {
    let Some(target) = targets.first() else { return Check::skipped("health", "there is no component") };
    match observed(client, target, patience).await {
        Ok(true) => Check::ok("health", format!("the health of {target} can be read, for --require-healthy")),
        Ok(false) => {
            let why = "only --require-healthy needs it; the component may need a probe or a check";
            Check::skipped("health", format!("nothing of {target} is observed: {why}"))
        }
        Err(error) => {
            let why = "only --require-healthy needs it, with component health turned on for the organisation";
            Check::skipped("health", format!("that of {target} cannot be read ({error}): {why}"))
        }
    }
}

/// Returns whether anything of a component is observed.
async fn observed(client: &Client, target: &Target, patience: &Patience) -> Result<bool, ApiError> {
    let (install, component) = (target.install.clone(), target.component.clone());
    let request = Request::Health(install.clone(), component.clone());
    let Fact::Health(own) = patience.ask(client, request).await?.fact else {
        return Ok(false);
    };
    let Some(id) = own.id.clone() else { return Ok(false) };
    let request = Request::Resources(install, component, id, 1);
    let Fact::Resources(page) = patience.ask(client, request).await?.fact else {
        return Ok(false);
    };
    Ok(page.rows.iter().any(|resource| resource.health.is_some()))
}

/// Returns the hint for an unexpected answer.
fn advice(error: &ApiError) -> String {
    match error.class() {
        _ if is_of_the_way(error) || matches!(error, ApiError::SignIn(_)) => if_unanswered(error),
        ErrorClass::Denied => "check what the token is allowed to do in this organisation".to_owned(),
        ErrorClass::Missing | ErrorClass::Refused | ErrorClass::Elsewhere => format!("check {ADDRESS}"),
        ErrorClass::Foreign | ErrorClass::Untrusted | ErrorClass::Transient => {
            "try again in a while; if it stays so, the API is in trouble, or what is in front of it".to_owned()
        }
    }
}
