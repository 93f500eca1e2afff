//! Builds requests to Greenhouse, below origin `api`, and the steps that send them.
//!
//! Only this module knows that every collection is at `/v3/<collection>`, that there is no `GET
//! /v3/<collection>/<id>` (it answers 404 even for an existing record: harvest-v3.md §3 \[2nd\]),
//! and that a filter takes at most [`IDS_MAX`] ids. Left out: the host, the credential and the
//! encoding of the query, which the engine adds.

use crate::state::Continued;
use atsync_adapter::contract::{
    Body, Effect, Failure, Field, Json, Path, Request, Send, Step, Target,
};
use serde_json::Value;

/// The origin of every request except those for tokens.
pub const API: &str = "api";
/// The origin of the token endpoint, which only the engine uses.
pub const AUTH: &str = "auth";
/// The most ids that a filter takes (harvest-v3.md §3.1 \[ok\]).
pub const IDS_MAX: usize = 50;
/// The largest page; Greenhouse refuses 501 instead of clamping it (harvest-v3.md §4 \[ok\]).
pub const PER_PAGE_MAX: u32 = 500;

/// Builds `GET /v3/<collection>` with a query.
pub fn get(collection: &str, query: Vec<Field>) -> Request {
    Request {
        origin: API.into(),
        method: "GET".into(),
        target: Target::Path(Path { path: path(&[collection]), query }),
        headers: Vec::new(),
        body: Body::None,
    }
}

/// Requests the page that a `Link` header named. A cursor must be the only parameter (harvest-v3.md
/// §4 \[ok\]), so the URL stays unchanged.
pub fn follow(link: String) -> Request {
    Request {
        origin: API.into(),
        method: "GET".into(),
        target: Target::Link(link),
        headers: Vec::new(),
        body: Body::None,
    }
}

/// Builds `POST /v3/<segments>`, for example `["applications", id, "move"]`.
pub fn post(segments: &[&str], body: Json) -> Request {
    with_body("POST", segments, body)
}

/// Builds `PATCH /v3/<collection>/<id>`.
pub fn patch(collection: &str, id: &str, body: Json) -> Request {
    with_body("PATCH", &[collection, id], body)
}

/// Builds `DELETE /v3/<collection>/<id>`.
pub fn delete(collection: &str, id: &str) -> Request {
    Request {
        origin: API.into(),
        method: "DELETE".into(),
        target: Target::Path(Path { path: path(&[collection, id]), query: Vec::new() }),
        headers: Vec::new(),
        body: Body::None,
    }
}

fn with_body(method: &str, segments: &[&str], body: Json) -> Request {
    Request {
        origin: API.into(),
        method: method.into(),
        target: Target::Path(Path { path: path(segments), query: Vec::new() }),
        headers: Vec::new(),
        body: Body::Json(body),
    }
}

fn path(segments: &[&str]) -> String {
    let mut all = vec!["v3"];
    all.extend_from_slice(segments);
    atsync_adapter::path::join(&all)
}

/// Sends a request that changes nothing.
pub(crate) fn safe(request: Request, state: &impl Continued) -> Result<Step, Failure> {
    step(request, state, Effect::Safe)
}

/// Sends the one request of a write that changes Greenhouse.
pub(crate) fn changing(request: Request, state: &impl Continued) -> Result<Step, Failure> {
    step(request, state, Effect::Unsafe)
}

fn step(request: Request, state: &impl Continued, effect: Effect) -> Result<Step, Failure> {
    Ok(Step::Send(Send { request, state: state.encode()?, effect, secrets: Vec::new() }))
}

/// Whether a text can be an id of Greenhouse: a positive whole number of up to 19 digits
/// (harvest-v3.md §3 \[ok\]), in its one written form. `07` names the same record as `7`, so it
/// must not be stored as another.
pub fn is_id(text: &str) -> bool {
    (1..=19).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && !text.starts_with('0')
}

/// Converts an id to a JSON number, as request bodies need it.
///
/// # Errors
/// [`Failure::Invalid`] for `field` when the text is not an id of Greenhouse.
pub fn id_number(field: &str, text: &str) -> Result<Value, Failure> {
    let number = text.parse::<u64>().ok().filter(|_| is_id(text));
    number.map(Value::from).ok_or_else(|| crate::answer::invalid(field, "not an id of Greenhouse"))
}

/// Builds a filter by ids: `ids=1,2,3`, `candidate_ids=…`.
///
/// # Errors
/// [`Failure::Bug`] when there are none (the filter would select all) or more than [`IDS_MAX`].
pub fn ids(name: &str, ids: &[&str]) -> Result<Field, Failure> {
    if ids.is_empty() || ids.len() > IDS_MAX {
        return Err(Failure::Bug(format!(
            "{} ids in a filter that takes 1 to {IDS_MAX}",
            ids.len()
        )));
    }
    Ok(Field::new(name, ids.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_takes_one_to_fifty_ids() {
        let many: Vec<String> = (0..51).map(|id| id.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(ids("ids", &[]).is_err());
        assert!(ids("ids", &many).is_err());
        assert_eq!(ids("ids", &["1", "2"]).unwrap(), Field::new("ids", "1,2"));
    }

    #[test]
    fn an_id_is_sent_as_a_number_however_long() {
        assert_eq!(id_number("job", "9007199254740993").unwrap().to_string(), "9007199254740993");
        assert!(id_number("job", "12a").is_err());
        assert!(id_number("job", "-1").is_err());
    }

    #[test]
    fn paths_stay_below_v3() {
        let Target::Path(path) = post(&["applications", "7", "move"], "{}".into()).target else {
            panic!("a path")
        };
        assert_eq!(path.path, "/v3/applications/7/move");
    }
}
