//! The thin driver: it sends and sleeps while the watch lasts, and decides nothing.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{self, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::api::{ApiError, Client, Reply, Request};
use crate::report::Report;
use crate::watch::{Ask, Event, Refusal, Step, Ticket, Watch};
use crate::{Moment, Signal};

/// Whoever sends keeps the time limit, and knows best what came of it; the driver sees to it only if that fails.
const GRACE: Duration = Duration::from_millis(100);

/// Runs a watch to its end against the API. Its clocks count from when it `began`: now, or earlier, if something has been
/// waited for already.
///
/// Events are handed to `on_event` as they happen, with the watch as it stands. Signals end the watch with a whole report.
///
/// # Errors
///
/// If there is nothing that could be waited for.
pub async fn drive(
    client: &Client,
    watch: Watch,
    began: Instant,
    signals: &mut mpsc::UnboundedReceiver<Signal>,
    on_event: impl FnMut(&Event, &Watch),
) -> Result<Report, Refusal> {
    let ask = |ask: Ask| send(client.within(ask.timeout), ask.request);
    drive_with(ask, watch, began, signals, on_event).await
}

/// Runs a watch to its end with any way of sending.
///
/// # Errors
///
/// As [`drive`].
pub async fn drive_with<F>(
    send: impl Fn(Ask) -> F,
    mut watch: Watch,
    began: Instant,
    signals: &mut mpsc::UnboundedReceiver<Signal>,
    mut on_event: impl FnMut(&Event, &Watch),
) -> Result<Report, Refusal>
where
    F: Future<Output = Reply> + Send + 'static,
{
    let now = || Moment::after_start(began.elapsed());
    let mut requests: JoinSet<Reply> = JoinSet::new();
    let mut tickets: HashMap<task::Id, Ticket> = HashMap::new();
    loop {
        let step = watch.next(now());
        for event in watch.take_events() {
            on_event(&event, &watch);
        }
        match step {
            Step::Done => break,
            Step::Ask(ask) => {
                let (ticket, timeout) = (ask.ticket, ask.timeout);
                let answer = send(ask);
                let sending = requests.spawn(async move {
                    let reply = tokio::time::timeout(timeout + GRACE, answer).await;
                    reply.unwrap_or(Err(ApiError::Timeout(timeout)))
                });
                tickets.insert(sending.id(), ticket);
            }
            Step::Sleep(until) => tokio::select! {
                Some(signal) = signals.recv() => watch.interrupt(now(), signal),
                Some(answered) = requests.join_next_with_id() => {
                    let (id, reply) = match answered {
                        Ok(answered) => answered,
                        // The way of sending panicked: an answer that never comes, like any other.
                        Err(error) => (error.id(), Err(ApiError::Broken("the request was dropped".to_owned()))),
                    };
                    if let Some(ticket) = tickets.remove(&id) {
                        watch.reply(now(), ticket, &reply);
                    }
                }
                () = sleep_until(began + until.elapsed()) => {}
            },
        }
    }
    if let Some(error) = watch.refusal() {
        return Err(error.clone());
    }
    Ok(watch.report(now()))
}

/// What becomes of a request. It is boxed, as each place that sends would otherwise hold a copy of all that can be sent.
pub(crate) type Sending = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// Sends a request to the API.
///
/// # Errors
///
/// If there is no good answer.
pub(crate) fn send(client: Client, request: Request) -> Sending {
    Box::pin(async move { client.request(&request).await })
}
