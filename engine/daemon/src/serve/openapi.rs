//! The OpenAPI document: what the handlers say of themselves, and what holds for all of them.
//!
//! Added here: the token that a request needs, the refusal that any operation may answer, the
//! idempotency key of actions, what each status means, and the JSON Schema of a desired record,
//! which the model has.

use super::problem::{self, PROBLEM_JSON};
use super::repeats;
use atsync::model::desired::Desired;
use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use utoipa::{OpenApi, ToSchema};

/// Where components are.
const SCHEMAS: &str = "#/components/schemas/";
/// Operations that need no token.
const OPEN: [&str; 2] = ["/livez", "/readyz"];

/// What a desired record is; the model's own text is for readers of Rust.
const DESIRED: &str = "Any record that can be declared. Its `kind` says which; without one it is a \
                       candidate.";

/// What the handlers add to.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "atsync",
        description = "Keeps hiring data in step with Applicant Tracking Systems. Every refusal is \
            a problem document (RFC 9457) whose `type` is stable.",
        license(name = "MIT OR Apache-2.0")
    ),
    components(
        schemas(problem::ProblemDocument, repeats::Replayed),
        responses(problem::ProblemDocument)
    )
)]
pub(super) struct Document;

/// The place of the schema of a desired record, which [`finished`] fills in.
#[derive(ToSchema)]
#[schema(as = Desired)]
#[expect(dead_code, reason = "only its name is used")]
pub(super) struct DesiredRecord {
    key: String,
}

/// The document that is served, from what the handlers say.
pub(super) fn finished(document: &utoipa::openapi::OpenApi) -> Value {
    let mut document = serde_json::to_value(document).unwrap_or_default();
    if let Some(paths) = member(&mut document, &["paths"]) {
        for (path, item) in paths {
            for (method, operation) in item.as_object_mut().into_iter().flatten() {
                if let Some(operation) = operation.as_object_mut() {
                    complete(path, method, operation);
                }
            }
        }
    }
    if let Some(components) = member(&mut document, &["components"]) {
        let bearer = json!({ "token": { "type": "http", "scheme": "bearer" } });
        components.insert("securitySchemes".to_owned(), bearer);
    }
    let content = ["components", "responses", "ProblemDocument", "content", PROBLEM_JSON];
    if let Some(content) = member(&mut document, &content) {
        content.insert("schema".to_owned(), json!({ "$ref": format!("{SCHEMAS}Problem") }));
    }
    if let Some(schemas) = member(&mut document, &["components", "schemas"]) {
        let mut desired = serde_json::to_value(schemars::schema_for!(Desired)).unwrap_or_default();
        point_to_components(&mut desired);
        let parts = desired.as_object_mut().and_then(|desired| {
            desired.remove("$schema");
            desired.insert("description".to_owned(), json!(DESIRED));
            desired.remove("$defs")
        });
        if let Some(Value::Object(parts)) = parts {
            schemas.extend(parts);
        }
        schemas.insert("Desired".to_owned(), desired);
    }
    document
}

/// The object at the end of these members.
fn member<'a>(document: &'a mut Value, names: &[&str]) -> Option<&'a mut Map<String, Value>> {
    let found = names.iter().try_fold(document, |inner, name| inner.get_mut(*name));
    found.and_then(Value::as_object_mut)
}

/// Adds to an operation what holds for all.
fn complete(path: &str, method: &str, operation: &mut Map<String, Value>) {
    if !OPEN.contains(&path) {
        operation.insert("security".to_owned(), json!([{ "token": [] }]));
    }
    if let Some(Value::Object(responses)) = operation.get_mut("responses") {
        for (status, response) in &mut *responses {
            if let Some(response) = response.as_object_mut() {
                response.entry("description").or_insert_with(|| json!(meaning(status)));
            }
        }
        let refusal = json!({ "$ref": "#/components/responses/ProblemDocument" });
        responses.insert("default".to_owned(), refusal);
    }
    if method == "post" && repeats::has_key(path) {
        if !repeats::may_be_kept(path) {
            may_be_replayed(operation);
        }
        let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
        if let Value::Array(parameters) = parameters {
            parameters.push(json!({
                "name": "Idempotency-Key", "in": "header", "required": false,
                "description": "The action is carried out once for this key. Keys live a day.",
                "schema": { "type": "string", "pattern": "^[!-~]{1,200}$" },
            }));
        }
    }
}

/// Adds the answer to a repeat, where the first answer is not kept.
fn may_be_replayed(operation: &mut Map<String, Value>) {
    let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
    for (status, response) in responses.into_iter().flatten() {
        let schema = response.pointer_mut("/content/application~1json/schema");
        if let Some(schema) = schema.filter(|_| status.starts_with('2')) {
            let replayed = json!({ "$ref": format!("{SCHEMAS}Replayed") });
            *schema = json!({ "anyOf": [schema.take(), replayed] });
        }
    }
}

/// What a status means: OpenAPI wants a description of each answer.
fn meaning(status: &str) -> &str {
    let status = status.parse().ok().and_then(|status| StatusCode::from_u16(status).ok());
    status.and_then(|status| status.canonical_reason()).unwrap_or_default()
}

/// Turns references into a schema's own definitions into references to components.
fn point_to_components(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if name == "$ref" => {
                        *text = text.replacen("#/$defs/", SCHEMAS, 1);
                    }
                    member => point_to_components(member),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(point_to_components),
        _ => {}
    }
}
