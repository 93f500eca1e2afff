//! How a guest says something to its author, without an import.
//!
//! A component that traps cannot be entered again, and its memory is out of reach, so whatever it
//! has to say must leave before the trap. A guest has no imports, but every `memory.grow` asks the
//! host for permission. A request for [`BYTE`] pages and more, far beyond what any guest may have,
//! is always refused, changes nothing, and is therefore free to carry one byte: the number of pages
//! above [`BYTE`]. [`END_OF_LOG`] and [`END_OF_PANIC`] end a text. A guest in any language can do
//! it; the Rust SDK does it in its panic hook. An engine that does not know of it refuses the
//! requests alike.
//!
//! Bounds are the host's: it keeps the beginning of a text that is too long, and takes it for what
//! it is, a text from outside. Left out: levels and fields; a log line of a guest is for debugging
//! it.

/// Pages of 64 KiB that stand for the byte 0; the bytes up to 255 follow.
pub const BYTE: usize = 0xF000;

/// Pages that end a log line.
pub const END_OF_LOG: usize = 0xF100;

/// Pages that end the message of a panic; a trap follows.
pub const END_OF_PANIC: usize = 0xF101;
