//! What is said, whoever is told: the words that all sinks lay out in their own way.
//!
//! Every text in a message is a [`Line`]: harmless, but not escaped for any service yet.

use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use nuon_gate_core::result::{Named, RunResult, TargetResult, VerdictName};
use nuon_gate_core::timeline::human;
use nuon_gate_core::{Clock, Line};

use crate::Occasion;
use crate::ci_run::WebPage;
use crate::occasion::recovered_after;

/// The most targets that are listed.
const MOST_TARGETS: usize = 20;

/// How a message looks at a glance. Every tone has a sign of its own, as colours are not seen by everyone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Busy,
    Asking,
    Good,
    Bad,
    Warning,
    Test,
}

impl Tone {
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::Busy => "⏳",
            Self::Asking => "✋",
            Self::Good => "✅",
            Self::Bad => "❌",
            Self::Warning => "⚠️",
            Self::Test => "🔔",
        }
    }
}

/// A mention of a person, a group or a channel in Slack. Mentions come from the configuration and from nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention(String);

impl Mention {
    /// Returns the mention in Slack's syntax.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Mention {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let is_id = |id: &str, first: &[char]| {
            id.starts_with(first) && id.len() > 1 && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        };
        let inner = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or("");
        let known = matches!(inner, "!here" | "!channel")
            || inner.strip_prefix('@').is_some_and(|id| is_id(id, &['U', 'W']))
            || inner.strip_prefix("!subteam^").is_some_and(|id| is_id(id, &['S']));
        if known && text.len() <= 40 {
            Ok(Self(text.to_owned()))
        } else {
            Err("a mention is <!here>, <!channel>, <@U…> for a person or <!subteam^S…> for a group")
        }
    }
}

/// What a message takes from the settings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Context {
    /// Whom to call when it ends badly.
    pub(crate) mentions: Vec<Mention>,
}

/// What is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) tone: Tone,
    /// It stands for the whole message where there is room for no more.
    pub(crate) headline: Line,
    /// How many targets ended how, if there are several.
    pub(crate) summary: Option<Line>,
    /// A name and a value each.
    pub(crate) facts: Vec<(&'static str, Line)>,
    pub(crate) reason: Option<Line>,
    /// What to do next.
    pub(crate) hint: Option<Line>,
    /// The targets, if there are several: bad ends first.
    pub(crate) targets: Vec<TargetLine>,
    /// How many more targets there are.
    pub(crate) more: usize,
    /// A label and an address each.
    pub(crate) links: Vec<(&'static str, WebPage)>,
    pub(crate) timeline: Option<Line>,
    pub(crate) log_tail: Vec<Line>,
    pub(crate) mentions: Vec<Mention>,
}

/// What is said of one of several targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TargetLine {
    pub(crate) sign: &'static str,
    pub(crate) name: Line,
    pub(crate) state: Line,
    pub(crate) reason: Option<Line>,
    pub(crate) url: Option<WebPage>,
}

impl Message {
    /// Puts into words what happened.
    pub(crate) fn new(occasion: Occasion, result: &RunResult, context: &Context) -> Self {
        let (tone, words) = headline(occasion, result);
        let deciding = deciding(result);
        let one = (result.targets.len() == 1).then_some(deciding).flatten();
        // Only what has ended is told with durations: they would turn every edit into a change.
        let is_over = occasion == Occasion::Ended;
        let is_bad = is_over && tone != Tone::Good && tone != Tone::Busy;
        let mut lines = if one.is_some() { Vec::new() } else { lines(result) };
        let more = lines.len().saturating_sub(MOST_TARGETS);
        lines.truncate(MOST_TARGETS);
        Self {
            tone,
            headline: Line::new(format!("{} {words}: {}", tone.sign(), subject(result))),
            summary: one.is_none().then(|| Line::new(summary(result))),
            facts: facts(result, one, is_over),
            reason: result.reason.as_ref().filter(|_| is_over).and_then(seen).cloned(),
            hint: result
                .hint
                .as_ref()
                .filter(|_| is_over)
                .and_then(seen)
                .map(|hint| Line::new(format!("→ {}", hint.plain()))),
            targets: lines,
            more,
            links: links(result, deciding),
            timeline: deciding.filter(|_| is_over).and_then(timeline),
            log_tail: deciding.filter(|_| is_bad).map(log_tail).unwrap_or_default(),
            mentions: if is_bad { context.mentions.clone() } else { Vec::new() },
        }
    }

    /// Returns what comes right after the headline: why, and what to do next.
    pub(crate) fn lead(&self) -> impl Iterator<Item = &Line> {
        [&self.reason, &self.hint].into_iter().flatten()
    }

    /// Tells whether there is more to say than fits a headline.
    pub(crate) fn has_detail(&self) -> bool {
        self.reason.is_some() || !self.log_tail.is_empty()
    }
}

/// Returns a line if there is something in it.
fn seen(line: &Line) -> Option<&Line> {
    (!line.is_empty()).then_some(line)
}

fn headline(occasion: Occasion, result: &RunResult) -> (Tone, String) {
    let going_on = |word: &str| (Tone::Busy, word.to_owned());
    let asking = result.targets.iter().any(|target| is_pending(target) && target.approval_url.is_some());
    match occasion {
        Occasion::Test => (Tone::Test, "Test message, nothing was deployed".to_owned()),
        Occasion::Ended => ended(result),
        Occasion::Approval => (Tone::Asking, "Approval needed".to_owned()),
        Occasion::Started | Occasion::Changed if asking => (Tone::Asking, "Approval needed".to_owned()),
        Occasion::Started | Occasion::Changed => {
            let deploys: Vec<_> = result.targets.iter().filter_map(|target| target.deploy.as_ref()).collect();
            let teardown = |deploy: &&&_| is_teardown(deploy);
            if deploys.is_empty() {
                going_on("Waiting for a deploy")
            } else if deploys.iter().all(|deploy| teardown(&deploy)) {
                going_on("Tearing down")
            } else {
                going_on("Deploying")
            }
        }
    }
}

fn is_teardown(deploy: &nuon_gate_core::result::DeployResult) -> bool {
    deploy.deploy_type.as_ref().is_some_and(|kind| *kind == "teardown")
}

fn is_pending(target: &TargetResult) -> bool {
    target.verdict == VerdictName::Pending
}

/// Says how a run ended. Trouble of the gate is told apart from trouble of the deploy.
fn ended(result: &RunResult) -> (Tone, String) {
    let say = |tone, words: &str| (tone, words.to_owned());
    match result.verdict {
        VerdictName::Passed | VerdictName::NotifyFailed => match recovered_after(result) {
            Some(1) => say(Tone::Good, "Recovered after a failure"),
            Some(failures) => (Tone::Good, format!("Recovered after {failures} failures")),
            None if result.targets.iter().all(|target| target.deploy.as_ref().is_some_and(is_teardown)) => {
                say(Tone::Good, "Torn down")
            }
            None => say(Tone::Good, "Deployed"),
        },
        VerdictName::Failed => say(Tone::Bad, "Deploy failed"),
        VerdictName::Rejected => say(Tone::Bad, "The Nuon API refused the gate"),
        VerdictName::Cancelled => say(Tone::Bad, "Deploy cancelled"),
        VerdictName::ApprovalNeeded => say(Tone::Asking, "Stopped waiting, approval needed"),
        VerdictName::Superseded => say(Tone::Bad, "Superseded by a newer deploy"),
        VerdictName::Inconclusive => say(Tone::Warning, "Could not reach the Nuon API, the deploy's end is not known"),
        VerdictName::TimedOut | VerdictName::Interrupted => (Tone::Warning, stopped(result)),
        VerdictName::Pending => say(Tone::Busy, "Not ended yet"),
    }
}

fn stopped(result: &RunResult) -> String {
    let unfinished: Vec<_> = result.targets.iter().filter(|target| !has_ended(target)).collect();
    let running = unfinished.iter().filter(|target| target.deploy.is_some()).count();
    let what = match (running, unfinished.len()) {
        (0, 0) => "Stopped watching",
        (0, _) => "Stopped waiting; no deploy has started",
        (1, _) => "Stopped watching; the deploy is still running",
        _ => "Stopped watching; deploys are still running",
    };
    what.to_owned()
}

fn has_ended(target: &TargetResult) -> bool {
    let by_itself = matches!(
        target.verdict,
        VerdictName::Passed | VerdictName::Failed | VerdictName::Cancelled | VerdictName::Rejected
    );
    by_itself || target.deploy.as_ref().is_some_and(|deploy| deploy.ended_at.is_some())
}

fn name(named: &Named) -> &str {
    named.name.as_ref().and_then(seen).or_else(|| seen(&named.id)).map_or("?", Line::plain)
}

pub(crate) fn target_name(target: &TargetResult) -> String {
    format!("{} in {}", name(&target.component), name(&target.install))
}

fn subject(result: &RunResult) -> String {
    let targets = &result.targets;
    let Some(first) = targets.first() else { return "no targets".to_owned() };
    let same = |part: fn(&TargetResult) -> &Named| targets.iter().all(|target| part(target) == part(first));
    match targets.len() {
        1 => target_name(first),
        count if same(|target| &target.component) => format!("{} in {count} installs", name(&first.component)),
        count if same(|target| &target.install) => format!("{count} components in {}", name(&first.install)),
        count => format!("{count} targets"),
    }
}

/// The verdicts, bad ones first.
const ORDER: [(VerdictName, &str); 11] = [
    (VerdictName::Failed, "failed"),
    (VerdictName::Rejected, "refused by the API"),
    (VerdictName::Cancelled, "cancelled"),
    (VerdictName::Superseded, "superseded"),
    (VerdictName::ApprovalNeeded, "needs approval"),
    (VerdictName::Inconclusive, "not known"),
    (VerdictName::TimedOut, "timed out"),
    (VerdictName::Interrupted, "interrupted"),
    (VerdictName::Pending, "not ended"),
    (VerdictName::NotifyFailed, "passed"),
    (VerdictName::Passed, "passed"),
];

pub(crate) fn rank(verdict: VerdictName) -> usize {
    ORDER.iter().position(|(known, _)| *known == verdict).unwrap_or(ORDER.len())
}

fn summary(result: &RunResult) -> String {
    let counts = ORDER
        .iter()
        .map(|(verdict, words)| (result.targets.iter().filter(|target| target.verdict == *verdict).count(), *words));
    let parts: Vec<String> =
        counts.filter(|(count, _)| *count > 0).map(|(count, words)| format!("{count} {words}")).collect();
    if parts.is_empty() { "no targets".to_owned() } else { parts.join(", ") }
}

fn lines(result: &RunResult) -> Vec<TargetLine> {
    let mut targets: Vec<&TargetResult> = result.targets.iter().collect();
    targets.sort_by_key(|target| rank(target.verdict));
    targets.into_iter().map(TargetLine::new).collect()
}

impl TargetLine {
    fn new(target: &TargetResult) -> Self {
        let status = target.deploy.as_ref().and_then(|deploy| seen(&deploy.status));
        let (sign, state) = match (target.verdict, status) {
            (VerdictName::Pending, Some(status)) => (Tone::Busy, status.clone()),
            (VerdictName::Pending, None) => (Tone::Busy, Line::new("not started")),
            (VerdictName::Passed | VerdictName::NotifyFailed, _) => (Tone::Good, Line::new("passed")),
            (VerdictName::ApprovalNeeded, _) => (Tone::Asking, Line::new("needs approval")),
            (VerdictName::TimedOut | VerdictName::Interrupted | VerdictName::Inconclusive, _) => {
                (Tone::Warning, Line::new(ORDER[rank(target.verdict)].1))
            }
            (verdict, _) => (Tone::Bad, Line::new(ORDER[rank(verdict)].1)),
        };
        Self {
            sign: sign.sign(),
            name: Line::new(target_name(target)),
            state,
            reason: target.reason.as_ref().and_then(seen).cloned(),
            url: target.url.as_ref().and_then(page),
        }
    }

    /// Says which target it is and how it stands.
    pub(crate) fn standing(&self) -> Line {
        Line::new(format!("{}: {}", self.name.plain(), self.state.plain()))
    }
}

/// The target that the run's verdict is about.
fn deciding(result: &RunResult) -> Option<&TargetResult> {
    result.targets.iter().find(|target| target.verdict == result.verdict).or(result.targets.first())
}

fn facts(result: &RunResult, one: Option<&TargetResult>, is_over: bool) -> Vec<(&'static str, Line)> {
    let mut facts = Vec::new();
    let mut add = |name, value: Option<Line>| facts.extend(value.map(|value| (name, value)));
    let some = |line: Option<&Line>| line.and_then(seen).cloned();
    if let Some(deploy) = one.and_then(|target| target.deploy.as_ref()) {
        let status = [Some(&deploy.status), deploy.status_description.as_ref()];
        let status: Vec<&str> = status.into_iter().flatten().filter_map(seen).map(Line::plain).collect();
        add("Status", Some(Line::new(status.join(": "))).filter(|_| deploy.ended_at.is_none()));
        let short = |commit: Line| Line::new(commit.plain().chars().take(12).collect::<String>());
        add("Commit", some(deploy.commit.as_ref()).map(short));
        add("Build", some(deploy.build_id.as_ref()));
        add("Triggered by", some(deploy.created_by.as_ref()));
    }
    let usual = one.and_then(|target| target.typical_ms).map(milliseconds);
    if is_over {
        // What has not ended has taken no time yet; that was the gate's.
        let has_ended = one.is_none_or(has_ended);
        add(if has_ended { "Took" } else { "Watched for" }, Some(Line::new(took(result, one, usual.as_deref()))));
    } else {
        add("Waiting since", some(Some(&result.started_at)));
        add("Usually takes", usual.map(Line::new));
    }
    if let Some(target) = one {
        add("Superseded by", some(target.superseded_by.as_ref()));
        let good = target.last_good.as_ref().filter(|_| is_over && target.verdict == VerdictName::Failed);
        add("Last good", some(good.map(|good| good.commit.as_ref().unwrap_or(&good.deploy_id))));
    }
    facts
}

fn took(result: &RunResult, one: Option<&TargetResult>, usual: Option<&str>) -> String {
    let deploy = one.and_then(|target| target.deploy.as_ref());
    let whole = deploy.and_then(|deploy| {
        let at = |line: Option<&Line>| line?.plain().parse::<Timestamp>().ok();
        let (from, to) = (at(deploy.created_at.as_ref())?, at(deploy.ended_at.as_ref())?);
        std::time::Duration::try_from(to.duration_since(from)).ok()
    });
    let took = whole.map_or_else(|| milliseconds(result.elapsed_ms), human);
    match usual {
        Some(usual) => format!("{took} (usually {usual})"),
        None => took,
    }
}

fn milliseconds(ms: u64) -> String {
    human(std::time::Duration::from_millis(ms.min(SignedDuration::MAX.as_secs().unsigned_abs())))
}

fn links(result: &RunResult, deciding: Option<&TargetResult>) -> Vec<(&'static str, WebPage)> {
    let asking = result.targets.iter().find_map(|target| target.approval_url.as_ref());
    let all = [
        ("Approve", asking),
        ("Deploy", deciding.and_then(|target| target.url.as_ref())),
        ("CI run", result.ci_url.as_ref()),
    ];
    all.into_iter().filter_map(|(label, url)| Some((label, page(url?)?))).collect()
}

fn page(url: &Line) -> Option<WebPage> {
    WebPage::new(url.plain())
}

fn timeline(target: &TargetResult) -> Option<Line> {
    let stays = target.timeline.iter().filter_map(|stay| {
        let status = seen(&stay.status)?.plain();
        Some(match stay.duration_ms {
            Some(ms) => format!("{status} {}", milliseconds(ms)),
            None => status.to_owned(),
        })
    });
    let stays: Vec<String> = stays.collect();
    let clock = target.clock.map(|clock: Clock| format!("{} timeout expired", clock.as_str()));
    (!stays.is_empty()).then(|| Line::new(stays.into_iter().chain(clock).collect::<Vec<_>>().join(" → ")))
}

fn log_tail(target: &TargetResult) -> Vec<Line> {
    target.log_tail.iter().filter_map(|entry| seen(&entry.text).cloned()).collect()
}
