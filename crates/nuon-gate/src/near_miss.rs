//! What was most likely meant by a word that nobody knows.

use strsim::{jaro_winkler, normalized_damerau_levenshtein};

/// Returns the known word that is most like this one, if it is much like it: with the same beginning, or but for a letter.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let is_alike =
        |other: &&str| jaro_winkler(word, other) >= 0.9 || normalized_damerau_levenshtein(word, other) >= 0.75;
    let likeness = |other: &&str| jaro_winkler(word, other);
    let likely = known.into_iter().filter(is_alike);
    likely.max_by(|one, other| likeness(one).total_cmp(&likeness(other)))
}
