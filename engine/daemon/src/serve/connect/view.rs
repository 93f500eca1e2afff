//! The markup of the connect pages, in the words of an administrator.

use super::guide::Webhooks;
use super::link::{Checked, Link, Missing};
use super::trouble::Trouble;
use crate::config::scheme::Scheme;
use crate::serve::html::document::{Document, Look};
use crate::serve::html::form;
use crate::words::{count, time};
use atsync::Secret;
use atsync::model::manifest::{Manifest, Permission};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};

/// A page of a link, with the host's look.
fn page(link: &Link, at: &str, (status, title): (StatusCode, &str), main: Markup) -> Response {
    let theme = link.theme.as_ref();
    let header = html! {
        header.top {
            span.brand {
                @if theme.is_some_and(|theme| theme.logo.is_some()) {
                    img.logo src={ (at) "/logo" } alt="";
                }
                (link.host())
            }
        }
    };
    let style = theme.and_then(|theme| theme.colour.as_ref()).map(|_| format!("{at}/theme.css"));
    let look = Look { name: link.host(), style: style.as_deref() };
    let main = html! { div.reading { (main) } };
    Document { title, header, main }.respond_as(look, status)
}

/// A refusal, which has no link.
pub(super) fn refusal(status: StatusCode, title: &str, text: &str) -> Response {
    let main = html! {
        div.narrow {
            h1 { (title) }
            p { (text) }
        }
    };
    let header = html! { header.top { span.brand { "Connect" } } };
    Document { title, header, main }.respond(status)
}

/// What there is to do. `scheme` is that of a credential that a customer can make.
pub(super) fn start(
    link: &Link,
    (at, proof): (&str, &str),
    (manifest, scheme): (&Manifest, Option<Scheme>),
    trouble: Option<Trouble>,
) -> Response {
    let (ats, host) = (manifest.title.as_str(), link.host());
    let credential = scheme.map(|scheme| credential(at, proof, ats, scheme));
    let main = html! {
        h1 { "Connect " (ats) " to " (host) }
        @if let Some(trouble) = trouble {
            p.note.bad #trouble role="alert" { (trouble.text(ats)) }
        }
        @if link.client.is_some() {
            p.lead {
                "You allow " (host) " to use the data of your " (ats) " account that is listed "
                "below. An administrator of the account has to do it, who may see all of it."
            }
            section aria-labelledby="consent" {
                h2 #consent { "Allow it in " (ats) }
                p {
                    "You go to " (ats) ", sign in there, and choose to allow it. Then you come "
                    "back here, and see whether anything is missing."
                }
                (form::form(&format!("{at}/consent"), proof, html! {
                    button.main type="submit" { "Begin" }
                }))
            }
            (permissions(manifest, "What is asked for", html! {
                p {
                    "The names are those of " (ats) ". What cannot be granted by allowing it is "
                    "listed on the next page, if it is missing."
                }
            }, ""))
            @if let Some(credential) = credential {
                section aria-labelledby="own" {
                    h2 #own { "Another way" }
                    details open[trouble == Some(Trouble::Refused)] {
                        summary { "Use a credential that you made in " (ats) }
                        (credential)
                    }
                }
            }
        } @else if let Some(credential) = credential {
            p.lead {
                "It takes a few minutes: make a credential in " (ats) ", grant its permissions, "
                "and paste it here. You have to be an administrator of the account."
            }
            (permissions(manifest, &format!("1. In {ats}"), html! {}, "Go to "))
            section aria-labelledby="paste" {
                h2 #paste { "2. Paste the credential" }
                (credential)
            }
            section aria-labelledby="next" {
                h2 #next { "3. See what is missing" }
                p { "The next page lists it, with where to grant it. You can check again there." }
            }
        } @else {
            p { "This link cannot be used. Ask whoever sent it for a new one." }
        }
    };
    let title = format!("Connect {ats}");
    let status = match trouble {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    page(link, at, (status, &title), main)
}

fn credential(at: &str, proof: &str, ats: &str, scheme: Scheme) -> Markup {
    let is_client = scheme == Scheme::ClientCredentials;
    form::form(
        &format!("{at}/credential"),
        proof,
        html! {
            @if is_client {
                label for="client_id" { "Client ID" }
                input #client_id name="client_id" type="text" required autocomplete="off"
                    spellcheck="false" autocapitalize="none" maxlength="1000";
            }
            label for="secret" { @if is_client { "Client secret" } @else { "Key" } }
            input #secret name="secret" type="password" required autocomplete="off"
                spellcheck="false" maxlength="8000" aria-describedby="kept";
            p.muted.under-input #kept {
                "It is tried at " (ats) " first, stored encrypted, and never shown again."
            }
            button.main type="submit" { "Connect" }
        },
    )
}

/// Where permissions are granted, in the order of the manifest, with theirs.
fn places(manifest: &Manifest) -> Vec<(&str, Vec<&Permission>)> {
    let mut places: Vec<(&str, Vec<&Permission>)> = Vec::new();
    for permission in &manifest.permissions {
        match places.iter_mut().find(|(place, _)| *place == permission.grant_at) {
            Some((_, of_it)) => of_it.push(permission),
            None => places.push((&permission.grant_at, vec![permission])),
        }
    }
    places
}

/// The permissions by place; `verb` is before each place.
fn permissions(manifest: &Manifest, title: &str, lead: Markup, verb: &str) -> Markup {
    html! {
        section aria-labelledby="permissions" {
            h2 #permissions { (title) }
            (lead)
            ol.steps {
                @for (place, of_it) in places(manifest) {
                    li {
                        p { (verb) strong { (place) } }
                        (named("Required", &of_it, false))
                        (named("Optional: each adds something", &of_it, true))
                    }
                }
            }
        }
    }
}

fn named(what: &str, all: &[&Permission], optional: bool) -> Markup {
    let of_it: Vec<&&Permission> = all.iter().filter(|one| one.optional == optional).collect();
    html! {
        @if !of_it.is_empty() {
            details open[!optional] {
                summary { (what) " (" (of_it.len()) ")" }
                ul.plain {
                    @for one in of_it {
                        li {
                            (one.label) " " code { (one.id) }
                            @if optional { p.muted { "Without it: " (one.without_it) } }
                        }
                    }
                }
            }
        }
    }
}

/// The way to the ATS.
pub(super) fn to_the_ats(link: &Link, at: &str, ats: &str, url: &Secret) -> Response {
    let main = html! {
        h1 { "Continue in " (ats) }
        p.lead {
            "Sign in to " (ats) " as an administrator, and choose to allow it. The way there is "
            "good for ten minutes."
        }
        p { a.button href=(url.expose()) { "Continue to " (ats) } }
        p { a href=(at) { "Back" } }
    };
    page(link, at, (StatusCode::OK, &format!("Continue in {ats}")), main)
}

/// What a check found.
pub(super) fn checked(
    link: &Link,
    (at, proof): (&str, &str),
    checked: &Checked,
    webhooks: Option<&Webhooks>,
) -> Response {
    let of = |optional: bool| checked.missing.iter().filter(move |one| one.optional == optional);
    let required = of(false).count() as u64;
    let again = |class: &str| {
        form::form(
            &format!("{at}/check"),
            proof,
            html! { button class=(class) type="submit" { "Check again" } },
        )
    };
    let main = html! {
        @if required == 0 {
            h1 { "The connection works" }
            p.lead { span.badge.good { "complete" } " Nothing that is required is missing." }
            div.row {
                (form::form(&format!("{at}/finish"), proof, html! {
                    button.main type="submit" { "Finish" }
                }))
                @if !checked.missing.is_empty() { (again("quiet")) }
            }
        } @else {
            h1 { "Something is missing" }
            p.lead {
                span.badge.bad { "incomplete" } " The credential is good, and "
                (count(required, "required permission"))
                @if required == 1 { " is" } @else { " are" } " missing. Grant it, and check again."
            }
            (again("main"))
        }
        @if required > 0 { (table("Required", of(false))) }
        @if of(true).count() > 0 {
            (table("Optional: grant what you want to use", of(true)))
        }
        @if let Some(webhooks) = webhooks.filter(|_| required == 0) {
            (webhooks.section(link.host()))
        }
        p.muted {
            (count(checked.granted, "permission")) " granted"
            @if checked.unknown > 0 {
                ", " (checked.unknown) " that only a change can show"
            }
            "; checked at " (time(checked.at_ms).replace('T', " ").replace('Z', " UTC")) "."
        }
        p { a href={ (at) "?why=another" } { "Use another credential" } }
    };
    let title = if required == 0 { "The connection works" } else { "Something is missing" };
    page(link, at, (StatusCode::OK, title), main)
}

fn table<'a>(title: &str, missing: impl Iterator<Item = &'a Missing>) -> Markup {
    html! {
        section {
            h2 { (title) }
            table.stack {
                caption.hidden { (title) }
                thead {
                    tr {
                        th scope="col" { "Permission" }
                        th scope="col" { "Where to grant it" }
                        th scope="col" { "Without it" }
                    }
                }
                tbody {
                    @for one in missing {
                        tr {
                            th scope="row" data-label="Permission" {
                                (one.label) br; code { (one.permission) }
                            }
                            td data-label="Where to grant it" {
                                p { (one.grant_at) }
                                p.muted { (one.detail) }
                            }
                            td data-label="Without it" { (one.without_it) }
                        }
                    }
                }
            }
        }
    }
}

/// The link was used up by this browser.
pub(super) fn done(link: &Link, at: &str) -> Response {
    let main = html! {
        h1 { "Connected" }
        p.lead { span.badge.good { "done" } " You can close this page. The link is used up." }
        @if let Some(url) = &link.return_url {
            p { a.button href=(url) { "Back to " (link.host()) } }
        }
    };
    page(link, at, (StatusCode::OK, "Connected"), main)
}
