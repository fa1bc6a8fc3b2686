//! Tests of the live view, on the screens of terminals.

#![cfg(test)]

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration;

use nuon_gate_core::model::{Plan, Status, StepStanding, StepState};
use nuon_gate_core::watch::EventKind;
use nuon_gate_core::{ApprovalPlace, Hold, Line, RemoteText, Verdict, WorkflowId};

use super::Styling;
use super::scene::{Scene, executing};

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
    assert_eq!(scene.after(5).seen(), ["- api  waiting for the deploy · 5s of 60m"]);
    scene.event(EventKind::NotStarted { target: 0 });
    assert_eq!(scene.after(60).seen(), ["- api  no deploy yet 1m5s · 1m of 60m"]);
    scene.found(0, Status::Queued);
    assert_eq!(scene.after(9).seen(), ["* api  queued 9s · 1m of 60m"]);
    // It had been there before anybody looked.
    scene.found_after(0, Status::Queued, Duration::from_secs(600));
    assert_eq!(scene.after(9).seen(), ["* api  queued 10m9s · 1m of 60m"]);
    scene.changed(0, Status::Executing);
    assert_eq!(scene.after(0).seen(), ["* api  executing 0s · 1m of 60m"]);
    assert_eq!(scene.after(4000).seen(), ["* api  executing 1h6m · 68m of 60m"]);
}

#[test]
fn what_is_asked_of_a_human_is_shown_until_it_is_answered() {
    let mut scene = Scene::of(80, &["api"]);
    scene.found(0, Status::PendingApproval);
    scene.event(EventKind::ApprovalNeeded {
        target: Some(0),
        place: ApprovalPlace { workflow: "inw1".parse().unwrap(), step: None, approval: None },
        step: None,
        url: None,
        plan: Some(Arc::new(Plan { add: 3, change: 1, destroy: 2, destroyed: vec![Line::new("aws_iam_role.old")] })),
    });
    assert_eq!(
        scene.after(70).seen(),
        [
            "! api  pending-approval 1m10s · 1m of 60m",
            "  a human has to approve the plan: 3 to add, 1 to change, 2 to destroy",
            "  (aws_iam_role.old, …)",
        ]
    );
    scene.changed(0, Status::Executing);
    assert_eq!(scene.after(1).seen(), ["* api  executing 1s · 1m of 60m"]);
}

#[test]
fn why_a_deploy_is_held_has_a_few_rows() {
    let words =
        "nothing of the component was observed since the deploy ended; Deployment api is unknown: no report yet";
    let whole = format!("waiting for health: not known yet ({words})");
    for (columns, rows) in [(40, 3), (80, 2), (120, 2), (200, 1)] {
        let mut scene = Scene::of(columns, &["api"]);
        scene.found(0, Status::Active);
        let hold = Hold::Unseen(RemoteText::new(words));
        scene.event(EventKind::Held { target: 0, status: Status::Active, hold });
        let seen = scene.after(1).seen();
        let note: Vec<&str> = seen[1..].iter().map(|row| row.strip_prefix("  ").unwrap()).collect();
        assert_eq!(note.len(), rows, "{columns}: {seen:#?}");
        match columns {
            40 => assert!(whole.starts_with(note.join(" ").trim_end_matches('…')), "{seen:#?}"),
            _ => assert_eq!(note.join(" "), whole, "{columns}"),
        }
    }
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
    // Nobody knows since when.
    let rows = ["  ✓ sync and plan", "  ! approve the plan  a human has to approve", "  - apply"];
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
        (0, "  * step 0", "  … and 30 more"),
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
        assert!(seen.contains(&format!("  * step {done}")), "{seen:#?}");
    }
}

#[test]
fn several_targets_of_one_workflow_have_it_in_a_row() {
    let mut scene = Scene::of(80, &["api", "worker"]);
    let steps = vec![step("plan", StepState::Succeeded), step("apply api", StepState::Running)];
    scene.event(EventKind::Steps { workflow: "inw1".parse().unwrap(), steps: steps.clone() });
    assert_eq!(scene.after(1).seen()[2], "  * step 2 of 2  apply api");
    // The steps of several workflows are not shown.
    for workflow in ["inw2", "inw1"] {
        scene.event(EventKind::Steps { workflow: workflow.parse().unwrap(), steps: steps.clone() });
        assert_eq!(scene.after(1).seen().len(), 4);
    }
}

#[test]
fn a_fleet_is_counted_and_those_that_need_attention_come_first() {
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
    // With enough room all are shown, in their own order.
    scene.size.rows = 60;
    scene.tty.0.lock().unwrap().resize(80, 60);
    let seen = scene.after(0).seen();
    let shown: Vec<&str> = seen[2..].iter().map(|row| &row[row.find("component").unwrap()..][..12]).collect();
    assert_eq!(shown, names);
}

#[test]
fn names_lead_to_pages() {
    let mut scene = Scene::at(80, &["api"], true, Styling { links: true, colour: true });
    scene.found(0, Status::PendingApproval);
    let url = Some(Line::new("https://app.nuon.example/approve"));
    scene.event(EventKind::ApprovalNeeded {
        target: Some(0),
        place: ApprovalPlace { workflow: "inw1".parse().unwrap(), step: None, approval: None },
        step: None,
        url,
        plan: None,
    });
    scene.after(1);
    let (board, _) = scene.live.shown.as_ref().unwrap();
    let rows = super::frame(board, scene.size, scene.now);
    let written: String = rows.iter().map(|row| row.write(Styling { colour: false, links: true })).collect();
    let link = "\u{1b}]8;;https://app.nuon.example/approve\u{1b}\\a human has to approve the plan\u{1b}]8;;\u{1b}\\";
    assert!(written.contains(link), "{written:?}");
    // The terminal shows only the text of a link.
    assert_eq!(scene.seen()[1], "  a human has to approve the plan");
}
