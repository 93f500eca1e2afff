//! Token pairs: every refresh token ever issued, and what became of it.
//!
//! A refresh token is single use and rotates (harvest-v3.md §2.3). The list is also the tests' log:
//! with it a test proves that a host stored the newest pair and never used a dead one. Only the
//! SHA-256 of a refresh token is stored, so the log shows no credential. Bound: [`PAIRS_MAX`].

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// The most pairs that are stored. The oldest dead one is forgotten first, then the oldest.
const PAIRS_MAX: usize = 100_000;

/// What became of a pair's refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PairState {
    /// It is good.
    Live,
    /// It was used: a newer pair replaced it.
    Rotated,
    /// Its consent was revoked.
    Revoked,
    /// Its lifetime ended before it was used.
    Expired,
}

/// One issued pair of access and refresh token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenPair {
    /// The pair's number; a later pair has a greater one.
    pub number: u64,
    /// The consent that it comes from.
    pub consent: u64,
    /// The partner's client.
    pub client_id: String,
    /// The user that it acts as.
    pub sub: i64,
    /// The SHA-256 of the refresh token, in hexadecimal.
    pub refresh_sha256: String,
    /// The pair that it replaced; none for the pair of a code.
    pub replaces: Option<u64>,
    /// The time of its issue, in milliseconds since 1970.
    pub issued_ms: i64,
    /// The time at which the refresh token expires.
    pub refresh_expires_ms: i64,
    /// What became of the refresh token.
    pub state: PairState,
    /// The time of that, unless it is live.
    pub ended_ms: Option<i64>,
    /// How often its own client used the refresh token after its end.
    pub refused_uses: u32,
}

/// Every pair.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    pairs: BTreeMap<u64, TokenPair>,
    by_fingerprint: HashMap<String, u64>,
}

impl Pairs {
    /// Adds a pair and ends the one that it replaces.
    pub(super) fn add(&mut self, pair: TokenPair) {
        if let Some(former) = pair.replaces.and_then(|number| self.pairs.get_mut(&number)) {
            former.state = PairState::Rotated;
            former.ended_ms = Some(pair.issued_ms);
        }
        if self.pairs.len() >= PAIRS_MAX {
            self.forget_one();
        }
        self.by_fingerprint.insert(pair.refresh_sha256.clone(), pair.number);
        self.pairs.insert(pair.number, pair);
    }

    fn forget_one(&mut self) {
        let dead = self.pairs.values().find(|pair| pair.state != PairState::Live);
        let chosen = dead.or_else(|| self.pairs.values().next()).map(|pair| pair.number);
        if let Some(pair) = chosen.and_then(|number| self.pairs.remove(&number)) {
            self.by_fingerprint.remove(&pair.refresh_sha256);
        }
    }

    pub(super) fn list(&self, now_ms: i64) -> Vec<TokenPair> {
        self.pairs.values().map(|pair| seen_at(pair, now_ms)).collect()
    }

    pub(super) fn of(&self, refresh_token: &str, now_ms: i64) -> Option<TokenPair> {
        let number = self.by_fingerprint.get(&fingerprint(refresh_token))?;
        self.pairs.get(number).map(|pair| seen_at(pair, now_ms))
    }

    /// Counts a use of a dead refresh token.
    pub(super) fn refuse(&mut self, number: u64) {
        if let Some(pair) = self.pairs.get_mut(&number) {
            pair.refused_uses = pair.refused_uses.saturating_add(1);
        }
    }

    /// Ends the pairs of a consent.
    pub(super) fn end(&mut self, consent: u64, now_ms: i64) {
        for pair in self.pairs.values_mut().filter(|pair| pair.consent == consent) {
            if seen_at(pair, now_ms).state == PairState::Live {
                pair.state = PairState::Revoked;
                pair.ended_ms = Some(now_ms);
            }
        }
    }
}

/// Returns the pair as it is at a time: nothing happens at the moment of expiry.
fn seen_at(pair: &TokenPair, now_ms: i64) -> TokenPair {
    let mut seen = pair.clone();
    if seen.state == PairState::Live && now_ms >= seen.refresh_expires_ms {
        seen.state = PairState::Expired;
        seen.ended_ms = Some(seen.refresh_expires_ms);
    }
    seen
}

/// Names a refresh token without showing it.
pub(super) fn fingerprint(refresh_token: &str) -> String {
    Sha256::digest(refresh_token).iter().map(|byte| format!("{byte:02x}")).collect()
}
