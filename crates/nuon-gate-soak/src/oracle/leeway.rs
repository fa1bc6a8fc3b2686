//! How exact the times of an event are.

use crate::transcript::Question;

/// Returns by how much the times of one event may differ between the gate and the server: a second. If polls are less
/// than a second apart, it is their interval, but at least the tenth of a second that a busy machine takes to wake a
/// thread.
pub(super) fn spare(question: &Question) -> u64 {
    question.min_interval_ms.clamp(100, 1_000)
}
