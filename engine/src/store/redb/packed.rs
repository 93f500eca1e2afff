//! The texts of an observed record, packed into one block of LZ4.
//!
//! A record's body and its raw JSON say nearly the same, and every record of a kind has the same
//! member names. So the four texts of a row are one block, the body before the raw JSON that
//! repeats its values, and a dictionary of member names ([`DICTIONARY_1`]) stands before the block.
//! A candidate of 2.2 KB takes about 0.8 KB so. LZ4 and no stronger code: a scan reads every row
//! that it compares, and LZ4 unpacks a row in one or two microseconds.
//!
//! The dictionary is part of the row's format: another dictionary needs another format byte.
//!
//! Bounds: a block that claims more than [`BYTES_MAX`] is damaged, so that a changed length cannot
//! ask for more memory than the largest record needs. Left out: rows so short that packing gains
//! nothing; see [`super::row`].

use crate::store::StoreError;
use crate::store::codec::damaged;
use crate::store::limits::RECORD_BYTES_MAX;
use atsync_model::dictionary::DICTIONARY_1;
use lz4_flex::block;

/// Bytes that the texts of a row have at most: a record, its version and the names of its fields.
const BYTES_MAX: usize = 2 * RECORD_BYTES_MAX;

/// Packs a text.
pub(super) fn pack(text: &str) -> Vec<u8> {
    block::compress_with_dict(text.as_bytes(), DICTIONARY_1.as_bytes())
}

/// Unpacks a block of a text of `size` bytes.
///
/// # Errors
/// [`StoreError::Unusable`] when `size` is beyond the limit, or the block is not one of such a
/// text.
pub(super) fn unpack(bytes: &[u8], size: usize, what: &str) -> Result<String, StoreError> {
    if size > BYTES_MAX {
        return Err(damaged(what));
    }
    block::decompress_with_dict(bytes, size, DICTIONARY_1.as_bytes())
        .ok()
        .filter(|text| text.len() == size)
        .and_then(|text| String::from_utf8(text).ok())
        .ok_or_else(|| damaged(what))
}

#[cfg(test)]
mod tests {
    use super::{BYTES_MAX, pack, unpack};
    use atsync_model::dictionary::DICTIONARY_1;
    use sha2::{Digest as _, Sha256};

    const TEXT: &str = concat!(
        r#"{"name":{"first":"Ada","last":"Byron"},"emails":[{"value":"ada@example.com","#,
        r#""kind":{"value":"personal","source":"personal"}}]}"#
    );

    #[test]
    fn a_text_is_unpacked_as_it_was_packed_and_takes_less() {
        let packed = pack(TEXT);
        assert!(packed.len() < TEXT.len() / 2, "{} of {} bytes", packed.len(), TEXT.len());
        assert_eq!(unpack(&packed, TEXT.len(), "a row").unwrap(), TEXT);
    }

    #[test]
    fn a_block_of_another_size_or_beyond_the_limit_is_damaged() {
        let packed = pack(TEXT);
        for size in [0, TEXT.len() - 1, TEXT.len() + 1, BYTES_MAX, BYTES_MAX + 1, usize::MAX] {
            assert!(unpack(&packed, size, "a row").is_err(), "{size}");
        }
        assert!(unpack(&packed[..packed.len() - 1], TEXT.len(), "a row").is_err());
        assert!(unpack(&[0xff; 64], 64, "a row").is_err());
    }

    #[test]
    fn a_block_that_is_no_text_is_damaged() {
        let bytes = [0xff_u8; 400];
        let packed = lz4_flex::block::compress_with_dict(&bytes, DICTIONARY_1.as_bytes());
        assert!(unpack(&packed, bytes.len(), "a row").is_err());
    }

    /// Rows that were packed with it could not be read any more.
    #[test]
    fn the_first_dictionary_never_changes() {
        let digest: String = Sha256::digest(DICTIONARY_1.as_bytes())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(digest, "c7f272245f86e3b02db37c34d35d155566fbc9d8352ef36a63fdfeecaed284c2");
    }
}
