//! The digests that rows are found by: of a term, of a record that others name, of a name in a
//! declaration. Pure.
//!
//! An entry of an index of PostgreSQL has at most 2,700 bytes and a term may be longer, so an index
//! has the digest and a reader checks the row. 16 bytes of SHA-256: two terms with one digest cost
//! a row that is read in vain.

use sha2::{Digest, Sha256};

/// The digest of some words, in their order.
pub(super) fn of(words: &[&str]) -> Vec<u8> {
    let mut hash = Sha256::new();
    for word in words {
        hash.update(u64::try_from(word.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(word.as_bytes());
    }
    hash.finalize().iter().copied().take(16).collect()
}

/// Of a term by which records of a kind are found.
pub(super) fn term(kind: &str, index: &str, term: &str) -> Vec<u8> {
    of(&["term", kind, index, term])
}

/// Of a record that an event or an intent is about, or names.
pub(super) fn record(kind: &str, id: &str) -> Vec<u8> {
    of(&["record", kind, id])
}

/// Of the candidate's id that a declaration names.
pub(super) fn declared_id(id: &str) -> Vec<u8> {
    of(&["id", id])
}

/// Of an address that a declaration names.
pub(super) fn declared_address(address: &str) -> Vec<u8> {
    of(&["address", address])
}

#[cfg(test)]
mod tests {
    use super::{of, record, term};

    #[test]
    fn words_do_not_run_into_each_other() {
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_ne!(record("a", "b"), term("a", "b", ""));
        assert_eq!(of(&["a"]).len(), 16);
    }
}
