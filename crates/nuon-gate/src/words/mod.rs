//! The program's own words: turns the core's values into sentences for people, with the flags and variables that change
//! them. Nothing else in the program composes such sentences.

mod advice;
mod cause;
mod flags;
mod refusal;
mod warning;

use nuon_gate_core::cause::Cause;
use nuon_gate_core::report::{Known, Words};

pub(crate) use self::advice::{
    answer_step, if_ambiguous, if_empty, if_not_signed_in, if_unanswered, if_unfit, if_unknown, is_of_the_way,
};
pub(crate) use self::cause::sentence;
pub(crate) use self::flags::{ADDRESS, clock_flag};
pub(crate) use self::refusal::{contradictory, invalid, refused};
pub(crate) use self::warning::warning;

/// Returns how causes and warnings are put into words.
pub(crate) fn words() -> Words {
    Words { sentence, hint, warning }
}

/// Returns the hint: the server's own advice, or else ours.
fn hint(cause: &Cause, known: Known<'_>) -> Option<String> {
    (Words::default().hint)(cause, known).or_else(|| advice::hint(cause, known))
}

#[cfg(test)]
mod tests;
