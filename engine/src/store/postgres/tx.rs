//! A transaction that writes for one connection.
//!
//! It begins by reading the connection's row for update and its lease for share: the fence of the
//! guard must be the granted one ([`StoreError::LeaseLost`] otherwise), and no claim of the lease
//! goes between that check and the commit. So writes of a connection come one after another, and
//! the counters of its feed, marks and erasures need no gap.
//!
//! A commit whose answer is lost is asked about by the transaction's number
//! ([`super::PostgresStore`] does it), so that a caller learns whether it was kept.

use super::names;
use super::sql::{damaged, number, signed, typed, unsigned};
use crate::store::notes::WHOLE_STORE;
use crate::store::{Guard, StoreError, check};
use std::collections::BTreeMap;
use tokio_postgres::{Row, Transaction};

/// The row of a connection that a transaction works on.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) last_serial: u64,
    pub(super) last_mark: u64,
    pub(super) last_dirt: u64,
    pub(super) last_erasure: u64,
}

/// See the module.
pub(super) struct Tx<'c> {
    pub(super) sql: Transaction<'c>,
    /// The connection's id, for ever.
    pub(super) id: i64,
    /// The number that its rows have.
    pub(super) number: i64,
    pub(super) name: String,
    pub(super) counters: Counters,
    /// The counters as they were read.
    before: [u64; 4],
    /// How many rows more or fewer there are, by table and word.
    tallies: BTreeMap<(&'static str, String), i64>,
    /// The number of this transaction in the database.
    pub(super) transaction: String,
}

/// A mark's time is any number of 64 bits; its bits are kept.
fn bits(number: u64) -> i64 {
    i64::from_ne_bytes(number.to_ne_bytes())
}

fn of_bits(number: i64) -> u64 {
    u64::from_ne_bytes(number.to_ne_bytes())
}

const GUARDED: &str = "SELECT c.id, c.number, c.last_serial, c.last_mark, c.last_dirt, \
    c.last_erasure, pg_current_xact_id()::text \
    FROM atsync.connections c JOIN atsync.leases l ON l.connection = c.id \
    WHERE c.name = $1 AND l.fence = $2 FOR UPDATE OF c FOR SHARE OF l";

const UNGUARDED: &str = "SELECT id, number, last_serial, last_mark, last_dirt, last_erasure, \
    pg_current_xact_id()::text FROM atsync.connections WHERE name = $1 FOR UPDATE";

impl<'c> Tx<'c> {
    /// Begins with the guard's fence checked.
    pub(super) async fn begin(sql: Transaction<'c>, guard: &Guard) -> Result<Self, StoreError> {
        let (name, fence) = (guard.connection(), guard.fence());
        check::words(&[("a connection's name", name)])?;
        // What the store keeps as a whole has no holder: any process writes it, one at a time.
        if name == WHOLE_STORE {
            names::make(&sql, name).await?;
            let row = sql.query_typed_one(UNGUARDED, typed![name.as_bytes() => BYTEA]).await?;
            return Self::of(sql, name, &row);
        }
        let fence_there = i64::try_from(fence).map_err(|_| lost(name, fence))?;
        let found = sql
            .query_typed_opt(GUARDED, typed![name.as_bytes() => BYTEA, fence_there => INT8])
            .await?;
        let row = found.ok_or_else(|| lost(name, fence))?;
        Self::of(sql, name, &row)
    }

    fn of(sql: Transaction<'c>, name: &str, row: &Row) -> Result<Self, StoreError> {
        let counters = Counters {
            last_serial: number(row, 2)?,
            last_mark: of_bits(row.try_get(3)?),
            last_dirt: number(row, 4)?,
            last_erasure: number(row, 5)?,
        };
        let before = counters.all();
        Ok(Self {
            sql,
            id: row.try_get(0)?,
            number: row.try_get(1)?,
            name: name.to_owned(),
            counters,
            before,
            tallies: BTreeMap::new(),
            transaction: row.try_get(6)?,
        })
    }

    /// Counts rows of a table, by a word of theirs.
    pub(super) fn tally(&mut self, of: &'static str, word: &str, rows: i64) {
        let tally = self.tallies.entry((of, word.to_owned())).or_default();
        *tally = tally.saturating_add(rows);
    }

    /// Whether it wrote events.
    pub(super) fn has_events(&self) -> bool {
        self.counters.last_serial > self.before.first().copied().unwrap_or_default()
    }

    /// Writes the counters. The caller then commits.
    pub(super) async fn finish(&mut self) -> Result<(), StoreError> {
        if self.counters.all() != self.before {
            let [serial, mark, dirt, erasure] = self.counters.all();
            let changed = self.sql.execute_typed(
                "UPDATE atsync.connections SET last_serial = $2, last_mark = $3, last_dirt = $4, \
                 last_erasure = $5 WHERE id = $1",
                typed![
                    self.id => INT8, signed(serial) => INT8, bits(mark) => INT8,
                    signed(dirt) => INT8, signed(erasure) => INT8
                ],
            ).await?;
            if changed != 1 {
                return Err(damaged("the row of a connection"));
            }
        }
        let tallies: Vec<_> = std::mem::take(&mut self.tallies).into_iter().collect();
        let changed = tallies.iter().filter(|(_, rows)| *rows != 0);
        let (mut tables, mut words, mut rows) = (Vec::new(), Vec::new(), Vec::new());
        for ((of, word), more) in changed {
            tables.push(*of);
            words.push(word.as_bytes());
            rows.push(*more);
        }
        if tables.is_empty() {
            return Ok(());
        }
        self.sql
            .execute_typed(
                "INSERT INTO atsync.tallies AS t (connection, of, word, rows) \
                 SELECT $1, * FROM unnest($2::text[], $3::bytea[], $4::bigint[]) \
                 ON CONFLICT (connection, of, word) DO UPDATE SET rows = t.rows + excluded.rows",
                typed![
                    self.number => INT8, tables => TEXT_ARRAY, words => BYTEA_ARRAY,
                    rows => INT8_ARRAY
                ],
            )
            .await?;
        Ok(())
    }
}

impl Counters {
    fn all(&self) -> [u64; 4] {
        [self.last_serial, self.last_mark, self.last_dirt, self.last_erasure]
    }
}

fn lost(connection: &str, fence: u64) -> StoreError {
    StoreError::LeaseLost { connection: connection.to_owned(), fence }
}

/// Reads how many rows of a table there are, by word; those of which there are none are left out.
pub(super) async fn tallies(
    sql: &impl tokio_postgres::GenericClient,
    connection: &str,
    of: &str,
) -> Result<Vec<(String, u64)>, StoreError> {
    let rows = sql
        .query_typed(
            "SELECT t.word, t.rows FROM atsync.tallies t JOIN atsync.connections c \
         ON c.number = t.connection WHERE c.name = $1 AND t.of = $2 AND t.rows <> 0 \
         ORDER BY t.word",
            typed![connection.as_bytes() => BYTEA, of => TEXT],
        )
        .await?;
    let rows = rows;
    rows.iter().map(|row| Ok((super::sql::text(row, 0)?, unsigned(row.try_get(1)?)))).collect()
}
