//! The facade: one sandbox, its state behind a lock, and the order of the checks on a request.
//!
//! # Expected flow
//! Control calls (`/_sandbox/…`) are answered separately and cost nothing. Any other request takes
//! the way that [`atsync_sandbox::answer`] describes: fault, rate budget, then here: key, route,
//! scope, parameters or body, effect.
//!
//! All of it is synchronous and pure except for the clock; the HTTP shell and a simulation call the
//! same function. Bound: [`TARGET_BYTES_MAX`].

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use atsync_sandbox::webhooks::{HookRequest, HookSignals, HookSource};
use atsync_sandbox::{
    Answer, BODY_BYTES_MAX, Backend, Bucket, Charge, Clock, Faults, Front, Over, Request, Running,
    Served, Writer, basic, control,
};
use serde_json::{Value, json};

use crate::access::{Access, scope};
use crate::company;
use crate::model::Model;
use crate::options::SandboxOptions;
use crate::query::Query;
use crate::quirks::Quirks;
use crate::reads::{self, Reading};
use crate::recruiter::{self, Recruiter};
use crate::refusal::Refusal;
use crate::webhooks::Webhooks;
use crate::writes::{self, Writing};

/// The longest path and query. The real limit is unknown; this one is usual.
const TARGET_BYTES_MAX: usize = 32 * 1024;
/// Applications to postings per second.
const APPLY_PER_SECOND: u32 = 2;

/// The mutable state.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) model: Model,
    pub(crate) quirks: Quirks,
    pub(crate) access: Access,
    pub(crate) front: Front,
    pub(crate) bucket: Bucket,
    pub(crate) hooks: Webhooks,
    pub(crate) clock_offset_ms: i64,
    apply_bucket: Bucket,
    api_key: String,
}

/// A sandbox behind a port.
pub type RunningSandbox = Running<Sandbox>;

/// A Lever sandbox. Clones share one state.
#[derive(Debug, Clone)]
pub struct Sandbox {
    state: Arc<Mutex<State>>,
    started_with: Arc<SandboxOptions>,
    clock: Clock,
    signals: HookSignals,
}

impl Sandbox {
    /// Makes a sandbox with its own company.
    #[must_use]
    pub fn new(options: SandboxOptions) -> Self {
        Self {
            state: Arc::new(Mutex::new(State::new(&options))),
            clock: options.clock.clone(),
            started_with: Arc::new(options),
            signals: HookSignals::default(),
        }
    }

    /// Makes a sandbox and serves it over HTTP on the running tokio runtime.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start(options: SandboxOptions) -> io::Result<RunningSandbox> {
        let listen = options.listen;
        Self::new(options).serve(listen).await
    }

    /// Serves this sandbox over HTTP on the running tokio runtime.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn serve(self, listen: SocketAddr) -> io::Result<RunningSandbox> {
        atsync_sandbox::serve(self, listen).await
    }

    /// Answers one request, without any HTTP.
    #[must_use]
    pub fn handle(&self, request: &Request<'_>) -> Answer {
        if request.path().starts_with(control::PREFIX) {
            return control::serve(self, request);
        }
        let answer = atsync_sandbox::answer(&mut *self.lock(), request);
        if request.method != "GET" {
            self.signals.wake();
        }
        answer
    }

    /// Makes the company anew, of another seed or size if given, as at the start: webhooks, logs
    /// and the clock's advance are forgotten, too.
    pub fn reset(&self, seed: Option<u64>, candidates: Option<usize>) {
        let mut options = SandboxOptions::clone(&self.started_with);
        options.company.seed = seed.unwrap_or(options.company.seed);
        options.company.candidates = candidates.unwrap_or(options.company.candidates);
        *self.lock() = State::new(&options);
        self.signals.wake();
    }

    /// Carries out one action of a user of the screens. Returns `{"id": …}` of the created or
    /// changed record.
    ///
    /// # Errors
    /// The reason, in the API's wording.
    pub fn recruiter(&self, deed: &Recruiter) -> Result<Value, String> {
        let mut state = self.lock();
        let users = state.model.documents.all("users");
        let active =
            |user: &&atsync_sandbox::Document| user.get("deactivatedAt").is_none_or(Value::is_null);
        let actor = users.filter(active).find_map(|user| user.get("id")?.as_str());
        let actor = actor.map(str::to_owned);
        let mut context = state.writing(Writer::Recruiter);
        context.actor = actor;
        let id = recruiter::act(&mut context, deed).map_err(|refusal| refusal.text());
        state.announce();
        drop(state);
        self.signals.wake();
        Ok(json!({"id": id?}))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic under the lock is a bug of the sandbox; the state is still usable.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.model.documents.now_ms = self.clock.now_ms().saturating_add(state.clock_offset_ms);
        state
    }

    pub(crate) fn signals(&self) -> &HookSignals {
        &self.signals
    }

    pub(crate) fn api_key(&self) -> &str {
        &self.started_with.api_key
    }
}

impl Served for Sandbox {
    fn handle(&self, request: &Request<'_>) -> Answer {
        Sandbox::handle(self, request)
    }
}

impl HookSource for Sandbox {
    fn hook_signals(&self) -> &HookSignals {
        &self.signals
    }

    fn next_hook(&self) -> Option<HookRequest> {
        let mut guard = self.lock();
        let state = &mut *guard;
        state.hooks.next(&state.quirks.webhooks, state.model.now_ms())
    }

    fn hook_answered(&self, number: u64, status: Option<u16>) {
        let mut state = self.lock();
        let now_ms = state.model.now_ms();
        state.hooks.answered(number, status, now_ms);
        drop(state);
        self.signals.ended();
    }

    fn is_hook_due(&self) -> bool {
        let state = self.lock();
        state.hooks.is_due(state.model.now_ms())
    }

    fn is_hook_waiting(&self) -> bool {
        self.lock().hooks.is_waiting()
    }
}

/// Returns path segments below `/v1/`; the deprecated candidate endpoints are those of
/// opportunities.
fn segments<'a>(request: &Request<'a>) -> Option<Vec<&'a str>> {
    let path = request.path().strip_prefix("/v1/")?;
    let mut segments: Vec<&str> = path.split('/').collect();
    if let Some(first @ &mut "candidates") = segments.first_mut() {
        *first = "opportunities";
    }
    Some(segments)
}

impl Backend for State {
    const REQUEST_ID: Option<&'static str> = None;

    fn front(&mut self) -> &mut Front {
        &mut self.front
    }

    fn now_ms(&self) -> i64 {
        self.model.now_ms()
    }

    fn charge(&mut self, request: &Request<'_>) -> Charge {
        let now_ms = self.model.now_ms();
        let route = segments(request).and_then(|held| writes::route(request.method, &held));
        let bucket = match route {
            Some(route) if route.is_apply() => &mut self.apply_bucket,
            _ => &mut self.bucket,
        };
        let over = (!bucket.take(now_ms)).then_some(Over { for_s: Some(1) });
        // No answer of Lever that was recorded has headers about the budget.
        Charge { over, headers: vec![("x-lever-region", "global".to_owned())] }
    }

    fn too_many(&self, over: Over) -> Answer {
        let text = "You have exceeded the rate limit";
        let body = json!({"code": "TooManyRequests", "message": text});
        let mut answer = Answer::value(429, &body);
        if let (Some(seconds), true) = (over.for_s, self.quirks.retry_after) {
            answer.set_header("retry-after", seconds.to_string());
        }
        answer
    }

    fn unauthorized(&self) -> Answer {
        Refusal::Unauthorized.answer()
    }

    fn process(&mut self, request: &Request<'_>, _: &str) -> Answer {
        let mut answer = self.route(request).unwrap_or_else(|refusal| refusal.answer());
        answer.set_header("server", "lever-data-api");
        answer
    }
}

impl State {
    fn new(options: &SandboxOptions) -> Self {
        let null_updated_at = options.quirks.null_updated_at;
        let model = company::make(&options.company, options.clock.now_ms(), null_updated_at);
        Self {
            model,
            quirks: options.quirks.clone(),
            access: options.access.clone(),
            front: Front::new(Faults { rules: options.faults.clone() }),
            bucket: bucket(options.rate_limit),
            hooks: Webhooks::new(options.company.seed),
            clock_offset_ms: 0,
            apply_bucket: Bucket::new(APPLY_PER_SECOND, APPLY_PER_SECOND),
            api_key: options.api_key.clone(),
        }
    }

    fn may(&self, endpoint: &str, writes: bool) -> Result<(), Refusal> {
        let scope = scope(endpoint, writes);
        if self.access.scopes.contains(&scope) {
            return Ok(());
        }
        Err(Refusal::Forbidden(format!("API key has no access to {scope}")))
    }

    fn route(&mut self, request: &Request<'_>) -> Result<Answer, Refusal> {
        if request.body.len() > BODY_BYTES_MAX || request.path_and_query.len() > TARGET_BYTES_MAX {
            return Err(Refusal::TooLarge);
        }
        let given =
            basic(request).filter(|(key, password)| *key == self.api_key && password.is_empty());
        given.ok_or(Refusal::Unauthorized)?;
        let segments = segments(request).ok_or(Refusal::NotFound("Resource"))?;
        if segments.first() == Some(&"webhooks") {
            self.may("webhooks", request.method != "GET")?;
            let now_ms = self.model.now_ms();
            return self.hooks.serve(request, &segments, &self.quirks.webhooks, now_ms);
        }
        if request.method == "GET" {
            let route = reads::route(&segments).ok_or(Refusal::NotFound("Resource"))?;
            self.may(route.endpoint, false)?;
            let Self { model, quirks, access, .. } = &*self;
            return Reading { model, quirks, access }.serve(route, &segments, &Query::of(request));
        }
        let route = writes::route(request.method, &segments);
        let route = route.ok_or(Refusal::NotFound("Resource"))?;
        self.may(route.endpoint, true)?;
        let mut context = self.writing(Writer::Api);
        let done = writes::perform(&mut context, route, &segments, request);
        self.announce();
        done
    }

    /// Borrows the state for a write.
    pub(crate) fn writing(&mut self, writer: Writer) -> Writing<'_> {
        self.model.documents.delay_ms = self.quirks.visibility_delay_ms;
        self.model.documents.delays_ms.clone_from(&self.quirks.visibility_delays_ms);
        self.model.documents.begin(writer);
        let confidential = writer == Writer::Recruiter || self.access.confidential;
        Writing { model: &mut self.model, quirks: &self.quirks, actor: None, confidential }
    }

    /// Fires the events of the write that ended.
    pub(crate) fn announce(&mut self) {
        let touched = self.model.documents.end();
        self.hooks.announce(&self.model, &touched, &self.quirks.webhooks);
    }
}

/// Makes the bucket of a rate: twice the sustained rate passes at once.
pub(crate) fn bucket(per_second: u32) -> Bucket {
    Bucket::new(per_second.saturating_mul(2), per_second)
}
