//! Ids: UUIDs that a seed repeats.

use sha2::{Digest as _, Sha256};

/// Makes the id of the nth record of a collection.
pub(crate) fn uuid(seed: u64, collection: &str, nth: u64) -> String {
    let digest = Sha256::digest(format!("ashby {seed} {collection} {nth}"));
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    // Version 4, variant 8: what a random UUID looks like.
    format!("{}-{}-4{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_uuid_that_a_seed_repeats() {
        let id = uuid(1, "contacts", 7);
        let lengths: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(id, uuid(1, "contacts", 7));
        assert_ne!(id, uuid(2, "contacts", 7));
    }
}
