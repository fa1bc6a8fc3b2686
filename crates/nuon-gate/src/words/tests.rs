//! Every cause has a sentence, and its hint names only flags that exist.

use std::time::Duration;

use nuon_gate_core::ApprovalPlace;
use nuon_gate_core::api::{ApiError, SignInError};
use nuon_gate_core::cause::{
    Cause, Denial, DeployFailure, Limit, Mismatch, Standing, StoppedBy, Thing, Unmatched, Warning,
};
use nuon_gate_core::model::{Health, Status, WorkflowEnd};
use nuon_gate_core::report::Known;
use nuon_gate_core::resolve::{Named, UnknownName};
use nuon_gate_core::{Clock, Hold, Kind, Line, MatchedBy, RemoteText, Signal};

use super::{hint, if_unanswered, sentence, warning};

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

fn answered(status: u16, from_nuon: bool) -> ApiError {
    ApiError::Status { status, message: None, retry_after: None, from_nuon }
}

fn unmatched(why: Mismatch) -> Standing {
    Standing::Unmatched(Unmatched { newest: id("dpl1"), why })
}

fn missed() -> Mismatch {
    Mismatch::Pin { pin: MatchedBy::Commit, wanted: Line::new("abcdef1"), has: Some(Line::new("4be1c7d")) }
}

fn failure(status: Status, by_rule: bool) -> DeployFailure {
    DeployFailure { status, text: None, is_generic: false, denial: None, hint: None, by_rule }
}

fn following(hold: Hold) -> Standing {
    Standing::Deploy { status: Status::Executing, spent: None, each: None, hold }
}

fn limit(clock: Clock, standing: Standing, error: Option<ApiError>, ever_answered: bool) -> Cause {
    let (length, subject) = (Duration::from_secs(60), RemoteText::new("acme/api"));
    Cause::Limit(Box::new(Limit { clock, length, subject, standing, error, ever_answered }))
}

fn causes() -> Vec<Cause> {
    let text = || RemoteText::new("it broke");
    let place = || ApprovalPlace { workflow: id("inw1"), step: None, approval: None };
    let unknown = UnknownName {
        kind: Named::Install,
        given: "amce".to_owned(),
        within: None,
        suggestions: vec![RemoteText::new("acme")],
        are_alike: true,
    };
    let elsewhere = ApiError::Elsewhere {
        what: "deploy dpl1".to_owned(),
        owner: "install inl2".to_owned(),
        expected: "inl1".to_owned(),
    };
    let limits = [Clock::Total, Clock::Start, Clock::Stall, Clock::Approval, Clock::Queue, Clock::Outage]
        .into_iter()
        .flat_map(|clock| {
            let standings = [
                Standing::Nothing,
                unmatched(missed()),
                unmatched(Mismatch::HadEnded),
                unmatched(Mismatch::Undeployable),
                Standing::NothingSinceTrigger,
                following(Hold::InProgress),
                following(Hold::NotBegun),
                following(Hold::NotHealthy(text())),
                following(Hold::Approval(ApprovalPlace { workflow: id("inw1"), step: None, approval: None })),
                Standing::Workflow { id: id("inw1"), word: None, has_ended: false, unread: None },
            ];
            standings.into_iter().map(move |standing| limit(clock, standing, None, true))
        });
    let things = [
        Thing::Install(id("inl1")),
        Thing::Component(id("inl1"), id("cmp1")),
        Thing::Deploy(id("inl1"), id("dpl1")),
        Thing::Workflow(id("inw1")),
    ];
    let pins = [MatchedBy::Workflow, MatchedBy::Build, MatchedBy::Commit, MatchedBy::After, MatchedBy::Since];
    let failures = [Status::Error, Status::Cancelled, Status::ApprovalDenied, Status::ApprovalExpired];
    let others = [
        Cause::Denied(answered(401, true)),
        Cause::Denied(answered(403, true)),
        Cause::NoSuchName(unknown),
        Cause::Refused(answered(400, true)),
        Cause::NotNuon(answered(404, false)),
        Cause::Elsewhere(elsewhere),
        Cause::Undeployable { deploy: id("dpl1"), deploy_type: None },
        Cause::PlanOnlyWorkflow(id("inw1")),
        Cause::WorkflowOfOther { workflow: id("inw1"), owner: id("inl2"), named: vec![id("inl1")] },
        Cause::NoInstall(id("inw1")),
        Cause::Deploy(failure(Status::Error, true)),
        Cause::Step { step: text(), status: Status::Active },
        Cause::Unhealthy { health: Health::Degraded, text: text() },
        Cause::HealthUnknown(text()),
        Cause::Orphaned { end: WorkflowEnd::Failed, step: None, status: None, text: None, denial: None, hint: None },
        Cause::NeverDeployed { end: WorkflowEnd::Failed, step: None, replaced: None },
        Cause::Workflow { end: WorkflowEnd::Failed, word: text(), step: None, denial: None },
        Cause::StepFailed(text()),
        Cause::NothingDeployed,
        Cause::TooFew { required: 2, deployed: 1 },
        Cause::Crossed(id("dpl2")),
        Cause::Unexpected { deploy: id("dpl1"), kind: Kind::Teardown, expected: Kind::Apply },
        Cause::Superseded { from: id("dpl1"), to: id("dpl2") },
        Cause::ApprovalNeeded(place()),
        Cause::WorkflowApproval { install: None, place: place(), step: Some(text()) },
        Cause::Stopped { by: StoppedBy::Signal(Signal::Terminate), standing: following(Hold::InProgress) },
        Cause::NoAnswer(answered(502, false)),
    ];
    let things = things.into_iter().map(|thing| Cause::NotFound(thing, answered(404, true)));
    let pins = pins.into_iter().map(|pin| Cause::PinMismatch { deploy: id("dpl1"), pin });
    let failures = failures.into_iter().map(|status| Cause::Deploy(failure(status, false)));
    others.into_iter().chain(limits).chain(things).chain(pins).chain(failures).collect()
}

/// Checks that every flag and variable in a text exists.
fn check(text: &str) {
    let command = crate::parse::command();
    let flags: Vec<&str> =
        command.get_subcommands().flat_map(clap::Command::get_arguments).filter_map(clap::Arg::get_long).collect();
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c)));
    for word in words {
        if let Some(flag) = word.strip_prefix("--") {
            assert!(flags.contains(&flag), "there is no --{flag}: {text}");
        } else if word.starts_with("NUON_GATE_") {
            assert!(
                flags.iter().any(|flag| crate::environment::variable_of(flag) == word),
                "there is no {word}: {text}"
            );
        }
    }
}

#[test]
fn every_end_says_what_can_be_done() {
    for cause in causes() {
        let (sentence, hint) =
            (sentence(&cause), hint(&cause, Known::default()).unwrap_or_else(|| panic!("{cause:?}")));
        for text in [&sentence, &hint] {
            assert!(
                !text.is_empty() && !text.ends_with('.') && !text.starts_with(char::is_uppercase)
                    || text.starts_with("NUON"),
                "{text}"
            );
            check(text);
        }
    }
}

#[test]
fn what_is_not_waited_for_needs_no_advice() {
    for by in [StoppedBy::Decided, StoppedBy::Once] {
        assert_eq!(hint(&Cause::Stopped { by, standing: Standing::Nothing }, Known::default()), None);
    }
}

#[test]
fn the_servers_advice_comes_first() {
    let hinted = DeployFailure { hint: Some(RemoteText::new("ask for more")), ..failure(Status::Error, true) };
    assert_eq!(hint(&Cause::Deploy(hinted), Known::default()).as_deref(), Some("ask for more"));
}

#[test]
fn a_policy_that_denies_is_named_in_what_can_be_done() {
    let policies = |names: &[&str]| Denial::Policies {
        names: names.iter().copied().map(RemoteText::new).collect(),
        found: RemoteText::new("denied by policy: …"),
    };
    let human = || Denial::Human(RemoteText::new("the plan was denied by acc1"));
    let failed = |denial| Cause::Deploy(DeployFailure { denial: Some(denial), ..failure(Status::Error, false) });
    let orphaned = |denial: Denial| Cause::Orphaned {
        end: WorkflowEnd::Failed,
        step: None,
        status: Some(Status::PendingApproval),
        text: Some(denial.text().clone()),
        denial: Some(denial),
        hint: None,
    };
    let changed = ", or have the policy itself changed, then deploy again";
    let cases = [
        (policies(&["network"]), "change what the policy `network` forbids"),
        (policies(&["network", "tags"]), "change what each of the policies `network`, `tags` forbids"),
        (policies(&["a", "b", "c", "d", "e"]), "change what each of the policies `a`, `b`, `c` and 2 more forbids"),
        (policies(&[]), "change what a policy forbids"),
    ];
    for (denial, expected) in cases {
        for cause in [failed(denial.clone()), orphaned(denial)] {
            assert_eq!(hint(&cause, Known::default()).as_deref(), Some(&*format!("{expected}{changed}")));
        }
    }
    for cause in [failed(human()), orphaned(human())] {
        assert_eq!(
            hint(&cause, Known::default()).as_deref(),
            Some("have the plan changed or approved, then deploy again")
        );
    }
}

#[test]
fn a_limit_is_reported_by_its_flag_with_what_was_last_seen() {
    let deploy = |each: Option<&str>| Standing::Deploy {
        status: Status::Executing,
        spent: Some(Duration::from_secs(58)),
        each: each.map(str::to_owned),
        hold: Hold::InProgress,
    };
    let cases = [
        (Clock::Total, deploy(None), "--timeout 1m expired: the last status is `executing` for 58s"),
        (
            Clock::Total,
            deploy(Some("queued 2s, executing 58s")),
            "--timeout 1m expired: the last status is `executing` (queued 2s, executing 58s)",
        ),
        (
            Clock::Stall,
            deploy(None),
            "--stall-timeout 1m expired, nothing has changed: the last status is `executing` for 58s",
        ),
        (Clock::Start, Standing::Nothing, "no deploy appeared within 1m (--start-timeout)"),
        (
            Clock::Start,
            unmatched(missed()),
            "no deploy that matches appeared within 1m (--start-timeout): the newest deploy, dpl1, has commit 4be1c7d, not abcdef1 \
             (--commit)",
        ),
        (
            Clock::Start,
            unmatched(Mismatch::Pin { pin: MatchedBy::After, wanted: Line::new("dpl1"), has: None }),
            "no deploy that matches appeared within 1m (--start-timeout): the newest deploy is still dpl1, which was there \
             before (--after)",
        ),
        (
            Clock::Start,
            unmatched(Mismatch::HadEnded),
            "no new deploy appeared within 1m (--start-timeout): the newest deploy, dpl1, had ended before the wait began",
        ),
        (Clock::Start, Standing::NothingSinceTrigger, "no new deploy appeared within 1m after the command"),
        (
            Clock::Outage,
            Standing::Nothing,
            "no good answer from the API for 1m (--api-outage): no deploy has been seen",
        ),
        (
            Clock::Total,
            of_workflow("success", false),
            "--timeout 1m expired: workflow inw1 is `success`, but not finished",
        ),
        (
            Clock::Total,
            of_workflow("success", true),
            "--timeout 1m expired: workflow inw1 has ended with `success`, but not all that it deploys has",
        ),
    ];
    for (clock, standing, expected) in cases {
        assert_eq!(sentence(&limit(clock, standing, None, true)), expected);
    }
}

/// A workflow that was followed as a whole.
fn of_workflow(word: &str, has_ended: bool) -> Standing {
    Standing::Workflow { id: id("inw1"), word: Some(RemoteText::new(word)), has_ended, unread: None }
}

#[test]
fn advice_names_the_deploy_and_the_page_of_its_approval() {
    let (deploy, page) = (id("dpl1"), Line::new("https://app.nuon.co/x"));
    let known = Known { deploy: Some(&deploy), approval: Some(&page), cancelled: None };
    let late = limit(Clock::Total, following(Hold::InProgress), None, true);
    let missing = |is_nuons| limit(Clock::Total, Standing::Nothing, Some(answered(404, is_nuons)), false);
    let asking = Cause::ApprovalNeeded(ApprovalPlace { workflow: id("inw1"), step: None, approval: None });
    let place = ApprovalPlace { workflow: id("inw1"), step: None, approval: None };
    let goes_on = Cause::WorkflowApproval { install: None, place, step: None };
    let unanswered = limit(Clock::Approval, of_workflow("in-progress", false), None, true);
    let ended = limit(Clock::Total, of_workflow("success", true), None, true);
    let stopped = Cause::Stopped { by: StoppedBy::Signal(Signal::Terminate), standing: following(Hold::InProgress) };
    for (cause, expected) in [
        (late, "still running: wait again with --deploy dpl1, or raise --timeout (NUON_GATE_TIMEOUT)"),
        (missing(true), "Nuon does not find it: check --install"),
        (missing(false), "check --api-url"),
        (limit(Clock::Total, Standing::Nothing, None, false), "no good answer ever came: check --api-url"),
        (
            limit(Clock::Outage, Standing::Nothing, Some(answered(429, true)), false),
            "the API wants fewer requests: lower --max-rps (NUON_GATE_MAX_RPS), or raise --api-outage",
        ),
        (asking, "approve or deny the plan: https://app.nuon.co/x, then wait again with --deploy dpl1; or"),
        (goes_on, "approve or deny it: https://app.nuon.co/x, then wait again with --workflow inw1; or have"),
        (unanswered, "approve or deny it: https://app.nuon.co/x, then wait again with --workflow inw1; or raise"),
        (ended, "check the workflow's deploys, then wait again with --workflow inw1, or raise --timeout"),
        (stopped, "still running: wait again with --deploy dpl1"),
        (Cause::Denied(answered(403, true)), "check --org-id"),
    ] {
        let hint = hint(&cause, known).unwrap();
        assert!(hint.starts_with(expected), "{hint}");
    }
    let denied = hint(&Cause::Denied(answered(401, true)), known).unwrap();
    assert!(denied.ends_with("`nuon-gate doctor` says more"), "{denied}");
}

#[test]
fn a_rule_is_named_where_the_server_says_nothing() {
    let cause = Cause::Deploy(failure(Status::Active, true));
    assert_eq!(sentence(&cause), "the deploy ended as `active`, which is a failure because of --fail-on");
}

#[test]
fn a_good_end_that_counts_as_a_failure_does_not_read_as_a_success() {
    let said = |status, by_rule, text| {
        Cause::Deploy(DeployFailure { text: Some(RemoteText::new(text)), ..failure(status, by_rule) })
    };
    let torn_down = said(Status::Inactive, false, "successfully torn down");
    assert_eq!(
        sentence(&torn_down),
        "the deploy ended as `inactive`, where an apply was expected: successfully torn down"
    );
    assert_eq!(
        hint(&torn_down, Known::default()).as_deref(),
        Some("find out what tore the component down, then deploy again")
    );
    assert_eq!(
        sentence(&said(Status::Active, true, "deployed")),
        "the deploy ended as `active`, which is a failure because of --fail-on: deployed"
    );
}

#[test]
fn nothing_is_to_be_fixed_after_a_cancellation() {
    let (end, step, status) = (WorkflowEnd::Cancelled, None, Some(Status::Queued));
    let causes = [
        Cause::Deploy(failure(Status::Cancelled, false)),
        Cause::Orphaned { end, step: None, status, text: None, denial: None, hint: None },
        Cause::NeverDeployed { end, step: None, replaced: None },
        Cause::Workflow { end, word: RemoteText::new("cancelled"), step, denial: None },
    ];
    for cause in causes {
        let hint = hint(&cause, Known::default());
        assert_eq!(hint.as_deref(), Some("deploy again, unless it was cancelled on purpose"), "{cause:?}");
    }
}

#[test]
fn who_answers_in_the_apis_place_is_looked_for() {
    let foreign = || answered(403, false);
    let causes = [
        Cause::NotNuon(foreign()),
        Cause::NoAnswer(foreign()),
        limit(Clock::Outage, Standing::Nothing, Some(foreign()), true),
        limit(Clock::Total, Standing::Nothing, Some(foreign()), false),
    ];
    for cause in causes {
        let hint = hint(&cause, Known::default()).unwrap();
        assert!(["--api-url", "NUON_API_URL", "proxy", "firewall"].iter().all(|word| hint.contains(word)), "{hint}");
    }
}

#[test]
fn warnings_name_flags_that_there_are() {
    let warnings = [
        Warning::AlreadyEnded { deploy: id("dpl1"), ago: Some(Duration::from_secs(60)) },
        Warning::OlderMatch { deploy: id("dpl1"), ago: None },
        Warning::UnknownStatus(Status::from("odd")),
        Warning::NotApproved,
        Warning::Superseded { from: id("dpl1"), to: id("dpl2") },
        Warning::NoWorkflow(answered(404, true)),
        Warning::ClockSkew(Duration::from_secs(90)),
        Warning::nothing_deployed(&[Line::new("acme"), Line::new("beta")]).unwrap(),
        Warning::CancelUnknown,
    ];
    warnings.iter().for_each(|own| check(&warning(own)));
    let pins = ["--deploy", "--workflow", "--build", "--commit", "--after", "--on-stale wait"];
    assert!(pins.iter().all(|pin| warning(&warnings[0]).contains(pin)));
}

#[test]
fn trouble_on_the_way_is_hinted_at_where_it_is() {
    let connect = ApiError::Connect { host: "issuer.example".to_owned(), detail: "refused".to_owned() };
    let issuer = |cause: ApiError| {
        ApiError::SignIn(SignInError::Issuer { host: "issuer.example".to_owned(), cause: Box::new(cause) })
    };
    let rows = [
        (issuer(connect.clone()), "check that issuer.example, which issues identities"),
        (issuer(answered(500, false)), "check that issuer.example, which issues identities"),
        (issuer(answered(403, false)), "`permissions: id-token: write`"),
        (ApiError::SignIn(SignInError::Exchange(Box::new(connect))), "whether this machine can resolve names"),
        (
            ApiError::Certificate { host: "a".to_owned(), detail: nuon_gate_http::OF_AUTHORITY.to_owned() },
            "have a certificate issued for the server",
        ),
        (
            issuer(ApiError::Certificate { host: "a".to_owned(), detail: "its issuer is unknown".to_owned() }),
            "--ca-file (NUON_GATE_CA_FILE)",
        ),
        (answered(405, false), "a firewall is in between"),
        (answered(451, false), "a firewall is in between"),
        (answered(400, true), "check the ids"),
    ];
    for (error, hint) in rows {
        let shown = if_unanswered(&error);
        assert!(shown.contains(hint), "{error}: {shown}");
    }
}
