//! The end of managing a desired record. Left out: what is planned before it.

use super::tx::Tx;
use super::{desired, journal};
use crate::store::StoreError;

/// Stops managing a desired record, unless an intent of it is open.
pub(super) async fn end(
    tx: &mut Tx<'_>,
    key: &str,
    generation: Option<u64>,
) -> Result<bool, StoreError> {
    if generation.is_some() {
        desired::has_generation(tx, key, generation).await?;
    }
    if let Some(open) = journal::open_below(tx, key).await? {
        return Err(StoreError::IntentOpen(open));
    }
    Ok(desired::remove(tx, key).await?.0)
}
