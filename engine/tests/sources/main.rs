//! What holds for the sources as text, and no compiler or lint says: no circle between files, no way
//! to the disk, a thread, a task or a timer outside the files that own one, no kind known by name
//! outside the model's table and the hooks, and a size that can be read.

#![allow(clippy::disallowed_methods, reason = "tests use the disk, threads and tasks")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops when something does not hold"
)]

mod circles;
mod doors;
mod kinds;
mod lines;
mod tokens;
