//! A desired record on its way to the store, and how many go at once. Plain data: `declare` makes
//! it, the store keeps it.

/// Records of one declaration: as many as a host may declare at once. They come as one value and
/// happen as one transaction.
pub const RECORDS_MAX: usize = 1_000_000;

/// A desired record to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// The host's key.
    pub key: String,
    /// The record as canonical JSON.
    pub body: String,
}
