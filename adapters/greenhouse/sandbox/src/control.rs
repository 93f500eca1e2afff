//! The control surface: JSON under `/_sandbox/`, for tests in another process than the binary.
//!
//! Its calls use no budget, are not logged, meet no faults, and need no credential: every client of
//! the port may use it. So the server listens on loopback by default. Left out: changes that no
//! HTTP client needs, which a test in the same process makes on [`Sandbox`].

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::answer::{Answer, Request};
use crate::faults::Fault;
use crate::partner::PartnerClient;
use crate::query::pairs;
use crate::recruiter::Recruiter;
use crate::sandbox::Sandbox;
use crate::webhooks;

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    Many(Vec<T>),
    One(T),
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct AccessChange {
    /// Replaces all scopes by these.
    scopes: Option<Vec<String>>,
    /// Adds these.
    grant: Vec<String>,
    /// Removes these.
    revoke: Vec<String>,
    site_admin: Option<bool>,
    sees_private_candidates: Option<bool>,
    sees_confidential_jobs: Option<bool>,
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConsentRevocation {
    consent: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScopeRemoval {
    client_id: String,
    scope: String,
}

/// Answers one control call.
pub(crate) fn serve(sandbox: &Sandbox, request: &Request<'_>) -> Answer {
    let path = request.path().trim_start_matches("/_sandbox").trim_matches('/');
    let segments: Vec<&str> = path.split('/').collect();
    let outcome = match (request.method, segments.as_slice()) {
        ("GET", ["" | "state"]) => Ok(state(sandbox)),
        ("GET", ["counts"]) => Ok(counts(sandbox)),
        ("GET", ["requests"]) => Ok(json!(sandbox.requests())),
        ("GET", ["writes"]) => Ok(json!(sandbox.writes())),
        ("DELETE", ["requests" | "writes" | "logs"]) => {
            sandbox.clear_logs();
            Ok(json!({}))
        }
        ("GET", ["faults"]) => Ok(json!(sandbox.faults().rules())),
        ("POST", ["faults"]) => faults(sandbox, request),
        ("DELETE", ["faults"]) => {
            sandbox.faults().clear();
            Ok(json!({}))
        }
        ("GET", ["access"]) => Ok(json!(sandbox.access())),
        ("PATCH", ["access"]) => access(sandbox, request),
        ("GET", ["quirks"]) => Ok(json!(sandbox.quirks())),
        ("PATCH", ["quirks"]) => quirks(sandbox, request),
        ("POST", ["clock"]) => read::<ClockChange>(request).map(|change| {
            sandbox.advance_ms(change.advance_ms);
            json!({"now_ms": sandbox.now_ms()})
        }),
        ("POST", ["rate_limit"]) => read::<RateChange>(request).map(|change| {
            sandbox.set_rate_limit(change.limit);
            json!({})
        }),
        ("POST", ["revoke_tokens"]) => {
            sandbox.revoke_tokens();
            Ok(json!({}))
        }
        (_, ["partners" | "remove_scope" | "consents" | "revoke_consent" | "token_pairs"]) => {
            match partner(sandbox, request, path) {
                Some(outcome) => outcome,
                None => return no_such_call(),
            }
        }
        ("POST", ["recruiter"]) => {
            read::<Recruiter>(request).and_then(|deed| sandbox.recruiter(&deed))
        }
        (_, ["webhooks" | "deliveries" | "fire", ..]) => {
            match webhooks::called(sandbox, request, &segments) {
                Some(outcome) => outcome,
                None => return no_such_call(),
            }
        }
        ("GET", ["candidates"]) => by_email(sandbox, request),
        ("GET", ["rows", collection]) => rows(sandbox, collection, request),
        ("GET", ["rows", collection, id]) => {
            let row = id.parse().ok().and_then(|id| sandbox.row(collection, id));
            row.ok_or_else(|| "there is no such row".to_owned())
        }
        _ => return no_such_call(),
    };
    match outcome {
        Ok(value) => Answer::value(200, &value),
        Err(text) => Answer::value(400, &json!({"error": text})),
    }
}

fn no_such_call() -> Answer {
    Answer::value(404, &json!({"error": "no such control call"}))
}

/// Answers the calls about partners and consents.
fn partner(sandbox: &Sandbox, request: &Request<'_>, path: &str) -> Option<Result<Value, String>> {
    Some(match (request.method, path) {
        ("GET", "partners") => Ok(json!(sandbox.partners())),
        ("POST", "partners") => read::<PartnerClient>(request).map(|client| {
            sandbox.set_partner(client);
            json!(sandbox.partners())
        }),
        ("POST", "remove_scope") => read::<ScopeRemoval>(request).map(|removal| {
            let had = sandbox.remove_partner_scope(&removal.client_id, &removal.scope);
            json!({"removed": had})
        }),
        ("GET", "consents") => Ok(json!(sandbox.consents())),
        ("POST", "revoke_consent") => read::<ConsentRevocation>(request)
            .map(|revocation| json!({"revoked": sandbox.revoke_consent(revocation.consent)})),
        ("GET", "token_pairs") => Ok(json!(sandbox.token_pairs())),
        _ => return None,
    })
}

fn read<T: DeserializeOwned>(request: &Request<'_>) -> Result<T, String> {
    serde_json::from_slice(request.body).map_err(|error| error.to_string())
}

fn counts(sandbox: &Sandbox) -> Value {
    sandbox
        .counts()
        .into_iter()
        .map(|(name, count)| (name.to_owned(), json!(count)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn state(sandbox: &Sandbox) -> Value {
    json!({
        "now_ms": sandbox.now_ms(),
        "service_user_id": sandbox.service_user_id(),
        "counts": counts(sandbox),
        "access": sandbox.access(),
        "quirks": sandbox.quirks(),
        "faults": sandbox.faults().rules(),
    })
}

fn faults(sandbox: &Sandbox, request: &Request<'_>) -> Result<Value, String> {
    let rules = match read::<OneOrMany<Fault>>(request)? {
        OneOrMany::One(rule) => vec![rule],
        OneOrMany::Many(rules) => rules,
    };
    let control = sandbox.faults();
    for rule in rules {
        control.add(rule);
    }
    Ok(json!(control.rules()))
}

fn access(sandbox: &Sandbox, request: &Request<'_>) -> Result<Value, String> {
    let change: AccessChange = read(request)?;
    sandbox.set_access(|access| {
        if let Some(scopes) = change.scopes {
            access.scopes = scopes.into_iter().collect();
        }
        access.scopes.extend(change.grant);
        for scope in change.revoke {
            access.scopes.remove(&scope);
        }
        access.site_admin = change.site_admin.unwrap_or(access.site_admin);
        access.sees_private_candidates =
            change.sees_private_candidates.unwrap_or(access.sees_private_candidates);
        access.sees_confidential_jobs =
            change.sees_confidential_jobs.unwrap_or(access.sees_confidential_jobs);
    });
    Ok(json!(sandbox.access()))
}

/// Changes only the named switches, and refuses an unknown one.
fn quirks(sandbox: &Sandbox, request: &Request<'_>) -> Result<Value, String> {
    let change: serde_json::Map<String, Value> = read(request)?;
    let mut merged = json!(sandbox.quirks());
    if let Some(map) = merged.as_object_mut() {
        map.extend(change);
    }
    let quirks = serde_json::from_value(merged).map_err(|error| error.to_string())?;
    sandbox.set_quirks(|held| *held = quirks);
    Ok(json!(sandbox.quirks()))
}

fn by_email(sandbox: &Sandbox, request: &Request<'_>) -> Result<Value, String> {
    let pairs = pairs(request.query());
    let email = pairs.iter().find(|(name, _)| name == "email").map(|(_, value)| value.as_str());
    email
        .map(|email| json!(sandbox.candidates_by_email(email)))
        .ok_or_else(|| "email is missing".to_owned())
}

/// Lists all rows of a collection, or those with a value in one id column: `?candidate_id=7`.
fn rows(sandbox: &Sandbox, collection: &str, request: &Request<'_>) -> Result<Value, String> {
    match pairs(request.query()).first() {
        None => Ok(json!(sandbox.rows(collection))),
        Some((column, value)) => {
            let value = value.parse().map_err(|_| "the value is not an id".to_owned())?;
            Ok(json!(sandbox.rows_where(collection, column, value)))
        }
    }
}
