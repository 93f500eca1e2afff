//! The limits of webhooks. A delivery beyond them is refused.

/// Bytes of a body. A payload has some ten KiB.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Headers of a delivery. Proxies add some; forty are many.
pub const HEADERS_MAX: usize = 100;
/// Bytes of all headers together: what servers commonly take.
pub const HEADER_BYTES_MAX: usize = 32 * 1024;
/// How long a delivery is remembered, and how old a signed one may be. Senders are known to try
/// for 15 hours.
pub const REMEMBERED_MS: u64 = 24 * 60 * 60 * 1000;
/// How far in the future a signed time may lie: clocks differ.
pub const AHEAD_MS_MAX: u64 = 5 * 60 * 1000;
/// Deliveries that a connection remembers; the oldest are removed first. Some megabytes.
pub const REMEMBERED_MAX: usize = 50_000;
/// Hints of a connection that wait for their fetch. Beyond it, deliveries are refused until some
/// were fetched.
pub const WAITING_MAX: usize = 16_384;
