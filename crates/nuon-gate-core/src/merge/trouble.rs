//! What ends a merged run badly beside its targets.

use crate::{Line, Shard, Verdict};

/// More shards than this are not named.
const MOST_NAMED: usize = 10;

const NO_RESULT: &str = "check how the shards' own jobs ended; each has to keep its result (--report json=PATH) whatever its \
    verdict, and all of them have to be given to `merge`";

const NO_END: &str = "each shard has to `wait` for the end of the workflow or run, whatever its targets' verdicts";

/// What ended a run badly beside its targets.
pub(super) struct Trouble {
    pub(super) verdict: Verdict,
    pub(super) reason: Line,
    pub(super) hint: Option<Line>,
}

impl Trouble {
    /// These shards have no result.
    pub(super) fn missing(missing: &[u32], count: u32) -> Option<Self> {
        let reason = Line::new(format!("there is no result of {}", several(missing, count)));
        let trouble = Self { verdict: Verdict::Inconclusive, reason, hint: Some(Line::new(NO_RESULT)) };
        (!missing.is_empty()).then_some(trouble)
    }

    /// The results of these shards do not show that the workflow or run whose deploys are the targets ended well. Each has
    /// the verdict of its shard.
    pub(super) fn incomplete(shards: &[(u32, Verdict)], count: u32) -> Option<Self> {
        let verdict = shards.iter().map(|(_, verdict)| *verdict).min()?;
        let shards: Vec<u32> = shards.iter().map(|(index, _)| *index).collect();
        let reason = Line::new(format!("{} did not see the workflow or run end well", several(&shards, count)));
        Some(Self { verdict, reason, hint: Some(Line::new(NO_END)) })
    }

    /// Too few targets have passed, and the others had not ended when their shards stopped waiting.
    pub(super) fn unended(targets: usize, all: usize) -> Self {
        let reason = Line::new(format!("{targets} of {all} targets had not ended when their shard stopped waiting"));
        let hint = Some(Line::new("give `merge` the same --require as the shards"));
        Self { verdict: Verdict::Inconclusive, reason, hint }
    }
}

/// Names shards, of so many.
fn several(shards: &[u32], count: u32) -> String {
    let mut named: Vec<String> = shards.iter().take(MOST_NAMED).map(|index| format!("{index}/{count}")).collect();
    if shards.len() > MOST_NAMED {
        named.push(format!("and {} more", shards.len() - MOST_NAMED));
    }
    let word = if shards.len() == 1 { "shard" } else { "shards" };
    format!("{word} {}", named.join(", "))
}

/// Returns the name of a shard.
pub(super) fn shard_words(shard: Shard) -> String {
    format!("shard {shard}")
}
