//! Finds the mistakes of a description.

use super::read::{Mistakes, Read};

/// Finds every mistake.
///
/// # Errors
/// The mistakes, each with its place.
pub fn validate(_read: &Read) -> Result<(), Mistakes> {
    Ok(())
}
