//! A whole scene: what the API does, how the gate is asked, and which exit codes are right.

use fastrand::Rng;

use super::oracle::{Expected, Need};
use super::signal::Plan;
use super::story::{INSTALL, NEVER, Overrides, Row, Story, id, last, pick, plain, row, way};
use super::told::{self, Step, Workflow, done, ended, state};
use super::trouble::{self, Trouble};

/// The organisation that is accepted.
pub(crate) const ORG: &str = "orgvendor00000000000000000";

/// Where the gate looks for the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Sim,
    /// The host has no address.
    NoName,
    /// Nobody listens there.
    NoListener,
    /// The simulator is there, and does not speak TLS.
    NoTls,
}

/// A scene.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) seed: u64,
    /// What kind of scene it is, for the table.
    pub(crate) kind: &'static str,
    pub(crate) place: Place,
    /// The token that is accepted, and must never be seen.
    pub(crate) token: String,
    pub(crate) script: String,
    pub(crate) arguments: Vec<String>,
    pub(crate) trouble: Trouble,
    pub(crate) expected: Expected,
    /// Whether the gate runs as in a workflow of GitHub's.
    pub(crate) in_actions: bool,
    pub(crate) signal: Option<Plan>,
}

/// A scene in the making.
struct Draft {
    kind: &'static str,
    generation: &'static str,
    stories: Vec<Story>,
    workflows: Vec<Workflow>,
    arguments: Vec<String>,
    expected: Expected,
}

impl Scene {
    /// Returns the scene of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let rng = &mut rng;
        let generation = pick(rng, &["old", "mid1", "mid", "new", "new"]);
        let mut draft = match rng.u8(..20) {
            0..=7 => single(rng, generation),
            8..=12 => shaped(rng, generation),
            13..=15 => several(rng, generation),
            16..=17 => workflow_alone(rng, generation),
            18 => mistaken(rng, generation),
            _ => unreachable_api(rng),
        };
        let place = match draft.kind {
            "no such host" => Place::NoName,
            "nobody listens" => Place::NoListener,
            "no TLS" => Place::NoTls,
            _ => Place::Sim,
        };
        let trouble = match rng.u8(..20) {
            _ if place != Place::Sim || draft.kind == "mistake" => Trouble::default(),
            0..=6 => Trouble::default(),
            7 => {
                draft.kind = "no good answer";
                draft.expected.nothing_good();
                trouble::without_end(rng)
            }
            _ => trouble::some(rng),
        };
        draft.set_clocks(rng, place, &trouble);
        let token = format!("planted-{seed:016x}-token");
        let mut script = format!("token = \"{token}\"\norg = \"{ORG}\"\ngeneration = \"{}\"\n", draft.generation);
        draft.stories.iter().for_each(|story| story.write(&mut script));
        draft.workflows.iter().for_each(|workflow| workflow.write(&mut script));
        script += &trouble.script;
        let Draft { kind, arguments, expected, .. } = draft;
        let in_actions = rng.u8(..4) == 0;
        let signal = (cfg!(unix) && rng.u8(..8) == 0).then(|| Plan::any(rng));
        Self { seed, kind, place, token, script, arguments, trouble, expected, in_actions, signal }
    }
}

impl Draft {
    fn new(kind: &'static str, generation: &'static str, stories: Vec<Story>) -> Self {
        let expected = Expected::of(&stories, Need::All);
        Self { kind, generation, stories, workflows: Vec::new(), arguments: Vec::new(), expected }
    }

    fn flag(&mut self, flag: &str, value: &str) {
        self.arguments.extend([flag.to_owned(), value.to_owned()]);
    }

    fn target(&mut self, component: &str) {
        self.flag("--install", INSTALL);
        self.flag("--component", component);
    }

    /// Chooses the clocks: short ones where only a clock can end the wait, or faults take up time.
    fn set_clocks(&mut self, rng: &mut Rng, place: Place, trouble: &Trouble) {
        let endless = self.expected.may_never_end();
        let is_tight = endless || place != Place::Sim || !trouble.names.is_empty();
        let total = if is_tight { rng.u64(250..700) } else { 20_000 };
        let request = rng.u64(60..150);
        self.flag("--timeout", &format!("{total}ms"));
        self.flag("--request-timeout", &format!("{request}ms"));
        self.flag("--min-interval", "1ms");
        self.flag("--max-interval", &format!("{}ms", rng.u64(2..12)));
        self.expected.total = total;
        self.expected.request = request;
        if is_tight {
            self.expected.clock = Some(total);
            if rng.bool() {
                let outage = rng.u64(50..400);
                self.flag("--api-outage", &format!("{outage}ms"));
                self.expected.outage = Some(outage);
            }
            if endless && rng.u8(..4) == 0 {
                let stall = rng.u64(100..300);
                self.flag("--stall-timeout", &format!("{stall}ms"));
                self.expected.clock = Some(stall.min(total));
            }
        }
        if rng.u8(..6) == 0 {
            self.flag("--settle", &format!("{}ms", rng.u64(1..15)));
        }
        // What cannot be read is waited for as long as a cancel may take.
        if rng.u8(..if self.kind == "no good answer" { 40 } else { 5 }) == 0 {
            self.flag("--cancel-on", pick(rng, &["timeout", "timeout,fail-fast", "interrupt"]));
            self.expected.may_cancel = true;
        }
        if rng.u8(..3) == 0 {
            self.arguments.push("-vvv".to_owned());
        }
        self.expected.may_be_refused = trouble.may_refuse;
        self.expected.has_faults = !trouble.names.is_empty() || place != Place::Sim;
    }
}

/// One component, perhaps with deploys from before and later, pinned or not.
fn single(rng: &mut Rng, generation: &'static str) -> Draft {
    let overrides = match rng.u8(..8) {
        0 => Overrides { pass_on: Some(pick(rng, &["noop", "thawing"])), ..Overrides::default() },
        1 => Overrides { fail_on: Some("auto-skipped"), ..Overrides::default() },
        2 => Overrides { wait_on: Some("cancelled"), ..Overrides::default() },
        _ => Overrides::default(),
    };
    let before = rng.bool();
    let begins = if before { rng.u64(3..60) } else { 0 };
    let mut story = plain(rng, 0, begins, overrides);
    let kind = pick(rng, kinds(generation));
    let code = overrides.code(last_of(&story), kind);
    story.ends = vec![code];
    story.rows.iter_mut().for_each(|row| row.kind = kind);
    let pinned = pin(rng, generation, &story, before);
    if before {
        let noise = earlier(rng, kind);
        if pinned.is_empty() {
            story.ends.push(overrides.code(last_of_row(&noise), kind));
            story.may_pass.push(noise.id.clone());
        }
        if pinned.iter().any(|flag| flag == "--deploy") {
            // What is named by its id is there.
            story.rows[0].after = 0;
        }
        story.rows.insert(0, noise);
    }
    let mut arguments = pinned;
    if rng.u8(..6) == 0 {
        arguments.extend(supersede(rng, &mut story, overrides, kind, &arguments));
    }
    if rng.u8(..8) == 0 {
        let (word, is_teardown) = pick(rng, &[("apply", false), ("teardown", true)]);
        arguments.extend(["--expect".to_owned(), word.to_owned()]);
        if is_teardown != (kind == Some("teardown")) {
            story.ends = vec![1];
        }
    }
    let mut draft = Draft::new("one deploy", generation, vec![story]);
    let component = draft.stories[0].component.clone();
    draft.target(&component);
    draft.arguments.extend(arguments);
    draft.arguments.extend(overrides.arguments());
    draft
}

fn kinds(generation: &str) -> &'static [Option<&'static str>] {
    match generation {
        "old" => &[None, None, Some("release"), Some("teardown")],
        _ => &[None, None, None, Some("sync-image"), Some("teardown")],
    }
}

fn last_of(story: &Story) -> &'static str {
    story.rows.last().map_or("", last_of_row)
}

fn last_of_row(row: &Row) -> &'static str {
    row.stays.last().map_or("", |stay| stay.status)
}

/// A deploy from before, which a pin must not take for the one that is waited for.
fn earlier(rng: &mut Rng, kind: Option<&'static str>) -> Row {
    let status = pick(rng, &["active", "active", "active", "error", "cancelled"]);
    let mut stays = way(rng, status, true);
    stays.drain(..stays.len() - 1);
    Row {
        workflow: id("inw", "before"),
        build: id("bld", "before"),
        commit: "00000000000000000000000000000000000000aa".to_owned(),
        kind,
        ..row(0, "before", 0, stays)
    }
}

/// Chooses a pin that the story matches, and an earlier deploy does not.
fn pin(rng: &mut Rng, generation: &str, story: &Story, before: bool) -> Vec<String> {
    let first = &story.rows[0];
    let is_old = generation == "old";
    let (flag, value) = match rng.u8(..7) {
        0 => ("--deploy", first.id.clone()),
        // A workflow that follows from its deploys is not there before the first of them.
        1 if !is_old && !before => ("--workflow", first.workflow.clone()),
        2 => ("--build", first.build.clone()),
        3 if !is_old => ("--commit", first.commit[..9].to_owned()),
        4 if before => ("--after", row(0, "before", 0, Vec::new()).id),
        5 if !before => ("--since", "1h".to_owned()),
        _ => return Vec::new(),
    };
    vec![flag.to_owned(), value]
}

/// Adds a newer deploy that takes nobody's place, and says what follows from it.
fn supersede(
    rng: &mut Rng,
    story: &mut Story,
    overrides: Overrides,
    kind: Option<&'static str>,
    pinned: &[String],
) -> Vec<String> {
    let begins = story.rows.iter().map(|row| row.after + super::story::duration(&row.stays)).max().unwrap_or(0);
    let status = last(rng);
    let stays = way(rng, status, true);
    let newer = Row {
        workflow: id("inw", "newer"),
        build: id("bld", "newer"),
        commit: "00000000000000000000000000000000000000bb".to_owned(),
        kind,
        ..row(0, "newer", begins + rng.u64(1..40), stays)
    };
    let policy = pick(rng, &[None, None, Some("follow"), Some("ignore"), Some("fail")]);
    let its_code = overrides.code(status, kind);
    // What is newer matches these as well, so it can be the one that is found first.
    let matches = pinned.is_empty() || pinned.iter().any(|flag| flag == "--since" || flag == "--after");
    let follows = policy.unwrap_or(if pinned.is_empty() { "follow" } else { "ignore" });
    if follows == "follow" || matches {
        story.ends.push(its_code);
        story.may_pass.push(newer.id.clone());
    }
    match follows {
        "fail" => story.ends.push(6),
        // What never ends is superseded in the end.
        "follow" if its_code != NEVER => story.ends.retain(|code| *code != NEVER),
        _ => {}
    }
    story.rows.push(newer);
    policy.into_iter().flat_map(|policy| ["--on-superseded".to_owned(), policy.to_owned()]).collect()
}

/// One component whose workflow is told step by step.
fn shaped(rng: &mut Rng, generation: &'static str) -> Draft {
    let generation = if generation == "old" { "mid" } else { generation };
    let (kind, told) = told::any(rng);
    let first = told.story.rows[0].id.clone();
    let mut draft = Draft::new(kind, generation, vec![told.story]);
    draft.expected.takes_a_clock = told.is_doubtful;
    let component = draft.stories[0].component.clone();
    draft.target(&component);
    match rng.u8(..3) {
        0 => draft.flag("--deploy", &first),
        1 => draft.flag("--workflow", &told.workflow.id),
        _ => {}
    }
    draft.arguments.extend(told.arguments);
    draft.workflows.push(told.workflow);
    draft
}

/// Several components.
fn several(rng: &mut Rng, generation: &'static str) -> Draft {
    let count = rng.usize(2..5);
    let stories: Vec<Story> = (0..count).map(|at| plain(rng, at, 0, Overrides::default())).collect();
    let mut draft = Draft::new("several targets", generation, stories);
    for at in 0..count {
        draft.flag("--target", &format!("{INSTALL}/{}", id("cmp", &format!("c{at}"))));
    }
    let need = match rng.u8(..4) {
        0 => Need::AtLeast(1),
        1 => Need::AtLeast(rng.usize(1..=count)),
        _ => Need::All,
    };
    if let Need::AtLeast(needed) = need {
        draft.flag("--require", &if needed == 1 { "any".to_owned() } else { needed.to_string() });
    }
    draft.expected.need = need;
    if rng.bool() {
        draft.arguments.push("--fail-fast".to_owned());
        draft.expected.fail_fast = true;
    }
    draft
}

/// A workflow and all it deploys.
fn workflow_alone(rng: &mut Rng, generation: &'static str) -> Draft {
    let generation = if generation == "old" { "new" } else { generation };
    let workflow = id("inw", "all");
    let mut stories: Vec<Story> = Vec::new();
    for at in 0..rng.usize(..4) {
        let status = last(rng);
        let mut only = row(at, "only", 0, way(rng, status, true));
        only.workflow.clone_from(&workflow);
        let code = Overrides::default().code(status, None);
        let may_pass = vec![only.id.clone()];
        let component = id("cmp", &format!("c{at}"));
        stories.push(Story { component, rows: vec![only], ends: vec![code], at_a_clock: vec![1], may_pass });
    }
    let ends_at = stories.iter().map(|story| super::story::duration(&story.rows[0].stays)).max().unwrap_or(10) + 5;
    let failed = stories.iter().any(|story| story.ends != [0]) || rng.u8(..8) == 0;
    let (word, code) = if failed { pick(rng, &[("error", 1), ("cancelled", 4)]) } else { ("success", 0) };
    let steps = |running: bool| -> Vec<Step> {
        let step = |story: &Story| {
            let done = match story.ends[0] {
                // What was going on is called off with its workflow.
                NEVER if word == "cancelled" => "cancelled",
                code => done(last_of(story), code),
            };
            Step::new(if running { "in-progress" } else { done }, &story.rows[0], !running)
        };
        stories.iter().map(step).collect()
    };
    let states = vec![state("in-progress", ends_at, steps(true)), ended(word, steps(false))];
    for story in &mut stories {
        // What never ends does not outlive its workflow.
        let orphan = if code == 4 { 4 } else { 1 };
        story.ends.iter_mut().filter(|end| **end == NEVER).for_each(|end| *end = orphan);
    }
    let mut draft = Draft::new("workflow alone", generation, stories);
    // The workflow has its own say, and one that deploys nothing is none that passes.
    let own = match code {
        0 if draft.stories.is_empty() => 1,
        // A workflow that failed because a plan was denied was called off, and did not break.
        1 if draft.stories.iter().any(|story| last_of(story).starts_with("approval-")) => 4,
        code => code,
    };
    draft.expected.others.push(vec![own]);
    draft.flag("--workflow", &workflow);
    draft.workflows.push(Workflow { id: workflow, asks: false, states });
    draft
}

/// The API knows nothing of what is asked for, or of who asks.
fn mistaken(rng: &mut Rng, generation: &'static str) -> Draft {
    let mut story = plain(rng, 0, 0, Overrides::default());
    story.ends = vec![3];
    let mut draft = Draft::new("mistake", generation, vec![story]);
    let component = draft.stories[0].component.clone();
    match rng.u8(..4) {
        0 => {
            draft.target(&component);
            draft.flag("--deploy", &id("dpl", "nobody"));
        }
        1 => draft.target(&id("cmp", "nobody")),
        2 => {
            draft.target(&component);
            draft.flag("--org-id", &id("org", "nobody"));
        }
        _ => draft.flag("--workflow", &id("inw", "nobody")),
    }
    draft
}

/// There is no API where it is looked for.
fn unreachable_api(rng: &mut Rng) -> Draft {
    let story = plain(rng, 0, 0, Overrides::default());
    let kind = pick(rng, &["no such host", "nobody listens", "no TLS"]);
    let mut draft = Draft::new(kind, "new", vec![story]);
    let component = draft.stories[0].component.clone();
    draft.target(&component);
    draft.expected.nothing_good();
    draft
}
