//! `/authorize`: the page on which a user allows a partner some scopes, and the redirect back.
//!
//! GET shows the page, POST takes its form. The form carries the whole request again and every
//! check runs again, so the sandbox keeps no state between the two, and a test may post the form
//! without ever reading the page. Nothing is sent to a redirect URI that is not registered
//! (RFC 6749 §4.1.2.1); everything else that is wrong goes there as `error`, with the state.
//! Sources: harvest-v3.md §2.3 (D-partner, D-help, AB PR #86428) and §2.7. Bound:
//! [`REQUEST_BYTES_MAX`]. Left out: sign-in, so the form asks who the user is; a session, and with
//! it protection against a forged form.

use std::collections::BTreeSet;

use atsync_sandbox::{Answer, Params, Repeated, Request};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::codes::{self, Binding};
use super::page::{self, ConsentPage};
use super::{ActsAs, Choice, PartnerClient, Partners};
use crate::model::Model;
use crate::quirks::Quirks;
use crate::schema::Kind;
use crate::{Pkce, RefusedScope};

/// The longest query or form. The real limit is unknown; this one is usual.
const REQUEST_BYTES_MAX: usize = 32 * 1024;
/// The parameters of the request, which the form carries.
const PARAMETERS: &[&str] = &[
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
];
/// What a value in a query keeps: the unreserved characters of RFC 3986.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The context of a request for consent.
pub(crate) struct AuthorizeContext<'a> {
    pub(crate) model: &'a Model,
    pub(crate) quirks: &'a Quirks,
    pub(crate) partners: &'a mut Partners,
}

/// An error that the redirect carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Error {
    InvalidRequest,
    UnsupportedResponseType,
    InvalidScope,
    AccessDenied,
}

impl Error {
    fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::AccessDenied => "access_denied",
        }
    }

    fn description(self) -> &'static str {
        match self {
            Self::InvalidRequest => "A parameter is missing, repeated or malformed.",
            Self::UnsupportedResponseType => "The response type is not supported.",
            Self::InvalidScope => "A requested scope is not registered for this client.",
            Self::AccessDenied => "The user denied the request.",
        }
    }
}

/// The end of a request without a consent page.
enum Stop {
    /// A page with status 400 and this text.
    Page(&'static str),
    Back(Back, Error),
}

impl Stop {
    fn answer(self) -> Answer {
        match self {
            Self::Page(text) => page::refusal(400, text),
            Self::Back(back, error) => back.error(error),
        }
    }
}

/// The way back to the partner: a registered redirect URI, and the state as it came.
struct Back {
    redirect_uri: String,
    state: Option<String>,
}

impl Back {
    fn error(&self, error: Error) -> Answer {
        self.with(&[("error", error.code()), ("error_description", error.description())])
    }

    fn with(&self, parameters: &[(&str, &str)]) -> Answer {
        let mut location = self.redirect_uri.clone();
        let state = self.state.as_deref().map(|state| ("state", state));
        for (name, value) in parameters.iter().copied().chain(state) {
            location.push(if location.contains('?') { '&' } else { '?' });
            location.push_str(name);
            location.push('=');
            location.extend(utf8_percent_encode(value, VALUE));
        }
        page::redirect(&location)
    }
}

/// A valid request for consent.
struct Asked {
    back: Back,
    client_id: String,
    client_name: String,
    scopes: BTreeSet<String>,
    challenge: Option<String>,
}

/// Answers GET and POST of `/authorize`.
pub(crate) fn serve(context: AuthorizeContext<'_>, request: &Request<'_>) -> Answer {
    let body = String::from_utf8_lossy(request.body);
    let text = match request.method {
        "GET" => request.query(),
        "POST" => body.as_ref(),
        _ => return page::refusal(405, "This page answers GET and POST."),
    };
    if text.len() > REQUEST_BYTES_MAX {
        return page::refusal(413, "The request is too long.");
    }
    let params = Params::read(&[text]);
    let asked = match Asked::read(&params, context.partners, context.quirks) {
        Ok(asked) => asked,
        Err(stop) => return stop.answer(),
    };
    let people = people(context.model);
    if request.method == "GET" {
        return show(&asked, &params, &people, None);
    }
    let choice = match params.one("decision") {
        Ok(Some("deny")) => return asked.back.error(Error::AccessDenied),
        Ok(Some("allow")) => choice(&params, &people, context.model.service_user_id),
        _ => Err("Choose Allow or Deny."),
    };
    match choice {
        Ok(choice) => {
            let to = Binding {
                client_id: asked.client_id,
                redirect_uri: asked.back.redirect_uri.clone(),
                challenge: asked.challenge,
            };
            let now_ms = context.model.now_ms;
            let code = context.partners.allow(choice, asked.scopes, to, now_ms);
            asked.back.with(&[("code", &code)])
        }
        Err(problem) => show(&asked, &params, &people, Some(problem)),
    }
}

impl Asked {
    fn read(params: &Params, partners: &Partners, quirks: &Quirks) -> Result<Self, Stop> {
        const UNKNOWN_CLIENT: Stop = Stop::Page("No partner has this client id.");
        const UNKNOWN_URI: Stop = Stop::Page("This redirect URI is not registered.");
        let client_id = params.one("client_id").ok().flatten().ok_or(UNKNOWN_CLIENT)?;
        let client = partners.client(client_id).ok_or(UNKNOWN_CLIENT)?;
        let uri = params.one("redirect_uri").ok().flatten().ok_or(UNKNOWN_URI)?;
        if !is_registered(client, uri) {
            return Err(UNKNOWN_URI);
        }
        let state = params.one("state").ok().flatten().map(str::to_owned);
        let back = Back { redirect_uri: uri.to_owned(), state };
        match Self::details(params, client, quirks) {
            Ok((scopes, challenge)) => Ok(Self {
                back,
                client_id: client.id.clone(),
                client_name: client.name.clone(),
                scopes,
                challenge,
            }),
            Err(Error::InvalidScope) if quirks.refused_scope == RefusedScope::Page => {
                Err(Stop::Page(Error::InvalidScope.description()))
            }
            Err(error) => Err(Stop::Back(back, error)),
        }
    }

    /// Reads the scopes and the code challenge.
    fn details(
        params: &Params,
        client: &PartnerClient,
        quirks: &Quirks,
    ) -> Result<(BTreeSet<String>, Option<String>), Error> {
        let one = |name: &str| params.one(name).map_err(|Repeated| Error::InvalidRequest);
        one("state")?;
        match one("response_type")? {
            Some("code") => {}
            Some(_) => return Err(Error::UnsupportedResponseType),
            None => return Err(Error::InvalidRequest),
        }
        let challenge = match quirks.pkce {
            Pkce::Checked => (one("code_challenge")?, one("code_challenge_method")?),
            Pkce::Ignored => (None, None),
        };
        let challenge = match challenge {
            (None, None) => None,
            (Some(text), Some("S256")) if codes::is_challenge(text) => Some(text.to_owned()),
            // Without a method the challenge would be the verifier itself (RFC 7636 §4.3).
            _ => return Err(Error::InvalidRequest),
        };
        let scopes: BTreeSet<String> = one("scope")?
            .unwrap_or_default()
            .split(' ')
            .filter(|scope| !scope.is_empty())
            .map(str::to_owned)
            .collect();
        if scopes.is_empty() || !scopes.is_subset(&client.scopes) {
            return Err(Error::InvalidScope);
        }
        Ok((scopes, challenge))
    }
}

/// Whether a client may be answered at a URI: it is registered exactly so, and fit for a redirect.
fn is_registered(client: &PartnerClient, uri: &str) -> bool {
    client.redirect_uris.iter().any(|registered| registered == uri)
        && uri.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
}

/// A user who may consent.
pub(super) struct Person {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) site_admin: bool,
}

/// Lists the active users, Site Admins first.
fn people(model: &Model) -> Vec<Person> {
    let person = |id: i64| Person {
        id,
        name: model.text(Kind::Users, id, "name").unwrap_or_default().to_owned(),
        site_admin: model.flag(Kind::Users, id, "site_admin"),
    };
    let mut people: Vec<Person> = model
        .rows(Kind::Users)
        .filter(|row| !row.special && !model.flag(Kind::Users, row.id, "deactivated"))
        .map(|row| person(row.id))
        .collect();
    people.sort_by_key(|person| (!person.site_admin, person.id));
    people
}

/// Reads who consents and as whom the partner acts; the error is for the user.
fn choice(params: &Params, people: &[Person], service: i64) -> Result<Choice, &'static str> {
    const UNKNOWN_USER: &str = "Choose an active user.";
    let user = match params.one("user_id").map_err(|Repeated| UNKNOWN_USER)? {
        None => people.first(),
        Some(text) => {
            let id = text.parse().ok();
            people.iter().find(|person| Some(person.id) == id)
        }
    };
    let user = user.ok_or(UNKNOWN_USER)?;
    let (acts_as, sub) = match params.one("acts_as") {
        Ok(Some("myself")) => (ActsAs::Myself, user.id),
        // Only a Site Admin is offered the service account (D-help).
        Ok(Some("service_account")) if !user.site_admin => {
            return Err("Only a Site Admin may choose the service account.");
        }
        Ok(Some("service_account")) => (ActsAs::ServiceAccount, service),
        _ => return Err("Choose as whom the integration acts."),
    };
    Ok(Choice { user_id: user.id, acts_as, sub })
}

fn show(asked: &Asked, params: &Params, people: &[Person], problem: Option<&str>) -> Answer {
    let value = |name: &'static str| Some((name, params.one(name).ok()??));
    page::consent(&ConsentPage {
        client_name: &asked.client_name,
        scopes: &asked.scopes,
        hidden: &PARAMETERS.iter().filter_map(|name| value(name)).collect::<Vec<_>>(),
        people,
        user_id: params.one("user_id").ok().flatten(),
        acts_as_user: params.one("acts_as") == Ok(Some("myself")),
        problem,
    })
}
