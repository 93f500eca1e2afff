//! The control surface: JSON under `/_sandbox/`, the same for every ATS, for tests in another
//! process and for a conformance suite.
//!
//! Its calls use no budget, are not logged, meet no faults, and need no credential: every client of
//! the port may use it. So a server listens on loopback by default. What a sandbox has beside the
//! common calls it answers in [`Controlled::own`]. The README lists the calls.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::answer::{Answer, Request};
use crate::faults::Fault;
use crate::log::Logged;
use crate::query::pairs;

/// The prefix of control calls.
pub const PREFIX: &str = "/_sandbox";

/// What a sandbox says about itself, so that one suite can drive any.
#[derive(Debug, Clone, Serialize)]
pub struct About {
    /// The name of the ATS, in lower case.
    pub ats: &'static str,
    /// The origins by the name that atsync's adapter gives them, each with its base path.
    pub origins: Vec<(&'static str, &'static str)>,
    /// How a client proves itself now: members named as atsync's adapter names its secrets and
    /// settings.
    pub credential: Value,
    /// The collections with rows.
    pub collections: Vec<Collection>,
}

/// A collection of a sandbox.
#[derive(Debug, Clone, Serialize)]
pub struct Collection {
    /// The name, as `rows` and `edit` take it.
    pub name: String,
    /// The permission to list it, as `access` takes it; none when it needs none of its own.
    pub permission: Option<String>,
    /// Whether rows change through `edit`.
    pub editable: bool,
}

/// A sandbox that the control surface drives.
pub trait Controlled {
    /// Describes the sandbox.
    fn about(&self) -> About;
    /// Returns the sandbox's time.
    fn now_ms(&self) -> i64;
    /// Advances the sandbox's time, relative to its clock.
    fn advance_ms(&self, by_ms: i64);
    /// Makes the company anew, of another seed or size if given, and forgets everything that
    /// happened. Switches, access and faults return to those of the start.
    fn reset(&self, seed: Option<u64>, candidates: Option<usize>);
    /// Lists the requests.
    fn requests(&self) -> Vec<Logged>;
    /// Lists the writes.
    fn writes(&self) -> Value;
    /// Clears both logs.
    fn clear_logs(&self);
    /// Lists the faults.
    fn fault_rules(&self) -> Vec<Fault>;
    /// Adds a fault.
    fn add_fault(&self, fault: Fault);
    /// Removes every fault.
    fn clear_faults(&self);
    /// Returns what the credential may do.
    fn access(&self) -> Value;
    /// Changes what the credential may do.
    ///
    /// # Errors
    /// When the change cannot be read.
    fn change_access(&self, change: &Value) -> Result<(), String>;
    /// Returns the switches.
    fn quirks(&self) -> Value;
    /// Replaces the switches.
    ///
    /// # Errors
    /// When there is no such switch or value.
    fn replace_quirks(&self, quirks: Value) -> Result<(), String>;
    /// Sets the budget of requests, in the ATS's own unit of time.
    fn set_rate_limit(&self, limit: u32);
    /// Counts the rows of every collection, hidden ones included.
    fn counts(&self) -> Vec<(&'static str, usize)>;
    /// Lists the rows of a collection as the API shows them, hidden ones included; those with a
    /// value in a column, if given.
    ///
    /// # Errors
    /// When the value does not fit the column.
    fn rows(&self, collection: &str, column: Option<(&str, &str)>) -> Result<Vec<Value>, String>;
    /// Returns one row.
    fn row(&self, collection: &str, id: &str) -> Option<Value>;
    /// Lists the candidates with an e-mail address, compared without case.
    fn with_email(&self, email: &str) -> Vec<Value>;
    /// Changes a row as a user of the screens would: the given members, or, without any, one that
    /// the sandbox chooses. Returns the row's id.
    ///
    /// # Errors
    /// The reason, in the API's wording.
    fn edit(
        &self,
        collection: &str,
        id: &str,
        values: Option<&Map<String, Value>>,
    ) -> Result<Value, String>;
    /// Acts as a user of the screens. Returns `{"id": …}`.
    ///
    /// # Errors
    /// The reason, in the API's wording.
    fn recruiter(&self, deed: &[u8]) -> Result<Value, String>;
    /// Lists the webhooks as the API shows them.
    fn webhooks(&self) -> Value;
    /// Makes webhooks as an admin does. Returns their ids.
    ///
    /// # Errors
    /// The reason, in the API's wording.
    fn add_webhooks(&self, new: &[u8]) -> Result<Value, String>;
    /// Enables a webhook. Returns whether it exists.
    fn enable_webhook(&self, id: &str) -> bool;
    /// Removes a webhook. Returns whether it existed.
    fn remove_webhook(&self, id: &str) -> bool;
    /// Lists the deliveries.
    fn deliveries(&self) -> Value;
    /// Fires an event with a payload of the caller's, true or not.
    ///
    /// # Errors
    /// When there is no such event.
    fn fire(&self, event: &str, payload: Value) -> Result<(), String>;

    /// Adds members to `state` that only this sandbox has.
    fn more_state(&self) -> Map<String, Value> {
        Map::new()
    }

    /// Answers a call that only this sandbox has.
    fn own(&self, request: &Request<'_>, segments: &[&str]) -> Option<Result<Value, String>> {
        let _ = (request, segments);
        None
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    Many(Vec<T>),
    One(T),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockChange {
    advance_ms: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RateChange {
    limit: u32,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Reset {
    seed: Option<u64>,
    candidates: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    collection: String,
    id: Value,
    #[serde(default)]
    values: Option<Map<String, Value>>,
}

/// Answers one control call.
pub fn serve<S: Controlled>(sandbox: &S, request: &Request<'_>) -> Answer {
    let path = request.path().trim_start_matches(PREFIX).trim_matches('/');
    let segments: Vec<&str> = path.split('/').collect();
    let called = common(sandbox, request, &segments)
        .or_else(|| webhooks(sandbox, request, &segments))
        .or_else(|| sandbox.own(request, &segments));
    match called {
        Some(Ok(value)) => Answer::value(200, &value),
        Some(Err(text)) => Answer::value(400, &json!({"error": text})),
        None => Answer::value(404, &json!({"error": "no such control call"})),
    }
}

fn common<S: Controlled>(
    sandbox: &S,
    request: &Request<'_>,
    segments: &[&str],
) -> Option<Result<Value, String>> {
    Some(match (request.method, segments) {
        ("GET", ["about"]) => Ok(about(sandbox)),
        ("GET", ["" | "state"]) => Ok(state(sandbox)),
        ("GET", ["counts"]) => Ok(counts(sandbox)),
        ("GET", ["requests"]) => Ok(json!(sandbox.requests())),
        ("GET", ["writes"]) => Ok(sandbox.writes()),
        ("DELETE", ["requests" | "writes" | "logs"]) => {
            sandbox.clear_logs();
            Ok(json!({}))
        }
        ("GET", ["faults"]) => Ok(json!(sandbox.fault_rules())),
        ("POST", ["faults"]) => faults(sandbox, request),
        ("DELETE", ["faults"]) => {
            sandbox.clear_faults();
            Ok(json!({}))
        }
        ("GET", ["access"]) => Ok(sandbox.access()),
        ("PATCH", ["access"]) => read::<Value>(request)
            .and_then(|change| sandbox.change_access(&change))
            .map(|()| sandbox.access()),
        ("GET", ["quirks"]) => Ok(sandbox.quirks()),
        ("PATCH", ["quirks"]) => quirks(sandbox, request),
        ("POST", ["clock"]) => read::<ClockChange>(request).map(|change| {
            sandbox.advance_ms(change.advance_ms);
            json!({"now_ms": sandbox.now_ms()})
        }),
        ("POST", ["rate_limit"]) => read::<RateChange>(request).map(|change| {
            sandbox.set_rate_limit(change.limit);
            json!({})
        }),
        ("POST", ["reset"]) => reset(request).map(|reset| {
            sandbox.reset(reset.seed, reset.candidates);
            state(sandbox)
        }),
        ("POST", ["recruiter"]) => sandbox.recruiter(request.body),
        ("POST", ["edit"]) => read::<Edit>(request).and_then(|edit| {
            let id = match &edit.id {
                Value::String(id) => id.clone(),
                other => other.to_string(),
            };
            let id = sandbox.edit(&edit.collection, &id, edit.values.as_ref())?;
            Ok(json!({"id": id}))
        }),
        ("GET", ["candidates"]) => by_email(sandbox, request),
        ("GET", ["rows", collection]) => {
            let pairs = pairs(request.query());
            let column = pairs.first().map(|(name, value)| (name.as_str(), value.as_str()));
            sandbox.rows(collection, column).map(Value::from)
        }
        ("GET", ["rows", collection, id]) => {
            sandbox.row(collection, id).ok_or_else(|| "there is no such row".to_owned())
        }
        _ => return None,
    })
}

fn webhooks<S: Controlled>(
    sandbox: &S,
    request: &Request<'_>,
    segments: &[&str],
) -> Option<Result<Value, String>> {
    Some(match (request.method, segments) {
        ("GET", ["webhooks"]) => Ok(sandbox.webhooks()),
        ("POST", ["webhooks"]) => sandbox.add_webhooks(request.body).map(|ids| json!({"ids": ids})),
        ("POST", ["webhooks", id, "enable"]) => Ok(json!({"enabled": sandbox.enable_webhook(id)})),
        ("DELETE", ["webhooks", id]) => Ok(json!({"removed": sandbox.remove_webhook(id)})),
        ("GET", ["deliveries"]) => Ok(sandbox.deliveries()),
        ("POST", ["fire", event]) => read::<Value>(request)
            .and_then(|payload| sandbox.fire(event, payload))
            .map(|()| json!({})),
        _ => return None,
    })
}

/// Reads the body of a control call.
///
/// # Errors
/// What cannot be read.
pub fn read<T: DeserializeOwned>(request: &Request<'_>) -> Result<T, String> {
    serde_json::from_slice(request.body).map_err(|error| error.to_string())
}

fn reset(request: &Request<'_>) -> Result<Reset, String> {
    if request.body.is_empty() { Ok(Reset::default()) } else { read(request) }
}

fn about<S: Controlled>(sandbox: &S) -> Value {
    let about = sandbox.about();
    let origins: Map<String, Value> =
        about.origins.iter().map(|(name, path)| ((*name).to_owned(), json!(path))).collect();
    json!({
        "ats": about.ats,
        "origins": origins,
        "credential": about.credential,
        "collections": about.collections,
    })
}

fn counts<S: Controlled>(sandbox: &S) -> Value {
    let counts = sandbox.counts();
    let counts = counts.into_iter().map(|(name, count)| (name.to_owned(), json!(count)));
    counts.collect::<Map<_, _>>().into()
}

fn state<S: Controlled>(sandbox: &S) -> Value {
    let mut state = sandbox.more_state();
    for (name, value) in [
        ("now_ms", json!(sandbox.now_ms())),
        ("counts", counts(sandbox)),
        ("access", sandbox.access()),
        ("quirks", sandbox.quirks()),
        ("faults", json!(sandbox.fault_rules())),
    ] {
        state.insert(name.to_owned(), value);
    }
    state.into()
}

fn faults<S: Controlled>(sandbox: &S, request: &Request<'_>) -> Result<Value, String> {
    let rules = match read::<OneOrMany<Fault>>(request)? {
        OneOrMany::One(rule) => vec![rule],
        OneOrMany::Many(rules) => rules,
    };
    for rule in rules {
        sandbox.add_fault(rule);
    }
    Ok(json!(sandbox.fault_rules()))
}

/// Changes only the named switches, and refuses an unknown one.
fn quirks<S: Controlled>(sandbox: &S, request: &Request<'_>) -> Result<Value, String> {
    let change: Map<String, Value> = read(request)?;
    let mut merged = sandbox.quirks();
    if let Some(map) = merged.as_object_mut() {
        map.extend(change);
    }
    sandbox.replace_quirks(merged)?;
    Ok(sandbox.quirks())
}

fn by_email<S: Controlled>(sandbox: &S, request: &Request<'_>) -> Result<Value, String> {
    let pairs = pairs(request.query());
    let email = pairs.iter().find(|(name, _)| name == "email").map(|(_, value)| value.as_str());
    email.map(|email| json!(sandbox.with_email(email))).ok_or_else(|| "email is missing".to_owned())
}
