//! The connect page: an administrator of a customer connects their ATS, by a consent or by the
//! credential that they made there.
//!
//! A host makes a link ([`links`]), and sends the customer to it. The page says what to do in the
//! ATS, takes the credential or leads to the consent, checks what the connection may do, and lists
//! what is missing with where to grant it, as often as it takes. It is complete when nothing that
//! is required is missing; then the link is used up.
//!
//! Nothing of the console is reachable from here: a link's token is no session, and the only thing
//! that a link can change is the credential of its connection ([`link`]). What is needed between
//! two requests is in the store, so a restart does not lose it, but for a consent that is under way
//! ([`begun`]).
//!
//! Every page works without a script. Left out: other connections and adapters than the link names.

mod begun;
mod browser;
mod check;
mod colour;
mod consent;
mod fitting;
mod give;
mod guide;
mod link;
mod links;
mod page;
mod refused;
mod state;
mod theme;
mod trouble;
mod view;
mod visit;
mod webhooks;

pub(super) use links::{__path_list, __path_make, __path_revoke, list, make, revoke};
pub(super) use state::ConnectPages;

use crate::config::client::CALLBACK;
use axum::Router;
use axum::routing::{get, post};

/// Whether a path is one of these pages.
pub(super) fn has(path: &str) -> bool {
    path.starts_with("/connect/")
}

/// The routes.
pub(super) fn routes(pages: ConnectPages) -> Router {
    let of = |rest: &str| format!("/connect/{{token}}{rest}");
    Router::new()
        .route(CALLBACK, get(consent::callback))
        .route(&of(""), get(page::page))
        .route(&of("/theme.css"), get(page::style))
        .route(&of("/logo"), get(page::logo))
        .route(&of("/credential"), post(give::credential))
        .route(&of("/consent"), get(consent::page).post(consent::begin))
        .route(&of("/check"), post(check::check))
        .route(&of("/finish"), post(check::finish))
        .route(&of("/{*rest}"), get(page::nothing))
        .route("/connect/", get(page::nothing))
        .method_not_allowed_fallback(page::nothing)
        .with_state(pages)
}
