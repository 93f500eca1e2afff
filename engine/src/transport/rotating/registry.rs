//! The sources of rotating tokens of a process: one for each keeper.

use super::source::RotatingSource;
use crate::tidy::Tidy;
use crate::transport::auth::{address, digest};
use crate::transport::endpoint::{Client, TokenMeans};
use crate::transport::keeper::TokenKeeper;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// See the module.
#[derive(Debug, Default)]
pub struct Consents {
    known: Mutex<(HashMap<String, Arc<RotatingSource>>, Tidy)>,
}

impl Consents {
    /// The source of a keeper, created if there is none. A source holds its keeper, so no other
    /// keeper has the same address meanwhile.
    ///
    /// # Errors
    /// A sentence when id and secret cannot stand in a header.
    pub fn of(
        &self,
        client: Client,
        keeper: &Arc<dyn TokenKeeper>,
        means: TokenMeans,
    ) -> Result<Arc<RotatingSource>, String> {
        client.check()?;
        // A connection that is open for its store alone has a transport that sends nothing.
        let key = digest(&[&address(keeper), &address(&means.transport)]);
        let mut locked = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, tidy) = &mut *locked;
        if tidy.is_due(known.len()) {
            known.retain(|_, source| Arc::strong_count(source) > 1 || source.is_busy());
            tidy.walked(known.len());
        }
        if let Some(source) = known.get(&key) {
            source.use_client(client, means);
            return Ok(Arc::clone(source));
        }
        let source = Arc::new(RotatingSource::new(client, Arc::clone(keeper), means));
        known.insert(key, Arc::clone(&source));
        Ok(source)
    }
}
