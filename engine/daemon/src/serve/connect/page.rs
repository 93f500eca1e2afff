//! The first page of a link, the page of what a check found, and the files of its look.

use super::refused::Refused;
use super::state::ConnectPages;
use super::trouble::Trouble;
use super::view;
use super::visit::Visit;
use super::webhooks;
use crate::serve::problem::{Problem, ProblemType};
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// Shows how far the link is.
pub(super) async fn page(
    State(pages): State<ConnectPages>,
    visit: Visit,
) -> Result<Response, Refused> {
    let link = &visit.found.link;
    let trouble = visit.why.as_deref().and_then(Trouble::read);
    let wants_another = visit.why.as_deref() == Some("another");
    let response = match &link.checked {
        _ if visit.is_done() => view::done(link, &visit.at()),
        Some(checked) if trouble.is_none() && !wants_another => {
            let webhooks = webhooks::of(&pages.served, &visit).await;
            let form = visit.browser.form_value();
            view::checked(link, (&visit.at(), &form), checked, webhooks.as_ref())
        }
        _ => start(&visit, trouble).await?,
    };
    Ok(visit.known_by(&pages, response))
}

/// Shows what there is to do, and what went wrong.
pub(super) async fn start(visit: &Visit, trouble: Option<Trouble>) -> Result<Response, Refused> {
    let link = &visit.found.link;
    let adapter = visit.opened.adapter(&link.adapter).await;
    let adapter =
        adapter.map_err(|why| Problem::new(ProblemType::Configuration, why.to_string()))?;
    let scheme = super::fitting::scheme(adapter.manifest());
    let proof = visit.browser.form_value();
    let about = (adapter.manifest(), scheme);
    let mut response = view::start(link, (&visit.at(), &proof), about, trouble);
    if let Some(trouble) = trouble {
        trouble.problem().mark(&mut response);
    }
    Ok(response)
}

fn file(media: &'static str, bytes: Vec<u8>) -> Response {
    let mut response = bytes.into_response();
    drop(response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media)));
    response
}

/// The stylesheet of the host's colour.
pub(super) async fn style(visit: Visit) -> Response {
    let style = visit.found.link.theme.as_ref().and_then(super::theme::Theme::style);
    file("text/css; charset=utf-8", style.unwrap_or_default().into_bytes())
}

/// The host's logo.
pub(super) async fn logo(visit: Visit) -> Response {
    match visit.found.link.theme.as_ref().and_then(super::theme::Theme::logo) {
        Some(logo) => file(logo.media, logo.bytes),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// No page has the address.
pub(super) async fn nothing() -> Refused {
    Refused::Unknown
}
