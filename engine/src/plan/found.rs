//! Where something that is declared stands. Pure.

use super::Record;
use std::sync::Arc;

/// Where something that is declared stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found<'a> {
    /// The ATS has it.
    Existing(&'a Arc<Record>),
    /// It is to be made.
    Missing,
    /// Somebody in the ATS archived or deleted it, and that stands.
    Removed,
}
