//! A store with the lease of one connection.
//!
//! The engine works on one connection and must not read or write another one's rows, so it holds
//! this and not the store: no call names the connection, and no write names the guard. Its methods
//! forward to the store; the guarantees are those of the roles.

use super::*;
use crate::heartbeat;
use crate::journal::{Intent, IntentId};
use atsync_model::contract::RemoteRef;
use std::sync::Arc;
use tokio::sync::watch;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionStore {
    store: Arc<dyn Store>,
    guard: Guard,
}

impl ConnectionStore {
    /// Claims the connection's lease.
    ///
    /// # Errors
    /// When the store fails, or another process holds the lease.
    pub(crate) async fn claim(store: Arc<dyn Store>, connection: &str) -> Result<Self, StoreError> {
        let guard = store.lease(connection).await?;
        Ok(Self { store, guard })
    }

    /// Whether the lease outlives a request that begins now, in steady time, and may take this
    /// long.
    pub(crate) fn outlives(&self, now_ms: u64, timeout_ms: u64) -> bool {
        self.guard.outlives(now_ms, timeout_ms)
    }
}

/// Forwards reads with the connection's name and writes with the guard.
macro_rules! forward {
    (
        reads { $($read:ident($($asked:ident: $question:ty),*) -> $answer:ty;)* }
        writes { $($write:ident($($given:ident: $gift:ty),*) -> $done:ty;)* }
    ) => {
        impl ConnectionStore {
            $(pub(crate) fn $read(&self, $($asked: $question),*) -> $answer {
                heartbeat::works();
                self.store.$read(self.guard.connection(), $($asked),*)
            })*
            $(pub(crate) fn $write(&self, $($given: $gift),*) -> $done {
                heartbeat::works();
                self.store.$write(&self.guard, $($given),*)
            })*
        }
    };
}

forward! {
    reads {
        connection() -> Stored<'_, Option<ConnectionRow>>;
        observed(remote: &RemoteRef) -> Stored<'_, Option<ObservedRow>>;
        observed_page(
            kind: &str,
            after: Option<&str>,
            rows_max: usize
        ) -> Stored<'_, Vec<ObservedRow>>;
        lookup(
            kind: &str,
            index: &str,
            term: &str,
            rows_max: usize
        ) -> Stored<'_, Vec<ObservedRow>>;
        lookup_page(
            kind: &str,
            index: &str,
            term: &str,
            after: Option<&str>,
            rows_max: usize
        ) -> Stored<'_, Vec<ObservedRow>>;
        observed_counts() -> Stored<'_, Vec<(String, u64)>>;
        alias(remote: &RemoteRef) -> Stored<'_, Option<Alias>>;
        leads(kind: &str, rows_max: usize) -> Stored<'_, Vec<(String, String)>>;
        scan_state(kind: &str, parent: Option<&str>) -> Stored<'_, Option<ScanState>>;
        scan_states() -> Stored<'_, Vec<(String, Option<String>, ScanState)>>;
        sweep_state(kind: &str) -> Stored<'_, Option<SweepState>>;
        suspects_page(
            kind: &str,
            after: Option<&str>,
            rows_max: usize
        ) -> Stored<'_, Vec<ObservedRow>>;
        problems(kind: Option<&str>, rows_max: usize) -> Stored<'_, Vec<ProblemRow>>;
        desired(key: &str) -> Stored<'_, Option<DesiredRow>>;
        desired_page(after: Option<&str>, rows_max: usize) -> Stored<'_, Vec<DesiredRow>>;
        dirty_page(after: Option<&str>, rows_max: usize) -> Stored<'_, Vec<DesiredRow>>;
        desired_counts() -> Stored<'_, (u64, u64)>;
        link(path: &str) -> Stored<'_, Option<LinkRow>>;
        links_of(key: &str) -> Stored<'_, Vec<LinkRow>>;
        links_to(remote: &RemoteRef) -> Stored<'_, Vec<LinkRow>>;
        intent(id: IntentId) -> Stored<'_, Option<Intent>>;
        open_intents() -> Stored<'_, Vec<Intent>>;
        intents_of(key: &str, rows_max: usize) -> Stored<'_, Vec<Intent>>;
        intents_since(since_ms: u64, rows_max: usize) -> Stored<'_, Vec<Intent>>;
        intent_counts() -> Stored<'_, Vec<(String, u64)>>;
        changes(after: u64, rows_max: usize) -> Stored<'_, Vec<Change>>;
        watch_changes() -> watch::Receiver<()>;
        changes_last() -> Stored<'_, u64>;
        changes_first() -> Stored<'_, u64>;
        offset(consumer: &str) -> Stored<'_, u64>;
        kept_away(records: Vec<Declaration>) -> Stored<'_, Vec<String>>;
        notes_page(
            area: &str,
            after: Option<&str>,
            rows_max: usize
        ) -> Stored<'_, Vec<(String, Vec<u8>)>>;
    }
    writes {
        put_connection(row: ConnectionRow) -> Stored<'_, ()>;
        commit_page(page: PageCommit) -> Stored<'_, PageReport>;
        drop_lead(remote: &RemoteRef) -> Stored<'_, ()>;
        forget_seen(kind: &str, rows_max: usize) -> Stored<'_, u64>;
        note_problems(problems: Problems) -> Stored<'_, Vec<ProblemRow>>;
        declare(records: Vec<Declaration>, now_ms: u64) -> Stored<'_, DeclareReport>;
        declare_if(
            record: Declaration,
            generation: Option<u64>,
            now_ms: u64
        ) -> Stored<'_, DeclareReport>;
        put_status(statuses: Vec<StatusUpdate>) -> Stored<'_, Vec<String>>;
        mark_dirty(keys: Vec<String>) -> Stored<'_, ()>;
        set_mode(key: &str, mode: Mode) -> Stored<'_, bool>;
        remove_desired(key: &str, generation: Option<u64>) -> Stored<'_, bool>;
        put_links(links: Vec<LinkRow>) -> Stored<'_, ()>;
        end_links(paths: Vec<String>) -> Stored<'_, ()>;
        begin_intent(intent: Intent) -> Stored<'_, Intent>;
        advance_intent(advance: IntentAdvance) -> Stored<'_, Intent>;
        trim_intents(before_ms: u64) -> Stored<'_, u64>;
        trim_changes(before_ms: u64, keep: Keep) -> Stored<'_, u64>;
        acknowledge(consumer: &str, serial: u64) -> Stored<'_, u64>;
        end_consumer(consumer: &str) -> Stored<'_, ()>;
        erase(erasure: Erasure) -> Stored<'_, ErasureReport>;
        undo_erasure(erasure: Erasure) -> Stored<'_, bool>;
        put_notes(notes: Vec<Note>) -> Stored<'_, ()>;
    }
}
