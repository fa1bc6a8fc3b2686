//! The words of a message, which every sink lays out in its own way.
//!
//! The order is the same everywhere: the verdict and its reason, what to do next, one line of facts, links. Every text in a
//! message is a [`Line`]: harmless, but not escaped for any service yet.

mod facts;
mod headline;
mod targets;

use jiff::Timestamp;
use nuon_gate_core::result::v1::{BranchRunResult, Named, PlanResult, RunResult, TargetResult};
use nuon_gate_core::{Line, Verdict};

use self::headline::Headline;
pub(crate) use self::headline::{Tone, are_teardowns};
use self::targets::Shown;
pub(crate) use self::targets::{TargetLine, has_passed_unapproved, is_planned};
use crate::ci_run::WebPage;
use crate::cut::{Escape, length};
use crate::excerpt::Excerpt;
use crate::occasion::{Trigger, recovered_after};
use crate::{Mention, Occasion};

/// What a message takes from the settings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Context {
    /// Whom to mention in what people must see.
    pub(crate) mentions: Vec<Mention>,
}

/// A message in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) tone: Tone,
    /// What happened to what: `❌ api in acme failed`.
    headline: Line,
    /// Why it ended so; for an approval, what the plan does.
    reason: Option<Line>,
    /// What to do next, after an arrow.
    pub(crate) hint: Option<Line>,
    /// What, by whom, how long.
    pub(crate) facts: Option<Line>,
    /// When the deploy or the wait began, if it has not ended.
    pub(crate) since: Option<Timestamp>,
    /// The targets that did not pass, if there are several: bad ends first.
    pub(crate) targets: Vec<TargetLine>,
    /// How many more of them there are.
    pub(crate) more: usize,
    /// A label and an address each.
    pub(crate) links: Vec<(&'static str, WebPage)>,
    pub(crate) log: Excerpt,
    /// Whether it has to notify people, which an edit does not.
    pub(crate) notifies: bool,
    pub(crate) mentions: Vec<Mention>,
}

impl Message {
    /// Describes an occasion.
    pub(crate) fn new(occasion: Occasion, result: &RunResult, context: &Context) -> Self {
        let Headline { tone, sign, words } = Headline::new(occasion, result);
        let is_over = occasion.is_end();
        let decided = decided(occasion, result);
        let one = match decided.as_slice() {
            [one] => Some(*one),
            _ => None,
        };
        let notifies = notifies(occasion, result);
        let why = if is_over { reason(result, &decided) } else { None };
        let hint = hint(occasion, result, &decided);
        let (targets, more) = targets::lines(result, one, &Shown { reason: why, hint: hint.as_ref() });
        let asked = one.filter(|_| tone == Tone::Asking).and_then(|target| target.plan.as_ref());
        let reason = match (why, asked.map(plan)) {
            (Some(why), Some(plan)) => Some(Line::new(format!("{}; {}", why.plain(), plan.plain()))),
            (why, plan) => plan.or_else(|| why.cloned()),
        };
        Self {
            tone,
            headline: Line::new(format!("{sign} {words}")),
            reason,
            hint: hint.as_ref().map(arrow),
            // A mistake of the user says nothing of the deploy.
            facts: facts::facts(result, is_over).filter(|_| occasion != Occasion::Refused),
            since: (!is_over && occasion != Occasion::Test).then(|| facts::since(result)).flatten(),
            targets,
            more,
            links: links(occasion, result, one),
            log: one
                .filter(|_| is_over && tone.is_trouble())
                .map(|target| Excerpt::new(&target.log_tail))
                .unwrap_or_default(),
            notifies,
            mentions: if notifies { context.mentions.clone() } else { Vec::new() },
        }
    }

    /// Returns the headline followed by the reason, which is the whole message where there is room for one line.
    pub(crate) fn title(&self) -> Line {
        self.title_within(usize::MAX, None)
    }

    /// Returns the title with a headline of at most this many characters, and with `other` as the reason if there is no
    /// common one.
    pub(crate) fn title_within(&self, longest_headline: usize, other: Option<&Line>) -> Line {
        let headline = self.headline.cut(longest_headline);
        match self.reason.as_ref().or(other) {
            Some(reason) => Line::new(format!("{}: {}", headline.plain(), reason.plain())),
            None => headline,
        }
    }

    /// Returns a title of at most this many characters when escaped, and the reason if it has to go below the title.
    pub(crate) fn lead(&self, longest: usize, escape: Escape) -> (Line, Option<&Line>) {
        let title = self.title();
        if length(&escape(title.plain())) <= longest {
            (title, None)
        } else {
            (self.headline.clone(), self.reason.as_ref())
        }
    }
}

/// Puts the next action after an arrow.
fn arrow(hint: &Line) -> Line {
    Line::new(format!("→ {}", hint.plain()))
}

/// Returns a line if it is not blank.
fn seen(line: &Line) -> Option<&Line> {
    (!line.is_empty()).then_some(line)
}

pub(crate) fn page(url: &Line) -> Option<WebPage> {
    WebPage::new(url.plain())
}

/// The targets that a message is about: those that wait for an approval, or that decided, or all.
fn decided(occasion: Occasion, result: &RunResult) -> Vec<&TargetResult> {
    let all = || result.targets.iter();
    let asked: Vec<_> = match occasion {
        // Without the dashboard's address there is no page on which to answer.
        Occasion::Approval => {
            all().filter(|target| targets::is_asked(target) || targets::may_be_asked(target)).collect()
        }
        Occasion::Started | Occasion::Changed => all().filter(|target| targets::is_asked(target)).collect(),
        Occasion::Ended | Occasion::Refused | Occasion::Test => Vec::new(),
    };
    let verdict: Vec<_> = all().filter(|target| decides(result.verdict, target)).collect();
    match (asked.is_empty(), occasion == Occasion::Ended && !verdict.is_empty()) {
        (false, _) => asked,
        (true, true) => verdict,
        (true, false) => all().collect(),
    }
}

/// A signal ends the run, and leaves deploys open that have not ended.
fn decides(verdict: Verdict, target: &TargetResult) -> bool {
    match verdict {
        Verdict::Interrupted(_) => !targets::has_ended(target),
        Verdict::NotifyFailed => target.verdict == Verdict::Passed,
        verdict => target.verdict == verdict,
    }
}

/// Returns whether people must see it: an approval, a failure, a timeout, a recovery. A person who cancelled the job or
/// the deploy, or denied its plan, already knows.
fn notifies(occasion: Occasion, result: &RunResult) -> bool {
    let by_a_person = match result.verdict {
        Verdict::Interrupted(_) => true,
        Verdict::Cancelled => decided(occasion, result).into_iter().all(|target| !targets::has_expired(target)),
        _ => false,
    };
    let must_be_seen = |trigger: &Trigger| match trigger {
        Trigger::Approval | Trigger::Failure | Trigger::Timeout | Trigger::Recovery => true,
        Trigger::Start | Trigger::Success | Trigger::Change => false,
    };
    let ends = occasion == Occasion::Ended && !by_a_person;
    (ends || occasion == Occasion::Approval) && Trigger::of(occasion, result).iter().any(must_be_seen)
}

/// Returns the reason: that of the deciding targets, or else of the run as a whole. Different reasons are listed with
/// their targets.
fn reason<'a>(result: &'a RunResult, decided: &[&'a TargetResult]) -> Option<&'a Line> {
    let whole = result.reason.as_ref().and_then(seen);
    // With several targets, the run's reason has the target's name before it.
    if result.targets.len() < 2 || matches!(result.verdict, Verdict::Interrupted(_)) {
        return whole;
    }
    match common(decided, |target| target.reason.as_ref()) {
        Common::Same(reason) => Some(reason),
        Common::Several => None,
        Common::Nothing => whole,
    }
}

/// Returns what to do next: the targets' common hint, or else the verdict's. Different hints are listed with their
/// targets.
fn hint(occasion: Occasion, result: &RunResult, decided: &[&TargetResult]) -> Option<Line> {
    let ours = |words: &str| Some(Line::new(words));
    let verdict = result.verdict;
    let is_asked = |target: &&TargetResult| target.approval_url.as_ref().and_then(page).is_some();
    match occasion {
        // The result has no link of its own for it.
        Occasion::Approval | Occasion::Ended if headline::asks_of_no_target(occasion, result) => {
            result.hint.as_ref().and_then(seen).cloned().or_else(|| ours("approve or deny it in Nuon"))
        }
        // The links below lead there.
        Occasion::Ended if verdict == Verdict::ApprovalNeeded && decided.iter().all(is_asked) => {
            ours("approve or deny the plan, then wait again")
        }
        Occasion::Ended if decided.iter().any(|target| is_planned(target)) => ours("approve or deny the plan"),
        Occasion::Ended if asking_run(occasion, result).is_some() && has_passed_unapproved(result) => {
            ours("approve or reject it")
        }
        Occasion::Ended => match common(decided, |target| target.hint.as_ref()) {
            Common::Same(hint) => Some(hint.clone()),
            Common::Several => {
                let usual = usual_hint(verdict);
                let is_usual =
                    |target: &&TargetResult| targets::own_hint(target).is_none_or(|own| Some(own.plain()) == usual);
                usual.filter(|_| decided.iter().any(is_usual)).and_then(ours)
            }
            Common::Nothing => {
                result.hint.as_ref().and_then(seen).cloned().or_else(|| usual_hint(verdict).and_then(ours))
            }
        },
        Occasion::Refused => result.hint.as_ref().and_then(seen).cloned(),
        Occasion::Started | Occasion::Changed | Occasion::Approval if asking_run(occasion, result).is_some() => {
            ours("approve or reject it")
        }
        Occasion::Started | Occasion::Changed | Occasion::Approval if headline::is_asking(occasion, result) => {
            ours("approve or deny the plan")
        }
        Occasion::Started | Occasion::Changed | Occasion::Approval | Occasion::Test => None,
    }
}

/// What several targets have in common.
enum Common<'a> {
    Nothing,
    Same(&'a Line),
    Several,
}

fn common<'a>(targets: &[&'a TargetResult], part: fn(&'a TargetResult) -> Option<&'a Line>) -> Common<'a> {
    let mut said = targets.iter().map(|target| part(target).and_then(seen));
    match said.next().flatten() {
        Some(first) if said.all(|other| other == Some(first)) => Common::Same(first),
        None if said.all(|other| other.is_none()) => Common::Nothing,
        _ => Common::Several,
    }
}

/// The hint for a verdict without a better one, as in the result of an earlier version.
fn usual_hint(verdict: Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::Failed => Some("check the deploy's log in Nuon, fix what failed, then deploy again"),
        Verdict::Rejected => Some("run nuon-gate doctor: it checks the address, the token and the ids"),
        Verdict::Cancelled => Some("deploy again, unless it was cancelled on purpose"),
        Verdict::ApprovalNeeded => Some("approve or deny the plan in Nuon, then wait again"),
        Verdict::Superseded => Some("wait for the newer deploy"),
        Verdict::Inconclusive => Some("the deploy may be fine: check it, then run this again"),
        Verdict::TimedOut | Verdict::Interrupted(_) => {
            Some("check the deploy, then wait again with --deploy and its id")
        }
        Verdict::Pending | Verdict::NotifyFailed | Verdict::Passed => None,
    }
}

/// Returns the run of a branch if it is the one that a human is asked about.
fn asking_run(occasion: Occasion, result: &RunResult) -> Option<&BranchRunResult> {
    let is_over = occasion.is_end() || occasion == Occasion::Test;
    let by_target = result.targets.iter().any(|target| target.approval_url.is_some());
    let is_left = result.verdict == Verdict::ApprovalNeeded || has_passed_unapproved(result);
    let asks = !is_over && !by_target || is_over && is_left;
    result.branch_run.as_ref().filter(|run| run.awaiting_approval && asks)
}

/// Returns the links: to the only target, and to the CI run. With several targets, each line has its own link.
fn links(occasion: Occasion, result: &RunResult, one: Option<&TargetResult>) -> Vec<(&'static str, WebPage)> {
    let of_run =
        if asking_run(occasion, result).is_some() { "Approve the run in Nuon" } else { "Open the run in Nuon" };
    let all = [
        ("Approve in Nuon", one.and_then(|target| target.approval_url.as_ref())),
        (of_run, result.branch_run.as_ref().and_then(|run| run.url.as_ref())),
        ("Open in Nuon", one.and_then(|target| target.url.as_ref())),
        ("Open CI run", result.ci_url.as_ref()),
    ];
    all.into_iter().filter_map(|(label, url)| Some((label, page(url?)?))).collect()
}

/// Describes what a plan does.
fn plan(plan: &PlanResult) -> Line {
    Line::new(format!("plan: {}", plan.words().plain()))
}

fn name(named: &Named) -> &str {
    named.known().map_or("?", Line::plain)
}

pub(crate) fn target_name(target: &TargetResult) -> String {
    format!("{} in {}", name(&target.component), name(&target.install))
}

/// Names the targets that a message is about.
fn subject(result: &RunResult, about: &[&TargetResult]) -> String {
    let targets = &result.targets;
    let Some(first) = targets.first() else { return "no targets".to_owned() };
    let same = |part: fn(&TargetResult) -> &Named| targets.iter().all(|target| part(target) == part(first));
    let count = match about.len() {
        1 => return target_name(about[0]),
        some if some == targets.len() => some.to_string(),
        some => format!("{some} of {}", targets.len()),
    };
    if same(|target| &target.component) {
        format!("{} in {count} installs", name(&first.component))
    } else if same(|target| &target.install) {
        format!("{count} components in {}", name(&first.install))
    } else {
        format!("{count} targets")
    }
}
