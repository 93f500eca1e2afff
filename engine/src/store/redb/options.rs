//! The options of a store in a file.

/// The options of a [`RedbStore`](super::RedbStore).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RedbOptions {
    /// Memory for pages of the file. Eight megabytes hold the upper levels of the trees of a
    /// million records, and one transaction.
    pub cache_bytes: usize,
    /// Calls are done on the caller's thread, which then waits for the disk: no thread, no runtime,
    /// no groups of commits.
    pub inline: bool,
}

impl Default for RedbOptions {
    fn default() -> Self {
        Self { cache_bytes: 8 * 1024 * 1024, inline: false }
    }
}
