//! Finds the targets' newest deploys, before new ones are triggered.

use std::cell::Cell;
use std::fmt::Display;
use std::time::Duration;

use jiff::Timestamp;
use nuon_gate_core::api::{Answer, ApiError, Client, Depth, ErrorClass, Fact, MOST_FOREIGN, Reply, Request, repeat};
use nuon_gate_core::resolve::{Resolver, Wanted};
use nuon_gate_core::watch::InvalidSettings;
use nuon_gate_core::{Target, Targets, Verdict};
use tokio::time::{Instant, sleep_until};

use crate::exit;
use crate::marks::{Mark, Marks};
use crate::output::Console;
use crate::targets::{self, Unresolved};
use crate::trouble::Trouble;
use crate::words::{
    self, if_ambiguous, if_empty, if_not_signed_in, if_unanswered, if_unfit, if_unknown, is_of_the_way,
};

/// The error if the API gives no answer to mark.
fn unmarked(what: &dyn Display, error: &ApiError) -> Trouble {
    let is_about_ids = matches!(
        error.class(),
        ErrorClass::Missing | ErrorClass::Refused | ErrorClass::Elsewhere | ErrorClass::Transient
    );
    let hint = match error {
        ApiError::SignIn(own) if error.class() == ErrorClass::Denied => if_not_signed_in(own).to_owned(),
        error if is_about_ids && !is_of_the_way(error) => {
            "check the ids and the API's address; without a mark, old deploys cannot be distinguished from new ones"
                .to_owned()
        }
        error => if_unanswered(error),
    };
    Trouble::new(format!("{what} could not be marked ({error})")).hint(hint).judged(exit::verdict_of(error))
}

/// Resolves the targets, and marks each one. For as long as `patience` lasts, what has no good answer is asked again.
pub(crate) async fn take(
    client: &Client,
    wanted: Vec<Wanted>,
    patience: Duration,
) -> Result<(Targets, Marks), Trouble> {
    let (said, answered) = (Cell::new(false), Cell::new(false));
    let once = async |request: &Request| {
        let reply = client.request(request).await;
        match &reply {
            Ok(_) => answered.set(true),
            Err(error) if error.class() == ErrorClass::Transient && !said.replace(true) => {
                Console::new().warning(&format!("no answer that marks the targets yet ({error})"));
            }
            Err(_) => {}
        }
        reply
    };
    let ask = async |request: Request| {
        let most_foreign = if answered.get() { u32::MAX } else { MOST_FOREIGN };
        let until = Instant::now() + patience;
        match repeat(|| once(&request), until, most_foreign).await {
            // The last attempt is made when the time is over, however long the API asks to wait.
            Err(error) if error.class() == ErrorClass::Transient => {
                sleep_until(until).await;
                once(&request).await
            }
            reply => reply,
        }
    };
    let targets = resolve(&ask, wanted, unmarked).await?;
    let mut marks = Vec::new();
    for target in targets.as_slice() {
        let answered_at = || client.stats().server_time;
        marks.push(mark(&ask, answered_at, target).await.map_err(|error| unmarked(target, &error))?);
    }
    Ok((targets, Marks::new(marks)))
}

/// Resolves the targets, of which there have to be some; `unanswered` says what cannot be done without an answer to `ask`.
pub(crate) async fn resolve(
    ask: impl AsyncFn(Request) -> Reply,
    wanted: Vec<Wanted>,
    unanswered: fn(&dyn Display, &ApiError) -> Trouble,
) -> Result<Targets, Trouble> {
    let what = wanted.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let mut resolver = Resolver::new(wanted);
    let targets = targets::resolve(ask, &mut resolver).await.map_err(|error| match error {
        Unresolved::Unknown(unknown) => {
            Trouble::new(&unknown).hint(if_unknown(&unknown)).judged(Some(Verdict::Rejected))
        }
        Unresolved::Ambiguous(ambiguous) => Trouble::new(&ambiguous).hint(if_ambiguous(&ambiguous)),
        Unresolved::Unfit(unfit) => Trouble::new(&unfit).hint(if_unfit()),
        Unresolved::Empty(empty) => Trouble::new(&empty).hint(if_empty()),
        Unresolved::Unanswered(error) => unanswered(&what, &error),
    })?;
    for warning in resolver.take_warnings() {
        Console::new().warning(&words::warning(&warning));
    }
    Targets::new(targets).ok_or_else(|| words::invalid(&InvalidSettings::NoTargets))
}

/// Marks a target. "None yet" is believed only after a hundred rows, and if install and component exist.
async fn mark(
    ask: &impl AsyncFn(Request) -> Reply,
    answered_at: impl Fn() -> Option<Timestamp>,
    target: &Target,
) -> Result<Mark, ApiError> {
    let (install, component) = (target.install.clone(), target.component.clone());
    let latest = |depth| Request::LatestDeploy(install.clone(), component.clone(), depth);
    let mut answer = ask(latest(Depth::Usual)).await?;
    if matches!(answer.fact, Fact::Latest(None)) {
        answer = ask(latest(Depth::Page)).await?;
    }
    if matches!(answer.fact, Fact::Latest(None)) {
        ask(Request::Install(install.clone())).await?;
        ask(Request::InstallComponent(install.clone(), component.clone())).await?;
    }
    // Anything created after this answer is new, so this answer's time counts, not a later one's.
    let Answer { fact, server_time } = answer;
    #[expect(clippy::disallowed_methods, reason = "for a server that does not say its own time")]
    let server_time = server_time.or_else(answered_at).unwrap_or_else(Timestamp::now);
    let Fact::Latest(newest) = fact else {
        return Err(ApiError::unexpected());
    };
    let found = newest.as_ref().and_then(|deploy| Some((deploy.id.as_ref()?, deploy.created_at)));
    Ok(Mark::new(target, found, server_time))
}
