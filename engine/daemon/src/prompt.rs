//! A secret that the command line reads: typed without an echo, or from standard input.
//!
//! It is never an argument, which other users of the machine could read. Bound: [`BYTES_MAX`].

use atsync::Secret;
use console::Term;
use std::io::{IsTerminal as _, Read};

/// Bytes of a secret that is read; far above any.
const BYTES_MAX: u64 = 64 * 1024;

/// Reads a secret.
///
/// # Errors
/// As the terminal or standard input.
pub(crate) fn secret() -> std::io::Result<Vec<u8>> {
    if std::io::stdin().is_terminal() {
        let term = Term::stderr();
        term.write_str("Secret (it is not shown): ")?;
        return term.read_secure_line().map(String::into_bytes);
    }
    bounded(std::io::stdin().lock())
}

/// Reads a source within the bound.
///
/// # Errors
/// As the source.
pub(crate) fn bounded(source: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A secret without the line break behind it. One that is not UTF-8 is empty.
pub(crate) fn text(bytes: Vec<u8>) -> Secret {
    let text = String::from_utf8(bytes).unwrap_or_default();
    Secret::new(text.trim_end_matches(['\r', '\n']))
}
