//! The report as JUnit's XML, which nearly every CI system shows: a test case for each target.
//!
//! There is no standard. The report fits the schemas of Jenkins' xUnit plugin and of Maven Surefire. The latter has no
//! `testsuites`, so the root is a `testsuite`, which every reader accepts.

#[cfg(test)]
mod schema;

use std::fmt::Write as _;
use std::time::Duration;

use nuon_gate_core::result::v1::{RunResult, TargetResult};
use nuon_gate_core::{Line, Verdict};

use super::outcome::{component, install, words};

const NAME: &str = "nuon-gate";

/// The outcome of a test case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Success,
    Failure,
    Error,
    Skipped,
}

impl Kind {
    /// Returns the outcome. In JUnit's terms an unknown outcome is an error, and a bad one is a failure.
    fn new(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Passed => Self::Success,
            Verdict::Failed
            | Verdict::Cancelled
            | Verdict::ApprovalNeeded
            | Verdict::Superseded
            | Verdict::NotifyFailed => Self::Failure,
            Verdict::Rejected
            | Verdict::Inconclusive
            | Verdict::TimedOut
            | Verdict::Pending
            | Verdict::Interrupted(_) => Self::Error,
        }
    }
}

/// A test case.
struct Case {
    class: String,
    name: String,
    time: Duration,
    kind: Kind,
    verdict: Verdict,
    message: String,
    /// The text below the message: the message again, as some systems show only one of them, the hint, and the log.
    details: Vec<Line>,
    /// The details of the deploy.
    facts: Vec<Line>,
}

/// Writes the report.
pub(super) fn report(result: &RunResult) -> String {
    let mut cases: Vec<Case> = result.targets.iter().map(|target| Case::new(target, result)).collect();
    // A report without a failure for a run that did not pass would be taken for a pass.
    if result.verdict != Verdict::Passed && !cases.iter().any(|case| matches!(case.kind, Kind::Failure | Kind::Error)) {
        cases.push(Case::of_run(result));
    }
    let count = |kind| cases.iter().filter(|case| case.kind == kind).count();
    let counts = [
        ("tests", cases.len()),
        ("failures", count(Kind::Failure)),
        ("errors", count(Kind::Error)),
        ("skipped", count(Kind::Skipped)),
    ];
    let mut xml = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"{NAME}\"");
    for (name, count) in counts {
        write(&mut xml, format_args!(" {name}=\"{count}\""));
    }
    write(&mut xml, format_args!(" time=\"{}\">\n  <properties>\n", seconds(elapsed(result))));
    let properties = [("verdict", result.verdict.as_str()), ("ci_url", result.ci_url.as_ref().map_or("", Line::plain))];
    for (name, value) in properties.into_iter().filter(|(_, value)| !value.is_empty()) {
        write(&mut xml, format_args!("    <property name=\"{name}\" value=\"{}\"/>\n", escaped(value)));
    }
    xml.push_str("  </properties>\n");
    cases.iter().for_each(|case| case.write(&mut xml));
    xml + "</testsuite>\n"
}

impl Case {
    fn new(target: &TargetResult, result: &RunResult) -> Self {
        // If enough others passed, a target that did not is skipped: a failure would make the job unstable.
        let is_spared = target.verdict != Verdict::Passed && result.verdict == Verdict::Passed;
        let said = said(target, result);
        let message = message(target.verdict, said[0]);
        let is_named = is_spared && target.verdict != Verdict::Pending && said[0].is_some();
        Self {
            class: escaped(install(target).plain()),
            name: escaped(component(target).plain()),
            // Without a timeline the duration is that of the wait.
            time: target.took().unwrap_or_else(|| elapsed(result)),
            kind: if is_spared { Kind::Skipped } else { Kind::new(target.verdict) },
            verdict: target.verdict,
            message: if is_named { format!("{}: {message}", words(target.verdict)) } else { message },
            details: details(target, said),
            facts: facts(target),
        }
    }

    /// The run itself, if no target shows how it ended.
    fn of_run(result: &RunResult) -> Self {
        Self {
            class: NAME.to_owned(),
            name: "run".to_owned(),
            time: elapsed(result),
            kind: Kind::new(result.verdict),
            verdict: result.verdict,
            message: message(result.verdict, result.reason.as_ref()),
            details: result.hint.iter().cloned().collect(),
            facts: Vec::new(),
        }
    }

    fn write(&self, xml: &mut String) {
        let Self { class, name, time, kind, verdict, message, details, facts } = self;
        let time = seconds(*time);
        write(xml, format_args!("  <testcase name=\"{name}\" classname=\"{class}\" time=\"{time}\">\n"));
        let tag = match kind {
            Kind::Success => None,
            Kind::Skipped => {
                write(xml, format_args!("    <skipped message=\"{message}\"/>\n"));
                None
            }
            Kind::Failure => Some("failure"),
            Kind::Error => Some("error"),
        };
        if let Some(tag) = tag {
            let (kind, details) = (verdict.as_str(), text(details));
            write(xml, format_args!("    <{tag} message=\"{message}\" type=\"{kind}\">{details}</{tag}>\n"));
        }
        if !facts.is_empty() {
            write(xml, format_args!("    <system-out>{}</system-out>\n", text(facts)));
        }
        xml.push_str("  </testcase>\n");
    }
}

fn message(verdict: Verdict, reason: Option<&Line>) -> String {
    reason.map_or_else(|| words(verdict), |reason| escaped(reason.plain()))
}

/// Returns the reason and the hint of a target: those of the run if that ended without any target deciding.
fn said<'a>(target: &'a TargetResult, result: &'a RunResult) -> [Option<&'a Line>; 2] {
    let decided = result.deciding().is_some_and(|index| result.targets[index].reason.is_some());
    if target.verdict != Verdict::Pending || result.verdict == Verdict::Passed || decided {
        return [target.reason.as_ref(), target.hint.as_ref()];
    }
    [result.reason.as_ref(), result.hint.as_ref()]
}

fn details(target: &TargetResult, [reason, hint]: [Option<&Line>; 2]) -> Vec<Line> {
    let texts = [reason, hint, target.approval_url.as_ref()].into_iter().flatten().cloned();
    texts.chain(target.log_tail.iter().map(|line| line.text.clone())).collect()
}

fn facts(target: &TargetResult) -> Vec<Line> {
    let deploy = target.deploy.as_ref();
    let facts = [
        ("deploy", deploy.and_then(|deploy| deploy.id.as_ref())),
        ("build", deploy.and_then(|deploy| deploy.build_id.as_ref())),
        ("commit", deploy.and_then(|deploy| deploy.commit.as_ref())),
        ("see", target.url.as_ref()),
    ];
    let line = |(name, value): (_, Option<&Line>)| value.map(|value| Line::new(format!("{name} {}", value.plain())));
    facts.into_iter().filter_map(line).collect()
}

fn elapsed(result: &RunResult) -> Duration {
    Duration::from_millis(result.elapsed_ms)
}

/// Formats a duration as Surefire does: seconds with three decimals.
fn seconds(time: Duration) -> String {
    format!("{}.{:03}", time.as_secs(), time.subsec_millis())
}

fn text(lines: &[Line]) -> String {
    lines.iter().map(|line| escaped(line.plain())).collect::<Vec<_>>().join("\n")
}

/// Escapes a line for text and attributes. Characters that XML 1.0 (2.2) cannot represent are left out. CI systems attach
/// the file that `[[ATTACHMENT|PATH]]` names, so a blank parts two brackets.
fn escaped(line: &str) -> String {
    let mut written = String::with_capacity(line.len());
    for c in line.chars() {
        match c {
            '&' => written.push_str("&amp;"),
            '<' => written.push_str("&lt;"),
            // `]]>` is not allowed in a text.
            '>' => written.push_str("&gt;"),
            '"' => written.push_str("&quot;"),
            '[' if written.ends_with('[') => written.push_str(" ["),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => written.push(c),
        }
    }
    written
}

fn write(xml: &mut String, part: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = xml.write_fmt(part);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::schema::{Element, read};
    use super::*;
    use crate::output::sample;

    const VERDICTS: [(Verdict, (&str, &str)); 11] = [
        (Verdict::Passed, ("0", "0")),
        (Verdict::Failed, ("1", "0")),
        (Verdict::Cancelled, ("1", "0")),
        (Verdict::ApprovalNeeded, ("1", "0")),
        (Verdict::Superseded, ("1", "0")),
        (Verdict::NotifyFailed, ("1", "0")),
        (Verdict::Rejected, ("0", "1")),
        (Verdict::Inconclusive, ("0", "1")),
        (Verdict::TimedOut, ("0", "1")),
        (Verdict::Pending, ("0", "1")),
        (Verdict::Interrupted(nuon_gate_core::Signal::Terminate), ("0", "1")),
    ];

    /// The report, which has to fit both schemas.
    #[track_caller]
    fn suite(result: &RunResult) -> Element {
        let suite = read(&report(result));
        suite.fits();
        suite
    }

    #[track_caller]
    fn has_counts(result: &RunResult, [tests, failures, errors, skipped]: [&str; 4]) {
        let suite = suite(result);
        let counts = ["tests", "failures", "errors", "skipped"].map(|name| suite.attribute(name));
        assert_eq!(counts, [tests, failures, errors, skipped].map(Some));
    }

    #[test]
    fn a_target_is_a_test_case() {
        let mut result = sample::result(&[(Verdict::Failed, "api"), (Verdict::Passed, "worker")]);
        result.targets[0].hint = Some(Line::new("ask for more"));
        let deploy = "    <system-out>deploy dpl1\nbuild bld1\ncommit 4be1c7d09f5a2e63\n\
            see https://app.nuon.example/deploys/dpl1</system-out>\n  </testcase>\n";
        let expected = format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="nuon-gate" tests="2" failures="1" errors="0" skipped="0" time="187.400">
  <properties>
    <property name="verdict" value="failed"/>
    <property name="ci_url" value="https://github.com/acme/api/actions/runs/7"/>
  </properties>
  <testcase name="api" classname="acme" time="187.000">
    <failure message="quota exceeded for pods" type="failed">quota exceeded for pods
ask for more
line 0: pods are full
line 1: pods are full</failure>
{deploy}  <testcase name="worker" classname="acme" time="187.000">
{deploy}</testsuite>
"#
        );
        assert_eq!(report(&result), expected);
        suite(&result);
    }

    #[test]
    fn the_end_of_a_run_that_no_target_decided_lists_each_target() {
        for verdict in [Verdict::Failed, Verdict::Interrupted(nuon_gate_core::Signal::Terminate)] {
            let mut result = sample::result(&[(Verdict::Pending, "api"), (Verdict::Passed, "worker")]);
            result.verdict = verdict;
            result.targets[0].reason = None;
            result.reason = Some(Line::new("false failed (exit status: 1)"));
            result.hint = Some(Line::new("its output says why"));
            let said = "message=\"false failed (exit status: 1)\" type=\"pending\">false failed (exit status: 1)\nits output says why";
            let report = report(&result);
            assert!(report.contains(said), "{report}");
        }
        // A target that goes on does not get the reason of one that failed.
        let mut result = sample::result(&[(Verdict::Failed, "web"), (Verdict::Pending, "api")]);
        result.targets[1].reason = None;
        assert!(report(&result).contains("message=\"pending\""));
    }

    #[test]
    fn no_text_attaches_a_file() {
        for text in
            ["[[ATTACHMENT|../../etc/passwd]]", "[\u{200b}[ATTACHMENT|x]]", "[[[ATTACHMENT|x]]]", "[\u{ffff}[A|x]]"]
        {
            let result = sample::saying(&sample::result(&[(Verdict::Failed, "api")]), text);
            let report = report(&result);
            assert!(report.contains("[ [A") && !report.contains("[["), "{report}");
        }
    }

    #[test]
    fn a_failure_that_the_run_allows_is_skipped() {
        let mut result =
            sample::result(&[(Verdict::Passed, "api"), (Verdict::Failed, "worker"), (Verdict::Failed, "web")]);
        result.verdict = Verdict::Passed;
        result.targets[2].reason = None;
        has_counts(&result, ["3", "0", "0", "2"]);
        let report = report(&result);
        assert!(report.contains("<skipped message=\"failed: quota exceeded for pods\"/>"), "{report}");
        assert!(report.contains("<skipped message=\"failed\"/>"), "{report}");
        result.verdict = Verdict::NotifyFailed;
        has_counts(&result, ["3", "2", "0", "0"]);
    }

    #[test]
    fn every_report_fits_the_schemas() {
        for (verdict, (failures, errors)) in VERDICTS {
            has_counts(&sample::result(&[(verdict, "api")]), ["1", failures, errors, "0"]);
            for count in [3, 40, 300] {
                let suite = suite(&sample::result(&vec![(verdict, "api"); count]));
                assert_eq!(suite.attribute("tests"), Some(count.to_string().as_str()));
            }
        }
        suite(&sample::result(&[]));
    }

    #[test]
    fn every_case_has_a_time() {
        let mut result = sample::result(&[(Verdict::TimedOut, "api"), (Verdict::Failed, "web")]);
        result.targets[0].timeline.clear();
        result.targets[1].timeline[0].duration_ms = Some(3 * 86_400_000);
        result.targets[1].timeline[1].duration_ms = Some(7);
        let suite = suite(&result);
        let times: Vec<_> = suite.cases().map(|case| case.attribute("time").unwrap()).collect();
        assert_eq!(times, ["187.000", "259200.007"]);
    }

    #[test]
    fn no_run_that_did_not_pass_looks_like_a_pass() {
        let mut result = sample::result(&[(Verdict::Passed, "api")]);
        result.verdict = Verdict::NotifyFailed;
        has_counts(&result, ["2", "1", "0", "0"]);
        result.targets.clear();
        result.verdict = Verdict::Rejected;
        has_counts(&result, ["1", "0", "1", "0"]);
        // Enough other targets passed.
        let mut result = sample::result(&[(Verdict::Passed, "api"), (Verdict::Pending, "worker")]);
        has_counts(&result, ["2", "0", "0", "1"]);
        result.verdict = Verdict::TimedOut;
        has_counts(&result, ["2", "0", "1", "0"]);
    }

    proptest! {
        #[test]
        fn every_text_can_be_read_back(
            said in "[\\x00-\\x1f<>&\"'\\]a\u{fffe}\u{ffff}\u{1b}\\[]{0,30}|\\PC{0,30}|(\\]\\]>|<!\\[CDATA\\[|&#0;|<!--){0,4}",
            verdict in proptest::sample::select(VERDICTS.map(|(verdict, _)| verdict).to_vec()),
        ) {
            let result = sample::saying(&sample::result(&[(verdict, "api")]), &said);
            let suite = suite(&result);
            let said = Line::new(&said);
            let name = if said.is_empty() { "unknown" } else { said.plain() };
            let name: String = name.chars().filter(|c| !"\u{fffe}\u{ffff}".contains(*c)).collect();
            // Two passes: where brackets stand in a row, a blank belongs to two pairs.
            let joined = |text: &str| text.replace("[ [", "[[").replace("[ [", "[[");
            let read = suite.cases().next().unwrap().attribute("name").unwrap();
            prop_assert_eq!(joined(read), joined(&name));
        }
    }
}
