//! Converts an adapter's own continuation type to bytes and back.

use crate::contract::{Continuation, Failure};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Writes a continuation.
///
/// # Errors
/// [`Failure::Bug`] when the type cannot be written as JSON.
pub fn encode<T: Serialize>(state: &T) -> Result<Continuation, Failure> {
    crate::json::write(state, 256)
        .map(String::into_bytes)
        .map_err(|error| Failure::Bug(format!("a continuation cannot be written: {error}")))
}

/// Reads a continuation back.
///
/// # Errors
/// [`Failure::Bug`] when the bytes are not what [`encode`] wrote for this type.
pub fn decode<T: DeserializeOwned>(state: &[u8]) -> Result<T, Failure> {
    let text = std::str::from_utf8(state)
        .map_err(|_| Failure::Bug("a continuation is no text".to_owned()))?;
    serde_json::from_str(text)
        .map_err(|error| Failure::Bug(format!("a continuation cannot be read: {error}")))
}
