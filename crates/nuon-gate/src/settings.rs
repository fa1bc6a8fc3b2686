//! What the arguments, the environment and the Nuon CLI's file mean together.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _};
use std::path::PathBuf;
use std::time::Duration;

use nuon_gate_core::Rules;
use nuon_gate_core::api::Connection;
use nuon_gate_core::conclude::CancelOn;
use nuon_gate_core::pins::{Baseline, Pinning, Pins};
use nuon_gate_core::resolve::Wanted;
use nuon_gate_core::schedule::Intervals;
use nuon_gate_core::timeline::human;
use nuon_gate_core::watch::{Clocks, Mode, OnApproval, WatchSettings};

use crate::arguments::{
    ConnectionArguments, JudgingArguments, MarkArguments, NotifyArguments, PinArguments, StatusArguments, Verbosity,
    WaitArguments, WaitingArguments,
};
use crate::ci::CiSystem;
use crate::connection::ConnectionParts;
use crate::environment::Environment;
use crate::exit_mapping::ExitCodes;
use crate::lists::{List, flatten};
use crate::marks::{After, Marks};
use crate::notify::NotifySettings;
use crate::output::OutputSettings;
use crate::policies::LongPoll;
use crate::reader::Reader;
use crate::span::{Span, SpanOrZero};
use crate::status_name::StatusName;
use crate::targets::{TargetSettings, TypedTargets};
use crate::trigger_response::Triggered;
use crate::trouble::Trouble;
use crate::words;

/// An upper bound for one poll.
const ONCE: Duration = Duration::from_secs(3600);

/// The settings of a run, as far as they are known before any file is read.
pub(crate) struct Settings {
    pub(crate) unread: Unread,
    pub(crate) targets: TargetSettings,
    pub(crate) pins: PinArguments,
    pub(crate) watch: WatchSettings,
    pub(crate) cancel_on: CancelOn,
    pub(crate) exits: ExitCodes,
    /// What the user should know of the settings.
    pub(crate) warnings: Vec<String>,
    pub(crate) output: OutputSettings,
}

/// Settings that partly come from files.
pub(crate) enum Unread {
    Typed(Box<TypedInputs>),
    Known(Box<Inputs>),
}

/// Settings whose files have not been read.
pub(crate) struct TypedInputs {
    connection: ConnectionArguments,
    notify: Option<NotifyArguments>,
    environment: Environment,
}

/// The connection and the notifications.
pub(crate) struct Inputs {
    pub(crate) connection: Connection,
    /// `None` for commands that do not wait.
    pub(crate) notify: Option<NotifySettings>,
}

impl Unread {
    fn typed(connection: ConnectionArguments, notify: Option<NotifyArguments>, environment: &Environment) -> Self {
        Self::Typed(Box::new(TypedInputs { connection, notify, environment: environment.clone() }))
    }

    pub(crate) async fn read(self, reader: &Reader) -> Result<Inputs, Trouble> {
        let TypedInputs { connection, notify, environment } = match self {
            Self::Typed(typed) => *typed,
            Self::Known(inputs) => return Ok(*inputs),
        };
        let connection = ConnectionParts::read(reader, connection, &environment).await?.whole()?;
        let notify = match notify {
            Some(arguments) => {
                Some(NotifySettings::read(reader, arguments, connection.setup.clone(), &environment).await?)
            }
            None => None,
        };
        Ok(Inputs { connection, notify })
    }
}

/// The settings of `mark`.
pub(crate) struct MarkSettings {
    pub(crate) connection: Connection,
    pub(crate) wanted: Vec<Wanted>,
    pub(crate) request_timeout: Duration,
    pub(crate) file: Option<PathBuf>,
    /// The CI system that the program is a step of.
    pub(crate) ci: Option<CiSystem>,
}

impl MarkSettings {
    pub(crate) async fn read(
        reader: &Reader,
        arguments: MarkArguments,
        environment: &Environment,
    ) -> Result<Self, Trouble> {
        let MarkArguments { connection, targets, file } = arguments;
        // stdout, as it is without.
        let file = file.filter(|path| path.as_os_str() != "-");
        let typed = TypedTargets::new(targets)?;
        Ok(Self {
            request_timeout: connection.request_timeout.0,
            connection: ConnectionParts::read(reader, connection, environment).await?.whole()?,
            wanted: typed.read(reader).await?,
            file,
            ci: CiSystem::detect(environment),
        })
    }
}

impl Settings {
    pub(crate) fn for_wait(
        arguments: WaitArguments,
        verbosity: Verbosity,
        environment: &Environment,
    ) -> Result<Self, Trouble> {
        let WaitArguments { connection, targets, shard, pins, judging, waiting, notify, output, command: _ } =
            arguments;
        let watch = watch(&judging, &pins, &waiting, connection.request_timeout)?;
        let watch = WatchSettings { sharding: shard.sharding(environment), ..watch };
        let cancel_on = flatten(waiting.cancel_on).into_iter().collect();
        Ok(Self {
            targets: TargetSettings::new(targets, &pins)?,
            pins,
            watch,
            warnings: misspelt(&judging).into_iter().chain(without_effect(cancel_on, waiting.fail_fast)).collect(),
            cancel_on,
            exits: ExitCodes::new(judging.map_exit),
            output: OutputSettings::new(output, verbosity, environment),
            unread: Unread::typed(connection, Some(notify), environment),
        })
    }

    pub(crate) fn for_status(
        arguments: StatusArguments,
        verbosity: Verbosity,
        environment: &Environment,
    ) -> Result<Self, Trouble> {
        let StatusArguments { connection, targets, shard, pins, judging, output } = arguments;
        let watch = WatchSettings {
            intervals: intervals(Some(Span(Intervals::default().max())), None)?,
            clocks: Clocks { total: ONCE, start: None, stall: None, approval: None, queue: None, outage: None },
            request_timeout: connection.request_timeout.0,
            expect: pins.expect.map(Into::into),
            sharding: shard.sharding(environment),
            mode: Mode::Once,
            ..judged(&judging)?
        };
        Ok(Self {
            targets: TargetSettings::new(targets, &pins)?,
            pins,
            watch,
            cancel_on: CancelOn::default(),
            warnings: misspelt(&judging),
            exits: ExitCodes::new(judging.map_exit),
            output: OutputSettings::new(output, verbosity, environment),
            unread: Unread::typed(connection, None, environment),
        })
    }
}

/// Returns how statuses are to be judged.
pub(crate) fn rules(judging: &JudgingArguments) -> Result<Rules, Trouble> {
    let statuses = |lists: &Vec<List<StatusName>>| flatten(lists.clone()).into_iter().map(|name| name.0).collect();
    Rules::new(statuses(&judging.pass_on), statuses(&judging.fail_on), statuses(&judging.wait_on))
        .map_err(|error| words::contradictory(&error))
}

/// Warns of unknown statuses that resemble a known one. They are used as typed, since a server may have more statuses.
pub(crate) fn misspelt(judging: &JudgingArguments) -> Vec<String> {
    let lists = [("--pass-on", &judging.pass_on), ("--fail-on", &judging.fail_on), ("--wait-on", &judging.wait_on)];
    let all = lists
        .into_iter()
        .flat_map(|(flag, lists)| lists.iter().flat_map(move |list| list.0.iter().map(move |name| (flag, name))));
    let words = |(flag, name): (&str, &StatusName)| {
        let meant = name.near_miss()?;
        Some(format!("status `{}` of {flag} is not known to this version: is it `{meant}`?", name.0))
    };
    all.filter_map(words).collect()
}

/// Warns of a flag that needs another one.
fn without_effect(cancel_on: CancelOn, fail_fast: bool) -> Option<String> {
    (cancel_on.fail_fast && !fail_fast).then(|| "--cancel-on fail-fast cancels nothing without --fail-fast".to_owned())
}

fn intervals(min: Option<Span>, max: Option<Span>) -> Result<Intervals, Trouble> {
    let default = Intervals::default();
    // What was given is kept: the default of the other one gives way.
    let (min, max) = match (min, max) {
        (Some(Span(min)), Some(Span(max))) => (min, max),
        (Some(Span(min)), None) => (min, default.max().max(min)),
        (None, Some(Span(max))) => (default.min().min(max), max),
        (None, None) => return Ok(default),
    };
    Intervals::new(min, max).map_err(|error| {
        Trouble::new(error)
            .hint("correct --min-interval or --max-interval (NUON_GATE_MIN_INTERVAL, NUON_GATE_MAX_INTERVAL)")
    })
}

/// Refuses a pin if a trigger's answer names another one of its kind.
fn one_of<T: PartialEq + fmt::Display>(given: &Option<T>, named: &Option<T>, flag: &str) -> Result<(), Trouble> {
    match (given, named) {
        (Some(given), Some(named)) if given != named => {
            Err(Trouble::new(format!("{flag} names {given}, and the answer of --trigger-response names {named}"))
                .hint("leave one of them out: a variable of an earlier step may still be set"))
        }
        _ => Ok(()),
    }
}

impl PinArguments {
    /// Returns the pins.
    ///
    /// Both ids in a trigger's answer are pins. Only the workflow covers everything that it deploys, so for that the deploy's is
    /// left out.
    pub(crate) async fn pinning(self, targets: &TargetSettings, reader: &Reader) -> Result<Pinning, Trouble> {
        let Self { deploy, workflow, trigger_response, build, commit, after, since, branch_run: _, expect: _ } = self;
        let (mut deploy, mut workflow) = (deploy.map(|one| one.0), workflow.map(|one| one.0));
        let (build, commit) = (build.map(|one| one.0), commit.map(|one| one.0));
        if let Some(path) = trigger_response {
            let named = Triggered::read(reader, &path).await?;
            // Two pins of one kind are ambiguous, unless they are equal.
            one_of(&deploy, &named.deploy, "--deploy (NUON_GATE_DEPLOY)")?;
            one_of(&workflow, &named.workflow, "--workflow (NUON_GATE_WORKFLOW)")?;
            workflow = workflow.or(named.workflow);
            if !matches!(targets, TargetSettings::OfWorkflow(_)) {
                deploy = deploy.or(named.deploy);
            }
        }
        let since = since.map(|since| since.0);
        let (after, baselines) = match after {
            None => (None, None),
            Some(After::Deploy(id)) => (Some(Baseline::Deploy(id)), None),
            Some(After::File(path)) => (None, Some(Marks::read(reader, &path).await?.baselines())),
            Some(After::Marks(marks)) => (None, Some(marks.baselines())),
        };
        Ok(Pinning { shared: Pins { deploy, workflow, build, commit, after, since, branch_run: None }, baselines })
    }
}

/// Returns the settings that all judging commands share.
fn judged(judging: &JudgingArguments) -> Result<WatchSettings, Trouble> {
    Ok(WatchSettings {
        rules: rules(judging)?,
        require: judging.require.0,
        on_superseded: judging.on_superseded.map(Into::into),
        on_approval: judging.on_approval.into(),
        on_stale: judging.on_stale.into(),
        healthy_for: healthy_for(judging)?,
        ..WatchSettings::default()
    })
}

/// Returns for how long a component has to be healthy, if it has to.
pub(crate) fn healthy_for(judging: &JudgingArguments) -> Result<Option<Duration>, Trouble> {
    let JudgingArguments { require_healthy, bake: SpanOrZero(bake), on_approval, .. } = judging;
    if !require_healthy && !bake.is_zero() {
        return Err(Trouble::new(
            "--bake says how long a component has to stay healthy, and nothing requires it to be",
        )
        .hint("add --require-healthy (NUON_GATE_REQUIRE_HEALTHY=true), or leave out --bake (NUON_GATE_BAKE)"));
    }
    if *require_healthy && OnApproval::from(*on_approval) == OnApproval::Pass {
        return Err(Trouble::new(
            "--on-approval pass ends before anything is deployed whose health --require-healthy asks for",
        )
        .hint("leave one of them out (NUON_GATE_ON_APPROVAL, NUON_GATE_REQUIRE_HEALTHY)"));
    }
    Ok(require_healthy.then_some(*bake))
}

/// Refuses a bake that cannot end before the timeout.
fn check_bake(healthy_for: Option<Duration>, timeout: Duration) -> Result<(), Trouble> {
    match healthy_for {
        Some(bake) if bake >= timeout => Err(Trouble::new(format!(
            "no component can be healthy for {} within {} in all",
            human(bake),
            human(timeout)
        ))
        .hint("lower --bake (NUON_GATE_BAKE), or raise --timeout (NUON_GATE_TIMEOUT)")),
        _ => Ok(()),
    }
}

fn watch(
    judging: &JudgingArguments,
    pins: &PinArguments,
    waiting: &WaitingArguments,
    request_timeout: Span,
) -> Result<WatchSettings, Trouble> {
    let judged = judged(judging)?;
    check_bake(judged.healthy_for, waiting.timeout.0)?;
    Ok(WatchSettings {
        intervals: intervals(waiting.min_interval, waiting.max_interval)?,
        long_poll: waiting.long_poll == LongPoll::Auto,
        history: true,
        max_rps: waiting.max_rps,
        logs: waiting.follow_logs.into(),
        clocks: Clocks {
            total: waiting.timeout.0,
            start: waiting.start_timeout.0,
            stall: waiting.stall_timeout.0,
            approval: waiting.approval_timeout.0,
            queue: waiting.queue_timeout.0,
            outage: waiting.api_outage.0,
        },
        request_timeout: request_timeout.0,
        fail_fast: waiting.fail_fast,
        expect: pins.expect.map(Into::into),
        settle: waiting.settle.0,
        // Gates that start at the same time must not poll in step.
        seed: RandomState::new().build_hasher().finish(),
        ..judged
    })
}
