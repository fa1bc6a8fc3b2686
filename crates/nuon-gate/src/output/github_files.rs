//! The files that GitHub's runner reads after the step.

use std::io;
use std::path::Path;

use nuon_gate_core::result::v1::RunResult;

use super::append::Appending;
use super::facts::Facts;
use super::markdown;

/// A summary above 1 MiB is dropped whole (`FileCommandManager.cs` in actions/runner), other writers' parts included. Two
/// bytes are subtracted: one for the line break before ours, one because the limit is exclusive.
const MOST_SUMMARY: u64 = 1024 * 1024 - 2;
const OUR_SUMMARY: u64 = 900 * 1024;

/// What fitted into a summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// The report, perhaps shortened.
    Enough,
    /// Nothing: it was full already.
    None,
}

/// Sets the step's outputs.
pub(super) fn set_outputs(path: &Path, facts: &Facts) -> io::Result<()> {
    Appending::open(path)?.write(&outputs(facts, super::random))
}

/// Appends the report to the job's summary, shortened to the room there is.
pub(super) fn summarise(path: &Path, result: &RunResult) -> io::Result<Room> {
    let file = Appending::open(path)?;
    let room = MOST_SUMMARY.saturating_sub(file.length()).min(OUR_SUMMARY);
    let report = markdown::report(result, usize::try_from(room).unwrap_or(usize::MAX));
    if report.is_empty() {
        return Ok(Room::None);
    }
    file.write(&report)?;
    Ok(Room::Enough)
}

/// Writes each value between two lines of an unguessable delimiter that does not occur in it.
fn outputs(facts: &Facts, mut random: impl FnMut() -> u64) -> String {
    let mut written = String::new();
    for (name, value) in facts.iter() {
        let delimiter = loop {
            let delimiter = format!("ghadelimiter_{:016x}{:016x}", random(), random());
            if !value.contains(&delimiter) {
                break delimiter;
            }
        };
        written.push_str(&format!("{name}<<{delimiter}\n{value}\n{delimiter}\n"));
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stood_before_stays_by_itself() {
        let path = std::env::temp_dir().join(format!("nuon-gate-before-{}", std::process::id()));
        for (before, start) in [("", "verdict<<"), ("a=b", "a=b\nverdict<<"), ("a=b\n", "a=b\n\nverdict<<")] {
            std::fs::write(&path, before).unwrap();
            set_outputs(&path, &Facts::not_started(2, "x", "")).unwrap();
            let written = std::fs::read_to_string(&path).unwrap();
            assert!(written.starts_with(start), "{written}");
        }
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_value_cannot_end_itself() {
        let mut numbers = (0..).map(|number| number / 2);
        let taken =
            format!("a\nghadelimiter_{:032x}\nverdict=passed", 0) + &format!("ghadelimiter_{0:016x}{0:016x}", 7);
        let written = outputs(&Facts::not_started(2, &taken, ""), || numbers.next().unwrap());
        let start = written.find("reason<<").unwrap();
        let delimiter = written[start + 8..].lines().next().unwrap();
        assert!(!taken.contains(delimiter), "{written}");
        assert!(written[start..].starts_with(&format!("reason<<{delimiter}\n{taken}\n{delimiter}\n")), "{written}");
        assert!(written.starts_with("verdict<<ghadelimiter_00000000000000000000000000000000\nusage\n"), "{written}");
        let delimiters: Vec<&str> =
            written.lines().filter_map(|line| line.split_once("<<")).map(|pair| pair.1).collect();
        assert_eq!(delimiters.len(), 17);
        assert!(delimiters.iter().enumerate().all(|(at, one)| !delimiters[..at].contains(one)), "each has its own");
    }
}
