//! Suggestions for unknown words.

use strsim::{jaro_winkler, normalized_damerau_levenshtein};

/// Returns the closest known word, if it is close enough: the same prefix, or one letter off.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let is_alike =
        |other: &&str| jaro_winkler(word, other) >= 0.9 || normalized_damerau_levenshtein(word, other) >= 0.75;
    let likeness = |other: &&str| jaro_winkler(word, other);
    let likely = known.into_iter().filter(is_alike);
    likely.max_by(|one, other| likeness(one).total_cmp(&likeness(other)))
}
