//! A request and its entry: begun when the request is admitted, ended with its answer.

use super::act::{self, Act, Kind};
use super::deed::{Actor, Deed};
use super::entry::{By, Outcome};
use super::parameters;
use crate::serve::problem::{Problem, ProblemType};
use crate::serve::served::Served;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use std::collections::BTreeMap;

/// The id of a request, in its answer.
pub(in crate::serve) const REQUEST: HeaderName = HeaderName::from_static("x-request-id");
/// Says that an answer is that of an earlier request.
pub(in crate::serve) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// The parameters of paths that say what an act is about.
const TARGETS: [&str; 6] = ["intent", "name", "link", "endpoint", "consumer", "job"];

/// Who sent it: how they are known, and by which name.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Sender {
    pub(in crate::serve) by: By,
    pub(in crate::serve) who: Option<String>,
}

/// What a request is.
pub(in crate::serve) fn kind(request: &Request) -> Kind {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    act::of(request.method(), route)
}

/// Counts a request that was refused before it reached its route.
pub(in crate::serve) fn refused(
    served: &Served,
    kind: Kind,
    sender: (By, Option<&str>),
    problem: ProblemType,
) {
    match kind {
        Kind::Act(what) | Kind::Handled(what) => served.refusals.count(what, sender, problem),
        Kind::None => {}
    }
}

/// An act that is under way.
pub(in crate::serve) struct Entered {
    deed: Deed,
    parameters: BTreeMap<String, String>,
    sender: Sender,
}

/// Whether the configuration that runs has a connection.
pub(in crate::serve) fn is_there(served: &Served, name: &str) -> bool {
    served.opened().is_some_and(|opened| {
        let config = &opened.config;
        config.connections.contains_key(name) || config.refused.contains_key(name)
    })
}

/// Begins the entry of a request, and gives the request its [`Deed`]; none for one that is no act.
///
/// # Errors
/// When the entry cannot be written.
pub(in crate::serve) async fn enter(
    served: &Served,
    sender: Sender,
    request: &mut Request,
) -> Result<Option<Entered>, Problem> {
    let (what, is_handled) = match kind(request) {
        Kind::None => return Ok(None),
        Kind::Act(what) => (what, false),
        Kind::Handled(what) => (what, true),
    };
    let deed = Deed::new(&served.audit, what);
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let parameters = parameters::of(route.unwrap_or_default(), request.uri().path());
    if let Some(target) = TARGETS.iter().find_map(|name| parameters.get(*name)) {
        deed.about(target);
    }
    if !is_handled {
        begin(served, &deed, &parameters, &sender).await?;
    }
    drop(request.extensions_mut().insert(deed.clone()));
    Ok(Some(Entered { deed, parameters, sender }))
}

async fn begin(
    served: &Served,
    deed: &Deed,
    parameters: &BTreeMap<String, String>,
    sender: &Sender,
) -> Result<(), Problem> {
    let engine = served.running()?.engine;
    let connection = parameters.get("connection").filter(|name| is_there(served, name));
    let actor = Actor {
        by: sender.by,
        who: sender.who.as_deref(),
        connection: connection.map(String::as_str),
        key: parameters.get("key").map(String::as_str),
    };
    deed.begin(&engine, actor).await
}

impl Entered {
    /// Ends the entry as its answer says. Returns the answer, with the id of the request.
    pub(in crate::serve) async fn leave(self, served: &Served, answer: Response) -> Response {
        let Self { deed, parameters, sender } = self;
        let problem = answer.extensions().get::<ProblemType>().copied();
        let status = answer.status();
        let is_refused = problem.is_some() || status.is_client_error() || status.is_server_error();
        if !deed.is_settled() {
            if is_refused {
                let problem = problem.unwrap_or(ProblemType::Invalid);
                let who = (sender.by, sender.who.as_deref());
                served.refusals.count(deed.what(), who, problem);
                return answer;
            }
            // No handler began it: the entry is written all the same.
            if let Err(problem) = begin(served, &deed, &parameters, &sender).await {
                return problem.into_response();
            }
        }
        let mut answer = answer;
        if let Ok(id) = HeaderValue::from_str(&deed.request()) {
            drop(answer.headers_mut().insert(REQUEST, id));
        }
        if deed.is_kept() && !is_refused {
            return answer;
        }
        if let Some(name) = parameters.get("connection").filter(|name| is_there(served, name)) {
            deed.at(name);
        }
        let outcome = match is_refused {
            true => Outcome::Refused,
            false if answer.headers().contains_key(REPLAYED) => Outcome::Replayed,
            false => Outcome::Done,
        };
        match deed.end(outcome, problem).await {
            Ok(()) => answer,
            Err(problem) => problem.into_response(),
        }
    }
}

/// Does what a signal asked for, with its entry. It is done also where the entry cannot be written:
/// the log of the program says so.
pub(crate) async fn by_signal<T, E>(
    served: &Served,
    what: Act,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let deed = Deed::new(&served.audit, what);
    if let Some(opened) = served.opened().filter(|_| served.audit.head().is_some()) {
        let actor = Actor { by: By::Signal, who: None, connection: None, key: None };
        drop(deed.begin(&opened.engine, actor).await);
    }
    let done = work.await;
    let (outcome, problem) = match &done {
        Ok(_) => (Outcome::Done, None),
        Err(_) => (Outcome::Refused, Some(ProblemType::Configuration)),
    };
    drop(deed.end(outcome, problem).await);
    done
}
