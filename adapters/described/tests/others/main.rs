//! Teamtailor, SmartRecruiters and Recruitee by their descriptions: what their sandboxes of data
//! cannot answer. The conformance suite runs over the rest.

#![cfg(feature = "host")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod recruitee;
mod smartrecruiters;
mod support;
mod teamtailor;
