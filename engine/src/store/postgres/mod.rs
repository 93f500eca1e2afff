//! The store in PostgreSQL: one truth for several processes.
//!
//! The tables hold what the other stores hold, and the same pure functions decide every change
//! (`ingest`, `check`, `erase`, `aged`). A write is one transaction that begins with the fence of
//! its guard ([`tx`]); a read is one statement. No session state, no name of a statement and no
//! lock outlives a transaction, so a pooler that lends sessions for transactions may stand between.
//!
//! Bounds: connections at a time. Left out: backups, which the database makes itself.

mod aliases;
mod barred;
mod connection;
mod desired;
mod digest;
mod erasure;
mod feed;
mod journal;
mod lease;
mod links;
mod names;
mod notes;
mod observed;
mod open;
mod options;
mod page;
mod renewal;
mod scans;
mod sql;
mod terms;
mod tx;
mod withdrawal;

pub use options::PostgresOptions;

use super::erase::Hasher;
use super::signal::Signals;
use super::*;
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::journal::{Intent, IntentId};
use atsync_model::contract::RemoteRef;
use deadpool_postgres::{Object, Pool};
use renewal::Leases;
use std::fmt;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_postgres::Client;
use tx::Tx;

/// How often a transaction is asked about whose end is not known, and how long after each other.
const ASKED_MAX: u32 = 100;
const ASKED_AGAIN_MS: u64 = 100;

/// A store in a PostgreSQL database, version 13 or later. Several processes may have it open; each
/// writes for the connections whose leases it holds.
pub struct PostgresStore {
    pool: Pool,
    lineage: String,
    hasher: Hasher,
    leases: Arc<Leases>,
    signals: Signals,
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PostgresStore")
            .field("holder", &self.leases.holder())
            .finish_non_exhaustive()
    }
}

/// Begins a read: a client of the pool, as `$sql`.
macro_rules! read {
    ($self:ident, |$sql:ident| $work:expr) => {
        Box::pin(async move {
            let client = $self.client().await?;
            let $sql: &Client = &client;
            $work.await
        })
    };
}

/// Runs a transaction of a guard, as `$tx`.
macro_rules! write {
    ($self:ident, $guard:ident, |$tx:ident| $work:expr) => {{
        let guard = $guard.clone();
        Box::pin(async move {
            let mut client = $self.client().await?;
            let sql = Client::transaction(&mut client).await?;
            let mut transaction = Tx::begin(sql, &guard).await?;
            let $tx = &mut transaction;
            let done = $work.await?;
            $self.commit(transaction).await?;
            Ok(done)
        })
    }};
}

impl PostgresStore {
    /// Opens the store in a database, and makes its tables where there are none. `address` has the
    /// form `postgres://user:password@host:5432/database`; no message repeats it.
    ///
    /// # Errors
    /// `StoreError::Invalid` for an address that is none, `StoreError::Unusable` when a later
    /// version wrote the tables, `StoreError::Io` when the database does not answer or refuses
    /// writes.
    pub async fn open(
        address: &str,
        options: PostgresOptions,
        clock: Arc<dyn Clock>,
        entropy: &dyn Entropy,
    ) -> Result<Self, StoreError> {
        let pool = open::pool(address, &options)?;
        let mut client = pool.get().await.map_err(open::failed)?;
        let (lineage, salt) = open::prepare(&mut client, entropy).await?;
        drop(client);
        let holder = format!("{}-{}", options.node, entropy.id());
        let hasher = Hasher::new(&salt);
        let leases = Arc::new(Leases::new(holder, options.lease_ms, clock));
        renewal::begin(&leases, pool.clone());
        Ok(Self { pool, lineage, hasher, leases, signals: Signals::default() })
    }

    async fn client(&self) -> Result<Object, StoreError> {
        if self.pool.is_closed() {
            return Err(StoreError::Closed);
        }
        self.pool.get().await.map_err(open::failed)
    }

    /// Commits, and wakes the readers of the feed if there are new events.
    ///
    /// Where the answer to the commit is lost, the database is asked what became of the
    /// transaction.
    async fn commit(&self, mut transaction: Tx<'_>) -> Result<(), StoreError> {
        transaction.finish().await?;
        let has_events = transaction.has_events();
        let Tx { sql, name, transaction: number, .. } = transaction;
        if let Err(error) = sql.commit().await
            && !self.is_committed(&number).await?
        {
            return Err(error.into());
        }
        if has_events {
            self.signals.wake(&name);
        }
        Ok(())
    }

    /// Whether a transaction was committed whose end is not known.
    async fn is_committed(&self, transaction: &str) -> Result<bool, StoreError> {
        let client = self.client().await?;
        for _ in 0..ASKED_MAX {
            let row = client
                .query_typed_one(
                    "SELECT pg_xact_status($1::text::xid8)",
                    sql::typed![transaction => TEXT],
                )
                .await?;
            match row.try_get::<_, Option<String>>(0)?.as_deref() {
                Some("in progress") => self.leases.wait(ASKED_AGAIN_MS).await,
                status => return Ok(status == Some("committed")),
            }
        }
        Err(StoreError::Unsettled)
    }
}

impl Connections for PostgresStore {
    fn identity(&self) -> Stored<'_, StoreIdentity> {
        Box::pin(async { Ok(StoreIdentity { schema: SCHEMA, lineage: self.lineage.clone() }) })
    }

    fn connection(&self, connection: &str) -> Stored<'_, Option<ConnectionRow>> {
        let connection = connection.to_owned();
        read!(self, |sql| connection::row(sql, &connection))
    }

    fn put_connection(&self, guard: &Guard, row: ConnectionRow) -> Stored<'_, ()> {
        write!(self, guard, |tx| connection::put(tx, &row))
    }

    fn forget(&self, guard: &Guard) -> Stored<'_, u64> {
        let guard = guard.clone();
        Box::pin(async move {
            let forgotten: Stored<'_, ()> = write!(self, guard, |tx| connection::forget(tx));
            forgotten.await?;
            let client = self.client().await?;
            connection::remove_forgotten(&client).await
        })
    }

    fn lease(&self, connection: &str) -> Stored<'_, Guard> {
        let connection = connection.to_owned();
        Box::pin(async move {
            let client = self.client().await?;
            let leases = &self.leases;
            let (end_ms, length_ms) = (leases.end_ms(), sql::signed(leases.length_ms()));
            let known = leases.fence(&connection);
            let claimed = lease::claim(&client, &connection, leases.holder(), known, length_ms);
            let granted = claimed.await?;
            let until = leases.keep(&connection, granted.id, granted.fence, end_ms);
            Ok(Guard::renewed(&connection, granted.fence, until))
        })
    }

    fn close(&self) -> Stored<'_, ()> {
        Box::pin(async move {
            // A database that does not answer lets the leases end by themselves.
            let released = self.leases.release_all(&self.pool).await;
            self.pool.close();
            if let Err(error) = released {
                tracing::warn!(%error, "the leases of connections were not given back");
            }
            Ok(())
        })
    }
}

impl Observed for PostgresStore {
    fn commit_page(&self, guard: &Guard, page: PageCommit) -> Stored<'_, PageReport> {
        write!(self, guard, |tx| page::commit(tx, &page, &self.hasher))
    }

    fn observed(&self, connection: &str, remote: &RemoteRef) -> Stored<'_, Option<ObservedRow>> {
        let (connection, remote) = (connection.to_owned(), remote.clone());
        read!(self, |sql| observed::one(sql, &connection, &remote))
    }

    fn observed_page(
        &self,
        connection: &str,
        kind: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<ObservedRow>> {
        let (connection, kind) = (connection.to_owned(), kind.to_owned());
        let after = after.map(str::to_owned);
        read!(self, |sql| observed::page(sql, &connection, &kind, after.as_deref(), rows_max))
    }

    fn lookup(
        &self,
        connection: &str,
        kind: &str,
        index: &str,
        term: &str,
        rows_max: usize,
    ) -> Stored<'_, Vec<ObservedRow>> {
        self.lookup_page(connection, kind, index, term, None, rows_max)
    }

    fn lookup_page(
        &self,
        connection: &str,
        kind: &str,
        index: &str,
        term: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<ObservedRow>> {
        let (connection, kind) = (connection.to_owned(), kind.to_owned());
        let (index, term) = (index.to_owned(), term.to_owned());
        let after = after.map(str::to_owned);
        read!(self, |sql| observed::lookup(
            sql,
            &connection,
            (&kind, &index, &term),
            after.as_deref(),
            rows_max
        ))
    }

    fn observed_counts(&self, connection: &str) -> Stored<'_, Vec<(String, u64)>> {
        let connection = connection.to_owned();
        read!(self, |sql| observed::counts(sql, &connection))
    }

    fn alias(&self, connection: &str, remote: &RemoteRef) -> Stored<'_, Option<Alias>> {
        let (connection, remote) = (connection.to_owned(), remote.clone());
        read!(self, |sql| aliases::one(sql, &connection, &remote))
    }

    fn leads(
        &self,
        connection: &str,
        kind: &str,
        rows_max: usize,
    ) -> Stored<'_, Vec<(String, String)>> {
        let (connection, kind) = (connection.to_owned(), kind.to_owned());
        read!(self, |sql| aliases::leads(sql, &connection, &kind, rows_max))
    }

    fn drop_lead(&self, guard: &Guard, remote: &RemoteRef) -> Stored<'_, ()> {
        let remote = remote.clone();
        write!(self, guard, |tx| aliases::drop_lead(tx, &remote))
    }
}

impl Scans for PostgresStore {
    fn scan_state(
        &self,
        connection: &str,
        kind: &str,
        parent: Option<&str>,
    ) -> Stored<'_, Option<ScanState>> {
        let (connection, kind) = (connection.to_owned(), kind.to_owned());
        let parent = parent.map(str::to_owned);
        read!(self, |sql| scans::one(sql, &connection, &kind, parent.as_deref()))
    }

    fn scan_states(
        &self,
        connection: &str,
    ) -> Stored<'_, Vec<(String, Option<String>, ScanState)>> {
        let connection = connection.to_owned();
        read!(self, |sql| scans::all(sql, &connection))
    }

    fn sweep_state(&self, connection: &str, kind: &str) -> Stored<'_, Option<SweepState>> {
        let (connection, kind) = (connection.to_owned(), kind.to_owned());
        read!(self, |sql| scans::sweep(sql, &connection, &kind))
    }

    fn suspects_page(
        &self,
        connection: &str,
        kind: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<ObservedRow>> {
        let (connection, kind) = (connection.to_owned(), kind.to_owned());
        let after = after.map(str::to_owned);
        read!(self, |sql| observed::suspects(sql, &connection, &kind, after.as_deref(), rows_max))
    }

    fn forget_seen(&self, guard: &Guard, kind: &str, rows_max: usize) -> Stored<'_, u64> {
        let kind = kind.to_owned();
        write!(self, guard, |tx| scans::forget_seen(tx, &kind, rows_max))
    }

    fn problems(
        &self,
        connection: &str,
        kind: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<ProblemRow>> {
        let (connection, kind) = (connection.to_owned(), kind.map(str::to_owned));
        read!(self, |sql| scans::problems(sql, &connection, kind.as_deref(), rows_max))
    }

    fn note_problems(&self, guard: &Guard, problems: Problems) -> Stored<'_, Vec<ProblemRow>> {
        write!(self, guard, |tx| scans::note(tx, &problems))
    }
}

impl Desired for PostgresStore {
    fn declare(
        &self,
        guard: &Guard,
        records: Vec<Declaration>,
        now_ms: u64,
    ) -> Stored<'_, DeclareReport> {
        write!(self, guard, |tx| desired::declare(tx, records, now_ms, &self.hasher))
    }

    fn declare_if(
        &self,
        guard: &Guard,
        record: Declaration,
        generation: Option<u64>,
        now_ms: u64,
    ) -> Stored<'_, DeclareReport> {
        write!(self, guard, |tx| desired::declare_if(tx, record, generation, now_ms, &self.hasher))
    }

    fn desired(&self, connection: &str, key: &str) -> Stored<'_, Option<DesiredRow>> {
        let (connection, key) = (connection.to_owned(), key.to_owned());
        read!(self, |sql| desired::one(sql, &connection, &key))
    }

    fn desired_page(
        &self,
        connection: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<DesiredRow>> {
        let (connection, after) = (connection.to_owned(), after.map(str::to_owned));
        read!(self, |sql| desired::page(sql, &connection, after.as_deref(), rows_max, false))
    }

    fn dirty_page(
        &self,
        connection: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<DesiredRow>> {
        let (connection, after) = (connection.to_owned(), after.map(str::to_owned));
        read!(self, |sql| desired::page(sql, &connection, after.as_deref(), rows_max, true))
    }

    fn put_status(&self, guard: &Guard, statuses: Vec<StatusUpdate>) -> Stored<'_, Vec<String>> {
        write!(self, guard, |tx| desired::put_status(tx, statuses))
    }

    fn mark_dirty(&self, guard: &Guard, keys: Vec<String>) -> Stored<'_, ()> {
        write!(self, guard, |tx| desired::mark_all(tx, keys))
    }

    fn set_mode(&self, guard: &Guard, key: &str, mode: Mode) -> Stored<'_, bool> {
        let key = key.to_owned();
        write!(self, guard, |tx| desired::set_mode(tx, &key, mode))
    }

    fn remove_desired(
        &self,
        guard: &Guard,
        key: &str,
        generation: Option<u64>,
    ) -> Stored<'_, bool> {
        let key = key.to_owned();
        write!(self, guard, |tx| withdrawal::end(tx, &key, generation))
    }

    fn desired_counts(&self, connection: &str) -> Stored<'_, (u64, u64)> {
        let connection = connection.to_owned();
        read!(self, |sql| desired::counts(sql, &connection))
    }
}

impl Links for PostgresStore {
    fn link(&self, connection: &str, path: &str) -> Stored<'_, Option<LinkRow>> {
        let (connection, path) = (connection.to_owned(), path.to_owned());
        read!(self, |sql| links::one(sql, &connection, &path))
    }

    fn links_of(&self, connection: &str, key: &str) -> Stored<'_, Vec<LinkRow>> {
        let (connection, key) = (connection.to_owned(), key.to_owned());
        read!(self, |sql| links::below(sql, &connection, &key))
    }

    fn links_to(&self, connection: &str, remote: &RemoteRef) -> Stored<'_, Vec<LinkRow>> {
        let (connection, remote) = (connection.to_owned(), remote.clone());
        read!(self, |sql| links::to(sql, &connection, &remote))
    }

    fn put_links(&self, guard: &Guard, links: Vec<LinkRow>) -> Stored<'_, ()> {
        write!(self, guard, |tx| links::put_checked(tx, &links))
    }

    fn end_links(&self, guard: &Guard, paths: Vec<String>) -> Stored<'_, ()> {
        write!(self, guard, |tx| links::end_checked(tx, &paths))
    }
}

impl Journal for PostgresStore {
    fn begin_intent(&self, guard: &Guard, intent: Intent) -> Stored<'_, Intent> {
        write!(self, guard, |tx| journal::begin(tx, intent))
    }

    fn advance_intent(&self, guard: &Guard, advance: IntentAdvance) -> Stored<'_, Intent> {
        write!(self, guard, |tx| journal::advance(tx, advance))
    }

    fn intent(&self, connection: &str, id: IntentId) -> Stored<'_, Option<Intent>> {
        let connection = connection.to_owned();
        read!(self, |sql| journal::one(sql, &connection, id))
    }

    fn open_intents(&self, connection: &str) -> Stored<'_, Vec<Intent>> {
        let connection = connection.to_owned();
        read!(self, |sql| journal::open(sql, &connection))
    }

    fn intents_of(&self, connection: &str, key: &str, rows_max: usize) -> Stored<'_, Vec<Intent>> {
        let (connection, key) = (connection.to_owned(), key.to_owned());
        read!(self, |sql| journal::of(sql, &connection, &key, rows_max))
    }

    fn intents_since(
        &self,
        connection: &str,
        since_ms: u64,
        rows_max: usize,
    ) -> Stored<'_, Vec<Intent>> {
        let connection = connection.to_owned();
        read!(self, |sql| journal::since(sql, &connection, since_ms, rows_max))
    }

    fn trim_intents(&self, guard: &Guard, before_ms: u64) -> Stored<'_, u64> {
        let guard = guard.clone();
        Box::pin(async move {
            let (mut removed, mut after) = (0_u64, None);
            loop {
                let from = after.take();
                let some: Stored<'_, (u64, journal::After)> =
                    write!(self, guard, |tx| journal::trim(tx, from, before_ms));
                let (some, next) = some.await?;
                removed = removed.saturating_add(some);
                match next {
                    Some(next) => after = Some(next),
                    None => return Ok(removed),
                }
            }
        })
    }

    fn intent_counts(&self, connection: &str) -> Stored<'_, Vec<(String, u64)>> {
        let connection = connection.to_owned();
        read!(self, |sql| journal::counts(sql, &connection))
    }
}

impl Feed for PostgresStore {
    fn changes(&self, connection: &str, after: u64, rows_max: usize) -> Stored<'_, Vec<Change>> {
        let connection = connection.to_owned();
        read!(self, |sql| feed::changes(sql, &connection, after, rows_max))
    }

    fn watch_changes(&self, connection: &str) -> watch::Receiver<()> {
        self.signals.watch(connection)
    }

    fn changes_last(&self, connection: &str) -> Stored<'_, u64> {
        let connection = connection.to_owned();
        Box::pin(async move {
            let client = self.client().await?;
            let sql: &Client = &client;
            Ok(feed::ends(sql, &connection).await?.1)
        })
    }

    fn changes_first(&self, connection: &str) -> Stored<'_, u64> {
        let connection = connection.to_owned();
        Box::pin(async move {
            let client = self.client().await?;
            let sql: &Client = &client;
            Ok(feed::ends(sql, &connection).await?.0)
        })
    }

    fn trim_changes(&self, guard: &Guard, before_ms: u64, keep: Keep) -> Stored<'_, u64> {
        write!(self, guard, |tx| feed::trim(tx, before_ms, keep))
    }

    fn acknowledge(&self, guard: &Guard, consumer: &str, serial: u64) -> Stored<'_, u64> {
        let consumer = consumer.to_owned();
        write!(self, guard, |tx| feed::acknowledge(tx, &consumer, serial))
    }

    fn offset(&self, connection: &str, consumer: &str) -> Stored<'_, u64> {
        let (connection, consumer) = (connection.to_owned(), consumer.to_owned());
        read!(self, |sql| feed::offset(sql, &connection, &consumer))
    }

    fn end_consumer(&self, guard: &Guard, consumer: &str) -> Stored<'_, ()> {
        let consumer = consumer.to_owned();
        write!(self, guard, |tx| feed::end_consumer(tx, &consumer))
    }
}

impl Erasures for PostgresStore {
    fn erase(&self, guard: &Guard, erasure: Erasure) -> Stored<'_, ErasureReport> {
        write!(self, guard, |tx| erasure::erase(tx, &erasure, &self.hasher))
    }

    fn kept_away(&self, connection: &str, records: Vec<Declaration>) -> Stored<'_, Vec<String>> {
        let connection = connection.to_owned();
        read!(self, |sql| barred::kept_away(sql, &connection, &records, &self.hasher))
    }

    fn undo_erasure(&self, guard: &Guard, erasure: Erasure) -> Stored<'_, bool> {
        write!(self, guard, |tx| barred::undo(tx, &erasure, &self.hasher))
    }
}

impl Notes for PostgresStore {
    fn put_notes(&self, guard: &Guard, notes: Vec<Note>) -> Stored<'_, ()> {
        write!(self, guard, |tx| notes::put(tx, &notes))
    }

    fn note(&self, connection: &str, area: &str, key: &str) -> Stored<'_, Option<Vec<u8>>> {
        let (name, area, key) = (connection.to_owned(), area.to_owned(), key.to_owned());
        read!(self, |sql| notes::one(sql, &name, &area, &key))
    }

    fn notes_page(
        &self,
        connection: &str,
        area: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<(String, Vec<u8>)>> {
        let (name, area) = (connection.to_owned(), area.to_owned());
        let after = after.map(str::to_owned);
        read!(self, |sql| notes::page(sql, &name, &area, after.as_deref(), rows_max))
    }
}

#[cfg(test)]
mod tests {
    use super::{Connections, PostgresOptions, PostgresStore, Tx};
    use crate::{SystemClock, SystemEntropy};
    use std::sync::Arc;
    use tokio_postgres::Client;

    #[tokio::test]
    async fn a_transaction_whose_end_is_not_known_is_asked_about() {
        let Some(address) = atsync_test_cluster::database() else { return };
        let options = PostgresOptions::default();
        let clock = Arc::new(SystemClock);
        let store = PostgresStore::open(&address, options, clock, &SystemEntropy).await.unwrap();
        let guard = store.lease("acme").await.unwrap();
        for is_committed in [true, false] {
            let mut client = store.client().await.unwrap();
            let sql = Client::transaction(&mut client).await.unwrap();
            let transaction = Tx::begin(sql, &guard).await.unwrap();
            let number = transaction.transaction.clone();
            match is_committed {
                true => transaction.sql.commit().await.unwrap(),
                false => transaction.sql.rollback().await.unwrap(),
            }
            assert_eq!(store.is_committed(&number).await.unwrap(), is_committed);
        }
    }
}
