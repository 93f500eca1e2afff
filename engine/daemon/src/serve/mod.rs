//! The HTTP API of `atsync serve`.
//!
//! [`served`] holds the connections, [`listen`] the sockets. A request passes [`access`], which
//! decides who sends it and what they may do, before a handler sees it. Every refusal is a problem
//! document ([`problem`]). The OpenAPI document is made from the handlers and served.
//!
//! It uses the engine's public interface alone: what a host that embeds the engine could need is in
//! the library.
//!
//! Bounds: [`REQUESTS_MAX`] requests at once, feeds, webhooks and `/livez` aside; bodies, heads and
//! times in [`body`] and [`listen`]. The same server has the pages of the [`console`]. Left out:
//! TLS, which a proxy ends.

pub(crate) mod access;
mod adapters;
mod all_changes;
mod answers;
pub(crate) mod audit;
mod backups;
mod body;
mod caller;
mod changes;
mod commands;
mod connect;
mod connections;
mod console;
mod consumers;
mod decision;
mod deliver;
mod desired;
mod erasures;
mod health;
mod hooks;
mod html;
mod intents;
mod known_tokens;
mod listen;
mod local;
mod loops;
mod making;
mod metrics;
mod notices;
mod openapi;
mod operations;
mod paths;
mod pausing;
mod problem;
mod records;
mod repeat_keys;
mod repeats;
mod served;
mod set_up;
mod stream;
mod tally;
mod tasks;
mod tokens;
mod write_timeout;

pub(crate) use hooks::url_of as webhook_url;
pub(crate) use loops::LoopNotice;
pub(crate) use notices::Notice;
pub(crate) use served::{Reloaded, Served};

use crate::config::Config;
use crate::relay::ROUTE;
use access::{Access, Current, Door};
use audit::entry::By;
use audit::request::{self, Sender};
use axum::extract::{Request, State};
use axum::http::{Method, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use connect::ConnectPages;
use console::{Console, Pages};
use html::document;
use listen::Listeners;
use openapi::Document;
use problem::{Problem, ProblemType};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Requests at once. Each holds a body of a megabyte at most, a batch 32.
const REQUESTS_MAX: usize = 128;

/// The running server.
pub(crate) struct Server {
    served: Arc<Served>,
    gate: Arc<Gate>,
    has_address: bool,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
    /// Where it listens, for people.
    pub(crate) places: String,
}

impl Server {
    /// Binds the sockets and serves from now on.
    ///
    /// # Errors
    /// A sentence that names the member of `[serve]` or the socket.
    pub(crate) async fn start(
        config: &Config,
        address: Option<SocketAddr>,
        (served, engine): (&Arc<Served>, &atsync::Engine),
    ) -> Result<Self, String> {
        served.tokens.load(engine).await.map_err(|error| error.to_string())?;
        deliver::courier::load(served, engine).await.map_err(|error| error.to_string())?;
        served.audit.load(engine).await.map_err(|error| error.to_string())?;
        let access = access_of(config, address.is_some(), served).await?;
        let listeners = Listeners::bind(&config.store, address).await?;
        let (socket, address) = listeners.places();
        if let Some(address) = address {
            served.listens(address);
        }
        let places = match address {
            Some(address) => format!("{} and http://{address}", socket.display()),
            None => socket.display().to_string(),
        };
        audit::upkeep::start(served);
        let gate = Arc::new(Gate {
            served: Arc::clone(served),
            is_secure: config.serve.behind_tls_proxy,
            access: Current::new(access),
            console: Arc::new(Console::new(config.serve.behind_tls_proxy)),
            requests: Semaphore::new(REQUESTS_MAX),
        });
        let (stop, stopped) = watch::channel(false);
        let app = app(Arc::clone(served), Arc::clone(&gate));
        let task = tasks::spawn(listeners.serve(app, stopped));
        Ok(Self {
            served: Arc::clone(served),
            gate,
            has_address: address.is_some(),
            stop,
            task,
            places,
        })
    }

    /// Sends webhooks out from now on. Called when [`Served`] has what runs.
    pub(crate) async fn deliver(&self) {
        deliver::courier::start_all(&self.served).await;
    }

    /// Reads the tokens again, and starts deliveries that could not be. A session of the
    /// console whose token is gone ends.
    ///
    /// # Errors
    /// A sentence that names the token; then all stay as they are.
    pub(crate) async fn reread(&self, config: &Config) -> Result<(), String> {
        let access = access_of(config, self.has_address, &self.served).await?;
        self.gate.console.sessions.keep(|user| access.caller_of(*user).is_some());
        self.gate.access.replace(access);
        self.served.authority_changed();
        self.deliver().await;
        Ok(())
    }

    /// Accepts no request from now on, ends the streams, and waits for the requests under way.
    pub(crate) async fn stop(self) {
        let opened = self.served.opened();
        self.served.stop();
        self.stop.send_replace(true);
        self.served.deliveries.ended().await;
        if self.task.await.is_err() {
            tracing::error!("the HTTP server ended by a panic, which is a bug in atsync");
        }
        audit::upkeep::end(&self.served, opened.as_ref().map(|opened| &opened.engine)).await;
    }
}

/// The tokens of a configuration: only callers of an address have some.
async fn access_of(config: &Config, has_address: bool, served: &Served) -> Result<Access, String> {
    match has_address {
        true => Access::with(&config.serve, config.directory(), &served.tokens).await,
        false => Ok(Access::default()),
    }
}

/// The routes, and the document that describes them.
fn routes() -> (Router<Arc<Served>>, utoipa::openapi::OpenApi) {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(operations::live))
        .routes(routes!(operations::ready))
        .routes(routes!(operations::status))
        .routes(routes!(metrics::metrics))
        .routes(routes!(connections::list))
        .routes(routes!(connections::read, making::put, making::delete))
        .routes(routes!(connections::webhook))
        .routes(routes!(making::reload))
        .routes(routes!(adapters::list))
        .routes(routes!(connections::status))
        .routes(routes!(connections::check))
        .routes(routes!(connections::pull))
        .routes(routes!(connections::sweep))
        .routes(routes!(connections::plan))
        .routes(routes!(connections::apply))
        .routes(routes!(pausing::pause))
        .routes(routes!(pausing::resume))
        .routes(routes!(erasures::erase))
        .routes(routes!(erasures::undo))
        .routes(routes!(backups::back_up))
        .routes(routes!(desired::list, desired::declare_batch))
        .routes(routes!(desired::read, desired::declare, desired::abandon))
        .routes(routes!(desired::explain))
        .routes(routes!(records::list))
        .routes(routes!(records::read))
        .routes(routes!(changes::changes))
        .routes(routes!(all_changes::all_changes))
        .routes(routes!(consumers::read, consumers::acknowledge, consumers::end))
        .routes(routes!(tokens::list, tokens::make))
        .routes(routes!(tokens::revoke))
        .routes(routes!(deliver::endpoints::list, deliver::endpoints::make))
        .routes(routes!(
            deliver::endpoints::read,
            deliver::endpoints::put,
            deliver::endpoints::delete
        ))
        .routes(routes!(deliver::deliveries::deliveries))
        .routes(routes!(deliver::deliveries::replay))
        .routes(routes!(deliver::deliveries::enable))
        .routes(routes!(connect::list, connect::make))
        .routes(routes!(connect::revoke))
        .routes(routes!(intents::list))
        .routes(routes!(intents::resolve))
        .routes(routes!(audit::routes::page))
        .split_for_parts()
}

fn app(served: Arc<Served>, gate: Arc<Gate>) -> Router {
    let (routes, document) = routes();
    let document = openapi::finished(&document);
    let pages = Pages {
        served: Arc::clone(&served),
        console: Arc::clone(&gate.console),
        access: gate.access.clone(),
    };
    let connecting = ConnectPages::new(Arc::clone(&served), gate.is_secure);
    routes
        .route(ROUTE, post(commands::run))
        .route(&format!("{ROUTE}/{{question}}"), post(commands::answer))
        .route("/hooks/{connection}/{part}", post(hooks::receive))
        .route("/openapi.json", get(move || async move { Json(document) }))
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn_with_state(Arc::clone(&served), repeats::once))
        .with_state(served)
        .merge(console::routes(pages))
        .merge(connect::routes(connecting))
        .layer(from_fn_with_state(gate, admitted))
}

async fn no_such_route() -> Problem {
    Problem::new(ProblemType::NoSuchRoute, "GET /openapi.json lists the routes")
}

async fn no_such_method() -> Problem {
    Problem::new(ProblemType::MethodNotAllowed, "GET /openapi.json lists the methods of the route")
}

struct Gate {
    served: Arc<Served>,
    /// Browsers reach this server through TLS alone.
    is_secure: bool,
    access: Current,
    console: Arc<Console>,
    requests: Semaphore,
}

/// Admits a request to the API or to a page, or refuses it.
async fn admitted(
    State(gate): State<Arc<Gate>>,
    Extension(door): Extension<Door>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    if !console::has(path) && !connect::has(path) {
        return to_api(&gate, door, request, next).await;
    }
    let mut response = to_page(&gate, door, request, next).await;
    document::confine(response.headers_mut());
    response
}

async fn to_api(gate: &Gate, door: Door, mut request: Request, next: Next) -> Response {
    let (method, path) = (request.method(), request.uri().path());
    let caller = match gate.access.get().admit(door, method, path, request.headers()) {
        Ok(caller) => caller,
        Err(problem) => {
            let who = gate.access.get().name_of(request.headers());
            let by = if who.is_some() { By::Token } else { By::Stranger };
            let (kind, what) = (request::kind(&request), problem.what());
            request::refused(&gate.served, kind, (by, who.as_deref()), what);
            body::discard(request.into_body()).await;
            return problem.into_response();
        }
    };
    let name = caller.name.clone();
    let by = match (door, caller.token()) {
        (Door::Socket, _) => By::Socket,
        (Door::Tcp(_), Some(_)) => By::Token,
        (Door::Tcp(_), None) => By::Local,
    };
    let sender = Sender { by, who: caller.token().map(str::to_owned) };
    drop(request.extensions_mut().insert(caller));
    match gate.served(&name, sender, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn to_page(gate: &Gate, door: Door, request: Request, next: Next) -> Response {
    let kind = request::kind(&request);
    let entered = console::admitted(&gate.console, &gate.access.get(), door, request).await;
    let entered = match entered {
        Ok(entered) => entered,
        Err((Sender { by, who }, answer)) => {
            if let Some(problem) = answer.extensions().get::<ProblemType>() {
                request::refused(&gate.served, kind, (by, who.as_deref()), *problem);
            }
            return answer;
        }
    };
    let by = if entered.is_known { By::Console } else { By::Stranger };
    let sender = Sender { by, who: entered.token };
    let mut response = match gate.served(&entered.who, sender, entered.request, next).await {
        Ok(response) => response,
        Err(problem) => console::refused(problem),
    };
    if let Some(cookie) = entered.cookie {
        drop(response.headers_mut().insert(header::SET_COOKIE, cookie));
    }
    response
}

impl Gate {
    /// Answers an admitted request, or refuses it when too many are under way.
    async fn served(
        &self,
        who: &str,
        sender: Sender,
        mut request: Request,
        next: Next,
    ) -> Result<Response, Problem> {
        let (method, path): (Method, String) =
            (request.method().clone(), request.uri().path().to_owned());
        for part in path.split('/') {
            let part = percent_encoding::percent_decode_str(part).decode_utf8();
            if part.is_ok_and(|part| part.len() <= body::WORD_BYTES_MAX) {
                continue;
            }
            let max = body::WORD_BYTES_MAX;
            let detail = format!("a part of the path is UTF-8 of at most {max} bytes");
            return Err(Problem::invalid("path", detail));
        }
        // A feed waits for changes and holds next to nothing; `/livez` must be answered
        // under any load.
        let is_free = path == "/livez"
            || path == "/readyz"
            || path == "/v1/changes"
            || access::is_below(&path, &["changes"])
            || path.starts_with(ROUTE)
            || path.starts_with(hooks::PREFIX);
        let place = (!is_free).then(|| self.requests.try_acquire()).transpose();
        let Ok(_place) = place else {
            body::discard(request.into_body()).await;
            let detail = format!("{REQUESTS_MAX} requests are under way; try it again");
            return Err(Problem::new(ProblemType::Busy, detail));
        };
        let act = match request::enter(&self.served, sender, &mut request).await {
            Ok(act) => act,
            Err(problem) => {
                body::discard(request.into_body()).await;
                return Err(problem);
            }
        };
        let mut response = next.run(request).await;
        if let Some(act) = act {
            response = act.leave(&self.served, response).await;
        }
        let status = response.status().as_u16();
        // The rest of these paths is a secret.
        let path = match path.as_str() {
            path if connect::has(path) => "/connect",
            path if path.starts_with(hooks::PREFIX) => "/hooks",
            path => path,
        };
        let id = response.headers().get(request::REQUEST).and_then(|id| id.to_str().ok());
        tracing::debug!(caller = %who, %method, path, status, id, "request");
        Ok(response)
    }
}
