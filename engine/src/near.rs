//! Suggestions for a misspelt name, and the one message for a kind that the adapter does not have.
//!
//! Names that a person types (kinds, settings, connections) are compared by edit distance, so that
//! a refusal can name the nearest known one. Names of records in the ATS are compared by
//! [`crate::plan`], by other rules.

use atsync_model::Manifest;
use atsync_model::raw::{RAW_PREFIX, is_raw};

/// How alike two words must be, from 0 to 1, to be offered. Arbitrary: one slip in a short word
/// passes, another word does not.
const LIKENESS_MIN: f64 = 0.6;

/// Returns ``; did you mean `x`?`` for the known name that is nearest to `word`, or an empty text
/// when none is near.
///
/// For messages of a host that refuses a name; the engine's own messages have it already.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let best = known
        .into_iter()
        // A word is no suggestion for itself.
        .filter(|candidate| *candidate != word)
        .map(|candidate| (strsim::normalized_damerau_levenshtein(word, candidate), candidate))
        .max_by(|one, other| one.0.total_cmp(&other.0));
    match best {
        Some((likeness, candidate)) if likeness >= LIKENESS_MIN => {
            format!("; did you mean `{candidate}`?")
        }
        _ => String::new(),
    }
}

/// Says that an adapter does not have a kind, and which it has.
pub(crate) fn no_kind(manifest: &Manifest, kind: &str) -> String {
    let kinds: Vec<&str> = manifest.kinds.iter().map(|rule| rule.name.as_str()).collect();
    let hint = did_you_mean(kind, kinds.iter().copied());
    let (raw, unified): (Vec<&str>, Vec<&str>) = kinds.into_iter().partition(|kind| is_raw(kind));
    let more = match raw.len() {
        0 => String::new(),
        number => format!(", and {number} raw ones, {RAW_PREFIX}..."),
    };
    let name = &manifest.name;
    format!("the adapter {name} has no kind {kind:?}{hint} (kinds: {}{more})", unified.join(", "))
}

#[cfg(test)]
mod tests {
    use super::did_you_mean;

    #[test]
    fn only_a_like_word_is_offered() {
        assert_eq!(
            did_you_mean("candidate", ["jobs", "candidates"]),
            "; did you mean `candidates`?"
        );
        assert_eq!(did_you_mean("zebra", ["jobs", "candidates"]), "");
        assert_eq!(did_you_mean("jobs", ["jobs", "candidates"]), "");
    }
}
