//! How errors in a row are handled.

use jiff::Timestamp;

use super::*;
use crate::watch::settings::{Mode, WatchSettings};

/// One answer after another, or several like it.
#[derive(Clone, Copy)]
enum Said {
    Good(&'static str),
    Status(&'static str, u16),
    Foreign(&'static str),
    Elsewhere(&'static str),
}
use Said::{Elsewhere, Foreign, Good, Status};

const SOME: About = About { exists: false, is_own: false, named: false, shown: false, is_unnamed_workflow: false };
const NAMED: About = About { named: true, ..SOME };
const SHOWN: About = About { shown: true, ..SOME };
const OWN: About = About { is_own: true, ..SOME };
const EXISTS: About = About { exists: true, ..OWN };
const OWN_WORKFLOW: About = About { is_unnamed_workflow: true, ..SOME };

/// Its name, whether the API has answered before, the mode, what is known, the answers, and how the last one is
/// handled.
type Case<'a> = (&'a str, bool, Mode, About, &'a [Said], &'a str);

fn request(id: &str) -> Request {
    match id.strip_prefix("inw") {
        Some(_) => Request::Workflow(None, id.parse().unwrap()),
        None => Request::Deploy("inl-1".parse().unwrap(), None, id.parse().unwrap()),
    }
}

/// How the last of these answers is handled. `answered`: the API has answered before.
fn last(answered: bool, mode: Mode, about: About, answers: &[Said]) -> &'static str {
    let mut shared = Shared::new(WatchSettings { mode, ..WatchSettings::default() }, Timestamp::UNIX_EPOCH);
    let mut streaks = Streaks::default();
    if answered {
        shared.api_health_mut().good(Moment::START);
    }
    let mut handling = "good";
    for said in answers {
        let status = |status, from_nuon| ApiError::Status { status, message: None, retry_after: None, from_nuon };
        let (id, error) = match *said {
            Good(id) => {
                streaks.end(&request(id));
                continue;
            }
            Status(id, code) => (id, status(code, true)),
            Foreign(id) => (id, status(403, false)),
            Elsewhere(id) => {
                let [what, owner, expected] = ["deploy", "install inl-2", "inl-1"].map(str::to_owned);
                (id, ApiError::Elsewhere { what, owner, expected })
            }
        };
        handling = match handle(&mut streaks, Moment::START, &error, &request(id), about, &shared) {
            Handling::Retry => "retry",
            Handling::Repeat => "repeat",
            Handling::NoWorkflow => "no workflow",
            Handling::Reject(_) => "reject",
            Handling::Refuse(_) => "refuse",
        };
    }
    handling
}

#[test]
fn what_answers_in_a_row_lead_to() {
    let denied = Status("dpl-1", 403);
    let missing = Status("dpl-1", 404);
    let (other, trouble) = (Status("dpl-2", 403), Status("dpl-1", 500));
    let cases: &[Case<'_>] = &[
        ("the first word is a denial", false, Mode::Wait, SOME, &[denied], "reject"),
        ("four denials", true, Mode::Wait, SOME, &[denied; 4], "retry"),
        ("three times missing, although an answer names it", true, Mode::Wait, SHOWN, &[missing; 3], "retry"),
        ("five denials", true, Mode::Wait, SOME, &[denied; 5], "reject"),
        (
            "five denials, and a good answer among them",
            true,
            Mode::Wait,
            SOME,
            &[denied, denied, denied, denied, Good("dpl-1"), denied],
            "retry",
        ),
        (
            "five denials, and a good answer to another request among them",
            true,
            Mode::Wait,
            SOME,
            &[denied, denied, denied, denied, Good("dpl-2"), denied],
            "reject",
        ),
        (
            "five denials, and trouble among them",
            true,
            Mode::Wait,
            SOME,
            &[denied, denied, denied, denied, trouble, denied],
            "retry",
        ),
        ("five denials, of two requests", true, Mode::Wait, SOME, &[denied, denied, denied, denied, other], "retry"),
        ("two strangers", false, Mode::Wait, SOME, &[Foreign("dpl-1"); 2], "retry"),
        ("three strangers", false, Mode::Wait, SOME, &[Foreign("dpl-1"); 3], "reject"),
        (
            "three strangers, and trouble among them",
            false,
            Mode::Wait,
            SOME,
            &[Foreign("dpl-1"), Foreign("dpl-1"), trouble, Foreign("dpl-1")],
            "retry",
        ),
        ("two that are missing", true, Mode::Wait, NAMED, &[missing; 2], "retry"),
        ("three that are missing", true, Mode::Wait, SOME, &[missing; 3], "reject"),
        ("three of which one answered before", true, Mode::Wait, EXISTS, &[missing; 3], "retry"),
        ("one that was named, if once is all that is asked", true, Mode::Once, NAMED, &[missing], "reject"),
        ("one that was not named, if once is all that is asked", true, Mode::Once, SOME, &[missing], "retry"),
        (
            "the workflow of a deploy, three times",
            true,
            Mode::Wait,
            OWN_WORKFLOW,
            &[Status("inw-1", 404); 3],
            "no workflow",
        ),
        (
            "the workflow of a deploy, twice, if once is all that is asked",
            true,
            Mode::Once,
            OWN_WORKFLOW,
            &[Status("inw-1", 404); 2],
            "repeat",
        ),
        (
            "the workflow of a deploy, three times, if once is all that is asked",
            true,
            Mode::Once,
            OWN_WORKFLOW,
            &[Status("inw-1", 404); 3],
            "no workflow",
        ),
        ("the workflow of a deploy is refused", true, Mode::Wait, OWN_WORKFLOW, &[Status("inw-1", 400)], "retry"),
        ("a workflow that answered is refused", true, Mode::Wait, EXISTS, &[Status("inw-1", 400)], "retry"),
        ("a workflow that never answered is refused", true, Mode::Wait, NAMED, &[Status("inw-1", 400)], "reject"),
        ("a deploy that answered is refused", true, Mode::Wait, EXISTS, &[Status("dpl-1", 400)], "reject"),
        ("another's", true, Mode::Wait, NAMED, &[Elsewhere("dpl-1")], "reject"),
        ("another's, where the own one was read before", true, Mode::Wait, OWN, &[Elsewhere("dpl-1")], "retry"),
        ("another's, for the workflow of a deploy", true, Mode::Wait, OWN_WORKFLOW, &[Elsewhere("inw-1")], "retry"),
    ];
    for (name, answered, mode, about, answers, expected) in cases {
        assert_eq!(last(*answered, *mode, *about, answers), *expected, "{name}");
    }
}
