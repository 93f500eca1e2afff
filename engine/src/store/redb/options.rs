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
    /// Bytes of a file up to which each commit keeps the list of free pages, so that it opens at
    /// once after a crash at any moment. It costs a commit up to a millisecond in a file of a
    /// gigabyte, and more in a longer one, which keeps the list when nothing was written for a
    /// second.
    pub list_kept_bytes_max: u64,
}

impl Default for RedbOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 8 * 1024 * 1024,
            inline: false,
            list_kept_bytes_max: 1280 * 1024 * 1024,
        }
    }
}
