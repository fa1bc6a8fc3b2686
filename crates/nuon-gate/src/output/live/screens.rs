//! What people see, on the screens of terminals.

#![cfg(test)]

use std::cmp::Ordering;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nuon_gate_core::model::{Status, StepStanding, StepState};
use nuon_gate_core::watch::{Event, EventKind, Pace};
use nuon_gate_core::{ApprovalPlace, Line, MatchedBy, Moment, RemoteText, Target, Verdict, WorkflowId};
use proptest::prelude::*;
use tokio::time::Instant;

use super::screen::Screen;
use super::{Live, Look, Message, Size};

const PLAIN: Look = Look { colour: false, links: false };

/// A terminal that others write to.
#[derive(Clone)]
struct Tty(Arc<Mutex<avt::Terminal>>);

impl Write for Tty {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // As the system does between a program and its terminal.
        let text = std::str::from_utf8(bytes).unwrap().replace('\n', "\r\n");
        self.0.lock().unwrap().feed(text.as_str());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A program at a terminal, and what time it is.
struct Scene {
    tty: Tty,
    live: Live<Tty>,
    size: Size,
    now: Moment,
}

impl Scene {
    /// One that breaks lines anew when it becomes narrower.
    fn of(columns: usize, targets: &[&str]) -> Self {
        Self::at(columns, targets, true, PLAIN)
    }

    /// One that cuts off what does not fit any more, as this terminal's other screen does.
    fn clipping(columns: usize, targets: &[&str]) -> Self {
        let scene = Self::at(columns, targets, false, PLAIN);
        scene.tty.0.lock().unwrap().feed("\u{1b}[?1049h");
        scene
    }

    fn at(columns: usize, targets: &[&str], reflows: bool, look: Look) -> Self {
        let size = Size { columns, rows: 24 };
        let tty = Tty(Arc::new(Mutex::new(avt::Terminal::with_scrollback(columns, size.rows, None).unwrap())));
        let live = Live::new(Screen::new(tty.clone(), look, reflows));
        let mut scene = Self { tty, live, size, now: Moment::START };
        scene.take(Message::Watch { began: Instant::now(), limit: Duration::from_secs(3600) });
        let named = |(number, name): (usize, &&str)| {
            let target = Target::new("inlacme".parse().unwrap(), format!("cmp{number}").parse().unwrap());
            target.named(None, Some(&RemoteText::new(*name)))
        };
        scene.event(EventKind::Started { targets: targets.iter().enumerate().map(named).collect() });
        scene
    }

    fn take(&mut self, message: Message) {
        let size = self.size;
        self.live.take(message, || size).unwrap();
    }

    fn event(&mut self, kind: EventKind) {
        self.take(Message::Event(Box::new(Event { at: self.now, kind })));
    }

    fn found(&mut self, target: usize, status: Status) {
        self.event(EventKind::Found {
            target,
            deploy: "dpl1".parse().unwrap(),
            status,
            build: None,
            commit: None,
            matched_by: MatchedBy::Latest,
            replaces: None,
        });
    }

    fn ended(&mut self, target: usize, verdict: Verdict) {
        self.event(EventKind::Ended { target: Some(target), deploy: None, approval: None, verdict, cause: None });
    }

    fn changed(&mut self, target: usize, to: Status) {
        let (deploy, from, spent) = ("dpl1".parse().unwrap(), Status::Queued, Duration::ZERO);
        self.event(EventKind::Changed { target, deploy, from, to, spent, description: None });
    }

    fn line(&mut self, text: &str) {
        self.take(Message::Line(text.to_owned()));
    }

    /// Has this much time go by, and paints.
    fn after(&mut self, seconds: u64) -> &mut Self {
        self.now = self.now + Duration::from_secs(seconds);
        self.live.draw(self.now, self.size).unwrap();
        self
    }

    /// Has the terminal itself show something, as it does what is typed.
    fn echo(&mut self, text: &str) {
        self.tty.0.lock().unwrap().feed(text);
    }

    fn resize(&mut self, columns: usize) {
        self.size.columns = columns;
        self.tty.0.lock().unwrap().resize(columns, self.size.rows);
    }

    /// Returns what can be seen, without the empty rest.
    fn seen(&self) -> Vec<String> {
        let terminal = self.tty.0.lock().unwrap();
        trimmed(terminal.screen().visible_lines().map(avt::Line::text).collect())
    }

    /// Returns the lines of the screen and of what has left it, put together where the terminal has broken them.
    fn lines(&self) -> Vec<String> {
        trimmed(self.tty.0.lock().unwrap().screen().text())
    }

    /// Returns the picture as it would be on a fresh screen.
    fn picture(&self) -> Vec<String> {
        let (board, _) = self.live.shown.as_ref().unwrap();
        super::frame(board, self.size, self.now).iter().map(|row| row.write(PLAIN).trim_end().to_owned()).collect()
    }
}

fn trimmed(lines: Vec<String>) -> Vec<String> {
    let mut lines: Vec<String> = lines.into_iter().map(|line| line.trim_end().to_owned()).collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// A deploy that has been executing for two minutes, where three are usual.
fn executing(columns: usize) -> Scene {
    let mut scene = Scene::of(columns, &["api"]);
    scene.after(350);
    scene.found(0, Status::Queued);
    scene.after(20);
    scene.changed(0, Status::Executing);
    let pace = Pace { elapsed: Duration::from_secs(20), typical: Duration::from_secs(180) };
    scene.event(EventKind::Expected { target: 0, deploy: "dpl1".parse().unwrap(), pace });
    scene.after(130);
    scene
}

#[test]
fn a_deploy_is_shown_with_its_time_what_is_usual_and_the_limit() {
    let narrow = ["* api  executing 2m10s · usually 3m", "  8m of 60m", "  ━━━━━━━━━━── 83%"];
    assert_eq!(executing(40).seen(), narrow.map(|row| row.replace("━━━━━━━━━━──", "━━━━━━━━━━───")));
    let head = "* api  executing 2m10s · usually 3m · 8m of 60m";
    let bar = |done: usize, rest: usize| format!("  {}{} 83%", "━".repeat(done), "─".repeat(rest));
    assert_eq!(executing(80).seen(), [head.to_owned(), bar(21, 5)]);
    for columns in [120, 200] {
        assert_eq!(executing(columns).seen(), [head.to_owned(), bar(33, 7)], "{columns}");
    }
}

#[test]
fn the_time_is_that_in_the_status() {
    let mut scene = Scene::of(80, &["api"]);
    assert_eq!(scene.after(5).seen(), ["- api  looking for the deploy · 5s of 60m"]);
    scene.event(EventKind::NotStarted { target: 0 });
    assert_eq!(scene.after(60).seen(), ["- api  no deploy yet 1m5s · 1m of 60m"]);
    scene.found(0, Status::Queued);
    assert_eq!(scene.after(9).seen(), ["* api  queued 9s · 1m of 60m"]);
    scene.changed(0, Status::Executing);
    assert_eq!(scene.after(0).seen(), ["* api  executing 0s · 1m of 60m"]);
    assert_eq!(scene.after(4000).seen(), ["* api  executing 1h6m · 67m of 60m"]);
}

#[test]
fn what_is_asked_of_a_human_is_shown_until_it_is_answered() {
    let mut scene = Scene::of(80, &["api"]);
    scene.found(0, Status::PendingApproval);
    scene.event(EventKind::ApprovalNeeded {
        target: 0,
        place: ApprovalPlace { workflow: "inw1".parse().unwrap(), step: None, approval: None },
        url: None,
        plan: None,
    });
    assert_eq!(
        scene.after(70).seen(),
        ["! api  pending-approval 1m10s · 1m of 60m", "  a human has to approve the plan"]
    );
    scene.changed(0, Status::Executing);
    assert_eq!(scene.after(1).seen(), ["* api  executing 1s · 1m of 60m"]);
}

fn step(name: &str, state: StepState) -> StepStanding {
    StepStanding { name: Line::new(name), state, asks: false }
}

#[test]
fn the_steps_of_the_workflow_have_their_signs() {
    let mut scene = Scene::of(80, &["api"]);
    scene.found(0, Status::Executing);
    let workflow: WorkflowId = "inw1".parse().unwrap();
    let mut steps = vec![
        step("sync and plan", StepState::Succeeded),
        StepStanding { asks: true, ..step("approve the plan", StepState::Running) },
        step("apply", StepState::NotBegun),
    ];
    scene.event(EventKind::Steps { workflow: workflow.clone(), steps: steps.clone() });
    let rows = ["  ✓ sync and plan", "  ! approve the plan  a human has to approve 9s", "  - apply"];
    assert_eq!(scene.after(9).seen()[1..], rows);
    steps[1] = step("approve the plan", StepState::Succeeded);
    steps[2] = step("apply", StepState::Running);
    scene.event(EventKind::Steps { workflow: workflow.clone(), steps: steps.clone() });
    assert_eq!(scene.after(11).seen()[1..], ["  ✓ sync and plan", "  ✓ approve the plan", "  * apply  11s"]);
    steps[2] = step("apply", StepState::Failed);
    scene.event(EventKind::Steps { workflow, steps });
    assert_eq!(scene.after(1).seen()[3], "  ✗ apply  failed");
}

#[test]
fn of_many_steps_those_around_the_one_at_work_are_shown() {
    let cases = [
        (0, "  * step 0  0s", "  … and 30 more"),
        (20, "  ✓ step 19", "  … after 19 more, and 11 more"),
        (39, "  ✓ step 30", "  … after 30 more"),
    ];
    for (done, first, last) in cases {
        let mut scene = Scene::of(80, &["api"]);
        scene.found(0, Status::Executing);
        let state = |number: usize| match number.cmp(&done) {
            Ordering::Less => StepState::Succeeded,
            Ordering::Equal => StepState::Running,
            Ordering::Greater => StepState::NotBegun,
        };
        let steps = (0..40).map(|number| step(&format!("step {number}"), state(number))).collect();
        scene.event(EventKind::Steps { workflow: "inw1".parse().unwrap(), steps });
        let seen = scene.after(0).seen();
        assert_eq!((seen.len(), seen[1].as_str(), seen[11].as_str()), (12, first, last));
        assert!(seen.contains(&format!("  * step {done}  0s")), "{seen:#?}");
    }
}

#[test]
fn several_targets_of_one_workflow_have_it_in_a_row() {
    let mut scene = Scene::of(80, &["api", "worker"]);
    let steps = vec![step("plan", StepState::Succeeded), step("apply api", StepState::Running)];
    scene.event(EventKind::Steps { workflow: "inw1".parse().unwrap(), steps: steps.clone() });
    assert_eq!(scene.after(1).seen()[2], "  * step 2 of 2  apply api");
    // Of several workflows nobody reads all.
    for workflow in ["inw2", "inw1"] {
        scene.event(EventKind::Steps { workflow: workflow.parse().unwrap(), steps: steps.clone() });
        assert_eq!(scene.after(1).seen().len(), 4);
    }
}

#[test]
fn what_is_typed_leaves_nothing_behind() {
    for columns in [40, 80, 120, 200] {
        let mut scene = executing(columns);
        scene.line("0:12  api  found deploy dpl1");
        let before = scene.after(1).seen();
        for typed in ["^C", "^Z", "some words", "^C^C"] {
            scene.echo(typed);
            assert_ne!(scene.seen(), before);
            scene.after(1);
            let after = scene.seen();
            assert_eq!((after.len(), &after[0]), (before.len(), &before[0]), "{after:#?}");
            assert_eq!(after[1..], scene.picture(), "{typed} at {columns}");
        }
    }
}

#[test]
fn lines_stand_above_whatever_their_length() {
    for columns in [40, 80, 120, 200] {
        let mut scene = executing(columns);
        let told = ["GET /v1/installs".to_owned(), "x".repeat(3 * columns), "日本".repeat(columns), String::new()];
        for line in &told {
            scene.line(line);
            scene.line("-v");
            scene.after(1);
        }
        let told = told.iter().flat_map(|line| [line.clone(), "-v".to_owned()]);
        let expected: Vec<String> = told.chain(scene.picture()).collect();
        assert_eq!(scene.lines(), expected, "{columns}");
    }
}

#[test]
fn another_width_leaves_no_ghosts() {
    for columns in [40, 80, 120, 200] {
        let mut scenes = [Scene::of(columns, &["api", "worker"]), Scene::clipping(columns, &["api", "worker"])];
        for scene in &mut scenes {
            scene.line("told before");
            scene.found(0, Status::Executing);
            for width in [40, 39, 120, 41, 200, 80, 60, columns] {
                scene.resize(width);
                scene.after(1);
                let expected: Vec<String> = ["told before".to_owned()].into_iter().chain(scene.picture()).collect();
                assert_eq!(scene.lines(), expected, "from {columns} to {width}");
            }
        }
    }
}

#[test]
fn wide_signs_never_break_a_row() {
    let names = [
        "日本語の長い名前のコンポーネント",
        "🇩🇪🇫🇷 flags and 👩🏽‍🚀 suits",
        "☃️☃️☃️☃️☃️☃️☃️☃️☃️☃️",
        "Ωμέγα αβγδ",
        "e\u{301}te\u{301}",
    ];
    for columns in [40, 80, 120, 200] {
        for count in [1, names.len()] {
            let mut scene = Scene::of(columns, &names[..count]);
            (0..count).for_each(|target| scene.found(target, Status::from("状態が長い")));
            for _ in 0..40 {
                scene.after(1);
            }
            // A row that was broken, or that made the terminal scroll, would be there twice, or be one row more.
            assert_eq!(scene.lines().len(), scene.picture().len(), "{count} at {columns}: {:#?}", scene.lines());
            assert!(scene.seen().iter().any(|row| row.contains("日本")), "{:#?}", scene.seen());
        }
    }
}

#[test]
fn a_fleet_is_counted_and_those_that_need_a_look_come_first() {
    let names: Vec<String> = (0..25).map(|number| format!("component-{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut scene = Scene::of(80, &names);
    for target in 0..25 {
        scene.found(target, Status::Executing);
    }
    scene.after(60);
    (0..17).for_each(|target| scene.ended(target, Verdict::Passed));
    scene.ended(24, Verdict::Failed);
    scene.after(60);
    scene.changed(20, Status::Planning);
    scene.changed(21, Status::Error);
    let seen = scene.after(10).seen();
    let expected = [
        "17 of 25 passed, 7 going, 1 failed · 2m of 60m",
        "  ━━━━━━━━━━━━━━━━━━━───────",
        "! component-21  error 10s",
        "✗ component-24  failed",
        "* component-20  planning 10s",
        "* component-17  executing 2m10s",
    ];
    assert_eq!(seen[..6], expected);
    assert!(seen[10].starts_with("✓ component-"), "those that passed come last: {seen:#?}");
    assert_eq!((seen.len(), seen[11].as_str()), (12, "  … and 16 more"), "{seen:#?}");
    for (columns, others) in [(40, "  … and 17 more"), (120, "  … and 16 more"), (200, "  … and 16 more")] {
        scene.resize(columns);
        let seen = scene.after(1).seen();
        assert_eq!((seen.len(), seen[11].as_str()), (12, others), "{columns}: {seen:#?}");
        assert!(seen.iter().any(|row| row.starts_with("✗ component-24  failed")), "{columns}: {seen:#?}");
    }
    scene.resize(80);
    // All are there once there is room, in their own order.
    scene.size.rows = 60;
    scene.tty.0.lock().unwrap().resize(80, 60);
    let seen = scene.after(0).seen();
    let shown: Vec<&str> = seen[2..].iter().map(|row| &row[row.find("component").unwrap()..][..12]).collect();
    assert_eq!(shown, names);
}

#[test]
fn at_the_end_there_are_only_lines() {
    let mut scene = executing(80);
    scene.line("0:12  api  found deploy dpl1");
    scene.after(1);
    scene.echo("^C");
    scene.take(Message::Still);
    scene.line("interrupted");
    scene.after(1);
    assert_eq!(scene.lines(), ["0:12  api  found deploy dpl1", "interrupted"]);
}

#[test]
fn the_end_waits_for_nobody_who_could_still_say_something() {
    let stream = super::open(|| Ok(io::sink()), PLAIN, true).unwrap();
    let other = stream.sender();
    stream.send(Message::Watch { began: Instant::now(), limit: Duration::from_secs(3600) });
    stream.send(Message::End);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(stream.finish(Duration::from_secs(30))).unwrap();
    drop(other);
}

#[test]
fn after_a_stop_the_picture_is_below_what_the_shell_has_said() {
    let mut scene = executing(80);
    scene.line("told before");
    scene.after(1);
    scene.echo("^Z");
    // What is done before the program stops.
    scene.live.is_away = true;
    scene.after(0);
    assert_eq!(scene.lines(), ["told before"]);
    scene.echo("[1]+  Stopped   nuon-gate wait\r\n$ fg\r\nnuon-gate wait\r\n");
    scene.take(Message::Resume);
    let shell = ["told before", "[1]+  Stopped   nuon-gate wait", "$ fg", "nuon-gate wait"].map(str::to_owned);
    scene.after(60);
    assert_eq!(scene.lines(), shell.into_iter().chain(scene.picture()).collect::<Vec<_>>());
}

#[test]
fn nothing_is_painted_where_nothing_fits() {
    for (columns, rows) in [(11, 24), (80, 2), (1, 1)] {
        let mut scene = executing(80);
        scene.size = Size { columns, rows };
        scene.tty.0.lock().unwrap().resize(columns, rows);
        scene.after(1);
        assert!(scene.picture().is_empty());
    }
}

#[test]
fn names_lead_to_pages() {
    let mut scene = Scene::at(80, &["api"], true, Look { links: true, colour: true });
    scene.found(0, Status::PendingApproval);
    let url = Some(Line::new("https://app.nuon.example/approve"));
    scene.event(EventKind::ApprovalNeeded {
        target: 0,
        place: ApprovalPlace { workflow: "inw1".parse().unwrap(), step: None, approval: None },
        url,
        plan: None,
    });
    scene.after(1);
    let (board, _) = scene.live.shown.as_ref().unwrap();
    let rows = super::frame(board, scene.size, scene.now);
    let written: String = rows.iter().map(|row| row.write(Look { colour: false, links: true })).collect();
    let link = "\u{1b}]8;;https://app.nuon.example/approve\u{1b}\\a human has to approve the plan\u{1b}]8;;\u{1b}\\";
    assert!(written.contains(link), "{written:?}");
    // The terminal shows no more of it than the text.
    assert_eq!(scene.seen()[1], "  a human has to approve the plan");
}

/// What can happen at a terminal.
#[derive(Debug, Clone)]
enum Happening {
    Line(String),
    Status(usize, String),
    Echo(&'static str),
    Resize(usize),
    Time(u64),
}

fn happening() -> impl Strategy<Value = Happening> {
    let signs =
        prop::sample::select(vec!["a", " ", "日本", "🇩🇪", "é", "☃️", "👩🏽‍🚀", "Ω", "…", "\u{1b}[2J", "\r", "\u{202e}"]);
    let text = prop::collection::vec(signs, 0..60).prop_map(|signs| signs.concat());
    prop_oneof![
        text.clone().prop_map(|text| Happening::Line(Line::new(text).plain().to_owned())),
        (0..3_usize, text).prop_map(|(target, status)| Happening::Status(target, status)),
        prop::sample::select(vec!["^C", "^Z", "words"]).prop_map(Happening::Echo),
        (60..120_usize).prop_map(Happening::Resize),
        (0..100_u64).prop_map(Happening::Time),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_there_are_the_lines_and_one_picture(
        names in prop::collection::vec("[a日Ω🇩]{1,60}", 3),
        happenings in prop::collection::vec(happening(), 1..30),
    ) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut scene = Scene::of(80, &names);
        // What this terminal pushes above its first row when it becomes narrower, nobody can paint over.
        let mut told: Vec<String> = (0..24).map(|number| format!("line {number}")).collect();
        told.iter().for_each(|line| scene.line(line));
        scene.after(1);
        for happening in happenings {
            match happening {
                Happening::Line(line) => {
                    scene.line(&line);
                    told.push(line);
                }
                Happening::Status(target, status) => scene.found(target, Status::from(status.as_str())),
                Happening::Echo(text) => scene.echo(text),
                Happening::Resize(columns) => {
                    scene.resize(columns);
                    scene.after(0);
                }
                Happening::Time(seconds) => drop(scene.after(seconds)),
            }
        }
        scene.after(1);
        told.extend(scene.picture());
        // Where a wide sign did not fit, the terminal has left a blank.
        let solid = |lines: Vec<String>| lines.iter().map(|line| line.replace(' ', "")).collect::<Vec<_>>();
        prop_assert_eq!(solid(scene.lines()), solid(trimmed(told)));
    }
}
