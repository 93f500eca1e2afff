//! What a plan has to say beyond its steps. Pure.

use crate::reason::Reason;
use serde::Serialize;

/// Something that a plan has to say beyond its steps.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// What it means.
    pub kind: FindingKind,
    /// The path it is about.
    pub host: String,
    /// Why, for programs.
    pub reason: Reason,
    /// A sentence: what, where, what to do.
    pub message: String,
}

impl Finding {
    /// What ends it, after "it waits until": an act, or for what is not shown also a later read.
    pub(crate) fn until(&self) -> &'static str {
        match self.reason {
            Reason::NotVisible => "the ATS shows it, or somebody acts",
            Reason::NotRead => "the ATS answers, or somebody acts",
            _ => "somebody acts",
        }
    }
}

/// What a finding means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FindingKind {
    /// Nothing is done for this record until a person acts; where the reason is `NotVisible`, until
    /// the ATS shows what is named; where it is `NotRead`, until a read of what is named is
    /// answered again.
    Blocked,
    /// Somebody in the ATS changed an owned field, and their edit stands.
    Drifted,
    /// Both sides changed the field since it was last in step; nothing is written.
    Conflict,
    /// Worth knowing.
    Note,
}
