//! A transport without a socket: the sandbox's own handler behind the engine's session, and the
//! faults of a network.
//!
//! An exchange is numbered when it begins. The engine may die at it, before the sandbox saw the
//! request or after; and a *meddler* may choose a fault for each request ([`Meddle`]). With or
//! without a fault, a request that changes something must have its durable intent in the store when
//! it leaves, or the test stops. Left out: faults that the sandbox makes itself on request; a
//! meddler requests them.

use crate::Death;
use atsync::Clock;
use atsync::internals::journal::{Intent, IntentState};
use atsync::internals::store::Store;
use atsync::internals::transport::{Delivery, NotSent, Transport, WireRequest};
use atsync::model::contract::{Body, Field, Path, Request, Response, Target};
use atsync::testing::ManualClock;
use atsync_greenhouse_sandbox as sandbox_words;
use atsync_greenhouse_sandbox::{Fault, FaultKind, Sandbox};
use serde_json::Value;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

/// How long an answer takes on the wire, on the manual clock.
const LATENCY_MS: u64 = 40;

/// The fault of one exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meddle {
    /// The host's name does not resolve, or no server listens: nothing leaves.
    Unreachable,
    /// The sandbox answers with a fault of its own.
    Fault(FaultKind),
    /// The cursor is too old.
    CursorExpired,
    /// Every row of a page comes twice.
    DuplicatePage,
    /// The last row of a page is missing.
    SkippedRow,
    /// The engine dies before the request is processed.
    DieBefore,
    /// The engine dies after it was processed.
    DieAfter,
}

/// The place of the intents: the store that the engine writes them to, and the connections' names.
type Books = (Arc<dyn Store>, Vec<&'static str>);
type Meddler = Box<dyn FnMut(&WireRequest) -> Option<Meddle> + Send>;
type Editor = Box<dyn FnMut(&WireRequest, &mut Response) + Send>;

/// See the module.
pub struct Wire {
    sandbox: Mutex<Sandbox>,
    clock: Arc<ManualClock>,
    death: Arc<Death>,
    /// Exchanges so far.
    pub exchanges: AtomicU64,
    /// The exchange at which the engine is killed: it was processed, the answer never arrives. 0:
    /// never.
    pub kill_at: AtomicU64,
    /// The exchange at which the engine is killed before the sandbox sees it. 0: never.
    pub kill_before: AtomicU64,
    meddler: Mutex<Option<Meddler>>,
    editor: Mutex<Option<Editor>>,
    books: Mutex<Option<Books>>,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire")
    }
}

impl Wire {
    pub(crate) fn new(sandbox: Sandbox, clock: Arc<ManualClock>, death: Arc<Death>) -> Self {
        Self {
            sandbox: Mutex::new(sandbox),
            clock,
            death,
            exchanges: AtomicU64::new(0),
            kill_at: AtomicU64::new(0),
            kill_before: AtomicU64::new(0),
            meddler: Mutex::default(),
            editor: Mutex::default(),
            books: Mutex::default(),
        }
    }

    /// From now on the credential belongs to another customer of the ATS: this sandbox answers.
    pub fn lead_to(&self, sandbox: &Sandbox) {
        *self.sandbox.lock().unwrap() = sandbox.clone();
    }

    /// Lets this closure change each answer before the engine sees it.
    pub fn edit(&self, editor: impl FnMut(&WireRequest, &mut Response) + Send + 'static) {
        *self.editor.lock().unwrap() = Some(Box::new(editor));
    }

    /// Lets this closure change the rows of each answer below this path that is a page.
    pub fn edit_rows(
        &self,
        path: &str,
        mut change: impl FnMut(&WireRequest, &mut Vec<Value>) + Send + 'static,
    ) {
        let path = path.to_owned();
        self.edit(move |request, response| {
            if request.url.path() == path && response.status == 200 {
                let body = std::mem::take(&mut response.body);
                response.body = with_rows(body, |rows| change(request, rows));
            }
        });
    }

    /// Checks every request that changes something against the intents of a connection at the
    /// moment that it leaves.
    pub(crate) fn audit(&self, store: &Arc<dyn Store>, connection: &'static str) {
        *self.books.lock().unwrap() = Some((Arc::clone(store), vec![connection]));
    }

    /// Counts the intents of another connection as well.
    pub(crate) fn audit_also(&self, connection: &'static str) {
        if let Some((_, connections)) = self.books.lock().unwrap().as_mut() {
            connections.push(connection);
        }
    }

    /// The law of every suite: a request that changes something leaves only while the store holds
    /// an intent for it as `sending`.
    async fn is_in_the_books(&self, request: &WireRequest) {
        let Some((store, connections)) = self.books.lock().unwrap().clone() else { return };
        let path = request.url.path();
        if request.method == "GET" || path == "/token" {
            return;
        }
        let mut open = Vec::new();
        for connection in connections {
            open.extend(store.open_intents(connection).await.expect("the intents can be read"));
        }
        // A resend may differ from the first send by what was read in between.
        let digest = digest(request);
        let is_its_own = |intent: &&Intent| intent.digest == digest || intent.attempt > 1;
        let sending = open.iter().filter(|intent| intent.state == IntentState::Sending);
        assert!(
            sending.clone().any(|intent| is_its_own(&intent)),
            "{} {path} leaves without its intent; sending are {:?}",
            request.method,
            sending.map(|intent| (intent.id, &intent.operation, &intent.path)).collect::<Vec<_>>()
        );
    }

    /// Asks this closure for the fault of each exchange.
    pub fn meddle(&self, meddler: impl FnMut(&WireRequest) -> Option<Meddle> + Send + 'static) {
        *self.meddler.lock().unwrap() = Some(Box::new(meddler));
    }

    /// Removes all faults.
    pub fn spare(&self) {
        self.kill_at.store(0, Ordering::SeqCst);
        self.kill_before.store(0, Ordering::SeqCst);
        *self.meddler.lock().unwrap() = None;
        *self.editor.lock().unwrap() = None;
    }

    fn befalls(&self, number: u64, request: &WireRequest) -> Option<Meddle> {
        if number == self.kill_before.load(Ordering::SeqCst) {
            return Some(Meddle::DieBefore);
        }
        if number == self.kill_at.load(Ordering::SeqCst) {
            return Some(Meddle::DieAfter);
        }
        self.meddler.lock().unwrap().as_mut().and_then(|meddler| meddler(request))
    }

    fn deliver(&self, request: &WireRequest, meddle: Option<Meddle>) -> (u64, Delivery) {
        let sandbox = self.sandbox.lock().unwrap().clone();
        let path = match request.url.query() {
            Some(query) => format!("{}?{query}", request.url.path()),
            None => request.url.path().to_owned(),
        };
        if let Some(Meddle::Fault(fault)) = meddle {
            sandbox.faults().clear();
            sandbox.faults().add(Fault::once(&request.method, request.url.path(), fault));
        }
        let quirks = sandbox.quirks();
        if meddle == Some(Meddle::CursorExpired) {
            sandbox.set_quirks(|quirks| quirks.cursor_lifetime_ms = 1);
        }
        // A socket would add the host; the sandbox builds links to further pages from it.
        let mut headers = request.headers.clone();
        headers.push(("host".into(), request.url.authority().to_owned()));
        let answer = sandbox.handle(&sandbox_words::Request {
            method: &request.method,
            path_and_query: &path,
            headers: &headers,
            body: &request.body,
        });
        sandbox.set_quirks(|now| now.cursor_lifetime_ms = quirks.cursor_lifetime_ms);
        let mut headers: Vec<Field> = answer
            .headers
            .iter()
            .map(|(name, value)| Field::new(name.as_str(), value.as_str()))
            .collect();
        if !headers.iter().any(|header| header.name == "date") {
            // A server adds it, by its own clock.
            let now = Duration::from_millis(u64::try_from(sandbox.now_ms()).unwrap());
            headers.push(Field::new("date", httpdate::fmt_http_date(UNIX_EPOCH + now)));
        }
        let delivery = match answer.delivery {
            sandbox_words::Delivery::Answer => {
                let body = match meddle {
                    Some(Meddle::DuplicatePage) => {
                        with_rows(answer.body, |rows| rows.extend(rows.clone()))
                    }
                    Some(Meddle::SkippedRow) => with_rows(answer.body, |rows| drop(rows.pop())),
                    _ => answer.body,
                };
                let mut response = Response { status: answer.status, headers, body };
                if let Some(editor) = self.editor.lock().unwrap().as_mut() {
                    editor(request, &mut response);
                }
                Delivery::Answered(response)
            }
            sandbox_words::Delivery::DropBeforeProcessing => {
                Delivery::Unclear("the connection was closed without an answer".into())
            }
            sandbox_words::Delivery::DropAfterApply => {
                Delivery::Unclear("the connection was reset".into())
            }
            sandbox_words::Delivery::Truncate(_) => Delivery::Unclear("the answer was cut".into()),
            other => panic!("the kit does not know {other:?}"),
        };
        (answer.delay_ms, delivery)
    }
}

/// The journal's digest of a request: the engine's own, over method, origin, path, query and body.
fn digest(request: &WireRequest) -> String {
    let query =
        request.url.query_pairs().map(|(name, value)| Field::new(name.as_ref(), value.as_ref()));
    let body = match request.body.is_empty() {
        true => Body::None,
        false => Body::Json(String::from_utf8_lossy(&request.body).into_owned()),
    };
    atsync::testing::digest(&Request {
        method: request.method.clone(),
        origin: "api".to_owned(),
        target: Target::Path(Path { path: request.url.path().to_owned(), query: query.collect() }),
        headers: Vec::new(),
        body,
    })
}

/// A page with its rows changed; any other answer stays unchanged.
fn with_rows(body: Vec<u8>, change: impl FnOnce(&mut Vec<Value>)) -> Vec<u8> {
    match serde_json::from_slice::<Value>(&body) {
        Ok(Value::Array(mut rows)) => {
            change(&mut rows);
            serde_json::to_vec(&rows).unwrap()
        }
        _ => body,
    }
}

impl Transport for Wire {
    fn exchange(&self, request: WireRequest) -> futures_util::future::BoxFuture<'_, Delivery> {
        let number = self.exchanges.fetch_add(1, Ordering::SeqCst) + 1;
        Box::pin(async move {
            self.is_in_the_books(&request).await;
            self.clock.sleep(LATENCY_MS).await;
            let meddle = self.befalls(number, &request);
            match meddle {
                Some(Meddle::DieBefore) => return self.death.strike().await,
                Some(Meddle::Unreachable) => {
                    return Delivery::NotSent(NotSent::Unreachable(
                        "the name does not resolve".into(),
                    ));
                }
                _ => {}
            }
            let (delay_ms, delivery) = self.deliver(&request, meddle);
            if meddle == Some(Meddle::DieAfter) {
                return self.death.strike().await;
            }
            self.clock.sleep(delay_ms).await;
            delivery
        })
    }
}
