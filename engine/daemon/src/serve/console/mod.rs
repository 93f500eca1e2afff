//! The operator's console of `atsync serve`: pages for the people who run it, in a browser.
//!
//! It shows the connections with their health, starts checks, pulls, sweeps and plans, shows a plan
//! before it is applied, takes the decision on a write in doubt, and shows the feed as it grows,
//! the deliveries of webhooks out and the audit log.
//! Every page works without the script, which only keeps the feed and running jobs fresh.
//!
//! A user signs in with a token of `[serve.tokens]`; without tokens the loopback address needs
//! none. [`gate`] asks `access` for each request, and refuses a form that its session did not show.
//! A change is answered with a redirect, so that a page can be loaded again. What runs longer than
//! a request is a job ([`jobs`]), which keeps its result for some minutes.
//!
//! Left out: changes of the configuration; the pages of a customer who connects an ATS.

mod audit;
mod changes;
mod checklist;
mod chrome;
mod connection;
mod connections;
mod endpoint;
mod endpoints;
mod explanation;
mod gate;
mod intent;
mod intents;
mod job;
mod jobs;
mod plan;
mod records;
mod refused;
mod report;
mod show;
mod sign_in;
mod state;
mod value;
mod visitor;

pub(super) use gate::admitted;
pub(super) use state::{Console, Pages};

use super::html::assets;
use super::paths::{SIGN_IN, SIGN_OUT};
use super::problem::{Problem, ProblemType};
use axum::Router;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use refused::Refused;

/// Whether a path is the console's, or a file that its pages load.
pub(super) fn has(path: &str) -> bool {
    ["/console", "/assets"].iter().any(|own| {
        path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// A refusal as a page.
pub(super) fn refused(problem: Problem) -> Response {
    Refused::from(problem).into_response()
}

/// The routes.
pub(super) fn routes(pages: Pages) -> Router {
    let of = |rest: &str| format!("/console/connections/{{connection}}{rest}");
    let mut routes = Router::new()
        .route("/console", get(connections::page))
        .route("/console/", get(async || Redirect::permanent("/console")))
        .route(SIGN_IN, get(sign_in::page).post(sign_in::sign_in))
        .route(SIGN_OUT, post(sign_in::sign_out))
        .route(show::AUDIT, get(audit::page))
        .route(show::ENDPOINTS, get(endpoints::page))
        .route("/console/webhooks/{endpoint}", get(endpoint::page))
        .route(
            "/console/webhooks/{endpoint}/replay",
            get(endpoint::confirm_replay).post(endpoint::replay),
        )
        .route(
            "/console/webhooks/{endpoint}/enable",
            get(endpoint::confirm_enable).post(endpoint::enable),
        )
        .route(&of(""), get(connection::page))
        .route(&of("/check"), post(job::check))
        .route(&of("/pull"), post(job::pull))
        .route(&of("/sweep"), post(job::sweep))
        .route(&of("/plan"), post(job::plan))
        .route(&of("/jobs/{job}"), get(job::page))
        .route(&of("/jobs/{job}/apply"), post(job::apply))
        .route(&of("/intents"), get(intents::page))
        .route(&of("/intents/{intent}"), get(intent::page))
        .route(&of("/intents/{intent}/decide"), get(intent::confirmation))
        .route(&of("/intents/{intent}/resolve"), post(intent::resolve))
        .route(&of("/records"), get(records::page))
        .route(&of("/record"), get(explanation::page))
        .route(&of("/feed"), get(changes::page))
        .route(&of("/changes"), get(changes::stream))
        .route("/console/{*rest}", get(no_such_page));
    for (path, file) in assets::routes() {
        routes = routes.route(path, file);
    }
    routes.method_not_allowed_fallback(no_such_method).with_state(pages)
}

async fn no_such_page() -> Refused {
    Problem::new(ProblemType::NoSuchRoute, "The address is wrong, or the page has moved.").into()
}

async fn no_such_method() -> Refused {
    Problem::new(ProblemType::MethodNotAllowed, "Use the buttons of the console.").into()
}
