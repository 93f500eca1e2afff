//! The versions of the store's layout; see `docs/store-format.md`.

/// The version of the layout that this engine reads and writes.
pub const SCHEMA: u32 = 4;
/// The oldest layout that this engine can upgrade to [`SCHEMA`]. No release wrote an older one.
pub const SCHEMA_OLDEST: u32 = 4;
