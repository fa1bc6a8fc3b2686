//! Rows that do not say when they were created.

use serde_json::{Value, json};

use super::said::{created, detail, done, list, newest, no_newest, nothing, of, row, with, without, workflow};
use super::scene::{IN_PROGRESS, NOT_STARTED, Scene, Then, id, latest, named, needs, own, passes_by, play, search};
use super::superseding::{its_workflow, newer, on, superseded};
use super::{OTHER, OWN, WHICH};
use crate::Hold;
use crate::pins::{Baseline, Pins};
use crate::watch::settings::OnSuperseded;

/// A lagging replica shows a row without a time, which is older than the followed one.
pub(super) fn scenes() -> Vec<Scene> {
    let (active, queued) = (row(OWN, "active"), row(OWN, "queued"));
    let older = created(of(row(OTHER, "active"), "iwf-2"), -90);
    let timeless = without(older.clone(), "created_at");
    let shown = || [newest(&timeless), detail(&older)];
    let at_work = || workflow("iwf-1", "in-progress", OWN, "in-progress");
    let [row_without_a_time, its_detail] = shown();
    let by_build = || Pins { build: Some("bld-1".parse().unwrap()), ..Pins::default() };
    let undated = |row: &Value| without(with(row.clone(), &json!({ "build_id": "bld-1" })), "created_at");
    let at_work_on_other = || workflow("iwf-2", "success", OTHER, "success");
    let built = |row: &Value| with(row.clone(), &json!({ "build_id": "bld-1" }));
    let after = || Pins { deploy: Some(id(OWN)), after: Some(Baseline::Deploy(id(OTHER))), ..Pins::default() };
    let part = |row: Value, part: &str| with(row, &json!({ "install_component_id": part }));
    let theirs = part(created(of(row(OTHER, "active"), "iwf-2"), -20), "inc-db");
    vec![
        latest("followed: not by a row whose detail says that it is older", WHICH)
            .poll(0, [newest(&queued)])
            .then(IN_PROGRESS)
            .wide_poll(2, [detail(&queued), row_without_a_time, its_detail, at_work()])
            .then(IN_PROGRESS)
            .wide_poll(4, [detail(&active), newest(&timeless), done("iwf-1"), list(&[&active, &timeless])])
            .then(passes_by("iwf-1"))
            .reports(["found dpl-web by latest"]),
        latest("followed: not by a row that was once shown to be older", WHICH)
            .poll(0, [newest(&queued)])
            .then(IN_PROGRESS)
            .wide_poll(2, [detail(&queued), newest(&older), at_work()])
            .then(IN_PROGRESS)
            .poll(4, [detail(&active), newest(&timeless), done("iwf-1"), list(&[&active, &timeless])])
            .then(passes_by("iwf-1")),
        search("followed: not by a row that was shown to be older while it was searched for", WHICH, by_build())
            .with(|settings| settings.on_superseded = Some(OnSuperseded::Follow))
            .poll(0, [newest(&older), list(&[&older])])
            .then(NOT_STARTED)
            .poll(2, [newest(&built(&queued))])
            .then(IN_PROGRESS)
            .poll(4, [detail(&built(&active)), newest(&timeless), done("iwf-1"), list(&[&active, &timeless])])
            .then(passes_by("iwf-1")),
        search(
            "superseded: not by another component's deploy that was shown while it was searched for",
            WHICH,
            by_build(),
        )
        .with(|settings| settings.on_superseded = Some(OnSuperseded::Fail))
        .poll(0, [newest(&theirs), list(&[&theirs])])
        .then(NOT_STARTED)
        .poll(2, [newest(&part(built(&queued), "inc-web"))])
        .then(IN_PROGRESS)
        .poll(4, [detail(&part(built(&active), "inc-web")), newest(&part(built(&active), "inc-web")), done("iwf-1")])
        .then(passes_by("iwf-1")),
        own("superseded: not by a row without a time of a list that lacks the deploy", WHICH)
            .with(|settings| settings.on_superseded = Some(OnSuperseded::Fail))
            .poll(
                0,
                [
                    detail(&active),
                    no_newest(),
                    list(&[&without(newer("queued"), "created_at")]),
                    detail(&without(newer("queued"), "created_at")),
                    its_workflow(),
                    done("iwf-1"),
                ],
            )
            .then(Then::Holds(Hold::Outdated)),
        search("followed: not by another component's deploy that was shown as newer", WHICH, by_build())
            .with(|settings| settings.on_superseded = Some(OnSuperseded::Follow))
            .poll(0, [newest(&theirs), list(&[&theirs])])
            .then(NOT_STARTED)
            .wide_poll(
                2,
                [newest(&part(built(&queued), "inc-web")), newest(&theirs), detail(&part(built(&queued), "inc-web"))],
            )
            .then(needs("latest"))
            .reports(["found dpl-web by build"]),
        search("superseded: by what is shown after another component's deploy", WHICH, by_build())
            .with(|settings| settings.on_superseded = Some(OnSuperseded::Fail))
            .poll(0, [newest(&theirs), list(&[&theirs])])
            .then(NOT_STARTED)
            .poll(2, [newest(&part(built(&queued), "inc-web"))])
            .then(IN_PROGRESS)
            .poll(4, [detail(&part(built(&active), "inc-web")), newest(&part(newer("queued"), "inc-web"))])
            .then(needs("workflow iwf-2")),
        search("superseded: not by what was the newest before, where the own row has no time", WHICH, by_build())
            .with(|settings| settings.on_superseded = Some(OnSuperseded::Fail))
            .poll(0, [newest(&older), list(&[&older])])
            .then(NOT_STARTED)
            .poll(2, [newest(&undated(&queued))])
            .then(IN_PROGRESS)
            .poll(4, [detail(&undated(&active)), newest(&undated(&active)), done("iwf-1")])
            .then(passes_by("iwf-1")),
        search("superseded: by what is shown as the newest after it, where the own row has no time", WHICH, by_build())
            .with(|settings| settings.on_superseded = Some(OnSuperseded::Fail))
            .poll(0, [newest(&undated(&queued))])
            .then(IN_PROGRESS)
            .poll(2, [detail(&undated(&active)), newest(&older), list(&[&older]), at_work_on_other(), done("iwf-1")])
            .then(Then::Holds(Hold::Outdated))
            .poll(
                4,
                [
                    detail(&undated(&active)),
                    newest(&older),
                    list(&[&older, &undated(&active)]),
                    at_work_on_other(),
                    done("iwf-1"),
                ],
            )
            .then(superseded()),
        search("superseded: not by the newest of a list that lacks the own row, which has no time", WHICH, by_build())
            .with(|settings| settings.on_superseded = Some(OnSuperseded::Fail))
            .poll(0, [newest(&undated(&queued))])
            .then(IN_PROGRESS)
            .poll(2, [detail(&undated(&active)), no_newest(), list(&[&older]), at_work_on_other(), done("iwf-1")])
            .then(Then::Holds(Hold::Outdated))
            .poll(
                4,
                [
                    detail(&undated(&active)),
                    no_newest(),
                    list(&[&older, &undated(&active)]),
                    at_work_on_other(),
                    done("iwf-1"),
                ],
            )
            .then(superseded()),
        search("followed: not before the detail of the own row, which has no time, has none either", WHICH, by_build())
            .with(|settings| settings.on_superseded = Some(OnSuperseded::Follow))
            .wide_poll(0, [newest(&older), list(&[&undated(&queued), &older]), newest(&older), detail(&built(&queued))])
            .then(needs("workflow iwf-1")),
        named("superseded: not by what it has to be newer than", WHICH, after())
            .with(|settings| settings.on_superseded = Some(OnSuperseded::Fail))
            .poll(0, [detail(&active), detail(&older), newest(&timeless), done("iwf-1"), list(&[&active, &timeless])])
            .then(passes_by("iwf-1")),
        latest("followed: not by a row whose detail cannot be read", WHICH)
            .poll(0, [newest(&queued)])
            .then(IN_PROGRESS)
            .wide_poll(2, [detail(&queued), newest(&timeless), nothing("deploy dpl-db")])
            .then(Then::NoAnswer),
        latest("followed: not where the own row has lost its time", WHICH)
            .poll(0, [newest(&queued)])
            .then(IN_PROGRESS)
            .poll(
                2,
                [
                    detail(&without(active.clone(), "created_at")),
                    newest(&older),
                    done("iwf-1"),
                    list(&[&active, &older]),
                ],
            )
            .then(passes_by("iwf-1")),
        on("ignored: what cannot be read in detail", OnSuperseded::Ignore)
            .poll(0, [detail(&active), newest(&timeless), nothing("deploy dpl-db"), done("iwf-1")])
            .then(passes_by("iwf-1")),
    ]
}

#[test]
fn rows_without_a_time() {
    play(scenes());
}
