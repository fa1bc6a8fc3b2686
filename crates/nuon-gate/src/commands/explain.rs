//! `explain`: how each status is judged, and the effect of the other flags.

use std::time::Duration;

use nuon_gate_core::model::Status;
use nuon_gate_core::timeline::human;
use nuon_gate_core::watch::{OnApproval, OnStale, OnSuperseded};
use nuon_gate_core::{Judgement, Kind, Require, Rules};
use serde::Serialize;
use serde_json::{Value, json};

use crate::arguments::{ExplainArguments, Format, JudgingArguments};
use crate::exit;
use crate::exit_mapping::ExitCodes;
use crate::output::{Console, stdout_line};
use crate::settings::{healthy_for, misspelt, rules};
use crate::trouble::Trouble;

pub(crate) fn run(arguments: &ExplainArguments) -> Result<u8, Trouble> {
    let console = Console::new();
    misspelt(&arguments.judging).iter().for_each(|warning| console.warning(warning));
    let explanation = Explanation::new(&arguments.judging)?;
    match arguments.output {
        Format::Json => stdout_line(&format!("{:#}", json!(explanation))),
        Format::Ndjson => explanation.rows().iter().for_each(|row| stdout_line(&row.to_string())),
        Format::Text => explanation.print(),
    }
    Ok(0)
}

/// The effect of all flags.
#[derive(Serialize)]
struct Explanation {
    schema: u32,
    statuses: Vec<StatusRow>,
    /// Every status that has no row of its own.
    other: StatusRow,
    flags: Vec<FlagRow>,
    exit_codes: Vec<ExitRow>,
}

/// How a status is judged.
#[derive(Serialize)]
struct StatusRow {
    status: Option<String>,
    apply: &'static str,
    teardown: &'static str,
    overridden: bool,
    note: Option<String>,
}

/// The effect of a flag.
#[derive(Serialize)]
struct FlagRow {
    flag: &'static str,
    value: String,
    effect: String,
}

/// The exit code of a verdict.
#[derive(Serialize)]
struct ExitRow {
    verdict: &'static str,
    /// One for each signal, or a single one.
    codes: Vec<u8>,
    mapped: bool,
}

impl Explanation {
    fn new(judging: &JudgingArguments) -> Result<Self, Trouble> {
        let rules = rules(judging)?;
        let on_approval = judging.on_approval.into();
        let exits = ExitCodes::new(judging.map_exit.clone());
        Ok(Self {
            schema: 1,
            statuses: rules.statuses().iter().map(|status| StatusRow::new(status, &rules, on_approval)).collect(),
            other: StatusRow {
                status: None,
                apply: Judgement::Pending.as_str(),
                teardown: Judgement::Pending.as_str(),
                overridden: false,
                note: Some("with a warning: unknown status".to_owned()),
            },
            flags: vec![
                approval(on_approval),
                superseded(judging.on_superseded.map(Into::into)),
                stale(judging.on_stale.into()),
                healthy(healthy_for(judging)?),
                require(judging.require.0),
            ],
            exit_codes: exit::CODES
                .iter()
                .filter(|(_, name, _)| *name != "usage")
                .map(|(codes, name, _)| ExitRow::new(codes, name, &exits))
                .collect(),
        })
    }

    /// Returns every row individually.
    fn rows(&self) -> Vec<Value> {
        let row = |kind: &str, mut row: Value| {
            (row["schema"], row["row"]) = (json!(self.schema), json!(kind));
            row
        };
        let statuses = self.statuses.iter().chain([&self.other]).map(|status| row("status", json!(status)));
        let flags = self.flags.iter().map(|flag| row("flag", json!(flag)));
        let codes = self.exit_codes.iter().map(|code| row("exit_code", json!(code)));
        statuses.chain(flags).chain(codes).collect()
    }

    fn print(&self) {
        let row = |cells: [&str; 4]| {
            let [first, second, third, last] = cells;
            stdout_line(format!("{first:<20} {second:<19} {third:<10} {last}").trim_end());
        };
        row(["STATUS", "APPLY, SYNC-IMAGE", "TEARDOWN", ""]);
        for StatusRow { status, apply, teardown, note, .. } in self.statuses.iter().chain([&self.other]) {
            let status = status.as_deref().unwrap_or("every other status");
            row([status, apply, teardown, note.as_deref().unwrap_or_default()]);
        }
        stdout_line("");
        for FlagRow { flag, value, effect } in &self.flags {
            stdout_line(&format!("{:<24} {effect}", format!("{flag} {value}")));
        }
        stdout_line(&format!("\n{:<24} EXIT CODE", "VERDICT"));
        for ExitRow { verdict, codes, mapped } in &self.exit_codes {
            let codes = codes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            stdout_line(&format!("{verdict:<24} {codes}{}", if *mapped { "  --map-exit says so" } else { "" }));
        }
    }
}

impl StatusRow {
    fn new(status: &Status, rules: &Rules, on_approval: OnApproval) -> Self {
        let judged = |kind| rules.judge(status, kind).as_str();
        let said = rules.override_of(status);
        Self {
            status: Some(status.to_string()),
            apply: judged(Kind::Apply),
            teardown: judged(Kind::Teardown),
            overridden: said.is_some(),
            note: note(status, said, on_approval).map(str::to_owned),
        }
    }
}

fn note(status: &Status, said: Option<Judgement>, on_approval: OnApproval) -> Option<&'static str> {
    // What only repeats the table changes nothing.
    let said =
        said.filter(|said| *said != Judgement::Passed || !matches!(status, Status::Active | Status::AutoSkipped));
    Some(match (said, status) {
        (Some(Judgement::Passed), Status::Inactive) => {
            "--pass-on says so of an apply, whatever the workflow says; a teardown is held until its steps prove it"
        }
        (Some(Judgement::Passed), _) => "--pass-on says so, whatever the workflow says",
        (Some(Judgement::Failed), _) => "--fail-on says so, at once",
        (Some(_), _) => "--wait-on says so",
        (None, Status::Error) => "held while the workflow can still retry it",
        (None, Status::Active | Status::AutoSkipped) => "held until the workflow's steps prove it",
        (None, Status::Inactive) => "a teardown is held until the workflow's steps prove it",
        (None, Status::Retried | Status::Discarded) => "the deploy that replaced it is followed",
        (None, Status::PendingApproval) => match on_approval {
            OnApproval::Wait => "also while a human is asked",
            OnApproval::Fail => "if a human is asked: approval_needed",
            OnApproval::Pass => "if a human is asked: passed",
        },
        (None, _) => return None,
    })
}

fn approval(policy: OnApproval) -> FlagRow {
    let (value, effect) = match policy {
        OnApproval::Wait => ("wait", "a human is asked to approve: the wait goes on, for --approval-timeout at most"),
        OnApproval::Fail => ("fail", "a human is asked to approve: the wait ends as approval_needed"),
        OnApproval::Pass => ("pass", "a human is asked to approve: the wait ends as passed"),
    };
    FlagRow { flag: "--on-approval", value: value.to_owned(), effect: effect.to_owned() }
}

fn superseded(policy: Option<OnSuperseded>) -> FlagRow {
    let effect = match policy {
        None => "a newer deploy: it is waited for instead; if a deploy is pinned, it is only reported",
        Some(OnSuperseded::Follow) => "a newer deploy: it is waited for instead, also if a deploy is pinned",
        Some(OnSuperseded::Ignore) => "a newer deploy: it is only reported",
        Some(OnSuperseded::Fail) => "a newer deploy: the wait ends as superseded",
    };
    let value = policy.map_or("follow", OnSuperseded::as_str);
    FlagRow { flag: "--on-superseded", value: value.to_owned(), effect: effect.to_owned() }
}

fn stale(policy: OnStale) -> FlagRow {
    let (value, effect) = match policy {
        OnStale::Accept => {
            ("accept", "the latest deploy had ended before, without a pin: it is judged, with a warning")
        }
        OnStale::Wait => ("wait", "the latest deploy had ended before, without a pin: a newer one is waited for"),
        OnStale::Fail => ("fail", "the latest deploy had ended before, without a pin: exit 2"),
    };
    FlagRow { flag: "--on-stale", value: value.to_owned(), effect: effect.to_owned() }
}

fn healthy(healthy_for: Option<Duration>) -> FlagRow {
    let (value, effect) = match healthy_for {
        None => ("off", "component health is not checked".to_owned()),
        Some(bake) => {
            let lasts = match bake {
                Duration::ZERO => String::new(),
                bake => format!(", and stays so for {}", human(bake)),
            };
            let effect = format!(
                "an apply passes once its component is healthy{lasts}; degraded or unhealthy: failed; not known: inconclusive"
            );
            ("on", effect)
        }
    };
    FlagRow { flag: "--require-healthy", value: value.to_owned(), effect }
}

fn require(require: Require) -> FlagRow {
    let (value, effect) = match require {
        Require::All => ("all".to_owned(), "every target has to pass".to_owned()),
        Require::Any => ("any".to_owned(), "one target has to pass".to_owned()),
        Require::AtLeast(count) => (count.to_string(), format!("at least {count} targets have to pass")),
    };
    FlagRow { flag: "--require", value, effect }
}

impl ExitRow {
    fn new(codes: &str, verdict: &'static str, exits: &ExitCodes) -> Self {
        let given = exits.mapped(verdict);
        let usual = || codes.split(" / ").filter_map(|code| code.parse().ok()).collect();
        Self { verdict, codes: given.map_or_else(usual, |code| vec![code]), mapped: given.is_some() }
    }
}
