//! Why a field is as it is: the declared, the applied and the observed value, and the decision.
//! Pure.
//!
//! Decisions are recorded where the plan makes them (`plan::decide`), so what is explained is what
//! is done.

pub use super::record::explained as record;
pub use super::story::Story;
