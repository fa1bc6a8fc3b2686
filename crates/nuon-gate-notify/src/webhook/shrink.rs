//! Shrinks a result until it fits into a body.

use nuon_gate_core::Line;
use nuon_gate_core::result::v1::RunResult;
use serde_json::Value;

use crate::cut::{cut, verbatim};

/// The largest body of a webhook, in bytes. Receivers commonly accept 64 KiB; this leaves room for their own envelope.
pub(crate) const LARGEST_BODY: usize = 64_000;

/// Makes a body from as much of a result as fits: drops the log tails first, then the timelines, then cuts long texts,
/// and at last leaves out targets, passed ones first.
///
/// # Errors
///
/// If `make` fails, or if even the smallest body is too large.
pub(crate) fn fit(result: &RunResult, make: impl Fn(&Value) -> Result<Vec<u8>, String>) -> Result<Vec<u8>, String> {
    let mut result = result.clone();
    for step in STEPS {
        step.apply(&mut result).map_err(|error| error.to_string())?;
        let body = make(&serde_json::to_value(&result).map_err(|error| error.to_string())?)?;
        if body.len() <= LARGEST_BODY {
            return Ok(body);
        }
    }
    Err(format!("the body would be larger than {LARGEST_BODY} bytes"))
}

/// What is dropped; each step adds to those before it.
#[derive(Clone, Copy)]
enum Step {
    Nothing,
    LogLines(usize),
    Stays(usize),
    Texts(usize),
    Targets(usize),
}

const STEPS: [Step; 14] = [
    Step::Nothing,
    Step::LogLines(10),
    Step::LogLines(3),
    Step::LogLines(0),
    Step::Stays(10),
    Step::Stays(0),
    Step::Texts(1000),
    Step::Texts(300),
    Step::Texts(100),
    Step::Targets(100),
    Step::Targets(50),
    Step::Targets(20),
    Step::Targets(5),
    Step::Targets(0),
];

impl Step {
    fn apply(self, result: &mut RunResult) -> serde_json::Result<()> {
        match self {
            Self::Nothing => {}
            Self::LogLines(count) => {
                result.targets.iter_mut().for_each(|target| target.log_tail = target.log_excerpt(count).to_vec());
            }
            // The end of a timeline says more than its beginning.
            Self::Stays(count) => result.targets.iter_mut().for_each(|target| keep_last(&mut target.timeline, count)),
            Self::Texts(longest) => {
                let mut value = serde_json::to_value(&*result)?;
                cut_texts(&mut value, longest);
                *result = serde_json::from_value(value)?;
            }
            Self::Targets(count) => keep_worst(result, count),
        }
        Ok(())
    }
}

fn keep_last<T>(list: &mut Vec<T>, count: usize) {
    list.drain(..list.len().saturating_sub(count));
}

/// Leaves out all but `count` targets, and long lists with them.
fn keep_worst(result: &mut RunResult, count: usize) {
    result.targets.sort_by_key(|target| target.verdict);
    let left_out = result.targets.len().saturating_sub(count);
    result.targets.truncate(count);
    for target in &mut result.targets {
        target.replaced.truncate(5);
        target.warnings.truncate(5);
    }
    if let Some(run) = &mut result.branch_run {
        run.groups.truncate(20);
        run.waiting.truncate(5);
    }
    let marker = "targets were left out, as the message would be too large";
    result.warnings.retain(|warning| !warning.plain().ends_with(marker));
    result.warnings.truncate(5);
    result.notifications.truncate(20);
    if left_out > 0 {
        // Counted from what an earlier step had left, if there was one.
        result.warnings.push(Line::new(format!("{left_out} or more {marker}")));
    }
}

fn cut_texts(value: &mut Value, longest: usize) {
    match value {
        Value::String(text) if longest < text.len() => *text = cut(&Line::new(&*text), longest, verbatim),
        Value::Array(entries) => entries.iter_mut().for_each(|entry| cut_texts(entry, longest)),
        Value::Object(fields) => {
            for (name, field) in fields {
                let is_address = matches!(name.as_str(), "url" | "approval_url" | "ci_url");
                match field {
                    // Half a URL is useless.
                    Value::String(text) if is_address && text.len() > longest.max(1000) => *field = Value::Null,
                    Value::String(_) if is_address => {}
                    field => cut_texts(field, longest),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use nuon_gate_core::Verdict;
    use nuon_gate_core::result::v1::{LogLine, StayResult};

    use super::*;
    use crate::sample;

    fn shrunk(result: &RunResult) -> RunResult {
        let body = fit(result, |value| Ok(value.to_string().into_bytes())).unwrap();
        assert!(body.len() <= LARGEST_BODY);
        serde_json::from_slice(&body).unwrap()
    }

    fn lines(count: usize, text: &str) -> Vec<LogLine> {
        vec![LogLine { at: None, severity: Line::new("error"), text: Line::new(text) }; count]
    }

    #[test]
    fn what_fits_is_left_alone() {
        let result = sample::result(Verdict::Failed);
        assert_eq!(shrunk(&result), result);
    }

    #[test]
    fn the_log_goes_first_then_the_timeline_then_texts_then_targets() {
        let mut result = sample::result(Verdict::Failed);
        result.targets[0].log_tail = lines(25, &"x".repeat(4000));
        let once = shrunk(&result);
        assert_eq!((once.targets[0].log_tail.len(), once.targets[0].timeline.len()), (10, 3));
        assert_eq!(once.reason, result.reason);

        let stay = StayResult { status: Line::new("s".repeat(700)), at: result.started_at.clone(), duration_ms: None };
        result.targets[0].timeline = vec![stay; 100];
        let twice = shrunk(&result);
        assert_eq!((twice.targets[0].log_tail.len(), twice.targets[0].timeline.len()), (0, 10));
        assert_eq!(twice.reason, result.reason);

        result.targets[0].reason = Some(Line::new("y".repeat(5000)));
        result.warnings = vec![Line::new("z".repeat(9000)); 8];
        let thrice = shrunk(&result);
        assert!(thrice.targets[0].timeline.is_empty());
        assert!(thrice.targets[0].reason.as_ref().unwrap().plain().ends_with(" more characters"));
        assert_eq!(thrice.targets[0].url, result.targets[0].url);

        let passed = sample::target(Verdict::Passed, "acme", "web", 2);
        result.targets.splice(0..0, vec![passed; 500]);
        let last = shrunk(&result);
        assert_eq!(last.targets[0].verdict, Verdict::Failed);
        assert!(last.targets.len() < 100, "{}", last.targets.len());
        assert!(last.warnings.iter().any(|warning| warning.plain().contains("left out")), "{:?}", last.warnings);
    }
}
