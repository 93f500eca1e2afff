//! Lever by its description, over answers of the shapes that its reference documents.

#![cfg(feature = "host")]
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod hooks;
mod reads;
mod support;
mod valid;
mod writes;
