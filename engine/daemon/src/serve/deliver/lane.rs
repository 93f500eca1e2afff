//! The way of one connection's changes to one endpoint, from a durable offset.
//!
//! It sends one change at a time: first a held one that is due, else the next of the feed. The
//! offset is that of a consumer, so that a trimming of the feed keeps what was not accepted. While
//! changes are held, a note has them and how far the lane read, so that neither a restart repeats
//! what was accepted after them, nor begins their three days anew.
//!
//! Bounds: [`PAGE`] changes are known ahead, by serial and id. After a kill at most
//! [`UNKEPT_MAX`] accepted changes are sent again.

use super::super::served::Served;
use super::attempt::{self, To};
use super::book::{self, DeadLetter, LaneNote, consumer};
use super::endpoint::{Disabled, Endpoint};
use super::held::{Brief, Held};
use super::known::{LaneState, State};
use super::parcel::{Parcel, brief};
use super::standing::{Admission, DOWN_AFTER, Failure, Reason};
use atsync::{
    Change, Clock, Connection, Engine, Entropy, Error, Heartbeat, HttpTransport, Secret,
    StoreError, SystemClock, SystemEntropy,
};
use futures_util::{StreamExt, TryStreamExt};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use tokio::sync::Semaphore;
use url::Url;

/// Changes that are known ahead.
const PAGE: usize = 100;
/// Changes after which the offset is stored at the latest.
const UNKEPT_MAX: u64 = 50;
/// The longest wait for a change that is due later, should the system's time jump.
const WAIT_MS_MAX: u64 = 60_000;
/// How long a lane waits after an error of the connection or the store.
const AGAIN_MS: u64 = 1_000;

/// What the lanes of an endpoint share.
pub(super) struct Shared {
    pub(super) id: String,
    pub(super) endpoint: Endpoint,
    pub(super) url: Url,
    pub(super) secret: Secret,
    pub(super) transport: Arc<HttpTransport>,
    pub(super) at_once: Semaphore,
    /// Held while a change is added to those that were given up.
    pub(super) burying: tokio::sync::Mutex<()>,
    pub(super) served: Arc<Served>,
    pub(super) state: Arc<State>,
}

/// How a lane ended.
pub(super) enum LaneEnd {
    /// The connection was closed, or its store failed: another lane goes on.
    Connection,
    /// The endpoint is over.
    Endpoint(Disabled),
}

/// Why a lane stops.
enum Stop {
    Over(Disabled),
    Failed(Error),
    /// The server is stopping.
    Stopping,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

struct Lane {
    heartbeat: Heartbeat,
    shared: Arc<Shared>,
    connection: Connection,
    held: Held,
    /// The last change that was read.
    read_to: u64,
    /// The offset as it is stored.
    offset: u64,
    /// The last change that was read when it was stored how far the lane is.
    kept_to: u64,
    /// Whether the held changes are not as they are stored.
    is_unkept: bool,
    has_note: bool,
}

/// Sends the changes of a connection until it is closed or the endpoint is over.
pub(super) async fn run(shared: Arc<Shared>, connection: Connection) -> (String, LaneEnd) {
    let name = connection.name().to_owned();
    let end = match begun(Arc::clone(&shared), connection).await {
        Ok(never) => match never {},
        Err(Stop::Over(disabled)) => LaneEnd::Endpoint(disabled),
        Err(Stop::Stopping) => LaneEnd::Connection,
        Err(Stop::Failed(error)) => {
            tracing::debug!(endpoint = shared.id, connection = name, %error, "a lane ended");
            SystemClock.sleep(AGAIN_MS).await;
            LaneEnd::Connection
        }
    };
    shared.state.left(&name);
    (name, end)
}

async fn begun(shared: Arc<Shared>, connection: Connection) -> Result<Infallible, Stop> {
    let offset = connection.acknowledge(&consumer(&shared.id), 0).await?;
    let note = book::lane(&engine(&shared)?, &shared.id, connection.name()).await?;
    let has_note = note.is_some();
    let (read_to, held, is_unkept) = resumed(note, offset, shared.endpoint.revision);
    let heartbeat = engine(&shared)?.heartbeat("delivery", Some(connection.name()));
    let kept_to = read_to;
    Lane { heartbeat, shared, connection, held, read_to, offset, kept_to, is_unkept, has_note }
        .go()
        .await
}

/// From where a lane goes on, what it holds, and whether that is to be stored. An endpoint that a
/// user changed or enabled since the note was written gives each held change its whole time again.
fn resumed(note: Option<LaneNote>, offset: u64, revision: u64) -> (u64, Held, bool) {
    let Some(mut note) = note.filter(|note| note.read_to >= offset) else {
        return (offset, Held::default(), false);
    };
    let is_changed = note.revision != revision;
    if is_changed {
        note.held.begin_anew();
    }
    (note.read_to, note.held, is_changed)
}

fn engine(shared: &Shared) -> Result<Engine, Stop> {
    shared.served.opened().map(|opened| opened.engine).ok_or(Stop::Stopping)
}

fn is_trimmed(error: &Error) -> bool {
    matches!(error.cause::<StoreError>(), Some(StoreError::ChangesGone { .. }))
}

impl Lane {
    async fn go(mut self) -> Result<Infallible, Stop> {
        let mut page = VecDeque::new();
        loop {
            self.heartbeat.acts_within(0);
            if let Some(brief) = self.held.due(SystemClock.now_ms()) {
                self.show(None);
                self.attempt(brief).await?;
                continue;
            }
            if !self.held.is_full() {
                if page.is_empty() {
                    page = self.next_page().await?;
                }
                if let Some((brief, is_wanted)) = page.pop_front() {
                    self.show(Some(&brief));
                    let serial = brief.serial;
                    if is_wanted && self.held.blocks(&brief) {
                        self.held.hold(brief);
                        self.is_unkept = true;
                    } else if is_wanted {
                        self.attempt(brief).await?;
                    }
                    self.read_to = serial;
                    if self.is_unkept || serial.saturating_sub(self.kept_to) >= UNKEPT_MAX {
                        self.keep().await?;
                    }
                    continue;
                }
            }
            self.show(None);
            self.keep().await?;
            self.wait().await?;
        }
    }

    fn show(&self, next: Option<&Brief>) {
        let oldest = self.held.first().or(next);
        let oldest_ms = oldest.map(|brief| brief.at_ms);
        let lane = LaneState { oldest_ms, held: self.held.len() };
        self.shared.state.shows(self.connection.name(), lane);
    }

    /// The next changes of the feed, and whether each is wanted.
    async fn next_page(&mut self) -> Result<VecDeque<(Brief, bool)>, Stop> {
        let read = self.connection.changes(self.read_to).take(PAGE).try_collect::<Vec<_>>().await;
        let read = match read {
            Err(error) if is_trimmed(&error) => {
                let first = self.connection.changes_first().await?;
                tracing::warn!(
                    endpoint = self.shared.id,
                    connection = self.connection.name(),
                    after = self.read_to,
                    first,
                    "webhooks out: changes were trimmed from the feed before they were sent; read \
                     the records again"
                );
                self.read_to = first.saturating_sub(1);
                self.connection.changes(self.read_to).take(PAGE).try_collect().await?
            }
            read => read?,
        };
        let endpoint = &self.shared.endpoint;
        let known = |change: &Change| (brief(change), endpoint.wants_kind(&change.kind));
        Ok(read.iter().map(known).collect())
    }

    /// Stores how far the lane is.
    async fn keep(&mut self) -> Result<(), Stop> {
        let (id, name) = (&self.shared.id, self.connection.name());
        if self.held.len() > 0 {
            let held = self.held.clone();
            let revision = self.shared.endpoint.revision;
            let note = LaneNote { read_to: self.read_to, held, revision };
            book::put_lane(&engine(&self.shared)?, (id, name), Some(&note)).await?;
            self.has_note = true;
        } else if self.has_note {
            book::put_lane(&engine(&self.shared)?, (id, name), None).await?;
            self.has_note = false;
        }
        let first = self.held.first().map(|brief| brief.serial.saturating_sub(1));
        let done = first.unwrap_or(self.read_to);
        if done > self.offset {
            self.offset = self.connection.acknowledge(&consumer(id), done).await?;
        }
        (self.kept_to, self.is_unkept) = (self.read_to, false);
        Ok(())
    }

    /// Waits for the next change, or until a held one is due.
    async fn wait(&self) -> Result<(), Stop> {
        let now_ms = SystemClock.now_ms();
        let due_ms = self.held.next_ms().map(|at_ms| at_ms.saturating_sub(now_ms));
        let wait_ms = due_ms.unwrap_or(WAIT_MS_MAX).min(WAIT_MS_MAX);
        self.heartbeat.acts_within(wait_ms);
        let mut next = pin!(self.connection.follow_after(self.read_to));
        tokio::select! {
            next = next.next(), if !self.held.is_full() => match next {
                Some(Err(error)) if !is_trimmed(&error) => Err(error.into()),
                _ => Ok(()),
            },
            () = SystemClock.sleep(wait_ms) => Ok(()),
        }
    }

    /// Waits until the endpoint may be tried.
    async fn admitted(&self) {
        let state = &self.shared.state;
        loop {
            let changed = state.changed();
            match state.admit(SystemClock.now_ms()) {
                Admission::Go => return,
                Admission::Wait(wait_ms) => {
                    let wait_ms = wait_ms.min(WAIT_MS_MAX);
                    self.heartbeat.acts_within(wait_ms);
                    tokio::select! {
                        () = SystemClock.sleep(wait_ms) => {}
                        () = changed => {}
                    }
                }
            }
        }
    }

    /// Tries to send one change, which waits for no other one.
    async fn attempt(&mut self, brief: Brief) -> Result<(), Stop> {
        let shared = Arc::clone(&self.shared);
        // The lanes before it beat themselves.
        self.heartbeat.rests();
        // Closed never.
        let _place = shared.at_once.acquire().await;
        self.heartbeat.acts_within(0);
        self.admitted().await;
        let before = brief.serial.saturating_sub(1);
        let found: Result<Vec<Change>, Error> =
            self.connection.changes(before).take(1).try_collect().await;
        let found = match found {
            Err(error) if is_trimmed(&error) => {
                let detail = "the feed no longer has it".to_owned();
                let reason = Reason::Trimmed;
                let failure = Failure { reason, status: None, asked_ms: None, detail };
                return self.give_up(&brief, &failure).await;
            }
            found => found?,
        };
        // One that is not there was erased; the erasure is a change of its own.
        let Some(change) = found.into_iter().find(|change| change.serial == brief.serial) else {
            self.is_unkept |= self.held.release(brief.serial);
            return Ok(());
        };
        self.heartbeat.acts_within(0);
        match self.send(&change).await? {
            Ok(()) => {
                self.is_unkept |= self.held.release(brief.serial);
                if shared.state.accepted() {
                    self.keep_standing().await?;
                }
                Ok(())
            }
            Err(failure) => self.not_accepted(&brief, &failure).await,
        }
    }

    async fn send(&self, change: &Change) -> Result<Result<(), Failure>, Stop> {
        let shared = &self.shared;
        let opened = shared.served.opened().ok_or(Stop::Stopping)?;
        let private_network = opened.config.serve.allow_private_network;
        drop(opened);
        let parcel = Parcel::of(self.connection.name(), change);
        let to = To { url: &shared.url, secret: &shared.secret, private_network };
        Ok(attempt::send(&shared.transport, to, parcel).await)
    }

    async fn not_accepted(&mut self, brief: &Brief, failure: &Failure) -> Result<(), Stop> {
        let (now_ms, random) = (SystemClock.now_ms(), SystemEntropy.below(u64::MAX));
        let state = &self.shared.state;
        let is_over = state.failed(failure, now_ms, random);
        let standing = state.standing();
        if standing.failures == DOWN_AFTER && !is_over {
            tracing::warn!(
                endpoint = self.shared.id,
                reason = ?failure.reason,
                detail = failure.detail,
                "webhooks out: the endpoint accepts no deliveries; they are tried again for three \
                 days"
            );
        }
        self.keep_standing().await?;
        if is_over {
            return Err(Stop::Over(Disabled {
                reason: failure.reason,
                status: failure.status,
                at_ms: now_ms,
                connection: self.connection.name().to_owned(),
                serial: brief.serial,
            }));
        }
        self.is_unkept = true;
        if self.held.failed(brief, failure, (now_ms, random)) {
            return self.give_up(brief, failure).await;
        }
        Ok(())
    }

    /// Gives a change up, and goes on with the next ones of its record.
    async fn give_up(&mut self, brief: &Brief, failure: &Failure) -> Result<(), Stop> {
        let (id, name) = (&self.shared.id, self.connection.name());
        let letter = DeadLetter::of(name, brief, failure, SystemClock.now_ms());
        let engine = engine(&self.shared)?;
        {
            let _burying = self.shared.burying.lock().await;
            book::bury(&engine, id, letter).await?;
        }
        self.held.release(brief.serial);
        self.is_unkept = true;
        self.shared.state.gave_up();
        let serial = brief.serial;
        tracing::warn!(endpoint = id, connection = name, serial, "a change was given up");
        Ok(())
    }

    async fn keep_standing(&self) -> Result<(), Stop> {
        let standing = self.shared.state.standing();
        Ok(book::put_standing(&engine(&self.shared)?, &self.shared.id, &standing).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::held::{Brief, Held};
    use super::super::standing::{Failure, Reason};
    use super::{LaneNote, resumed};

    const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

    #[test]
    fn held_changes_have_their_three_days_again_whenever_the_endpoint_was_changed() {
        let brief = Brief { serial: 7, at_ms: 1, records: Vec::new() };
        let detail = String::new();
        let failure = Failure { reason: Reason::Status, status: None, asked_ms: None, detail };
        let mut held = Held::default();
        assert!(!held.failed(&brief, &failure, (1, 0)));
        let note = || Some(LaneNote { read_to: 9, held: held.clone(), revision: 1 });
        for (revision, is_given_up) in [(1, true), (2, false)] {
            let (read_to, mut held, is_unkept) = resumed(note(), 6, revision);
            assert_eq!((read_to, is_unkept), (9, revision == 2));
            assert_eq!(held.failed(&brief, &failure, (4 * DAY_MS, 0)), is_given_up);
        }
        let (read_to, held, _) = resumed(note(), 10, 1);
        assert_eq!((read_to, held.len()), (10, 0), "the offset is beyond the note");
    }
}
