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
pub(super) fn pack(text: &[u8]) -> Vec<u8> {
    block::compress_with_dict(text, DICTIONARY_1.as_bytes())
}

/// Unpacks a block of a text of `size` bytes.
pub(super) fn unpack(bytes: &[u8], size: u64, what: &str) -> Result<Vec<u8>, StoreError> {
    let size = usize::try_from(size).map_err(|_| damaged(what))?;
    if size > BYTES_MAX {
        return Err(damaged(what));
    }
    let text = block::decompress_with_dict(bytes, size, DICTIONARY_1.as_bytes())
        .map_err(|_| damaged(what))?;
    if text.len() == size { Ok(text) } else { Err(damaged(what)) }
}
