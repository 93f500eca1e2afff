//! Findings: the reports of a plan beside its steps. Pure.

use crate::reason::Reason;
use serde::Serialize;

/// A report of a plan about one path.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// What it means.
    pub kind: FindingKind,
    /// The path it is about.
    pub path: String,
    /// Why, for programs.
    pub reason: Reason,
    /// A sentence: what happened, to which record, what to do.
    pub message: String,
}

impl Finding {
    /// Makes a finding about a path, with its text.
    pub fn new(
        kind: FindingKind,
        path: impl Into<String>,
        reason: Reason,
        message: impl Into<String>,
    ) -> Self {
        Self { kind, path: path.into(), reason, message: message.into() }
    }

    /// Returns what ends the wait, to follow "it waits until": an action, or a later read.
    pub(crate) fn until(&self) -> &'static str {
        match self.reason {
            Reason::NotVisible => "the ATS shows it, or somebody acts",
            Reason::NotRead => "the ATS answers, or somebody acts",
            _ => "somebody acts",
        }
    }
}

/// The meaning of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FindingKind {
    /// The record waits for an action; where the reason is `NotVisible`, also until the ATS shows
    /// the named record; where it is `NotRead`, also until a read of it succeeds.
    Blocked,
    /// A recruiter changed an owned field, and the policy keeps the change.
    Drifted,
    /// Both sides changed the field since it was last in step; nothing is written.
    Conflict,
    /// Worth knowing.
    Note,
}
