//! The four promises, and what holds of every run besides.

use std::collections::HashSet;
use std::time::Duration;

use nuon_gate_core::model::Deploy;
use nuon_gate_core::watch::{EventKind, Mode, Request};
use nuon_gate_core::{DeployId, ErrorClass, Judgement, Kind, Refusal, Require, Rules, Verdict, WatchSettings};
use proptest::prelude::*;

use super::{
    Answered, PINNED_BUILD, PINNED_COMMIT, Pin, Played, Scene, build_of, commit_of, generation_of, is_about, play,
};
use crate::virtual_time::{Asked, Run, ms};

/// Plays a scene and checks every promise.
pub(crate) fn all_are_kept(scene: &Scene) -> Result<(), TestCaseError> {
    let played = play(scene);
    passes_are_right(scene, &played)?;
    ends_in_time(scene, &played)?;
    asks_seldom_enough(scene, &played)?;
    keeps_every_gap(scene, &played)?;
    is_consistent(scene, &played)?;
    // 4. The same seed and the same answers at the same times give the same events.
    let again = play(scene);
    prop_assert_eq!(&played.run.events, &again.run.events);
    prop_assert_eq!(&played.run.asked, &again.run.asked);
    Ok(())
}

/// 1. A target passes only if the newest answer about its locked deploy, by whichever endpoint, had a passing status.
fn passes_are_right(scene: &Scene, played: &Played) -> Result<(), TestCaseError> {
    for (index, target) in played.run.report.targets.iter().enumerate() {
        if target.verdict != Verdict::Passed {
            continue;
        }
        let deploy = target.deploy.as_ref().unwrap();
        prop_assert!(!deploy.is_plan_only(), "a plan passed");
        let ended = played.run.events.iter().find_map(|event| match event.kind {
            EventKind::Ended { target, .. } if target == Some(index) => Some(event.at.elapsed()),
            _ => None,
        });
        let of_target = played.run.asked.iter().zip(&played.answers);
        let of_target: Vec<_> = of_target.filter(|(asked, _)| is_about(&asked.request, index as u64)).collect();
        let found = played.run.events.iter().find_map(|event| match &event.kind {
            EventKind::Found { target, deploy: found, .. } if *target == index && Some(found) == deploy.id.as_ref() => {
                Some(event.at.elapsed())
            }
            _ => None,
        });
        let about = newest_about(&of_target, deploy.id.as_ref(), found, ended);
        let Some(about) = about else {
            return Err(TestCaseError::fail("passed without an answer"));
        };
        // What else the look read before it passed is beside the deploy.
        let since: Vec<_> = of_target[about + 1..].iter().map(|(asked, _)| asked.what()).collect();
        let asked_anew = of_target[about + 1..].iter().any(|(asked, _)| matches!(asked.request, Request::Deploy(..)));
        prop_assert!(!asked_anew, "passed on an answer that was older than one before: {:?}", since);
        prop_assert!(
            since.iter().all(|what| ["latest", "workflow", "dashboard"].contains(what)),
            "asked since: {:?}",
            since
        );
        prop_assert!(since.len() <= 3, "asked since: {:?}", since);
        prop_assert_eq!(of_target.last().map(|(_, answer)| answer.at), ended, "an answer is what ended it");
        let newest = of_target[about].1.sent.as_ref().unwrap();
        let kind = Kind::from(newest.install_deploy_type.as_ref());
        prop_assert_eq!(scene.settings.rules.judge(newest.current_status(), kind), Judgement::Passed);
        // What takes the place of a deploy that matched belongs to the same workflow; whatever came first had to match.
        let pins = scene.pin.pins();
        prop_assert!(!target.replaced.contains(deploy.id.as_ref().unwrap()));
        match target.replaced.first() {
            None => prop_assert!(pins.match_deploy(newest), "{:?} does not match {:?}", deploy.id, pins),
            Some(first) => {
                prop_assert!(matches_by_id(scene.pin, first.as_str()), "{} does not match {:?}", first, pins);
            }
        }
    }
    Ok(())
}

/// Returns the position of the newest answer about a deploy since it was `found`: the last that no answer before it is
/// newer than by the server's own account. Where five in two minutes are older than one that does not last, it is the
/// account that is wrong.
fn newest_about(
    answers: &[(&Asked, &Answered)],
    deploy: Option<&DeployId>,
    found: Option<Duration>,
    ended: Option<Duration>,
) -> Option<usize> {
    let about = answers.iter().enumerate().filter_map(|(index, (_, answer))| {
        let sent = answer.sent.as_ref().filter(|sent| sent.id.as_ref() == deploy && Some(answer.at) <= ended)?;
        Some((index, answer.at, sent))
    });
    let about: Vec<_> = about.collect();
    // A newer deploy is followed only once what else belongs to the look has been read.
    let first = about.iter().rposition(|(_, at, _)| Some(*at) <= found).unwrap_or(0);
    let mut newest: Option<(usize, &Deploy)> = None;
    let mut older: Vec<Duration> = Vec::new();
    for (index, at, sent) in about.into_iter().skip(first) {
        if let Some((_, newest)) = newest
            && sent.updated_at.zip(newest.updated_at).is_some_and(|(own, newest)| own < newest)
        {
            older.push(at);
            let lasts = Rules::default().judge(newest.current_status(), Kind::Apply) != Judgement::Pending;
            if lasts || older.len() < 5 || at < older[0] + Duration::from_secs(120) {
                continue;
            }
        }
        newest = Some((index, sent));
        older.clear();
    }
    newest.map(|(index, _)| index)
}

/// Tells whether a deploy with this id matches.
fn matches_by_id(pin: Pin, id: &str) -> bool {
    match pin {
        Pin::None => true,
        Pin::Workflow => generation_of(id) / 2 == 1,
        Pin::Deploy => id == "dpl0-0",
        Pin::Build => build_of(id) == PINNED_BUILD,
        Pin::Commit => commit_of(id).starts_with(PINNED_COMMIT),
        Pin::After => generation_of(id) > 1,
        Pin::Since => generation_of(id) >= 2,
    }
}

/// 2. The watch ends by its deadline plus one request's time limit; after a signal within a second.
fn ends_in_time(scene: &Scene, played: &Played) -> Result<(), TestCaseError> {
    let WatchSettings { clocks, request_timeout, mode, .. } = &scene.settings;
    let elapsed = played.run.report.elapsed;
    let end = if *mode == Mode::Glance { *request_timeout } else { clocks.total + *request_timeout };
    prop_assert!(elapsed <= end, "{:?} > {:?}", elapsed, end);
    if let Some((at, signal)) = scene.signals.first().filter(|(at, _)| *at < elapsed) {
        prop_assert!(elapsed <= *at + ms(1000), "{:?} after a signal at {:?}", elapsed, at);
        prop_assert_eq!(played.run.report.verdict, Verdict::Interrupted(*signal));
    }
    let last_question = played.run.asked.iter().map(|asked| asked.at + asked.timeout).max();
    prop_assert!(last_question <= Some(end), "a question may take until {:?}", last_question);
    Ok(())
}

/// 3. It never asks about the same target more often than its intervals allow, but for the reads that one look needs and
///    the last look when a clock rings.
fn asks_seldom_enough(scene: &Scene, played: &Played) -> Result<(), TestCaseError> {
    let WatchSettings { clocks, intervals, .. } = &scene.settings;
    // The looks that no interval holds back: each clock's last, the deadline's, a signal's, and the first. The outage
    // clock has one for each time that it is about to ring and the API comes back.
    let good = played.run.asked.len() as u32;
    let outages =
        clocks.outage.map_or(0, |limit| (played.run.report.elapsed.as_millis() / limit.as_millis()) as u32 + 1);
    let extra = 4 + outages;
    let regular = (played.run.report.elapsed.as_millis() / intervals.min().as_millis()) as u32;
    // A look is at most a replaced row, the list, what is newer, the workflow, the dashboard, the install's name, the
    // successor's details, and once more if the workflow has ended without it.
    const READS: u32 = 8;
    let most = (regular + extra) * READS * scene.targets as u32;
    prop_assert!(good <= most, "{} questions, at most {} allowed", good, most);
    prop_assert!(played.run.most_at_once <= scene.targets * 2 + 1, "questions pile up");
    Ok(())
}

/// 3, closely, where no clock that moves and no signal asks for looks of its own: a question that opens a look comes no
/// sooner after the end of the look before than the shortest interval, but at the ring of a clock.
fn keeps_every_gap(scene: &Scene, played: &Played) -> Result<(), TestCaseError> {
    let WatchSettings { clocks, intervals, mode, links, .. } = &scene.settings;
    // A question about the install does not say which target goes on with it.
    if *links || clocks.outage.is_some() || clocks.stall.is_some() || !scene.signals.is_empty() || *mode == Mode::Glance
    {
        return Ok(());
    }
    let pauses: HashSet<Duration> = played.answers.iter().filter_map(|answer| answer.paused_until).collect();
    for number in 0..scene.targets as u64 {
        let mut before: Option<Duration> = None;
        for (Asked { at, request, .. }, answer) in played.run.asked.iter().zip(&played.answers) {
            if !is_about(request, number) {
                continue;
            }
            // The install is asked about before the component.
            let goes_on = matches!(request, Request::InstallComponent(..)) || before == Some(*at);
            let rings = *at >= clocks.total || clocks.start == Some(*at);
            if let Some(end) = before.filter(|_| !goes_on && !rings && !pauses.contains(at)) {
                prop_assert!(*at - end >= intervals.min(), "{:?} at {:?}, after a look until {:?}", request, at, end);
            }
            before = Some(answer.at);
        }
    }
    Ok(())
}

/// What holds of every run besides.
fn is_consistent(scene: &Scene, played: &Played) -> Result<(), TestCaseError> {
    let Run { events, report, refusal, .. } = &played.run;
    prop_assert!(events.is_sorted_by_key(|event| event.at));
    // Nothing was waited for then, and nothing is told.
    let reports = if refusal.is_some() { &[] } else { report.targets.as_slice() };
    for (index, target) in reports.iter().enumerate() {
        let ends = events
            .iter()
            .filter(|event| matches!(event.kind, EventKind::Ended { target, .. } if target == Some(index)));
        prop_assert_eq!(ends.count(), 1, "target {} ends once", index);
        prop_assert_eq!(target.reason.is_none(), target.verdict == Verdict::Passed);
        prop_assert_eq!(target.matched_by.is_some(), target.deploy.is_some());
        prop_assert!(target.clock.is_none() || matches!(target.verdict, Verdict::TimedOut | Verdict::Inconclusive));
    }
    let passed = report.targets.iter().filter(|target| target.verdict == Verdict::Passed).count();
    let needed = match scene.settings.require {
        Require::All => scene.targets,
        Require::Any => 1,
        Require::AtLeast(needed) => needed.get(),
    };
    if report.verdict == Verdict::Passed {
        prop_assert!(passed >= needed && refusal.is_none());
    } else if !matches!(report.verdict, Verdict::Interrupted(_)) {
        prop_assert!(passed < needed);
    }
    if let Some(refusal) = refusal {
        prop_assert!(matches!(refusal, Refusal::Untrusted(error) if error.class() == ErrorClass::Untrusted));
    }
    Ok(())
}
