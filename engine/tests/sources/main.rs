//! What holds for the sources as text, and no compiler or lint says: no circle between files, no way
//! to the disk, a thread, a task or a timer outside the files that own one, and a size that can be
//! read.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops when something does not hold"
)]

mod circles;
mod doors;
mod lines;
mod tokens;
