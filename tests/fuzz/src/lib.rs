//! The bodies of the fuzz targets: functions of arbitrary bytes that assert what must hold.
//!
//! They are defined once and run twice: plainly, with the committed corpus and seeded mutations of
//! it (`tests/fuzzing.rs`, in every `cargo test --workspace`), and under libFuzzer (`fuzz/`).
//! Inputs are plain text if possible, so that a corpus is readable and a failing input explains
//! itself. A body never refuses an input with a panic of its own: a panic is a finding.
//!
//! Bounds: inputs are small (libFuzzer's default is 4 KiB), so other tests cover limits of size.
//! Left out: components; the tests in `engine/tests` cover the sandbox of wasmtime.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a fuzz target stops where something does not hold"
)]

mod cursor;
mod desired;
mod grant;
mod record;
mod replies;
mod row;
mod url;

pub use cursor::cursor;
pub use desired::desired;
pub use record::record;
pub use replies::adapter;
pub use row::row;
pub use url::url;

/// The body of one target, called with an input.
pub type Target = fn(&[u8]);

/// A target by its name, as in the directories of the corpus.
pub const TARGETS: [(&str, Target); 6] = [
    ("url", url),
    ("adapter", adapter),
    ("desired", desired),
    ("record", record),
    ("row", row),
    ("cursor", cursor),
];
