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
//! times in [`body`] and [`listen`]. Left out: TLS, which a proxy ends.

pub(crate) mod access;
mod all_changes;
mod body;
mod caller;
mod changes;
mod commands;
mod connections;
mod consumers;
mod desired;
mod health;
mod hooks;
mod intents;
mod known_tokens;
mod listen;
mod local;
mod making;
mod metrics;
mod operations;
mod problem;
mod records;
mod repeat_keys;
mod repeats;
mod served;
mod tally;
mod tasks;
mod tokens;

pub(crate) use served::{Reloaded, Served};

use crate::config::Config;
use crate::relay::ROUTE;
use access::{Access, Door};
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use listen::Listeners;
use problem::{Problem, ProblemType};
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use utoipa::OpenApi;
use utoipa::openapi::Ref;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Requests at once. Each holds a body of a megabyte at most, a batch 32.
const REQUESTS_MAX: usize = 128;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "atsync",
        description = "Keeps hiring data in step with Applicant Tracking Systems. Every refusal is \
            a problem document (RFC 9457) whose `type` is stable.",
        license(name = "MIT OR Apache-2.0")
    ),
    components(schemas(problem::ProblemDocument), responses(problem::ProblemDocument))
)]
struct Document;

/// Says in each operation that any other status comes with a problem document.
fn add_refusals(document: &mut utoipa::openapi::OpenApi) {
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            let refusal = Ref::from_response_name("ProblemDocument");
            drop(operation.responses.responses.insert("default".to_owned(), refusal.into()));
        }
    }
}

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
        // Only callers of the address have tokens.
        let access = match address {
            Some(_) => Access::read(&config.serve, config.directory()).await?,
            None => Access::default(),
        };
        let has_address = address.is_some();
        let listeners = Listeners::bind(&config.store, address).await?;
        let (socket, address) = listeners.places();
        let places = match address {
            Some(address) => format!("{} and http://{address}", socket.display()),
            None => socket.display().to_string(),
        };
        let access = RwLock::new(Arc::new(access));
        let requests = Semaphore::new(REQUESTS_MAX);
        let gate = Arc::new(Gate { served: Arc::clone(served), access, requests });
        let (stop, stopped) = watch::channel(false);
        let app = app(Arc::clone(served), Arc::clone(&gate));
        let task = tasks::spawn(listeners.serve(app, stopped));
        Ok(Self { served: Arc::clone(served), gate, has_address, stop, task, places })
    }

    /// Reads the tokens of a configuration that was read again.
    ///
    /// # Errors
    /// A sentence that names the token; then the known ones stay.
    pub(crate) async fn reread(&self, config: &Config) -> Result<(), String> {
        if self.has_address {
            let access = Arc::new(Access::read(&config.serve, config.directory()).await?);
            *self.gate.access.write().unwrap_or_else(PoisonError::into_inner) = access;
        }
        Ok(())
    }

    /// Accepts no request from now on, ends the streams, and waits for the requests under way.
    pub(crate) async fn stop(self) {
        self.served.stop();
        self.stop.send_replace(true);
        if self.task.await.is_err() {
            tracing::error!("the HTTP server ended by a panic, which is a bug in atsync");
        }
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
        .routes(routes!(connections::status))
        .routes(routes!(connections::check))
        .routes(routes!(connections::pull))
        .routes(routes!(connections::sweep))
        .routes(routes!(connections::plan))
        .routes(routes!(connections::apply))
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
        .routes(routes!(intents::list))
        .routes(routes!(intents::resolve))
        .split_for_parts()
}

fn app(served: Arc<Served>, gate: Arc<Gate>) -> Router {
    let (routes, mut document) = routes();
    add_refusals(&mut document);
    routes
        .route(ROUTE, post(commands::run))
        .route(&format!("{ROUTE}/{{question}}"), post(commands::answer))
        .route("/hooks/{connection}/{part}", post(hooks::receive))
        .route("/openapi.json", get(move || async move { Json(document) }))
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn_with_state(Arc::clone(&served), repeats::once))
        .with_state(served)
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
    access: RwLock<Arc<Access>>,
    requests: Semaphore,
}

impl Gate {
    fn access(&self) -> Arc<Access> {
        Arc::clone(&self.access.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Admits a request, or refuses it.
async fn admitted(
    State(gate): State<Arc<Gate>>,
    Extension(door): Extension<Door>,
    mut request: Request,
    next: Next,
) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let caller =
        match gate.access().admit(door, &method, &path, request.headers(), &gate.served.tokens) {
            Ok(caller) => caller,
            Err(problem) => return problem.into_response(),
        };
    // A feed waits for changes and holds next to nothing; `/livez` must be answered
    // under any load.
    let is_free = path == "/livez"
        || path.ends_with("/changes")
        || path.starts_with(ROUTE)
        || path.starts_with(hooks::PREFIX);
    let place = (!is_free).then(|| gate.requests.try_acquire()).transpose();
    let _place = match place {
        Ok(place) => place,
        Err(_) => {
            return Problem::new(
                ProblemType::Busy,
                format!("{REQUESTS_MAX} requests are under way; try it again"),
            )
            .into_response();
        }
    };
    let name = caller.name.clone();
    request.extensions_mut().insert(caller);
    let response = next.run(request).await;
    tracing::debug!(caller = %name, %method, path, status = response.status().as_u16(), "request");
    response
}
