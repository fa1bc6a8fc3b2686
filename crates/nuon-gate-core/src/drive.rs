//! The thin driver: it does the asking and the sleeping, and decides nothing.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{self, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::client::Client;
use crate::report::Report;
use crate::watch::{Answer, Ask, Event, Refusal, Reply, Request, Step, Ticket, Watch};
use crate::{ApiError, Moment, Signal};

/// Whoever asks keeps the time limit, and knows best what came of it; the driver sees to it only if that fails.
const GRACE: Duration = Duration::from_millis(100);

/// Runs a watch to its end against the API.
///
/// Events are handed to `on_event` as they happen, with the watch as it stands. Signals end the watch with a whole report.
///
/// # Errors
///
/// If there is nothing that could be waited for.
pub async fn drive(
    client: &Client,
    watch: Watch,
    signals: &mut mpsc::UnboundedReceiver<Signal>,
    on_event: impl FnMut(&Event, &Watch),
) -> Result<Report, Refusal> {
    let ask = |ask: Ask| send(client.within(ask.timeout), ask.request);
    drive_with(ask, watch, signals, on_event).await
}

/// Runs a watch to its end with any way of asking.
///
/// # Errors
///
/// As [`drive`].
pub async fn drive_with<F>(
    send: impl Fn(Ask) -> F,
    mut watch: Watch,
    signals: &mut mpsc::UnboundedReceiver<Signal>,
    mut on_event: impl FnMut(&Event, &Watch),
) -> Result<Report, Refusal>
where
    F: Future<Output = Reply> + Send + 'static,
{
    let start = Instant::now();
    let now = || Moment::after_start(start.elapsed());
    let mut questions: JoinSet<Reply> = JoinSet::new();
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
                let question = questions.spawn(async move {
                    let reply = tokio::time::timeout(timeout + GRACE, answer).await;
                    reply.unwrap_or(Err(ApiError::Timeout(timeout)))
                });
                tickets.insert(question.id(), ticket);
            }
            Step::Sleep(until) => tokio::select! {
                Some(signal) = signals.recv() => watch.interrupt(now(), signal),
                Some(answered) = questions.join_next_with_id() => {
                    let (id, reply) = match answered {
                        Ok(answered) => answered,
                        // The way of asking panicked: an answer that never comes, like any other.
                        Err(error) => (error.id(), Err(ApiError::Broken("the question was dropped".to_owned()))),
                    };
                    if let Some(ticket) = tickets.remove(&id) {
                        watch.reply(now(), ticket, reply);
                    }
                }
                () = sleep_until(start + until.elapsed()) => {}
            },
        }
    }
    if let Some(error) = watch.refusal() {
        return Err(error.clone());
    }
    Ok(watch.report(now()))
}

/// What becomes of a question. It is boxed, as each place that asks would otherwise hold a copy of all that can be asked.
pub type Asked = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// Sends a question to the API.
///
/// # Errors
///
/// If there is no good answer.
pub fn send(client: Client, request: Request) -> Asked {
    Box::pin(async move { answer(&client, request).await })
}

async fn answer(client: &Client, request: Request) -> Reply {
    Ok(match request {
        Request::LatestDeploy(install, component, depth) => {
            Answer::Deploy(client.latest_deploy(&install, &component, depth).await?.map(Box::new))
        }
        Request::Deploys(install, component, most) => {
            Answer::Deploys(client.deploys(&install, &component, most).await?)
        }
        Request::Workflow(workflow) => Answer::Workflow(Box::new(client.workflow(&workflow).await?)),
        Request::Deploy(install, deploy) => Answer::Deploy(Some(Box::new(client.deploy(&install, &deploy).await?))),
        Request::Install(install) => Answer::Install(client.install(&install).await?),
        Request::Installs(page) => Answer::Installs(client.installs(page).await?),
        Request::InstallComponents(install, page) => {
            Answer::InstallComponents(client.install_components(&install, page).await?)
        }
        Request::InstallComponent(install, component) => {
            Answer::InstallComponent(client.install_component(&install, &component).await?)
        }
        Request::Dashboard => Answer::Dashboard(client.dashboard().await?),
        Request::Logs(stream, before) => Answer::Logs(client.logs(&stream, before).await?),
        Request::Cancel(workflow) => {
            client.cancel(&workflow).await?;
            Answer::Cancelling
        }
    })
}
