//! The simplest entry point: one target, one call.

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::api::Client;
use crate::conclude::{ConcludeOptions, Deadline, conclude};
use crate::drive::drive;
use crate::pins::Pinning;
use crate::report::Report;
use crate::watch::{Refusal, Scope, Watch, WatchSettings};
use crate::{Target, Targets};

/// How to wait. The defaults are those of the command line.
#[derive(Debug, Clone, Default)]
pub struct WaitOptions {
    /// Which deploy to wait for; the latest if nothing is pinned.
    pub pinning: Pinning,
    /// How to wait.
    pub settings: WatchSettings,
    /// What to do after the wait.
    pub conclude: ConcludeOptions,
}

/// Waits until a target's deploy ends. Returns how it ended, and why.
///
/// A failed deploy or a silent API is an outcome in the report, not an error.
///
/// # Errors
///
/// If there is nothing to wait for: the settings contradict the target, or the API's certificate is not trusted.
///
/// # Examples
///
/// ```no_run
/// use nuon_gate_core::api::{ApiUrl, Client, Connection};
/// use nuon_gate_core::cause::Cause;
/// use nuon_gate_core::{ApiToken, Target, Verdict, WaitOptions, wait};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let url = ApiUrl::new("https://api.nuon.co", false)?;
/// let connection = Connection::new(url, "org…".parse()?, ApiToken::new("…")?);
/// let target = Target::new("inl…".parse()?, "cmp…".parse()?);
/// let report = wait(&Client::new(&connection)?, target, WaitOptions::default()).await?;
/// match (report.verdict, report.cause()) {
///     (Verdict::Passed, _) => println!("deployed"),
///     (Verdict::Failed, Some(Cause::Deploy(failure))) => println!("failed: {failure}"),
///     (verdict, cause) => println!("{}: {}", verdict.as_str(), cause.map(ToString::to_string).unwrap_or_default()),
/// }
/// # Ok(())
/// # }
/// ```
pub async fn wait(client: &Client, target: Target, options: WaitOptions) -> Result<Report, Refusal> {
    let WaitOptions { pinning, settings, conclude: after } = options;
    #[expect(clippy::disallowed_methods, reason = "the one reading of the wall clock that all times count from")]
    let started_at = Timestamp::now();
    let limit = settings.request_timeout;
    let watch =
        Watch::new(settings, Scope::Targets(Targets::one(target)), pinning, started_at).map_err(Refusal::Invalid)?;
    // No signals here. A caller that handles signals drives the watch itself.
    let (_sender, mut signals) = mpsc::unbounded_channel();
    let report = drive(client, watch, Instant::now(), &mut signals, |_, _| {}).await?;
    Ok(conclude(&client.within(limit), report, &after, &mut signals, &mut Deadline::default(), |_| {}).await)
}
