//! Signing in with a token, and out.
//!
//! The token is compared as the API does, and is not kept: a session holds its hash. The answer to
//! a wrong one is the same as to none. Left out: a limit on attempts; a token has at least 128
//! bits.

use super::refused::Refused;
use super::show::brand;
use super::state::Pages;
use super::visitor::Visitor;
use crate::serve::audit::deed::{Actor, Deed};
use crate::serve::audit::entry::By;
use crate::serve::html::document::Document;
use crate::serve::html::form::Form;
use crate::serve::paths::SIGN_IN;
use crate::serve::problem::{Problem, ProblemType};
use axum::Extension;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;
use serde::Deserialize;

/// The form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Given {
    token: String,
}

/// Shows the form; leads on where no token is needed.
pub(super) async fn page(State(pages): State<Pages>) -> Response {
    if pages.access.get().has_tokens() {
        asked(None)
    } else {
        Redirect::to("/console").into_response()
    }
}

fn asked(refused: Option<&str>) -> Response {
    let header = html! { header.top { (brand()) } };
    let main = html! {
        div.narrow {
            h1 { "Sign in" }
            @if let Some(why) = refused { p.note.bad #refused role="alert" { (why) } }
            form method="post" action=(SIGN_IN) {
                label for="token" { "Token" }
                input #token name="token" type="password" autocomplete="current-password" required
                    autofocus spellcheck="false" aria-describedby=[refused.map(|_| "refused")];
                button.main type="submit" { "Sign in" }
            }
            p.muted {
                "A token of the table " code { "[serve.tokens]" } " in the configuration. The "
                "session lasts eight hours, or until you sign out."
            }
        }
    };
    let status = if refused.is_some() { StatusCode::FORBIDDEN } else { StatusCode::OK };
    let mut response = Document { title: "Sign in", header, main }.respond(status);
    if refused.is_some() {
        ProblemType::Unauthenticated.mark(&mut response);
    }
    response
}

/// Begins a session.
pub(super) async fn sign_in(
    State(pages): State<Pages>,
    Extension(deed): Extension<Deed>,
    form: Result<Form<Given>, Problem>,
) -> Result<Response, Refused> {
    let Form(Given { token }) = form?;
    let access = pages.access.get();
    let Some(user) = access.sign_in(&token) else {
        return Ok(asked(Some("This is no token of this server.")));
    };
    let caller = access.caller_of(user);
    let who = caller.as_ref().and_then(|caller| caller.token());
    let actor = Actor { by: By::Console, who, connection: None, key: None };
    deed.begin(&pages.served.running()?.engine, actor).await?;
    let (_, cookie) = pages.console.sessions.begin(user).map_err(Problem::from)?;
    let mut response = Redirect::to("/console").into_response();
    drop(response.headers_mut().insert(header::SET_COOKIE, cookie));
    Ok(response)
}

/// Ends the session.
pub(super) async fn sign_out(State(pages): State<Pages>, visitor: Visitor) -> Response {
    let cookie = pages.console.sessions.end(&visitor.session);
    let mut response = Redirect::to(SIGN_IN).into_response();
    drop(response.headers_mut().insert(header::SET_COOKIE, cookie));
    response
}
