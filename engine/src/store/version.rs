//! The version of the store's layout; see `docs/store-format.md`.

/// The version of the layout that this engine reads and writes.
pub const SCHEMA: u32 = 4;
