//! What ends a merged run badly beside its targets.

use crate::{Line, Shard, Verdict};

/// More shards than this are not named.
const MOST_NAMED: usize = 10;

const NO_RESULT: &str = "check how the shards' own jobs ended; each has to keep its result (--report json=PATH) whatever its \
    verdict, and all of them have to be given to `merge`";

/// What ended a run badly beside its targets.
pub(super) struct Trouble {
    pub(super) verdict: Verdict,
    pub(super) reason: Line,
    pub(super) hint: Option<Line>,
}

impl Trouble {
    /// These shards have no result.
    pub(super) fn missing(missing: &[u32], count: u32) -> Option<Self> {
        let mut named: Vec<String> = missing.iter().take(MOST_NAMED).map(|index| format!("{index}/{count}")).collect();
        if missing.len() > MOST_NAMED {
            named.push(format!("and {} more", missing.len() - MOST_NAMED));
        }
        let shards = if missing.len() == 1 { "shard" } else { "shards" };
        let reason = Line::new(format!("there is no result of {shards} {}", named.join(", ")));
        let trouble = Self { verdict: Verdict::Inconclusive, reason, hint: Some(Line::new(NO_RESULT)) };
        (!missing.is_empty()).then_some(trouble)
    }

    /// Too few targets have passed, and the others had not ended when their shards stopped waiting.
    pub(super) fn unended(targets: usize, all: usize) -> Self {
        let reason = Line::new(format!("{targets} of {all} targets had not ended when their shard stopped waiting"));
        let hint = Some(Line::new("give `merge` the same --require as the shards"));
        Self { verdict: Verdict::Inconclusive, reason, hint }
    }
}

/// Returns the name of a shard.
pub(super) fn shard_words(shard: Shard) -> String {
    format!("shard {shard}")
}
