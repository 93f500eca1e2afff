//! Bytes that nobody knows, read as rows: for the fuzz targets (feature `testing`).
//!
//! A file can be damaged, or come from a later version. Each form reads a value and writes what it read, so that a target can tell that reading
//! refuses rather than panics, and that what was read is written as it reads. Left out: rows in JSON, which are serde's to read.

use super::{desired, feed, observed};
use crate::store::StoreError;

/// Reads a value and writes it anew.
pub type Form = fn(&[u8]) -> Result<Vec<u8>, StoreError>;

/// The forms of rows that have a codec of their own: an observed record, a desired record, a change event.
pub const FORMS: [Form; 3] = [observed::rewritten, desired::rewritten, feed::rewritten];
