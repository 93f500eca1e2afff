//! The endpoints as this process knows them: their records, standings, tasks and figures.
//!
//! Left out: what the tasks do; see [`super::courier`].

use super::endpoint::Endpoint;
use super::standing::{Admission, Failure, Standing};
use atsync::{HttpOptions, HttpTransport};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the names of the consumers begin with that keep offsets of endpoints.
pub(in crate::serve) const CONSUMERS: &str = "webhook-endpoint:";
/// How long an exchange may take.
const EXCHANGE_MS: u64 = 15_000;
/// Bytes of an answer that are read; nothing in it counts.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// The endpoints.
#[derive(Debug, Default)]
pub(in crate::serve) struct Deliveries {
    entries: Mutex<BTreeMap<String, Entry>>,
    /// Held while an endpoint is changed.
    pub(super) editing: tokio::sync::Mutex<()>,
    transport: OnceLock<Arc<HttpTransport>>,
}

#[derive(Debug)]
struct Entry {
    endpoint: Endpoint,
    state: Arc<State>,
    task: Option<JoinHandle<()>>,
}

/// How the deliveries to one endpoint stand.
#[derive(Debug, Default)]
pub(super) struct State {
    standing: Mutex<Standing>,
    changed: watch::Sender<()>,
    lanes: Mutex<BTreeMap<String, LaneState>>,
    accepted: AtomicU64,
    failed: AtomicU64,
    given_up: AtomicU64,
}

/// How a lane stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LaneState {
    /// The time of the oldest change that was not accepted.
    pub(super) oldest_ms: Option<u64>,
    pub(super) held: usize,
}

/// How a delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::serve) enum Outcome {
    /// The receiver accepted it.
    Accepted,
    /// An attempt was not accepted.
    Failed,
    /// It is not tried any more.
    GivenUp,
}

impl Outcome {
    /// Its word.
    pub(in crate::serve) fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Failed => "failed",
            Self::GivenUp => "given_up",
        }
    }
}

/// The figures of an endpoint.
#[derive(Debug)]
pub(in crate::serve) struct Figures {
    pub(in crate::serve) id: String,
    pub(in crate::serve) is_enabled: bool,
    pub(in crate::serve) deliveries: [(Outcome, u64); 3],
    /// The time of the oldest change that waits.
    pub(in crate::serve) oldest_ms: Option<u64>,
}

fn held<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    pub(super) fn new(standing: Standing) -> Self {
        Self { standing: Mutex::new(standing), ..Self::default() }
    }

    /// The standing now.
    pub(super) fn standing(&self) -> Standing {
        held(&self.standing).clone()
    }

    /// Whether a delivery may be tried now.
    pub(super) fn admit(&self, now_ms: u64) -> Admission {
        held(&self.standing).admit(now_ms)
    }

    /// Completes when a delivery ended from now on.
    pub(super) fn changed(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut changed = self.changed.subscribe();
        async move { drop(changed.changed().await) }
    }

    /// A delivery was accepted. Whether the endpoint was failing before.
    pub(super) fn accepted(&self) -> bool {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        let was_failing = held(&self.standing).accepted();
        if was_failing {
            self.changed.send_replace(());
        }
        was_failing
    }

    /// A delivery was not accepted. Whether the endpoint is over.
    pub(super) fn failed(&self, failure: &Failure, now_ms: u64, random: u64) -> bool {
        self.failed.fetch_add(1, Ordering::Relaxed);
        let is_over = held(&self.standing).failed(failure, now_ms, random);
        self.changed.send_replace(());
        is_over
    }

    /// A delivery is not tried any more.
    pub(super) fn gave_up(&self) {
        self.given_up.fetch_add(1, Ordering::Relaxed);
    }

    /// A lane stands so now.
    pub(super) fn shows(&self, connection: &str, lane: LaneState) {
        let _ = held(&self.lanes).insert(connection.to_owned(), lane);
    }

    /// A lane ended.
    pub(super) fn left(&self, connection: &str) {
        held(&self.lanes).remove(connection);
    }

    /// The lanes by connection.
    pub(super) fn lanes(&self) -> BTreeMap<String, LaneState> {
        held(&self.lanes).clone()
    }

    fn stopped(&self) {
        held(&self.lanes).clear();
    }

    fn begins_anew(&self) {
        *held(&self.standing) = Standing::default();
    }
}

impl Deliveries {
    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        held(&self.entries)
    }

    /// Knows these endpoints, as the store has them.
    pub(super) fn knows(&self, stored: BTreeMap<String, (Endpoint, Standing)>) {
        let entry = |(endpoint, standing)| Entry {
            endpoint,
            state: Arc::new(State::new(standing)),
            task: None,
        };
        *self.all() = stored.into_iter().map(|(id, one)| (id, entry(one))).collect();
    }

    /// The endpoints by id.
    pub(super) fn endpoints(&self) -> Vec<(String, Endpoint)> {
        self.all().iter().map(|(id, entry)| (id.clone(), entry.endpoint.clone())).collect()
    }

    /// One of them.
    pub(super) fn one(&self, id: &str) -> Option<(Endpoint, Arc<State>)> {
        self.all().get(id).map(|entry| (entry.endpoint.clone(), Arc::clone(&entry.state)))
    }

    /// An endpoint was made or changed.
    pub(super) fn set(&self, id: &str, endpoint: Endpoint) {
        let mut all = self.all();
        match all.get_mut(id) {
            Some(entry) => {
                if endpoint.enabled && !entry.endpoint.enabled {
                    entry.state.begins_anew();
                }
                entry.endpoint = endpoint;
            }
            None => {
                let entry = Entry { endpoint, state: Arc::default(), task: None };
                drop(all.insert(id.to_owned(), entry));
            }
        }
    }

    /// An endpoint was removed.
    pub(super) fn remove(&self, id: &str) {
        self.all().remove(id);
    }

    /// Whether the task of an endpoint runs.
    pub(super) fn runs(&self, id: &str) -> bool {
        let all = self.all();
        all.get(id).and_then(|one| one.task.as_ref()).is_some_and(|task| !task.is_finished())
    }

    /// The task of an endpoint runs from now on.
    pub(super) fn started(&self, id: &str, task: JoinHandle<()>) {
        match self.all().get_mut(id) {
            Some(entry) => entry.task = Some(task),
            None => task.abort(),
        }
    }

    /// Stops the task of an endpoint and waits for its end. What it sends at this moment is sent
    /// again later.
    pub(super) async fn halt(&self, id: &str) {
        let task = self.all().get_mut(id).and_then(|entry| entry.task.take());
        let Some(task) = task else { return };
        task.abort();
        drop(task.await);
        if let Some(entry) = self.all().get(id) {
            entry.state.stopped();
        }
    }

    /// Waits for the end of all tasks; they end when the server stops.
    pub(in crate::serve) async fn ended(&self) {
        let tasks: Vec<_> = self.all().values_mut().filter_map(|entry| entry.task.take()).collect();
        for task in tasks {
            if task.await.is_err() {
                tracing::error!("a task of webhooks out panicked, which is a bug in atsync");
            }
        }
    }

    /// The client that sends deliveries, with the egress policy of the engine.
    ///
    /// # Errors
    /// When it cannot be set up on this machine.
    pub(super) fn transport(&self) -> Result<Arc<HttpTransport>, String> {
        if let Some(transport) = self.transport.get() {
            return Ok(Arc::clone(transport));
        }
        let mut options = HttpOptions::default();
        options.exchange_timeout_ms = EXCHANGE_MS;
        options.response_bytes_max = ANSWER_BYTES_MAX;
        let made = HttpTransport::new(options).map_err(|error| error.to_string())?;
        Ok(Arc::clone(self.transport.get_or_init(|| Arc::new(made))))
    }

    /// The figures of all endpoints.
    pub(in crate::serve) fn figures(&self) -> Vec<Figures> {
        let all = self.all();
        let of = |(id, entry): (&String, &Entry)| {
            let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
            let state = &entry.state;
            Figures {
                id: id.clone(),
                is_enabled: entry.endpoint.enabled,
                deliveries: [
                    (Outcome::Accepted, count(&state.accepted)),
                    (Outcome::Failed, count(&state.failed)),
                    (Outcome::GivenUp, count(&state.given_up)),
                ],
                oldest_ms: state.lanes().values().filter_map(|lane| lane.oldest_ms).min(),
            }
        };
        all.iter().map(of).collect()
    }
}
