//! The log itself: entries as notes of the engine, numbered, written by one task at a time.
//!
//! An entry's key is its number with leading zeros, so that pages are in the order of numbers; a
//! further note, the [`Head`], has the first and the next number and is written in the same commit.
//! A number is given when an entry is queued, and the queue is written in its order: a reader of a
//! number has missed none below it. What waits while a commit is under way is the next commit, so
//! that many requests at once cost few.
//!
//! A write that fails loses the entries of its commit: each of their acts learns it, and the log of
//! the program has an error.
//!
//! Bounds: [`AT_ONCE`] entries of a commit; the queue has what the requests under way put there.

use super::entry::Entry;
use crate::serve::tasks;
use crate::tokens::{hexadecimal, random};
use atsync::{Clock, Engine, Error, ErrorKind, Note, SystemClock};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// The area of the entries.
pub(super) const AREA: &str = "audit";
/// The area of the head.
const HEAD: &str = "audit-head";
/// The head's key.
const KEY: &str = "head";
/// Entries that are kept.
pub(super) const ENTRIES_MAX: u64 = 1_000_000;
/// Entries of one commit; some hundred bytes each.
const AT_ONCE: usize = 256;
/// How long an entry that is not urgent waits for one that is, in milliseconds. Arbitrary: long
/// enough for the next request of a caller who sends one after the other.
const LATER_MS: u64 = 100;
/// Characters of the digest of a record's key: 64 bits, so that two of a million records hardly
/// ever share one.
const DIGEST_LENGTH: usize = 16;

/// Where the log begins and ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// The number of the first entry that is kept.
    pub(crate) first: u64,
    /// The number of the next entry.
    pub(crate) next: u64,
    /// The key of the digests.
    digests: String,
}

/// See the module.
#[derive(Debug, Default)]
pub(in crate::serve) struct Log {
    state: Mutex<State>,
    /// The turn to write.
    writing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    /// As the store has it; none before the log was read.
    stored: Option<Head>,
    /// The number of the next entry that is queued.
    next: u64,
    queue: Vec<Waiting>,
    /// A task writes the queue.
    is_written: bool,
    /// A task will, in a moment.
    is_timed: bool,
    underway: BTreeSet<u64>,
}

/// The acts that were under way at a moment.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Underway {
    numbers: BTreeSet<u64>,
    /// The first number that was not given out yet.
    next: u64,
}

impl Underway {
    /// Whether an act was, or began later.
    pub(in crate::serve) fn has(&self, number: u64) -> bool {
        number >= self.next || self.numbers.contains(&number)
    }
}

#[derive(Debug)]
struct Waiting {
    number: u64,
    value: Vec<u8>,
    /// It has its result.
    is_end: bool,
    done: oneshot::Sender<Written>,
}

/// When an entry is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Urgency {
    /// At once.
    Now,
    /// With the next one that is urgent, or in a moment: it needs no commit of its own.
    Later,
}

/// Whether an entry is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    Yes,
    No,
}

/// The key of a number.
pub(super) fn key(number: u64) -> String {
    format!("{number:020}")
}

/// The head as the store has it; none while there is no entry.
///
/// # Errors
/// When the store fails, or the head is unreadable: a log that began anew would overwrite the
/// entries.
pub(crate) async fn head(engine: &Engine) -> Result<Option<Head>, Error> {
    let Some(value) = engine.note(HEAD, KEY).await? else { return Ok(None) };
    let head = serde_json::from_slice(&value).map_err(|error| {
        let message = format!(
            "the head of the audit log cannot be read ({error}), so nothing can be added to the \
             log: start the version of atsync that ran last, or restore a backup"
        );
        Error::new(ErrorKind::Store, message)
    })?;
    Ok(Some(head))
}

impl Head {
    /// A keyed digest of a desired record's key; none where the system gave no key.
    pub(crate) fn digest(&self, connection: &str, key: &str) -> Option<String> {
        if self.digests.is_empty() {
            return None;
        }
        let mut hash = Sha256::new();
        for part in [&self.digests, connection, key] {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            hash.update(part);
        }
        Some(hexadecimal(&hash.finalize()).chars().take(DIGEST_LENGTH).collect())
    }

    fn note(&self) -> Note {
        Note::put(HEAD, KEY, serde_json::to_vec(self).unwrap_or_default())
    }
}

impl Log {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads where the log ends. Called before the first request.
    ///
    /// # Errors
    /// When the store fails, or the head is unreadable.
    pub(in crate::serve) async fn load(&self, engine: &Engine) -> Result<(), Error> {
        let stored = head(engine).await?.unwrap_or_else(|| Head {
            first: 1,
            next: 1,
            digests: random().map(|drawn| drawn.expose().to_owned()).unwrap_or_default(),
        });
        let mut state = self.state();
        state.next = stored.next;
        state.stored = Some(stored);
        drop(state);
        Ok(())
    }

    /// Where the stored log begins and ends; none before it was read.
    pub(in crate::serve) fn head(&self) -> Option<Head> {
        self.state().stored.clone()
    }

    /// The lowest number that still gets its result, or the next one.
    pub(super) fn settled(&self) -> u64 {
        let state = self.state();
        state.underway.first().copied().unwrap_or(state.next)
    }

    /// The acts that are under way. Taken before entries are read: of one that ended before, the
    /// result is in the store by then.
    pub(in crate::serve) fn underway(&self) -> Underway {
        let state = self.state();
        Underway { numbers: state.underway.clone(), next: state.next }
    }

    /// Queues a new entry; what is returned completes when it is durable. None before the log was
    /// read.
    pub(super) fn begin(
        self: &Arc<Self>,
        engine: &Engine,
        entry: &Entry,
    ) -> Option<(u64, oneshot::Receiver<Written>)> {
        let mut state = self.state();
        let number = state.next;
        state.stored.as_ref()?;
        state.next = number.saturating_add(1);
        if entry.result.is_none() {
            state.underway.insert(number);
        }
        Some((number, self.queued(state, engine, (number, Urgency::Now), entry)))
    }

    /// Queues an entry with its result in place of the one that began.
    pub(super) fn end(
        self: &Arc<Self>,
        engine: &Engine,
        (number, urgency): (u64, Urgency),
        entry: &Entry,
    ) -> oneshot::Receiver<Written> {
        self.queued(self.state(), engine, (number, urgency), entry)
    }

    /// An act did not begin, since its entry was not written.
    pub(super) fn is_lost(&self, number: u64) {
        self.state().underway.remove(&number);
    }

    fn queued(
        self: &Arc<Self>,
        mut state: MutexGuard<'_, State>,
        engine: &Engine,
        (number, urgency): (u64, Urgency),
        entry: &Entry,
    ) -> oneshot::Receiver<Written> {
        let (done, written) = oneshot::channel();
        let value = serde_json::to_vec(entry).unwrap_or_default();
        state.queue.push(Waiting { number, value, is_end: entry.result.is_some(), done });
        match urgency {
            Urgency::Now if !state.is_written => {
                state.is_written = true;
                drop(tasks::spawn(Arc::clone(self).drain(engine.clone())));
            }
            Urgency::Later if !state.is_written && !state.is_timed => {
                state.is_timed = true;
                drop(tasks::spawn(Arc::clone(self).drain_later(engine.clone())));
            }
            _ => {}
        }
        written
    }

    /// Writes the queue in a moment, unless another task did.
    async fn drain_later(self: Arc<Self>, engine: Engine) {
        SystemClock.sleep(LATER_MS).await;
        {
            let mut state = self.state();
            state.is_timed = false;
            if state.is_written || state.queue.is_empty() {
                return;
            }
            state.is_written = true;
        }
        self.drain(engine).await;
    }

    /// Writes the queue until it is empty.
    async fn drain(self: Arc<Self>, engine: Engine) {
        let _turn = self.writing.lock().await;
        loop {
            let (batch, head) = {
                let mut state = self.state();
                let count = state.queue.len().min(AT_ONCE);
                let batch: Vec<Waiting> = state.queue.drain(..count).collect();
                let Some(last) = batch.iter().map(|one| one.number).max() else {
                    state.is_written = false;
                    return;
                };
                let mut head = state.stored.clone().unwrap_or_default();
                head.next = head.next.max(last.saturating_add(1));
                (batch, head)
            };
            let mut notes: Vec<Note> = Vec::with_capacity(batch.len().saturating_add(1));
            let mut waiting = Vec::with_capacity(batch.len());
            let mut ended = Vec::new();
            for Waiting { number, value, is_end, done } in batch {
                notes.push(Note::put(AREA, &key(number), value));
                waiting.push(done);
                if is_end {
                    ended.push(number);
                }
            }
            notes.push(head.note());
            let written = match engine.put_notes(notes).await {
                Ok(()) => {
                    self.state().stored = Some(head);
                    Written::Yes
                }
                Err(error) => {
                    let lost = waiting.len();
                    tracing::error!(%error, lost, "entries of the audit log were not written");
                    Written::No
                }
            };
            // A waiter may have left.
            let mut state = self.state();
            for number in ended {
                state.underway.remove(&number);
            }
            drop(state);
            for done in waiting {
                let _ = done.send(written);
            }
        }
    }

    /// Writes everything that was queued, at a stop.
    pub(in crate::serve) async fn ended(self: &Arc<Self>, engine: &Engine) {
        loop {
            let is_mine = {
                let mut state = self.state();
                match (state.is_written, state.queue.is_empty()) {
                    (false, true) => return,
                    (false, false) => {
                        state.is_written = true;
                        true
                    }
                    (true, _) => false,
                }
            };
            if is_mine {
                Arc::clone(self).drain(engine.clone()).await;
            } else {
                drop(self.writing.lock().await);
                tokio::task::yield_now().await;
            }
        }
    }

    /// Removes the entries that began before a time, and those beyond a number of the newest ones.
    /// Returns how many.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn trim(
        &self,
        engine: &Engine,
        before_ms: u64,
        entries_max: u64,
    ) -> Result<u64, Error> {
        let mut removed = 0_u64;
        loop {
            let _turn = self.writing.lock().await;
            let Some(mut head) = self.head() else { return Ok(removed) };
            let least = head.next.saturating_sub(entries_max);
            let rows = engine.notes_page(AREA, None, AT_ONCE).await?;
            let is_old = |(key, value): &&(String, Vec<u8>)| {
                let began = serde_json::from_slice::<Began>(value).map_or(0, |began| began.at_ms);
                began < before_ms || key.parse::<u64>().is_ok_and(|number| number < least)
            };
            let old = rows.iter().take_while(is_old).map(|(key, _)| key);
            let mut notes: Vec<Note> = old.map(|key| Note::remove(AREA, key)).collect();
            let (count, all) = (notes.len(), rows.len());
            let last = rows.get(count.saturating_sub(1)).and_then(|(key, _)| key.parse().ok());
            let Some(last) = last.filter(|_: &u64| count > 0) else { return Ok(removed) };
            head.first = last.saturating_add(1);
            notes.push(head.note());
            engine.put_notes(notes).await?;
            self.state().stored = Some(head);
            removed = removed.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
            if count < all {
                return Ok(removed);
            }
        }
    }
}

/// The time of an entry, of any version.
#[derive(Deserialize)]
struct Began {
    at_ms: u64,
}

#[cfg(test)]
mod tests {
    use super::super::entry::{By, Entry, Outcome};
    use super::super::read::{self, Filter};
    use super::{AREA, HEAD, KEY, Log, Urgency, Written, head, key};
    use crate::serve::audit::act::Act;
    use atsync::{Engine, ErrorKind, MemoryStore, Note};
    use std::sync::Arc;

    async fn opened() -> (Arc<Log>, Engine) {
        let engine = Engine::builder().store(Arc::new(MemoryStore::default())).build().unwrap();
        let log = Arc::new(Log::default());
        log.load(&engine).await.unwrap();
        (log, engine)
    }

    fn entry(at_ms: u64) -> Entry {
        let mut entry = Entry::new(at_ms, By::Token, Act::Pull, "r");
        entry.result = Some(Outcome::Done);
        entry
    }

    /// Adds entries that began at 1, 2, ... milliseconds.
    async fn filled(log: &Arc<Log>, engine: &Engine, count: u64) {
        let all: Vec<_> =
            (1..=count).map(|at_ms| log.begin(engine, &entry(at_ms)).unwrap()).collect();
        for (at, (number, written)) in all.into_iter().enumerate() {
            assert_eq!((number, written.await), (at as u64 + 1, Ok(Written::Yes)));
        }
    }

    async fn numbers(engine: &Engine, before: Option<u64>, limit: usize) -> (Vec<u64>, bool) {
        let filter = Filter::default();
        let page = read::before(engine, before, limit, (&filter, &|_| false)).await.unwrap();
        (page.entries.iter().map(|one| one.number).collect(), page.has_more)
    }

    #[tokio::test]
    async fn entries_of_many_requests_at_once_have_their_order_and_share_commits() {
        let (log, engine) = opened().await;
        filled(&log, &engine, 2_000).await;
        log.ended(&engine).await;
        let page = read::after(&engine, 0, 3_000, (&Filter::default(), &|_| false)).await.unwrap();
        let times = page.entries.iter().map(|one| (one.number, one.entry.at_ms));
        assert!(times.eq((1..=2_000).map(|number| (number, number))));
        assert_eq!(head(&engine).await.unwrap(), log.head());
        // A process that begins with this store goes on with the next number.
        let next = Arc::new(Log::default());
        next.load(&engine).await.unwrap();
        assert_eq!(next.begin(&engine, &entry(1)).unwrap().0, 2_001);
    }

    #[tokio::test]
    async fn a_log_whose_head_is_unreadable_is_not_begun_anew() {
        let (log, engine) = opened().await;
        filled(&log, &engine, 2).await;
        engine.put_notes(vec![Note::put(HEAD, KEY, b"unreadable".to_vec())]).await.unwrap();
        let next = Arc::new(Log::default());
        let refused = next.load(&engine).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Store);
        assert!(refused.to_string().contains("restore a backup"), "{refused}");
        assert!(next.begin(&engine, &entry(3)).is_none());
        let page = read::after(&engine, 0, 10, (&Filter::default(), &|_| false)).await.unwrap();
        assert_eq!(page.entries.len(), 2);
    }

    #[tokio::test]
    async fn unreadable_entries_are_counted_and_do_not_end_a_scan() {
        let (log, engine) = opened().await;
        filled(&log, &engine, 1_203).await;
        let unreadable = |number| Note::put(AREA, &key(number), b"unreadable".to_vec());
        engine.put_notes([1, 2, 700, 1_203].map(unreadable).to_vec()).await.unwrap();
        let (mut after, mut seen, mut skipped, mut has_more) = (0, 0, 0, true);
        while has_more {
            let filter = (&Filter::default(), &|_| false);
            let page = read::after(&engine, after, 250, (filter.0, filter.1)).await.unwrap();
            (seen, skipped) = (seen + page.entries.len(), skipped + page.unreadable);
            (after, has_more) = (page.looked, page.has_more);
        }
        assert_eq!((seen, skipped, after), (1_199, 4, 1_203));
        let page = read::before(&engine, None, 3_000, (&Filter::default(), &|_| false)).await;
        let page = page.unwrap();
        assert_eq!((page.entries.len(), page.unreadable, page.looked), (1_199, 4, 1));
    }

    #[tokio::test]
    async fn pages_lead_through_the_whole_log_from_the_newest_entry_and_from_the_oldest() {
        let (log, engine) = opened().await;
        assert_eq!(numbers(&engine, None, 10).await, (vec![], false));
        filled(&log, &engine, 1_203).await;
        let (mut before, mut seen, mut has_more) = (None, Vec::new(), true);
        while has_more {
            let (page, more) = numbers(&engine, before, 100).await;
            (before, has_more) = (page.last().copied(), more);
            seen.extend(page);
        }
        assert!(seen.into_iter().eq((1..=1_203).rev()));
        let wanted = Filter { who: Some("stranger".to_owned()), ..Filter::default() };
        let page = read::after(&engine, 3, 10, (&wanted, &|_| false)).await.unwrap();
        assert_eq!((page.entries.len(), page.looked, page.has_more), (0, 1_203, false));
    }

    #[tokio::test]
    async fn entries_are_removed_by_age_and_by_number_and_the_newest_stay() {
        let (log, engine) = opened().await;
        filled(&log, &engine, 1_000).await;
        assert_eq!(log.trim(&engine, 0, 10_000).await.unwrap(), 0);
        assert_eq!(log.trim(&engine, 601, 10_000).await.unwrap(), 600);
        assert_eq!(log.head().unwrap().first, 601);
        assert_eq!(log.trim(&engine, 0, 100).await.unwrap(), 300);
        assert_eq!(numbers(&engine, None, 1_000).await, ((901..=1_000).rev().collect(), false));
        assert_eq!(log.trim(&engine, u64::MAX, 100).await.unwrap(), 100);
        // Numbers are not used again.
        assert_eq!(log.begin(&engine, &entry(1)).unwrap().0, 1_001);
        log.ended(&engine).await;
        assert_eq!(numbers(&engine, None, 10).await, (vec![1_001], false));
    }

    #[tokio::test]
    async fn an_act_under_way_holds_back_what_counts_as_settled_until_its_end() {
        let (log, engine) = opened().await;
        let mut open = entry(1);
        open.result = None;
        let (number, _) = log.begin(&engine, &open).unwrap();
        filled_after(&log, &engine, number).await;
        assert_eq!(log.settled(), number);
        let before = log.underway();
        let page = read::after(&engine, 0, 10, (&Filter::default(), &|one| one == number)).await;
        assert_eq!(page.unwrap().entries[0].entry.result, Some(Outcome::Underway));
        // Of a process that ended, nothing is under way.
        let page = read::after(&engine, 0, 10, (&Filter::default(), &|_| false)).await.unwrap();
        assert_eq!(page.entries[0].entry.result, Some(Outcome::Unknown));
        let end = log.end(&engine, (number, Urgency::Later), &entry(1));
        assert_eq!(end.await, Ok(Written::Yes));
        assert_eq!(log.settled(), 3);
        // A reader who began before the end never takes its result for lost.
        assert!(before.has(number) && !before.has(number + 1) && before.has(number + 2));
        assert!(!log.underway().has(number));
    }

    async fn filled_after(log: &Arc<Log>, engine: &Engine, number: u64) {
        let (next, written) = log.begin(engine, &entry(2)).unwrap();
        assert_eq!((next, written.await), (number + 1, Ok(Written::Yes)));
    }

    #[test]
    fn a_digest_depends_on_key_connection_and_the_store() {
        let of = |digests: &str| super::Head { digests: digests.to_owned(), ..Default::default() };
        let one = of("x").digest("acme", "a").unwrap();
        assert_eq!(one.len(), super::DIGEST_LENGTH);
        for other in
            [of("x").digest("acme", "b"), of("x").digest("acm", "ea"), of("y").digest("acme", "a")]
        {
            assert_ne!(other.as_ref(), Some(&one));
        }
        assert_eq!(of("").digest("acme", "a"), None);
    }
}
