//! The leases of this process: renewed while a guard of them lives, released when none does.
//!
//! One task looks each second: a lease of which a third has passed is renewed, all due ones by one
//! statement of at most [`BATCH`]; one without a guard is released. What the statement does not
//! return was claimed by another process; its guards see the end. Where the database does not
//! answer, the leases end by themselves, in this process first, since the new end counts from
//! before the statement.
//!
//! Left out: claiming; see [`super::lease`].

#![expect(clippy::disallowed_methods, reason = "one task renews, whatever the host awaits")]

use super::open;
use super::sql::{number, signed, typed, unsigned};
use crate::clock::Clock;
use crate::store::{StoreError, Until};
use deadpool_postgres::Pool;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// How often the leases are looked at.
const TICK_MS: u64 = 1_000;
/// Leases of one statement.
const BATCH: usize = 1_000;

/// A lease that this process holds.
#[derive(Clone, Debug)]
struct Held {
    id: i64,
    fence: u64,
    until: Until,
}

/// The leases that this process holds, by connection.
#[derive(Debug)]
pub(super) struct Leases {
    held: Mutex<BTreeMap<String, Held>>,
    holder: String,
    length_ms: u64,
    clock: Arc<dyn Clock>,
}

impl Leases {
    pub(super) fn new(holder: String, length_ms: u64, clock: Arc<dyn Clock>) -> Self {
        Self { held: Mutex::default(), holder, length_ms, clock }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The name of this process in leases.
    pub(super) fn holder(&self) -> &str {
        &self.holder
    }

    /// Waits by the clock of the leases.
    pub(super) async fn wait(&self, wait_ms: u64) {
        self.clock.sleep(wait_ms).await;
    }

    /// The length of a lease, in milliseconds.
    pub(super) fn length_ms(&self) -> u64 {
        self.length_ms
    }

    /// The end of a lease that is asked for now.
    pub(super) fn end_ms(&self) -> u64 {
        self.clock.steady_ms().saturating_add(self.length_ms)
    }

    /// Keeps a lease that was granted. A second claim of one that is held shares its end.
    pub(super) fn keep(&self, connection: &str, id: i64, fence: u64, end_ms: u64) -> Until {
        let mut held = self.lock();
        if let Some(known) = held.get(connection).filter(|known| known.fence == fence) {
            known.until.move_to(end_ms);
            return known.until.clone();
        }
        let until = Until::at(end_ms);
        held.insert(connection.to_owned(), Held { id, fence, until: until.clone() });
        until
    }

    /// The fence of a lease that this process has.
    pub(super) fn fence(&self, connection: &str) -> Option<u64> {
        self.lock().get(connection).map(|held| held.fence)
    }

    /// Those to renew, and those without a guard, which are forgotten: a later claim gets another
    /// fence.
    fn due(&self) -> (Vec<(String, Held)>, Vec<Held>) {
        let soon_ms = self.clock.steady_ms().saturating_add(self.length_ms / 3 * 2);
        let (mut due, mut alone) = (Vec::new(), Vec::new());
        self.lock().retain(|name, held| {
            if held.until.is_alone() {
                alone.push(held.clone());
                return false;
            }
            if held.until.ms() <= soon_ms {
                due.push((name.clone(), held.clone()));
            }
            true
        });
        (due, alone)
    }

    /// Forgets a lease, unless it was granted anew since.
    fn drop_lease(&self, connection: &str, fence: u64) {
        let mut held = self.lock();
        if held.get(connection).is_some_and(|known| known.fence == fence) {
            held.remove(connection);
        }
    }

    /// Renews what is due and releases what no guard has.
    async fn look(&self, pool: &Pool) -> Result<(), StoreError> {
        let (due, alone) = self.due();
        if due.is_empty() && alone.is_empty() {
            return Ok(());
        }
        let client = pool.get().await.map_err(open::failed)?;
        for some in due.chunks(BATCH) {
            let end_ms = self.end_ms();
            let ids: Vec<i64> = some.iter().map(|(_, held)| held.id).collect();
            let rows = client
                .query_typed(
                    "UPDATE atsync.leases SET until = clock_timestamp() \
                     + $3 * interval '1 millisecond' \
                     WHERE connection = ANY ($1) AND holder = $2 RETURNING connection, fence",
                    typed![
                        ids => INT8_ARRAY, self.holder => TEXT,
                        signed(self.length_ms) => INT8
                    ],
                )
                .await?;
            let mut kept: BTreeMap<i64, u64> = BTreeMap::new();
            for row in rows {
                kept.insert(row.try_get(0)?, number(&row, 1)?);
            }
            for (name, held) in some {
                if kept.get(&held.id) == Some(&held.fence) {
                    held.until.move_to(end_ms);
                } else {
                    held.until.move_to(0);
                    self.drop_lease(name, held.fence);
                }
            }
        }
        for held in alone {
            client
                .execute_typed(
                    "UPDATE atsync.leases SET until = clock_timestamp() \
                     WHERE connection = $1 AND holder = $2 AND fence = $3",
                    typed![
                        held.id => INT8, self.holder => TEXT,
                        signed(held.fence) => INT8
                    ],
                )
                .await?;
        }
        Ok(())
    }

    /// Gives all leases back at once. Their guards see the end.
    pub(super) async fn release_all(&self, pool: &Pool) -> Result<u64, StoreError> {
        for (_, held) in std::mem::take(&mut *self.lock()) {
            held.until.move_to(0);
        }
        let client = pool.get().await.map_err(open::failed)?;
        let released = client
            .execute_typed(
                "UPDATE atsync.leases SET until = clock_timestamp() \
                 WHERE holder = $1 AND until > clock_timestamp()",
                typed![self.holder => TEXT],
            )
            .await?;
        Ok(unsigned(i64::try_from(released).unwrap_or(i64::MAX)))
    }
}

/// Begins the task that looks at the leases; it ends when the store is dropped.
pub(super) fn begin(leases: &Arc<Leases>, pool: Pool) {
    let (leases, clock): (Weak<Leases>, _) = (Arc::downgrade(leases), Arc::clone(&leases.clock));
    tokio::task::spawn(async move {
        loop {
            clock.sleep(TICK_MS).await;
            let Some(leases) = leases.upgrade() else { return };
            if pool.is_closed() {
                return;
            }
            if let Err(error) = leases.look(&pool).await {
                tracing::warn!(%error, "the leases of connections were not renewed");
            }
        }
    });
}
