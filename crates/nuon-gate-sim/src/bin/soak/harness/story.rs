//! What happens to one component: its deploys, one after the other, and how that can rightly end.

use std::fmt::Write as _;

use fastrand::Rng;

/// The install of every scene.
pub(crate) const INSTALL: &str = "inlacme00000000000000000000";
/// How a wait ends that only a clock can end.
pub(crate) const NEVER: u8 = 124;

/// Makes an id of the usual length.
pub(crate) fn id(prefix: &str, text: &str) -> String {
    format!("{prefix}{text:0<23}")
}

/// A stay in a status.
#[derive(Debug, Clone)]
pub(crate) struct Stay {
    pub(crate) status: &'static str,
    pub(crate) lasts: Lasts,
}

/// How long a status stays.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Lasts {
    Millis(u64),
    Looks(u64),
}

/// A deploy.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) workflow: String,
    pub(crate) build: String,
    pub(crate) commit: String,
    pub(crate) kind: Option<&'static str>,
    /// So many milliseconds after the first request it appears.
    pub(crate) after: u64,
    pub(crate) stays: Vec<Stay>,
    /// More of it, as it stands in the script.
    pub(crate) more: String,
}

/// A component in the install.
#[derive(Debug, Clone)]
pub(crate) struct Story {
    pub(crate) component: String,
    pub(crate) rows: Vec<Row>,
    /// The exit codes that are right if nothing goes wrong on the way.
    pub(crate) ends: Vec<u8>,
    /// What else is right once a clock has rung.
    pub(crate) at_a_clock: Vec<u8>,
    /// The deploys that may be the one that passed.
    pub(crate) may_pass: Vec<String>,
}

impl Story {
    /// Writes it as a part of the script.
    pub(crate) fn write(&self, script: &mut String) {
        let Self { component, rows, .. } = self;
        // Writing to a text cannot fail.
        let _ =
            write!(script, "[[component]]\ninstall = \"{INSTALL}\"\ninstall_name = \"acme\"\nid = \"{component}\"\n");
        for row in rows {
            let Row { id, workflow, build, commit, kind, after, stays, more } = row;
            let kind = kind.map(|kind| format!("type = \"{kind}\"\n")).unwrap_or_default();
            let stays: Vec<String> = stays
                .iter()
                .map(|stay| match stay.lasts {
                    Lasts::Millis(millis) => format!("{{ status = \"{}\", for = \"{millis}ms\" }}", stay.status),
                    Lasts::Looks(looks) => format!("{{ status = \"{}\", looks = {looks} }}", stay.status),
                })
                .collect();
            let _ = write!(
                script,
                "[[component.deploy]]\nid = \"{id}\"\nworkflow = \"{workflow}\"\nbuild = \"{build}\"\ncommit = \
                 \"{commit}\"\n{kind}after = \"{after}ms\"\nstatuses = [{}]\n{more}",
                stays.join(", ")
            );
        }
    }
}

/// What the flags make of a status.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Overrides {
    pub(crate) pass_on: Option<&'static str>,
    pub(crate) fail_on: Option<&'static str>,
    pub(crate) wait_on: Option<&'static str>,
}

impl Overrides {
    /// Returns the exit code that a last status means by itself.
    pub(crate) fn code(self, status: &str, kind: Option<&str>) -> u8 {
        let is = |other: Option<&str>| other == Some(status);
        if is(self.pass_on) {
            return 0;
        }
        if is(self.fail_on) {
            return 1;
        }
        if is(self.wait_on) {
            return NEVER;
        }
        match status {
            "active" | "auto-skipped" => 0,
            "inactive" => u8::from(kind != Some("teardown")),
            "error" | "noop" => 1,
            "cancelled" | "approval-denied" | "approval-expired" => 4,
            _ => NEVER,
        }
    }

    /// Writes the flags.
    pub(crate) fn arguments(self) -> Vec<String> {
        let flags = [("--pass-on", self.pass_on), ("--fail-on", self.fail_on), ("--wait-on", self.wait_on)];
        flags.into_iter().filter_map(|(flag, status)| Some([flag, status?])).flatten().map(str::to_owned).collect()
    }
}

/// How a deploy can end, the likely ways more often.
const LAST: [&str; 24] = [
    "active",
    "active",
    "active",
    "active",
    "active",
    "active",
    "active",
    "auto-skipped",
    "auto-skipped",
    "inactive",
    "error",
    "error",
    "error",
    "error",
    "noop",
    "cancelled",
    "cancelled",
    "approval-denied",
    "approval-expired",
    "executing",
    "queued",
    "pending-approval",
    "unknown",
    "thawing",
];
/// What it goes through before.
const ON_THE_WAY: [&str; 8] =
    ["queued", "planning", "syncing", "planning", "executing", "pending-approval", "planning", "executing"];

/// Picks one of several.
pub(crate) fn pick<T: Copy>(rng: &mut Rng, from: &[T]) -> T {
    from[rng.usize(..from.len())]
}

/// Picks a last status.
pub(crate) fn last(rng: &mut Rng) -> &'static str {
    pick(rng, &LAST)
}

/// A way through several statuses to a last one. In time, if it has to keep step with a workflow.
pub(crate) fn way(rng: &mut Rng, last: &'static str, in_time: bool) -> Vec<Stay> {
    let begin = rng.usize(..ON_THE_WAY.len());
    let by_looks = !in_time && rng.bool();
    let lasts = |rng: &mut Rng| match by_looks {
        true => Lasts::Looks(rng.u64(1..4)),
        false => Lasts::Millis(rng.u64(0..12)),
    };
    let mut stays: Vec<Stay> = ON_THE_WAY[begin..].iter().map(|status| Stay { status, lasts: lasts(rng) }).collect();
    stays.push(Stay { status: last, lasts: Lasts::Millis(3_600_000) });
    stays
}

/// Returns how long it takes to the last status, if that is a matter of time.
pub(crate) fn duration(stays: &[Stay]) -> u64 {
    let on_the_way = &stays[..stays.len() - 1];
    on_the_way.iter().map(|stay| if let Lasts::Millis(millis) = stay.lasts { millis } else { 0 }).sum()
}

/// A deploy of a component; `name` tells it from others.
pub(crate) fn row(component: usize, name: &str, after: u64, stays: Vec<Stay>) -> Row {
    Row {
        id: id("dpl", &format!("c{component}{name}")),
        workflow: id("inw", &format!("c{component}")),
        build: id("bld", "mine"),
        commit: "4be1c7d09f5a2e63b8d17a40c92e5f6038ab71cd".to_owned(),
        kind: None,
        after,
        stays,
        more: String::new(),
    }
}

/// What happens to a component whose workflow is what its deploys are: one deploy, or a chain of deploys each of which
/// takes the place of the one before.
pub(crate) fn plain(rng: &mut Rng, component: usize, after: u64, overrides: Overrides) -> Story {
    let (chain, last) = (if rng.u8(..4) == 0 { rng.usize(1..4) } else { 0 }, last(rng));
    // What takes a place must be younger, which servers without workflows tell by the time alone.
    let mut begins = after;
    let mut rows = Vec::new();
    for link in 0..=chain {
        let status = if link == chain { last } else { pick(rng, &["retried", "discarded"]) };
        let stays = way(rng, status, chain > 0);
        let ends = begins + duration(&stays);
        rows.push(row(component, &format!("r{link}"), begins, stays));
        begins = ends + rng.u64(1..8);
    }
    let ends = vec![overrides.code(last, None)];
    let may_pass = rows.last().map(|row| row.id.clone()).into_iter().collect();
    Story { component: id("cmp", &format!("c{component}")), rows, ends, at_a_clock: Vec::new(), may_pass }
}
