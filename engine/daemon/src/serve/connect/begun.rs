//! The consents that are under way: between the page that leads to the ATS and the way back.
//!
//! They are in memory: after a restart the customer begins again from the link. One consent is
//! under way for each link, and its state is good for one callback. Bounds: [`BEGUN_MAX`]; ten
//! minutes, as the engine allows.

use crate::config::made::Made;
use crate::tokens::mark;
use atsync::{Clock, Secret, SystemClock, TokenKeeper};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use subtle::ConstantTimeEq;

/// Consents at once.
const BEGUN_MAX: usize = 1_000;

/// A consent under way.
#[derive(Clone, Debug)]
pub(super) struct Begun {
    /// The link's token.
    pub(super) token: Secret,
    /// Where the browser goes.
    pub(super) url: Secret,
    pub(super) remember: Secret,
    pub(super) ends_ms: u64,
    /// The record that the connection gets.
    pub(super) record: Made,
    /// The keeper of its tokens; there is one in a process.
    pub(super) _keeper: Arc<dyn TokenKeeper>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct AllBegun(Mutex<BTreeMap<String, (String, Begun)>>);

/// A parameter of a query; none when it is missing or there are several.
pub(super) fn parameter(query: &str, name: &str) -> Option<String> {
    let all: Vec<(String, String)> = serde_urlencoded::from_str(query).ok()?;
    let mut found = all.into_iter().filter(|(other, _)| other == name).map(|(_, value)| value);
    found.next().filter(|_| found.next().is_none())
}

impl AllBegun {
    fn lasting(&self) -> MutexGuard<'_, BTreeMap<String, (String, Begun)>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now_ms = SystemClock.now_ms();
        all.retain(|_, (_, begun)| begun.ends_ms > now_ms);
        all
    }

    /// Adds a consent in place of the link's earlier one. False when there are too many, or its URL
    /// has no state.
    pub(super) fn begin(&self, key: &str, begun: Begun) -> bool {
        let query = begun.url.expose().split_once('?').map_or("", |(_, query)| query);
        let Some(state) = parameter(query, "state") else { return false };
        let mut all = self.lasting();
        if all.len() >= BEGUN_MAX && !all.contains_key(key) {
            return false;
        }
        drop(all.insert(key.to_owned(), (mark(&state), begun)));
        true
    }

    /// The consent of a link.
    pub(super) fn of(&self, key: &str) -> Option<Begun> {
        self.lasting().get(key).map(|(_, begun)| begun.clone())
    }

    /// The key of the link whose consent has this state.
    pub(super) fn key(&self, state: &str) -> Option<String> {
        let (all, mark) = (self.lasting(), mark(state));
        let is_it = |known: &str| bool::from(known.as_bytes().ct_eq(mark.as_bytes()));
        all.iter().find(|(_, (known, _))| is_it(known)).map(|(key, _)| key.clone())
    }

    /// Takes the consent of a link: it is good for one callback.
    pub(super) fn take(&self, key: &str) -> Option<Begun> {
        self.lasting().remove(key).map(|(_, begun)| begun)
    }
}
