//! The limits of the store. A write beyond them is refused with
//! [`StoreError::TooLarge`](super::StoreError::TooLarge).

/// Bytes of one observed record, unified and raw together.
pub const RECORD_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Records of one page.
pub const PAGE_RECORDS_MAX: usize = 10_000;
pub use crate::declaration::RECORDS_MAX as DECLARATION_RECORDS_MAX;
/// Bytes of a key, an id, a kind or a connection's name.
pub const KEY_BYTES_MAX: usize = 512;
/// Problems of one kind that are kept by name. More of them have one cause, in the adapter.
pub const PROBLEMS_MAX: usize = 1_000;
/// Bytes of one note.
pub const NOTE_BYTES_MAX: usize = 256 * 1024;
/// Notes of one write.
pub const NOTES_MAX: usize = 1_000;
/// Rows of one read.
pub const READ_ROWS_MAX: usize = 10_000;
