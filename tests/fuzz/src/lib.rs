//! The bodies of the fuzz targets: functions of any bytes, with what must hold asserted.
//!
//! They stand here once and run twice: plainly, with the committed corpus and seeded mutations of
//! it (`tests/fuzzing.rs`, in every `cargo test --workspace`), and under libFuzzer (`fuzz/`).
//! Inputs are plain text where they can be, so that a corpus is readable and a failing input says
//! what it is about. A body never refuses an input with a panic of its own: a panic is a finding.
//!
//! Bounds: inputs are small (libFuzzer gives 4 KiB by default), so limits of size are other tests'
//! affair. Left out: components; what the sandbox of wasmtime holds back has tests of its own
//! (`engine/tests`).

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

/// What one target does with an input.
pub type Target = fn(&[u8]);

/// A target by its name, as the directories of the corpus have it.
pub const TARGETS: [(&str, Target); 6] = [
    ("url", url),
    ("adapter", adapter),
    ("desired", desired),
    ("record", record),
    ("row", row),
    ("cursor", cursor),
];
