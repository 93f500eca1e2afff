//! The facade: one sandbox, its state behind a lock, and the order of the checks on a request.
//!
//! Control calls (`/_sandbox/…`) are answered separately and cost nothing. Any other request takes
//! the way that [`atsync_sandbox::answer`] describes: fault, rate budget, then here: key, method,
//! path, right, body, effect. A write that changed records fires its webhooks before its answer.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use atsync_sandbox::webhooks::{HookRequest, HookSignals, HookSource};
use atsync_sandbox::{
    Answer, BODY_BYTES_MAX, Backend, Bucket, Charge, Clock, Document, Faults, Front, Over, Request,
    Running, Served, Writer, basic, control,
};
use serde_json::{Map, Value, json};

use crate::access::Access;
use crate::company;
use crate::lists::{self, Tokens};
use crate::model::{Model, STAGE, put, text};
use crate::options::SandboxOptions;
use crate::quirks::Quirks;
use crate::recruiter::{self, Recruiter};
use crate::refusal::Refusal;
use crate::webhooks::Webhooks;
use crate::writes::{self, Writing};

/// The mutable state.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) model: Model,
    pub(crate) quirks: Quirks,
    pub(crate) access: Access,
    pub(crate) front: Front,
    pub(crate) bucket: Bucket,
    pub(crate) clock_offset_ms: i64,
    pub(crate) hooks: Webhooks,
    tokens: Tokens,
    api_key: String,
    began: String,
}

/// A sandbox behind a port.
pub type RunningSandbox = Running<Sandbox>;

/// An Ashby sandbox. Clones share one state.
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
        self.signals.wake();
        answer
    }

    /// Makes the company anew, of another seed or size if given, as at the start: webhooks, tokens,
    /// logs and the clock's advance are forgotten, too.
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
        let mut context = state.writing(Writer::Recruiter);
        let id = recruiter::act(&mut context, deed).map_err(|refusal| refusal.text());
        state.end_write();
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
        let mut state = self.lock();
        let state = &mut *state;
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

impl Backend for State {
    const REQUEST_ID: Option<&'static str> = Some("x-ashby-request-id");

    fn front(&mut self) -> &mut Front {
        &mut self.front
    }

    fn now_ms(&self) -> i64 {
        self.model.now_ms()
    }

    fn charge(&mut self, _: &Request<'_>) -> Charge {
        let over = (!self.bucket.take(self.model.now_ms())).then_some(Over { for_s: Some(1) });
        Charge { over, headers: Vec::new() }
    }

    fn too_many(&self, over: Over) -> Answer {
        let body = json!({"success": false, "errors": ["rate_limit_exceeded"],
            "errorInfo": {"code": "rate_limit_exceeded", "message": "Too many requests"}});
        let mut answer = Answer::value(429, &body);
        if let (Some(seconds), true) = (over.for_s, self.quirks.retry_after) {
            answer.set_header("retry-after", seconds.to_string());
        }
        if self.quirks.partner_throttle {
            answer.set_header("x-ratelimit-scope", "integration-partner");
        }
        answer
    }

    fn unauthorized(&self) -> Answer {
        Refusal::Unauthorized.answer("")
    }

    fn process(&mut self, request: &Request<'_>, request_id: &str) -> Answer {
        match self.route(request) {
            Ok(body) => Answer::value(200, &body),
            Err(refusal) => refusal.answer(request_id),
        }
    }
}

/// Marks a record that a switch says has a member of no reference.
fn marked(mut results: Value) -> Value {
    let add = |one: &mut Value| {
        if let Some(one) = one.as_object_mut() {
            one.insert("notInAnyReference".to_owned(), json!({"since": "yesterday"}));
        }
    };
    match &mut results {
        Value::Array(all) => all.iter_mut().for_each(add),
        one => add(one),
    }
    results
}

impl State {
    fn new(options: &SandboxOptions) -> Self {
        let model = company::make(&options.company, options.clock.now_ms());
        let began = model.now();
        Self {
            model,
            quirks: options.quirks.clone(),
            access: options.access.clone(),
            front: Front::new(Faults { rules: options.faults.clone() }),
            bucket: bucket(options.rate_limit),
            clock_offset_ms: 0,
            hooks: Webhooks::new(options.company.seed),
            tokens: Tokens::default(),
            api_key: options.api_key.clone(),
            began,
        }
    }

    fn may(&self, right: &str) -> Result<(), Refusal> {
        if self.access.scopes.contains(right) {
            return Ok(());
        }
        Err(Refusal::Forbidden("missing_endpoint_permission"))
    }

    fn route(&mut self, request: &Request<'_>) -> Result<Value, Refusal> {
        let (key, password) = basic(request).ok_or(Refusal::Unauthorized)?;
        if key != self.api_key || !password.is_empty() || self.access.deactivated {
            return Err(Refusal::Forbidden("invalid_api_key"));
        }
        if request.method != "POST" {
            return Err(Refusal::NoMethod);
        }
        if request.body.len() > BODY_BYTES_MAX {
            return Err(Refusal::input("the body is too large"));
        }
        let path = request.path().trim_start_matches('/');
        let kind = request.header("content-type").unwrap_or_default().to_ascii_lowercase();
        let body = match serde_json::from_slice(request.body) {
            Ok(Value::Object(body)) if kind.starts_with("application/json") => Ok(body),
            _ => Err(Refusal::input("the body must be a JSON object")),
        };
        let mut answer = self.answer(path, body)?;
        if self.quirks.unknown_field
            && let Some(results) = answer.get_mut("results")
        {
            *results = marked(results.take());
        }
        Ok(answer)
    }

    fn answer(
        &mut self,
        path: &str,
        body: Result<Map<String, Value>, Refusal>,
    ) -> Result<Value, Refusal> {
        if path == "apiKey.info" {
            self.may("apiKeysRead")?;
            return Ok(json!({"success": true, "results": {"title": "Sandbox key",
                "createdAt": self.began, "scopes": self.access.shown()}}));
        }
        if let Some((list, right)) = lists::list(path) {
            self.may(right)?;
            let body = body?;
            let list = list.chosen(&body);
            let Self { model, tokens, quirks, access, .. } = self;
            let confidential = access.confidential;
            let collection = list.collection;
            let sees = |one: &Document| confidential || !is_confidential(model, collection, one);
            return lists::page(model, tokens, list, &body, quirks, &sees);
        }
        if let Some((collection, member, right, code)) = lists::single(path) {
            self.may(right)?;
            let body = body?;
            let id = body.get(member).and_then(Value::as_str);
            let id = id.ok_or_else(|| Refusal::input(format!("{member} is required")))?;
            let found = self.model.documents.shown(collection, id);
            let sees = |one: &&Document| {
                self.access.confidential || !is_confidential(&self.model, collection, one)
            };
            let found = found.filter(sees).ok_or_else(|| Refusal::code(code))?;
            let mut shown = self.model.show(collection, found, self.quirks.nulls);
            if collection == "applications" {
                put(
                    &mut shown,
                    "applicationHistory",
                    found.get("_history").cloned().unwrap_or_default(),
                );
            }
            if collection == "jobPostings" {
                let (plain, html) = ("Bake bread.", "<p>Bake bread.</p>");
                let part = json!({"html": html, "plain": plain});
                put(&mut shown, "descriptionPlain", plain.into());
                put(&mut shown, "descriptionHtml", html.into());
                put(&mut shown, "descriptionParts", json!({ "descriptionBody": part }));
                let linked = json!({"@context": "https://schema.org/", "@type": "JobPosting"});
                put(&mut shown, "linkedData", linked);
                put(&mut shown, "applicationFormDefinition", json!({"sections": []}));
                put(&mut shown, "surveyFormDefinitions", json!([]));
                let shown_pay = json!({"compensationTiers": [],
                    "shouldDisplayCompensationOnJobBoard": false});
                put(&mut shown, "compensation", shown_pay);
            }
            return Ok(json!({"success": true, "results": shown}));
        }
        if path.starts_with("webhook.") {
            let (right, form) = writes::form(path).ok_or(Refusal::NoPath)?;
            self.may(right)?;
            let body = body?;
            writes::check(form, &body)?;
            let now_ms = self.model.now_ms();
            let done = self.hooks.serve(path, &body, &self.quirks.webhooks, now_ms)?;
            return Ok(json!({"success": true, "results": done}));
        }
        match path {
            "jobInterviewPlan.info" => {
                self.may("jobsRead")?;
                self.plan(&body?)
            }
            "application.listHistory" => {
                self.may("candidatesRead")?;
                self.history(&body?)
            }
            _ => {
                let (right, form) = writes::form(path).ok_or(Refusal::NoPath)?;
                self.may(right)?;
                let body = body?;
                writes::check(form, &body)?;
                let done = self.writing(Writer::Api).perform(path, &body);
                self.end_write();
                Ok(json!({"success": true, "results": done?}))
            }
        }
    }

    fn plan(&self, body: &Map<String, Value>) -> Result<Value, Refusal> {
        let job = body.get("jobId").and_then(Value::as_str);
        let job = job.ok_or_else(|| Refusal::input("jobId is required"))?;
        let plan = self.model.text("jobs", job, "defaultInterviewPlanId");
        let plan = plan.ok_or_else(|| Refusal::code("job_not_found"))?;
        let stage = |one: &Document| {
            let names = STAGE.iter().filter(|name| **name != "interviewPlanId");
            let shown =
                names.filter_map(|name| Some(((*name).to_owned(), one.get(*name)?.clone())));
            let mut shown: Document = shown.collect();
            shown.insert("activities".to_owned(), json!([]));
            Value::Object(shown)
        };
        let stages: Vec<Value> = self.model.stages(plan).into_iter().map(stage).collect();
        Ok(json!({"success": true, "results": {"jobId": job, "interviewPlanId": plan,
            "stages": stages}}))
    }

    fn history(&self, body: &Map<String, Value>) -> Result<Value, Refusal> {
        let id = body.get("applicationId").and_then(Value::as_str);
        let id = id.ok_or_else(|| Refusal::input("applicationId is required"))?;
        let held = self.model.documents.shown("applications", id);
        let held = held.ok_or_else(|| Refusal::code("application_not_found"))?;
        let rows = held.get("_history").cloned().unwrap_or_else(|| json!([]));
        Ok(json!({"success": true, "results": rows, "moreDataAvailable": false}))
    }

    /// Ends a write, and fires its webhooks.
    fn end_write(&mut self) {
        let touched = self.model.documents.end();
        let merged = std::mem::take(&mut self.model.merged);
        let (nulls, quirks) = (self.quirks.nulls, &self.quirks.webhooks);
        self.hooks.announce(&self.model, &touched, &merged, nulls, quirks);
    }

    /// Borrows the state for a write.
    pub(crate) fn writing(&mut self, writer: Writer) -> Writing<'_> {
        self.model.documents.delay_ms = self.quirks.visibility_delay_ms;
        self.model.documents.delays_ms.clone_from(&self.quirks.visibility_delays_ms);
        self.model.documents.begin(writer);
        Writing { model: &mut self.model, quirks: &self.quirks }
    }
}

/// Whether a job is confidential, or an application is one to such a job.
fn is_confidential(model: &Model, collection: &str, one: &Document) -> bool {
    let job = match collection {
        "jobs" => Some(one),
        "applications" => text(one, "_job").and_then(|job| model.get("jobs", job)),
        _ => None,
    };
    job.is_some_and(|job| job.get("confidential") == Some(&Value::Bool(true)))
}

/// Makes the bucket of a rate: twice the sustained rate passes at once.
pub(crate) fn bucket(per_second: u32) -> Bucket {
    Bucket::new(per_second.saturating_mul(2), per_second)
}
