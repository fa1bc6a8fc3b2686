//! `check push`: reports a check of the targets' health, which the pipeline has made, to Nuon.

use std::fmt::Display;
use std::time::Duration;

use nuon_gate_core::api::{ApiError, ErrorClass, MOST_FOREIGN, Reply, Request, repeat};
use nuon_gate_core::{Line, PushedCheck, Target};
use tokio::time::Instant;

use crate::arguments::CheckArguments;
use crate::ci::CiSystem;
use crate::connection::{ConnectionParts, client};
use crate::environment::Environment;
use crate::exit;
use crate::marking::resolve;
use crate::output::{Console, mask, stdout_line};
use crate::reader::Limit;
use crate::runtime;
use crate::targets::TypedTargets;
use crate::trouble::Trouble;
use crate::words::{if_not_signed_in, if_unanswered};

/// The longest time that the server accepts for a check.
const LONGEST: Duration = Duration::from_secs(60 * 60);
/// For how long a request is repeated.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn run(arguments: CheckArguments, environment: &Environment) -> Result<u8, Trouble> {
    let CheckArguments { action: _, name, status, message, stale_after, connection, targets } = arguments;
    let stale_after = stale_after.map(|span| span.0);
    if stale_after.is_some_and(|span| span > LONGEST) {
        return Err(
            Trouble::new("a check holds for an hour at most").hint("correct --stale-after (NUON_GATE_STALE_AFTER)")
        );
    }
    let check = PushedCheck { name, status: status.into(), message, stale_after };
    runtime::run(async |reader| {
        let request_timeout = connection.request_timeout.0;
        let reading = async {
            let typed = TypedTargets::new(targets)?;
            let connection = ConnectionParts::read(reader, connection, environment).await?.whole()?;
            Ok((connection, typed.read(reader).await?))
        };
        let (connection, wanted) = reader.within(Limit::of_files(), reading).await?;
        let client = client(&connection, request_timeout)?;
        let ask =
            async |request: Request| repeat(|| client.request(&request), Instant::now() + PATIENCE, MOST_FOREIGN).await;
        let targets = resolve(ask, wanted, unpushed).await;
        let ci = CiSystem::detect(environment);
        mask(ci.as_ref(), &Console::new());
        push_all(&ask, targets?.as_slice(), &check).await
    })
}

/// Reports the check for every target, even after one has failed. The first error decides.
async fn push_all(
    ask: &impl AsyncFn(Request) -> Reply,
    targets: &[Target],
    check: &PushedCheck,
) -> Result<u8, Trouble> {
    let mut first = None;
    for target in targets {
        // Reporting a check is idempotent.
        let push = Request::PushCheck(target.install.clone(), target.component.clone(), check.clone());
        match ask(push).await {
            Ok(_) => {
                let said = format!("{target}: check {} is {}", check.name.as_str(), check.status);
                stdout_line(Line::new(said).plain());
            }
            Err(error) if first.is_none() => first = Some(unpushed(target, &error)),
            Err(error) => Console::new().warning(unpushed(target, &error).reason().plain()),
        }
    }
    first.map_or(Ok(0), Err)
}

/// Says that a check could not be reported.
fn unpushed(what: &dyn Display, error: &ApiError) -> Trouble {
    let hint = match error {
        ApiError::SignIn(own) if error.class() == ErrorClass::Denied => if_not_signed_in(own).to_owned(),
        error if error.is_absence() => {
            "check the ids, and that the server knows component health (0.19.1147 or newer)".to_owned()
        }
        error => if_unanswered(error),
    };
    Trouble::new(format!("the check could not be reported for {what} ({error})"))
        .hint(hint)
        .judged(exit::verdict_of(error))
}
