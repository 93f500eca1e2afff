//! The result of looking for a declared item in the ATS. Pure.

use super::Record;
use std::sync::Arc;

/// The result of looking for a declared item in the ATS.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found<'a> {
    /// The ATS has its record.
    Existing(&'a Arc<Record>),
    /// The ATS lacks it: it is to be created.
    Missing,
    /// A recruiter archived or deleted it, and the policy keeps that.
    Removed,
}
