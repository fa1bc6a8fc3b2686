//! Tests: typing, resizing, stopping and other output leave the screen intact.

#![cfg(test)]

use std::io;
use std::time::Duration;

use nuon_gate_core::Line;
use nuon_gate_core::model::Status;
use proptest::prelude::*;
use tokio::time::Instant;

use super::scene::{PLAIN, Scene, executing, trimmed};
use super::{Message, Size};

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
        let lines = ["GET /v1/installs".to_owned(), "x".repeat(3 * columns), "日本".repeat(columns), String::new()];
        for line in &lines {
            scene.line(line);
            scene.line("-v");
            scene.after(1);
        }
        let lines = lines.iter().flat_map(|line| [line.clone(), "-v".to_owned()]);
        let expected: Vec<String> = lines.chain(scene.picture()).collect();
        assert_eq!(scene.lines(), expected, "{columns}");
    }
}

#[test]
fn another_width_leaves_no_ghosts() {
    for columns in [40, 80, 120, 200] {
        let mut scenes = [Scene::of(columns, &["api", "worker"]), Scene::clipping(columns, &["api", "worker"])];
        for scene in &mut scenes {
            scene.line("line above");
            scene.found(0, Status::Executing);
            for width in [40, 39, 120, 41, 200, 80, 60, columns] {
                scene.resize(width);
                scene.after(1);
                let expected: Vec<String> = ["line above".to_owned()].into_iter().chain(scene.picture()).collect();
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
            // A row that wrapped, or that made the terminal scroll, would appear twice, or add a row.
            assert_eq!(scene.lines().len(), scene.picture().len(), "{count} at {columns}: {:#?}", scene.lines());
            assert!(scene.seen().iter().any(|row| row.contains("日本")), "{:#?}", scene.seen());
        }
    }
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
fn the_end_does_not_wait_for_other_senders() {
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
    scene.line("line above");
    scene.after(1);
    scene.echo("^Z");
    // The repaint before the program stops.
    scene.live.is_away = true;
    scene.after(0);
    assert_eq!(scene.lines(), ["line above"]);
    scene.echo("[1]+  Stopped   nuon-gate wait\r\n$ fg\r\nnuon-gate wait\r\n");
    scene.take(Message::Resume);
    let shell = ["line above", "[1]+  Stopped   nuon-gate wait", "$ fg", "nuon-gate wait"].map(str::to_owned);
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

/// Something that happens at a terminal.
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
        // Rows that this terminal pushes above its first row when it becomes narrower cannot be repainted.
        let mut lines: Vec<String> = (0..24).map(|number| format!("line {number}")).collect();
        lines.iter().for_each(|line| scene.line(line));
        scene.after(1);
        for happening in happenings {
            match happening {
                Happening::Line(line) => {
                    scene.line(&line);
                    lines.push(line);
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
        lines.extend(scene.picture());
        // Where a wide character did not fit, the terminal leaves a blank.
        let solid = |lines: Vec<String>| lines.iter().map(|line| line.replace(' ', "")).collect::<Vec<_>>();
        prop_assert_eq!(solid(scene.lines()), solid(trimmed(lines)));
    }
}
