//! How a guest sends text to its author without an import.
//!
//! A component that traps cannot be entered again, and its memory is out of reach, so its message
//! must leave before the trap. A guest has no imports, but every `memory.grow` asks the adapter
//! runtime for permission. A request for [`BYTE`] pages and more, far beyond what any guest may
//! have, is always refused and changes nothing, so it can carry one byte: the number of pages above
//! [`BYTE`]. [`END_OF_LOG`] and [`END_OF_PANIC`] end a text. A guest in any language can do this;
//! the Rust SDK does it in its panic hook. An engine without this protocol refuses the requests all
//! the same.
//!
//! The adapter runtime sets the bounds: it cuts a text that is too long, and treats it as text from
//! outside. Left out: levels and fields; a log line of a guest is for debugging it.

/// Pages of 64 KiB that stand for the byte 0; the bytes up to 255 follow.
pub const BYTE: usize = 0xF000;

/// Pages that end a log line.
pub const END_OF_LOG: usize = 0xF100;

/// Pages that end the message of a panic; a trap follows.
pub const END_OF_PANIC: usize = 0xF101;
