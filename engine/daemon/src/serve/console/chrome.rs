//! The frame of the console's pages: name, user, and the parts of a connection.

use super::show::{AUDIT, ENDPOINTS, at, brand};
use super::visitor::Visitor;
use crate::config::serve::Scope;
use crate::serve::access::SignedIn;
use crate::serve::html::document::Document;
use crate::serve::paths::SIGN_OUT;
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};

/// The part of a connection that a page shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Overview,
    Intents,
    Records,
    Feed,
}

const PARTS: [(Part, &str, &str); 4] = [
    (Part::Overview, "", "Overview"),
    (Part::Intents, "/intents", "In doubt"),
    (Part::Records, "/records", "Records"),
    (Part::Feed, "/feed", "Feed"),
];

fn header(visitor: &Visitor) -> Markup {
    html! {
        header.top {
            (brand())
            div.user {
                @if visitor.caller.has(Scope::Admin) && !visitor.caller.is_limited() {
                    a href=(ENDPOINTS) { "Webhooks" }
                    a href=(AUDIT) { "Audit log" }
                }
                @match visitor.session.user {
                    SignedIn::Locally => span { "No sign-in needed on this machine" },
                    SignedIn::With(_) => {
                        span {
                            (visitor.caller.name) " "
                            span.scope { (visitor.caller.scope().word()) }
                        }
                        (visitor.form(SIGN_OUT, html! {
                            button.quiet type="submit" { "Sign out" }
                        }))
                    }
                }
            }
        }
    }
}

/// A page that is not about one connection.
pub(super) fn page(visitor: &Visitor, title: &str, main: Markup) -> Response {
    Document { title, header: header(visitor), main }.respond(StatusCode::OK)
}

/// A page about a connection.
pub(super) fn page_of(
    visitor: &Visitor,
    connection: &str,
    part: Part,
    title: &str,
    main: Markup,
) -> Response {
    let whole = format!("{title} · {connection}");
    let header = html! {
        (header(visitor))
        nav.parts aria-label="Connection" {
            a.up href="/console" { "Connections" }
            span.of { (connection) }
            ul {
                @for (one, path, name) in PARTS {
                    li {
                        @let current = (one == part).then_some("page");
                        a href={ (at(connection)) (path) } aria-current=[current] { (name) }
                    }
                }
            }
        }
    };
    Document { title: &whole, header, main }.respond(StatusCode::OK)
}
