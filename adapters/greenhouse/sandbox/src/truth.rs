//! A test's access to the sandbox besides its API: its rows, the logs of writes and requests, and
//! handles that change its behaviour while it runs.

use atsync_sandbox::{Fault, Logged};
use serde_json::Value;

use crate::access::Access;
use crate::model::Write;
use crate::partner::{Consent, PartnerClient, TokenPair};
use crate::quirks::Quirks;
use crate::sandbox::Sandbox;
use crate::schema::Kind;

/// A handle on the faults of a running sandbox.
#[derive(Debug, Clone)]
pub struct FaultControl(Sandbox);

impl FaultControl {
    /// Adds a rule; the first rule that is due wins.
    pub fn add(&self, fault: Fault) {
        self.0.lock().front.faults.rules.push(fault);
    }

    /// Removes every rule.
    pub fn clear(&self) {
        self.0.lock().front.faults.rules.clear();
    }

    /// Returns the rules, each with its remaining counts.
    #[must_use]
    pub fn rules(&self) -> Vec<Fault> {
        self.0.lock().front.faults.rules.clone()
    }
}

impl Sandbox {
    /// Returns a handle on the faults.
    #[must_use]
    pub fn faults(&self) -> FaultControl {
        FaultControl(self.clone())
    }

    /// Changes switches, from the next request on.
    pub fn set_quirks(&self, change: impl FnOnce(&mut Quirks)) {
        change(&mut self.lock().quirks);
    }

    /// Returns the switches.
    #[must_use]
    pub fn quirks(&self) -> Quirks {
        self.lock().quirks.clone()
    }

    /// Changes scopes and visibility, from the next request on, also for issued tokens.
    pub fn set_access(&self, change: impl FnOnce(&mut Access)) {
        change(&mut self.lock().access);
    }

    /// Returns scopes and visibility.
    #[must_use]
    pub fn access(&self) -> Access {
        self.lock().access.clone()
    }

    /// Ends every access token: the next request with one is a 401.
    pub fn revoke_tokens(&self) {
        self.lock().tokens.revoke_all();
    }

    /// Adds a partner's client, or replaces the one with its id, for example to register a redirect
    /// URI whose port was not known before. Consents lose the scopes that the client lost.
    pub fn set_partner(&self, client: PartnerClient) {
        self.lock().partners.set_client(client);
    }

    /// Returns the partners' clients.
    #[must_use]
    pub fn partners(&self) -> Vec<PartnerClient> {
        self.lock().partners.clients().to_vec()
    }

    /// Removes a scope from a partner's client and all its consents, from the next request on, also
    /// for issued tokens. Returns whether the client had it.
    ///
    /// A scope that comes back needs a new consent (harvest-v3.md §2.3, D-scope).
    pub fn remove_partner_scope(&self, client_id: &str, scope: &str) -> bool {
        self.lock().partners.remove_scope(client_id, scope)
    }

    /// Returns every consent, the oldest first.
    #[must_use]
    pub fn consents(&self) -> Vec<Consent> {
        self.lock().partners.consents().cloned().collect()
    }

    /// Revokes a consent: its access tokens answer 401, its code and refresh tokens
    /// `invalid_grant`. Returns whether it was in force.
    pub fn revoke_consent(&self, consent: u64) -> bool {
        let mut state = self.lock();
        let now_ms = state.model.now_ms;
        state.tokens.revoke_consent(consent);
        state.partners.revoke(consent, now_ms)
    }

    /// Returns every pair of access and refresh token that a consent led to, the oldest first, with
    /// what became of it.
    #[must_use]
    pub fn token_pairs(&self) -> Vec<TokenPair> {
        let state = self.lock();
        state.partners.pairs(state.model.now_ms)
    }

    /// Returns the pair of a refresh token, without using the token.
    #[must_use]
    pub fn pair_of(&self, refresh_token: &str) -> Option<TokenPair> {
        let state = self.lock();
        state.partners.pair_of(refresh_token, state.model.now_ms)
    }

    /// Sets the API's budget per half minute.
    pub fn set_rate_limit(&self, limit: u32) {
        self.lock().api_budget.limit = limit;
    }

    /// Advances the sandbox's time, relative to its clock.
    pub fn advance_ms(&self, by_ms: i64) {
        let mut state = self.lock();
        state.clock_offset_ms = state.clock_offset_ms.saturating_add(by_ms);
        drop(state);
        self.hook_signals().wake();
    }

    /// Returns the sandbox's time.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.lock().model.now_ms
    }

    /// Counts the rows of a collection, hidden ones included.
    #[must_use]
    pub fn count(&self, collection: &str) -> usize {
        Kind::named(collection).map_or(0, |kind| self.lock().model.count(kind))
    }

    /// Counts the rows of every collection.
    #[must_use]
    pub fn counts(&self) -> Vec<(&'static str, usize)> {
        let state = self.lock();
        Kind::ALL.iter().map(|kind| (kind.name(), state.model.count(*kind))).collect()
    }

    /// Returns one row as the API would show it, hidden or not.
    #[must_use]
    pub fn row(&self, collection: &str, id: i64) -> Option<Value> {
        self.lock().model.row_json(Kind::named(collection)?, id)
    }

    /// Returns every row of a collection, ascending. Meant for small ones.
    #[must_use]
    pub fn rows(&self, collection: &str) -> Vec<Value> {
        let state = self.lock();
        let Some(kind) = Kind::named(collection) else { return Vec::new() };
        state.model.rows(kind).filter_map(|row| state.model.row_json(kind, row.id)).collect()
    }

    /// Returns the candidates with an e-mail address, compared without case.
    #[must_use]
    pub fn candidates_by_email(&self, email: &str) -> Vec<Value> {
        let state = self.lock();
        let ids = state
            .model
            .table(Kind::Candidates)
            .map(|table| table.with_email(email).to_vec())
            .unwrap_or_default();
        ids.into_iter().filter_map(|id| state.model.row_json(Kind::Candidates, id)).collect()
    }

    /// Returns the rows of a collection that belong to a candidate: `applications`, `notes`,
    /// `attachments`, `applied_candidate_tags`, `candidate_educations`, `candidate_employments`.
    #[must_use]
    pub fn rows_of_candidate(&self, collection: &str, candidate_id: i64) -> Vec<Value> {
        self.rows_where(collection, "candidate_id", candidate_id)
    }

    /// Returns a candidate's applications.
    #[must_use]
    pub fn applications_of(&self, candidate_id: i64) -> Vec<Value> {
        self.rows_of_candidate("applications", candidate_id)
    }

    /// Returns a candidate's notes.
    #[must_use]
    pub fn notes_of(&self, candidate_id: i64) -> Vec<Value> {
        self.rows_of_candidate("notes", candidate_id)
    }

    /// Returns the notes whose candidate was removed: they cannot be deleted.
    #[must_use]
    pub fn orphan_notes(&self) -> Vec<Value> {
        let state = self.lock();
        let is_orphan = |id: i64| {
            let candidate = state.model.int(Kind::Notes, id, "candidate_id");
            candidate.is_some_and(|candidate| !state.model.has(Kind::Candidates, candidate))
        };
        let ids: Vec<i64> =
            state.model.rows(Kind::Notes).map(|row| row.id).filter(|id| is_orphan(*id)).collect();
        ids.into_iter().filter_map(|id| state.model.row_json(Kind::Notes, id)).collect()
    }

    /// Returns the rows of a collection with a value in an id column.
    #[must_use]
    pub fn rows_where(&self, collection: &str, column: &str, value: i64) -> Vec<Value> {
        let state = self.lock();
        let Some(kind) = Kind::named(collection) else { return Vec::new() };
        let ids = state.model.find(kind, column, value);
        ids.into_iter().filter_map(|id| state.model.row_json(kind, id)).collect()
    }

    /// Returns the service user that a token without `sub` acts as.
    #[must_use]
    pub fn service_user_id(&self) -> i64 {
        self.lock().model.service_user_id
    }

    /// Returns the log of writes since the start, or since it was cleared.
    #[must_use]
    pub fn writes(&self) -> Vec<Write> {
        self.lock().model.writes.list()
    }

    /// How long the log of writes is, without a copy of it.
    #[must_use]
    pub fn write_count(&self) -> usize {
        self.lock().model.writes.len()
    }

    /// Counts the rows of a collection that were created since the start, or since the log was
    /// cleared.
    #[must_use]
    pub fn creates(&self, collection: &str) -> usize {
        self.lock().model.writes.creates(collection)
    }

    /// Returns the log of requests, control calls excepted.
    #[must_use]
    pub fn requests(&self) -> Vec<Logged> {
        self.lock().front.requests.list()
    }

    /// Clears both logs.
    pub fn clear_logs(&self) {
        let mut state = self.lock();
        state.front.requests.clear();
        state.model.writes.clear();
    }
}
