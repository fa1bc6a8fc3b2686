//! The report as JUnit's XML, which nearly every CI system shows: a test case for each target.

use std::time::Duration;

use nuon_gate_core::Line;
use nuon_gate_core::result::{RunResult, TargetResult, VerdictName};
use quick_junit::{NonSuccessKind, Property, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::outcome::{component, install, spent, words};

const NAME: &str = "nuon-gate";

/// Writes the report.
pub(super) fn report(result: &RunResult) -> Result<String, SerializeError> {
    let took = Duration::from_millis(result.elapsed_ms);
    let mut suite = TestSuite::new(NAME);
    suite.set_time(took);
    suite.add_property(Property::new("verdict", result.verdict.as_str()));
    suite.add_properties(result.ci_url.iter().map(|url| Property::new("ci_url", xml(url))));
    suite.add_test_cases(result.targets.iter().map(|target| case(target, result)));
    // A report without a failure for a run that did not pass would be taken for a pass.
    if result.verdict != VerdictName::Passed && suite.failures + suite.errors == 0 {
        let mut whole = TestCase::new("run", status(result.verdict, result.reason.as_ref(), &[]));
        whole.set_classname(NAME).set_time(took);
        suite.add_test_case(whole);
    }
    let mut report = Report::new(NAME);
    report.set_time(took).add_test_suite(suite);
    report.to_string()
}

fn case(target: &TargetResult, result: &RunResult) -> TestCase {
    // What was not waited for because enough others passed neither failed nor passed.
    let unneeded = target.verdict == VerdictName::Pending && result.verdict == VerdictName::Passed;
    let status = match unneeded {
        true => TestCaseStatus::skipped(),
        false => status(target.verdict, target.reason.as_ref(), &body(target)),
    };
    let mut case = TestCase::new(xml(&component(target)), status);
    case.set_classname(xml(&install(target)));
    if let Some(spent) = spent(target) {
        case.set_time(spent);
    }
    let deploy = target.deploy.as_ref();
    let properties = [
        ("deploy_id", deploy.and_then(|deploy| deploy.id.as_ref())),
        ("build_id", deploy.and_then(|deploy| deploy.build_id.as_ref())),
        ("commit", deploy.and_then(|deploy| deploy.commit.as_ref())),
        ("url", target.url.as_ref()),
    ];
    for (name, value) in properties {
        case.add_properties(value.map(|value| Property::new(name, xml(value))));
    }
    case
}

/// Says how it ended. That something is not known is an error in JUnit's terms; that a deploy did not do what it should
/// is a failure.
fn status(verdict: VerdictName, reason: Option<&Line>, body: &[String]) -> TestCaseStatus {
    let kind = match verdict {
        VerdictName::Passed => return TestCaseStatus::success(),
        VerdictName::Failed
        | VerdictName::Cancelled
        | VerdictName::ApprovalNeeded
        | VerdictName::Superseded
        | VerdictName::NotifyFailed => NonSuccessKind::Failure,
        VerdictName::Rejected
        | VerdictName::Inconclusive
        | VerdictName::TimedOut
        | VerdictName::Pending
        | VerdictName::Interrupted => NonSuccessKind::Error,
    };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(verdict.as_str()).set_message(reason.map_or_else(|| words(verdict), xml));
    if !body.is_empty() {
        status.set_description(body.join("\n"));
    }
    status
}

/// Returns what is shown below the message: the message again, as some systems show one of them alone, and the log.
fn body(target: &TargetResult) -> Vec<String> {
    let reason = target.reason.iter().map(xml);
    let told = [&target.hint, &target.url].into_iter().flatten().map(xml);
    let log = target.log_tail.iter().map(|line| xml(&line.text));
    reason.chain(told).chain(log).collect()
}

/// Writes a line for XML, whose own signs are escaped by the writer. What XML 1.0 (2.2) cannot hold, however it is
/// escaped, is left out.
fn xml(line: &Line) -> String {
    let is_allowed = |c: &char| !matches!(c, '\u{fffe}' | '\u{ffff}');
    line.plain().chars().filter(is_allowed).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::output::sample;

    fn suite(result: &RunResult) -> TestSuite {
        let xml = report(result).unwrap();
        let report = Report::deserialize_from_str(&xml).unwrap_or_else(|error| panic!("{error}:\n{xml}"));
        assert_eq!(report.test_suites.len(), 1);
        report.test_suites[0].clone()
    }

    #[test]
    fn a_target_is_a_test_case() {
        let xml = report(&sample::result(&[(VerdictName::Failed, "api"), (VerdictName::Passed, "worker")])).unwrap();
        for part in [
            r#"<testsuite name="nuon-gate" tests="2" skipped="0" errors="0" failures="1" time="187.400">"#,
            r#"<property name="ci_url" value="https://github.com/acme/api/actions/runs/7"/>"#,
            r#"<testcase name="api" classname="acme" time="187.000">"#,
            r#"<property name="url" value="https://app.nuon.example/deploys/dpl1"/>"#,
            r#"<failure message="quota exceeded for pods" type="failed">quota exceeded for pods
https://app.nuon.example/deploys/dpl1
line 0: pods are full
line 1: pods are full</failure>"#,
            r#"<testcase name="worker" classname="acme" time="187.000">"#,
        ] {
            assert!(xml.contains(part), "no {part} in\n{xml}");
        }
    }

    #[test]
    fn what_is_not_known_is_an_error() {
        let verdicts = [
            (VerdictName::Passed, (0, 0)),
            (VerdictName::Failed, (1, 0)),
            (VerdictName::Cancelled, (1, 0)),
            (VerdictName::ApprovalNeeded, (1, 0)),
            (VerdictName::Superseded, (1, 0)),
            (VerdictName::Rejected, (0, 1)),
            (VerdictName::Inconclusive, (0, 1)),
            (VerdictName::TimedOut, (0, 1)),
            (VerdictName::Pending, (0, 1)),
        ];
        for (verdict, counts) in verdicts {
            let suite = suite(&sample::result(&[(verdict, "api")]));
            assert_eq!((suite.tests, (suite.failures, suite.errors)), (1, counts), "{verdict:?}");
        }
    }

    #[test]
    fn no_run_that_did_not_pass_looks_like_a_pass() {
        let mut result = sample::result(&[(VerdictName::Passed, "api")]);
        result.verdict = VerdictName::NotifyFailed;
        assert_eq!((suite(&result).tests, suite(&result).failures), (2, 1));
        result.targets.clear();
        result.verdict = VerdictName::Rejected;
        assert_eq!((suite(&result).tests, suite(&result).errors), (1, 1));
        // Enough others passed.
        let mut result = sample::result(&[(VerdictName::Passed, "api"), (VerdictName::Pending, "worker")]);
        assert_eq!((suite(&result).skipped, suite(&result).errors), (1, 0));
        result.verdict = VerdictName::TimedOut;
        assert_eq!((suite(&result).skipped, suite(&result).errors), (0, 1));
    }

    proptest! {
        #[test]
        fn every_text_can_be_read_back(said in "[\\x00-\\x1f<>&\"'\\]a\u{fffe}\u{ffff}\u{1b}\\[]{0,30}|\\PC{0,30}") {
            let result = sample::saying(&sample::result(&[(VerdictName::Failed, "api")]), &said);
            let suite = suite(&result);
            prop_assert_eq!((suite.tests, suite.failures), (1, 1));
            let forbidden = ['\u{0}', '\u{1b}', '\u{fffe}', '\u{ffff}'];
            prop_assert!(!report(&result).unwrap().contains(forbidden));
        }
    }
}
