//! Values that a host makes for its own tests, of types that the engine alone makes otherwise.
//!
//! The types are `#[non_exhaustive]`: a later version may add a member, and a host's code still
//! compiles. So each has a constructor that takes what every value needs; the other members are
//! public, to be set afterwards. Types with a `Default` need none.

use crate::plan::{Finding, FindingKind, Step};
use crate::reason::Reason;
use crate::reconcile::{CheckResult, StepEnd, StepReport};
use serde_json::Map;
use std::collections::BTreeMap;

impl Step {
    /// A step of a path that creates or changes nothing yet, at the cost of one request.
    pub fn new(host: impl Into<String>, operation: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            operation: operation.into(),
            target: None,
            target_path: None,
            input: Map::new(),
            after: Vec::new(),
            makes: BTreeMap::new(),
            fields: Vec::new(),
            applied: BTreeMap::new(),
            reason: String::new(),
            side_effects: Vec::new(),
            look_first: false,
            calls: 1,
        }
    }
}

impl Finding {
    /// A finding about a path, with its text.
    pub fn new(
        kind: FindingKind,
        host: impl Into<String>,
        reason: Reason,
        message: impl Into<String>,
    ) -> Self {
        Self { kind, host: host.into(), reason, message: message.into() }
    }
}

impl StepReport {
    /// How a step of a path ended, without warnings.
    pub fn new(host: impl Into<String>, operation: impl Into<String>, end: StepEnd) -> Self {
        Self { host: host.into(), operation: operation.into(), end, warnings: Vec::new() }
    }
}

impl CheckResult {
    /// The verdict on a required permission: `granted`, `missing`, `actor`, `refused` or `unknown`.
    pub fn new(permission: impl Into<String>, verdict: &'static str) -> Self {
        Self {
            permission: permission.into(),
            label: String::new(),
            verdict,
            detail: String::new(),
            without_it: String::new(),
            grant_at: String::new(),
            optional: false,
        }
    }
}
