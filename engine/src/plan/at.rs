//! Where something that is declared stands. Pure.

use super::Record;
use std::sync::Arc;

/// Where something that is declared stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum At<'a> {
    /// The ATS has it.
    There(&'a Arc<Record>),
    /// It is to be made.
    ToBeMade,
    /// Somebody in the ATS archived or deleted it, and that stands.
    TakenAway,
}
