//! What a hostile or broken server may send, and how the program has to end.

use std::fmt::Write as _;

use crate::api::{Answer, Answers, OWN, Question};

const INSTALL: &str = "inlacme00000000000000000000";
const COMPONENT: &str = "cmpapi00000000000000000000";
const MIB: usize = 1 << 20;
/// The largest body that the program reads.
const LARGEST: usize = 16 * MIB;

/// The exit codes.
const PASSED: i32 = 0;
const FAILED: i32 = 1;
const USAGE: i32 = 2;
const NO_GOOD_ANSWER: i32 = 7;
const TIMED_OUT: i32 = 124;

/// One kind of answers.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) sent: String,
    /// The targets; one component of an install by default.
    pub(crate) targets: Vec<String>,
    /// A file that the program reads besides, by its name.
    pub(crate) file: Option<(&'static str, String)>,
    /// The answers that differ from an ordinary server's.
    pub(crate) answers: Answers,
    /// How the program has to end.
    pub(crate) code: i32,
    /// The total timeout, in seconds.
    pub(crate) timeout: u32,
    /// How much more memory it may take than an ordinary run, in MiB.
    pub(crate) most: u64,
}

/// One attempt: a case alone, or a case and the same one twice as large, which may take at most three times as long.
pub(crate) enum Try {
    Once(Case),
    Growth(Case, Case),
}

impl Case {
    fn new(name: &'static str, sent: impl Into<String>, code: i32, question: Question, answer: Answer) -> Self {
        let targets = ["--install", INSTALL, "--component", COMPONENT].map(str::to_owned).to_vec();
        // A body of the largest size, what is parsed from it, and what the allocator keeps.
        let most = 64;
        Self {
            name,
            sent: sent.into(),
            targets,
            file: None,
            answers: vec![(question, answer)],
            code,
            timeout: 60,
            most,
        }
    }

    /// A deploy that passed, with more members.
    fn active(name: &'static str, sent: impl Into<String>, more: &str) -> Self {
        let body = deploy("active", more);
        let answer = Answer::json(&body);
        let case = Self::new(name, sent, PASSED, Question::Deploy, answer.clone());
        case.and(Question::Latest, answer)
    }

    /// A deploy that failed, so that everything is read.
    fn failed(name: &'static str, sent: impl Into<String>, more: &str) -> Self {
        let case = Self { code: FAILED, ..Self::active(name, sent, "") };
        let answer = Answer::json(&deploy("error", more));
        let case = Self { answers: Vec::new(), ..case };
        let workflow = workflow("error", &format!("[{}]", step("error")));
        case.and(Question::Deploy, answer.clone()).and(Question::Latest, answer).and(Question::Workflow, workflow)
    }

    /// Answers this question as well.
    fn and(mut self, question: Question, answer: Answer) -> Self {
        self.answers.push((question, answer));
        self
    }

    fn may_have(self, most: u64) -> Self {
        Self { most, ..self }
    }

    /// Some answers are good, so only the total timeout ends it.
    fn times_out(self) -> Self {
        Self { code: TIMED_OUT, timeout: 3, ..self }
    }

    /// Returns all answers.
    pub(crate) fn all_answers(&self) -> Answers {
        let deploy = Answer::json(&deploy("active", ""));
        let usual = [
            (Question::Latest, deploy.clone()),
            (Question::Deploy, deploy),
            (Question::Workflow, workflow("success", &format!("[{}]", step("success")))),
            (Question::Install, Answer::json(&format!(r#"{{"id":"{INSTALL}","name":"acme"}}"#))),
            (Question::Deploys, Answer::json("[]")),
            (Question::Logs, Answer::json("[]")),
        ];
        // The first answer to a question counts.
        self.answers.iter().cloned().chain(usual).collect()
    }
}

/// An ordinary run, for comparison.
pub(crate) fn ordinary() -> Case {
    Case::active("an ordinary deploy", "", "")
}

/// All attempts. Large bodies are only made when needed.
pub(crate) fn all() -> impl Iterator<Item = Try> {
    let groups: [fn() -> Vec<Try>; 8] = [bodies, heads, nesting, deploys, lists, logs, workflows, targets];
    groups.into_iter().flat_map(|group| group())
}

fn deploy(status: &str, more: &str) -> String {
    let whose = format!(r#""install_id":"{INSTALL}","component_id":"cmp{OWN}","workflow_id":"inw{OWN}""#);
    let rest = r#""created_at":"2026-08-03T14:02:11Z","log_stream":{"id":"logown"}"#;
    format!(r#"{{"id":"dpl{OWN}","status":"{status}",{whose},{rest}{more}}}"#)
}

/// The deploy's workflow, which has ended, with these steps.
fn workflow(status: &str, steps: &str) -> Answer {
    let head = format!(r#""id":"inw{OWN}","owner_id":"{INSTALL}","status":{{"status":"{status}"}},"finished":true"#);
    Answer::json(&format!(r#"{{{head},"steps":{steps}}}"#))
}

/// The step that works on the deploy.
fn step(status: &str) -> String {
    let target = format!(r#""step_target_type":"install_deploys","step_target_id":"dpl{OWN}""#);
    format!(r#"{{"id":"iws",{target},"status":{{"status":"{status}"}},"finished":true}}"#)
}

/// A deploy's body of this size, padded with a meaningless field.
fn padded(size: usize) -> String {
    let bare = deploy("active", r#","outputs":"""#).len();
    deploy("active", &format!(r#","outputs":"{}""#, "x".repeat(size - bare)))
}

/// A list of equal rows.
fn list(row: &str, count: usize) -> String {
    let mut list = format!("[{}", format!("{row},").repeat(count));
    list.pop();
    list + "]"
}

/// Nested values.
fn nested(open: &str, close: &str, levels: usize) -> String {
    format!("{}1{}", open.repeat(levels), close.repeat(levels))
}

fn once(cases: impl IntoIterator<Item = Case>) -> Vec<Try> {
    cases.into_iter().map(Try::Once).collect()
}

fn doubled(count: usize, case: impl Fn(usize) -> Case) -> Try {
    Try::Growth(case(count), case(2 * count))
}

fn bodies() -> Vec<Try> {
    let case = |sent: &str, code, answer: Answer| {
        Case::new("size of a body", sent, code, Question::Latest, answer.clone()).and(Question::Deploy, answer)
    };
    let over = padded(LARGEST + 1);
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let endless = Answer::bytes(head).then_endless(&format!("10000\r\n{}\r\n", " ".repeat(1 << 16)));
    let error = Answer::bytes("HTTP/1.1 500 Error\r\n\r\n").then_endless(&"x".repeat(1 << 16));
    let bomb = Answer::with_head("200 OK", "Content-Encoding: gzip\r\n", &padded(15 * MIB));
    once([
        case("16 MiB", PASSED, Answer::json(&padded(LARGEST))),
        case("16 MiB, chunked", PASSED, Answer::chunked(&padded(LARGEST))),
        case("one byte more", NO_GOOD_ANSWER, Answer::json(&over)),
        case("one byte more, chunked", NO_GOOD_ANSWER, Answer::chunked(&over)),
        case("without end", NO_GOOD_ANSWER, endless),
        case("an error without end", NO_GOOD_ANSWER, error),
        case("15 MiB, compressed", NO_GOOD_ANSWER, bomb),
    ])
}

fn heads() -> Vec<Try> {
    let case = |sent: &str, code, answer: Answer| {
        Case::new("headers", sent, code, Question::Latest, answer.clone()).and(Question::Deploy, answer).may_have(4)
    };
    let whole = |status: &str, headers: &str| Answer::with_head(status, headers, &deploy("active", ""));
    let many = |count: usize| (0..count).fold(String::new(), |all, number| all + &format!("X-{number}: x\r\n"));
    let long = |name: &str, length: usize| format!("{name}: {}\r\n", "9".repeat(length));
    once([
        case("99", PASSED, whole("200 OK", &many(98))),
        case("10,000", NO_GOOD_ANSWER, whole("200 OK", &many(10_000))),
        case("without end", NO_GOOD_ANSWER, Answer::bytes("HTTP/1.1 200 OK\r\n").then_endless(&many(1000))),
        case("one of 300 KiB", PASSED, whole("200 OK", &long("X-Nuon-API-Version", 300 << 10))),
        case("one of 1 MiB", NO_GOOD_ANSWER, whole("200 OK", &long("X-Nuon-API-Version", MIB))),
        case("`Retry-After` of 300 KiB", NO_GOOD_ANSWER, whole("429 Slow", &long("Retry-After", 300 << 10))),
        case("`Retry-After` of 1 MiB", NO_GOOD_ANSWER, whole("429 Slow", &long("Retry-After", MIB))),
        case("`Location` of 300 KiB", NO_GOOD_ANSWER, whole("302 Found", &long("Location", 300 << 10))),
        case(
            "`100 Continue` without end",
            NO_GOOD_ANSWER,
            Answer::bytes("").then_endless(&"HTTP/1.1 100 Continue\r\n\r\n".repeat(1000)),
        ),
    ])
}

fn nesting() -> Vec<Try> {
    let unused = |levels: usize| {
        let more = format!(r#","outputs":{}"#, nested("[", "]", levels));
        Case::active("nesting, not used", format!("{levels} levels"), &more)
    };
    let used = |levels: usize| {
        let more = format!(r#","runner_jobs":{}"#, nested(r#"[{"executions":"#, "}]", levels));
        Case::active("nesting, used", format!("{levels} levels"), &more)
    };
    let judged = |levels: usize| {
        let more = format!(r#","status_v2":{}"#, nested(r#"{"status":"#, "}", levels));
        Case { code: NO_GOOD_ANSWER, ..Case::active("nesting, of the status", format!("{levels} levels"), &more) }
    };
    let mut all = once([unused(100), unused(10_000), used(100), used(10_000), judged(100), judged(1_000_000)]);
    all.push(doubled(1_000_000, unused));
    all.push(doubled(400_000, used));
    all
}

fn deploys() -> Vec<Try> {
    let with = |name, what: &'static str, more: fn(usize) -> String| {
        move |count: usize| Case::failed(name, format!("{count} {what}"), &more(count))
    };
    let numbered = |count: usize, row: fn(usize) -> String| {
        let mut all = (0..count).fold(String::new(), |all, number| all + &row(number) + ",");
        all.pop();
        all
    };
    let history =
        |count| format!(r#","status_v2":{{"status":"error","history":{}}}"#, list(r#"{"status":"a"}"#, count));
    let stays = move |count| {
        let row = |number| format!(r#"{{"status":"s{number}","created_at_ts":{}}}"#, 1_800_000_000 + number);
        let more = format!(r#","status_v2":{{"status":"error","history":[{}]}}"#, numbered(count, row));
        Case::failed("history, all different", format!("{count} entries"), &more)
    };
    let empty = |count| format!(r#","status_v2":{{"status":"error","history":{}}}"#, list("{}", count));
    let jobs = |count| format!(r#","runner_jobs":{}"#, list("{}", count));
    let executions = |count| format!(r#","runner_jobs":[{{"executions":{}}}]"#, list("{}", count));
    let violations = |count| {
        let row = r#"{"severity":"deny","message":"no"}"#;
        format!(r#","policy_reports":[{{"violations":{}}}]"#, list(row, count))
    };
    let metadata = |count| format!(r#","status_v2":{{"status":"error","metadata":{{"a":{}}}}}"#, list("[]", count));
    let hints = move |count| {
        let hints = numbered(count, |number| format!(r#""{number}":"""#));
        Case::failed("hints", format!("{count}"), &format!(r#","composite_error":{{"hints":{{{hints}}}}}"#))
    };
    let description = |size: usize| {
        let more = format!(r#","status_description":"{}""#, "quota ".repeat(size / 6));
        Case::failed("description", format!("{:.1} MiB", size as f64 / MIB as f64), &more)
    };
    let escaped = |size: usize| {
        let more = format!(r#","status_description":"{}""#, r"\u001b[m".repeat(size / 8));
        let name = "description of escape sequences";
        Case::failed(name, format!("{:.1} MiB", size as f64 / MIB as f64), &more)
    };
    let mut all = vec![
        doubled(500_000, with("history", "entries", history)),
        doubled(2_500_000, with("history, empty", "entries", empty)),
        doubled(150_000, stays),
        doubled(15 * MIB / 2, description),
        doubled(15 * MIB / 2, escaped),
        doubled(2_500_000, with("jobs", "jobs", jobs)),
        doubled(2_500_000, with("executions of a job", "executions", executions)),
        doubled(200_000, with("policy violations", "violations", violations)),
        doubled(2_500_000, with("metadata", "values", metadata)),
        doubled(500_000, hints),
    ];
    let long_id = format!(r#","build_id":"{}","created_by_id":"{}""#, "x".repeat(MIB), "y".repeat(MIB));
    all.extend(once([
        Case::active("other ids", "1 MiB each", &long_id),
        Case {
            code: NO_GOOD_ANSWER,
            ..Case::active("workflow's id", "1 MiB", &format!(r#","workflow_id":"{}""#, "x".repeat(MIB)))
        },
    ]));
    all
}

fn lists() -> Vec<Try> {
    let row = format!(r#"{{"component_id":"{COMPONENT}","component":{{"id":"{COMPONENT}","name":"api"}}}}"#);
    let more = "X-Nuon-Page-Next: true\r\n";
    let components = |sent: &str, code, answer| {
        let targets = ["--install", INSTALL, "--all-components"].map(str::to_owned).to_vec();
        Case { targets, ..Case::new("components", sent, code, Question::Components, answer) }
    };
    let rows = |count: usize| {
        let case = Case::failed("earlier deploys", format!("{count} rows"), "");
        case.and(Question::Deploys, Answer::json(&list("{}", count)))
    };
    let name = format!(r#"[{{"component_id":"{COMPONENT}","component":{{"name":"{}"}}}}]"#, "x".repeat(15 * MIB));
    let mut all = once([
        components("the same page without end", PASSED, Answer::with_head("200 OK", more, &list(&row, 100))),
        components("5,000,000 in a page", NO_GOOD_ANSWER, Answer::json(&list("{}", 5_000_000))),
        components("a name of 15 MiB", PASSED, Answer::json(&name)),
    ]);
    all.push(doubled(2_500_000, rows));
    all
}

fn logs() -> Vec<Try> {
    let case = |name, sent: String, body: &str| {
        let head = "X-Nuon-API-Next: 1\r\n";
        Case::failed(name, sent, "").and(Question::Logs, Answer::with_head("200 OK", head, body))
    };
    let record = |severity: u32, text: &str| format!(r#"{{"severity_number":{severity},"body":"{text}"}}"#);
    let usual = list(&record(9, "line"), 100);
    let long = list(&record(9, &"x".repeat(MIB)), 15);
    vec![
        Try::Once(case("log", "pages without end".to_owned(), &usual)),
        Try::Once(case("log", "15 lines of 1 MiB a page, without end".to_owned(), &long)),
        doubled(100_000, |count| case("log, records", format!("{count} a page"), &list(&record(17, "line"), count))),
        doubled(2_500_000, |count| case("log, empty records", format!("{count} a page"), &list("{}", count))),
        doubled(2_500_000, |count| {
            let body = list(&record(17, &r"x\n".repeat(count)), 1);
            case("log, lines of a record", format!("{count}"), &body)
        }),
    ]
}

fn workflows() -> Vec<Try> {
    let workflow = |others: &str| workflow("success", &format!("[{},{}", step("success"), &others[1..]));
    let done = r#"{"id":"iws","status":{"status":"success"},"finished":true}"#;
    let steps = |count| {
        // One of them is the deploy's own step.
        let answer = workflow(&list(done, count - 1));
        Case::new("steps of a workflow", format!("{count}"), PASSED, Question::Workflow, answer)
    };
    let empty = workflow(&list("{}", 5_000_000));
    let empty = Case::new("steps of a workflow, empty", "5000000", PASSED, Question::Workflow, empty);
    let deploys = |count: usize| {
        let mut rows = String::new();
        for number in 1..count {
            // Writing to a text cannot fail.
            let _ = write!(rows, r#"{{"step_target_id":"dpl{number}","status":{{"status":"success"}}}},"#);
        }
        rows.pop();
        let answer = workflow(&format!("[{rows}]"));
        // The gate waits for one of them, and has to find out which deploys there are.
        Case::new("deploys of a workflow", format!("{count}"), PASSED, Question::Workflow, answer)
    };
    vec![
        doubled(5_000, steps),
        doubled(5_000, deploys),
        Try::Once(steps(100_000).times_out()),
        Try::Once(empty.times_out()),
    ]
}

fn targets() -> Vec<Try> {
    let case = |count: usize, code| {
        let mut lines = String::new();
        for number in 0..count {
            // Writing to a text cannot fail.
            let _ = writeln!(lines, "{INSTALL}/cmp{number:023}");
        }
        let targets = ["--targets-file", "targets"].map(str::to_owned).to_vec();
        let file = Some(("targets", lines));
        let ordinary = Case::active("targets, all of them active", format!("{count}"), "");
        // Each target costs 16 KiB at most.
        let most = ordinary.most + count as u64 / 64;
        Case { targets, file, code, most, ..ordinary }
    };
    let large = Answer::json(&padded(LARGEST));
    let at_once = Case { sent: "64, 16 MiB about each".to_owned(), ..case(64, PASSED) };
    let at_once = Case { answers: vec![(Question::Latest, large.clone()), (Question::Deploy, large)], ..at_once };
    let telling = format!(r#","status_description":"{}""#, "x".repeat(15 * MIB));
    let telling = Answer::json(&deploy("active", &telling));
    let kept = Case { sent: "64, a description of 15 MiB each".to_owned(), ..case(64, PASSED) };
    let kept = Case { answers: vec![(Question::Latest, telling.clone()), (Question::Deploy, telling)], ..kept };
    vec![
        Try::Once(case(1_000, PASSED)),
        Try::Once(case(10_000, PASSED)),
        Try::Once(case(10_001, USAGE)),
        Try::Once(at_once.may_have(192)),
        Try::Once(kept.may_have(192)),
        Try::Once(case(400_000, USAGE)),
    ]
}
