//! The facade: one sandbox, its state behind a lock, and the order of the checks on a request.
//!
//! # Expected flow
//! Control calls (`/_sandbox/…`) are answered separately and cost nothing. Any other request takes
//! the way that [`atsync_sandbox::answer`] describes: fault, rate budget (the consent page has
//! none), then here: token, route, scope, Site Admin rule, parameters or body, effect.
//!
//! All of it is synchronous and pure except for the clock; the HTTP shell and a simulation call the
//! same function. Bound: [`TARGET_BYTES_MAX`].

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use atsync_sandbox::webhooks::HookSignals;
use atsync_sandbox::{
    Answer, BODY_BYTES_MAX, Backend, Budget, Charge, Clock, Faults, Front, Loggable, Over, Request,
    Running, Served, Spent, control, pairs,
};
use serde_json::json;

use crate::access::{Access, scope};
use crate::company::Company;
use crate::list::{self, ListContext};
use crate::model::{Model, Writer};
use crate::options::SandboxOptions;
use crate::partner::Partners;
use crate::partner::authorize::{self, AuthorizeContext};
use crate::query;
use crate::quirks::{Quirks, RetryAfter};
use crate::refusal::Refusal;
use crate::schema::{Endpoint, Kind, endpoints, list_endpoint};
use crate::sight::Sight;
use crate::tokens::{Client, Issued, TokenContext, Tokens};
use crate::webhooks::{self, Webhooks};
use crate::writes::{self, Done, WriteContext};

/// The longest path and query. The real limit is unknown; this one is usual.
const TARGET_BYTES_MAX: usize = 32 * 1024;

/// The part of Greenhouse that a path belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Area {
    Token,
    Consent,
    Api,
}

impl Area {
    fn of(path: &str) -> Self {
        match path {
            "/token" => Self::Token,
            "/authorize" => Self::Consent,
            _ => Self::Api,
        }
    }
}

/// The mutable state.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) model: Model,
    pub(crate) quirks: Quirks,
    pub(crate) access: Access,
    pub(crate) front: Front,
    pub(crate) tokens: Tokens,
    pub(crate) partners: Partners,
    pub(crate) api_budget: Budget,
    pub(crate) clock_offset_ms: i64,
    pub(crate) hooks: Webhooks,
    token_budget: Budget,
    client: Client,
    invalid_turn: u64,
}

/// A sandbox behind a port.
pub type RunningSandbox = Running<Sandbox>;

/// A Greenhouse sandbox. Clones share one state.
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

    /// Makes the company anew, of another seed or size if given, as at the start: tokens, webhooks,
    /// logs and the clock's advance are forgotten, too.
    pub fn reset(&self, seed: Option<u64>, candidates: Option<usize>) {
        let mut options = SandboxOptions::clone(&self.started_with);
        options.company.seed = seed.unwrap_or(options.company.seed);
        options.company.candidates = candidates.unwrap_or(options.company.candidates);
        *self.lock() = State::new(&options);
        self.signals.wake();
    }

    /// Returns the customer's own client.
    pub(crate) fn client(&self) -> Client {
        self.started_with.client.clone()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic under the lock is a bug of the sandbox; the state is still usable.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.model.now_ms = self.clock.now_ms().saturating_add(state.clock_offset_ms);
        state
    }

    /// Answers one request, without any HTTP.
    #[must_use]
    pub fn handle(&self, request: &Request<'_>) -> Answer {
        if request.path().starts_with("/_sandbox") {
            return control::serve(self, request);
        }
        let answer = atsync_sandbox::answer(&mut *self.lock(), request);
        if request.method != "GET" {
            self.signals.wake();
        }
        answer
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

    pub(crate) fn hook_signals(&self) -> &HookSignals {
        &self.signals
    }
}

impl Served for Sandbox {
    fn handle(&self, request: &Request<'_>) -> Answer {
        Sandbox::handle(self, request)
    }
}

impl Backend for State {
    const REQUEST_ID: Option<&'static str> = Some("x-request-id");

    fn front(&mut self) -> &mut Front {
        &mut self.front
    }

    fn now_ms(&self) -> i64 {
        self.model.now_ms
    }

    fn charge(&mut self, request: &Request<'_>) -> Charge {
        let now_ms = self.model.now_ms;
        let spent = match Area::of(request.path()) {
            Area::Token => self.token_budget.spend(now_ms),
            Area::Consent => return Charge::default(),
            Area::Api => self.api_budget.spend(now_ms),
        };
        let over = spent.over_for_s.map(|seconds| Over { for_s: Some(seconds) });
        Charge { over, headers: limits(spent) }
    }

    fn too_many(&self, over: Over) -> Answer {
        let mut answer = Answer::value(429, &json!({"message": "Too Many Requests"}));
        if let (Some(seconds), RetryAfter::Sent) = (over.for_s, self.quirks.retry_after) {
            answer.set_header("retry-after", seconds.to_string());
        }
        answer
    }

    fn unauthorized(&self) -> Answer {
        Refusal::Unauthorized("Token could not be decoded").answer(self.quirks.error_shape, 0)
    }

    fn process(&mut self, request: &Request<'_>, request_id: &str) -> Answer {
        match Area::of(request.path()) {
            Area::Token => self.token(request),
            Area::Consent => self.consent(request),
            Area::Api => self.api(request, request_id),
        }
    }

    /// No query and no body of a token request is logged, and no body of the consent page's form.
    fn loggable(&self, request: &Request<'_>) -> Loggable {
        let area = Area::of(request.path());
        Loggable { query: area != Area::Token, body: area == Area::Api }
    }
}

impl State {
    fn new(options: &SandboxOptions) -> Self {
        let mut model = Company::generate(&options.company, options.clock.now_ms()).model;
        model.logging = true;
        Self {
            model,
            quirks: options.quirks.clone(),
            access: options.access.clone(),
            front: Front::new(Faults { rules: options.faults.clone() }),
            tokens: Tokens::default(),
            partners: Partners::new(options.partners.clone(), options.company.seed),
            api_budget: Budget::new(options.rate_limit, 30_000),
            clock_offset_ms: 0,
            hooks: Webhooks::new(options.company.seed),
            token_budget: Budget::new(options.token_rate_limit, 60_000),
            client: options.client.clone(),
            invalid_turn: 0,
        }
    }

    fn consent(&mut self, request: &Request<'_>) -> Answer {
        let context = AuthorizeContext {
            model: &self.model,
            quirks: &self.quirks,
            partners: &mut self.partners,
        };
        authorize::serve(context, request)
    }

    fn token(&mut self, request: &Request<'_>) -> Answer {
        let mut context = TokenContext {
            model: &self.model,
            quirks: &self.quirks,
            access: &self.access,
            client: &self.client,
            partners: &mut self.partners,
        };
        let mut answer = self.tokens.serve(&mut context, request);
        answer.set_header("cache-control", "private, no-store");
        answer
    }

    fn api(&mut self, request: &Request<'_>, request_id: &str) -> Answer {
        match self.route(request, request_id) {
            Ok(mut answer) => {
                if answer.status == 200 {
                    answer.set_header("etag", weak_etag(&answer.body));
                }
                answer
            }
            Err(refusal) => {
                let turn = self.invalid_turn;
                if matches!(refusal, Refusal::Invalid(_)) {
                    self.invalid_turn = turn.wrapping_add(1);
                }
                refusal.answer(self.quirks.error_shape, turn)
            }
        }
    }

    fn route(&mut self, request: &Request<'_>, request_id: &str) -> Result<Answer, Refusal> {
        if request.body.len() > BODY_BYTES_MAX || request.path_and_query.len() > TARGET_BYTES_MAX {
            return Err(Refusal::TooLarge);
        }
        let actor = self.tokens.actor(request, self.model.now_ms);
        let actor = actor.ok_or(Refusal::Unauthorized("Token could not be decoded"))?;
        let path = request.path().strip_prefix("/v3/").ok_or(Refusal::NotFound)?;
        let segments: Vec<&str> = path.split('/').collect();
        self.model.settle();
        self.model.delay(&self.quirks);
        if segments.first() == Some(&"webhooks") {
            let action = webhooks::action(request, &segments).ok_or(Refusal::NotFound)?;
            // Only partners have webhooks through the API.
            if actor.consent.is_none() {
                return Err(Refusal::Forbidden);
            }
            self.may("webhooks", action, actor)?;
            return self.webhooks(request, &segments);
        }
        if request.method == "GET" {
            self.read(request, &segments, actor, request_id)
        } else {
            self.write(request, &segments, actor)
        }
    }

    fn sight(&self) -> Sight {
        Sight {
            private_candidates: self.access.sees_private_candidates,
            confidential_jobs: self.access.sees_confidential_jobs,
        }
    }

    fn may(&self, resource: &str, action: &str, actor: Issued) -> Result<(), Refusal> {
        let scope = scope(resource, action);
        let granted = self.access.scopes.contains(&scope)
            && actor.consent.is_none_or(|id| {
                self.partners.consent(id).is_some_and(|consent| consent.scopes.contains(&scope))
            });
        // The rule checks the user, so it stops a demoted or deactivated user at once, whatever the
        // token says.
        let person = actor.sub == self.model.service_user_id
            || self.model.flag(Kind::Users, actor.sub, "site_admin");
        let alive = !self.model.flag(Kind::Users, actor.sub, "deactivated");
        let admin = action != "list" || (self.access.site_admin && person);
        if granted && admin && alive { Ok(()) } else { Err(Refusal::Forbidden) }
    }

    fn read(
        &self,
        request: &Request<'_>,
        segments: &[&str],
        actor: Issued,
        request_id: &str,
    ) -> Result<Answer, Refusal> {
        let endpoint = match segments {
            [collection] => list_endpoint(collection).ok_or(Refusal::NotFound)?,
            ["rejection_reasons", _] => single("rejection_reasons/{id}")?,
            ["bulk_requests", _] => single("bulk_requests/{bulk_action_uuid}")?,
            // Greenhouse has no read of one record by path, not even of an existing one.
            _ => return Err(Refusal::NotFound),
        };
        self.may(endpoint.resource, "list", actor)?;
        if !endpoint.list {
            return self.read_single(
                request,
                endpoint,
                segments.last().copied().unwrap_or_default(),
            );
        }
        let context = ListContext {
            model: &self.model,
            quirks: &self.quirks,
            sight: self.sight(),
            request_id,
        };
        list::serve(&context, endpoint, request)
    }

    fn read_single(
        &self,
        request: &Request<'_>,
        endpoint: &Endpoint,
        name: &str,
    ) -> Result<Answer, Refusal> {
        let pairs = pairs(request.query());
        query::check(endpoint, &pairs).map_err(Refusal::Invalid)?;
        if endpoint.resource == "bulk_requests" {
            return Ok(Answer::value(200, &writes::bulk_status(&self.model, name)?));
        }
        let id = name.parse().map_err(|_| Refusal::NotFound)?;
        let mut value = self.model.row_json(Kind::RejectionReasons, id).ok_or(Refusal::NotFound)?;
        let wanted =
            pairs.iter().find(|(name, _)| name == "fields").map(|(_, names)| names.as_str());
        if let (Some(names), Some(map)) = (wanted, value.as_object_mut()) {
            map.retain(|key, _| names.split(',').any(|name| name == key));
        }
        Ok(Answer::value(200, &value))
    }

    fn write(
        &mut self,
        request: &Request<'_>,
        segments: &[&str],
        actor: Issued,
    ) -> Result<Answer, Refusal> {
        let route = writes::route(request.method, segments).ok_or(Refusal::NotFound)?;
        self.may(route.resource, route.action, actor)?;
        let done = writes::perform(&mut self.writing(Writer::Api, actor.sub), route, request.body);
        self.announce();
        let done = done?;
        Ok(match done {
            Done::Created(value) => Answer::value(201, &value),
            Done::Ok(value) => Answer::value(200, &value),
            Done::Accepted(value) => Answer::value(202, &value),
            Done::NoContent => Answer::no_content(),
        })
    }

    /// Borrows the state for a write.
    pub(crate) fn writing(&mut self, writer: Writer, actor_id: i64) -> WriteContext<'_> {
        let sight = match writer {
            Writer::Api => self.sight(),
            _ => Sight { private_candidates: true, confidential_jobs: true },
        };
        self.model.writer = writer;
        self.model.watch.begin(self.hooks.any());
        WriteContext { model: &mut self.model, quirks: &self.quirks, sight, actor_id }
    }

    /// Fires the events of the write that ended.
    pub(crate) fn announce(&mut self) {
        let effects = self.model.watch.end();
        self.hooks.announce(&self.model, effects, &self.quirks.webhooks);
    }
}

fn single(path: &str) -> Result<&'static Endpoint, Refusal> {
    endpoints().iter().find(|endpoint| endpoint.path == path).ok_or(Refusal::NotFound)
}

/// Lists the headers about a budget.
fn limits(spent: Spent) -> Vec<(&'static str, String)> {
    vec![
        ("x-ratelimit-limit", spent.limit.to_string()),
        ("x-ratelimit-remaining", spent.remaining.to_string()),
        ("x-ratelimit-reset", spent.reset_s.to_string()),
    ]
}

fn weak_etag(body: &[u8]) -> String {
    use std::hash::{DefaultHasher, Hasher as _};
    let mut hasher = DefaultHasher::new();
    hasher.write(body);
    format!("W/\"{:016x}{:016x}\"", hasher.finish(), body.len())
}
