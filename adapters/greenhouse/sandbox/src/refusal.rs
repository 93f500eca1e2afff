//! Refusals of requests, with bodies in each of the known shapes.
//!
//! Which shape Greenhouse sends is open (harvest-v3.md §6), so [`ErrorShape`] chooses it or rotates
//! through all.

use atsync_sandbox::Answer;
use serde_json::{Value, json};

use crate::quirks::ErrorShape;

/// One refused member of a request.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) field: String,
    pub(crate) text: String,
}

/// The reason for a refusal.
#[derive(Debug, Clone)]
pub(crate) enum Refusal {
    Unauthorized(&'static str),
    /// A missing scope and an actor who is not a Site Admin get the same answer, as in Greenhouse.
    Forbidden,
    NotFound,
    BadRequest(&'static str),
    TooLarge,
    Invalid(Vec<Problem>),
    /// A 422 whose text the reference quotes.
    Cursor(&'static str),
}

impl Refusal {
    pub(crate) fn invalid(field: &str, text: impl Into<String>) -> Self {
        Self::Invalid(vec![Problem { field: field.to_owned(), text: text.into() }])
    }

    /// Returns the reason in one line.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::NotFound => "there is no such object".to_owned(),
            Self::Invalid(problems) => problems
                .iter()
                .map(|problem| format!("{} {}", problem.field, problem.text))
                .collect::<Vec<_>>()
                .join("; "),
            other => format!("{other:?}"),
        }
    }

    /// Builds the answer; `turn` selects the shape where shapes rotate.
    pub(crate) fn answer(&self, shape: ErrorShape, turn: u64) -> Answer {
        match self {
            Self::Unauthorized(text) => {
                Answer::value(401, &json!({"message": "Unauthorized", "errors": [text]}))
            }
            Self::Forbidden => {
                Answer::value(403, &json!({"message": "Not authorized to access this resource"}))
            }
            Self::NotFound => Answer::value(404, &json!({"message": "Resource not found"})),
            Self::BadRequest(text) => {
                Answer::value(400, &json!({"message": "Bad Request", "errors": [text]}))
            }
            Self::TooLarge => Answer::value(413, &json!({"message": "Payload Too Large"})),
            Self::Cursor(text) => Answer::value(422, &json!({"errors": [text]})),
            Self::Invalid(problems) => Answer::value(422, &invalid_body(problems, shape, turn)),
        }
    }
}

fn invalid_body(problems: &[Problem], shape: ErrorShape, turn: u64) -> Value {
    let shape = match (shape, turn % 4) {
        (ErrorShape::Rotate, 0) => ErrorShape::Strings,
        (ErrorShape::Rotate, 1) => ErrorShape::Objects,
        (ErrorShape::Rotate, 2) => ErrorShape::StringsWithoutMessage,
        (ErrorShape::Rotate, _) => ErrorShape::ObjectsWithoutMessage,
        (fixed, _) => fixed,
    };
    let message = "Unprocessable Content";
    let sentence = |problem: &Problem| Value::from(format!("{} {}", problem.field, problem.text));
    let object = |problem: &Problem| json!({problem.field.as_str(): problem.text});
    let list =
        |one: &dyn Fn(&Problem) -> Value| Value::from(problems.iter().map(one).collect::<Vec<_>>());
    match shape {
        ErrorShape::Rotate | ErrorShape::Strings => {
            json!({"message": message, "errors": list(&sentence)})
        }
        ErrorShape::Objects => json!({"message": message, "errors": list(&object)}),
        ErrorShape::StringsWithoutMessage => json!({"errors": list(&sentence)}),
        ErrorShape::ObjectsWithoutMessage => json!({"errors": list(&object)}),
        ErrorShape::V1 => {
            json!({"message": message, "errors": list(&|problem| json!({"message": problem.text,
                "field": problem.field}))})
        }
    }
}
