#![doc = include_str!("../README.md")]

mod api;
mod bodies;
mod ids;
mod message;
mod oidc;
mod progress;
mod route;
mod row;
mod script;
mod server;
mod sinks;
mod state;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

pub use self::message::Seen;
pub use self::script::{
    Answer, App, Body, Branch, Cancel, Change, Check, Component, Deploy, Endpoint, Fault, Generation, GroupInstall,
    Health, InstallGroup, InvalidScript, LogLine, LongPoll, NoDeploy, Observation, Oidc, Outcome, Plan, Run, RunState,
    Script, Severity, Slack, SlackWebhook, SlackWebhookRefusal, Stay, Step, StepAwait, Webhook, Workflow,
    WorkflowState,
};
pub use self::sinks::{DiscordMessage, SlackMessage};
use self::state::{State, lock};

/// A running simulator. It stops when dropped.
#[derive(Debug)]
pub struct Sim {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sim {
    /// Starts serving a script in its own thread. Port 0 picks a free port.
    ///
    /// # Errors
    ///
    /// If it cannot listen on the address.
    pub fn start(script: Script, listen: SocketAddr) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind(listen))?;
        let address = listener.local_addr()?;
        let state = Arc::new(Mutex::new(State::new(script)));
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&state);
        let serve = move || {
            runtime.block_on(async {
                tokio::select! {
                    () = server::serve(&listener, &served) => {}
                    _ = stopped => {}
                }
            });
            // A hanging answer must not keep the simulator alive.
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name("nuon-gate-sim".to_owned()).spawn(serve)?;
        Ok(Self { address, state, stop: Some(stop), thread: Some(thread) })
    }

    /// Returns the API's address, as it is reached from this machine.
    pub fn url(&self) -> String {
        match self.address.ip().is_unspecified() {
            true => format!("http://127.0.0.1:{}", self.address.port()),
            false => format!("http://{}", self.address),
        }
    }

    /// Returns the base address of Slack's Web API.
    pub fn slack_api_url(&self) -> String {
        self.url() + sinks::SLACK_API
    }

    /// Returns the address of a Slack incoming webhook. Any path below `/slack/hooks/` is one.
    pub fn slack_webhook_url(&self) -> String {
        self.url() + sinks::SLACK_WEBHOOK
    }

    /// Returns the address of a webhook. Any path below it is one as well.
    pub fn webhook_url(&self) -> String {
        self.url() + sinks::WEBHOOK
    }

    /// Returns the address of a Teams workflow that takes cards. Any path below `/teams/` is one.
    pub fn teams_webhook_url(&self) -> String {
        self.url() + sinks::TEAMS_WEBHOOK
    }

    /// Returns the address of a Discord webhook. Any id and token below `/discord/api/webhooks/` are one.
    pub fn discord_webhook_url(&self) -> String {
        self.url() + sinks::DISCORD_WEBHOOK
    }

    /// Returns what a reader of the Slack channel sees now, oldest first.
    pub fn slack_messages(&self) -> Vec<SlackMessage> {
        lock(&self.state).sinks.channel.messages.clone()
    }

    /// Returns what a reader of the Discord channel sees now, oldest first.
    pub fn discord_messages(&self) -> Vec<DiscordMessage> {
        lock(&self.state).sinks.discord.messages.clone()
    }

    /// Returns the requests so far, oldest first.
    pub fn requests(&self) -> Vec<Seen> {
        lock(&self.state).seen.clone()
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in the simulator's thread has been printed; there is nothing to add.
            let _ = thread.join();
        }
    }
}
