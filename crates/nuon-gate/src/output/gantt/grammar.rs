//! Parses a chart as Mermaid does, by the rules of `gantt.jison` in mermaid-js/mermaid: tokens in the same order, keywords in
//! any case. A comment, and any construct that we never write, is an error here.

use jiff::civil::DateTime;

/// What is drawn.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Chart {
    /// The keywords that set something, each with its value.
    pub(super) settings: Vec<(&'static str, String)>,
    pub(super) sections: Vec<String>,
    pub(super) tasks: Vec<Task>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Task {
    pub(super) name: String,
    pub(super) tags: Vec<String>,
    pub(super) start: DateTime,
    pub(super) end: DateTime,
}

/// Keywords with a value up to the end of the line, or to one of `#` and `;`.
const SETTINGS: [&str; 10] = [
    "dateFormat",
    "axisFormat",
    "tickInterval",
    "includes",
    "excludes",
    "todayMarker",
    "weekday",
    "weekend",
    "title",
    "accDescription",
];
/// Keywords without a value.
const WORDS: [&str; 3] = ["gantt", "inclusiveEndDates", "topAxis"];
/// Keywords of constructs that we never write.
const FOREIGN: [&str; 5] = ["accTitle", "accDescr", "href", "call", "click"];
const TAGS: [&str; 5] = ["active", "done", "crit", "milestone", "vert"];

/// Reads a chart, with the fence around it.
pub(super) fn read(fenced: &str) -> Result<Chart, String> {
    let body = fenced.strip_prefix("```mermaid\n").and_then(|rest| rest.strip_suffix("```\n")).ok_or("no fence")?;
    if body.contains('`') {
        return Err("it may end the fence".to_owned());
    }
    let (body, mut chart) = (directive(body)?, Chart::default());
    let rest = body.strip_prefix("gantt\n").ok_or("it is no gantt chart")?;
    rest.lines().try_for_each(|line| statement(line.trim_start(), &mut chart))?;
    Ok(chart)
}

/// Skips a directive, which has to be JSON and ends at the first `}%%`.
fn directive(body: &str) -> Result<&str, String> {
    let Some(rest) = body.strip_prefix("%%{init: ") else { return Ok(body) };
    let (settings, rest) = rest.split_once("}%%").ok_or("a directive without an end")?;
    serde_json::from_str::<serde_json::Value>(settings).map_err(|error| format!("{settings}: {error}"))?;
    rest.strip_prefix('\n').ok_or_else(|| "something stands behind a directive".to_owned())
}

fn statement(line: &str, chart: &mut Chart) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("{what}: {line}"));
    let second = line.chars().nth(1);
    if line.is_empty() {
        return Ok(());
    }
    if line.starts_with(['%', '#']) || second == Some('%') {
        return wrong("a comment");
    }
    if FOREIGN.into_iter().chain(WORDS).any(|word| after_word(line, word).is_some()) || is_date(line) {
        return wrong("a word of Mermaid's own");
    }
    if let Some((keyword, value)) = SETTINGS.into_iter().find_map(|word| Some((word, after_word(line, word)?))) {
        return match until(value, "#;") {
            (value, "") if !value.trim().is_empty() => {
                chart.settings.push((keyword, value.trim().to_owned()));
                Ok(())
            }
            _ => wrong("a setting"),
        };
    }
    if let Some(title) = after_word(line, "section") {
        return match until(title, "#:;") {
            (title, "") if !title.trim().is_empty() => {
                chart.sections.push(title.trim().to_owned());
                Ok(())
            }
            _ => wrong("a section"),
        };
    }
    let (name, data) = until(line, "#:;");
    match data.strip_prefix(':').map(|data| until(data, "#;")) {
        Some((data, "")) if !name.trim().is_empty() => chart.tasks.push(task(name.trim(), data)?),
        _ => return wrong("a task"),
    }
    Ok(())
}

/// Reads the tags of a task, and then from when to when it is. With three parts the first would be an id.
fn task(name: &str, data: &str) -> Result<Task, String> {
    let mut parts: Vec<&str> = data.split(',').map(str::trim).collect();
    let tags = parts.iter().take_while(|part| TAGS.contains(part)).count();
    let tags = parts.drain(..tags).map(str::to_owned).collect();
    let instant = |text: &str| {
        let format = "%Y-%m-%dT%H:%M:%S%.f";
        let at = DateTime::strptime(format, text).map_err(|error| format!("{text}: {error}"))?;
        if text.len() == "YYYY-MM-DDTHH:mm:ss.SSS".len() { Ok(at) } else { Err(format!("not by dateFormat: {text}")) }
    };
    match parts.as_slice() {
        [start, end] => Ok(Task { name: name.to_owned(), tags, start: instant(start)?, end: instant(end)? }),
        _ => Err(format!("not from when to when: {data}")),
    }
}

/// Returns the rest of a line that begins with this word.
fn after_word<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let (head, rest) = line.split_at_checked(word.len())?;
    let ends = rest.chars().next().is_none_or(|next| !next.is_alphanumeric() && next != '_');
    (head.eq_ignore_ascii_case(word) && ends).then_some(rest)
}

/// Splits a text before the first of these characters.
fn until<'a>(text: &'a str, signs: &str) -> (&'a str, &'a str) {
    text.split_at(text.find(|c| signs.contains(c)).unwrap_or(text.len()))
}

fn is_date(line: &str) -> bool {
    let form = line.bytes().take(10).map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
    form.eq(*b"0000-00-00")
}

#[test]
fn what_mermaid_would_not_draw_is_found() {
    let fenced = |body: &str| format!("```mermaid\n{body}```\n");
    let times = "2026-08-03T14:02:11.000, 2026-08-03T14:02:20.000";
    let chart = |line: &str| read(&fenced(&format!("gantt\n    {line}\n")));
    assert_eq!(chart(&format!("1. queued :crit, done, {times}")).unwrap().tasks[0].tags, ["crit", "done"]);
    let names = [
        "a#b",
        "a;b",
        "%%a",
        "%a",
        "#a",
        "a%",
        "click a",
        "Title a",
        "section",
        "gantt",
        "2026-08-03",
        "accDescr",
        "call",
    ];
    for name in names {
        let line = format!("{name} :done, {times}");
        assert!(chart(&line).is_err() || chart(&line).unwrap().tasks.is_empty(), "{name}");
    }
    for data in
        ["done", "done, a, b", "done, id, 2026-08-03T14:02:11.000, 2026-08-03T14:02:20.000", "2026-08-03, 2026-08-04"]
    {
        assert!(chart(&format!("1. queued :{data}")).is_err(), "{data}");
    }
    for line in ["no data", "section a: b", "section a;b", "axisFormat %H#", "todayMarker"] {
        assert!(chart(line).is_err(), "{line}");
    }
    for body in ["pie\n", "%%{init: {a}}%%\ngantt\n", "%%{init: {}}%% gantt\n", "gantt\n1. `a` :done\n"] {
        assert!(read(&fenced(body)).is_err(), "{body}");
    }
}
