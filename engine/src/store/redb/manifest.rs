//! The manifest of a backup: the first block of its file.
//!
//! A backup is one file: this block, and behind it the bytes of a store's file. So it is no store
//! that could be opened by mistake, with writes that the copy knows nothing of; and what is needed
//! to judge it stands at a known place, as text. The block begins with [`MAGIC`]; then follow one
//! line of JSON, zeros, and the SHA-256 of all the bytes before. The JSON has the SHA-256 of the
//! store's bytes, so every bit of the file is covered by one of the two.
//!
//! The block is written last: a file without it was not finished.
//!
//! It is as long as the two slots of a store's header, so that a store whose first slot is lost is
//! not taken for one.
//!
//! Bounds: [`BLOCK`] bytes. Left out: who made the backup. The digests detect damage, not an
//! attacker who writes another manifest.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Bytes of the block; the store's bytes begin behind it.
pub(super) const BLOCK: usize = 8192;
/// The first bytes of a backup, up to the number of its format.
pub(super) const MAGIC: &[u8] = b"atsync backup ";
/// The format that this version writes and reads.
pub(super) const FORMAT: u32 = 1;
const SUM: usize = 32;

/// A backup, as its manifest describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Backup {
    /// When it was made, in milliseconds since 1970.
    pub created_ms: u64,
    /// The version of the engine that made it.
    pub engine: String,
    /// The layout of the store in it.
    pub schema: u32,
    /// The store that it is a copy of: random, made with the store.
    pub lineage: String,
    /// Bytes of the store in it.
    pub bytes: u64,
    /// Their SHA-256 in hexadecimal.
    pub sha256: String,
    /// Rows of each table.
    pub rows: BTreeMap<String, u64>,
}

impl Backup {
    /// Rows of all tables.
    pub fn rows_total(&self) -> u64 {
        self.rows.values().copied().fold(0, u64::saturating_add)
    }

    /// The block of the file; none if it does not hold the manifest.
    pub(super) fn block(&self) -> Option<Vec<u8>> {
        let mut block = MAGIC.to_vec();
        block.extend_from_slice(format!("{FORMAT}\n").as_bytes());
        serde_json::to_writer(&mut block, self).ok()?;
        block.push(b'\n');
        if block.len() > BLOCK - SUM {
            return None;
        }
        block.resize(BLOCK - SUM, 0);
        let sum = Sha256::digest(&block);
        block.extend_from_slice(&sum);
        Some(block)
    }

    /// Reads a block.
    pub(super) fn of_block(block: &[u8]) -> Result<Self, Unread> {
        let format = format_of(block).ok_or(Unread::Damaged)?;
        if format != FORMAT {
            return Err(Unread::Format(format));
        }
        let (content, sum) = block.split_last_chunk::<SUM>().ok_or(Unread::Damaged)?;
        if Sha256::digest(content).as_slice() != sum {
            return Err(Unread::Damaged);
        }
        let json = content.split(|byte| *byte == b'\n').nth(1).unwrap_or_default();
        serde_json::from_slice(json).map_err(|_| Unread::Damaged)
    }
}

/// Why a manifest is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// The bytes are not those that were written.
    Damaged,
    /// Another version of atsync wrote it.
    Format(u32),
}

/// The number behind the magic bytes of a block.
pub(super) fn format_of(block: &[u8]) -> Option<u32> {
    let line = block.strip_prefix(MAGIC)?.split(|byte| *byte == b'\n').next()?;
    std::str::from_utf8(line).ok()?.parse().ok()
}

/// A digest in hexadecimal.
pub(super) fn hexadecimal(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Backup, Unread};

    fn backup() -> Backup {
        Backup {
            created_ms: 1_778_507_624_000,
            engine: "0.1.0".to_owned(),
            schema: 4,
            lineage: "0".repeat(32),
            bytes: u64::MAX,
            sha256: "f".repeat(64),
            rows: (0..40).map(|at| (format!("a_table_of_the_store_{at}"), u64::MAX)).collect(),
        }
    }

    #[test]
    fn a_block_is_read_as_it_was_written_and_has_room_for_twice_the_tables() {
        let block = backup().block().unwrap();
        assert_eq!(block.len(), BLOCK);
        assert_eq!(Backup::of_block(&block), Ok(backup()));
    }

    #[test]
    fn a_flipped_bit_anywhere_in_the_block_is_found() {
        let block = backup().block().unwrap();
        for at in 0..BLOCK {
            let mut other = block.clone();
            other[at] ^= 1;
            assert!(Backup::of_block(&other).is_err(), "byte {at}");
        }
    }

    #[test]
    fn another_format_is_told_from_damage() {
        let mut block = backup().block().unwrap();
        block[super::MAGIC.len()] = b'2';
        assert_eq!(Backup::of_block(&block), Err(Unread::Format(2)));
        assert_eq!(Backup::of_block(b"something else"), Err(Unread::Damaged));
    }

    #[test]
    fn a_manifest_that_does_not_fit_is_refused() {
        let rows = (0..800).map(|at| (format!("a_table_of_the_store_{at}"), 1)).collect();
        assert_eq!(Backup { rows, ..backup() }.block(), None);
    }
}
