//! Why a field is as it is: who wants what, what was written last, what is there, what comes of it.
//! Pure.
//!
//! The stories are taken down where the plan decides (`plan::decide`), so that what is explained
//! is what is done.

pub use super::record::explained as record;
pub use super::story::Story;
