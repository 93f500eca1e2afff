//! Converts an adapter's own continuation type to bytes and back.

use crate::contract::{Continuation, Failure};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Writes a continuation.
///
/// # Errors
/// [`Failure::Bug`] when the type cannot be written as JSON.
pub fn encode<T: Serialize>(state: &T) -> Result<Continuation, Failure> {
    serde_json::to_vec(state)
        .map_err(|error| Failure::Bug(format!("a continuation cannot be written: {error}")))
}

/// Reads a continuation back.
///
/// # Errors
/// [`Failure::Bug`] when the bytes are not what [`encode`] wrote for this type.
pub fn decode<T: DeserializeOwned>(state: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(state)
        .map_err(|error| Failure::Bug(format!("a continuation cannot be read: {error}")))
}
