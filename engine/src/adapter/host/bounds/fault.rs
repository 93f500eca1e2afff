//! The reasons that end counting early: a component has too much of something, or cannot be read.

/// More than may be compiled: what, how much, of how much.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMuch {
    pub(super) what: &'static str,
    pub(super) found: u64,
    pub(super) allowed: u64,
}

/// Refuses what is more than it may be.
pub(super) fn within(what: &'static str, found: u64, allowed: u64) -> Result<(), Fault> {
    if found <= allowed { Ok(()) } else { Err(Fault::TooMuch(TooMuch { what, found, allowed })) }
}

/// Why counting ended early.
#[derive(Debug)]
pub(super) enum Fault {
    TooMuch(TooMuch),
    /// The bytes are no WebAssembly from here on; the compiler stops there too, and says where.
    Unreadable,
}

impl From<wasmparser::BinaryReaderError> for Fault {
    fn from(_: wasmparser::BinaryReaderError) -> Self {
        Self::Unreadable
    }
}

/// As a number that sums are made of.
pub(super) fn count(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}
