//! `demo`: a real wait against the simulated API. It reads nothing from the environment but the terminal's
//! capabilities.

use std::time::Duration;

use nuon_gate_core::api::{ApiUrl, Connection};
use nuon_gate_core::conclude::CancelOn;
use nuon_gate_core::schedule::Intervals;
use nuon_gate_core::watch::{Clocks, WatchSettings};
use nuon_gate_core::{ApiToken, Line, OrgId, RemoteText, Target, Targets};
use nuon_gate_http::Setup;
use nuon_gate_notify::{Options, Sinks};
use nuon_gate_sim::{Script, Sim};

use crate::arguments::{DemoArguments, PinArguments, Verbosity};
use crate::connection::user_agent;
use crate::environment::Environment;
use crate::exit_mapping::ExitCodes;
use crate::gate;
use crate::marks::After;
use crate::notify::NotifySettings;
use crate::output::{Console, OutputSettings};
use crate::settings::{Inputs, Settings, Unread};
use crate::targets::TargetSettings;
use crate::trouble::Trouble;

/// The defaults of the simulated Slack.
const SLACK_TOKEN: &str = "xoxb-simulated-token";
const SLACK_CHANNEL: &str = "deploys";

const PASSING: &str = include_str!("demo.toml");
const FAILING: &str = include_str!("demo-fail.toml");

pub(crate) fn run(arguments: DemoArguments, verbosity: Verbosity, environment: &Environment) -> Result<u8, Trouble> {
    let script = script(arguments.fail)?;
    let targets = targets(&script)?;
    // As a pipeline does that has marked the newest deploys before.
    let before = script.components.iter().find(|component| component.deploys.len() > 1);
    let before = before.and_then(|component| component.deploys[0].id.as_deref()?.parse().ok());
    let pins = PinArguments { after: before.map(After::Deploy), ..PinArguments::default() };
    let token = ApiToken::new(&script.token).map_err(|error| broken(&error))?;
    let org: OrgId = script.org.parse().map_err(|error| broken(&error))?;
    let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let sim = Sim::start(script, listen).map_err(|error| broken(&error))?;
    let output = OutputSettings::of_no_system(arguments.output, verbosity, environment);
    let console = (!output.quiet).then(Console::new);
    if let Some(console) = &console {
        console.plain(&format!("demo: waiting against a simulated API on {}", sim.url()));
    }
    let url = ApiUrl::new(&sim.url(), false).map_err(|error| broken(&error))?;
    let watch = watch_settings(org.clone())?;
    let settings = Settings {
        unread: Unread::Known(Box::new(Inputs {
            connection: Connection { setup: setup(), ..Connection::new(url, org, token) },
            notify: Some(audience(&sim)?),
        })),
        targets: TargetSettings::Known(targets),
        pins,
        watch,
        cancel_on: CancelOn::default(),
        exits: ExitCodes::default(),
        warnings: Vec::new(),
        output,
    };
    let code = gate::run(settings, Vec::new())?;
    if let Some(console) = &console {
        console.plain(&channel(&sim));
    }
    Ok(code)
}

/// Returns the settings for a channel of the simulated Slack.
fn audience(sim: &Sim) -> Result<NotifySettings, Trouble> {
    let variable = |name: &str| match name {
        "NUON_GATE_SLACK_TOKEN" => Some(SLACK_TOKEN.to_owned()),
        "NUON_GATE_SLACK_CHANNEL" => Some(SLACK_CHANNEL.to_owned()),
        "NUON_GATE_SLACK_API_URL" => Some(sim.slack_api_url()),
        _ => None,
    };
    let parsed = Sinks::from_variables(&variable).map_err(|error| broken(&error))?;
    let options = Options::new(setup());
    let timeout = Duration::from_secs(5);
    Ok(NotifySettings { sinks: parsed.sinks, notices: parsed.notices, options, required: false, timeout })
}

/// Returns what a reader of the channel sees at the end.
fn channel(sim: &Sim) -> String {
    let mut seen = format!("demo: what #{SLACK_CHANNEL} shows now");
    for message in sim.slack_messages() {
        let (indent, edits) = match message.thread_ts {
            None => ("  | ", format!("  | (posted at the start, edited {} times)\n", message.edits)),
            Some(_) => ("    > ", String::new()),
        };
        let lines = message.text.lines().map(|line| format!("{indent}{}", Line::new(line).cut(200).plain()));
        seen += &format!("\n{edits}{}", lines.collect::<Vec<_>>().join("\n"));
    }
    seen
}

/// Returns the demo's script.
pub(crate) fn script(fail: bool) -> Result<Script, Trouble> {
    let text = if fail { FAILING } else { PASSING };
    text.parse().map_err(|error| broken(&error))
}

fn targets(script: &Script) -> Result<Targets, Trouble> {
    let target = |component: &nuon_gate_sim::Component| {
        let name = |name: &Option<String>| name.as_deref().map(RemoteText::new);
        let install = component.install.parse().map_err(|error| broken(&error))?;
        let id = component.id.parse().map_err(|error| broken(&error))?;
        Ok(Target::new(install, id).named(name(&component.install_name).as_ref(), name(&component.name).as_ref()))
    };
    let targets: Vec<Target> = script.components.iter().map(target).collect::<Result<_, Trouble>>()?;
    Targets::new(targets).ok_or_else(|| broken(&"it has no component"))
}

fn watch_settings(org: OrgId) -> Result<WatchSettings, Trouble> {
    let intervals =
        Intervals::new(Duration::from_millis(200), Duration::from_secs(1)).map_err(|error| broken(&error))?;
    Ok(WatchSettings {
        intervals,
        clocks: Clocks {
            total: Duration::from_secs(18),
            start: None,
            stall: None,
            approval: None,
            queue: None,
            outage: Some(Duration::from_secs(10)),
        },
        request_timeout: Duration::from_secs(2),
        org: Some(org),
        links: true,
        seed: 1,
        ..WatchSettings::default()
    })
}

fn broken(error: &dyn std::fmt::Display) -> Trouble {
    Trouble::new(format!("the demo does not work here: {error}"))
}

/// Everything is on this machine: no proxy, no certificates.
fn setup() -> Setup {
    Setup { user_agent: user_agent(), ..Setup::default() }
}
