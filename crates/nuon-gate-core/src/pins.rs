//! Pins: which of a component's deploys is meant.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;

use crate::cause::Mismatch;
use crate::model::Deploy;
use crate::{BuildId, DeployId, Line, MatchedBy, RemoteText, Target, WorkflowId};

/// A commit's hash, or its beginning: 7 to 64 hexadecimal digits, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitPrefix(String);

/// A text is not a commit's hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a commit is 7 to 64 hexadecimal digits")]
pub struct InvalidCommit;

impl FromStr for CommitPrefix {
    type Err = InvalidCommit;

    fn from_str(text: &str) -> Result<Self, InvalidCommit> {
        let text = text.trim();
        let hexadecimal = text.bytes().all(|b| b.is_ascii_hexdigit());
        if hexadecimal && (7..=64).contains(&text.len()) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(InvalidCommit)
        }
    }
}

impl CommitPrefix {
    fn begins(&self, commit: &RemoteText) -> bool {
        commit.is_hexadecimal_from(&self.0)
    }
}

impl fmt::Display for CommitPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The baseline before a pipeline triggers a deploy: what is newer is what it triggered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Baseline {
    /// This deploy was the newest. Its time is read from the server.
    Deploy(DeployId),
    /// This deploy was the newest, created at this time.
    Known(DeployId, Timestamp),
    /// This deploy was the newest, created and seen at these times by the server's clock. A deploy created before it
    /// was seen, but hidden by a lagging replica, is not newer.
    Seen {
        /// The deploy.
        deploy: DeployId,
        /// When it was created.
        created: Timestamp,
        /// When it was seen.
        at: Timestamp,
    },
    /// There was none at this time, by the server's clock.
    NoneAt(Timestamp),
}

/// How a pin and a deploy fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    Fits,
    Contradicts,
    /// The deploy does not say, or the time of the baseline is not known.
    Unsaid,
}

impl Fit {
    fn of<T>(said: Option<T>, fits: impl FnOnce(T) -> bool) -> Self {
        match said.map(fits) {
            Some(true) => Self::Fits,
            Some(false) => Self::Contradicts,
            None => Self::Unsaid,
        }
    }
}

impl Baseline {
    fn fit(&self, deploy: &Deploy) -> Fit {
        let is = |id: &DeployId| deploy.id.as_ref() == Some(id);
        let created = deploy.created_at;
        match self {
            Self::Deploy(id) if is(id) => Fit::Contradicts,
            Self::Deploy(_) => Fit::Unsaid,
            Self::Known(id, at) => Fit::of(created, |own| !is(id) && own > *at),
            Self::Seen { deploy: id, created: seen, at } => {
                let earliest = at.saturating_sub(LEEWAY).unwrap_or(Timestamp::MIN).max(*seen);
                Fit::of(created, |own| !is(id) && own > earliest)
            }
            // The time comes from a header, which has whole seconds.
            Self::NoneAt(at) => Fit::of(created, |own| own >= *at),
        }
    }
}

/// Describes what is newer than it.
impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deploy(deploy) | Self::Known(deploy, _) | Self::Seen { deploy, .. } => write!(f, "{deploy}"),
            Self::NoneAt(at) => write!(f, "{at}"),
        }
    }
}

/// Everything that the deploy has to match. Without any pin, the component's latest deploy is meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pins {
    /// Its id.
    pub deploy: Option<DeployId>,
    /// It belongs to a branch's run, whose workflow for the install is pinned too.
    pub branch_run: Option<RunPin>,
    /// The workflow that runs it.
    pub workflow: Option<WorkflowId>,
    /// The build it brings.
    pub build: Option<BuildId>,
    /// The commit that was built.
    pub commit: Option<CommitPrefix>,
    /// The baseline that it has to be newer than.
    pub after: Option<Baseline>,
    /// The earliest time at which it was created.
    pub since: Option<Since>,
}

/// How the run of a branch was pinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunPin {
    /// By its name or id.
    Named,
    /// As the branch's newest.
    Newest,
}

/// A point in time by the server's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// This one, by the clock of any machine: it has five seconds of leeway.
    At(Timestamp),
    /// This long before the watch begins.
    Ago(Duration),
}

/// The tolerance for the clocks of two synchronised machines.
const LEEWAY: Duration = Duration::from_secs(5);

impl Since {
    fn earliest(self, started_at: Timestamp) -> Timestamp {
        let (from, back) = match self {
            Self::At(at) => (at, LEEWAY),
            Self::Ago(ago) => (started_at, ago),
        };
        from.saturating_sub(back).unwrap_or(Timestamp::MIN)
    }
}

impl Pins {
    /// Returns the pin that names a single deploy, and so belongs to one target.
    pub(crate) fn of_one_target(&self) -> Option<MatchedBy> {
        let after = self.after.as_ref().filter(|baseline| !matches!(baseline, Baseline::NoneAt(_)));
        self.deploy.as_ref().map(|_| MatchedBy::Deploy).or(after.map(|_| MatchedBy::After))
    }

    /// Returns the most specific pin, which is reported as `matched_by`.
    pub fn matched_by(&self) -> MatchedBy {
        let given = [
            (self.deploy.is_some(), MatchedBy::Deploy),
            (self.branch_run.is_some(), MatchedBy::BranchRun),
            (self.workflow.is_some(), MatchedBy::Workflow),
            (self.build.is_some(), MatchedBy::Build),
            (self.commit.is_some(), MatchedBy::Commit),
            (self.after.is_some(), MatchedBy::After),
            (self.since.is_some(), MatchedBy::Since),
        ];
        given.into_iter().find_map(|(given, pin)| given.then_some(pin)).unwrap_or(MatchedBy::Latest)
    }

    /// Returns whether any pin was given. A branch's newest run does not count.
    pub fn is_pinned(&self) -> bool {
        self.matched_by() != MatchedBy::Latest && self.branch_run != Some(RunPin::Newest)
    }

    /// Returns how each pin that was given and a deploy fit, for a watch that began at this time by the server's clock.
    fn each(&self, deploy: &Deploy, started_at: Timestamp) -> impl Iterator<Item = (MatchedBy, Fit)> {
        let (id, build, created) = (deploy.id.as_ref(), deploy.said_build(), deploy.created_at);
        let each = [
            (MatchedBy::Deploy, self.deploy.as_ref().map(|pin| Fit::of(id, |own| own == pin))),
            (MatchedBy::Workflow, self.workflow.as_ref().map(|pin| Fit::of(deploy.workflow(), |own| own == pin))),
            (MatchedBy::Build, self.build.as_ref().map(|pin| Fit::of(build, |own| own.is(pin.as_str())))),
            (MatchedBy::Commit, self.commit.as_ref().map(|pin| Fit::of(deploy.commit(), |own| pin.begins(own)))),
            (MatchedBy::After, self.after.as_ref().map(|pin| pin.fit(deploy))),
            (MatchedBy::Since, self.since.map(|pin| Fit::of(created, |own| own >= pin.earliest(started_at)))),
        ];
        each.into_iter().filter_map(|(pin, fit)| fit.map(|fit| (pin, fit)))
    }

    /// Returns the first pin that a deploy contradicts, other than its id. An absent field contradicts nothing, and neither
    /// does a baseline whose time is not known yet. Nor does a row without a workflow: the workflow's own steps show that
    /// it works on the deploy.
    pub(crate) fn contradicted_by(&self, deploy: &Deploy, started_at: Timestamp) -> Option<MatchedBy> {
        let mut each = self.each(deploy, started_at).filter(|(pin, _)| *pin != MatchedBy::Deploy);
        each.find_map(|(pin, fit)| (fit == Fit::Contradicts).then_some(pin))
    }

    /// Returns the first pin that a deploy does not match, with its value and the deploy's own. `None` if it matches
    /// every pin.
    pub(crate) fn missed_by(&self, deploy: &Deploy, started_at: Timestamp) -> Option<Mismatch> {
        const LONGEST: usize = 64;
        fn line(value: Option<impl fmt::Display>) -> Option<Line> {
            value.map(|value| Line::new(value.to_string()))
        }
        let (pin, _) = self.each(deploy, started_at).find(|(_, fit)| *fit != Fit::Fits)?;
        let created = || line(deploy.created_at);
        let (wanted, has) = match pin {
            MatchedBy::Deploy => (line(self.deploy.as_ref()), line(deploy.id.as_ref())),
            MatchedBy::Workflow | MatchedBy::BranchRun => (line(self.workflow.as_ref()), line(deploy.workflow())),
            MatchedBy::Build => (line(self.build.as_ref()), deploy.said_build().map(|build| build.line(LONGEST))),
            MatchedBy::Commit => (line(self.commit.as_ref()), deploy.commit().map(|commit| commit.line(LONGEST))),
            MatchedBy::After => (line(self.after.as_ref()), created()),
            MatchedBy::Since => (line(self.since.map(|since| since.earliest(started_at))), created()),
            MatchedBy::Latest => return None,
        };
        let pin = if pin == MatchedBy::Workflow && self.branch_run.is_some() { MatchedBy::BranchRun } else { pin };
        Some(Mismatch::Pin { pin, wanted: wanted?, has })
    }

    /// Returns whether only a build or a commit is pinned, which may be deployed any number of times.
    pub(crate) fn can_recur(&self) -> bool {
        matches!(self.matched_by(), MatchedBy::Build | MatchedBy::Commit)
            && self.after.is_none()
            && self.since.is_none()
    }

    /// Returns whether a deploy leaves out what one of the pins asks for.
    pub(crate) fn are_unsaid_by(&self, deploy: &Deploy, started_at: Timestamp) -> bool {
        self.each(deploy, started_at).any(|(_, fit)| fit == Fit::Unsaid)
    }

    /// Returns whether a build or a commit is pinned, and a deploy does not say its own.
    pub(crate) fn lack_build_of(&self, deploy: &Deploy) -> bool {
        self.build.is_some() && deploy.said_build().is_none() || self.commit.is_some() && deploy.commit().is_none()
    }

    /// Returns whether a deploy matches every pin, for a watch that began at this time by the server's clock. An absent
    /// field does not match, and a baseline of unknown time matches nothing.
    pub fn match_deploy(&self, deploy: &Deploy, started_at: Timestamp) -> bool {
        self.each(deploy, started_at).all(|(_, fit)| fit == Fit::Fits)
    }
}

/// The baselines of several targets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baselines(HashMap<Target, Baseline>);

impl Baselines {
    /// Creates it from a baseline for each target.
    pub fn new(baselines: impl IntoIterator<Item = (Target, Baseline)>) -> Self {
        Self(baselines.into_iter().collect())
    }

    /// Returns the baseline of a target; `None` if it was not marked.
    pub fn of(&self, target: &Target) -> Option<&Baseline> {
        self.0.get(target)
    }
}

/// The pins that all targets share, and the baseline of each target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pinning {
    /// For all targets.
    pub shared: Pins,
    /// For each target, in place of the shared [`Pins::after`].
    pub baselines: Option<Baselines>,
}

impl Pinning {
    /// Returns the pins of a target; `None` if its baseline is missing.
    pub(crate) fn of(&self, target: &Target) -> Option<Pins> {
        match &self.baselines {
            None => Some(self.shared.clone()),
            Some(baselines) => Some(Pins { after: Some(baselines.of(target)?.clone()), ..self.shared.clone() }),
        }
    }
}

impl From<Pins> for Pinning {
    fn from(shared: Pins) -> Self {
        Self { shared, baselines: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deploy() -> Deploy {
        let json = r#"{"id": "dpl2", "workflow_id": "inw2", "build_id": "bld2", "created_at": "2026-08-03T14:00:00.5Z",
            "component_build": {"vcs_connection_commit": {"sha": "4be1c7d09f5a2e63"}}}"#;
        serde_json::from_str(json).unwrap()
    }

    fn at(second: &str) -> Timestamp {
        format!("2026-08-03T14:00:{second}Z").parse().unwrap()
    }

    #[test]
    fn the_pin_that_keeps_a_deploy_from_matching_is_named_with_both_values() {
        let none = Pins::default();
        let baseline = Baseline::Known("dpl2".parse().unwrap(), at("00"));
        let cases = [
            (none.clone(), None),
            (Pins { build: "bld2".parse().ok(), ..none.clone() }, None),
            (Pins { build: "bld1".parse().ok(), ..none.clone() }, Some("has build bld2, not bld1")),
            (
                Pins { build: "bld2".parse().ok(), commit: "abcdef1".parse().ok(), ..none.clone() },
                Some("has commit 4be1c7d09f5a2e63, not abcdef1"),
            ),
            (Pins { workflow: "inw1".parse().ok(), ..none.clone() }, Some("has workflow inw2, not inw1")),
            (Pins { after: Some(baseline), ..none.clone() }, Some("is not newer than dpl2")),
            (
                Pins { since: Some(Since::At(at("06"))), ..none },
                Some("is of 2026-08-03T14:00:00.5Z, which is before 2026-08-03T14:00:01Z"),
            ),
        ];
        for (pins, expected) in cases {
            let missed = pins.missed_by(&deploy(), at("03")).map(|missed| missed.to_string());
            assert_eq!(missed.as_deref(), expected, "{pins:?}");
        }
        let of_run = |branch_run| Pins { workflow: "inw1".parse().ok(), branch_run, ..Pins::default() };
        for (run, expected) in [(None, MatchedBy::Workflow), (Some(RunPin::Newest), MatchedBy::BranchRun)] {
            let missed = of_run(run).missed_by(&deploy(), at("03"));
            assert!(matches!(missed, Some(Mismatch::Pin { pin, .. }) if pin == expected), "{missed:?}");
        }
        let of_build = Pins { build: "bld1".parse().ok(), workflow: None, ..of_run(Some(RunPin::Newest)) };
        let missed = of_build.missed_by(&deploy(), at("03"));
        assert!(matches!(missed, Some(Mismatch::Pin { pin: MatchedBy::Build, .. })), "{missed:?}");
        for (said, fit) in [
            (Some("bld1"), Fit::Fits),
            (Some("bld1 "), Fit::Contradicts),
            (Some("bld1\u{200b}"), Fit::Contradicts),
            (Some("bld1/"), Fit::Contradicts),
            (Some(""), Fit::Unsaid),
            (None, Fit::Unsaid),
        ] {
            let body = serde_json::json!({ "id": "dpl2", "build_id": said });
            let deploy: Deploy = serde_json::from_str(&body.to_string()).unwrap();
            let pins = Pins { build: "bld1".parse().ok(), ..Pins::default() };
            assert!(pins.each(&deploy, at("03")).all(|(_, own)| own == fit), "{said:?}");
            assert_eq!(deploy.build().is_some(), fit == Fit::Fits, "{said:?}");
        }
        for (sha, matches) in
            [("ABCDEF12", true), ("abcdef1\u{200b}2", false), (" abcdef12", false), ("abcdef12\n", false)]
        {
            let body =
                serde_json::json!({ "id": "dpl2", "component_build": { "vcs_connection_commit": { "sha": sha } } });
            let deploy: Deploy = serde_json::from_str(&body.to_string()).unwrap();
            let pins = Pins { commit: "abcdef1".parse().ok(), ..Pins::default() };
            assert_eq!(pins.match_deploy(&deploy, at("03")), matches, "{sha:?}");
        }
        let nameless: Deploy = serde_json::from_str(r#"{"id": "dpl2"}"#).unwrap();
        let pins = Pins { commit: "abcdef1".parse().ok(), ..Pins::default() };
        let missed = pins.missed_by(&nameless, at("03")).map(|missed| missed.to_string());
        assert_eq!(missed.as_deref(), Some("does not say that its commit is abcdef1"));
        let pins = Pins { since: Some(Since::At(at("06"))), ..Pins::default() };
        let missed = pins.missed_by(&nameless, at("03")).map(|missed| missed.to_string());
        let unsaid = "does not say when it was created, and so not whether that was after 2026-08-03T14:00:01Z";
        assert_eq!(missed.as_deref(), Some(unsaid));
    }

    #[test]
    fn every_pin_has_to_match() {
        let none = Pins::default();
        let seen = |id: &str, created: &str, second: &str| {
            let baseline = Baseline::Seen { deploy: id.parse().unwrap(), created: at(created), at: at(second) };
            Pins { after: Some(baseline), ..Pins::default() }
        };
        let cases = [
            (none.clone(), true, MatchedBy::Latest),
            (Pins { deploy: "dpl2".parse().ok(), ..none.clone() }, true, MatchedBy::Deploy),
            (Pins { deploy: "dpl1".parse().ok(), ..none.clone() }, false, MatchedBy::Deploy),
            (Pins { workflow: "inw2".parse().ok(), ..none.clone() }, true, MatchedBy::Workflow),
            (Pins { workflow: "inw1".parse().ok(), ..none.clone() }, false, MatchedBy::Workflow),
            (Pins { build: "bld2".parse().ok(), ..none.clone() }, true, MatchedBy::Build),
            (Pins { build: "bld1".parse().ok(), ..none.clone() }, false, MatchedBy::Build),
            (Pins { commit: "4BE1C7D".parse().ok(), ..none.clone() }, true, MatchedBy::Commit),
            (Pins { commit: "5be1c7d".parse().ok(), ..none.clone() }, false, MatchedBy::Commit),
            (Pins { since: Some(Since::At(at("05"))), ..none.clone() }, true, MatchedBy::Since),
            (Pins { since: Some(Since::At(at("05.5"))), ..none.clone() }, true, MatchedBy::Since),
            (Pins { since: Some(Since::At(at("06"))), ..none.clone() }, false, MatchedBy::Since),
            (Pins { since: Some(Since::Ago(Duration::from_secs(3))), ..none.clone() }, true, MatchedBy::Since),
            (Pins { since: Some(Since::Ago(Duration::from_secs(2))), ..none.clone() }, false, MatchedBy::Since),
            (Pins { after: Some(Baseline::Deploy("dpl1".parse().unwrap())), ..none.clone() }, false, MatchedBy::After),
            (
                Pins { after: Some(Baseline::Known("dpl1".parse().unwrap(), at("00"))), ..none.clone() },
                true,
                MatchedBy::After,
            ),
            (
                Pins { after: Some(Baseline::Known("dpl1".parse().unwrap(), at("00.5"))), ..none.clone() },
                false,
                MatchedBy::After,
            ),
            (
                Pins { after: Some(Baseline::Known("dpl2".parse().unwrap(), at("00"))), ..none.clone() },
                false,
                MatchedBy::After,
            ),
            (seen("dpl1", "00", "05"), true, MatchedBy::After),
            (seen("dpl1", "00", "05.5"), false, MatchedBy::After),
            (seen("dpl1", "00.5", "01"), false, MatchedBy::After),
            (seen("dpl2", "00", "05"), false, MatchedBy::After),
            (Pins { after: Some(Baseline::NoneAt(at("00"))), ..none.clone() }, true, MatchedBy::After),
            (Pins { after: Some(Baseline::NoneAt(at("01"))), ..none.clone() }, false, MatchedBy::After),
            (
                Pins { workflow: "inw2".parse().ok(), build: "bld1".parse().ok(), ..none.clone() },
                false,
                MatchedBy::Workflow,
            ),
        ];
        for (pins, matches, by) in cases {
            assert_eq!((pins.match_deploy(&deploy(), at("03")), pins.matched_by()), (matches, by), "{pins:?}");
        }
    }

    #[test]
    fn what_is_not_said_does_not_match() {
        let bare: Deploy = serde_json::from_str(r#"{"id": "dpl2"}"#).unwrap();
        let pins = [
            Pins { commit: "4be1c7d".parse().ok(), ..Pins::default() },
            Pins { since: Some(Since::At(at("05"))), ..Pins::default() },
            Pins { after: Some(Baseline::NoneAt(at("00"))), ..Pins::default() },
        ];
        for pins in pins {
            assert!(!pins.match_deploy(&bare, at("03")), "{pins:?}");
        }
    }

    #[test]
    fn commits_are_hexadecimal_and_long_enough() {
        for text in ["4be1c7", "4be1c7g", "", "HEAD", &"a".repeat(65)] {
            assert_eq!(text.parse::<CommitPrefix>(), Err(InvalidCommit), "{text}");
        }
        assert!(" 4be1c7d\n".parse::<CommitPrefix>().is_ok());
    }
}
