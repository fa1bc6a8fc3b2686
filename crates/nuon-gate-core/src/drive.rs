//! The thin driver: it sends and sleeps for the watch, and decides nothing.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{self, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::api::{ApiError, Client, Reply, Request};
use crate::report::Report;
use crate::watch::{Ask, Event, Instruction, Refusal, Ticket, Watch};
use crate::{Moment, Signal};

/// The transport enforces the timeout itself, and knows best what happened; the driver steps in only after this much
/// more.
const GRACE: Duration = Duration::from_millis(100);

/// Runs a watch to its end against the API. Timeouts count from `began`: now, or earlier if the program has already
/// waited for something.
///
/// Passes events to `on_event` as they happen, with the watch's state. Signals end the watch with a complete report.
///
/// # Errors
///
/// If there is nothing to wait for.
pub async fn drive(
    client: &Client,
    watch: Watch,
    began: Instant,
    signals: &mut mpsc::UnboundedReceiver<Signal>,
    on_event: impl FnMut(&Event, &Watch),
) -> Result<Report, Refusal> {
    let ask = |ask: Ask| send(client.for_ask(ask.timeout), ask.request);
    drive_with(ask, watch, began, signals, on_event).await
}

/// Runs a watch to its end, with any transport.
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
        let instruction = watch.next(now());
        for event in watch.take_events() {
            on_event(&event, &watch);
        }
        match instruction {
            Instruction::Done => break,
            Instruction::Ask(ask) => {
                let (ticket, timeout) = (ask.ticket, ask.timeout);
                let answer = send(ask);
                let sending = requests.spawn(async move {
                    let reply = tokio::time::timeout(timeout + GRACE, answer).await;
                    reply.unwrap_or(Err(ApiError::Timeout(timeout)))
                });
                tickets.insert(sending.id(), ticket);
            }
            Instruction::Sleep(until) => tokio::select! {
                Some(signal) = signals.recv() => watch.interrupt(now(), signal),
                Some(answered) = requests.join_next_with_id() => {
                    let (id, reply) = match answered {
                        Ok(answered) => answered,
                        // The transport panicked: treat it as an answer that never arrives.
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

/// The future of a request. Boxed, because each call site would otherwise hold a copy of the whole state machine.
pub(crate) type Sending = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// Sends a request to the API.
///
/// # Errors
///
/// If there is no good answer.
pub(crate) fn send(client: Client, request: Request) -> Sending {
    Box::pin(async move { client.request(&request).await })
}
