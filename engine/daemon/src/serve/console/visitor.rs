//! The user who looks at a page, and the forms that they may send.

use super::refused::Refused;
use crate::config::serve::Scope;
use crate::serve::access::SignedIn;
use crate::serve::caller::Caller;
use crate::serve::html::form;
use crate::serve::html::session::Session;
use crate::serve::problem::{Problem, ProblemType};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use maud::{Markup, html};

/// The user of a page. [`super::gate`] puts it into each request that needs one.
#[derive(Clone, Debug)]
pub(super) struct Visitor {
    pub(super) caller: Caller,
    pub(super) session: Session<SignedIn>,
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        let none = || Problem::new(ProblemType::Unauthenticated, "Sign in first.");
        Ok(parts.extensions.get::<Self>().cloned().ok_or_else(none)?)
    }
}

impl Visitor {
    /// A form that changes something.
    pub(super) fn form(&self, action: &str, fields: Markup) -> Markup {
        form::form(action, self.session.form_value(), fields)
    }

    /// A form for a user with this scope; for others, what they need.
    pub(super) fn form_for(&self, needed: Scope, action: &str, fields: Markup) -> Markup {
        if self.caller.has(needed) {
            return self.form(action, fields);
        }
        html! { p.muted { "This needs a token with the scope " code { (needed.word()) } "." } }
    }
}
