//! Explains a field: the declared, the applied and the observed value, and the decision. Pure.
//!
//! Decisions are recorded where the plan makes them (`plan::decide`), so an explanation shows the
//! decision that the plan made.

pub use super::record::explained as record;
pub use super::story::Story;
