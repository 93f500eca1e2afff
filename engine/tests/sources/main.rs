//! Laws of the sources as text that no compiler or lint checks: no circle between files, no access
//! to the disk, a thread, a task or a timer outside the files that own it, no kind known by name
//! outside the model's table and the hooks, and files of a readable size.

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
