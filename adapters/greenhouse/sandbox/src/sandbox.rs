//! The facade: one sandbox, its state behind a lock, and the order of the checks on a request.
//!
//! # Expected flow
//! 1. Control calls (`/_sandbox/…`) are answered separately and cost nothing.
//! 2. The fault that is due is chosen. One that drops the connection before processing ends here.
//! 3. The rate budget is spent; an empty one answers 429, without any effect. The consent page has
//!    none.
//! 4. A fault that is not applied answers; otherwise token, route, scope, Site Admin rule,
//!    parameters or body, effect.
//! 5. A fault that is applied replaces or breaks the answer. Every request gets one line in the
//!    log.
//!
//! All of it is synchronous and pure except for the clock; the HTTP shell and a simulation call the
//! same function. Bounds: the constants below.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::json;

use crate::access::{Access, scope};
use crate::answer::{Answer, Delivery, Request};
use crate::clock::Clock;
use crate::company::Company;
use crate::control;
use crate::faults::{Fault, FaultKind, Faults};
use crate::list::{self, ListContext};
use crate::model::{Model, Writer};
use crate::options::SandboxOptions;
use crate::partner::Partners;
use crate::partner::authorize::{self, AuthorizeContext};
use crate::query;
use crate::quirks::{Quirks, RetryAfter};
use crate::rate::{Budget, Spent};
use crate::refusal::Refusal;
use crate::schema::{Endpoint, Kind, endpoints, list_endpoint};
use crate::sight::Sight;
use crate::tokens::{Client, Issued, TokenContext, Tokens};
use crate::webhooks::sender::HookSignals;
use crate::webhooks::{self, Webhooks};
use crate::writes::{self, Done, WriteContext};

/// The most requests in the log; the oldest are removed first.
const REQUEST_LOG_MAX: usize = 100_000;
/// The most bytes of a request's body in the log.
const LOGGED_BODY_BYTES_MAX: usize = 8_192;
/// The largest body that is read; a file of a few megabytes in base64 fits.
pub(crate) const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The longest path and query. The real limit is unknown; this one is usual.
const TARGET_BYTES_MAX: usize = 32 * 1024;

/// One line of the request log. Headers are left out, so no token is logged; nor are the query and
/// body of a token request, nor the body of the consent page's form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Logged {
    /// The time, in milliseconds since 1970.
    pub at_ms: i64,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The query, percent-encoded.
    pub query: String,
    /// The body, cut at a few kilobytes.
    pub body: String,
    /// The status, sent or not.
    pub status: u16,
    /// Whether the client got the whole answer.
    pub answered: bool,
    /// The fault that the request met.
    pub fault: Option<FaultKind>,
    /// The `X-Request-Id`.
    pub request_id: String,
}

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
    pub(crate) faults: Faults,
    pub(crate) log: VecDeque<Logged>,
    pub(crate) tokens: Tokens,
    pub(crate) partners: Partners,
    pub(crate) api_budget: Budget,
    pub(crate) clock_offset_ms: i64,
    pub(crate) hooks: Webhooks,
    token_budget: Budget,
    client: Client,
    serial: u64,
    invalid_turn: u64,
}

/// A Greenhouse sandbox. Clones share one state.
#[derive(Debug, Clone)]
pub struct Sandbox {
    state: Arc<Mutex<State>>,
    clock: Clock,
    signals: HookSignals,
}

impl Sandbox {
    /// Makes a sandbox with its own company.
    #[must_use]
    pub fn new(options: SandboxOptions) -> Self {
        let now_ms = options.clock.now_ms();
        let mut model = Company::generate(&options.company, now_ms).model;
        model.logging = true;
        let state = State {
            model,
            quirks: options.quirks,
            access: options.access,
            faults: Faults { rules: options.faults },
            log: VecDeque::new(),
            tokens: Tokens::default(),
            partners: Partners::new(options.partners, options.company.seed),
            api_budget: Budget::new(options.rate_limit, 30_000),
            clock_offset_ms: 0,
            hooks: Webhooks::new(options.company.seed),
            token_budget: Budget::new(options.token_rate_limit, 60_000),
            client: options.client,
            serial: 0,
            invalid_turn: 0,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            clock: options.clock,
            signals: HookSignals::default(),
        }
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
        let answer = self.lock().handle(request);
        if request.method != "GET" {
            self.signals.wake();
        }
        answer
    }

    pub(crate) fn hook_signals(&self) -> &HookSignals {
        &self.signals
    }
}

impl State {
    fn handle(&mut self, request: &Request<'_>) -> Answer {
        self.serial = self.serial.saturating_add(1);
        let request_id = format!(
            "{:032x}",
            u128::from(self.serial).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
        );
        let fault = self.faults.meet(request.method, request.path());
        let mut answer = match fault {
            Some(FaultKind::DropBefore) => {
                Answer { delivery: Delivery::DropBeforeProcessing, ..plain(503, "") }
            }
            Some(FaultKind::HoldBefore { delay_ms }) => {
                Answer { delivery: Delivery::DropBeforeProcessing, delay_ms, ..plain(503, "") }
            }
            _ => self.answer_in_budget(request, fault, &request_id),
        };
        answer.set_header("x-request-id", request_id.as_str());
        self.record(request, &answer, fault, request_id);
        answer
    }

    fn answer_in_budget(
        &mut self,
        request: &Request<'_>,
        fault: Option<FaultKind>,
        request_id: &str,
    ) -> Answer {
        let now_ms = self.model.now_ms;
        let area = Area::of(request.path());
        let spent = match area {
            Area::Token => Some(self.token_budget.spend(now_ms)),
            Area::Consent => None,
            Area::Api => Some(self.api_budget.spend(now_ms)),
        };
        let mut answer = match (spent.and_then(|spent| spent.over_for_s), fault) {
            (Some(seconds), _) => self.too_many(Some(seconds)),
            (None, Some(FaultKind::TooManyRequests)) => self.too_many(None),
            (None, Some(FaultKind::NotApplied { status })) => {
                plain(status, "upstream is unavailable")
            }
            (None, Some(FaultKind::Unauthorized)) => {
                Refusal::Unauthorized("Token could not be decoded")
                    .answer(self.quirks.error_shape, 0)
            }
            (None, fault) => {
                let answer = match area {
                    Area::Token => self.token(request),
                    Area::Consent => self.consent(request),
                    Area::Api => self.api(request, request_id),
                };
                match fault {
                    Some(fault) => broken(answer, fault),
                    None => answer,
                }
            }
        };
        if let Some(spent) = spent {
            limits(&mut answer, spent);
        }
        answer
    }

    fn too_many(&self, retry_after_s: Option<i64>) -> Answer {
        let mut answer = Answer::value(429, &json!({"message": "Too Many Requests"}));
        if let (Some(seconds), RetryAfter::Sent) = (retry_after_s, self.quirks.retry_after) {
            answer.set_header("retry-after", seconds.to_string());
        }
        answer
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
        let pairs = query::pairs(request.query());
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
            Writer::Recruiter => Sight { private_candidates: true, confidential_jobs: true },
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

    fn record(
        &mut self,
        request: &Request<'_>,
        answer: &Answer,
        fault: Option<FaultKind>,
        request_id: String,
    ) {
        let area = Area::of(request.path());
        let body = if area != Area::Api {
            &[][..]
        } else {
            request.body.get(..LOGGED_BODY_BYTES_MAX).unwrap_or(request.body)
        };
        if self.log.len() >= REQUEST_LOG_MAX {
            self.log.pop_front();
        }
        self.log.push_back(Logged {
            at_ms: self.model.now_ms,
            method: request.method.to_owned(),
            path: request.path().to_owned(),
            query: if area == Area::Token { "" } else { request.query() }.to_owned(),
            body: String::from_utf8_lossy(body).into_owned(),
            status: answer.status,
            answered: answer.delivery == Delivery::Answer,
            fault,
            request_id,
        });
    }

    pub(crate) fn add_fault(&mut self, fault: Fault) {
        self.faults.rules.push(fault);
    }
}

fn single(path: &str) -> Result<&'static Endpoint, Refusal> {
    endpoints().iter().find(|endpoint| endpoint.path == path).ok_or(Refusal::NotFound)
}

fn plain(status: u16, text: &str) -> Answer {
    let mut answer = Answer::json(status, text.as_bytes().to_vec());
    answer.set_header("content-type", "text/plain");
    answer
}

fn limits(answer: &mut Answer, spent: Spent) {
    answer.set_header("x-ratelimit-limit", spent.limit.to_string());
    answer.set_header("x-ratelimit-remaining", spent.remaining.to_string());
    answer.set_header("x-ratelimit-reset", spent.reset_s.to_string());
}

fn weak_etag(body: &[u8]) -> String {
    use std::hash::{DefaultHasher, Hasher as _};
    let mut hasher = DefaultHasher::new();
    hasher.write(body);
    format!("W/\"{:016x}{:016x}\"", hasher.finish(), body.len())
}

/// Applies a fault to a processed answer.
fn broken(mut answer: Answer, fault: FaultKind) -> Answer {
    match fault {
        FaultKind::DropAfter => answer.delivery = Delivery::DropAfterApply,
        FaultKind::AppliedThen { status } => return plain(status, "upstream did not answer"),
        FaultKind::Slow { delay_ms } => answer.delay_ms = delay_ms,
        FaultKind::Truncate { bytes } => answer.delivery = Delivery::Truncate(bytes),
        FaultKind::Html => {
            answer.status = 200;
            answer.body = b"<!doctype html><title>Sign in</title><p>Please sign in.".to_vec();
            answer.set_header("content-type", "text/html; charset=utf-8");
        }
        FaultKind::InvalidJson => {
            answer.status = 200;
            answer.body = b"[{\"id\": 1, ".to_vec();
            answer.set_header("content-type", "application/json;charset=utf-8");
        }
        FaultKind::DropBefore
        | FaultKind::HoldBefore { .. }
        | FaultKind::NotApplied { .. }
        | FaultKind::TooManyRequests
        | FaultKind::Unauthorized => {}
    }
    answer
}
