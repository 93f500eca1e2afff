//! Tests the read half through the contract: tasks and replies in, requests and records out. No
//! clock, no network.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests"
)]

mod answers;
mod check;
mod endpoints;
mod fetch;
mod hook;
mod kinds_table;
mod manifest;
mod raw;
mod recorded;
mod recording;
mod records;
mod register;
mod scan;
mod support;
mod tenant;
