//! The facade's operations on the feed of changes: read, follow, acknowledge.
//!
//! Two ways to read, both owned and spawnable. [`Connection::changes`] ends at the newest event,
//! for jobs that run and end. [`Connection::follow`] ends only with an error: it begins at the
//! offset of a named consumer and waits for events, from all connections of the name in this
//! engine; [`Connection::follow_after`] begins at a serial that the host keeps itself. Neither
//! acknowledges by itself, so an event counts as handled only when the host says so: at least once,
//! in order, without gaps.
//!
//! Bounds: [`FOLLOWED_ROWS`] events are held for a follower, which reads at its own pace, and pages
//! of `READ_ROWS` for a reader after its first one; nothing is pushed. Left out: when the feed is
//! trimmed ([`Connection::trim`]); a reader that needs a removed event gets an error.

use crate::engine::{Connection, READ_ROWS};
use crate::error::Error;
use crate::store::Change;
use futures_util::stream::{self, Stream, TryStreamExt};
use std::collections::VecDeque;
use tokio::sync::watch;

/// Events that are read for a follower at a time. A thousand followers that do not read hold them
/// all, so it is few; a read costs tens of microseconds.
const FOLLOWED_ROWS: usize = 5;
/// How often a store that cannot wake its readers is polled.
const LOOK_MS: u64 = 1_000;

impl Connection {
    /// The feed after a serial, up to its present end: a stream that ends. Owned; it may be
    /// spawned.
    ///
    /// # Errors
    /// An item is an error, and the last one, when the store fails or the next event was trimmed:
    /// see [`Connection::follow`].
    pub fn changes(&self, after: u64) -> impl Stream<Item = Result<Change, Error>> + Send + use<> {
        let acme = self.clone();
        // Small at first: many readers take a few events and leave.
        let first = Some((after, FOLLOWED_ROWS));
        let pages = stream::try_unfold(first, move |from: Option<(u64, usize)>| {
            let acme = acme.clone();
            async move {
                let Some((after, rows_max)) = from else { return Ok(None) };
                let changes = acme.work()?.context.store.changes(after, rows_max).await?;
                let next = changes.last().map(|change| (change.serial, READ_ROWS));
                let changes = stream::iter(changes.into_iter().map(Ok::<_, Error>));
                Ok::<_, Error>(Some((changes, next)))
            }
        });
        pages.try_flatten()
    }

    /// The feed from the offset of this consumer: a stream that waits for the next event. It ends
    /// when the connection is closed. Owned; it may be spawned.
    ///
    /// It wakes when events are committed, through any handle of this engine. The offset is read
    /// once, with the first item: events that were not acknowledged ([`Connection::acknowledge`])
    /// come again in the next stream. A consumer is known from its first item on, and
    /// [`Connection::trim`] keeps its events unless told otherwise; [`Connection::end_consumer`]
    /// ends that.
    ///
    /// # Errors
    /// An item is an error, and the last one, when the connection is closed, the store fails, or
    /// the next events were trimmed ([`crate::store::StoreError::ChangesGone`] is its source). Then
    /// read the records again, acknowledge [`Connection::changes_first`] less one, and follow
    /// again.
    pub fn follow(
        &self,
        consumer: &str,
    ) -> impl Stream<Item = Result<Change, Error>> + Send + use<> {
        self.following(Start::Consumer(consumer.to_owned()))
    }

    /// The feed after a serial: a stream that waits for the next event, as [`Connection::follow`].
    ///
    /// For a host that keeps its offset with its own data, so that both are written, and restored
    /// from a backup, together. The store has no consumer for it, so [`Connection::trim`] may
    /// remove events that such a host has not read, unless the host also acknowledges for a named
    /// consumer.
    ///
    /// # Errors
    /// As for [`Connection::follow`]; a serial that the feed does not have yet is an error too
    /// ([`crate::store::StoreError::ChangesAhead`] is its source): the store is older than the
    /// host's offset.
    pub fn follow_after(
        &self,
        serial: u64,
    ) -> impl Stream<Item = Result<Change, Error>> + Send + use<> {
        self.following(Start::Serial(serial))
    }

    fn following(&self, from: Start) -> impl Stream<Item = Result<Change, Error>> + Send + use<> {
        let reader = Reader { from, read: VecDeque::new(), woken: None };
        stream::unfold(Some((self.clone(), reader)), |following| async move {
            let (acme, mut reader) = following?;
            match acme.unless_closed(reader.next(&acme)).await {
                Ok(change) => Some((Ok(change), Some((acme, reader)))),
                Err(error) => Some((Err(error), None)),
            }
        })
    }

    /// Stores that a consumer has handled the feed up to a serial, and returns the stored one: a
    /// greater one where the consumer acknowledged more before, since the offset never decreases.
    ///
    /// A host that restored a backup of its own data needs an older offset: with its own offset it
    /// calls [`Connection::follow_after`]; for a named consumer it calls
    /// [`Connection::end_consumer`] first and then acknowledges the older serial.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Store`], also for a serial that the feed does not have yet
    /// ([`crate::store::StoreError::ChangesAhead`] is its source).
    pub async fn acknowledge(&self, consumer: &str, serial: u64) -> Result<u64, Error> {
        Ok(self.work()?.context.store.acknowledge(consumer, serial).await?)
    }

    /// The offset of a consumer; 0 when it is unknown.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Store`].
    pub async fn offset(&self, consumer: &str) -> Result<u64, Error> {
        Ok(self.work()?.context.store.offset(consumer).await?)
    }
}

/// Where a reader begins.
enum Start {
    /// At the offset of this consumer, which is not read yet.
    Consumer(String),
    /// After the event of this serial.
    Serial(u64),
}

/// One reader of the feed.
struct Reader {
    from: Start,
    /// Events that were read and not returned yet.
    read: VecDeque<Change>,
    woken: Option<watch::Receiver<()>>,
}

impl Reader {
    async fn next(&mut self, acme: &Connection) -> Result<Change, Error> {
        let reconciler = acme.shared();
        let store = &reconciler.context.store;
        loop {
            if let Some(change) = self.read.pop_front() {
                return Ok(change);
            }
            let after = match &self.from {
                Start::Serial(after) => *after,
                Start::Consumer(consumer) => {
                    // To acknowledge 0 makes the consumer known and changes no offset.
                    let offset = store.acknowledge(consumer, 0).await?;
                    self.from = Start::Serial(offset);
                    offset
                }
            };
            let woken = self.woken.get_or_insert_with(|| store.watch_changes());
            // Before the read, so that an event committed after it wakes the reader.
            woken.mark_unchanged();
            let changes = store.changes(after, FOLLOWED_ROWS).await?;
            if let Some(last) = changes.last() {
                self.from = Start::Serial(last.serial);
                self.read = changes.into();
            } else if woken.changed().await.is_err() {
                reconciler.context.clock.sleep(LOOK_MS).await;
            }
        }
    }
}
