//! The limits of reading a secret.

/// Bytes of a secret. Longer than any known credential; a longer text is a mistake.
pub const SECRET_BYTES_MAX: usize = 64 * 1024;
/// How long reading may take. A password manager may ask a person first.
pub const SECRET_MS_MAX: u64 = 60_000;
