//! What happens after the wait: cancelling deploys that are no longer waited for, and reading reasons, logs and links.
//! It changes no target's verdict; only a signal meanwhile changes the run's.

mod cancel;
mod deadline;
mod histories;
mod reading;

use std::future::Future;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;

pub use self::cancel::CancelOn;
use self::cancel::{CancelLimits, CancelPlan};
pub use self::deadline::Deadline;
use self::reading::{Wanted, gather};
use crate::api::{Client, Reply, Request};
use crate::cause::Warning;
use crate::drive::send;
use crate::rate::RequestRate;
use crate::report::Report;
use crate::watch::LAST_POLL_AFTER_SIGNAL;
use crate::{OrgId, Signal, Verdict, WorkflowId};

/// The time limit of everything after a signal.
const AFTER_SIGNAL: Duration = Duration::from_millis(4900);

/// The time limits of cancelling, and of reading reasons, logs and links.
const CANCEL: Duration = Duration::from_secs(15);
const CANCEL_AFTER_SIGNAL: Duration = Duration::from_secs(2);
const READING: Duration = Duration::from_secs(10);
const READING_AFTER_SIGNAL: Duration = Duration::from_millis(400);

/// What to do after the wait.
#[derive(Debug, Clone)]
pub struct ConcludeOptions {
    /// When to cancel deploys that have not ended.
    pub cancel_on: CancelOn,
    /// The time between two polls of what is being cancelled.
    pub pace: Duration,
    /// How many lines of a failed deploy's log to read.
    pub log_lines: usize,
    /// The organisation whose dashboard is linked to; without it there are no links.
    pub org: Option<OrgId>,
}

impl Default for ConcludeOptions {
    fn default() -> Self {
        Self { cancel_on: CancelOn::default(), pace: Duration::from_millis(500), log_lines: 25, org: None }
    }
}

/// Completes a report: cancels deploys, polls how they ended, and reads reasons, logs, history and links within their
/// limits. A signal cuts all of it short and decides the verdict of the run; `deadline` then holds the time that is
/// left. `on_cancel` is called with each workflow before it is cancelled.
pub async fn conclude(
    client: &Client,
    report: Report,
    options: &ConcludeOptions,
    signals: &mut UnboundedReceiver<Signal>,
    deadline: &mut Deadline,
    on_cancel: impl FnMut(&WorkflowId),
) -> Report {
    let client = client.clone();
    let send = move |request| send(client.clone(), request);
    conclude_with(send, report, options, signals, deadline, on_cancel).await
}

/// Completes a report, with any transport.
pub async fn conclude_with<F>(
    send: impl Fn(Request) -> F + Clone + Send + Sync + 'static,
    mut report: Report,
    options: &ConcludeOptions,
    signals: &mut UnboundedReceiver<Signal>,
    deadline: &mut Deadline,
    mut on_cancel: impl FnMut(&WorkflowId),
) -> Report
where
    F: Future<Output = Reply> + Send + 'static,
{
    if report.is_interrupted() {
        deadline.end_in(AFTER_SIGNAL - LAST_POLL_AFTER_SIGNAL);
    }
    let whole = if report.is_interrupted() { CANCEL_AFTER_SIGNAL } else { CANCEL };
    let plan = CancelPlan::new(&report, options.cancel_on, CancelLimits { whole, pace: options.pace });
    if !plan.is_empty() {
        let cancelling = async {
            let plan = plan.owned(send.clone()).await;
            plan.workflows().for_each(&mut on_cancel);
            plan.carry_out(send.clone()).await
        };
        let (outcomes, signal) = deadline.race(cancelling, signals, CANCEL_AFTER_SIGNAL).await;
        report.note_signal(signal);
        match outcomes {
            Some(outcomes) => report.settle(outcomes),
            None => report.warnings.push(Warning::CancelUnknown),
        }
    }
    let limit = match report.verdict {
        Verdict::Interrupted(_) => deadline.limit(READING_AFTER_SIGNAL),
        _ => READING,
    };
    let log_lines = if report.is_interrupted() { 0 } else { options.log_lines };
    let wanted = Wanted { log_lines, limit, org: options.org.clone() };
    let rate = RequestRate::after(report.budget.clone(), report.elapsed);
    let send = move |request| {
        let (rate, send) = (rate.clone(), send.clone());
        async move {
            rate.turn().await;
            let reply = send(request).await;
            rate.note(&reply);
            reply
        }
    };
    let (_, signal) = deadline.race(gather(send, &mut report, wanted), signals, Duration::ZERO).await;
    report.note_signal(signal);
    report
}

impl Report {
    /// Returns whether a signal decided.
    pub fn is_interrupted(&self) -> bool {
        matches!(self.verdict, Verdict::Interrupted(_))
    }

    /// The first signal decides.
    pub fn note_signal(&mut self, signal: Option<Signal>) {
        if let Some(signal) = signal.filter(|_| !self.is_interrupted()) {
            self.interrupt(signal);
        }
    }
}
