//! Shards of a run: which targets belong to which, and what identifies the shards of one run.
//!
//! A target belongs to the shard with the number *h* mod *N* + 1, where *h* is the first eight bytes of the SHA-256 of
//! `INSTALL/COMPONENT`, by the ids, as a big-endian number. It depends on nothing else: not on the other targets, their
//! order, the version or the platform.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use ring::digest::{Context, SHA256, digest};

use crate::Target;

/// More shards than this are a mistake: a run cannot have more targets either.
const MOST_SHARDS: u32 = 10_000;

/// One of N parts of a run's targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shard {
    index: NonZeroU32,
    count: NonZeroU32,
}

/// Why a text is not a shard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidShard {
    /// Not two numbers.
    #[error("a shard is written I/N, such as 1/4 for the first of four")]
    Form,
    /// Shards are counted from one.
    #[error(
        "shards are counted from 1, so the first of {count} is 1/{count}: write $((index + 1))/{count} for an index from 0"
    )]
    Zero {
        /// How many there are.
        count: u32,
    },
    /// There are fewer.
    #[error("there is no shard {index} of {count}: the last is {count}/{count}")]
    Beyond {
        /// The one that was named.
        index: u32,
        /// How many there are.
        count: u32,
    },
    /// No shards, or too many.
    #[error("the number of shards is one from 1 to {MOST_SHARDS}")]
    Count,
}

impl Shard {
    /// Takes the `index`-th of `count` shards.
    ///
    /// # Errors
    ///
    /// If there is no such shard.
    pub fn new(index: u32, count: u32) -> Result<Self, InvalidShard> {
        let parts = NonZeroU32::new(count).filter(|count| count.get() <= MOST_SHARDS).ok_or(InvalidShard::Count)?;
        let number = NonZeroU32::new(index).ok_or(InvalidShard::Zero { count })?;
        if number > parts {
            Err(InvalidShard::Beyond { index, count })
        } else {
            Ok(Self { index: number, count: parts })
        }
    }

    /// Returns its number, starting at 1.
    pub fn index(self) -> u32 {
        self.index.get()
    }

    /// Returns how many shards there are.
    pub fn count(self) -> u32 {
        self.count.get()
    }

    /// Returns whether a target belongs to it.
    pub fn has(self, target: &Target) -> bool {
        let hash = digest(&SHA256, format!("{}/{}", target.install.as_str(), target.component.as_str()).as_bytes());
        // A digest of 32 bytes begins with eight.
        let first = hash.as_ref().first_chunk().copied().map(u64::from_be_bytes).unwrap_or_default();
        first % u64::from(self.count()) == u64::from(self.index() - 1)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = InvalidShard;

    fn from_str(text: &str) -> Result<Self, InvalidShard> {
        let (index, count) = text.split_once('/').ok_or(InvalidShard::Form)?;
        let number = |text: &str| -> Result<u32, InvalidShard> {
            let text = text.trim();
            let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            // A longer number is beyond every limit.
            if is_number { Ok(text.parse().unwrap_or(u32::MAX)) } else { Err(InvalidShard::Form) }
        };
        Self::new(number(index)?, number(count)?)
    }
}

/// A sharded run: only one shard of the targets is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sharding {
    /// The part.
    pub shard: Shard,
    /// The name of the run, the same for all shards.
    pub run: Option<String>,
}

/// The id of a sharded run: the same for all shards, and no other run's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardedRunId(String);

impl ShardedRunId {
    /// Creates it from everything that the shards of a run have in common.
    pub(crate) fn of(facts: impl IntoIterator<Item = String>) -> Self {
        let mut context = Context::new(&SHA256);
        for fact in facts {
            // Each fact is preceded by its length, so that no two inputs collide.
            context.update(format!("{}:{fact}\n", fact.len()).as_bytes());
        }
        let digest = context.finish();
        Self(digest.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect())
    }

    /// Returns it as it is written: 32 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a shard's report says about the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardReport {
    /// The shard, and the name of the run.
    pub sharding: Sharding,
    /// The run; `None` if not all of its targets are known.
    pub run_id: Option<ShardedRunId>,
    /// How many targets all shards have together; `None` if that is not known from the start.
    pub all_targets: Option<usize>,
    /// All targets became known, and the workflow or run whose deploys they are ended well.
    pub is_complete: bool,
}

impl From<Sharding> for ShardReport {
    /// A shard of a run about which nothing is known.
    fn from(sharding: Sharding) -> Self {
        Self { sharding, run_id: None, all_targets: None, is_complete: false }
    }
}

#[cfg(test)]
#[path = "shard/table.rs"]
mod table;
