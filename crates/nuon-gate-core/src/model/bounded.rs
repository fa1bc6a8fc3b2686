//! Reads lists and texts with a limit: three bytes of a body can become a kilobyte of memory.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::open::{Object, lenient};
use crate::RemoteText;
use crate::redact::{redacted_beginning, redacted_end};

/// The longest list that is read where every row counts.
pub(super) const MOST_ROWS: usize = 10_000;
/// How many entries are kept of a list or object that is only reported.
pub(super) const FEW: usize = 100;
/// How many bytes are kept of a text: more than is ever shown.
pub(super) const LONGEST_TEXT: usize = 8 * 1024;
/// How much is kept of a log record, which can have many lines; its end usually has the error.
const LONGEST_RECORD: usize = 64 * 1024;

/// Yields the items of a list, one at a time.
struct Each<T, F>(F, PhantomData<T>);

impl<'de, T: Deserialize<'de>, F: FnMut(T) -> Result<(), &'static str>> Visitor<'de> for Each<T, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        while let Some(item) = list.next_element()? {
            (self.0)(item).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

/// A list of which every item counts. It is refused if it is too long, because a dropped item could change a verdict.
pub(crate) struct Rows<T>(pub(crate) Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Rows<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut rows = Vec::new();
        let keep = |row: Object<T>| {
            if rows.len() == MOST_ROWS {
                return Err("the list is too long");
            }
            rows.push(row.0);
            Ok(())
        };
        deserializer.deserialize_seq(Each(keep, PhantomData))?;
        Ok(Self(rows))
    }
}

/// Reads such a list.
pub(super) fn rows<'de, D, T>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::<Rows<T>>::deserialize(deserializer)?.map(|rows| rows.0))
}

/// Reads the first items of a list; anything else is absent.
pub(super) fn first<'de, D, T>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let mut first = Vec::new();
    let read = each(deserializer, |item| {
        if first.len() < FEW {
            first.push(item);
        }
    })?;
    Ok(read.then_some(first))
}

/// Reads the last items of a list; anything else is absent.
pub(super) fn last<'de, D, T>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let mut last = VecDeque::new();
    let read = each(deserializer, |item| {
        if last.len() == FEW {
            last.pop_front();
        }
        last.push_back(item);
    })?;
    Ok(read.then(|| last.into()))
}

/// Yields the items of an optional list. Returns whether it was a list.
fn each<'de, D, T>(deserializer: D, mut keep: impl FnMut(T)) -> Result<bool, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let raw = <&'de RawValue>::deserialize(deserializer)?;
    let visitor = Each(
        |item: Object<T>| {
            keep(item.0);
            Ok(())
        },
        PhantomData,
    );
    Ok(serde_json::Deserializer::from_str(raw.get()).deserialize_seq(visitor).is_ok())
}

/// A few texts by their names, some of which may be null.
#[derive(Default)]
struct Texts(BTreeMap<String, Option<RemoteText>>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Texts, A::Error> {
                let mut texts = Texts::default();
                while let Some((name, text)) = members.next_entry::<String, Option<String>>()? {
                    if texts.0.len() < FEW {
                        texts.0.insert(cut(name, LONGEST_TEXT), text.map(|text| kept(text, LONGEST_TEXT)));
                    }
                }
                Ok(texts)
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// Reads such an object; anything else is absent.
pub(super) fn texts<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<BTreeMap<String, Option<RemoteText>>>, D::Error> {
    Ok(lenient::<D, Texts>(deserializer)?.map(|texts| texts.0))
}

/// Reads as much of a text as can be shown; anything else is absent.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<RemoteText>, D::Error> {
    let text: Option<String> = lenient(deserializer)?;
    Ok(text.map(|text| kept(text, LONGEST_TEXT)))
}

/// Reads the text of a log record: its start, which says what it is about, and its end.
pub(super) fn record<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<RemoteText>, D::Error> {
    let text: Option<String> = lenient(deserializer)?;
    Ok(text.map(|text| match text.len() > LONGEST_RECORD {
        false => RemoteText::new(text),
        true => {
            let (begins, ends) = (LONGEST_TEXT, LONGEST_RECORD - LONGEST_TEXT);
            RemoteText::new(format!("{}\n…\n{}", redacted_beginning(&text, begins), redacted_end(&text, ends)))
        }
    }))
}

fn kept(text: String, longest: usize) -> RemoteText {
    RemoteText::new(cut(text, longest))
}

/// Cuts a text. Secrets are redacted first, because half a secret would not be recognised.
fn cut(text: String, longest: usize) -> String {
    if text.len() > longest { redacted_beginning(&text, longest) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Deploy, LogRecord, Workflow};
    use crate::redact::protect;

    fn list(row: impl Fn(usize) -> String, count: usize) -> String {
        format!("[{}]", (0..count).map(row).collect::<Vec<_>>().join(","))
    }

    fn deploy_with(part: &str) -> Deploy {
        serde_json::from_str(&format!(r#"{{"status_v2":{{"status":"error",{part}}},{part}}}"#)).unwrap()
    }

    #[test]
    fn the_newest_of_a_history_are_kept() {
        let row = |number| format!(r#"{{"status":"s{number}"}}"#);
        for (count, first) in [(FEW, "s0"), (FEW + 1, "s1"), (3 * FEW, "s200")] {
            let history =
                deploy_with(&format!(r#""history":{}"#, list(row, count))).status_v2.unwrap().history.unwrap();
            let word = |at: usize| history[at].status.as_ref().unwrap().as_str().to_owned();
            assert_eq!((history.len(), word(0), word(FEW - 1)), (FEW, first.to_owned(), format!("s{}", count - 1)));
        }
    }

    #[test]
    fn the_first_of_the_texts_for_people_are_kept() {
        let row = |number| {
            format!(r#"{{"log_stream_id":"log{number}","executions":{}}}"#, list(|_| "{}".to_owned(), FEW + 1))
        };
        let jobs = deploy_with(&format!(r#""runner_jobs":{}"#, list(row, FEW + 5))).runner_jobs.unwrap();
        let ids: Vec<&str> = jobs.iter().map(|job| job.log_stream_id.as_ref().unwrap().as_str()).collect();
        assert_eq!((ids.len(), ids[0], ids[FEW - 1]), (FEW, "log0", "log99"));
        assert_eq!(jobs[0].executions.as_ref().unwrap().len(), FEW);
        let hints: Vec<String> = (0..FEW + 5).map(|number| format!(r#""h{number:03}":"x""#)).collect();
        let error = deploy_with(&format!(r#""composite_error":{{"hints":{{{}}}}}"#, hints.join(","))).composite_error;
        let hints = error.unwrap().hints.unwrap();
        assert_eq!((hints.len(), hints.keys().next_back().unwrap().as_str()), (FEW, "h099"));
    }

    #[test]
    fn a_list_that_counts_is_read_whole_or_not_at_all() {
        let workflow = |count| {
            let steps = list(|_| r#"{"status":{"status":"success"}}"#.to_owned(), count);
            serde_json::from_str::<Workflow>(&format!(r#"{{"steps":{steps}}}"#)).map(|read| read.steps.unwrap().len())
        };
        assert_eq!(workflow(MOST_ROWS).unwrap(), MOST_ROWS);
        let error = workflow(MOST_ROWS + 1).unwrap_err().to_string();
        assert!(error.contains("too long"), "{error}");
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        let described =
            |text: &str| deploy_with(&format!(r#""status_description":"{text}""#)).status_description.unwrap();
        let long = described(&format!("{}é!", "x".repeat(LONGEST_TEXT - 1)));
        assert_eq!(long.line(2 * LONGEST_TEXT).plain(), "x".repeat(LONGEST_TEXT - 1));
        let fits = "x".repeat(LONGEST_TEXT);
        assert_eq!(described(&fits).line(2 * LONGEST_TEXT).plain(), fits);
    }

    #[test]
    fn the_beginning_and_the_end_of_a_record_are_kept() {
        let record = |body: &str| {
            let record: LogRecord = serde_json::from_str(&serde_json::json!({ "body": body }).to_string()).unwrap();
            record.body.unwrap().lines(100).map(|line| line.plain().to_owned()).collect::<Vec<_>>()
        };
        let lines = |count: usize| (0..count).map(|at| format!("é line {at}\n")).collect::<String>();
        let lines_kept = record(&(lines(20_000) + "Error: quota exceeded"));
        assert_eq!(
            (lines_kept[0].as_str(), lines_kept.last().unwrap().as_str()),
            ("é line 0", "Error: quota exceeded")
        );
        let gap = lines_kept.iter().position(|line| line == "…").unwrap();
        assert!(
            lines_kept.len() < 7000 && lines_kept.len() - gap > 10 * gap / 3,
            "{} lines, of which {gap} first",
            lines_kept.len()
        );
        assert!(!record(&lines(4_000)).contains(&"…".to_owned()), "it fits");
    }

    #[test]
    fn no_half_of_a_secret_is_left_where_a_text_is_cut() {
        protect("bounded-secret-of-some-length");
        for before in [LONGEST_TEXT - 20, LONGEST_TEXT - 8, LONGEST_TEXT - 1] {
            let long = format!("{}bounded-secret-of-some-length", "x".repeat(before));
            let kept = deploy_with(&format!(r#""status_description":"{long}""#)).status_description.unwrap();
            assert!(!kept.line(2 * LONGEST_TEXT).plain().contains("xb"), "{before}");
            let body = long.clone() + &"y".repeat(LONGEST_RECORD - LONGEST_TEXT - 10);
            let record: LogRecord = serde_json::from_str(&serde_json::json!({ "body": body }).to_string()).unwrap();
            let lines: Vec<_> = record.body.unwrap().lines(2 * LONGEST_RECORD).collect();
            assert!(lines.iter().all(|line| !line.plain().contains("xb") && !line.plain().contains("thy")), "{before}");
        }
    }

    #[test]
    fn a_list_is_no_object() {
        let deploy: Deploy = serde_json::from_str(
            r#"{"status_v2":{"status":"error","metadata":[true],"history":[{"status":"a"}]},"component_build":[],
                "created_by":[],"log_stream":[],"runner_job":[],"composite_error":[]}"#,
        )
        .unwrap();
        let status = deploy.status_v2.unwrap();
        assert!(status.metadata.is_none() && status.history.unwrap().len() == 1);
        assert!(deploy.component_build.is_none() && deploy.created_by.is_none() && deploy.log_stream.is_none());
        assert!(deploy.runner_job.is_none() && deploy.composite_error.is_none());
        let steps = r#"{"steps":[{"approval":[]},{"approval":{"id":"waa1","response":null}}]}"#;
        let steps = serde_json::from_str::<Workflow>(steps).unwrap().steps.unwrap();
        assert!(steps[0].approval.is_none());
        assert!(steps[1].approval.as_ref().unwrap().response.is_none(), "nobody has answered");
        // Somebody has answered, however it is to be read.
        for response in ["[]", "5", "\"approve\"", "{}"] {
            let steps = format!(r#"{{"steps":[{{"approval":{{"response":{response}}}}}]}}"#);
            let steps = serde_json::from_str::<Workflow>(&steps).unwrap().steps.unwrap();
            assert!(steps[0].approval.as_ref().unwrap().response.is_some(), "{response}");
        }
        let history = deploy_with(r#""history":[["active"]]"#).status_v2.unwrap().history;
        assert!(history.is_none());
    }
}
